"""Finding people, and what there is to know of one: names, places, what a password must not hold."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, SQLColumnExpression, and_, bindparam, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.direct import direct, often
from app.domain import cpr
from app.domain.passwords import About, required_type
from app.models.people import (
    Affiliation,
    Category,
    Group,
    GroupMember,
    Institution,
    PasswordType,
    Right,
    RightKind,
    User,
)

# Four letters and four digits; older ones have three digits and one character.
USERNAME = re.compile(r"[a-z]{4}[0-9]{3}[0-9a-z]")
# What people put between the letters and the digits.
BETWEEN = re.compile(r"[\s\-\u2010-\u2014]+")
# A username with blanks in it; far shorter than what a flow keeps, so that a cut never makes one (S-11).
LONGEST_TYPED, LONGEST_SHOWN = 20, 40
# How much of what is none is looked through; no number on its edge comes to be shown.
LONGEST_READ = 200
TEN_DIGITS = re.compile(r"\d{10}")

# The day that affiliations are judged by, in statements that are made once.
TODAY = bindparam("today", type_=Date())


def normal_username(text: str) -> str | None:
    """Return a typed username in its one form (S-11), or None where it cannot be one."""
    typed = " ".join(text.split())
    if len(typed) > LONGEST_TYPED:
        return None
    folded = BETWEEN.sub("", unicodedata.normalize("NFKC", typed)).casefold()
    return folded if USERNAME.fullmatch(folded) else None


def shown_username(text: str) -> str:
    """Return a typed username as a flow keeps it: its one form, or the start of what is none.

    What is none stays none when it is cut, can be stored whatever it holds (S-11), and holds nothing like
    a CPR number, which many try first (S-72).
    """
    username = normal_username(text)
    if username is not None:
        return username
    start = " ".join(text.split())[:LONGEST_READ]
    freed, _ = cpr.without_numbers("".join(c if c.isprintable() else "?" for c in start))
    # Also one that is written in pieces, whatever stands between them.
    together = "".join(c for c in unicodedata.normalize("NFKC", freed) if c.isalnum())
    is_number = TEN_DIGITS.search(together) or cpr.without_numbers(together)[1]
    return cpr.REMOVED if is_number else freed[:LONGEST_SHOWN]


def is_current(today: ColumnElement[date]) -> ColumnElement[bool]:
    """Whether an affiliation holds on a day, as a condition."""
    return and_(Affiliation.from_on <= today, or_(Affiliation.to_on.is_(None), Affiliation.to_on >= today))


def has_place(user_id: SQLColumnExpression[Any], today: ColumnElement[date]) -> ColumnElement[bool]:
    """Whether a user belongs anywhere: a current affiliation, or a right given by hand."""
    return or_(is_affiliated(user_id, today), has_right(user_id))


def is_affiliated(user_id: SQLColumnExpression[Any], today: ColumnElement[date]) -> ColumnElement[bool]:
    """Whether a user has a current affiliation."""
    return select(Affiliation.id).where(Affiliation.user_id == user_id, is_current(today)).exists()


def has_right(user_id: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Whether a user holds any right that was given by hand."""
    return select(Right.id).where(Right.user_id == user_id, Right.ended_at.is_(None)).exists()


def has_private_place(user_id: SQLColumnExpression[Any], today: ColumnElement[date]) -> ColumnElement[bool]:
    """Whether a user has a current affiliation to, or a right at, an institution that is no public body."""
    is_private = Institution.is_public_body.is_(False)
    affiliated = (
        select(Affiliation.id)
        .join(Institution, Institution.id == Affiliation.institution_id)
        .where(Affiliation.user_id == user_id, is_current(today), is_private)
    )
    entitled = (
        select(Right.id)
        .join(Institution, Institution.id == Right.institution_id)
        .where(Right.user_id == user_id, Right.ended_at.is_(None), is_private)
    )
    return or_(affiliated.exists(), entitled.exists())


def is_staff(user_id: SQLColumnExpression[Any], today: ColumnElement[date]) -> ColumnElement[bool]:
    """Whether a user works anywhere or holds a right: nobody helps such a one as a pupil (S-40)."""
    job = aliased(Affiliation)
    employed = select(job.id).where(
        job.user_id == user_id,
        job.category == Category.EMPLOYEE,
        job.from_on <= today,
        or_(job.to_on.is_(None), job.to_on >= today),
    )
    entitled = select(Right.id).where(Right.user_id == user_id, Right.ended_at.is_(None))
    return or_(employed.exists(), entitled.exists())


def pupil_level(user_id: SQLColumnExpression[Any], today: ColumnElement[date]) -> ColumnElement[str | None]:
    """Return a pupil's own level, or NULL for who is no pupil."""
    return (
        select(Affiliation.level)
        .where(Affiliation.user_id == user_id, Affiliation.category == Category.PUPIL, is_current(today))
        .order_by(Affiliation.is_primary.desc(), Affiliation.id)
        .limit(1)
        .scalar_subquery()
    )


def get_user(db: Session, user_id: int) -> User:
    """Return the user with this id.

    Raises:
        LookupError: there is none.

    """
    user = db.get(User, user_id)
    if user is None:
        raise LookupError(f"no user {user_id}")
    return user


def get_required_type(db: Session, user_id: int, today: date) -> PasswordType:
    """Return the kind of password a user is to have on a day.

    Raises:
        NoResultFound: there is no such user.

    """
    asked = select(pupil_level(User.id, literal(today)).label("level"), User.marked_password_type)
    row = db.execute(asked.where(User.id == user_id)).one()
    return required_type(row.level, row.marked_password_type)


def hold(db: Session, *user_ids: int) -> None:
    """Hold users until the commit, before anything of theirs, as a login and a block do.

    In one order, so that two who hold several wait for each other and never for ever.
    """
    whose = select(User.id).where(User.id.in_(user_ids)).order_by(User.id)
    db.execute(whose.with_for_update(key_share=True)).all()


def find_by_username(db: Session, username: str) -> User | None:
    """Return the user with this username, in its normal form."""
    return db.scalar(select(User).where(User.username == username))


@dataclass(frozen=True, slots=True)
class Place:
    """An affiliation with the names to show: where a user is, and as what."""

    affiliation_id: int
    category: Category
    roles: list[str]
    level: str | None
    institution_number: str
    institution_name: str
    main_group: str | None


_PLACES = often(
    select(
        Affiliation.id,
        Affiliation.category,
        Affiliation.roles,
        Affiliation.level,
        Institution.number,
        Institution.name,
        Group.name,
    )
    .join(Institution, Institution.id == Affiliation.institution_id)
    .outerjoin(Group, Group.id == Affiliation.main_group_id)
    .where(Affiliation.user_id == bindparam("user_id"), is_current(TODAY))
    .order_by(Affiliation.is_primary.desc(), Affiliation.id)
)


def list_places(db: Session, user_id: int, today: date) -> list[Place]:
    """Return a user's current affiliations, the primary first."""
    return [Place(*row) for row in direct(db, _PLACES, {"user_id": user_id, "today": today})]


_GROUPS = (
    select(GroupMember.affiliation_id, Group.name)
    .join(Group, Group.id == GroupMember.group_id)
    .where(GroupMember.affiliation_id.in_(bindparam("affiliation_ids", expanding=True)))
    .order_by(Group.name)
)


def list_groups(db: Session, affiliation_ids: list[int]) -> dict[int, list[str]]:
    """Return the names of the further groups of each affiliation, by name."""
    names: dict[int, list[str]] = {}
    for affiliation_id, name in direct(db, _GROUPS, {"affiliation_ids": affiliation_ids}):
        names.setdefault(affiliation_id, []).append(name)
    return names


_RIGHTS = (
    select(Right.kind, Institution.name)
    .outerjoin(Institution, Institution.id == Right.institution_id)
    .where(Right.user_id == bindparam("user_id"), Right.ended_at.is_(None))
)


def list_rights(db: Session, user_id: int) -> list[tuple[RightKind, str | None]]:
    """Return the rights a user holds, each with the institution's name where it is for one."""
    return [(kind, name) for kind, name in direct(db, _RIGHTS, {"user_id": user_id})]


def about(db: Session, user_id: int, today: date) -> About:
    """Return what of a person a password must not hold."""
    user = get_user(db, user_id)
    names = [user.given_name, user.family_name, user.alias_given_name, user.alias_family_name]
    institutions = db.scalars(
        select(Institution.name)
        .join(Affiliation, Affiliation.institution_id == Institution.id)
        .where(Affiliation.user_id == user_id, is_current(literal(today)))
    )
    return About(tuple(name for name in names if name), user.username or "", tuple(institutions))


def names_of(db: Session, user_ids: set[int]) -> dict[int, str]:
    """Return the names others may see, by user id."""
    if not user_ids:
        return {}
    return {user.id: user.shown_name for user in db.scalars(select(User).where(User.id.in_(user_ids)))}


def find_institution(db: Session, number: str) -> Institution | None:
    """Return the institution with this number, as somebody types it."""
    return db.scalar(select(Institution).where(Institution.number == normal_number(number)))


def normal_number(text: str) -> str:
    """Return an institution's number as it is stored."""
    return text.strip().upper()


def numbers_of(db: Session, institution_ids: set[int]) -> dict[int, str]:
    """Return institution numbers by id."""
    rows = db.execute(select(Institution.id, Institution.number).where(Institution.id.in_(institution_ids)))
    return {row.id: row.number for row in rows}


def count(db: Session) -> int:
    """Return how many people there are."""
    return db.scalar(select(func.count()).select_from(User)) or 0


def list_institution_names(db: Session, letters: str, limit: int = 8) -> list[str]:
    """Return names of institutions that hold these letters, those that begin with them first."""
    # SQLite knows no big and small letters beyond English.
    ways = {letters, letters.capitalize(), letters.title()}
    found = select(Institution.name).where(
        or_(*(Institution.name.icontains(w, autoescape=True) for w in ways))
    )
    begins = or_(*(Institution.name.istartswith(w, autoescape=True) for w in ways))
    return list(db.scalars(found.order_by(begins.desc(), Institution.name).limit(limit)))
