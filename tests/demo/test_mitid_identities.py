"""Whom the simulator of MitID knows, and that the demo school knows them by the same numbers."""

from __future__ import annotations

import re
from datetime import date, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from stdnum.dk.cpr import get_birth_date

from app.db import Instant
from app.demo import drawing, listing, school
from app.demo.mitid_simulator import drawn, identities
from app.demo.mitid_simulator.identities import TestIdentity
from app.domain import cpr, people
from app.keys import Keys
from app.models.people import ContactRelation, Relation, User
from tests.cast import ALBA, ALIASED, CAST, OTTO, PARENT, WITHOUT_CPR, user_of

STRANGER = "Ulla Ukendt"
DAYS = [date(2026, 7, 31), date(2026, 8, 1), date(2026, 11, 22), date(2028, 2, 29)]


def by_uuid(known: list[TestIdentity]) -> dict[str, TestIdentity]:
    return {identity.uuid: identity for identity in known}


def test_everybody_with_mitid_is_listed_once_and_one_whom_nobody_knows() -> None:
    known = drawn.identities(DAYS[0])
    with_mitid = {member.mitid["uuid"] for member in CAST if member.mitid}
    assert len(by_uuid(known)) == len(known)
    assert by_uuid(known).keys() - with_mitid == {known[-1].uuid}
    assert with_mitid <= by_uuid(known).keys()
    assert known[-1].name == STRANGER


def test_the_school_knows_them_by_the_numbers_that_the_simulator_tells(
    db: Session, keys: Keys, now: Instant
) -> None:
    known = by_uuid(drawn.identities(now.today))
    for member in CAST:
        if member.mitid:
            user, identity = user_of(db, member), known[member.mitid["uuid"]]
            kept = cpr.unseal(keys, user.cpr_sealed or "", user.id)
            assert identity.cpr == (kept if member.tells_cpr else None)
            assert identity.name == f"{user.given_name} {user.family_name}"
            # Sixty is added to the day of a number that was given in place of a real one.
            plain_day = f"{int(kept[:2]) - cpr.REPLACEMENT_DAYS:02}"
            assert identity.born_on == get_birth_date(plain_day + kept[2:]).isoformat()


def test_the_numbers_are_those_of_the_day_the_school_was_loaded_on(db: Session, now: Instant) -> None:
    # The template of the database may have been loaded before midnight.
    assert school.loaded_on(db) in (now.today, now.today - timedelta(days=1))
    long_ago = now.at - timedelta(days=400)
    db.execute(update(User).values(created_at=long_ago))
    assert school.loaded_on(db) == Instant(long_ago).today


def test_a_school_that_is_not_loaded_was_loaded_on_no_day(db: Session) -> None:
    db.execute(update(User).values(username=None))
    assert school.loaded_on(db) is None


def test_no_register_has_the_number_of_the_one_nobody_knows(db: Session, keys: Keys, now: Instant) -> None:
    stranger = drawn.identities(now.today)[-1]
    assert stranger.cpr is not None
    assert cpr.normal(stranger.cpr) == stranger.cpr
    count = select(func.count()).where(User.cpr_lookup == cpr.mark(keys, stranger.cpr))
    assert db.scalar(count) == 0


def test_the_cast_is_drawn_alone_as_it_is_drawn_with_all() -> None:
    for day in DAYS:
        everybody = drawing.draw(day).people
        alone = drawing.draw_cast(day)
        assert [person.cpr for person in alone] == [person.cpr for person in everybody[: len(alone)]]
        assert drawing.draw_stranger(day)[1] not in {person.cpr for person in everybody}


def test_every_number_is_fictitious() -> None:
    for day in DAYS:
        numbers = [identity.cpr for identity in drawn.identities(day) if identity.cpr]
        assert len(set(numbers)) == len(numbers)
        assert all(cpr.is_replacement(number) and cpr.normal(number) == number for number in numbers)


def test_mitid_is_for_those_of_thirteen_and_older() -> None:
    for day in DAYS:
        assert min(identity.age(day) for identity in drawn.identities(day)) >= 13


def test_one_parent_has_custody_of_two_and_each_has_another_parent_too(db: Session) -> None:
    rows = db.execute(
        select(User.username, ContactRelation.relation, ContactRelation.has_custody)
        .join(User, User.id == ContactRelation.pupil_id)
        .where(ContactRelation.contact_id == user_of(db, PARENT).id)
    )
    assert {tuple(row) for row in rows} == {
        (ALBA.username, Relation.MOR, True),
        (OTTO.username, Relation.MOR, True),
    }
    for child in (ALBA, OTTO):
        count = select(func.count()).where(ContactRelation.pupil_id == user_of(db, child).id)
        assert db.scalar(count) == 2


def test_s_72_the_protected_one_with_mitid_is_shown_by_alias_wherever_names_are_listed(db: Session) -> None:
    user = user_of(db, ALIASED)
    assert user.is_protected
    assert user.shown_name == "Clara Berg"
    row = next(row for row in listing.cast() if row["username"] == ALIASED.username)
    assert row["mitid"] == {"name": "Clara Berg", "uuid": (ALIASED.mitid or {})["uuid"]}
    assert not re.search(f"{ALIASED.given_name}|{ALIASED.family_name}", str(listing.cast()))


def test_the_school_has_a_number_of_the_one_whom_mitid_has_none_of(db: Session) -> None:
    assert user_of(db, WITHOUT_CPR).cpr_lookup is not None
    assert people.find_by_username(db, WITHOUT_CPR.username or "") is not None


def test_identities_travel_from_one_process_to_the_other_unchanged() -> None:
    known = drawn.identities(DAYS[2])
    assert identities.read(identities.written(known)) == known
    assert len(identities.written(known)) < 60_000, "more than a pipe holds would wait for the reader"


def test_a_number_is_not_in_what_is_printed_of_an_identity() -> None:
    for identity in drawn.identities(DAYS[2]):
        assert not identity.cpr or identity.cpr not in repr(identity)
