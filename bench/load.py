"""The other side: people who log in, and plain readers, as a process of its own with its own CPU.

Reads one `Task` as JSON from standard input, carries it out and writes what it took as JSON. It speaks
just enough HTTP: raw sockets kept alive within a login, one thread a client, minimal parsing.
"""

from __future__ import annotations

import json
import queue
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

WAIT_SECONDS = 30.0
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
TOKEN = b'name="csrf_token" value="'


@dataclass(frozen=True, slots=True)
class Task:
    """What to do, so many clients at a time: `people` log in once each, or strangers read `paths`."""

    port: int
    clients: int
    people: list[str] = field(default_factory=list)
    password: str = ""
    paths: list[str] = field(default_factory=list)
    most_seconds: float = 60.0


@dataclass(slots=True)
class Took:
    """What it took: seconds of each whole login or read, of each password post, and altogether."""

    whole: list[float] = field(default_factory=list)
    password: list[float] = field(default_factory=list)
    seconds: float = 0.0
    own_cpu: float = 0.0
    faults: list[str] = field(default_factory=list)


class FaultError(Exception):
    """An answer that is not what the step leads to."""


class Visitor:
    """One connection and the cookies of one browser."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._cookies: dict[str, str] = {}

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def forget(self) -> None:
        """Be a stranger again."""
        self._cookies.clear()

    def get(self, path: str) -> bytes:
        """Open a page; returns its body."""
        status, _location, body = self._ask("GET", path)
        if status != 200:
            raise FaultError(f"GET {path}: {status}")
        return body

    def post(self, path: str, form: dict[str, str]) -> str:
        """Send a form; returns where it leads."""
        status, location, _body = self._ask("POST", path, urlencode(form).encode())
        if status != 303:
            raise FaultError(f"POST {path}: {status}")
        return location

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", f"User-Agent: {AGENT}"]
        lines += ["Accept: text/html", "Accept-Language: da", "Accept-Encoding: gzip, br"]
        if self._cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self._cookies.items()))
        if body is not None:
            lines += [f"Origin: http://{self._host}", "Sec-Fetch-Site: same-origin"]
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + (body or b""))
        return self._answer()

    def _answer(self) -> tuple[int, str, bytes]:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        length, location = 0, ""
        for line in received[:end].decode("latin-1").split("\r\n")[1:]:
            name, _, value = line.partition(": ")
            name = name.lower()
            if name == "content-length":
                length = int(value)
            elif name == "location":
                location = value
            elif name == "set-cookie":
                self._keep(value)
        body = received[end + 4 :]
        while len(body) < length:
            body += self._receive()
        return int(received[9:12]), location, body

    def _receive(self) -> bytes:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise FaultError("the server hung up")
        return chunk

    def _keep(self, line: str) -> None:
        name, _, value = line.partition(";")[0].partition("=")
        if "Max-Age=0" in line or not value:
            self._cookies.pop(name, None)
        else:
            self._cookies[name] = value


def log_in(port: int, username: str, password: str, took: Took) -> None:
    """Log one person in as a browser without script does, in a browser that nobody has used before."""
    began = time.perf_counter()
    visitor = Visitor(port)
    try:
        visitor.get("/login")
        page = visitor.get("/login/brugernavn")
        form = {"csrf_token": _token(page), "destination": "", "username": username}
        page = visitor.get(visitor.post("/login/brugernavn", form))
        form = {"csrf_token": _token(page), "username": username, "password": password}
        sent = time.perf_counter()
        landing = visitor.post("/login/adgangskode", form)
        answered = time.perf_counter()
        page = visitor.get(landing)
        if landing != "/mit" or username.encode() not in page:
            raise FaultError(f"{username} landed on {landing}")
    finally:
        visitor.close()
    took.whole.append(time.perf_counter() - began)
    took.password.append(answered - sent)


def _token(page: bytes) -> str:
    begin = page.index(TOKEN) + len(TOKEN)
    return page[begin : page.index(b'"', begin)].decode()


def carry_out(task: Task) -> Took:
    """Carry out a task with its clients in threads; whatever time is up for is left."""
    work: queue.SimpleQueue[str] = queue.SimpleQueue()
    for item in task.people or task.paths:
        work.put(item)
    took, deadline = Took(), time.monotonic() + task.most_seconds
    client = _people if task.people else _readers
    threads = [
        threading.Thread(target=client, args=(task, work, took, deadline)) for _ in range(task.clients)
    ]
    began, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took.seconds, took.own_cpu = time.perf_counter() - began, time.process_time() - cpu
    return took


def _people(task: Task, work: queue.SimpleQueue[str], took: Took, deadline: float) -> None:
    while time.monotonic() < deadline and not work.empty():
        try:
            log_in(task.port, work.get_nowait(), task.password, took)
        except queue.Empty:
            return
        except (FaultError, OSError, ValueError) as fault:
            took.faults.append(str(fault))


def _readers(task: Task, work: queue.SimpleQueue[str], took: Took, deadline: float) -> None:
    visitor = Visitor(task.port)
    while time.monotonic() < deadline and not work.empty():
        try:
            path = work.get_nowait()
            began = time.perf_counter()
            visitor.get(path)
            visitor.forget()
            took.whole.append(time.perf_counter() - began)
        except queue.Empty:
            break
        except (FaultError, OSError, ValueError) as fault:
            took.faults.append(str(fault))
            break
    visitor.close()


def main() -> None:
    """Do the task on standard input."""
    told: dict[str, Any] = json.load(sys.stdin)
    json.dump(asdict(carry_out(Task(**told))), sys.stdout)


if __name__ == "__main__":
    main()
