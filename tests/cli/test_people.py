"""The commands for people: what they print, what they leave in the store, and how they refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.cli.terminal import operator
from app.config import Config, PasswordProfile
from app.db import Database, instant
from app.domain import audit, blocking, cpr, flows, login, operating, people, throttling
from app.domain.flows import Step
from app.domain.login import Entrance, Outcome
from app.domain.passwords import Hasher
from app.domain.throttling import Place
from app.keys import Keys
from app.models.audit import AuditEvent
from app.models.credentials import Authorisation, Credential, Throttle
from app.models.people import (
    Affiliation,
    Category,
    Institution,
    PasswordType,
    Right,
    RightKind,
    User,
)
from app.models.sso import EndReason, LoginFlow
from app.world import World
from tests.cast import ANNA, BO, IDA, PROTECTED, user_of
from tests.cli.terminal import ELSEWHERE, Run, done, ends, events, log_in, refused
from tests.pages import Browser

# people


FIRST = (
    *("people", "add", "--username", "nora7001", "--name", "Nora Lykke Ager", "--institution", "101047"),
    *("--institution-name", "Ny Skole", "--role", "Leder", "--administrator"),
)


def test_people_add_makes_the_first_administrator_and_the_institution(
    production: Flask, run: Run, database: Database
) -> None:
    done(run(*FIRST))
    with database.reading() as db:
        user = db.scalars(select(User).where(User.username == "nora7001")).one()
        assert (user.given_name, user.family_name) == ("Nora Lykke", "Ager")
        school = db.scalars(select(Institution).where(Institution.number == "101047")).one()
        assert (school.name, school.is_public_body) == ("Ny Skole", True)
        place = db.scalars(select(Affiliation).where(Affiliation.user_id == user.id)).one()
        assert (place.category, place.roles) == (Category.EMPLOYEE, ["Leder"])
        right = db.scalars(select(Right).where(Right.user_id == user.id)).one()
        assert (right.kind, right.institution_id) == (RightKind.USER_ADMINISTRATOR, school.id)
        told = db.scalars(select(AuditEvent.event).order_by(AuditEvent.id.desc()).limit(4)).all()
    assert told[::-1] == ["INSTITUTION_ADDED", "PERSON_ADDED", "RIGHT_GIVEN", "PASSWORD_CHANGED"]


def test_s_13_the_operator_opens_an_account_that_strangers_closed(
    run: Run, database: Database, keys: Keys, world: World
) -> None:
    bucket = throttling.bucket_name(keys, Place.OUTER, BO.username or "")
    at = instant(world.clock).at
    with database.writing() as db:
        db.add(Throttle(bucket=bucket, tries=50, last_at=at, next_at=at))
        db.commit()
        assert throttling.reserve(db, bucket, Place.OUTER, instant(world.clock)).is_closed
    done(run("people", "forget-tries", BO.username or ""))
    with database.writing() as db:
        assert throttling.reserve(db, bucket, Place.OUTER, instant(world.clock)).is_allowed
    assert len(events(database, "TRIES_FORGOTTEN")) == 1
    refused(run("people", "forget-tries", "nobo1234"))


@pytest.mark.parametrize("profile", PasswordProfile)
def test_s_24_the_one_time_password_opens_only_the_choice_of_a_new_one(
    run: Run,
    database: Database,
    keys: Keys,
    hasher: Hasher,
    world: World,
    config: Config,
    profile: PasswordProfile,
) -> None:
    """«S-20» Also where no password runs out by its age."""
    config = replace(config, password_profile=profile)
    printed = done(run(*FIRST))
    password = next(line for line in printed.splitlines() if line.startswith("One-time")).split(": ")[1]
    with database.writing() as db:
        now = instant(world.clock)
        begun = flows.begin(db, keys, world.dice, config, now, "nora7001")
        token, kind = begun.token, begun.password_type
        assert kind is PasswordType.WORDS_DIGITS
        flow = flows.find(db, keys, config, token, now)
        assert flow is not None
        checked = login.check_password(db, keys, hasher, config, flow, password, ELSEWHERE, lambda: now)
        assert checked.outcome is Outcome.ACCEPTED
        proved = flows.find(db, keys, config, token, now)
        assert proved is not None
        assert proved.has_run_out(now.at)
        assert proved.step(now.at, timedelta(days=config.change_notice_days)) is not Step.FINISH
        assert not login.postpone(db, proved, now)
        assert login.finish(db, keys, config, proved, ELSEWHERE, Entrance("d"), now) is None
        credential = db.get(Credential, proved.credential_id)
        assert credential is not None
        assert credential.authorisation is Authorisation.OPERATOR
        assert password not in str([event.details for event in audit.list_all(db, most=50)])


def test_s_75_the_audit_names_the_operator_and_what_people_read_does_not(
    app: Flask, run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """«S-73» «S-75» Everybody else reads of the operator alone."""
    monkeypatch.setenv("SUDO_USER", "grethe-drift")
    with database.writing() as db:
        user_of(db, BO).mitid_uuid = "of-bo"
        db.commit()
    bo = BO.username or ""
    done(run(*FIRST))
    for words in (("block",), ("unblock",), ("forget-tries",), ("forget-mitid",)):
        done(run("people", *words, bo))
    done(run("people", "renew-pictures", "--yes"))
    done(run("networks", "add", "999001", "192.0.2.0/24"))
    done(run("networks", "remove", "999001", "192.0.2.0/24"))
    done(run("audit", "seal"))
    done(run("audit", "trim", "--before", "2000-01-01", "--yes"))
    lines = done(run("audit", "list", "--most", "500")).splitlines()
    named = {line.split("  ")[2] for line in lines if "operator=grethe-drift" in line}
    assert named == {
        *("PERSON_ADDED", "RIGHT_GIVEN", "INSTITUTION_ADDED", "PASSWORD_CHANGED", "BLOCKED", "UNBLOCKED"),
        *("TRIES_FORGOTTEN", "MITID_FORGOTTEN", "PICTURES_VOIDED", "NETWORK_ADDED", "NETWORK_REMOVED"),
    }
    done(run("audit", "verify"))
    browser = Browser(app)
    browser.log_in(bo, BO.secret or "")
    history = browser.open("/mit/historik").response.text
    assert "Dit login blev spærret" in history
    assert "grethe-drift" not in history


def test_s_24_the_one_time_password_is_called_what_it_is(app: Flask, run: Run) -> None:
    printed = done(run(*FIRST))
    password = next(line for line in printed.splitlines() if line.startswith("One-time")).split(": ")[1]
    page = Browser(app).log_in("nora7001", password)
    assert page.heading == "Du skal skifte adgangskode nu"
    assert "Den adgangskode, du har fået, virker kun én gang" in page.text
    assert "et år gammel" not in page.text


def test_s_24_only_the_first_administrator_of_an_institution_gets_a_password(
    run: Run, database: Database
) -> None:
    assert "One-time password" in done(run(*FIRST))
    second = ("people", "add", "--username", "ulla7002", "--name", "Ulla Berg", "--institution", "101047")
    assert "No password" in done(run(*second, "--administrator"))
    third = ("people", "add", "--username", "knud7003", "--name", "Knud Berg", "--institution", "999001")
    assert "No password" in done(run(*third))
    with database.reading() as db:
        for username in ("ulla7002", "knud7003"):
            user = people.find_by_username(db, username)
            assert user is not None
            assert db.scalar(select(func.count()).where(Credential.user_id == user.id)) == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--username", "nora", "--name", "N A", "--institution", "999001"), "four letters and four digits"),
        (("--username", "anna1001", "--name", "N A", "--institution", "999001"), "already"),
        (("--username", "nora7001", "--name", "N A", "--institution", "101047"), "--institution-name"),
        (("--username", "nora7001", "--name", "Nora", "--institution", "999001"), "family name"),
        (
            ("--username", "nora7001", "--name", "N A", "--institution", "47", "--institution-name", "S"),
            "six digits",
        ),
    ],
)
def test_people_add_refuses_in_one_line_and_changes_nothing(
    run: Run, database: Database, words: tuple[str, ...], reason: str
) -> None:
    with database.reading() as db:
        before = people.count(db)
    assert reason in refused(run("people", "add", *words))
    with database.reading() as db:
        assert people.count(db) == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"--institution-name": ""}, "needs a name and a type"),
        ({"--institution-name": " "}, "needs a name and a type"),
        ({"--institution-type": ""}, "needs a name and a type"),
        ({"--institution-name": "x" * 201}, "an institution's name 200"),
        ({"--institution-type": "x" * 61}, "its type 60"),
        ({"--name": "N" * 101 + " Ager"}, "given names have 100 characters"),
        ({"--name": "Nora " + "A" * 101}, "a family name 100"),
    ],
)
def test_people_add_takes_no_text_that_is_missing_or_does_not_fit(
    run: Run, database: Database, changes: dict[str, str], reason: str
) -> None:
    words = dict(zip(FIRST[2:-1:2], FIRST[3:-1:2], strict=True)) | changes
    assert reason in refused(run("people", "add", *(word for pair in words.items() for word in pair)))
    with database.reading() as db:
        assert people.find_by_username(db, "nora7001") is None
        assert people.find_institution(db, "101047") is None


def test_people_add_takes_what_just_fits(run: Run, database: Database) -> None:
    longest = ("--name", "N" * 100 + " " + "A" * 100, "--institution-name", "æ" * 200)
    done(run(*FIRST, *longest, "--institution-type", "T" * 60))
    with database.reading() as db:
        school = people.find_institution(db, "101047")
        assert school is not None
        assert (school.name, school.type) == ("æ" * 200, "T" * 60)


def test_people_add_gives_no_pupils_role(run: Run) -> None:
    assert run("people", "add", "--role", "Elev").exit_code == 2
    assert operating.ADULT_ROLES


def test_s_72_people_find_masks_the_number_and_shows_a_protected_person_by_alias(
    run: Run, database: Database, keys: Keys
) -> None:
    text = done(run("people", "find", " ANNA1001 "))
    assert "Anna Holm" in text
    assert "999001 Egeskolen 2.B" in text
    with database.reading() as db:
        user = user_of(db, ANNA)
        number = cpr.unseal(keys, user.cpr_sealed or "", user.id)
    assert cpr.masked(number) in text
    assert number[6:] not in text
    protected = done(run("people", "find", PROTECTED.username or ""))
    assert "Maja Skov" in protected
    assert PROTECTED.family_name not in protected


def test_people_find_of_nobody_says_so(run: Run) -> None:
    assert refused(run("people", "find", "nobo\x1b[31m0000")).endswith("nobo\\u001b[31m0000")


def test_s_18_blocking_ends_sessions_and_half_done_logins_in_the_same_transaction(
    run: Run, database: Database, keys: Keys, world: World, config: Config
) -> None:
    for member in (BO, IDA):
        log_in(database, keys, world, config, member)
    with database.writing() as db:
        flows.begin(db, keys, world.dice, config, instant(world.clock), BO.username or "")
        db.commit()
    assert "is blocked" in done(run("people", "block", "boli1003"))
    with database.reading() as db:
        bo = user_of(db, BO)
        assert bo.blocked_at is not None
        assert ends(db, bo.id) == {EndReason.BLOCKED}
        assert db.scalar(select(func.count()).where(LoginFlow.user_id == bo.id)) == 0
        assert ends(db, user_of(db, IDA).id) == {None}
    assert [event.subject_id for event in events(database, "BLOCKED")] == [bo.id]
    assert "blocked already" in refused(run("people", "block", "boli1003"))
    assert len(events(database, "BLOCKED")) == 1


def test_unblocking_lets_a_person_in_again(run: Run, database: Database) -> None:
    assert "not blocked" in refused(run("people", "unblock", "boli1003"))
    assert "taken over" not in done(run("people", "block", "boli1003"))
    assert "that of" not in done(run("people", "unblock", "boli1003"))
    with database.reading() as db:
        assert user_of(db, BO).blocked_at is None
    assert len(events(database, "UNBLOCKED")) == 1


def test_the_operator_opens_what_a_school_blocked_and_takes_over_what_it_blocks(
    run: Run, database: Database, world: World
) -> None:
    with database.writing() as db:
        bo = user_of(db, BO)
        school = db.scalars(select(Affiliation.institution_id).where(Affiliation.user_id == bo.id)).first()
        assert blocking.block(db, bo.id, instant(world.clock), institution_id=school)
        db.commit()
        whose = bo.id
    assert " UTC by 999001 Egeskolen" in done(run("people", "find", "boli1003"))
    assert "The block was that of 999001 Egeskolen" in done(run("people", "unblock", "boli1003"))
    with database.writing() as db:
        assert blocking.block(db, whose, instant(world.clock), institution_id=school)
        db.commit()
    taken = done(run("people", "block", "boli1003"))
    assert "is blocked" in taken
    assert "The block was that of 999001 Egeskolen. It is taken over" in taken
    assert " UTC by the operator" in done(run("people", "find", "boli1003"))
    with database.writing() as db:
        assert not blocking.unblock(db, whose, instant(world.clock), institution_id=school)
        assert user_of(db, BO).blocked_at is not None
        db.rollback()
    assert "blocked already" in refused(run("people", "block", "boli1003"))


def test_s_31_a_stored_mitid_can_be_forgotten_for_a_new_one_or_a_corrected_number(
    run: Run, database: Database
) -> None:
    """«S-31» Else the conflict would stop the person for ever."""
    with database.writing() as db:
        user_of(db, BO).mitid_uuid = "of-bo"
        user_of(db, IDA).mitid_uuid = "of-ida"
        db.commit()
    assert "boli1003" in done(run("people", "forget-mitid", " BOLI1003 "))
    with database.reading() as db:
        assert (user_of(db, BO).mitid_uuid, user_of(db, IDA).mitid_uuid) == (None, "of-ida")
        bo = user_of(db, BO).id
    assert [(e.subject_id, e.details) for e in events(database, "MITID_FORGOTTEN")] == [
        (bo, {"operator": operator()})
    ]
    assert "no MitID is known of boli1003" in refused(run("people", "forget-mitid", "boli1003"))
    refused(run("people", "forget-mitid", "nobo1234"))
    assert len(events(database, "MITID_FORGOTTEN")) == 1


def test_s_23_renewing_pictures_ends_every_code_and_session_and_nothing_else(
    run: Run, database: Database, keys: Keys, world: World, config: Config
) -> None:
    for member in (ANNA, BO):
        log_in(database, keys, world, config, member)
    with database.reading() as db:
        pictures = operating.count_pictures(db)
        others = db.scalar(
            select(func.count()).where(
                Credential.password_type != PasswordType.PICTURES, Credential.ended_at.is_(None)
            )
        )
    assert pictures > 300
    assert "Nothing was changed" in done(run("people", "renew-pictures"))
    assert events(database, "PICTURES_VOIDED") == []
    assert f"Done: {pictures} picture passwords" in done(run("people", "renew-pictures", "--yes"))
    with database.reading() as db:
        assert operating.count_pictures(db) == 0
        assert others == db.scalar(select(func.count()).where(Credential.ended_at.is_(None)))
        assert ends(db, user_of(db, ANNA).id) == {EndReason.OPERATOR}
        assert ends(db, user_of(db, BO).id) == {None}
    told = events(database, "PICTURES_VOIDED")
    assert len({event.subject_id for event in told}) == len(told) == pictures
    assert "Done: 0" in done(run("people", "renew-pictures", "--yes"))


def test_s_23_a_void_picture_code_opens_nothing(
    run: Run, database: Database, keys: Keys, hasher: Hasher, world: World, config: Config
) -> None:
    done(run("people", "renew-pictures", "--yes"))
    with database.writing() as db:
        now = instant(world.clock)
        token = flows.begin(db, keys, world.dice, config, now, ANNA.username or "").token
        flow = flows.find(db, keys, config, token, now)
        assert flow is not None
        checked = login.check_password(
            db, keys, hasher, config, flow, ANNA.secret or "", ELSEWHERE, lambda: now
        )
        assert checked.outcome is Outcome.WRONG
