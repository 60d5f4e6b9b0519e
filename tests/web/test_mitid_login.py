"""Login with MitID: for those whose places are all public, and what the others are told."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.db import Database, instant
from app.domain import blocking, flows
from app.models.people import Affiliation, Institution, Right
from app.models.sso import SsoSession
from app.world import World
from tests import store
from tests.cast import BO, CARLA, DAN, FINN, GRY, Member, user_of
from tests.pages import Browser, Page
from tests.web.trips import AGAIN, FETCH, Wire, decide, forwarded, go, visit, yesterday

pytestmark = pytest.mark.usefixtures("wire")

FETCH_LOGIN = "MitID For voksne og elever med MitID"


def log_in(browser: Browser, wire: Wire, member: Member, til: str = "") -> Page:
    """Choose MitID at «Vælg login»."""
    browser.open("/login" + (f"?til={til}" if til else ""))
    return visit(browser, wire, member, FETCH_LOGIN)


@pytest.mark.parametrize("member", [BO, CARLA, DAN, GRY])
def test_who_belongs_to_public_bodies_alone_is_logged_in(
    browser: Browser, wire: Wire, database: Database, member: Member
) -> None:
    page = log_in(browser, wire, member)
    assert page.path == "/mit"
    assert f"Hej {member.shown_name}." in page.text
    with database.reading() as db:
        one = db.scalars(select(SsoSession)).one()
    assert (one.amr, one.assurance_level) == ("mitid", "ToFaktor")
    event = store.events(database, "LOGGED_IN")[-1]
    assert event.details["method"] == "mitid"


def test_finn_of_a_private_school_is_told_why_and_what_to_do(
    browser: Browser, wire: Wire, database: Database
) -> None:
    page = log_in(browser, wire, FINN)
    assert (page.status, page.heading) == (422, "Du kan ikke logge ind med MitID")
    assert "Login med MitID er kun for offentlige skoler. Din skole er privat." in page.text
    assert store.count(database, "sso_session") == 0
    assert store.events(database, "LOGIN_REFUSED")[-1].details["reason"] == "private"
    assert browser.follow("Log ind med brugernavn").path == "/login/brugernavn"


def test_a_right_at_a_private_school_counts_like_a_place_there(
    browser: Browser, wire: Wire, database: Database
) -> None:
    with database.writing() as db:
        private = db.scalars(select(Institution.id).where(Institution.number == "999002")).one()
        db.execute(update(Right).where(Right.user_id == user_of(db, GRY).id).values(institution_id=private))
        db.commit()
    assert log_in(browser, wire, GRY).heading == "Du kan ikke logge ind med MitID"
    assert store.count(database, "sso_session") == 0


@pytest.mark.parametrize("is_past", [False, True])
def test_one_private_place_is_enough_but_not_a_former_one(
    app: Flask, browser: Browser, wire: Wire, database: Database, is_past: bool
) -> None:
    with database.writing() as db:
        private = db.scalars(select(Institution.id).where(Institution.number == "999002")).one()
        first = db.scalars(select(Affiliation).where(Affiliation.user_id == user_of(db, CARLA).id)).first()
        assert first is not None
        db.add(
            Affiliation(
                user_id=first.user_id,
                institution_id=private,
                category=first.category,
                is_primary=False,
                from_on=first.from_on,
                to_on=yesterday(app) if is_past else None,
            )
        )
        db.commit()
    assert log_in(browser, wire, CARLA).path == ("/mit" if is_past else "/mitid/retur")


def test_who_belongs_nowhere_or_is_blocked_is_told_so(
    app: Flask, wire: Wire, database: Database, world: World
) -> None:
    """S-18."""
    with database.writing() as db:
        whose = Affiliation.user_id == user_of(db, CARLA).id
        db.execute(update(Affiliation).where(whose).values(to_on=yesterday(app)))
        blocking.block(db, user_of(db, BO).id, instant(world.clock))
        db.commit()
    for member, heading in ((CARLA, "Du står ikke på en skole lige nu"), (BO, "Dit login er spærret")):
        page = log_in(Browser(app), wire, member)
        assert page.heading == heading
        assert page.text.count(heading) == 1
        assert "Spørg skolens kontor." in page.text
        assert "Log ind med brugernavn" not in page.links()  # which would end in the same way
    assert store.count(database, "sso_session") == 0
    told = [(e.subject_id, e.details["reason"]) for e in store.events(database, "LOGIN_REFUSED")]
    with database.reading() as db:
        assert told == [(user_of(db, CARLA).id, "no_place"), (user_of(db, BO).id, "blocked")]


def test_it_leads_to_the_page_that_waited_and_nowhere_else(app: Flask, wire: Wire) -> None:
    """S-65."""
    assert log_in(Browser(app), wire, BO, "/mit/historik").path == "/mit/historik"
    for foreign in ("//evil.example", "https://evil.example/mit", "/log-ud"):
        browser = Browser(app)
        browser.open("/login")
        path, data = browser.form(FETCH_LOGIN)
        browser.send(path, data | {"destination": foreign})
        back = decide(wire, forwarded(browser), identity=(BO.mitid or {})["uuid"])
        assert browser.get(back).headers["Location"] == "/mit"


def test_s_17_the_session_is_a_new_one_and_the_one_before_is_over(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """«S-17»."""
    browser.log_in("carl2001", CARLA.password or "")
    before = browser.cookie("login") or ""
    form = browser.csrf()
    answer = browser.send("/mitid/login", {"csrf_token": form})
    assert answer.status_code == 303
    page = browser.open(decide(wire, forwarded(browser), identity=(BO.mitid or {})["uuid"]))
    assert "Hej Bo Lind." in page.text
    assert browser.cookie("login") != before
    thief = Browser(app)
    thief.plant("login", before)
    assert thief.open("/mit").path == "/login"
    assert browser.send("/log-ud", {"csrf_token": form}).status_code == 403


def test_a_half_done_login_does_not_outlive_it(browser: Browser, wire: Wire, database: Database) -> None:
    """S-01."""
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": "carl2001"})
    token = browser.cookie("flow") or ""
    log_in(browser, wire, BO)
    with database.reading() as db:
        now = instant(browser.app.extensions["world"].clock)
        assert (
            flows.find(db, browser.app.extensions["keys"], browser.app.extensions["config"], token, now)
            is None
        )
    assert browser.cookie("flow") is None


def test_s_18_what_is_half_done_goes_before_the_session_it_replaces(
    browser: Browser, wire: Wire, database: Database
) -> None:
    """As whoever ends logins takes the two: in another order they could wait for each other."""
    browser.log_in("boli1003", BO.password or "")
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    browser.send("/mitid/login", {"csrf_token": browser.csrf()})
    back = decide(wire, forwarded(browser), identity=(BO.mitid or {})["uuid"])
    with store.heard(database) as asked:
        assert browser.open(back).path == "/mit"
    order = ["DELETE FROM login_flow", "UPDATE sso_session"]
    assert store.of_kinds(asked, *order) == order
    assert browser.cookie("flow") is None


def test_s_18_so_do_the_usernames_that_were_looked_up(
    browser: Browser, wire: Wire, database: Database
) -> None:
    browser.log_in("boli1003", BO.password or "")
    browser.open("/brugernavn")
    visit(browser, wire, BO, FETCH)
    assert store.count(database, "recovery_flow") == 1
    with store.heard(database) as asked:
        assert browser.log_in("boli1003", BO.password or "").path == "/mit"
    order = ["DELETE FROM recovery_flow", "UPDATE sso_session"]
    assert store.of_kinds(asked, *order) == order
    assert store.count(database, "recovery_flow") == 0
    assert browser.cookie("recovery") is None


def test_the_way_used_last_comes_first(app: Flask, browser: Browser, wire: Wire) -> None:
    """Design 3: the last one used on top, with «Vælg en anden»."""
    page = browser.open("/login")
    assert "Vælg en anden" not in page.text
    log_in(browser, wire, BO)
    browser.press("Log ud")
    page = browser.open("/login")
    assert page.text.index("For voksne og elever med MitID") < page.text.index("Vælg en anden")
    assert page.text.index("Vælg en anden") < page.text.index("Brugernavn og adgangskode")
    browser.log_in("boli1003", BO.password or "")
    browser.press("Log ud")
    page = browser.open("/login")
    assert page.text.index("Brugernavn og adgangskode") < page.text.index("Vælg en anden")
    assert page.text.index("Vælg en anden") < page.text.index("For voksne og elever med MitID")


def test_without_a_broker_there_is_one_way(world: World, browser: Browser) -> None:
    world.mitid = None
    page = browser.open("/login")
    assert "MitID" not in page.text


def test_a_half_done_login_of_another_is_no_part_of_it(browser: Browser, wire: Wire) -> None:
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": "carl2001"})
    browser.open("/login")
    page = browser.open(decide(wire, go(browser, FETCH_LOGIN), stop="access_denied"))
    assert page.heading == "Du afbrød MitID"
    assert "carl2001" not in page.text
    down = decide(wire, go(browser, AGAIN), identity=(BO.mitid or {})["uuid"], wrong="down")
    page = browser.open(down)
    assert page.heading == "MitID svarer ikke lige nu"
    assert "carl2001" not in page.text


@pytest.mark.parametrize("stop", ["access_denied", "login_required"])
def test_who_stops_can_try_again_or_use_the_username(browser: Browser, wire: Wire, stop: str) -> None:
    browser.open("/login")
    page = browser.open(decide(wire, go(browser, FETCH_LOGIN), stop=stop))
    assert page.status == 422
    assert "Der er ikke ændret noget." in page.text
    assert "Log ind med brugernavn" in page.links()
    assert visit(browser, wire, BO, "Prøv igen med MitID").path == "/mit"
