"""Connections that ask for the same few things again and again, as a process of its own with its own CPU.

Reads one `Repetition` as JSON from standard input, carries it out and writes what it took as JSON. One
thread looks after all connections, and every request is made beforehand: a kept page costs the server little,
and asking for it should cost less.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any

from bench.load import Took
from bench.visitor import AGENT, WAIT_SECONDS, FaultError

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# What a browser says, without what it would be known by.
ALWAYS = {
    "User-Agent": AGENT,
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "da,en-US;q=0.7,en;q=0.3",
    "Accept-Encoding": "gzip, deflate, br, zstd",
}


@dataclass(frozen=True, slots=True)
class Repetition:
    """For how long so many connections ask for `paths` in turn, and the status each answer must have."""

    port: int
    connections: int
    seconds: float
    paths: list[str]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Connection:
    """One connection kept alive, with one request under way at a time."""

    def __init__(self, port: int, requests: Iterator[bytes], expected: bytes) -> None:
        """Connect; every answer must begin with what is `expected`."""
        self._requests, self._expected = requests, expected
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = b""
        self._missing = 0
        self.asked_at = 0.0

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def ask(self) -> None:
        """Send the next request."""
        self.asked_at = time.perf_counter()
        self._socket.sendall(next(self._requests))

    def take(self) -> bool:
        """Take what has come; returns whether that was the end of an answer.

        Raises:
            FaultError: the answer is another one than expected, or none.

        """
        received = self._socket.recv(65536)
        if not received:
            raise FaultError("the server hung up")
        if self._missing:
            self._missing -= len(received)
            return not self._missing
        self._head += received
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return False
        if not self._head.startswith(self._expected):
            raise FaultError(f"not {self._expected.decode()} but {self._head[:end].decode('latin-1')}")
        found = LENGTH.search(self._head, 0, end)
        self._missing = (int(found[1]) if found else 0) - (len(self._head) - end - 4)
        self._head = b""
        return not self._missing


def carry_out(task: Repetition) -> Took:
    """Ask until the time is up; what is under way then is waited for and counted."""
    took = Took()
    lines = "".join(f"{name}: {value}\r\n" for name, value in (ALWAYS | task.headers).items())
    host = f"127.0.0.1:{task.port}"
    requests = cycle([f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode() for path in task.paths])
    connections = [
        Connection(task.port, requests, f"HTTP/1.1 {task.status} ".encode()) for _ in range(task.connections)
    ]
    by_number = {one.fileno(): one for one in connections}
    with select.epoll() as waiting:
        for number in by_number:
            waiting.register(number, select.EPOLLIN)
        began, cpu = time.perf_counter(), time.process_time()
        try:
            _ask_and_take(by_number, waiting, began + task.seconds, took)
        except (FaultError, OSError) as fault:
            took.faults.append(str(fault))
        took.seconds, took.own_cpu = time.perf_counter() - began, time.process_time() - cpu
    for one in connections:
        one.close()
    return took


def _ask_and_take(
    connections: dict[int, Connection], waiting: select.epoll, ends_at: float, took: Took
) -> None:
    for one in connections.values():
        one.ask()
    under_way = len(connections)
    while under_way:
        ready = waiting.poll(WAIT_SECONDS)
        if not ready:
            raise FaultError("no answer")
        for number, _event in ready:
            one = connections[number]
            if not one.take():
                continue
            now = time.perf_counter()
            took.whole.append(now - one.asked_at)
            if now < ends_at:
                one.ask()
            else:
                under_way -= 1


def main() -> None:
    """Do the task on standard input."""
    told: dict[str, Any] = json.load(sys.stdin)
    json.dump(asdict(carry_out(Repetition(**told))), sys.stdout)


if __name__ == "__main__":
    main()
