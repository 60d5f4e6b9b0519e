"""The site as the browser tests run it: the real app, in a world whose clock and mishaps stand in files.

A worker reads both from the folder that `BROWSER_TESTS` names, so that a test can move the time of a
running server, or have one worker killed at one exact point.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import g, has_request_context, request
from sqlalchemy import event
from sqlalchemy.orm import Session

from app import config as configuration
from app import create_app, jobs
from app.protocols import mitid
from app.world import Clock, World

FOLDER = Path(os.environ["BROWSER_TESTS"])
# A pipe whose other end the tests hold: it closes with them, however they end.
LIFE = int(os.environ["BROWSER_TESTS_LIFE"])
OFFSET, FAULT, WORKERS = FOLDER / "offset", FOLDER / "fault", FOLDER / "workers"


class FileClock(Clock):
    """The real clock, with the offset that stands in a file."""

    @property
    def offset(self) -> timedelta:  # type: ignore[override]
        """Return the seconds in the file; none where there is no file."""
        try:
            return timedelta(seconds=float(OFFSET.read_text()))
        except FileNotFoundError:
            return timedelta(0)


def fail_at(point: str) -> None:
    """Kill this worker if the fault file names the request's path, this commit of it, and this side of it."""
    if not has_request_context() or not FAULT.exists():
        return
    fault = json.loads(FAULT.read_text())
    if request.method != "POST" or fault["path"] != request.path or fault["point"] != point:
        return
    if fault["commit"] == g.get("commits", 0):  # a savepoint is none
        FAULT.unlink()  # one death a fault: the other worker, and the next try, go on
        os.kill(os.getpid(), signal.SIGKILL)


def before_commit(_connection: Any) -> None:
    if has_request_context():
        g.commits = g.get("commits", 0) + 1
    fail_at("before")


def after_commit(_session: Any) -> None:
    fail_at("after")


def end_with_the_tests() -> None:
    """Go, and the server with this worker, as soon as whoever started it is gone."""
    server = os.getppid()
    os.read(LIFE, 1)
    if os.getppid() == server:
        os.kill(server, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


config = configuration.read()
broker = mitid.for_settings(config.mitid, is_demo=True)
client = mitid.Client(broker, config.mitid_return) if broker else None
app = create_app(config, World(clock=FileClock(), mitid=client))
event.listen(app.extensions["database"].engine, "commit", before_commit)
event.listen(Session, "after_commit", after_commit)
threading.Thread(target=end_with_the_tests, daemon=True).start()
jobs.start(app.extensions["database"], app.extensions["world"].clock)

WORKERS.mkdir(exist_ok=True)
(WORKERS / str(os.getpid())).touch()
