"""The outbox: mails are written with what they tell of, and sent afterwards, until they are through (S-02).

One mail at a time is being sent, by whichever worker took the turn. It is marked before the server is asked
and again after; should the worker die in between, the mail is tried again, under the same message id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import and_, case, exists, literal, select, update
from sqlalchemy.orm import Session, aliased

from app.db import Instant, later, swept
from app.models.contact import OutgoingMail
from app.world import Dice, Mail

# After each try; longer than a try itself may take, as a mail whose sender died waits so long too.
WAITS = (300, 600, 1200, 2400, 4800, 9600)
LONGEST_WAIT = 14400
GIVE_UP_AFTER = timedelta(days=5)
KEEP_DAYS = 30
LONGEST_FAULT = 80
IS_OPEN = and_(OutgoingMail.sent_at.is_(None), OutgoingMail.failed_at.is_(None))


class State(Enum):
    """Where a mail stands."""

    WAITING = auto()
    SENT = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be written to somebody; `reply_to` is where an answer goes."""

    recipient: str
    subject: str
    body: str
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail whose turn it is."""

    id: int
    mail: Mail
    tries: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail as the operator sees it."""

    id: int
    recipient: str
    subject: str
    body: str
    written_at: datetime
    state: State
    tries: int
    next_at: datetime
    fault: str


def write(db: Session, dice: Dice, letter: Letter, host: str, now: Instant) -> None:
    """Put a mail into the transaction at hand; `host` stands in its message id."""
    db.add(
        OutgoingMail(
            message_id=f"<{dice.token()}@{host}>",
            recipient=letter.recipient,
            reply_to=letter.reply_to,
            subject=letter.subject,
            body=letter.body,
            written_at=now.at,
            next_at=now.at,
        )
    )


def take(db: Session, now: Instant) -> Taken | None:
    """Take the turn with the mail that has waited longest, or None where nothing waits or another has it.

    Two that come at once meet in the store's unique index: the second is refused with its error.
    """
    is_due = and_(IS_OPEN, OutgoingMail.next_at <= now.sql)
    # Its sender is dead: it had all that time.
    gone = update(OutgoingMail).where(OutgoingMail.turn.is_not(None), OutgoingMail.next_at <= now.sql)
    db.execute(gone.values(turn=None), execution_options={"synchronize_session": False})
    other = aliased(OutgoingMail)
    first = select(OutgoingMail.id).where(is_due).order_by(OutgoingMail.next_at, OutgoingMail.id).limit(1)
    wait = case(
        *((OutgoingMail.tries == tries, seconds) for tries, seconds in enumerate(WAITS)),
        else_=literal(LONGEST_WAIT),
    )
    row = db.execute(
        update(OutgoingMail)
        .where(OutgoingMail.id == first.scalar_subquery(), is_due, ~exists().where(other.turn == 1))
        .values(turn=1, tries=OutgoingMail.tries + 1, next_at=later(now.sql, wait))
        .returning(
            OutgoingMail.id,
            OutgoingMail.message_id,
            OutgoingMail.recipient,
            OutgoingMail.reply_to,
            OutgoingMail.subject,
            OutgoingMail.body,
            OutgoingMail.written_at,
            OutgoingMail.tries,
        ),
        execution_options={"synchronize_session": False},
    ).first()
    if row is None:
        return None
    mail = Mail(row.message_id, row.recipient, row.reply_to, row.subject, row.body, row.written_at)
    return Taken(row.id, mail, row.tries)


def note_sent(db: Session, taken: Taken, now: Instant) -> None:
    """Note that the server has taken a mail over."""
    values = {"sent_at": now.at, "turn": None, "fault": None}
    db.execute(update(OutgoingMail).where(OutgoingMail.id == taken.id).values(values))


def note_fault(db: Session, taken: Taken, reason: str, now: Instant, *, is_final: bool) -> None:
    """Note why a mail did not go; it waits for its next try, or is given up."""
    is_over = is_final or now.at - taken.mail.written_at > GIVE_UP_AFTER
    values = {"turn": None, "fault": reason[:LONGEST_FAULT], "failed_at": now.at if is_over else None}
    unsent = update(OutgoingMail).where(OutgoingMail.id == taken.id, OutgoingMail.sent_at.is_(None))
    db.execute(unsent.values(values))


def retry(db: Session, id: int, now: Instant) -> bool:
    """Let a mail that was not sent be tried at once; returns whether there is such a one."""
    waiting = update(OutgoingMail).where(
        OutgoingMail.id == id, OutgoingMail.sent_at.is_(None), OutgoingMail.turn.is_(None)
    )
    values = {"next_at": now.at, "failed_at": None}
    return db.execute(waiting.values(values).returning(OutgoingMail.id)).first() is not None


def list_newest(db: Session, limit: int) -> list[Listed]:
    """Return mails, the newest first."""
    newest = select(OutgoingMail).order_by(OutgoingMail.id.desc()).limit(limit)
    return [
        Listed(
            one.id,
            one.recipient,
            one.subject,
            one.body,
            one.written_at,
            State.SENT if one.sent_at else State.FAILED if one.failed_at else State.WAITING,
            one.tries,
            one.next_at,
            one.fault or "",
        )
        for one in db.scalars(newest)
    ]


def sweep(db: Session, now: Instant) -> int:
    """Remove mails that were written long ago, whatever became of them; returns how many."""
    return swept(db, OutgoingMail, OutgoingMail.written_at < now.after(-KEEP_DAYS * 86400))
