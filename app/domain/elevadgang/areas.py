"""Whom one may help: a teacher's classes, an administrator's institutions, a parent's child (S-40).

Nothing here is remembered: authority is asked of the tables at every list, press, claim and confirmation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, SQLColumnExpression, and_, bindparam, literal, or_, select
from sqlalchemy.orm import Session

from app.db import Instant
from app.direct import direct
from app.domain import people
from app.domain.people import TODAY, is_current
from app.models.elevadgang import Door
from app.models.imports import ImportOutcome, ImportRun
from app.models.people import (
    Affiliation,
    Category,
    ContactRelation,
    Group,
    GroupMember,
    GroupType,
    Institution,
    Right,
    RightKind,
    Role,
    User,
)

TEACHING = str(Role.LAERER)


@dataclass(frozen=True, slots=True)
class Area:
    """The pupils that somebody may help: those of one class, or of a whole institution."""

    door: Door
    actor_id: int
    institution_id: int
    institution_number: str
    institution_name: str
    group_id: int | None = None
    group_name: str = ""


class Empty(Enum):
    """Why a teacher's list is empty (domain 8)."""

    NO_CLASS = auto()
    NOT_TEACHER = auto()
    NO_IMPORT = auto()
    OTHER_BUTTON = auto()
    ENDED = auto()
    NOT_MAIN_GROUP = auto()


def _has_begun_and_not_ended(today: ColumnElement[date]) -> ColumnElement[bool]:
    return and_(
        or_(Group.from_on.is_(None), Group.from_on <= today), or_(Group.to_on.is_(None), Group.to_on >= today)
    )


# Every class that an employee is in; `is_taught` tells those of a teacher's own.
CLASSES: Select[*tuple[Any, ...]] = (
    select(
        Affiliation.user_id.label("actor_id"),
        Affiliation.roles,
        Affiliation.institution_id,
        Institution.number,
        Institution.name.label("institution_name"),
        Group.id.label("group_id"),
        Group.name.label("group_name"),
        Group.institution_id.label("group_institution_id"),
    )
    .join(GroupMember, GroupMember.affiliation_id == Affiliation.id)
    .join(Group, Group.id == GroupMember.group_id)
    .join(Institution, Institution.id == Affiliation.institution_id)
    .where(
        Affiliation.category == Category.EMPLOYEE,
        is_current(TODAY),
        Group.type == GroupType.HOVEDGRUPPE,
        _has_begun_and_not_ended(TODAY),
    )
)
_TAUGHT = CLASSES.where(Affiliation.user_id == bindparam("actor_id")).order_by(
    Institution.name, Group.name, Group.id
)
# What it rests on stays so until the commit.
_TAUGHT_HELD = _TAUGHT.with_for_update(read=True, of=(Affiliation, GroupMember))


def list_classes(db: Session, actor_id: int, today: date, *, is_held: bool = False) -> list[Area]:
    """Return the classes of a teacher, by school and name; empty for who has not the role Lærer."""
    rows = direct(db, _TAUGHT_HELD if is_held else _TAUGHT, {"actor_id": actor_id, "today": today})
    # Two affiliations may lead to the same class.
    areas = {row.group_id: _class(row) for row in rows if is_taught(row)}
    return list(areas.values())


def is_taught(row: Row[*tuple[Any, ...]]) -> bool:
    """Whether one of `CLASSES` is a teacher's, and of the teacher's own school.

    Asked of the row: as a condition of the statement, the latter has SQLite search all the school's groups.
    """
    return TEACHING in row.roles and row.group_institution_id == row.institution_id


def _class(row: Row[*tuple[Any, ...]]) -> Area:
    return Area(
        Door.TEACHER,
        row.actor_id,
        row.institution_id,
        row.number,
        row.institution_name,
        row.group_id,
        row.group_name,
    )


def find_class(
    db: Session, actor_id: int, group_id: int, today: date, *, is_held: bool = False
) -> Area | None:
    """Return a class of a teacher's, or None where it is not one, or is not there."""
    classes = list_classes(db, actor_id, today, is_held=is_held)
    return next((area for area in classes if area.group_id == group_id), None)


# Every institution that somebody's right covers.
INSTITUTIONS: Select[*tuple[Any, ...]] = (
    select(
        Right.user_id.label("actor_id"),
        Institution.id.label("institution_id"),
        Institution.number,
        Institution.name,
    )
    .join(Institution, Institution.id == Right.institution_id)
    .where(Right.kind == RightKind.USER_ADMINISTRATOR, Right.ended_at.is_(None))
)
_ADMINISTERED = INSTITUTIONS.where(Right.user_id == bindparam("actor_id")).order_by(
    Institution.name, Institution.number
)
_ADMINISTERED_HELD = _ADMINISTERED.with_for_update(read=True, of=Right)


def list_institutions(db: Session, actor_id: int, *, is_held: bool = False) -> list[Area]:
    """Return the institutions that a user administrator's right covers, by name."""
    rows = direct(db, _ADMINISTERED_HELD if is_held else _ADMINISTERED, {"actor_id": actor_id})
    return [Area(Door.ADMINISTRATOR, *row) for row in rows]


def find_institution(db: Session, actor_id: int, number: str, *, is_held: bool = False) -> Area | None:
    """Return an institution that a right covers, or None."""
    found = list_institutions(db, actor_id, is_held=is_held)
    return next((area for area in found if area.institution_number == number), None)


def find_foreign(db: Session, *, group_id: int | None = None, number: str | None = None) -> int | None:
    """Return the institution that an address names, for the alert of one who may not be there."""
    if group_id is not None:
        return db.scalar(select(Group.institution_id).where(Group.id == group_id))
    return db.scalar(select(Institution.id).where(Institution.number == number))


def is_pupil(
    institution_id: SQLColumnExpression[int],
    actor_id: ColumnElement[int],
    today: ColumnElement[date],
    group_id: ColumnElement[int] | None = None,
) -> ColumnElement[bool]:
    """Whether an affiliation is that of a pupil there, of one class where it is named; never the actor's."""
    conditions = [
        Affiliation.category == Category.PUPIL,
        Affiliation.institution_id == institution_id,
        Affiliation.user_id != actor_id,
        is_current(today),
        ~people.is_staff(Affiliation.user_id, today),
    ]
    if group_id is not None:
        conditions.append(Affiliation.main_group_id == group_id)
    return and_(*conditions)


def is_pupil_of(area: Area, today: date) -> ColumnElement[bool]:
    """Whether an affiliation is that of a pupil of an area, as a condition."""
    group_id = literal(area.group_id or 0) if area.door is Door.TEACHER else None
    return is_pupil(literal(area.institution_id), literal(area.actor_id), literal(today), group_id)


def holds(
    db: Session, door: Door, actor_id: int, institution_id: int | None, pupil_id: int, now: Instant
) -> bool:
    """Whether somebody may help a pupil at this moment; what it rests on is held until the commit (S-40).

    Whoever comes to lock a window has called this before: a block locks its person first, too.
    """
    standing = select(User.id).where(User.id == actor_id, User.blocked_at.is_(None))
    if actor_id == pupil_id or db.scalar(standing.with_for_update(read=True)) is None:
        return False
    if door is Door.GUARDIAN:
        return _is_guardian(db, actor_id, pupil_id, now)
    if door is Door.TEACHER:
        areas = list_classes(db, actor_id, now.today, is_held=True)
    else:
        areas = list_institutions(db, actor_id, is_held=True)
    here = [is_pupil_of(area, now.today) for area in areas if area.institution_id == institution_id]
    if not here:
        return False
    pupil = select(Affiliation.id).where(Affiliation.user_id == pupil_id, or_(*here))
    return db.scalar(pupil.with_for_update(read=True).limit(1)) is not None


def _is_guardian(db: Session, actor_id: int, pupil_id: int, now: Instant) -> bool:
    today = literal(now.today)
    relation = select(ContactRelation.id).where(is_guardians(literal(actor_id), literal(pupil_id), today))
    return db.scalar(relation.with_for_update(read=True).limit(1)) is not None and db.scalar(
        select(is_child(literal(pupil_id), today))
    ) in (True, 1)


def is_guardians(
    actor_id: SQLColumnExpression[int], pupil_id: SQLColumnExpression[int], today: ColumnElement[date]
) -> ColumnElement[bool]:
    """Whether a relation gives a contact leave to help a pupil now: by custody alone (S-32)."""
    return and_(
        ContactRelation.contact_id == actor_id,
        ContactRelation.pupil_id == pupil_id,
        ContactRelation.has_custody,
        ContactRelation.may_help,
        ContactRelation.from_on <= today,
        or_(ContactRelation.to_on.is_(None), ContactRelation.to_on >= today),
    )


def is_child(pupil_id: SQLColumnExpression[int], today: ColumnElement[date]) -> ColumnElement[bool]:
    """Whether a pupil has a place anywhere, and is nobody's colleague: only then a parent can help."""
    return people.has_place(pupil_id, today) & ~people.is_staff(pupil_id, today)


def why_empty(db: Session, actor_id: int, area: Area | None, now: Instant) -> Empty | None:
    """Return why a teacher's list is empty, the first reason that fits; None where none of them does.

    `area` is the class that has no pupils, or None where there is not even a class.
    """
    if area is not None:
        return None if _was_delivered(db, area.institution_id, now) else Empty.NO_IMPORT
    rows = db.execute(
        select(Affiliation.id, Affiliation.institution_id, Affiliation.roles, Affiliation.to_on)
        .where(Affiliation.user_id == actor_id, Affiliation.category == Category.EMPLOYEE)
        .order_by(Affiliation.id)
    ).all()
    current = [row for row in rows if row.to_on is None or row.to_on >= now.today]
    teaching = [row for row in current if TEACHING in row.roles]
    if not teaching:
        if list_institutions(db, actor_id):
            return Empty.OTHER_BUTTON
        return Empty.ENDED if any(TEACHING in row.roles for row in rows) else Empty.NOT_TEACHER
    if not any(_was_delivered(db, row.institution_id, now) for row in teaching):
        return Empty.NO_IMPORT
    groups = select(GroupMember.group_id).where(GroupMember.affiliation_id.in_([row.id for row in teaching]))
    return Empty.NO_CLASS if db.scalar(groups.limit(1)) is None else Empty.NOT_MAIN_GROUP


def _was_delivered(db: Session, institution_id: int, now: Instant) -> bool:
    """Whether the newest delivery of an institution's people was loaded."""
    newest = (
        select(ImportRun.outcome)
        .where(ImportRun.institution_id == institution_id, ImportRun.received_at <= now.after(60))
        .order_by(ImportRun.received_at.desc(), ImportRun.id.desc())
        .limit(1)
    )
    return db.scalar(newest) is ImportOutcome.LOADED
