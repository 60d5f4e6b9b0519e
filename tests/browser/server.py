"""The real server, as `make run` starts it, over a copy of the demo school that a test may spoil."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import Message
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app import keys as keyring
from app.config import PROJECT, Config
from app.db import Database
from app.domain import passwords
from app.domain.audit import Event
from app.models.audit import AuditEvent
from app.models.people import PasswordType
from app.models.sso import SsoSession
from app.serve import granian_command
from tests.cast import Member, user_of
from tests.conftest import Template

READY_WITHIN_SECONDS = 60.0
PAUSE_SECONDS = 0.01


@dataclass(frozen=True)
class Answer:
    """What came back of one request that no browser made."""

    status: int
    headers: Message
    text: str

    def cookie(self, name: str) -> str | None:
        """Return the value of a cookie that is set."""
        found = SimpleCookie[str]()
        for line in self.headers.get_all("Set-Cookie", []):
            found.load(line)
        return found[name].value if name in found else None


class Server:
    """Two workers on a free port, a database of their own, and the files that move their world."""

    def __init__(self, template: Template, folder: Path, name: str, *, mitid_port: int | None = None) -> None:
        """Prepare a copy of `template` in `folder`; nothing runs yet. Without a port there is no MitID."""
        self._mitid_port = mitid_port
        self._template, self._name, self.folder = template, name, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._is_spoiled = False
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        url = f"sqlite:///{folder}/unilogin.db"
        if template.postgres is None:
            shutil.copy(self._template_file, folder / "unilogin.db")
        else:
            url = template.postgres.create(name, template="template_demo")
        self.config: Config = replace(
            template.config, instance=folder, database_url=url, port=self.port, public_url=self.address
        )
        self.database = Database(url)
        with self.reading() as db:
            self._before: int = db.scalar(select(func.max(AuditEvent.id))) or 0

    @property
    def _template_file(self) -> Path:
        return Path(self._template.config.database_url.removeprefix("sqlite:///"))

    # ---- Running ----

    def start(self) -> None:
        """Start, and wait until both workers answer."""
        theirs, self._life = os.pipe()
        environ = {
            **os.environ,
            "BROWSER_TESTS": str(self.folder),
            "BROWSER_TESTS_LIFE": str(theirs),
            "DATABASE_URL": self.config.database_url,
            "INSTANCE_DIR": str(self.folder),
            "KEYS_FILE": str(self.config.keys_file),
            "LOG_LEVEL": "ERROR",
            "MITID_BROKER": "none" if self._mitid_port is None else "simulator",
            "MITID_PORT": str(self._mitid_port or 1),
            "MODE": "demo",
            "PORT": str(self.port),
            "PUBLIC_URL": self.address,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*granian_command(self.config), "tests.browser.wsgi:app"],
                cwd=PROJECT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(theirs,),
            )
        os.close(theirs)
        self._wait(lambda: len(self.workers()) == self.config.workers and self._answers())

    def stop(self) -> None:
        """Stop, and remove the database; a server that lost workers is not asked politely."""
        if self._process is not None:
            if not self._is_spoiled:
                self._process.send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(5)
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            os.close(self._life)
        self.database.dispose()
        if self._template.postgres is not None:
            self._template.postgres.drop(self._name)

    def workers(self) -> list[int]:
        """Return the processes that serve now."""
        files = (self.folder / "workers").glob("*") if (self.folder / "workers").exists() else []
        return [int(file.name) for file in files if _is_running(int(file.name))]

    def log(self) -> str:
        """Return what the server has said so far."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def wait_for_two_workers(self) -> None:
        """Wait until a killed worker has been replaced."""
        self._wait(lambda: len(self.workers()) == self.config.workers)

    def wait_for_a_death_among(self, workers: list[int]) -> None:
        """Wait until one of these workers is gone, and its sockets with it."""
        self._wait(lambda: bool(set(workers) - set(self.workers())))

    def _wait(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not is_done():
            assert self._process is not None
            assert self._process.poll() is None, f"the server ended:\n{self.log()}"
            assert time.monotonic() < deadline, f"the server is not ready:\n{self.log()}"
            time.sleep(PAUSE_SECONDS)

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/healthz").status == 200
        except OSError:
            return False

    # ---- Its world ----

    def reset(self) -> None:
        """Bring database, clock and mishaps back to the start, beneath the running server."""
        (self.folder / "offset").unlink(missing_ok=True)
        (self.folder / "fault").unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(self._template_file)) as source,
            closing(sqlite3.connect(self.folder / "unilogin.db", timeout=10)) as target,
        ):
            target.execute("PRAGMA synchronous=OFF")
            source.backup(target, sleep=PAUSE_SECONDS)

    def forward(self, **amount: float) -> None:
        """Move the clock of both workers on."""
        file = self.folder / "offset"
        before = float(file.read_text()) if file.exists() else 0.0
        new = self.folder / "offset.new"
        new.write_text(str(before + timedelta(**amount).total_seconds()))
        new.rename(file)

    def kill_worker_at(self, path: str, point: str, *, commit: int = 1) -> None:
        """Have the worker that commits for a POST to `path` killed just before or after that commit."""
        self._is_spoiled = True
        new = self.folder / "fault.new"
        new.write_text(json.dumps({"path": path, "point": point, "commit": commit}))
        new.rename(self.folder / "fault")

    @property
    def has_failed(self) -> bool:
        """Whether the fault has struck."""
        return not (self.folder / "fault").exists()

    # ---- Asking without a browser ----

    def ask(self, method: str, path: str, *, form: dict[str, str] | None = None, cookies: str = "") -> Answer:
        """Send one request on a connection of its own; nothing is followed and nothing sent twice."""
        headers = {"Host": f"127.0.0.1:{self.port}", "Connection": "close"}
        if cookies:
            headers["Cookie"] = cookies
        body = urlencode(form) if form is not None else None
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.address}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()

    def ask_at_once(self, path: str, *, form: dict[str, str], cookies: str, times: int) -> list[Answer]:
        """Send the same form several times at once."""
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda _: self.ask("POST", path, form=form, cookies=cookies), range(times)))

    def unknown_name(self, *, has_pictures: bool) -> str:
        """Return a username that nobody has and that seems to have pictures, or words."""
        ring = keyring.read(self.config.keys_file)
        wanted = PasswordType.PICTURES if has_pictures else PasswordType.WORDS
        names = (f"zzzz{number}" for number in range(1000, 10_000))
        return next(name for name in names if passwords.decoy_type(ring, name) is wanted)

    # ---- What the store holds ----

    def reading(self) -> Session:
        """Return a session on the server's database."""
        return self.database.reading()

    def count(self, query: Select[Any]) -> int:
        """Return how many rows a query finds."""
        with self.reading() as db:
            return db.scalar(select(func.count()).select_from(query.subquery())) or 0

    def living_sessions(self, member: Member) -> int:
        """Return how many of a person's sessions have not ended."""
        with self.reading() as db:
            user_id = user_of(db, member).id
        return self.count(
            select(SsoSession.id).where(SsoSession.user_id == user_id, SsoSession.ended_at.is_(None))
        )

    def events(self, member: Member, *kinds: Event) -> list[str]:
        """Return what was recorded about a person since the start, oldest first; all, or the kinds named."""
        with self.reading() as db:
            query = select(AuditEvent.event).where(
                AuditEvent.subject_id == user_of(db, member).id, AuditEvent.id > self._before
            )
            if kinds:
                query = query.where(AuditEvent.event.in_([kind.name for kind in kinds]))
            return list(db.scalars(query.order_by(AuditEvent.id)))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port: int = attempt.getsockname()[1]
        return port


def _is_running(pid: int) -> bool:
    """Whether a process has a thread left: with the last one go its sockets."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False
