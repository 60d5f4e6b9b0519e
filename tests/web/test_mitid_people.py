"""Whom MitID proved, and may not be helped: what is said, what is recorded, and for whom."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from app.db import Database, instant
from app.demo.mitid_simulator import drawn
from app.domain import blocking, operating
from app.world import World
from tests import store
from tests.cast import ALIASED, ANNA, BO, CARLA, DAN, IDA, WITHOUT_CPR, Member, user_of
from tests.demo.relying import uuid_of
from tests.pages import Browser
from tests.web.test_mitid_refusals import KEPT, UNCHANGED, kept
from tests.web.test_new_password import practise
from tests.web.trips import Wire, decide, forget, go, relate, visit, yesterday

# What each writes is tested on both kinds of database in tests/domain.
pytestmark = [pytest.mark.usefixtures("wire"), pytest.mark.sqlite_only]

# All but what tells of it.
UNTOLD = [name for name in KEPT if name != "audit_event"]


def reasons(database: Database) -> list[tuple[int | None, str]]:
    """Return whom each refused login is about, and why it was refused."""
    return [(e.subject_id, e.details["reason"]) for e in store.events(database, "LOGIN_REFUSED")]


@pytest.mark.parametrize("username", ["carl2001", "qqqq9999", "zzzzz"])
def test_s_32_wrong_person_and_unknown_username_look_alike(
    app: Flask, wire: Wire, database: Database, username: str
) -> None:
    """«S-32» Same status, page and headers but for the name itself; nothing changed."""
    seen = []
    for name in (username, "idak1002"):
        browser = Browser(app)
        browser.open("/ny-adgangskode")
        browser.press("Næste", filled={"Brugernavn": name})
        browser.follow("Glemt adgangskode")
        before = store.content(database, *UNTOLD)
        page = visit(browser, wire, BO)
        assert page.status == 422
        if seen:
            assert store.content(database, *UNTOLD) == before
        token = browser.csrf()
        seen.append(page.response.text.replace(name, "…").replace(token, "…"))
        assert f"Dit MitID hører til en anden end {name}." in page.text
    assert [reason for _whose, reason in reasons(database)] == ["other_person"] * 2

    def without_numbers(text: str) -> str:
        return re.sub(r'csrf_token" value="[^"]+"', "", text)

    assert without_numbers(seen[0]) == without_numbers(seen[1])


def test_somebody_no_school_knows_is_told_so(
    app: Flask, browser: Browser, wire: Wire, database: Database, world: World
) -> None:
    forget(browser, BO)
    before = store.content(database, *UNTOLD)
    stranger = drawn.identities(instant(world.clock).today)[-1]
    page = browser.open(decide(wire, go(browser), identity=stranger.uuid))
    assert (page.status, page.heading) == (422, "Vi kan ikke finde dig")
    assert "Skolen" in page.text or "skolens kontor" in page.text
    assert store.content(database, *UNTOLD) == before


def test_without_a_cpr_number_from_mitid_nobody_is_found(browser: Browser, wire: Wire) -> None:
    forget(browser, WITHOUT_CPR)
    page = visit(browser, wire, WITHOUT_CPR)
    assert page.status == 422
    assert "MitID gav os ikke dit CPR-nummer." in page.text


def test_s_31_the_mitid_alone_is_enough_once_it_is_known(
    browser: Browser, wire: Wire, database: Database
) -> None:
    """«S-31» By CPR number first, then by what was stored."""
    with database.writing() as db:
        user_of(db, WITHOUT_CPR).mitid_uuid = uuid_of(WITHOUT_CPR)
        db.commit()
    forget(browser, WITHOUT_CPR)
    assert visit(browser, wire, WITHOUT_CPR).path == "/login/ny-kode"


def test_s_31_the_mitid_is_kept_after_a_match_by_number(
    browser: Browser, wire: Wire, database: Database
) -> None:
    """«S-31»."""
    forget(browser, BO)
    visit(browser, wire, BO)
    with database.reading() as db:
        assert user_of(db, BO).mitid_uuid == uuid_of(BO)


@pytest.mark.parametrize("kind", ["another's number", "another's mitid", "a new mitid", "a new number"])
def test_s_31_a_conflict_of_number_and_mitid_stops_and_alerts(
    browser: Browser, wire: Wire, database: Database, log_lines: list[str], kind: str
) -> None:
    """«S-31»."""
    with database.writing() as db:
        if kind == "another's number":  # the simulator tells the next one's: Clara's
            user_of(db, BO).mitid_uuid = uuid_of(BO)
        elif kind == "another's mitid":
            user_of(db, CARLA).mitid_uuid = uuid_of(BO)
        elif kind == "a new mitid":
            user_of(db, BO).mitid_uuid = "00000000-0000-0000-0000-000000000000"
        else:
            user_of(db, BO).mitid_uuid = uuid_of(BO)
            user_of(db, BO).cpr_lookup = b"x" * 32
        db.commit()
    member = ALIASED if kind == "another's number" else BO
    forget(browser, member)
    before = store.content(database, "credential", "pending_password", "user", "sso_session")
    wrong = {"wrong": "cpr_other"} if kind == "another's number" else {}
    page = visit(browser, wire, BO, **wrong)
    assert page.status == 422
    assert "MitID passer ikke med det, skolen har skrevet om dig." in page.text
    assert UNCHANGED in page.text
    assert store.content(database, "credential", "pending_password", "user", "sso_session") == before
    told = [event.subject_id for event in store.events(database, "MITID_CONFLICT")]
    assert len(told) == (2 if kind.startswith("another's") else 1)
    assert any('"warning"' in line and "CPR number and MitID differ" in line for line in log_lines)


def test_s_31_a_new_mitid_gets_in_once_the_operator_forgot_the_one_before(
    app: Flask, browser: Browser, wire: Wire, database: Database, world: World
) -> None:
    """«S-31» And the owner reads of it."""
    with database.writing() as db:
        user_of(db, BO).mitid_uuid = "00000000-0000-0000-0000-000000000000"
        db.commit()
    forget(browser, BO)
    assert visit(browser, wire, BO).status == 422
    with database.writing() as db:
        assert operating.forget_mitid(db, user_of(db, BO), instant(world.clock), operator="drift")
        db.commit()
    forget(browser, BO)
    assert practise(browser, visit(browser, wire, BO).secret).path == "/mit"
    assert "Driften glemte dit MitID" in browser.open("/mit/historik").text


@pytest.mark.parametrize(
    ("whose", "by", "reason"),
    [
        (BO, CARLA, "other_person"),
        (IDA, DAN, "no_custody"),
        (BO, WITHOUT_CPR, "no_cpr"),
    ],
    ids=["other person", "no custody", "no number"],
)
def test_a_refused_trip_is_told_to_whom_it_was_about_and_names_no_stranger(
    browser: Browser, wire: Wire, database: Database, whose: Member, by: Member, reason: str
) -> None:
    """S-75."""
    forget(browser, whose)
    assert visit(browser, wire, by).status == 422
    with database.reading() as db:
        assert reasons(database) == [(user_of(db, whose).id, reason)]
    (event,) = store.events(database, "LOGIN_REFUSED")
    assert event.actor_id is None
    assert set(event.details) == {"device", "network", "reason"}


@pytest.mark.parametrize("kind", ["may_not_help", "child_no_place", "no_place", "conflict", "helper_blocked"])
def test_so_is_each_other_reason(
    app: Flask, browser: Browser, wire: Wire, database: Database, world: World, kind: str
) -> None:
    """S-75."""
    member, by = (BO, BO) if kind in ("no_place", "conflict") else (ANNA, DAN)
    with database.writing() as db:
        user = user_of(db, member)
        if kind == "conflict":
            user.mitid_uuid = "00000000-0000-0000-0000-000000000000"
        elif kind.endswith("no_place"):
            for place in user.affiliations:
                place.to_on = yesterday(app)
        db.commit()
        user_id = user.id
    if kind == "may_not_help":
        relate(database, ANNA, may_help=False)
    elif kind == "helper_blocked":
        with database.writing() as db:
            blocking.block(db, user_of(db, DAN).id, instant(world.clock))
            db.commit()
    forget(browser, member)
    page = visit(browser, wire, by)
    assert page.status == 422
    if kind == "helper_blocked":
        assert page.heading == "Dit eget login er spærret"
        assert "Derfor kan du ikke give anna1001 en ny adgangskode." in page.text
        assert "Ikke dig?" not in page.text
    assert reasons(database) == [(user_id, kind)]


@pytest.mark.parametrize("member", [BO, ANNA])
def test_a_block_is_said_after_the_proof(
    app: Flask, browser: Browser, wire: Wire, database: Database, world: World, member: Member
) -> None:
    """S-10."""
    with database.writing() as db:
        blocking.block(db, user_of(db, member).id, instant(world.clock))
        db.commit()
    page = forget(browser, member)
    assert "spærret" not in page.text
    before = kept(database)
    page = visit(browser, wire, BO if member is BO else DAN)
    assert page.status == 422
    assert page.heading == ("Dit login er spærret" if member is BO else "Barnets login er spærret")
    assert "Spørg skolens kontor. De ved, hvem der kan åbne det igen." in page.text
    assert kept(database)["credential"] == before["credential"]
    assert store.count(database, "pending_password") == 0
    with database.reading() as db:
        assert reasons(database) == [
            (user_of(db, member).id, "blocked" if member is BO else "child_blocked"),
        ]
