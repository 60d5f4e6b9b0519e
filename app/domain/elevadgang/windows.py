"""The five minutes themselves: where a window stands by the one clock, and how it ends (S-41)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from app.db import NOW, SKEW_SECONDS, SWEPT_AT_ONCE, Instant, after, swept
from app.direct import direct
from app.domain import audit
from app.domain.audit import Event
from app.domain.elevadgang import areas
from app.models.credentials import PendingPassword
from app.models.elevadgang import LIVE, Door, Doubt, EndedBy, PasswordWindow, WindowState
from app.models.sso import LoginFlow

WINDOW_SECONDS = 300
# How long after the window whoever claimed it in time may take to be done.
PENDING_SECONDS = 300
# How long an ended window is kept.
KEPT_SECONDS = 30 * 86400


class Standing(Enum):
    """What there is to say of a window at a moment."""

    WAITING = auto()
    APPROVAL = auto()
    UNDER_WAY = auto()
    DONE = auto()
    EXPIRED = auto()
    CANCELLED = auto()
    DISOWNED = auto()


@dataclass(frozen=True, slots=True)
class Claim:
    """The window that a flow claimed: what its pupil may do with it now."""

    id: int
    standing: Standing
    opened_by_id: int
    door: Door
    institution_id: int | None
    picture: str | None
    until: datetime


def pending_end(ends_at: datetime) -> datetime:
    """Return until when a claimed window may be used."""
    return ends_at + timedelta(seconds=PENDING_SECONDS)


def _in_time(after: Callable[[float], ColumnElement[datetime]]) -> ColumnElement[bool]:
    # A claim from the future was made by a clock that was set back since, and holds no longer for it (S-07).
    return and_(
        PasswordWindow.state == WindowState.PENDING,
        PasswordWindow.ends_at > after(-PENDING_SECONDS),
        PasswordWindow.claimed_at <= after(SKEW_SECONDS),
    )


# Whether a claimed window may still be used, by the clock of the statement.
IS_IN_TIME = _in_time(after)


def is_in_time(now: Instant) -> ColumnElement[bool]:
    """Whether a claimed window may still be used, for a statement made on the spot."""
    return _in_time(now.after)


IS_APPROVED = or_(PasswordWindow.doubt.is_(None), PasswordWindow.approved_at.is_not(None))
_OF_FLOW = select(
    PasswordWindow.id,
    PasswordWindow.state,
    PasswordWindow.opened_by_id,
    PasswordWindow.door,
    PasswordWindow.institution_id,
    PasswordWindow.picture,
    PasswordWindow.ends_at,
    PasswordWindow.disowned_at,
    IS_IN_TIME.label("is_in_time"),
    IS_APPROVED.label("is_approved"),
).where(PasswordWindow.id == bindparam("window_id"))


def get_claim(db: Session, window_id: int, now: Instant) -> Claim:
    """Return the window of a flow as its pupil has it now."""
    row = direct(db, _OF_FLOW, {"window_id": window_id} | now.binds).one()
    if row.is_in_time:
        standing = Standing.UNDER_WAY if row.is_approved else Standing.APPROVAL
    elif row.state is WindowState.DONE:
        standing = Standing.DISOWNED if row.disowned_at else Standing.DONE
    else:
        standing = Standing.CANCELLED if row.state is WindowState.CANCELLED else Standing.EXPIRED
    return Claim(
        row.id,
        standing,
        row.opened_by_id,
        row.door,
        row.institution_id,
        row.picture,
        pending_end(row.ends_at),
    )


def standing(
    state: WindowState,
    ends_at: datetime,
    doubt: Doubt | None,
    approved_at: datetime | None,
    disowned_at: datetime | None,
    at: datetime,
) -> Standing:
    """Return what a helper is shown of a window at an instant."""
    if state is WindowState.OPEN:
        return Standing.WAITING if at < ends_at else Standing.EXPIRED
    if state is WindowState.PENDING:
        if at >= pending_end(ends_at):
            return Standing.EXPIRED
        return Standing.APPROVAL if doubt is not None and approved_at is None else Standing.UNDER_WAY
    if state is WindowState.DONE:
        return Standing.DONE if disowned_at is None else Standing.DISOWNED
    return Standing.CANCELLED if state is WindowState.CANCELLED else Standing.EXPIRED


_USE_UP = (
    update(PasswordWindow)
    .where(PasswordWindow.id == bindparam("window_id"), IS_IN_TIME, IS_APPROVED)
    .values(state=WindowState.DONE, done_at=NOW)
    .returning(PasswordWindow.pupil_id)
    .execution_options(synchronize_session=False)
)


def use_up(db: Session, claim: Claim, pupil_id: int, now: Instant) -> bool:
    """End a claimed window by its being used; False where it ended before, or its helper may no more.

    Authority is read again, and held, in the very transaction that stores the password (S-40, S-42).
    """
    if not areas.holds(db, claim.door, claim.opened_by_id, claim.institution_id, pupil_id, now):
        close(db, PasswordWindow.id == claim.id, EndedBy.AUTHORITY, now)
        return False
    return db.execute(_USE_UP, {"window_id": claim.id} | now.binds).first() is not None


def note_credential(db: Session, claim: Claim, credential_id: int) -> None:
    """Keep which password a window led to, so that it can be voided again (S-45)."""
    db.execute(
        update(PasswordWindow)
        .where(PasswordWindow.id == claim.id)
        .values(credential_id=credential_id)
        .execution_options(synchronize_session=False)
    )


def close(
    db: Session,
    which: ColumnElement[bool],
    ended_by: EndedBy,
    now: Instant,
    *,
    actor_id: int | None = None,
) -> list[int]:
    """End live windows before they are used, and forget what waits in them; returns whose they were."""
    closed = db.execute(
        update(PasswordWindow)
        .where(which, IS_LIVE)
        .values(state=WindowState.CANCELLED, ended_at=now.sql, ended_by=ended_by)
        .returning(PasswordWindow.id, PasswordWindow.pupil_id, PasswordWindow.institution_id)
        .execution_options(synchronize_session=False)
    ).all()
    _forget_secrets(db, [row.id for row in closed])
    for row in closed:
        audit.record(
            db,
            Event.WINDOW_CANCELLED,
            now,
            actor_id=actor_id,
            subject_id=row.pupil_id,
            institution_id=row.institution_id,
            reason=ended_by.value,
        )
    return [row.pupil_id for row in closed]


# In the index's own words: with values bound, SQLite would not know that the index holds them all.
IS_LIVE = text(LIVE)


def of_person(user_id: int) -> ColumnElement[bool]:
    """Whether a window is a person's, or was opened by them, as a condition."""
    return or_(PasswordWindow.pupil_id == user_id, PasswordWindow.opened_by_id == user_id)


def may_be_used(now: Instant) -> ColumnElement[bool]:
    """Whether a window is live and its time is not up, as a condition that the index of those answers."""
    return and_(IS_LIVE, PasswordWindow.ends_at > now.after(-PENDING_SECONDS), ~_is_over(now))


def _is_over(now: Instant) -> ColumnElement[bool]:
    return or_(
        and_(PasswordWindow.state == WindowState.OPEN, PasswordWindow.ends_at <= now.sql),
        and_(
            PasswordWindow.state == WindowState.PENDING,
            PasswordWindow.ends_at <= now.after(-PENDING_SECONDS),
        ),
    )


def expire(db: Session, now: Instant, which: ColumnElement[bool] | None = None) -> int:
    """Write of windows whose time is up that it is; returns how many, or `SWEPT_AT_ONCE`."""
    over = select(PasswordWindow.id).where(IS_LIVE, PasswordWindow.ends_at <= now.sql, _is_over(now))
    if which is not None:
        over = over.where(which)
    expired = db.execute(
        update(PasswordWindow)
        # What another holds is that one's to end: two who each hold some wait for each other for ever.
        .where(
            PasswordWindow.id.in_(over.limit(SWEPT_AT_ONCE).with_for_update(skip_locked=True)), _is_over(now)
        )
        .values(state=WindowState.EXPIRED, ended_at=now.sql)
        .returning(PasswordWindow.id, PasswordWindow.pupil_id, PasswordWindow.institution_id)
        .execution_options(synchronize_session=False)
    ).all()
    _forget_secrets(db, [row.id for row in expired])
    for row in expired:
        audit.record(
            db,
            Event.WINDOW_EXPIRED,
            now,
            subject_id=row.pupil_id,
            institution_id=row.institution_id,
        )
    return len(expired)


def sweep(db: Session, now: Instant) -> int:
    """Remove windows that ended long ago; the audit keeps what was done. Returns how many went."""
    has_ended = PasswordWindow.state.not_in((WindowState.OPEN, WindowState.PENDING))
    is_old = and_(has_ended, PasswordWindow.opened_at < now.after(-KEPT_SECONDS))
    is_free = ~select(LoginFlow.id).where(LoginFlow.password_window_id == PasswordWindow.id).exists()
    return swept(db, PasswordWindow, and_(is_old, is_free))


def _forget_secrets(db: Session, window_ids: list[int]) -> None:
    """Erase the passwords that wait in flows of windows that are over (S-25)."""
    if not window_ids:
        return
    # The flows are held first, as by whoever goes on in one: else two could wait for each other.
    theirs = select(LoginFlow.id).where(LoginFlow.password_window_id.in_(window_ids)).order_by(LoginFlow.id)
    flow_ids = db.scalars(theirs.with_for_update()).all()
    if flow_ids:
        db.execute(
            delete(PendingPassword)
            .where(PendingPassword.flow_id.in_(flow_ids))
            .execution_options(synchronize_session=False)
        )
