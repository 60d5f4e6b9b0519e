"""Closing the windows of helpers who may help no more, before anybody comes to use one (S-46).

Every step of a window asks the authority anew, so nothing is let through meanwhile. What is done here is that
the window is over for all to see: its row ends, what waits in it is erased, and the audit tells of it.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.db import Instant
from app.domain.elevadgang import areas, windows
from app.domain.elevadgang.windows import IS_LIVE
from app.models.elevadgang import Door, EndedBy, PasswordWindow


def list_lost(db: Session, now: Instant, which: ColumnElement[bool] | None = None) -> list[int]:
    """Return the live windows whose helper may help the pupil no more, all or those of a condition.

    Nothing is held: each helper is asked about once, whatever the number of pupils.
    """
    live = select(
        PasswordWindow.id,
        PasswordWindow.door,
        PasswordWindow.opened_by_id,
        PasswordWindow.institution_id,
        PasswordWindow.pupil_id,
    ).where(windows.may_be_used(now))
    if which is not None:
        live = live.where(which)
    opened: defaultdict[tuple[Door, int, int | None], dict[int, int]] = defaultdict(dict)
    for row in db.execute(live):
        opened[row.door, row.opened_by_id, row.institution_id][row.pupil_id] = row.id
    lost: list[int] = []
    for whose, by_pupil in opened.items():
        helped = areas.list_helped(db, *whose, by_pupil, now)
        lost += [window_id for pupil_id, window_id in by_pupil.items() if pupil_id not in helped]
    return sorted(lost)


def revoke(db: Session, now: Instant, which: ColumnElement[bool] | None = None) -> int:
    """Close the windows whose helper may help no more, all or those of a condition; returns how many.

    Whoever takes a role, a right, a class, an affiliation or custody from people calls this in the very
    transaction, with `windows.of_person` for one. It waits for nobody, in whatever order the caller holds
    what the authority rested on: a window that somebody else changes just now is left to the next round of
    the jobs.
    """
    lost = list_lost(db, now, which)
    if not lost:
        return 0
    free = select(PasswordWindow.id).where(PasswordWindow.id.in_(lost), IS_LIVE)
    free = free.with_for_update(key_share=True, skip_locked=True)
    return len(windows.close(db, PasswordWindow.id.in_(free), EndedBy.AUTHORITY, now))
