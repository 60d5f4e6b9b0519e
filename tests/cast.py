"""The people tests are about. They never change role; the demo school has them, from the same data."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo.cast import (
    ALBA,
    ALIASED,
    ANNA,
    AT,
    BO,
    BOTH,
    CARLA,
    CAST,
    CHILD_OF_BOTH,
    DAN,
    EQUALS,
    EVA,
    EXPIRING,
    FINN,
    FIXED,
    FORMULAS,
    GRY,
    IDA,
    MARKED,
    MINUS,
    NAMELESS,
    OTTO,
    PARENT,
    PLUS,
    PROTECTED,
    SPECIAL,
    STAGE,
    WITHOUT_CPR,
)
from app.demo.empty_lists import ENDED, NO_CLASS, NO_IMPORT, NOT_MAIN_GROUP, NOT_TEACHER, WITHOUT_PUPILS
from app.demo.member import Member, School
from app.demo.schools import BOEGESKOLEN, EGESKOLEN, LINDESKOLEN
from app.models.people import Institution, User

__all__ = [
    "ALBA",
    "ALIASED",
    "ANNA",
    "AT",
    "BO",
    "BOEGESKOLEN",
    "BOTH",
    "CARLA",
    "CAST",
    "CHILD_OF_BOTH",
    "DAN",
    "EGESKOLEN",
    "ENDED",
    "EQUALS",
    "EVA",
    "EXPIRING",
    "FINN",
    "FIXED",
    "FORMULAS",
    "GRY",
    "IDA",
    "LINDESKOLEN",
    "MARKED",
    "MINUS",
    "NAMELESS",
    "NOT_MAIN_GROUP",
    "NOT_TEACHER",
    "NO_CLASS",
    "NO_IMPORT",
    "OTTO",
    "PARENT",
    "PLUS",
    "PROTECTED",
    "SPECIAL",
    "STAGE",
    "WITHOUT_CPR",
    "WITHOUT_PUPILS",
    "Member",
    "School",
    "user_of",
]


def user_of(db: Session, member: Member) -> User:
    """Return the row of one of the cast; whoever has no username is found by name."""
    query = select(User).where(User.username == member.username)
    if member.username is None:
        query = select(User).where(
            User.given_name == member.given_name,
            User.family_name == member.family_name,
            User.username.is_(None),
        )
    return db.scalars(query).one()


def institution(db: Session, which: School) -> Institution:
    """Return a demo institution as stored."""
    return db.scalars(select(Institution).where(Institution.number == which.number)).one()
