"""Blocking a person, and letting one in again (S-18)."""

from __future__ import annotations

from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from app.db import Instant
from app.domain import audit, recovery, sessions
from app.domain.audit import Event
from app.domain.elevadgang import windows
from app.models.elevadgang import EndedBy, PasswordWindow
from app.models.people import User
from app.models.sso import EndReason, LoginFlow


def block(
    db: Session,
    user_id: int,
    now: Instant,
    *,
    actor_id: int | None = None,
    institution_id: int | None = None,
) -> bool:
    """Block a person and end every session and half-done login; False where that is so already."""
    blocked = db.execute(
        update(User)
        .where(User.id == user_id, User.blocked_at.is_(None))
        .values(blocked_at=now.sql)
        .returning(User.id)
    )
    if blocked.first() is None:
        return False
    # Windows before the flows that claimed them, as whoever confirms does.
    windows.close(
        db,
        or_(PasswordWindow.pupil_id == user_id, PasswordWindow.opened_by_id == user_id),
        EndedBy.BLOCKED,
        now,
        actor_id=actor_id,
    )
    # Flows first, as whoever finishes one does: in another order two could wait for each other.
    whose = or_(LoginFlow.user_id == user_id, LoginFlow.authorised_by_id == user_id)
    db.execute(delete(LoginFlow).where(whose))
    recovery.end_proofs(db, user_id)
    sessions.end_all(db, user_id, EndReason.BLOCKED, now)
    audit.record(db, Event.BLOCKED, now, actor_id=actor_id, subject_id=user_id, institution_id=institution_id)
    return True


def unblock(
    db: Session,
    user_id: int,
    now: Instant,
    *,
    actor_id: int | None = None,
    institution_id: int | None = None,
) -> bool:
    """Let a blocked person log in again; False where nobody blocked them."""
    freed = db.execute(
        update(User)
        .where(User.id == user_id, User.blocked_at.is_not(None))
        .values(blocked_at=None)
        .returning(User.id)
    )
    if freed.first() is None:
        return False
    audit.record(
        db, Event.UNBLOCKED, now, actor_id=actor_id, subject_id=user_id, institution_id=institution_id
    )
    return True
