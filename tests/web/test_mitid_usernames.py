"""«Få mit eller mit barns brugernavn» with MitID: what is shown, to whom, and what is missing is made."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.db import Database, instant
from app.domain import blocking
from app.models.people import User
from app.world import World
from tests import store
from tests.cast import ALIASED, ANNA, BO, BOTH, DAN, IDA, NAMELESS, PARENT, PROTECTED, Member, user_of
from tests.conftest import SetClock
from tests.pages import Browser, Page
from tests.web.test_mitid_parents import make_contact
from tests.web.test_new_password import practise
from tests.web.trips import FETCH, Wire, decide, forget, go, relate, visit, yesterday

pytestmark = pytest.mark.usefixtures("wire")


def ask(browser: Browser, wire: Wire, member: Member) -> Page:
    """Ask for usernames, as a person at MitID."""
    browser.open("/brugernavn")
    return visit(browser, wire, member, FETCH)


def test_dan_finds_annas_username(browser: Browser, wire: Wire, database: Database) -> None:
    """S-33: name, school, class and username; and both can see that it was shown."""
    page = ask(browser, wire, DAN)
    assert (page.path, page.heading) == ("/brugernavn/fundet", "Her er brugernavnene")
    for words in ("Dan Holm", "danh3001", "Anna Holm", "anna1001", "Egeskolen", "2.B"):
        assert words in page.text
    assert page.response.headers["Cache-Control"] == "no-store"
    with database.reading() as db:
        dan, anna = user_of(db, DAN).id, user_of(db, ANNA).id
    shown = [(e.actor_id, e.subject_id) for e in store.events(database, "USERNAME_SHOWN")]
    assert shown == [(dan, dan), (dan, anna)]


def test_of_ida_he_sees_why_not(browser: Browser, wire: Wire) -> None:
    """S-33, S-32: a contact without custody."""
    page = ask(browser, wire, DAN)
    assert "Ida Krogh" in page.text
    assert "Du står som kontaktperson for barnet, men uden forældremyndighed." in page.text
    assert "idak1002" not in page.response.text
    assert "5.A" not in page.text


def test_hanne_sees_both_of_hers_and_bo_himself_alone(app: Flask, wire: Wire) -> None:
    page = ask(Browser(app), wire, PARENT)
    assert "alba1009" in page.text
    assert "otto1010" in page.text
    page = ask(Browser(app), wire, BO)
    assert "boli1003" in page.text
    assert len(re.findall(r"[a-z]{4}\d{4}", page.text)) == 1
    page = ask(Browser(app), wire, BOTH)
    assert "mett2003" in page.text
    assert "mari1008" in page.text


def test_s_33_the_protected_are_named_by_their_alias(app: Flask, wire: Wire, database: Database) -> None:
    """«S-33»."""
    page = ask(Browser(app), wire, ALIASED)
    assert "Clara Berg" in page.text
    assert "Freja" not in page.response.text
    make_contact(database, DAN, PROTECTED)
    page = ask(Browser(app), wire, DAN)
    assert "Maja Skov" in page.text
    assert "Sofia" not in page.response.text


@pytest.mark.parametrize("kind", ["ended", "without leave"])
def test_s_33_the_relation_must_hold_today_and_have_leave(
    app: Flask, browser: Browser, wire: Wire, database: Database, kind: str
) -> None:
    """«S-33»."""
    relate(database, ANNA, **({"to_on": yesterday(app)} if kind == "ended" else {"may_help": False}))
    page = ask(browser, wire, DAN)
    assert "anna1001" not in page.response.text
    assert ("Anna Holm" in page.text) == (kind != "ended")


def test_s_33_the_result_is_for_one_browser_and_ten_minutes(
    app: Flask, browser: Browser, wire: Wire, clock: SetClock
) -> None:
    """«S-33»."""
    ask(browser, wire, DAN)
    assert Browser(app).open("/brugernavn/fundet").path == "/brugernavn"
    other = Browser(app)
    other.plant("recovery", (browser.cookie("recovery") or "")[:-1] + "x")
    assert other.open("/brugernavn/fundet").status == 410
    assert browser.open("/brugernavn/fundet").status == 200
    clock.forward(minutes=10, seconds=1)
    page = browser.open("/brugernavn/fundet")
    assert page.status == 410
    assert "anna1001" not in page.response.text


def test_s_33_custody_lost_meanwhile_takes_it_off_the_list(
    browser: Browser, wire: Wire, database: Database
) -> None:
    """«S-33»."""
    ask(browser, wire, DAN)
    relate(database, ANNA, has_custody=False)
    assert "anna1001" not in browser.open("/brugernavn/fundet").response.text


def test_done_ends_it(app: Flask, browser: Browser, wire: Wire, database: Database) -> None:
    ask(browser, wire, DAN)
    held = browser.cookie("recovery") or ""
    assert browser.press("Færdig").path == "/login/brugernavn"
    assert store.count(database, "recovery_flow") == 0
    browser.plant("recovery", held)
    assert browser.open("/brugernavn/fundet").status == 410


def test_logging_out_and_a_new_password_end_it_too(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """S-26."""
    ask(browser, wire, BO)
    browser.log_in("boli1003", BO.password or "")
    browser.press("Log ud")
    assert store.count(database, "recovery_flow") == 0
    ask(browser, wire, BO)
    other = Browser(app)
    forget(other, BO)
    practise(other, visit(other, wire, BO).secret)
    assert browser.open("/brugernavn/fundet").status == 410


def test_a_missing_username_is_made_and_then_there_is_a_password(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """Yusuf never had one; his contact activates it and gives him his first pictures."""
    make_contact(database, DAN, NAMELESS)
    page = ask(browser, wire, DAN)
    assert "Har ikke fået et endnu" in page.text
    page = browser.press("Giv et brugernavn")
    assert page.path == "/brugernavn/fundet"
    made = re.search(r"yusu[0-9]{4}", page.text)
    assert made is not None
    with database.reading() as db:
        yusuf = db.scalars(select(User).where(User.username == made[0])).one()
        dan = user_of(db, DAN).id
    told = store.events(database, "USERNAME_ACTIVATED")
    assert [(e.actor_id, e.subject_id) for e in told] == [(dan, yusuf.id)]
    child = Browser(app)
    child.open("/ny-adgangskode")
    child.press("Næste", filled={"Brugernavn": made[0]})
    child.follow("Glemt adgangskode")
    assert visit(child, wire, DAN).path == "/mitid/barn"
    secret = child.open("/login/ny-kode").secret
    assert practise(child, secret).path == "/mit"
    assert Browser(app).log_in(made[0], secret).path == "/mit"


def test_pressing_twice_makes_one(browser: Browser, wire: Wire, database: Database) -> None:
    """S-19."""
    make_contact(database, DAN, NAMELESS)
    ask(browser, wire, DAN)
    path, data = browser.form("Giv et brugernavn")
    for _ in range(2):
        assert browser.send(path, data).status_code == 303
    assert len(store.events(database, "USERNAME_ACTIVATED")) == 1


@pytest.mark.parametrize("member", [IDA, BO, NAMELESS])
def test_nobody_elses_can_be_made(browser: Browser, wire: Wire, database: Database, member: Member) -> None:
    """S-01: the server asks again whose it is, whatever number is sent."""
    with database.writing() as db:
        user = user_of(db, member)
        uni_id, user_id = user.uni_id, user.id
        db.execute(update(User).where(User.id == user_id).values(username=None))
        db.commit()
    ask(browser, wire, DAN)
    data = {"csrf_token": browser.csrf(), "uni_id": uni_id}
    assert browser.send("/brugernavn/fundet", data).status_code == 303
    with database.reading() as db:
        assert db.get_one(User, user_id).username is None
    assert store.events(database, "USERNAME_ACTIVATED") == []


def test_the_blocked_are_told_so(browser: Browser, wire: Wire, database: Database, world: World) -> None:
    with database.writing() as db:
        blocking.block(db, user_of(db, DAN).id, instant(world.clock))
        db.commit()
    page = ask(browser, wire, DAN)
    assert (page.status, page.heading) == (422, "Dit login er spærret")
    with database.reading() as db:
        dan = user_of(db, DAN).id
    assert [e.subject_id for e in store.events(database, "LOGIN_REFUSED")] == [dan]


def test_a_block_meanwhile_ends_it(browser: Browser, wire: Wire, database: Database, world: World) -> None:
    ask(browser, wire, DAN)
    with database.writing() as db:
        blocking.block(db, user_of(db, DAN).id, instant(world.clock))
        db.commit()
    assert browser.open("/brugernavn/fundet").status == 410


def test_who_stops_comes_back_to_the_two_other_ways(browser: Browser, wire: Wire) -> None:
    page = browser.open("/brugernavn")
    assert "Har du ikke MitID?" in page.text
    assert "En forælder hjælper" in page.text
    assert "En lærer hjælper" in page.text
    page = browser.open(decide(wire, go(browser, FETCH), stop="access_denied"))
    assert page.heading == "Du afbrød MitID"
    assert "Der er ikke ændret noget." in page.text
    page = browser.follow("Har du ikke MitID?")
    assert page.path == "/brugernavn"


def test_s_63_the_lists_own_forms_need_the_pages_token(
    browser: Browser, wire: Wire, database: Database
) -> None:
    """«S-63»."""
    make_contact(database, DAN, NAMELESS)
    ask(browser, wire, DAN)
    forms = [browser.form("Giv et brugernavn"), browser.form("Færdig")]
    before = store.content(database)
    for path, data in forms:
        for token in ("", "made-up"):
            assert browser.send(path, data | {"csrf_token": token}).status_code == 403
        assert browser.send(path, data, Origin="https://evil.example").status_code == 403
    assert store.content(database) == before


def test_dan_gives_anna_five_minutes_from_his_phone(app: Flask, wire: Wire, database: Database) -> None:
    """S-32, S-40, S-43: the child types the username elsewhere, and the parent compares the picture."""
    dan = Browser(app, address="198.51.100.4")
    ask(dan, wire, DAN)
    dan.press("Giv ny adgangskode")
    assert "Bed nu dit barn om at skrive sit brugernavn" in dan.current.text
    assert "Venter til kl." in dan.current.text
    anna = Browser(app, address="203.0.113.9")
    anna.open("/login/brugernavn")
    anna.press("Næste", filled={"Brugernavn": "anna1001"})
    assert anna.current.heading == "Vis billedet til din mor eller far"
    dan.open("/brugernavn/fundet")
    dan.press("Godkend")
    assert "I gang" in dan.current.text
    anna.press("Fortsæt")
    practise(anna, anna.current.secret)
    assert anna.current.path == "/mit"
    assert "med hjælp fra en forælder" in anna.current.text
    dan.open("/brugernavn/fundet")
    assert "Færdig" in dan.current.text
    with database.reading() as db:
        dan_id, anna_id = user_of(db, DAN).id, user_of(db, ANNA).id
    assert (dan_id, anna_id) in [
        (e.actor_id, e.subject_id) for e in store.events(database, "PASSWORD_CHANGED")
    ]


def test_s_40_dan_opens_no_window_for_ida(browser: Browser, wire: Wire, database: Database) -> None:
    page = ask(browser, wire, DAN)
    assert page.text.count("Giv ny adgangskode") == 1
    _path, data = browser.form("Giv ny adgangskode")
    with database.reading() as db:
        data["uni_id"] = user_of(db, IDA).uni_id
    assert browser.send("/brugernavn/ny-adgangskode", data).status_code == 404
    assert store.events(database, "WINDOW_OPENED") == []
