"""A forgotten password, with one's own MitID: there and back, and a new password at the end."""

from __future__ import annotations

import pytest
from flask import Flask

from app.db import Database
from app.demo.mitid_simulator import drawn
from tests import store
from tests.cast import ANNA, BO, Member, user_of
from tests.pages import Browser
from tests.web.test_new_password import choose, practise
from tests.web.trips import USE, Wire, decide, forget, forwarded, go, visit

pytestmark = pytest.mark.usefixtures("wire")


def test_bo_has_forgotten_and_uses_mitid(app: Flask, wire: Wire, database: Database) -> None:
    """S-25, S-32: assigned, practised, logged in; the old one and every other session are over."""
    elsewhere = Browser(app)
    elsewhere.log_in("boli1003", BO.password or "")
    browser = Browser(app)
    forget(browser, BO)
    page = visit(browser, wire, BO)
    assert (page.path, page.heading) == ("/login/ny-kode", "Din nye adgangskode")
    secret = page.secret
    browser.follow("Jeg kan huske den")
    assert browser.press("Næste", filled={"Ny adgangskode": secret}).path == "/mit"
    assert elsewhere.open("/mit").path == "/login"
    assert Browser(app).log_in("boli1003", BO.password or "").status == 422
    assert Browser(app).log_in("boli1003", secret).path == "/mit"
    changed = store.events(database, "PASSWORD_CHANGED")[-1]
    assert changed.details["authorisation"] == "MITID"
    assert changed.actor_id == changed.subject_id
    assert store.content(database, "sso_session")["sso_session"]
    assert "af dig selv med MitID" in browser.current.text


def test_he_may_choose_his_own_as_his_level_allows(app: Flask, browser: Browser, wire: Wire) -> None:
    forget(browser, BO)
    visit(browser, wire, BO)
    choose(browser, "GraesTromle27")
    assert practise(browser, "GraesTromle27").path == "/mit"
    assert Browser(app).log_in("boli1003", "GraesTromle27").path == "/mit"


def test_he_comes_to_the_page_that_waited(browser: Browser, wire: Wire) -> None:
    """S-65."""
    browser.open("/mit/historik")
    browser.open("/login/brugernavn?til=/mit/historik")
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    browser.open("/ny-adgangskode/glemt")
    page = visit(browser, wire, BO)
    assert practise(browser, page.secret).path == "/mit/historik"


def test_mitid_never_raises_the_level_of_the_password(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """S-31."""
    forget(browser, BO)
    page = visit(browser, wire, BO)
    practise(browser, page.secret)
    with database.reading() as db:
        from sqlalchemy import select

        from app.models.sso import SsoSession

        one = db.scalars(select(SsoSession).where(SsoSession.ended_at.is_(None))).one()
    assert (one.amr, one.assurance_level) == ("pwd", "EnFaktor")


def test_the_proof_alone_logs_nobody_in(browser: Browser, wire: Wire) -> None:
    """S-01, S-31: a new password comes first, whichever address is tried."""
    forget(browser, BO)
    visit(browser, wire, BO)
    for path in ("/mit", "/login/varsel", "/login/adgangskode", "/login"):
        assert browser.open(path).path in ("/login", "/login/ny-kode")
    browser.open("/login/ny-kode/selv")
    data = {"csrf_token": browser.csrf(), "username": "boli1003", "later": "1"}
    assert browser.post("/login/varsel", data).path == "/login/ny-kode"
    assert browser.cookie("login") is None


def test_s_17_the_token_of_before_the_proof_opens_nothing(app: Flask, browser: Browser, wire: Wire) -> None:
    """«S-17» Who saw it before has no part in what is proved."""
    forget(browser, BO)
    before = browser.cookie("flow") or ""
    visit(browser, wire, BO)
    assert browser.cookie("flow") != before
    thief = Browser(app)
    thief.plant("flow", before)
    assert thief.open("/login/ny-kode").path == "/login/adgangskode"


def test_the_browser_is_led_by_a_page_of_ours_and_under_htmx_by_a_header(browser: Browser) -> None:
    """S-61: no form of ours ends on another site."""
    forget(browser, BO)
    path, data = browser.form(USE)
    answer = browser.send(path, data, HX_Request="true")
    assert answer.status_code == 204
    address = answer.headers["HX-Redirect"]
    assert address.startswith("http://127.0.0.1:8001/authorize?")
    assert forwarded(browser) == address
    policy = browser.get("/mitid/videre").headers["Content-Security-Policy"]
    assert "form-action 'self';" in policy


def test_s_30_what_is_sent_is_bound_to_this_trip(app: Flask, browser: Browser) -> None:
    """«S-30» PKCE S256, state and nonce, a fresh login; each trip has its own."""
    from urllib.parse import parse_qs, urlsplit

    seen = []
    for _ in range(2):
        forget(browser, BO)
        asked = parse_qs(urlsplit(go(browser)).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["prompt"] == ["login"]
        seen.append((asked["state"][0], asked["nonce"][0], asked["code_challenge"][0]))
    assert len({part for trip in seen for part in trip}) == 6
    assert all(len(part) >= 43 for trip in seen for part in trip)


def test_the_store_holds_none_of_a_trips_secrets_and_no_cpr_number_is_told(
    browser: Browser, wire: Wire, database: Database, log_lines: list[str], app: Flask
) -> None:
    """S-06, S-72."""
    forget(browser, BO)
    address = go(browser)
    back = decide(wire, address, identity=(BO.mitid or {})["uuid"])
    state = back.partition("state=")[2].partition("&")[0]
    held = store.all_text(database)
    assert state not in held
    assert (browser.cookie("trip") or "-") not in held
    page = browser.open(back)
    number = next(
        one.cpr
        for one in drawn.identities(app.extensions["world"].clock.now().date())
        if one.uuid == (BO.mitid or {})["uuid"]
    )
    assert number
    for text in (store.all_text(database), page.response.text, "\n".join(log_lines), back):
        assert number not in text


def test_a_first_password_comes_by_mitid_too(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """Somebody who has a username and no password yet, so nothing to be changed."""
    with database.writing() as db:
        from sqlalchemy import delete

        from app.models.credentials import Credential

        db.execute(delete(Credential).where(Credential.user_id == user_of(db, BO).id))
        db.commit()
    forget(browser, BO)
    page = visit(browser, wire, BO)
    secret = page.secret
    assert practise(browser, secret).path == "/mit"
    assert Browser(app).log_in("boli1003", secret).path == "/mit"


def test_whoever_is_logged_in_may_have_forgotten_as_well(browser: Browser, wire: Wire) -> None:
    browser.log_in("boli1003", BO.password or "")
    browser.open("/ny-adgangskode/glemt")
    page = visit(browser, wire, BO)
    assert page.path == "/login/ny-kode"
    assert practise(browser, page.secret).path == "/mit"


def test_without_a_username_it_is_asked_for_first(browser: Browser) -> None:
    page = browser.open("/ny-adgangskode/glemt")
    assert USE not in [b.text for b in page.root.iter("button")]
    assert browser.follow("Skriv dit brugernavn").path == "/ny-adgangskode"


@pytest.mark.parametrize("member", [BO, ANNA])
def test_without_mitid_a_parent_and_a_teacher_are_named(browser: Browser, member: Member) -> None:
    page = forget(browser, member)
    assert "Har du ikke MitID?" in page.text
    assert "En forælder hjælper nu" in page.text
    assert "Din lærer hjælper" in page.text
    assert "Er du forælder? Brug dit eget MitID, ikke barnets." in page.text
