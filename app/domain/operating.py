"""What only the operator does, at the server: the first administrator, and all pictures anew after a leak."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Instant, is_too_long
from app.domain import audit, new_password, passwords, people, sessions, throttling
from app.domain.audit import Event
from app.domain.passwords import Hasher
from app.domain.throttling import Place
from app.keys import Keys
from app.models.credentials import Authorisation, Credential, ExpiryReason
from app.models.people import (
    Affiliation,
    Category,
    CprStatus,
    Institution,
    PasswordType,
    Right,
    RightKind,
    Role,
    User,
)
from app.models.sso import EndReason, LoginFlow
from app.world import Dice

NUMBER = re.compile(r"[0-9A-Z]{6}")
PUPIL_ROLES = (Role.BARN, Role.ELEV, Role.STUDERENDE)
EXTERNAL_ROLES = (Role.PRAKTIKANT, Role.EKSTERN)
ADULT_ROLES = tuple(role for role in Role if role not in PUPIL_ROLES)
# Where the operator sat, for the audit.
TERMINAL = "terminal"
VOID_AT_ONCE = 500


class Outcome(Enum):
    """What came of a wish to add a person."""

    ADDED = auto()
    NO_USERNAME = auto()
    USERNAME_TAKEN = auto()
    NO_INSTITUTION = auto()
    NO_INSTITUTION_NUMBER = auto()
    NO_INSTITUTION_NAME = auto()
    NO_NAME = auto()
    TOO_LONG = auto()


@dataclass(frozen=True, slots=True)
class Added:
    """The answer: what came of it, who it is, and the one-time password where one was dealt."""

    outcome: Outcome
    user_id: int | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Whom to add, and where; a name for the institution makes it where it is missing."""

    username: str
    given_name: str
    family_name: str
    institution_number: str
    role: Role
    is_administrator: bool = False
    institution_name: str | None = None
    institution_type: str = "Folkeskole"
    is_public_body: bool = True


def add_person(
    db: Session, dice: Dice, hasher: Hasher, config: Config, person: NewPerson, now: Instant, *, operator: str
) -> Added:
    """Add an adult at an institution.

    The first administrator of an institution has nobody to help with a password: that one alone is
    dealt a one-time password, to be changed at the first login. Everybody else gets none here (S-24).
    """
    username = people.normal_username(person.username)
    if username is None:
        return Added(Outcome.NO_USERNAME)
    if people.find_by_username(db, username) is not None:
        return Added(Outcome.USERNAME_TAKEN)
    given_name, family_name = person.given_name.strip(), person.family_name.strip()
    if not given_name or not family_name:
        return Added(Outcome.NO_NAME)
    if is_too_long(given_name, User.given_name) or is_too_long(family_name, User.family_name):
        return Added(Outcome.TOO_LONG)
    number = people.normal_number(person.institution_number)
    institution = people.find_institution(db, number)
    if institution is None:
        if person.institution_name is None:
            return Added(Outcome.NO_INSTITUTION)
        if not NUMBER.fullmatch(number):
            return Added(Outcome.NO_INSTITUTION_NUMBER)
        name, kind = person.institution_name.strip(), person.institution_type.strip()
        if not name or not kind:
            return Added(Outcome.NO_INSTITUTION_NAME)
        if is_too_long(name, Institution.name) or is_too_long(kind, Institution.type):
            return Added(Outcome.TOO_LONG)
        new = Institution(number=number, name=name, type=kind, is_public_body=person.is_public_body)
        institution = _add_institution(db, new, now, operator)
    is_first = person.is_administrator and not _has_administrator(db, institution.id)
    user = User(
        uni_id=_new_uni_id(db, dice),
        username=username,
        given_name=given_name,
        family_name=family_name,
        cpr_status=CprStatus.UNKNOWN,
        created_at=now.at,
    )
    db.add(user)
    db.flush()
    is_external = person.role in EXTERNAL_ROLES
    db.add(
        Affiliation(
            user_id=user.id,
            institution_id=institution.id,
            category=Category.EXTERNAL if is_external else Category.EMPLOYEE,
            roles=[str(person.role)],
            from_on=now.today,
        )
    )
    db.flush()
    audit.record(
        db, Event.PERSON_ADDED, now, subject_id=user.id, institution_id=institution.id, operator=operator
    )
    if person.is_administrator:
        _give_right(db, user.id, institution.id, now, operator)
    if not is_first:
        return Added(Outcome.ADDED, user.id)
    return Added(
        Outcome.ADDED, user.id, _deal_first_password(db, dice, hasher, config, user.id, now, operator)
    )


def _add_institution(db: Session, institution: Institution, now: Instant, operator: str) -> Institution:
    db.add(institution)
    db.flush()
    audit.record(db, Event.INSTITUTION_ADDED, now, institution_id=institution.id, operator=operator)
    return institution


def _has_administrator(db: Session, institution_id: int) -> bool:
    found = select(Right.id).where(
        Right.institution_id == institution_id,
        Right.kind == RightKind.USER_ADMINISTRATOR,
        Right.ended_at.is_(None),
    )
    return db.scalar(found.limit(1)) is not None


def _new_uni_id(db: Session, dice: Dice) -> str:
    while True:
        uni_id = f"{dice.below(16**10):010x}"
        if db.scalar(select(User.id).where(User.uni_id == uni_id)) is None:
            return uni_id


def _give_right(db: Session, user_id: int, institution_id: int, now: Instant, operator: str) -> None:
    kind = RightKind.USER_ADMINISTRATOR
    db.add(Right(user_id=user_id, kind=kind, institution_id=institution_id, given_at=now.at))
    db.flush()
    audit.record(
        db,
        Event.RIGHT_GIVEN,
        now,
        subject_id=user_id,
        institution_id=institution_id,
        right=kind.name,
        operator=operator,
    )


def _deal_first_password(
    db: Session, dice: Dice, hasher: Hasher, config: Config, user_id: int, now: Instant, operator: str
) -> str:
    """Deal a password that has run out already: it opens nothing but the choice of a new one."""
    password_type = passwords.required_type(None, None)
    secret = passwords.deal(password_type, dice, people.about(db, user_id, now.today))
    hashed = hasher.hash(secret, user_id, password_type)
    credential_id = new_password.store(
        db, hasher, config, user_id, hashed, password_type, Authorisation.OPERATOR, None, now
    )
    db.execute(
        update(Credential)
        .where(Credential.id == credential_id)
        .values(expires_at=now.sql, expiry_reason=ExpiryReason.ONE_TIME)
    )
    audit.record(
        db,
        Event.PASSWORD_CHANGED,
        now,
        subject_id=user_id,
        password_type=password_type.name,
        authorisation=Authorisation.OPERATOR.name,
        network=TERMINAL,
        operator=operator,
    )
    return secret


def forget_tries(db: Session, keys: Keys, user: User, now: Instant, *, operator: str) -> None:
    """Open an account again to browsers that nobody knows, after too many wrong tries (S-13)."""
    throttling.clear(db, throttling.bucket_name(keys, Place.OUTER, user.username or ""))
    audit.record(db, Event.TRIES_FORGOTTEN, now, subject_id=user.id, operator=operator)


def forget_mitid(db: Session, user: User, now: Instant, *, operator: str) -> bool:
    """Forget the MitID a person is known by, so that the CPR number alone finds them the next time (S-31).

    False where none is known. For a person with a new MitID, or a number the school has corrected.
    """
    forgotten = db.execute(
        update(User)
        .where(User.id == user.id, User.mitid_uuid.is_not(None))
        .values(mitid_uuid=None)
        .returning(User.id)
    )
    if forgotten.first() is None:
        return False
    audit.record(db, Event.MITID_FORGOTTEN, now, subject_id=user.id, operator=operator)
    return True


def count_pictures(db: Session) -> int:
    """Return how many people log in with pictures."""
    current = select(func.count()).where(*_has_pictures())
    return db.scalar(current) or 0


def void_pictures(db: Session, now: Instant, *, operator: str) -> int:
    """End the picture passwords of the next people who have one, with all they opened (S-23).

    For after a leak of the keys: a picture code holds eighteen bits, which whoever has keys and hashes
    soon finds. Each pupil gets new pictures with the help of an adult. Returns how many codes ended;
    call it, a transaction each time, until none did.
    """
    some = select(Credential.user_id).where(*_has_pictures()).order_by(Credential.id).limit(VOID_AT_ONCE)
    whose = db.scalars(some).all()
    people.hold(db, *whose)  # before anything of theirs
    user_ids = list(
        db.scalars(
            update(Credential)
            .where(Credential.user_id.in_(whose), *_has_pictures())
            .values(ended_at=now.sql)
            .returning(Credential.user_id)
        )
    )
    # What waits in a half-done login was sealed with the same keys; flows before sessions, as a login does.
    db.execute(delete(LoginFlow).where(LoginFlow.user_id.in_(user_ids)))
    for user_id in user_ids:
        sessions.end_all(db, user_id, EndReason.OPERATOR, now)
        audit.record(db, Event.PICTURES_VOIDED, now, subject_id=user_id, operator=operator)
    return len(user_ids)


def _has_pictures() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Credential.password_type == PasswordType.PICTURES, Credential.ended_at.is_(None)
