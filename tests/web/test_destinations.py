"""Where a login leads: kept through everything on the way, and never to a stranger's place (S-65)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from flask import Flask

from app.db import Database
from app.demo.cast import ANNA, BO, IDA, STAGE
from tests import store
from tests.conftest import SetClock
from tests.pages import Browser, Page

HISTORY = "/mit/historik"
FOREIGN = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\tevil.example",
    "\t//evil.example",
    "/%09/evil.example",
    "https://evil.example",
    "https:evil.example",
    "http://127.0.0.1:8000/mit/historik",
    "http://127.0.0.1:8000@evil.example/mit",
    "javascript:alert(1)",
    "/mit/historik//evil.example",
    "/mit/historik\n",
    "/mit/historik?next=//evil.example",
    "/mit/historik#x",
    "/mit/../../evil",
    "/mit/%2e%2e/",
    "%2f%2fevil.example",
    "/%2fevil.example",
    "/%5cevil.example",
    "evil.example",
    ".evil.example",
    "/findes-ikke",
    "/login",
    "/log-ud",
    "/static/site.css",
    "/da/",
    "/MIT/HISTORIK",
    "/mit/historik/",
    "/mit\u2028",
    "/" + "a" * 5000,
    "\x00/mit",
]


def start(browser: Browser) -> Page:
    """Come to the history as a stranger, and go on to the username."""
    page = browser.open(HISTORY)
    assert page.path == "/login"
    return browser.follow("Brugernavn og adgangskode")


def test_one_comes_back_to_where_one_was_going(browser: Browser) -> None:
    start(browser)
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == HISTORY


def test_through_wrong_tries_and_the_pictures(browser: Browser) -> None:
    start(browser)
    browser.press("Næste", filled={"Brugernavn": ""})
    browser.press("Næste", filled={"Brugernavn": "anna1001"})
    for _ in range(3):
        browser.press("Log ind", filled={"De fire billeders navne": "sol kage bil hat"})
    for name in ("ugle", "kage", "sol", "bamse"):
        browser.press(name)
    assert browser.press("Log ind").path == HISTORY


def test_through_a_change_of_mind(browser: Browser) -> None:
    start(browser)
    browser.press("Næste", filled={"Brugernavn": "idak1002"})
    browser.press("Log ind", filled={"Adgangskode": "forkert"})
    browser.follow("Ikke dig?")
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == HISTORY


def test_through_the_way_back_to_the_chooser(browser: Browser) -> None:
    start(browser)
    browser.press("Næste", filled={"Brugernavn": ""})
    assert browser.follow("Tilbage").path == "/login"
    browser.follow("Brugernavn og adgangskode")
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == HISTORY


def test_a_strangers_place_is_not_carried_back_to_the_chooser(browser: Browser) -> None:
    """S-65."""
    browser.open("/login/brugernavn")
    page = browser.press("Næste", filled={"Brugernavn": ""}, destination="//evil.example")
    assert page.status == 422
    assert "evil" not in page.response.text


@pytest.mark.parametrize("is_other_name", [True, False])
def test_through_a_page_that_was_too_old(browser: Browser, clock: SetClock, is_other_name: bool) -> None:
    start(browser)
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    path, data = browser.form("Log ind", filled={"Adgangskode": BO.password or ""})
    if is_other_name:
        data["username"] = "idak1002"
    else:
        clock.forward(minutes=31)
    assert browser.post(path, data).status == 410
    browser.follow("Start forfra")
    browser.follow("Brugernavn og adgangskode")
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == HISTORY


def test_through_a_change_of_password(browser: Browser) -> None:
    start(browser)
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    browser.follow("Få en ny adgangskode")
    browser.follow("Skift adgangskode")
    page = browser.press("Næste", filled={"Den adgangskode, du har nu": BO.password or ""})
    secret = page.secret
    browser.follow("Jeg kan huske den")
    assert browser.press("Næste", filled={"Ny adgangskode": secret}).path == HISTORY


def test_through_the_warning(browser: Browser) -> None:
    start(browser)
    browser.press("Næste", filled={"Brugernavn": STAGE.username or ""})
    browser.press("Log ind", filled={"De fire billeders navne": STAGE.secret or ""})
    assert browser.current.path == "/login/varsel"
    assert browser.press("Senere").path == HISTORY


@pytest.mark.parametrize("place", ["/login", "/login/brugernavn"])
def test_through_a_change_of_language(browser: Browser, place: str) -> None:
    browser.open(f"{place}?til={HISTORY}")
    page = browser.follow("English")
    assert page.root.get("lang") == "en"
    browser.follow("Dansk")
    if place == "/login":
        browser.follow("Brugernavn og adgangskode")
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == HISTORY


def test_through_the_pages_for_a_new_password_and_back(browser: Browser) -> None:
    start(browser)
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    browser.follow("Få en ny adgangskode")
    browser.follow("Glemt adgangskode")
    browser.follow("Skriv dit brugernavn")
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == HISTORY


def test_it_is_kept_on_the_server_not_in_the_address(browser: Browser, database: Database) -> None:
    """S-65."""
    start(browser)
    page = browser.press("Næste", filled={"Brugernavn": "boli1003"})
    assert HISTORY not in page.response.text
    assert HISTORY not in page.response.request.url
    assert HISTORY in str(store.content(database, "login_flow"))


def test_whoever_is_logged_in_already_goes_on_at_once(browser: Browser) -> None:
    browser.log_in("boli1003", BO.password or "")
    assert browser.open(f"/login?til={HISTORY}").path == HISTORY


def test_where_one_login_was_going_is_not_where_the_next_one_goes(browser: Browser) -> None:
    start(browser)
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    browser.press("Log ind", filled={"Adgangskode": BO.password or ""})
    browser.open("/mit")
    browser.press("Log ud")
    assert browser.log_in("idak1002", IDA.password or "").path == "/mit"


@pytest.mark.sqlite_only
@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_strangers_place_in_the_address_is_not_gone_to(app: Flask, foreign: str) -> None:
    """S-65: neither at the chooser nor at the username, logged in or not."""
    browser = Browser(app)
    for place in ("/login", "/login/brugernavn"):
        for value in (quote(foreign, safe=""), quote(quote(foreign, safe=""), safe="")):
            page = browser.open(f"{place}?til={value}")
            assert page.status == (400 if "%00" in value else 200)  # no address of ours holds a NUL
            assert "evil" not in page.response.text.partition("<main")[2]
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    answer = browser.send(*browser.form("Log ind", filled={"Adgangskode": BO.password or ""}))
    assert answer.location == "/mit"
    if "\0" not in foreign:
        answer = browser.get(f"/login?til={quote(foreign, safe='')}")
        assert answer.location == "/mit"


@pytest.mark.sqlite_only
@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_strangers_place_in_the_form_is_not_gone_to(app: Flask, foreign: str) -> None:
    """S-65: at the login and at recovery."""
    for path in ("/login/brugernavn", "/ny-adgangskode"):
        browser = Browser(app)
        browser.open(path)
        where, data = browser.form("Næste", filled={"Brugernavn": "anna1001"})
        assert browser.send(where, data | {"destination": foreign}).status_code == 303
        browser.open("/login/billeder")
        form = browser.form("Log ind", filled={"De fire billeders navne": ANNA.secret or ""})
        assert browser.send(*form).location == "/mit"


@pytest.mark.sqlite_only
@pytest.mark.parametrize("name", ["next", "url", "redirect", "return_to", "RelayState", "destination"])
def test_other_names_for_it_mean_nothing(browser: Browser, name: str) -> None:
    """S-65."""
    page = browser.open(f"/login/brugernavn?{name}=//evil.example")
    assert "evil" not in page.response.text
    browser.press("Næste", filled={"Brugernavn": "boli1003"}, **{name: "//evil.example"})
    answer = browser.send(*browser.form("Log ind", filled={"Adgangskode": BO.password or ""}))
    assert answer.location == "/mit"
