"""A clock that was set back: noticed by the latest time it has shown, and made good (S-07).

What has a life or a wait would have it longer by as much as the clock lost. So its times are set back, too,
and it is as old as before. What was made in the seconds before this is noticed is made older than it is, and
may end early; nothing ends late.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import ColumnElement, Update, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.db import Instant, later
from app.domain import quota, throttling
from app.models.clock import ClockMark
from app.models.contact import SendingQuota
from app.models.credentials import NetworkFailure, PendingPassword, Throttle
from app.models.elevadgang import PasswordWindow, WindowState
from app.models.recovery import MitIdTrip, RecoveryFlow
from app.models.sso import LoginFlow, SsoSession

THE_MARK = 1
# A clock that is held in step is moved by less than this, forwards and back.
LEAST_SECONDS = 1


def make_good(db: Session, now: Instant) -> int:
    """Keep the latest time, or set all that lives back with the clock; returns by how many seconds."""
    seen_at = db.scalar(select(ClockMark.at).where(ClockMark.id == THE_MARK).with_for_update())
    if seen_at is None:
        db.add(ClockMark(id=THE_MARK, at=now.sql))
        return 0
    # Asked once it is this one's turn: another worker may have been at it.
    present = db.scalar(select(now.sql)) or now.at
    mark = update(ClockMark).where(ClockMark.id == THE_MARK).values(at=now.sql)
    behind = (seen_at - present).total_seconds()
    if behind < LEAST_SECONDS:
        if behind < 0:
            db.execute(mark)
        return 0
    lost = math.ceil(behind)
    # Windows before flows, and what hangs on them, as everybody does.
    for statement in _shifts(now, lost):
        db.execute(statement)
    db.execute(mark)
    return lost


def _shifts(now: Instant, lost: int) -> list[Update]:
    """Return what sets back each life and wait that is not over yet."""
    is_live = PasswordWindow.state.in_((WindowState.OPEN, WindowState.PENDING))
    is_held = or_(Throttle.next_at > now.sql, Throttle.last_at > now.after(-throttling.CROWD_SECONDS))
    return [
        _shift(
            lost,
            is_live,
            PasswordWindow.opened_at,
            PasswordWindow.ends_at,
            PasswordWindow.claimed_at,
            PasswordWindow.approved_at,
        ),
        _shift(
            lost,
            LoginFlow.expires_at > now.sql,
            LoginFlow.created_at,
            LoginFlow.expires_at,
            LoginFlow.proof_at,
            LoginFlow.finished_at,
        ),
        _shift(lost, PendingPassword.expires_at > now.sql, PendingPassword.expires_at),
        _shift(
            lost, MitIdTrip.expires_at > now.sql, MitIdTrip.begun_at, MitIdTrip.expires_at, MitIdTrip.used_at
        ),
        _shift(lost, RecoveryFlow.expires_at > now.sql, RecoveryFlow.proof_at, RecoveryFlow.expires_at),
        _shift(
            lost,
            SsoSession.ended_at.is_(None) & (SsoSession.expires_at > now.sql),
            SsoSession.created_at,
            SsoSession.seen_at,
            SsoSession.expires_at,
        ),
        _shift(lost, NetworkFailure.at > now.after(-throttling.CROWD_SECONDS), NetworkFailure.at),
        _shift(lost, is_held, Throttle.last_at, Throttle.next_at),
        _shift(lost, SendingQuota.began_at > now.after(-quota.SECONDS), SendingQuota.began_at),
    ]


def _shift(lost: int, which: ColumnElement[bool], *times: InstrumentedAttribute[Any]) -> Update:
    earlier = {time: later(time, literal(-lost)) for time in times}
    return update(times[0].class_).where(which).values(earlier).execution_options(synchronize_session=False)
