"""One server over one school, measured round by round."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

from app.demo.extra import username
from bench.figures import Round
from bench.load import Task
from bench.server import PASSWORD, Server

LOGIN_PAGE, FRONT_PAGE = "/login/brugernavn", "/da/"
PAGES = (LOGIN_PAGE, FRONT_PAGE)
READERS = 2
TEACHERS = 200
# A class may be pressed for three times a day, and a figure wants as many presses as there may be.
PRESSES = 9


def teacher(index: int) -> str:
    """Return the username of a teacher."""
    return f"laer{index:04}"


class School:
    """A running server, the people who take turns at it, and the rounds so far."""

    def __init__(self, server: Server, people: int, with_password: int) -> None:
        """Take a server that has been started."""
        self.server, self.people = server, people
        self._turns: Iterator[str] = cycle(username(index) for index in range(with_password))
        self.idle_megabytes = server.memory()
        self.loaded_megabytes = 0.0
        self.logins: dict[int, list[Round]] = {}
        self.reads: dict[str, list[Round]] = {}
        self.acts: dict[tuple[str, int], list[Round]] = {}
        self._desks: list[dict[str, Any]] = []
        self._next_press = 0
        self.faults: list[str] = []

    def warm_up(self) -> None:
        """Let both workers compile, connect and cache what they do once."""
        self._logins(clients=8, count=24)
        for path in PAGES:
            self._reads(path, 200)

    def measure_logins(self, clients: int, count: int) -> None:
        """Add a round of logins."""
        self.logins.setdefault(clients, []).append(self._logins(clients, count))

    def measure_reads(self, path: str, count: int) -> None:
        """Add a round of reads of one page, each by a stranger."""
        self.reads.setdefault(path, []).append(self._reads(path, count))

    def seat_teachers(self) -> None:
        """Log all teachers in and open their lists; then warm up what they do."""
        names = [teacher(index) for index in range(TEACHERS)]
        task = Task(self.server.port, 4, password=PASSWORD, act="enter", teachers=names)
        self._desks = self._opened(task, names)
        for act, count in (("look", 24), ("press", 3), ("poll", 24)):
            self._acts(act, count, READERS)

    def reopen_lists(self) -> None:
        """Let every teacher's list know of the presses so far."""
        task = Task(self.server.port, 4, act="reopen", desks=self._desks)
        self._desks = self._opened(task, [str(index) for index in range(len(self._desks))])

    def measure_acts(self, act: str, count: int, clients: int = READERS) -> None:
        """Add a round of what teachers do, each at the next desk."""
        self.acts.setdefault((act, clients), []).append(self._acts(act, count, clients))

    def _acts(self, act: str, count: int, clients: int) -> Round:
        begin = self._next_press if act == "press" else 0
        self._next_press += count if act == "press" else 0
        turns = islice(cycle(self._desks), begin, begin + count)
        return self._round(Task(self.server.port, clients, act=act, desks=list(turns)))

    def _opened(self, task: Task, names: list[str]) -> list[dict[str, Any]]:
        took = self.server.meet(task)
        self.faults += took.faults
        return [took.desks[name] for name in names if name in took.desks]

    def finish(self) -> None:
        """Note the memory after all that."""
        self.loaded_megabytes = self.server.memory()

    def _logins(self, clients: int, count: int) -> Round:
        people = list(islice(self._turns, count))
        return self._round(Task(self.server.port, clients, people=people, password=PASSWORD))

    def _reads(self, path: str, count: int) -> Round:
        return self._round(Task(self.server.port, READERS, paths=[path] * count))

    def _round(self, task: Task) -> Round:
        before = self.server.usage()
        took = self.server.meet(task)
        self.faults += [f"{fault} ({task.clients} at a time)" for fault in took.faults]
        return Round(task.clients, len(took.whole), self.server.usage().since(before), took)
