"""Blocking a person, and letting one in again (S-18)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, literal, or_, select, update
from sqlalchemy.orm import Session

from app.db import Instant
from app.domain import audit, recovery, sessions
from app.domain.audit import Event
from app.domain.elevadgang import windows
from app.domain.people import is_current
from app.models.elevadgang import EndedBy
from app.models.people import Affiliation, Category, Institution, User
from app.models.sso import EndReason, LoginFlow


def block(
    db: Session,
    user_id: int,
    now: Instant,
    *,
    actor_id: int | None = None,
    institution_id: int | None = None,
    operator: str | None = None,
) -> bool:
    """Block a person and end every session and half-done login; False where that is so already.

    For an institution by its administrator, else by the operator, who takes over what an institution blocked:
    whoever blocked last and highest is the one to ask.
    """
    is_free: ColumnElement[bool] = User.blocked_at.is_(None)
    if institution_id is None:
        is_free = or_(is_free, User.blocked_by_institution_id.is_not(None))
    blocked = db.execute(
        update(User)
        .where(User.id == user_id, is_free)
        .values(blocked_at=func.coalesce(User.blocked_at, now.sql), blocked_by_institution_id=institution_id)
        .returning(User.id)
    )
    if blocked.first() is None:
        return False
    # Windows before the flows that claimed them, as whoever confirms does.
    windows.close(db, windows.of_person(user_id), EndedBy.BLOCKED, now, actor_id=actor_id)
    # Flows first, as whoever finishes one does: in another order two could wait for each other.
    whose = or_(LoginFlow.user_id == user_id, LoginFlow.authorised_by_id == user_id)
    db.execute(delete(LoginFlow).where(whose))
    recovery.end_proofs(db, user_id)
    sessions.end_all(db, user_id, EndReason.BLOCKED, now)
    _record(db, Event.BLOCKED, now, user_id, actor_id, institution_id, operator)
    return True


def unblock(
    db: Session,
    user_id: int,
    now: Instant,
    *,
    actor_id: int | None = None,
    institution_id: int | None = None,
    operator: str | None = None,
) -> bool:
    """Let a blocked person log in again; False where nobody blocked them, or somebody else did.

    An institution lifts its own block alone: a person may be at two. The operator lifts any.
    """
    is_theirs: ColumnElement[bool] = User.blocked_at.is_not(None)
    if institution_id is not None:
        is_theirs = and_(is_theirs, User.blocked_by_institution_id == institution_id)
    freed = db.execute(
        update(User)
        .where(User.id == user_id, is_theirs)
        .values(blocked_at=None, blocked_by_institution_id=None)
        .returning(User.id)
    )
    if freed.first() is None:
        return False
    _record(db, Event.UNBLOCKED, now, user_id, actor_id, institution_id, operator)
    return True


def _record(
    db: Session,
    event: Event,
    now: Instant,
    user_id: int,
    actor_id: int | None,
    institution_id: int | None,
    operator: str | None,
) -> None:
    who = {"operator": operator} if operator is not None else {}
    audit.record(db, event, now, actor_id=actor_id, subject_id=user_id, institution_id=institution_id, **who)


def find_holder(db: Session, user_id: int, *, is_held: bool = False) -> Institution | None:
    """Return the institution that a person is blocked for; None where the operator did, or nobody.

    `is_held`: the block stays as it is until the commit.
    """
    query = select(User.blocked_by_institution_id).where(User.id == user_id)
    number = db.scalar(query.with_for_update(key_share=True) if is_held else query)
    return db.get(Institution, number) if number is not None else None


@dataclass(frozen=True, slots=True)
class Blocker:
    """The institution that blocked a person: whom to call."""

    name: str
    phone: str


def find_blocker(db: Session, user_id: int, now: Instant) -> Blocker | None:
    """Return the institution that blocked a pupil and can lift it again; None where only the operator can.

    One that the person has left can lift it no more. Where else a protected person is, is nobody's to know.
    """
    row = db.execute(
        select(Institution.name, Institution.phone)
        .join(User, User.blocked_by_institution_id == Institution.id)
        .join(
            Affiliation,
            and_(Affiliation.user_id == User.id, Affiliation.institution_id == Institution.id),
        )
        .where(
            User.id == user_id,
            User.blocked_at.is_not(None),
            User.is_protected.is_(False),
            Affiliation.category == Category.PUPIL,
            is_current(literal(now.today)),
        )
        .limit(1)
    ).first()
    return Blocker(row.name, row.phone) if row else None
