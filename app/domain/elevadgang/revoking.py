"""Closing the windows of helpers who may help no more, before anybody comes to use one (S-46).

Every step of a window asks the authority anew, so nothing is let through meanwhile. What is done here is that
the window is over for all to see: its row ends, what waits in it is erased, and the audit tells of it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from app.db import Instant
from app.domain.elevadgang import areas, windows
from app.domain.elevadgang.windows import IS_LIVE
from app.domain.people import TODAY
from app.models.elevadgang import Door, EndedBy, PasswordWindow
from app.models.people import Affiliation, ContactRelation, User


def list_lost(db: Session, now: Instant, which: ColumnElement[bool] | None = None) -> list[int]:
    """Return the live windows whose helper may help the pupil no more, all or those of a condition.

    Nothing is held, and a statement a door answers for all of its helpers.
    """
    is_asked = [windows.may_be_used(now), *([] if which is None else [which])]
    live = db.execute(select(PasswordWindow.id, PasswordWindow.door).where(*is_asked)).all()
    held: set[int] = set()
    for door in {row.door for row in live}:
        rows = db.execute(_HELD[door].where(*is_asked), {"today": now.today})
        held.update(row.id for row in rows if door is not Door.TEACHER or areas.is_taught(row))
    return sorted(row.id for row in live if row.id not in held)


_taught, _administered = areas.CLASSES.subquery(), areas.INSTITUTIONS.subquery()
_WHERE = (PasswordWindow.institution_id, PasswordWindow.opened_by_id, TODAY)


def _standing(door: Door, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Return the windows that one door's helpers opened who are not blocked themselves."""
    return (
        select(PasswordWindow.id, *columns)
        .join(User, User.id == PasswordWindow.opened_by_id)
        .where(
            PasswordWindow.door == door,
            PasswordWindow.opened_by_id != PasswordWindow.pupil_id,
            User.blocked_at.is_(None),
        )
    )


def _is_windows_pupil(*where: Any) -> ColumnElement[bool]:
    return and_(Affiliation.user_id == PasswordWindow.pupil_id, areas.is_pupil(*where))


# The windows whose helper still may, by door, in the very words of areas.py.
_HELD: dict[Door, Select[*tuple[Any, ...]]] = {
    Door.TEACHER: _standing(
        Door.TEACHER, _taught.c.roles, _taught.c.institution_id, _taught.c.group_institution_id
    )
    .join(
        _taught,
        and_(
            _taught.c.actor_id == PasswordWindow.opened_by_id,
            _taught.c.institution_id == PasswordWindow.institution_id,
        ),
    )
    .join(Affiliation, _is_windows_pupil(*_WHERE, _taught.c.group_id)),
    Door.ADMINISTRATOR: _standing(Door.ADMINISTRATOR)
    .join(
        _administered,
        and_(
            _administered.c.actor_id == PasswordWindow.opened_by_id,
            _administered.c.institution_id == PasswordWindow.institution_id,
        ),
    )
    .join(Affiliation, _is_windows_pupil(*_WHERE)),
    Door.GUARDIAN: _standing(Door.GUARDIAN)
    .join(
        ContactRelation,
        areas.is_guardians(PasswordWindow.opened_by_id, PasswordWindow.pupil_id, TODAY),
    )
    .where(areas.is_child(PasswordWindow.pupil_id, TODAY)),
}


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
