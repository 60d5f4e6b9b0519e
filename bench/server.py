"""The server as `make run` starts it, over a school of so many people, and what it uses."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from app import config as configuration
from app.config import PROJECT
from app.serve import ENVIRON, granian_command
from bench import processes
from bench.load import Task, Took
from bench.repeating import Repetition
from tests.postgres import Postgres

PASSWORD = "BaadKat42"
READY_WITHIN_SECONDS = 60.0
COUNTERS = struct.Struct("<QQ")


class BenchError(Exception):
    """What was to be measured did not run; says why."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far: the server's, its hashes' within that, how many those were, the database's."""

    server: float
    hashing: float
    hashes: int
    database: float

    def since(self, before: Usage) -> Usage:
        """Return what was used in between."""
        return Usage(
            self.server - before.server,
            self.hashing - before.hashing,
            self.hashes - before.hashes,
            self.database - before.database,
        )


class Server:
    """Two workers on a free port, with a folder and a database of their own."""

    def __init__(self, folder: Path, postgres: Postgres | None) -> None:
        """Choose where everything lies; nothing runs yet."""
        self._folder, self._postgres = folder, postgres
        self._process: subprocess.Popen[bytes] | None = None
        self._counters = folder / "counters"
        self._counters.mkdir(parents=True)
        self.port = _free_port()
        file = folder / "unilogin.db"
        self._database_url = postgres.url(folder.name) if postgres else f"sqlite:///{file}"

    @property
    def _environ(self) -> dict[str, str]:
        address = f"http://127.0.0.1:{self.port}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {
            "BENCH_COUNTERS": str(self._counters),
            "DATABASE_URL": self._database_url,
            "INSTANCE_DIR": str(self._folder),
            "KEYS_FILE": str(self._folder / "keys.json"),
            "LOG_LEVEL": "WARNING",
            "MODE": "demo",
            "PORT": str(self.port),
            "PUBLIC_URL": address,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def fill(self, people: int, with_password: int, like: Server | None = None) -> None:
        """Make the database, from a copy of another server's where one is named."""
        if like is not None:
            shutil.copy(like._folder / "keys.json", self._folder / "keys.json")
        if self._postgres is not None:
            self._postgres.create(self._folder.name, template=like._folder.name if like else None)
        elif like is not None:
            shutil.copy(like._folder / "unilogin.db", self._folder / "unilogin.db")
        command = [sys.executable, "-m", "bench.prepare", str(people), str(with_password), PASSWORD]
        subprocess.run(command, cwd=PROJECT, env=self._environ, check=True)

    def start(self, app: str = "bench.wsgi:app") -> None:
        """Start an app, and wait until every worker has made it and one answers.

        Raises:
            BenchError: it does not come up.

        """
        config = replace(configuration.read(self._environ), workers=2, threads=4)
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*granian_command(config), app],
                cwd=PROJECT,
                env=ENVIRON | self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while len(list(self._counters.iterdir())) < config.workers or not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"the server did not start:\n{self._log()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server and remove its database."""
        if self._process is not None:
            started = [status.pid for status in processes.family(self._process.pid)]
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                for pid in started:
                    os.kill(pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
        if self._postgres is not None:
            self._postgres.drop(self._folder.name)
        shutil.rmtree(self._folder, ignore_errors=True)

    def usage(self) -> Usage:
        """Return the CPU used so far."""
        counted = [COUNTERS.unpack(file.read_bytes()) for file in self._counters.iterdir()]
        return Usage(
            processes.cpu_seconds(self._pid),
            sum(nanoseconds for nanoseconds, _ in counted) / 1e9,
            sum(hashes for _, hashes in counted),
            processes.cpu_seconds(self._postgres.pid) if self._postgres else 0.0,
        )

    def memory(self) -> float:
        """Return the megabytes of all server processes (PSS)."""
        return processes.pss_megabytes(self._pid)

    def meet(self, task: Task | Repetition) -> Took:
        """Let the load generator that knows such tasks carry one out.

        Raises:
            BenchError: nothing of it could be done.

        """
        done = subprocess.run(
            [sys.executable, "-m", "bench.load" if isinstance(task, Task) else "bench.repeating"],
            cwd=PROJECT,
            input=json.dumps(asdict(task)).encode(),
            stdout=subprocess.PIPE,
            check=True,
        )
        took = Took(**json.loads(done.stdout))
        if not took.whole:
            raise BenchError(f"nothing was done: {took.faults[:1]}\n{self._log()}")
        return took

    @property
    def _pid(self) -> int:
        if self._process is None:
            raise BenchError("the server is not started")
        return self._process.pid

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-4000:]


def _free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port: int = attempt.getsockname()[1]
        return port
