"""The cast of the demo school: who they are, and that each can do what the cast is for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.config import Config, PasswordProfile
from app.db import Instant
from app.demo import drawing
from app.domain import audit, passwords, people
from app.domain.elevadgang import areas
from app.domain.elevadgang.areas import Empty
from app.domain.passwords import About, Hasher
from app.models.credentials import Authorisation, Credential, ExpiryReason
from app.models.people import (
    Affiliation,
    Category,
    ContactRelation,
    Group,
    GroupMember,
    Institution,
    PasswordType,
    Relation,
    Right,
    RightKind,
    Role,
    User,
)
from tests.cast import (
    ANNA,
    BO,
    BOEGESKOLEN,
    BOTH,
    CARLA,
    CAST,
    CHILD_OF_BOTH,
    DAN,
    EGESKOLEN,
    EVA,
    EXPIRING,
    FINN,
    FORMULAS,
    GRY,
    IDA,
    MARKED,
    NAMELESS,
    NO_IMPORT,
    PROTECTED,
    STAGE,
    WITHOUT_PUPILS,
    Member,
    institution,
    user_of,
)

# The issue's table, word for word, so that a change of the data is seen.
TABLE = [
    ("Anna Holm", "anna1001"),
    ("Ida Krogh", "idak1002"),
    ("Bo Lind", "boli1003"),
    ("Carla Juhl", "carl2001"),
    ("Dan Holm", "danh3001"),
    ("Eva Norup", "evan4001"),
    ("Finn Brask", "finn5001"),
    ("Gry Toft", "gryt6001"),
]
TODAY = date(2026, 11, 22)


def current(db: Session, member: Member) -> Credential:
    """Return the credential in force of one of the cast."""
    user = user_of(db, member)
    return db.scalars(
        select(Credential).where(Credential.user_id == user.id, Credential.ended_at.is_(None))
    ).one()


def classes_of(db: Session, member: Member) -> set[tuple[str, str]]:
    """Return institution and name of the groups that one of the cast is in as employee."""
    rows = db.execute(
        select(Institution.number, Group.name)
        .join(Group, Group.institution_id == Institution.id)
        .join(GroupMember, GroupMember.group_id == Group.id)
        .join(Affiliation, Affiliation.id == GroupMember.affiliation_id)
        .where(Affiliation.user_id == user_of(db, member).id, Affiliation.category == Category.EMPLOYEE)
    )
    return {(row.number, row.name) for row in rows}


def relations(db: Session, adult: Member) -> set[tuple[str | None, Relation, bool]]:
    """Return for whom an adult is registered: username, relation, custody."""
    rows = db.execute(
        select(User.username, ContactRelation.relation, ContactRelation.has_custody)
        .join(User, User.id == ContactRelation.pupil_id)
        .where(ContactRelation.contact_id == user_of(db, adult).id)
    )
    return {(row.username, row.relation, row.has_custody) for row in rows}


# The cast


def test_the_cast_has_the_names_and_usernames_that_the_issue_lists(db: Session) -> None:
    for name, username in TABLE:
        user = db.scalars(select(User).where(User.username == username)).one()
        assert user.shown_name == name


@pytest.mark.parametrize("member", [m for m in CAST if m.secret], ids=lambda m: m.word)
def test_everybody_in_the_cast_has_a_working_password(db: Session, hasher: Hasher, member: Member) -> None:
    credential = current(db, member)
    hashed = hasher.unseal(
        credential.sealed_hash, credential.user_id, credential.id, credential.password_type
    )
    assert member.secret is not None
    assert hasher.verify(member.secret, credential.user_id, credential.password_type, hashed)
    assert not hasher.verify(member.secret + "x", credential.user_id, credential.password_type, hashed)
    assert not hasher.is_outdated(hashed)


@pytest.mark.parametrize("member", [m for m in CAST if m.password], ids=lambda m: m.word)
def test_a_password_of_the_cast_obeys_the_rules_for_its_type(member: Member) -> None:
    name = member.school.name if member.school else ""
    about = About((member.given_name, member.family_name), member.username or "", (name,))
    assert member.password is not None
    assert member.password_type is not None
    for secret, kind in [
        (member.password, member.password_type),
        *((old.secret, old.password_type) for old in member.earlier),
    ]:
        assert passwords.failures(secret, kind, PasswordProfile.UNILOGIN, about) == []


def test_picture_passwords_of_the_cast_are_four_different_known_pictures() -> None:
    for member in CAST:
        if member.pictures:
            assert len(set(member.pictures)) == passwords.CODE_LENGTH
            assert set(member.pictures) <= set(passwords.PICTURES)


@pytest.mark.parametrize("member", [m for m in CAST if m.class_name], ids=lambda m: m.word)
def test_pupils_of_the_cast_are_in_their_class(db: Session, member: Member) -> None:
    assert member.school is not None
    place = people.list_places(db, user_of(db, member).id, TODAY)[0]
    assert place.institution_number == member.school.number
    assert (place.main_group, place.level) == (member.class_name, member.level)
    assert place.roles == ["Elev"]


def test_carla_teaches_her_two_classes_and_finn_only_at_the_other_school(db: Session) -> None:
    assert classes_of(db, CARLA) == {(EGESKOLEN.number, "2.B"), (EGESKOLEN.number, "5.A")}
    assert {number for number, _name in classes_of(db, FINN)} == {BOEGESKOLEN.number}
    for member in (CARLA, FINN):
        places = people.list_places(db, user_of(db, member).id, TODAY)
        assert [place.roles for place in places] == [["Lærer"]]


def test_dan_has_custody_of_anna_and_none_of_ida(db: Session) -> None:
    assert relations(db, DAN) == {
        (ANNA.username, Relation.FAR, True),
        (IDA.username, Relation.ANDET, False),
    }


def test_the_six_reasons_for_an_empty_list_each_have_somebody(db: Session, now: Instant) -> None:
    """Whether a class has pupils is asked of the class; all other reasons of the teacher (domain 8)."""
    (area,) = areas.list_classes(db, user_of(db, NO_IMPORT).id, now.today)
    assert areas.why_empty(db, user_of(db, NO_IMPORT).id, area, now) is Empty.NO_IMPORT
    others = [member for member in WITHOUT_PUPILS if member is not NO_IMPORT]
    found = {member.word: areas.why_empty(db, user_of(db, member).id, None, now) for member in (*others, EVA)}
    assert found == {
        "no_class": Empty.NO_CLASS,
        "not_teacher": Empty.NOT_TEACHER,
        "ended": Empty.ENDED,
        "not_main_group": Empty.NOT_MAIN_GROUP,
        "eva": Empty.OTHER_BUTTON,
    }


def test_who_sees_no_pupils_is_there_beside_the_others_and_changes_none_of_them() -> None:
    drawn = drawing.draw(TODAY)
    beside = [person for person in drawn.people if person.member in WITHOUT_PUPILS]
    assert [person.member for person in beside] == list(WITHOUT_PUPILS)
    # Three substitutes and one consultant a school, whoever of the cast is among them.
    for role, count in ((Role.VIKAR, 6), (Role.KONSULENT, 2)):
        others = [person for person in drawn.people if person not in beside]
        assert sum(role in place.roles for person in others for place in person.places) == count
    pupils = [pupil for group in drawn.classes for pupil in group.pupils]
    helpers = [drawn.helper(pupil, Authorisation.TEACHER) for pupil in pupils]
    assert not any(person is helper for person in beside for helper in helpers)


def test_eva_is_user_administrator_of_egeskolen_and_gry_a_supporter(db: Session) -> None:
    rights = db.execute(select(Right.user_id, Right.kind, Right.institution_id)).all()
    assert {tuple(row) for row in rights} == {
        (user_of(db, EVA).id, RightKind.USER_ADMINISTRATOR, institution(db, EGESKOLEN).id),
        (user_of(db, GRY).id, RightKind.SUPPORTER, None),
    }


def test_the_protected_pupil_has_an_alias_that_no_contact_gives_away(db: Session) -> None:
    user = user_of(db, PROTECTED)
    assert user.is_protected
    assert user.shown_name == "Maja Skov" == PROTECTED.shown_name
    assert user.given_name[:4].lower() not in (user.username or "")
    contacts = db.scalars(
        select(User.family_name)
        .join(ContactRelation, ContactRelation.contact_id == User.id)
        .where(ContactRelation.pupil_id == user.id)
    ).all()
    assert contacts
    assert user.family_name not in contacts


def test_the_marked_pupil_has_pictures_where_the_level_gives_words(db: Session) -> None:
    user = user_of(db, MARKED)
    assert user.marked_password_type is PasswordType.PICTURES
    assert current(db, MARKED).password_type is PasswordType.PICTURES
    assert passwords.required_type(MARKED.level, None) is PasswordType.WORDS


def test_the_nameless_pupil_never_had_a_username_or_a_password(db: Session) -> None:
    user = user_of(db, NAMELESS)
    assert user.username is None
    count = db.scalar(select(func.count()).where(Credential.user_id == user.id))
    assert count == 0


def test_the_pupil_of_level_four_is_on_the_thirty_days(db: Session, now: Instant, config: Config) -> None:
    credential = current(db, STAGE)
    assert credential.password_type is PasswordType.PICTURES
    assert credential.expiry_reason is ExpiryReason.STAGE
    assert credential.expires_at is not None
    left = credential.expires_at - now.at
    assert timedelta(days=1) < left < timedelta(days=config.change_notice_days)


def test_the_expiring_password_has_ten_days_left(db: Session) -> None:
    credential = current(db, EXPIRING)
    assert credential.expiry_reason is ExpiryReason.AGE
    assert credential.expires_at is not None
    user = user_of(db, EXPIRING)
    loaded_on = Instant(user.created_at).today
    assert Instant(credential.expires_at).today == loaded_on + timedelta(days=10)
    assert user.uni_id == user.username


def test_one_person_is_both_teacher_and_parent(db: Session) -> None:
    places = people.list_places(db, user_of(db, BOTH).id, TODAY)
    assert {place.category for place in places} == {Category.EMPLOYEE, Category.CONTACT}
    assert relations(db, BOTH) == {(CHILD_OF_BOTH.username, Relation.MOR, True)}


def test_names_in_9_b_begin_like_formulas(db: Session) -> None:
    names = {user_of(db, member).shown_name[0] for member in FORMULAS}
    assert names == set("=+-@")
    assert {member.class_name for member in FORMULAS} == {"9.B"}


def test_bo_has_earlier_passwords_and_the_events_that_go_with_them(db: Session, hasher: Hasher) -> None:
    bo = user_of(db, BO)
    rows = db.scalars(select(Credential).where(Credential.user_id == bo.id).order_by(Credential.set_at)).all()
    assert [row.authorisation for row in rows] == [
        Authorisation.GUARDIAN,
        Authorisation.TEACHER,
        Authorisation.OWNER,
    ]
    assert [row.ended_at is None for row in rows] == [False, False, True]
    assert all(row.authorised_by_id is not None for row in rows)
    for row, old in zip(rows, BO.earlier, strict=False):
        hashed = hasher.unseal(row.sealed_hash, bo.id, row.id, row.password_type)
        assert hasher.verify(old.secret, bo.id, row.password_type, hashed)
    events = audit.list_about(db, bo.id, most=10)
    assert [event.event for event in events] == ["PASSWORD_CHANGED"] * 3
    assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)
