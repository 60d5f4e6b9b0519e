"""The other side: people who log in, plain readers and teachers, as a process of its own with its own CPU.

Reads one `Task` as JSON from standard input, carries it out and writes what it took as JSON: one thread a
client.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from bench import elevadgang
from bench.elevadgang import Desk
from bench.visitor import FaultError, Visitor


@dataclass(frozen=True, slots=True)
class Task:
    """What to do, so many clients at a time.

    `people` log in once each, or strangers read `paths`, or teachers do what `act` says: `enter` as one of
    `teachers`, or something at each of the `desks`.
    """

    port: int
    clients: int
    people: list[str] = field(default_factory=list)
    password: str = ""
    paths: list[str] = field(default_factory=list)
    act: str = ""
    teachers: list[str] = field(default_factory=list)
    desks: list[dict[str, Any]] = field(default_factory=list)
    most_seconds: float = 60.0


@dataclass(slots=True)
class Took:
    """What it took: seconds of each login, read or act, of each password post, and altogether.

    `desks` are those that were opened, by username or by place in the task.
    """

    whole: list[float] = field(default_factory=list)
    password: list[float] = field(default_factory=list)
    seconds: float = 0.0
    own_cpu: float = 0.0
    faults: list[str] = field(default_factory=list)
    desks: dict[str, dict[str, Any]] = field(default_factory=dict)


def log_in(port: int, username: str, password: str, took: Took) -> None:
    """Log one person in as a browser without script does, in a browser that nobody has used before."""
    began = time.perf_counter()
    visitor = Visitor(port)
    try:
        took.password.append(visitor.log_in(username, password))
    finally:
        visitor.close()
    took.whole.append(time.perf_counter() - began)


def carry_out(task: Task) -> Took:
    """Carry out a task with its clients in threads; whatever time is up for is left."""
    work: queue.SimpleQueue[str] = queue.SimpleQueue()
    for item in task.people or task.paths or task.teachers or range(len(task.desks)):
        work.put(str(item))
    took, deadline = Took(), time.monotonic() + task.most_seconds
    client = _people if task.people else _readers if task.paths else _teachers
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


def _teachers(task: Task, work: queue.SimpleQueue[str], took: Took, deadline: float) -> None:
    """Do the act at desk after desk, each over the one connection of this client."""
    visitor = Visitor(task.port)
    while time.monotonic() < deadline and not work.empty():
        try:
            item = work.get_nowait()
            began = time.perf_counter()
            if task.act == "enter":
                took.desks[item] = asdict(elevadgang.enter(visitor, item, task.password))
            elif task.act == "reopen":
                took.desks[item] = asdict(elevadgang.reopen(visitor, Desk(**task.desks[int(item)])))
            else:
                elevadgang.ACTS[task.act](visitor, Desk(**task.desks[int(item)]))
            took.whole.append(time.perf_counter() - began)
        except queue.Empty:
            break
        except (FaultError, OSError, ValueError) as fault:
            took.faults.append(f"{task.act}: {fault}")
            break
    visitor.close()


def main() -> None:
    """Do the task on standard input."""
    told: dict[str, Any] = json.load(sys.stdin)
    json.dump(asdict(carry_out(Task(**told))), sys.stdout)


if __name__ == "__main__":
    main()
