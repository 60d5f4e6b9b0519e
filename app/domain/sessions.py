"""Logins that live: begun, found, listed and ended (S-17, S-18)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, and_, bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from app.config import Config
from app.db import NOW, SKEW_SECONDS, Instant, after, later, swept, table
from app.direct import Bound, direct, often
from app.domain import audit, flows, people
from app.domain.audit import Event
from app.keys import Keys
from app.models.people import User
from app.models.sso import EndReason, SsoSession

KIND = "sso_session"
STAMP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Login:
    """The living session of a request and whose it is."""

    id: int
    user_id: int
    uni_id: str
    username: str | None
    name: str
    seen_at: datetime
    has_rights: bool
    assurance_level: str

    def needs_stamp(self, at: datetime) -> bool:
        """Whether its last use was written so long ago that it is written again."""
        return at - self.seen_at > timedelta(seconds=STAMP_SECONDS)


_BEGIN = often(
    insert(table(SsoSession)).values(
        token_mark=bindparam("token_mark"),
        user_id=bindparam("user_id"),
        device=bindparam("device"),
        network=bindparam("network"),
        amr=bindparam("amr"),
        assurance_level=bindparam("assurance_level"),
        created_at=NOW,
        seen_at=NOW,
        expires_at=later(NOW, bindparam("life_seconds", type_=Integer())),
    )
)


def beginning(
    keys: Keys,
    config: Config,
    now: Instant,
    *,
    user_id: int,
    token: str,
    device: str,
    network: str,
    amr: str = "pwd",
    assurance_level: str = "EnFaktor",
) -> Bound:
    """Return what begins a session known by `token`, when executed.

    It takes what the session rests on and how sure that is, in the words of claims.
    """
    values = {
        "token_mark": keys.token_mark(KIND, token),
        "user_id": user_id,
        "device": device,
        "network": network,
        "amr": amr,
        "assurance_level": assurance_level,
        "life_seconds": config.session_hours * 3600,
    }
    return _BEGIN, values | now.binds


# Whether a session still counts; one from the future was made by a clock that was set back since.
_IS_ALIVE = and_(
    SsoSession.ended_at.is_(None),
    SsoSession.expires_at > NOW,
    SsoSession.seen_at > later(NOW, bindparam("idle_seconds", type_=Integer())),
    SsoSession.seen_at <= after(SKEW_SECONDS),
)
_FIND = often(
    select(
        SsoSession.id,
        SsoSession.user_id,
        SsoSession.seen_at,
        SsoSession.assurance_level,
        User.uni_id,
        User.username,
        User.shown_name_sql().label("name"),
        people.has_right(SsoSession.user_id).label("has_rights"),
    )
    .join(User, User.id == SsoSession.user_id)
    .where(
        SsoSession.token_mark == bindparam("token_mark"),
        _IS_ALIVE,
        User.blocked_at.is_(None),
        people.has_place(SsoSession.user_id, people.TODAY),
    )
)


def find(db: Session, keys: Keys, config: Config, token: str, now: Instant) -> Login | None:
    """Return the living session of a cookie, unless its user was blocked or belongs nowhere any more."""
    values = {
        "token_mark": keys.token_mark(KIND, token),
        "today": now.today,
        "idle_seconds": -60 * config.session_idle_minutes,
    }
    row = direct(db, _FIND, values | now.binds).first()
    if row is None:
        return None
    return Login(
        row.id,
        row.user_id,
        row.uni_id,
        row.username,
        row.name,
        row.seen_at,
        row.has_rights,
        row.assurance_level,
    )


class Ended(Enum):
    """What the browser that held a session is told of its end."""

    PASSWORD_CHANGED = auto()
    ELSEWHERE = auto()
    IDLE = auto()


_TOLD = {EndReason.PASSWORD_CHANGED: Ended.PASSWORD_CHANGED, EndReason.ENDED_BY_USER: Ended.ELSEWHERE}
_WHY = select(
    SsoSession.ended_at,
    SsoSession.end_reason,
    or_(
        SsoSession.expires_at <= NOW,
        SsoSession.seen_at <= later(NOW, bindparam("idle_seconds", type_=Integer())),
    ).label("has_run_out"),
).where(SsoSession.token_mark == bindparam("token_mark"))


def why_ended(db: Session, keys: Keys, config: Config, token: str, now: Instant) -> Ended | None:
    """Return why the session of a cookie is over; None where that is not for the holder to know (S-10)."""
    values = {"token_mark": keys.token_mark(KIND, token), "idle_seconds": -60 * config.session_idle_minutes}
    row = direct(db, _WHY, values | now.binds).first()
    if row is None:
        return None
    if row.ended_at is not None:
        return _TOLD.get(row.end_reason)
    return Ended.IDLE if row.has_run_out else None


# Its time is not up, but its user belongs nowhere any more. Two conditions, which PostgreSQL answers by joins
# where there are many; the negation of `has_place` it would ask anew for each session.
_IS_LOST = and_(
    SsoSession.ended_at.is_(None),
    SsoSession.expires_at > NOW,
    ~people.is_affiliated(SsoSession.user_id, people.TODAY),
    ~people.has_right(SsoSession.user_id),
)
_LOST = select(SsoSession.user_id).where(_IS_LOST).order_by(SsoSession.user_id).distinct()
_WHOSE_LOST = select(SsoSession.user_id).where(SsoSession.token_mark == bindparam("token_mark"), _IS_LOST)
_HAS_LOST = select(SsoSession.id).where(SsoSession.user_id == bindparam("user_id"), _IS_LOST).limit(1)
_END_LOST = (
    update(table(SsoSession))
    .where(SsoSession.user_id == bindparam("whose_id"), _IS_LOST)
    .values(ended_at=NOW, end_reason=EndReason.NO_PLACE)
    .returning(SsoSession.id)
)


def list_lost(db: Session, now: Instant) -> list[int]:
    """Return the users who belong nowhere any more and have sessions that are not ended."""
    return [row.user_id for row in direct(db, _LOST, {"today": now.today} | now.binds)]


def find_lost(db: Session, keys: Keys, token: str, now: Instant) -> int | None:
    """Return whose the session of a cookie is where its user belongs nowhere any more and it is not ended."""
    values = {"token_mark": keys.token_mark(KIND, token), "today": now.today}
    return direct(db, _WHOSE_LOST, values | now.binds).scalar()


def end_lost(db: Session, user_id: int, now: Instant) -> int:
    """End for good what a user had who belongs nowhere any more, so that it lives not again later (S-18).

    Returns how many sessions that were; a place that is there again by now is left alone (S-04).
    """
    values = {"today": now.today} | now.binds
    if direct(db, _HAS_LOST, values | {"user_id": user_id}).first() is None:
        return 0
    people.hold(db, user_id)
    flows.forget_proved(db, user_id)  # before the sessions, as below
    ended = direct(db, _END_LOST, values | {"whose_id": user_id})
    for row in ended:
        audit.record(db, Event.SESSION_ENDED, now, subject_id=user_id, session=row.id)
    return len(ended)


def stamp(db: Session, session_id: int, now: Instant) -> None:
    """Write that a session was used now, unless somebody ends it, or writes the same, at this moment."""
    free = select(SsoSession.id).where(SsoSession.id == session_id)
    db.execute(
        update(SsoSession)
        .where(SsoSession.id.in_(free.with_for_update(key_share=True, skip_locked=True)))
        .values(seen_at=now.sql)
        .execution_options(synchronize_session=False)
    )


_LIVING = often(
    select(SsoSession.id, SsoSession.device, SsoSession.created_at, SsoSession.seen_at)
    .where(SsoSession.user_id == bindparam("user_id"), _IS_ALIVE)
    .order_by(SsoSession.seen_at.desc(), SsoSession.id.desc())
)


def list_living(db: Session, config: Config, user_id: int, now: Instant) -> list[Row[Any]]:
    """Return number, device, beginning and last use of a user's living sessions, the last used first."""
    values = {"user_id": user_id, "idle_seconds": -60 * config.session_idle_minutes}
    return list(direct(db, _LIVING, values | now.binds))


def log_out(db: Session, login: Login, now: Instant) -> None:
    """End the session one is in."""
    if _end(db, now, EndReason.LOGGED_OUT, SsoSession.id == login.id):
        audit.record(db, Event.LOGGED_OUT, now, actor_id=login.user_id, subject_id=login.user_id)


def end_one(db: Session, login: Login, session_id: int, now: Instant) -> bool:
    """End another of one's own sessions; False where it is not one's own or has ended."""
    mine = (SsoSession.id == session_id) & (SsoSession.user_id == login.user_id)
    if db.scalar(select(SsoSession.id).where(mine, SsoSession.ended_at.is_(None))) is None:
        return False
    if not _holds_own(db, login):
        return False
    flows.forget_proved(db, login.user_id)
    if not _end(db, now, EndReason.ENDED_BY_USER, mine):
        return False
    audit.record(
        db, Event.SESSION_ENDED, now, actor_id=login.user_id, subject_id=login.user_id, session=session_id
    )
    return True


def end_others(db: Session, login: Login, now: Instant) -> int:
    """End all of one's own sessions but the one at hand; returns how many."""
    others = (SsoSession.user_id == login.user_id) & (SsoSession.id != login.id)
    if not _holds_own(db, login):
        return 0
    flows.forget_proved(db, login.user_id)
    count = _end(db, now, EndReason.ENDED_BY_USER, others)
    if count:
        audit.record(
            db, Event.SESSIONS_ENDED, now, actor_id=login.user_id, subject_id=login.user_id, count=count
        )
    return count


def _holds_own(db: Session, login: Login) -> bool:
    """Hold the user before flows and sessions; False where the session at hand was ended by then (S-04).

    In this order, as whoever finishes a login takes them, or two who end each other's would wait for ever.
    """
    people.hold(db, login.user_id)
    own = select(SsoSession.id).where(SsoSession.id == login.id, SsoSession.ended_at.is_(None))
    return db.scalar(own) is not None


def replace(db: Session, session_id: int, now: Instant) -> None:
    """End the session that a new login in the same browser takes the place of (S-17)."""
    _end(db, now, EndReason.REPLACED, SsoSession.id == session_id)


def end_all(db: Session, user_id: int, reason: EndReason, now: Instant) -> int:
    """End every session of a user, for a reason that its own event tells; returns how many."""
    return _end(db, now, reason, SsoSession.user_id == user_id)


def _end(db: Session, now: Instant, reason: EndReason, condition: ColumnElement[bool]) -> int:
    ended = db.execute(
        update(SsoSession)
        .where(condition, SsoSession.ended_at.is_(None))
        .values(ended_at=now.sql, end_reason=reason)
        .returning(SsoSession.id)
    )
    return len(ended.all())


def sweep(db: Session, now: Instant, keep: timedelta) -> int:
    """Remove sessions that ended or ran out longer ago than `keep`; returns how many."""
    long_ago = now.after(-keep.total_seconds())
    is_over = or_(SsoSession.ended_at < long_ago, SsoSession.expires_at < long_ago)
    return swept(db, SsoSession, is_over)
