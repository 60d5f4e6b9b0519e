"""What only the administrator does: another type of password, a block, a username, the log, the alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy import Row, and_, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.db import Instant
from app.domain import audit, blocking, credentials, people, usernames
from app.domain.audit import NEWEST, Event
from app.domain.blocking import Blocker
from app.domain.elevadgang import areas
from app.domain.elevadgang.areas import Area
from app.domain.elevadgang.pupils import fits
from app.models.audit import AuditEvent
from app.models.elevadgang import Door, Doubt
from app.models.people import Group, PasswordType, User
from app.world import Dice

ALERT_DAYS = 30
MOST_ALERTS = 200
LOG_PAGE = 50
# A search reads so many events at most; whoever needs more takes the export.
MOST_SEARCHED = 5000
FOREIGN_SECONDS = 600
EXPORTED_AT_ONCE = 1000
# After these everything is as it was: somebody only looked, or took out a copy.
VIEWS = (
    Event.PUPILS_SHOWN,
    Event.PUPILS_PRINTED,
    Event.PUPIL_SHOWN,
    Event.LOG_SHOWN,
    Event.ALERTS_SHOWN,
    Event.LOG_EXPORTED,
)


class Deed(Enum):
    """What came of an administrator's act on a pupil."""

    DONE = auto()
    NOTHING = auto()  # it was so already
    NOT_OURS = auto()  # somebody else blocked, and alone may lift it
    FOREIGN = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of an institution's log, with the names others may see."""

    id: int
    at: datetime
    event: Event
    actor: str
    subject: str
    details: dict[str, Any]


def _held_pupil(db: Session, area: Area, uni_id: str, now: Instant) -> int | None:
    """Return a pupil of the institution, held, if the actor's right covers it at this moment (S-40).

    A teacher's class is no such right, whoever asks.
    """
    if area.door is not Door.ADMINISTRATOR:
        return None
    user_id = db.scalar(select(User.id).where(User.uni_id == uni_id).with_for_update(key_share=True))
    if user_id is None:
        return None
    is_theirs = areas.holds(db, area.door, area.actor_id, area.institution_id, user_id, now)
    return user_id if is_theirs else None


def mark(db: Session, area: Area, uni_id: str, password_type: PasswordType | None, now: Instant) -> Deed:
    """Mark a pupil for another type of password than the level gives, or for none (domain 5)."""
    user_id = _held_pupil(db, area, uni_id, now)
    if user_id is None:
        return Deed.FOREIGN
    marked = db.execute(
        update(User)
        .where(User.id == user_id, User.marked_password_type.is_distinct_from(password_type))
        .values(marked_password_type=password_type)
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    if marked.first() is None:
        return Deed.NOTHING
    # A mark that is taken back takes its days with it.
    credentials.forget_stage_end(db, user_id, people.get_required_type(db, user_id, now.today))
    audit.record(
        db,
        Event.PASSWORD_TYPE_MARKED,
        now,
        actor_id=area.actor_id,
        subject_id=user_id,
        institution_id=area.institution_id,
        password_type=password_type.name if password_type else "",
    )
    return Deed.DONE


def block(db: Session, area: Area, uni_id: str, now: Instant) -> Deed:
    """Block a pupil and end all that the pupil has begun."""
    user_id = _held_pupil(db, area, uni_id, now)
    if user_id is None:
        return Deed.FOREIGN
    done = blocking.block(db, user_id, now, actor_id=area.actor_id, institution_id=area.institution_id)
    return Deed.DONE if done else Deed.NOTHING


def unblock(db: Session, area: Area, uni_id: str, now: Instant) -> Deed:
    """Let a pupil in again whom this institution blocked."""
    user_id = _held_pupil(db, area, uni_id, now)
    if user_id is None:
        return Deed.FOREIGN
    if blocking.unblock(db, user_id, now, actor_id=area.actor_id, institution_id=area.institution_id):
        return Deed.DONE
    is_blocked = db.scalar(select(User.blocked_at).where(User.id == user_id)) is not None
    return Deed.NOT_OURS if is_blocked else Deed.NOTHING


def find_blocker(db: Session, uni_id: str, now: Instant) -> Blocker | None:
    """Return the institution that blocked a pupil, where it is one to call; None else."""
    user_id = db.scalar(select(User.id).where(User.uni_id == uni_id))
    return blocking.find_blocker(db, user_id, now) if user_id is not None else None


def activate(db: Session, dice: Dice, area: Area, uni_id: str, now: Instant) -> Deed:
    """Give a pupil who has none a username."""
    user_id = _held_pupil(db, area, uni_id, now)
    if user_id is None:
        return Deed.FOREIGN
    done = usernames.give(db, dice, user_id, now, actor_id=area.actor_id, institution_id=area.institution_id)
    return Deed.DONE if done else Deed.NOTHING


# ---- The log ----


def _query(area: Area) -> Any:
    actor, subject = aliased(User), aliased(User)
    return (
        select(
            AuditEvent.id,
            AuditEvent.at,
            AuditEvent.event,
            AuditEvent.details,
            actor.shown_name_sql().label("actor"),
            subject.shown_name_sql().label("subject"),
            subject.username.label("username"),
        )
        .outerjoin(actor, actor.id == AuditEvent.actor_id)
        .outerjoin(subject, subject.id == AuditEvent.subject_id)
        .where(AuditEvent.institution_id == area.institution_id)
        .order_by(AuditEvent.id.desc())
    )


def list_log(
    db: Session,
    area: Area,
    *,
    search: str = "",
    is_changes_only: bool = False,
    before: int | None = None,
    most: int = LOG_PAGE,
) -> list[Entry]:
    """Return the newest events of an institution, newest first, or those about whom a search fits.

    `is_changes_only`: without those that only tell who looked.
    """
    query = _query(area)
    if is_changes_only:
        query = query.where(AuditEvent.event.not_in([event.name for event in VIEWS]))
    if before is not None:
        query = query.where(AuditEvent.id < before)
    rows = db.execute(query.limit(MOST_SEARCHED if search else most))
    found: list[Row[Any]] = []
    for row in rows:
        if search and not (
            fits(search, row.subject or "", row.username) or fits(search, row.actor or "", None)
        ):
            continue
        found.append(row)
        if len(found) == most:
            break
    return _entries(db, area, found)


def list_older(db: Session, area: Area, before: int = NEWEST) -> list[Entry]:
    """Return the next events of an institution for the export, newest first: those older than one.

    So many at a time that nothing is open, nor much in memory, while the one who exports them receives.
    """
    query = _query(area).where(AuditEvent.id < before)
    return _entries(db, area, db.execute(query.limit(EXPORTED_AT_ONCE)).all())


def record_exported(db: Session, area: Area, now: Instant) -> None:
    """Record that the log was taken out."""
    audit.record(db, Event.LOG_EXPORTED, now, actor_id=area.actor_id, institution_id=area.institution_id)


def record_seen(db: Session, area: Area, event: Event, now: Instant, uni_id: str | None = None) -> None:
    """Record that the log, the alerts or one pupil's page was seen."""
    subject_id = db.scalar(select(User.id).where(User.uni_id == uni_id)) if uni_id else None
    audit.record(
        db,
        event,
        now,
        actor_id=area.actor_id,
        subject_id=subject_id,
        institution_id=area.institution_id,
    )


def list_alerts(db: Session, area: Area, now: Instant) -> list[Entry]:
    """Return what an administrator should look at, of the last thirty days, newest first (S-47)."""
    since = now.at - timedelta(days=ALERT_DAYS)
    kinds = [
        event.name for event in (Event.FOREIGN_REFUSED, Event.WINDOW_DISOWNED, Event.WINDOW_LIMIT_REACHED)
    ]
    doubts = [Doubt.ASKED_BEFORE.value, Doubt.MANY_PUPILS.value, Doubt.OWN_BROWSER.value]
    rows = db.execute(
        _query(area)
        .where(
            AuditEvent.at > since,
            or_(
                AuditEvent.event.in_(kinds),
                and_(
                    AuditEvent.event == Event.WINDOW_CLAIMED.name,
                    AuditEvent.details["doubt"].as_string().in_(doubts),
                ),
            ),
        )
        .limit(MOST_ALERTS)
    )
    return _entries(db, area, rows.all())


def note_foreign(
    db: Session, actor_id: int, institution_id: int, where: str, network: str, now: Instant
) -> None:
    """Record that somebody reached for pupils who are not theirs (S-40, S-47).

    Once in ten minutes a person and institution, so that nobody hides an alert behind hundreds of others.
    """
    known = select(AuditEvent.id).where(
        AuditEvent.institution_id == institution_id,
        AuditEvent.actor_id == actor_id,
        AuditEvent.event == Event.FOREIGN_REFUSED.name,
        AuditEvent.at > now.after(-FOREIGN_SECONDS),
    )
    if db.scalar(known.limit(1)) is not None:
        return
    audit.record(
        db,
        Event.FOREIGN_REFUSED,
        now,
        actor_id=actor_id,
        institution_id=institution_id,
        where=where,
        network=network,
    )


def _entries(db: Session, area: Area, rows: Sequence[Row[Any]]) -> list[Entry]:
    """Return events with the names that others may see, of people as of what somebody reached for."""
    refused = Event.FOREIGN_REFUSED.name
    typed = {row.details["where"] for row in rows if row.event == refused}
    numbers = [int(where) for where in typed if where.isdecimal()]
    classes: dict[int, str] = {}
    if numbers:
        known = select(Group.id, Group.name).where(
            Group.id.in_(numbers), Group.institution_id == area.institution_id
        )
        classes = {group.id: group.name for group in db.execute(known)}
    names = {where: _named(area, where, classes) for where in typed}
    return [
        Entry(
            row.id,
            row.at,
            Event[row.event],
            row.actor or "",
            row.subject or "",
            row.details | {"where": names[row.details["where"]]} if row.event == refused else row.details,
        )
        for row in rows
    ]


def _named(area: Area, where: str, classes: dict[int, str]) -> str:
    """Return the class or the school that an address names, or else the address as it was typed."""
    if where.isdecimal():
        return classes.get(int(where), where)
    return area.institution_name if where.upper().endswith(area.institution_number) else where
