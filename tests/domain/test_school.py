"""The demo school around its cast: how it is drawn, loaded and listed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from app.config import Config, Mode
from app.db import EPOCH, Database, Instant
from app.demo import drawing, extra, listing, school, storing
from app.demo.chance import SeededDice
from app.demo.storing import DemoRefusedError, Loaded
from app.domain import passwords, people
from app.domain.passwords import Hasher
from app.keys import Keys
from app.migrations import migrate
from app.models.audit import AuditEvent
from app.models.credentials import Credential
from app.models.people import (
    Affiliation,
    Category,
    ContactRelation,
    Group,
    GroupMember,
    GroupType,
    Institution,
    PasswordType,
    Right,
    User,
)
from app.world import World
from tests.cast import (
    ANNA,
    BO,
    BOEGESKOLEN,
    CAST,
    EGESKOLEN,
    PROTECTED,
    STAGE,
    institution,
)

TODAY = date(2026, 11, 22)


# The rest of the school


def test_there_are_two_schools_of_twenty_classes_with_twenty_to_twenty_six_pupils(db: Session) -> None:
    assert institution(db, EGESKOLEN).is_public_body
    assert not institution(db, BOEGESKOLEN).is_public_body
    sizes = db.execute(
        select(Institution.number, Group.name, func.count(Affiliation.id))
        .join(Group, Group.institution_id == Institution.id)
        .join(Affiliation, Affiliation.main_group_id == Group.id)
        .where(Group.type == GroupType.HOVEDGRUPPE)
        .group_by(Institution.number, Group.name)
    ).all()
    names = {f"{level}.{line}" for level in range(10) for line in "AB"}
    assert {(number, name) for number, name, _ in sizes} == {
        (which.number, name) for which in (EGESKOLEN, BOEGESKOLEN) for name in names
    }
    assert all(20 <= size <= 26 for _, _, size in sizes)


def test_every_pupil_has_one_or_two_contacts_and_most_have_custody(db: Session) -> None:
    counts = Counter(db.scalars(select(ContactRelation.pupil_id)))
    pupils = set(db.scalars(select(Affiliation.user_id).where(Affiliation.category == Category.PUPIL)))
    assert set(counts) == pupils
    assert set(counts.values()) == {1, 2}
    with_custody = db.scalar(select(func.count()).where(ContactRelation.has_custody)) or 0
    assert with_custody > 0.8 * sum(counts.values())


def test_siblings_share_their_contacts(db: Session) -> None:
    children = Counter(db.scalars(select(ContactRelation.contact_id)))
    assert sum(count > 1 for count in children.values()) > 100


def test_contacts_mostly_have_neither_username_nor_password(db: Session) -> None:
    contacts = db.scalars(
        select(User.username)
        .join(Affiliation, Affiliation.user_id == User.id)
        .where(Affiliation.category == Category.CONTACT)
    ).all()
    assert sum(username is None for username in contacts) > 0.9 * len(contacts)


def test_whoever_has_a_username_has_one_password_in_force_of_the_right_type(
    db: Session, now: Instant
) -> None:
    rows = db.execute(
        select(
            User.username,
            User.marked_password_type,
            people.pupil_level(User.id, people.TODAY).label("level"),
            Credential.password_type,
            Credential.expires_at,
            Credential.sealed_hash,
        )
        .outerjoin(Credential, (Credential.user_id == User.id) & Credential.ended_at.is_(None))
        .where(User.username.is_not(None)),
        {"today": now.today},
    ).all()
    assert len(rows) > 900
    for row in rows:
        assert row.sealed_hash
        if row.username != STAGE.username:
            assert row.password_type is passwords.required_type(row.level, row.marked_password_type)
        assert (row.password_type is PasswordType.WORDS_DIGITS) == (
            row.expires_at is not None and row.username != STAGE.username
        )
        assert row.expires_at is None or row.expires_at > now.at


def test_usernames_are_four_letters_and_four_digits_and_the_oldest_are_the_key_as_well(db: Session) -> None:
    rows = db.execute(select(User.username, User.uni_id)).all()
    old = [row for row in rows if row.username and not row.username[4:].isdigit()]
    assert 10 < len(old) < 100
    assert all(row.uni_id == row.username for row in old)
    for row in rows:
        assert row.username is None or people.normal_username(row.username) == row.username
        assert row.username is None or not row.username.startswith(drawing.EXTRA_PREFIX)
        assert row in old or re.fullmatch(r"[0-9a-f]{10}", row.uni_id)


def test_names_are_of_many_kinds_and_some_classes_have_two_of_a_name(db: Session) -> None:
    rows = db.execute(
        select(Affiliation.main_group_id, User.given_name, User.family_name)
        .join(User, User.id == Affiliation.user_id)
        .where(Affiliation.category == Category.PUPIL)
    ).all()
    names = [f"{row.given_name} {row.family_name}" for row in rows]
    for pattern in ("[æøåÆØÅ]", r"\w-\w", r"\w+ \w+ \w+", "[şıçöüłżć]"):
        assert sum(bool(re.search(pattern, name)) for name in names) > 5, pattern
    in_class = Counter((row.main_group_id, row.given_name) for row in rows)
    assert sum(count > 1 for count in in_class.values()) > 10


def test_every_class_has_a_teacher_and_the_schools_have_other_staff(db: Session) -> None:
    taught = set(
        db.scalars(
            select(GroupMember.group_id)
            .join(Affiliation, Affiliation.id == GroupMember.affiliation_id)
            .where(Affiliation.category == Category.EMPLOYEE)
        )
    )
    assert set(db.scalars(select(Group.id))) == taught
    roles = Counter(
        role
        for which in db.scalars(select(Affiliation.roles).where(Affiliation.category != Category.PUPIL))
        for role in which
    )
    assert {"Lærer", "Pædagog", "Vikar", "Leder", "Ledelse", "TAP", "Konsulent", "Praktikant"} <= set(roles)


# Loading


def test_the_same_people_come_out_each_time() -> None:
    first, second = drawing.draw(TODAY), drawing.draw(TODAY)
    assert first.people == second.people
    later = drawing.draw(date(2027, 3, 1))
    assert [p.username for p in later.people] == [p.username for p in first.people]
    assert [s.text for p in later.people for s in p.secrets] == [
        s.text for p in first.people for s in p.secrets
    ]


def test_seeded_dice_throw_the_same_and_differ_by_seed() -> None:
    throws = [
        [SeededDice("a").below(1000) for _ in range(3)],
        [SeededDice("b").below(1000) for _ in range(3)],
    ]
    assert len(set(throws[0])) == 1
    assert throws[0] != throws[1]
    dice = SeededDice("a")
    assert len({dice.token() for _ in range(100)}) == 100


@pytest.mark.parametrize("day", [date(2026, 7, 31), date(2026, 8, 1), date(2027, 1, 1), date(2028, 2, 29)])
def test_a_school_can_be_drawn_on_any_day_of_the_year(day: date) -> None:
    population = drawing.draw(day)
    assert drawing.school_year_start(day) <= day
    for person in population.people:
        for secret in person.secrets:
            # Nobody keeps a password of the stage before but who was set to.
            is_new_stage = person.level in drawing.STAGE_STARTS and person.member is None
            assert not is_new_stage or secret.set_days_ago <= (day - drawing.school_year_start(day)).days


def test_a_second_load_changes_nothing_and_says_so(
    db: Session, keys: Keys, hasher: Hasher, config: Config, now: Instant
) -> None:
    tables = (User, Credential, Affiliation, Group, ContactRelation, Right, AuditEvent)
    before = [db.scalar(select(func.count()).select_from(table)) for table in tables]
    lines: list[str] = []
    loaded = school.load(db, keys, hasher, config, now, lines.append)
    assert not loaded.is_new
    assert loaded.people == before[0]
    assert lines == []
    assert [db.scalar(select(func.count()).select_from(table)) for table in tables] == before


def test_s_02_the_load_is_recorded(db: Session) -> None:
    events = db.scalars(select(AuditEvent).where(AuditEvent.event == "DEMO_LOADED")).all()
    assert [event.details for event in events] == [{"people": people.count(db)}]


def test_s_83_production_refuses_the_demo(
    db: Session, database: Database, keys: Keys, hasher: Hasher, config: Config, now: Instant, world: World
) -> None:
    production = replace(config, mode=Mode.PRODUCTION)
    with pytest.raises(DemoRefusedError):
        school.load(db, keys, hasher, production, now)
    with pytest.raises(DemoRefusedError):
        extra.add_extra(database, hasher, production, world.clock, 1, "Blaaregn47")


def test_the_demo_is_not_loaded_beside_other_people(
    db: Session, keys: Keys, hasher: Hasher, config: Config, now: Instant
) -> None:
    somebody_elses = func.replace(Institution.number, "9", "8")
    db.execute(update(Institution).values(number=somebody_elses))
    with pytest.raises(DemoRefusedError, match="other people"):
        school.load(db, keys, hasher, config, now)


def test_only_the_demo_and_nothing_at_all_may_be_thrown_away(database: Database, tmp_path: Path) -> None:
    assert school.may_be_thrown_away(database)
    new = Database(f"sqlite:///{tmp_path}/new.db")
    assert school.may_be_thrown_away(new)
    migrate(new)
    assert school.may_be_thrown_away(new)
    with new.writing() as db:
        db.add(User(uni_id="1", given_name="En", family_name="Anden", created_at=EPOCH))
        db.commit()
    assert not school.may_be_thrown_away(new)
    new.dispose()


# The listing


def test_the_listing_has_everybody_with_all_there_is_to_know() -> None:
    rows = listing.cast()
    assert len(rows) == len(CAST)
    anna, bo = rows[0], rows[2]
    assert (anna["username"], anna["class"], anna["institution"]) == ("anna1001", "2.B", "Egeskolen")
    assert anna["pictures"] == anna["password"] == list(ANNA.pictures)
    assert anna["mitid"] is None
    assert (bo["password"], bo["pictures"]) == (BO.password, None)
    assert isinstance(bo["mitid"], dict)
    assert bo["mitid"]["name"] == "Bo Lind"


def test_s_72_the_listing_has_no_cpr_number_and_no_protected_name() -> None:
    text = str(listing.cast()) + "\n".join(listing.table())
    assert PROTECTED.family_name not in text
    assert not re.search(r"\b[0-9]{6}-?[0-9]{4}\b", text)


def test_the_table_is_in_english_as_all_that_a_terminal_says_and_names_pictures_as_they_are_typed() -> None:
    lines = listing.table()
    assert lines[0].split() == ["name", "username", "password", "role"]
    assert lines[-1] == "Use a second browser or a private window for the pupil."
    assert any("nøgle" in line for line in lines)
    assert "noegle" not in "".join(lines)
    assert max(map(len, lines)) < 120
    roles = [line.split("  ")[-1].split() for line in lines[:-2]]
    assert all(roles)
    assert not {"elev", "på", "lærer", "far", "skal", "har"} & {word for role in roles for word in role}


# The extra people


def test_extra_people_are_added_in_chunks_and_no_one_twice(
    database: Database, hasher: Hasher, config: Config, world: World
) -> None:
    def add(count: int, password: str, progress: Callable[[str], None] = lambda _line: None) -> Loaded:
        return extra.add_extra(
            database, hasher, config, world.clock, count, password, progress, with_password=6, chunk=40
        )

    with database.reading() as db:
        before = people.count(db)
    assert add(4, "Blaaregn47").people == 4
    lines: list[str] = []
    loaded = add(90, "AndenKode11", lines.append)
    assert (loaded.is_new, loaded.people, len(lines)) == (True, 90, 3)
    again = add(50, "Blaaregn47")
    assert (again.is_new, again.people) == (False, 90)
    with database.reading() as db:
        assert people.count(db) == before + 90
        names = db.scalars(
            select(User.username).where(User.username.like("ben%")).order_by(User.username)
        ).all()
        assert (names[0], names[-1]) == ("bena0000", "bena0089")
        sizes = db.scalars(
            select(func.count()).where(Affiliation.source == extra.SOURCE).group_by(Affiliation.main_group_id)
        ).all()
        assert sorted(sizes, reverse=True) == [28, 28, 28, 6]
        credentials = db.scalars(
            select(Credential)
            .join(User, User.id == Credential.user_id)
            .where(User.username.like("ben%"))
            .order_by(User.username)
        ).all()
        assert len(credentials) == 6
        assert len({c.sealed_hash for c in credentials}) == 6
        # Whoever was there keeps the password of the first call.
        for c, password in zip(credentials, ["Blaaregn47"] * 4 + ["AndenKode11"] * 2, strict=True):
            assert c.password_type is PasswordType.WORDS_DIGITS
            hashed = hasher.unseal(c.sealed_hash, c.user_id, c.id, c.password_type)
            assert hasher.verify(password, c.user_id, c.password_type, hashed)


@pytest.mark.sqlite_only
def test_the_database_is_never_left_waiting_in_a_transaction_while_many_passwords_are_hashed(
    database: Database, hasher: Hasher, config: Config, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence: list[None] = []
    silences = [0]
    hash_one = hasher.hash

    def counted(*values: Any) -> str:
        silence.append(None)
        silences.append(len(silence))
        return hash_one(*values)

    def spoken(*_told: Any) -> None:
        silence.clear()

    monkeypatch.setattr(hasher, "hash", counted)
    monkeypatch.setattr(storing, "HASHED_AT_ONCE", 5)
    event.listen(database.engine, "before_cursor_execute", spoken)
    extra.add_extra(database, hasher, config, world.clock, 12, "Blaaregn47")
    assert max(silences) == 5


def test_extra_usernames_run_from_bena0000_to_benz9999() -> None:
    assert extra.username(0) == "bena0000"
    assert extra.username(10_000) == "benb0000"
    assert extra.username(extra.MOST - 1) == "benz9999"
    assert people.normal_username(extra.username(12_345)) == "benb2345"


@pytest.mark.parametrize("count", [0, -1, extra.MOST + 1])
def test_there_are_no_names_for_more_extra_people(
    database: Database, hasher: Hasher, config: Config, world: World, count: int
) -> None:
    with pytest.raises(DemoRefusedError):
        extra.add_extra(database, hasher, config, world.clock, count, "Blaaregn47")
