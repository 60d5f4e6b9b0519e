"""What runs by itself, in every worker.

Noticing a clock that was set back, sealing the audit, closing the windows of who may help no more, ending the
sessions of who belongs nowhere any more, sweeping what has run out, sending mails.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import SWEPT_AT_ONCE, Database, Instant, instant
from app.domain import (
    audit,
    contact,
    devices,
    feedback,
    flows,
    misses,
    mitid,
    outbox,
    quota,
    sessions,
    setbacks,
    throttling,
)
from app.domain.elevadgang import hands, revoking, windows
from app.models.elevadgang import PasswordWindow
from app.world import Clock, MailError, MailServer

log = logging.getLogger("app.jobs")

SEAL_SECONDS = 10
LOST_SECONDS = 60
SWEEP_SECONDS = 300
MAIL_SECONDS = 10
Job = Callable[[Database, Clock], object]
KEEP_ENDED_SESSIONS = timedelta(days=45)


def start(database: Database, clock: Clock, mail_server: MailServer | None = None) -> None:
    """Run the jobs in threads that end with the process and leave its signals to the server.

    Mails have a thread of their own: a mail server that hangs holds up nothing else.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    threading.Thread(target=_run, args=(database, clock), name="jobs", daemon=True).start()
    if mail_server is not None:
        threading.Thread(
            target=_run_mails, args=(database, clock, mail_server), name="mails", daemon=True
        ).start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(database: Database, clock: Clock) -> None:
    wake = threading.Event()
    rounds = 0
    while not wake.wait(SEAL_SECONDS):
        rounds += 1
        acts: list[Job] = [make_good, revoke, seal]
        if rounds % (LOST_SECONDS // SEAL_SECONDS) == 0:
            acts.append(end_lost)
        if rounds % (SWEEP_SECONDS // SEAL_SECONDS) == 0:
            acts.append(sweep)
        for act in acts:
            with _going_on():  # one that fails keeps no other from its turn
                act(database, clock)


def _run_mails(database: Database, clock: Clock, mail_server: MailServer) -> None:
    wake = threading.Event()
    while not wake.wait(MAIL_SECONDS):
        with _going_on():
            send_mails(database, clock, mail_server)


@contextmanager
def _going_on() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        # Another worker was first, or the database is away; the next round does it.
        log.info("job", extra={"kind": type(error).__name__})
    except Exception as error:
        # The next round may fare better; a thread that ended would never sweep again.
        log.error("job", exc_info=error)


def send_mails(database: Database, clock: Clock, mail_server: MailServer) -> int:
    """Send what waits, one after the other, until nothing does or the server is away; returns how many.

    No transaction is open while the server is asked.
    """
    count = 0
    while True:
        with database.writing() as db:
            db.connection()
            taken = outbox.take(db, instant(clock))
            db.commit()
        if taken is None:
            return count
        fault: MailError | None = None
        try:
            mail_server.send(taken.mail)
        except MailError as error:
            fault = error
        with database.writing() as db:
            db.connection()
            if fault is None:
                outbox.note_sent(db, taken, instant(clock))
            else:
                outbox.note_fault(db, taken, fault.reason, instant(clock), is_final=fault.is_final)
            db.commit()
        if fault is None:
            count += 1
            continue
        log.warning("mail", extra={"kind": fault.reason, "count": taken.tries})
        if not fault.is_final:
            return count


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


def make_good(database: Database, clock: Clock) -> int:
    """Notice a clock that was set back, and let nothing live longer for it; returns by how many seconds.

    Whoever looks after the machine is to know: its time was wrong before, or is now (S-07).
    """
    with database.writing() as db:
        db.connection()
        lost = setbacks.make_good(db, instant(clock))
        db.commit()
    if lost:
        log.error("the clock was set back", extra={"count": lost})
    return lost


def revoke(database: Database, clock: Clock) -> int:
    """Close the windows whose helper may help no more, each in a transaction of its own; returns how many.

    Nothing is written, and nobody has to wait, where there is none (S-46).
    """
    with database.reading() as db:
        lost = revoking.list_lost(db, instant(clock))
    return _one_by_one(
        database, clock, lost, lambda db, now, one: revoking.revoke(db, now, PasswordWindow.id == one)
    )


def end_lost(database: Database, clock: Clock) -> int:
    """End the sessions of who belongs nowhere any more, a transaction a person; returns how many (S-18).

    They open nothing as it is. Nothing is written, and nobody has to wait, where there is none.
    """
    with database.reading() as db:
        lost = sessions.list_lost(db, instant(clock))
    return _one_by_one(database, clock, lost, lambda db, now, user_id: sessions.end_lost(db, user_id, now))


def _one_by_one(
    database: Database, clock: Clock, ids: Iterable[int], act: Callable[[Session, Instant, int], int]
) -> int:
    """Act on each in a transaction of its own, so that none is long; returns how many it was done to."""
    count = 0
    for id in ids:
        with database.writing() as db:
            db.connection()
            count += act(db, instant(clock), id)
            db.commit()
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
        misses.sweep,
        contact.sweep,
        outbox.sweep,
        feedback.sweep,
        quota.sweep,
        lambda db, now: sessions.sweep(db, now, KEEP_ENDED_SESSIONS),
    ):
        count = SWEPT_AT_ONCE
        while count >= SWEPT_AT_ONCE:
            with database.writing() as db:
                db.connection()
                count = act(db, instant(clock))
                db.commit()
