"""What runs by itself, in every worker: sealing the audit, and sweeping what has run out."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from app.db import SWEPT_AT_ONCE, Database, instant
from app.domain import audit, devices, flows, mitid, sessions, throttling
from app.domain.elevadgang import hands, windows
from app.world import Clock

log = logging.getLogger("app.jobs")

SEAL_SECONDS = 10
SWEEP_SECONDS = 300
KEEP_ENDED_SESSIONS = timedelta(days=45)


def start(database: Database, clock: Clock) -> None:
    """Run the jobs in a thread that ends with the process and leaves its signals to the server."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    threading.Thread(target=_run, args=(database, clock), name="jobs", daemon=True).start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(database: Database, clock: Clock) -> None:
    wake = threading.Event()
    rounds = 0
    while not wake.wait(SEAL_SECONDS):
        rounds += 1
        try:
            seal(database, clock)
            if rounds % (SWEEP_SECONDS // SEAL_SECONDS) == 0:
                sweep(database, clock)
        except SQLAlchemyError as error:
            # Another worker was first, or the database is away; the next round does it.
            log.info("job", extra={"kind": type(error).__name__})
        except Exception as error:
            # The next round may fare better; a thread that ended would never sweep again.
            log.error("job", exc_info=error)


def seal(database: Database, clock: Clock) -> int:
    """Seal what can be sealed, batch by batch; returns how many events."""
    count = 0
    while True:
        with database.writing() as db:
            sealed = audit.seal(db, instant(clock))
            db.commit()
        count += sealed
        if sealed < audit.BATCH:
            return count


def sweep(database: Database, clock: Clock) -> None:
    """Remove what has run out or is long unused, a short transaction at a time."""
    for act in (
        windows.expire,
        windows.sweep,
        hands.sweep,
        flows.sweep,
        mitid.sweep,
        throttling.sweep,
        devices.sweep,
        lambda db, now: sessions.sweep(db, now, KEEP_ENDED_SESSIONS),
    ):
        count = SWEPT_AT_ONCE
        while count >= SWEPT_AT_ONCE:
            with database.writing() as db:
                db.connection()
                count = act(db, instant(clock))
                db.commit()
