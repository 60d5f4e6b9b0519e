"""The events there are, recording one, and the chain of seals over them (S-75).

Whoever changes something records it in the same transaction. Recording never waits for anybody:
the chain is made afterwards, a batch at a time, of events whose transactions have ended.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, func, insert, literal, literal_column, or_, select
from sqlalchemy.orm import Session, aliased

from app.db import NOW, Instant, later, table
from app.direct import Bound, direct, executing, often
from app.models.audit import AuditAnchor, AuditEvent, AuditSeal, AuditSealed

# How far behind the newest sealed event an unsealed one may stand: ids are drawn before commit.
LOOK_BACK = 10_000
BATCH = 5_000
NO_SEAL = "0" * 64
KEPT_MONTHS = 13


class Event(Enum):
    """What can be done, and exactly which details each takes; none can hold a secret."""

    details: tuple[str, ...]

    def __new__(cls, *details: str) -> Event:
        """Number the event: two that take the same details are still two events."""
        event = object.__new__(cls)
        event._value_ = len(cls.__members__) + 1
        event.details = details
        return event

    LOGGED_IN = ("device", "network", "method")
    # Those of before the device was kept have none.
    LOGIN_REFUSED = ("device", "network", "reason")
    LOGGED_OUT = ()
    SESSION_ENDED = ("session",)
    SESSIONS_ENDED = ("count",)
    PASSWORD_CHANGED = ("password_type", "authorisation", "network")
    PASSWORD_CHANGE_POSTPONED = ()
    PICTURES_VOIDED = ("operator",)
    INSTITUTION_ADDED = ("operator",)
    PERSON_ADDED = ("operator",)
    RIGHT_GIVEN = ("right", "operator")
    BLOCKED = ()
    UNBLOCKED = ()
    TRIES_FORGOTTEN = ("operator",)
    NETWORK_ADDED = ("cidr", "operator")
    NETWORK_REMOVED = ("cidr", "operator")
    DEMO_LOADED = ("people",)
    START_REMOVED = ("seal", "events", "operator")
    MITID_CONFLICT = ("network",)
    CHILD_PASSWORD_CHANGED = ("child",)
    USERNAME_SHOWN = ()
    USERNAME_ACTIVATED = ()
    WINDOW_OPENED = ("network",)
    WINDOW_CLAIMED = ("device", "network", "doubt")
    WINDOW_APPROVED = ("network",)
    WINDOW_EXTENDED = ("network",)
    WINDOW_CANCELLED = ("reason",)
    WINDOW_EXPIRED = ()
    WINDOW_DISOWNED = ("network",)
    WINDOW_LIMIT_REACHED = ("limit",)
    PUPILS_SHOWN = ("where",)
    PUPILS_PRINTED = ("where",)
    FOREIGN_REFUSED = ("where", "network")
    HELP_ASKED = ("network",)
    PASSWORD_TYPE_MARKED = ("password_type",)
    LOG_EXPORTED = ()
    MITID_FORGOTTEN = ("operator",)
    NOTICE_TOLD = ("notice", "severity", "starts_at", "ends_at", "operator")
    NOTICE_ENDED = ("notice", "ends_at", "operator")
    NOTICE_TAKEN_BACK = ("notice", "operator")
    PUPIL_SHOWN = ()
    LOG_SHOWN = ()
    ALERTS_SHOWN = ()
    KEY_ROTATED = ("purpose", "operator")


# What others do, too: where it was the operator, the event says which one.
ALSO_OPERATORS = (Event.BLOCKED, Event.UNBLOCKED, Event.PASSWORD_CHANGED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker found: how much is sealed, and every fault in words."""

    events: int
    sealed: int
    seals: int
    newest_seal: str
    faults: list[str]


# One event as it was recorded: a row with the attributes of `AuditEvent`.
Recorded = Row[Any]

_RECORD = often(
    insert(table(AuditEvent)).values(
        at=NOW,
        event=bindparam("event"),
        actor_id=bindparam("actor_id"),
        subject_id=bindparam("subject_id"),
        institution_id=bindparam("institution_id"),
        details=bindparam("details"),
    )
)


def recording(
    event: Event,
    now: Instant,
    *,
    actor_id: int | None = None,
    subject_id: int | None = None,
    institution_id: int | None = None,
    **details: str | int,
) -> Bound:
    """Return what adds one event to the transaction at hand, when executed.

    Raises:
        ValueError: the details are not exactly those the event takes.

    """
    takes = set(event.details)
    if set(details) != takes and not (event in ALSO_OPERATORS and set(details) == {*takes, "operator"}):
        raise ValueError(f"{event.name} takes the details {event.details}, not {sorted(details)}")
    values = {
        "event": event.name,
        "actor_id": actor_id,
        "subject_id": subject_id,
        "institution_id": institution_id,
        "details": details,
    }
    return _RECORD, values | now.binds


record = executing(recording)

_ABOUT = (
    select(AuditEvent)
    .where(
        AuditEvent.subject_id == bindparam("user_id"),
        AuditEvent.id < bindparam("before"),
        # Who only looked stands in the school's log; here it would hide what was done.
        AuditEvent.event != Event.PUPIL_SHOWN.name,
    )
    .order_by(AuditEvent.id.desc())
    .limit(bindparam("most"))
)
# What each school of a pupil's has in its own log is one thing to the pupil: the last of them stands for all.
# They are of one transaction, within which PostgreSQL's clock goes on.
_SAME = aliased(AuditEvent)
_IS_TOLD = or_(
    AuditEvent.event != Event.HELP_ASKED.name,
    ~exists().where(
        _SAME.subject_id == AuditEvent.subject_id,
        _SAME.event == AuditEvent.event,
        _SAME.id > AuditEvent.id,
        _SAME.institution_id != AuditEvent.institution_id,
        _SAME.at.between(later(AuditEvent.at, literal(-1)), later(AuditEvent.at, literal(1))),
    ),
)
_OWN = often(_ABOUT.where(_IS_TOLD))
_NEWEST = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(bindparam("most"))
NEWEST = 2**62


def list_about(db: Session, user_id: int, *, most: int, before: int | None = None) -> list[Recorded]:
    """Return the newest of what was done to a person, newest first; `before` is an event to page on from."""
    return list(direct(db, _ABOUT, {"user_id": user_id, "before": before or NEWEST, "most": most}))


def list_own(db: Session, user_id: int, *, most: int, before: int | None = None) -> list[Recorded]:
    """Return the same to the person, who is told once of what several schools have in their logs."""
    return list(direct(db, _OWN, {"user_id": user_id, "before": before or NEWEST, "most": most}))


def list_all(db: Session, *, most: int) -> list[Recorded]:
    """Return the newest events of all, oldest first."""
    return list(direct(db, _NEWEST, {"most": most}))[::-1]


def seal(db: Session, now: Instant) -> int:
    """Seal one batch of the events that can no longer change; returns how many.

    On PostgreSQL an event waits until every transaction as old as its own has ended. Two sealers at
    once cannot fork the chain: the seal's number is its key, and the later one fails.
    """
    oldest_new = func.coalesce(select(func.max(AuditSealed.event_id)).scalar_subquery(), 0) - LOOK_BACK
    query = (
        select(AuditEvent)
        .where(AuditEvent.id > oldest_new, ~exists().where(AuditSealed.event_id == AuditEvent.id))
        .order_by(AuditEvent.id)
        .limit(BATCH)
    )
    if db.get_bind().dialect.name == "postgresql":
        running: Any = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        coming: Any = literal_column("pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        # A number still to come was given by another server, before a restore.
        query = query.where(or_(AuditEvent.xid < running, AuditEvent.xid >= coming, AuditEvent.xid.is_(None)))
    events = list(db.scalars(query))
    if not events:
        return 0
    number, before = _newest_link(db)
    digest = _digest(before, events)
    db.execute(insert(AuditSeal).values(id=number + 1, events=len(events), hash=digest, sealed_at=now.sql))
    db.execute(insert(AuditSealed), [{"event_id": e.id, "seal_id": number + 1} for e in events])
    return len(events)


def verify(db: Session) -> Verdict:
    """Check every seal against its events and the seal before it."""
    anchor = db.scalars(select(AuditAnchor).order_by(AuditAnchor.seal_id.desc()).limit(1)).first()
    number, before = (anchor.seal_id, anchor.hash) if anchor else (0, NO_SEAL)
    faults: list[str] = []
    # An anchor lets the triggers go, so one that nobody owns up to hides what was removed under it.
    if anchor and not _is_told(db, anchor):
        faults.append(f"the start was removed up to seal {number} without an event that says so")
    sealed = seals = 0
    for link in db.scalars(select(AuditSeal).where(AuditSeal.id > number).order_by(AuditSeal.id)):
        if link.id != number + 1:
            faults.append(f"seal {number + 1} is missing")
        events = list(
            db.scalars(
                select(AuditEvent)
                .join(AuditSealed, AuditSealed.event_id == AuditEvent.id)
                .where(AuditSealed.seal_id == link.id)
                .order_by(AuditEvent.id)
            )
        )
        if len(events) != link.events:
            faults.append(f"seal {link.id} covers {link.events} events, {len(events)} are left")
        elif _digest(before, events) != link.hash:
            faults.append(f"seal {link.id} does not fit its events and the seal before it")
        number, before = link.id, link.hash
        sealed += len(events)
        seals += 1
        db.expunge_all()  # a year of events need not stand in memory at once
    total = db.scalar(select(func.count()).select_from(AuditEvent)) or 0
    newest = db.scalar(select(func.max(AuditSealed.event_id))) or 0
    skipped = db.scalar(
        select(func.count())
        .select_from(AuditEvent)
        .where(AuditEvent.id <= newest - LOOK_BACK, ~exists().where(AuditSealed.event_id == AuditEvent.id))
    )
    if skipped:
        faults.append(f"{skipped} old events were never sealed")
    return Verdict(total, sealed, seals, before, faults)


def _is_told(db: Session, anchor: AuditAnchor) -> bool:
    told = exists().where(
        AuditEvent.event == Event.START_REMOVED.name,
        AuditEvent.details["seal"].as_integer() == anchor.seal_id,
    )
    return bool(db.scalar(select(told)))


def last_removable(now: Instant) -> date:
    """Return the last day before which events may go: all are kept for thirteen months (S-74)."""
    months = now.at.year * 12 + now.at.month - 1 - KEPT_MONTHS
    # No month is shorter than that; some events are kept for a few days more.
    return date(months // 12, months % 12 + 1, min(now.at.day, 28))


def remove_start(db: Session, now: Instant, before: date, *, operator: str) -> int | None:
    """Remove whole seals made before a day (UTC), leaving an anchor; returns how many events went.

    None where the day is later than the last before which events may go.
    """
    if before > last_removable(now):
        return None
    is_before = AuditSeal.sealed_at < datetime.combine(before, time(), UTC)
    last = db.scalars(select(AuditSeal).where(is_before).order_by(AuditSeal.id.desc()).limit(1)).first()
    if last is None:
        return 0
    # The anchor comes first: the triggers let go only of what an anchor covers.
    db.execute(insert(AuditAnchor).values(seal_id=last.id, hash=last.hash, anchored_at=now.sql))
    covered = select(AuditSealed.event_id).where(AuditSealed.seal_id <= last.id)
    count = db.scalar(select(func.count()).select_from(covered.subquery())) or 0
    db.execute(delete(AuditEvent).where(AuditEvent.id.in_(covered)))
    db.execute(delete(AuditSealed).where(AuditSealed.seal_id <= last.id))
    db.execute(delete(AuditSeal).where(AuditSeal.id <= last.id))
    record(db, Event.START_REMOVED, now, seal=last.id, events=count, operator=operator)
    return count


def _newest_link(db: Session) -> tuple[int, str]:
    link = db.scalars(select(AuditSeal).order_by(AuditSeal.id.desc()).limit(1)).first()
    if link:
        return link.id, link.hash
    anchor = db.scalars(select(AuditAnchor).order_by(AuditAnchor.seal_id.desc()).limit(1)).first()
    return (anchor.seal_id, anchor.hash) if anchor else (0, NO_SEAL)


def _digest(before: str, events: list[AuditEvent]) -> str:
    digest = hashlib.sha256(before.encode())
    for e in events:
        row = [e.id, e.at.isoformat(), e.event, e.actor_id, e.subject_id, e.institution_id, e.details]
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()
