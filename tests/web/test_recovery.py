"""The ways back in: forgotten or only to be changed, and who can help."""

from __future__ import annotations

import pytest
from flask import Flask

from app.db import Database
from app.demo.cast import ANNA, BO, IDA
from tests import store
from tests.conftest import SetClock
from tests.pages import Browser, Page

OLD = "Den adgangskode, du har nu"


def begin(browser: Browser, username: str | None) -> Page:
    """Give the username at the login."""
    browser.open("/login/brugernavn")
    return browser.press("Næste", filled={"Brugernavn": username or ""})


def test_from_the_password_page_one_gets_to_both_ways_without_typing_the_name_again(browser: Browser) -> None:
    begin(browser, BO.username)
    page = browser.follow("Få en ny adgangskode")
    assert (page.path, page.heading) == ("/ny-adgangskode", "Ny adgangskode")
    assert "boli1003" in page.text
    page = browser.follow("Glemt adgangskode")
    assert page.path == "/ny-adgangskode/glemt"
    assert "boli1003" in page.text
    browser.follow("Tilbage")
    page = browser.follow("Skift adgangskode")
    assert page.path == "/ny-adgangskode/skift"
    assert "boli1003" in page.text


@pytest.mark.parametrize("username", ["boli1003", "qqqq9999"])
def test_whoever_comes_straight_to_it_gives_the_name_first(browser: Browser, username: str) -> None:
    page = browser.open("/ny-adgangskode")
    assert "Skriv først brugernavnet til den, der skal have en ny adgangskode." in page.text
    page = browser.press("Næste", filled={"Brugernavn": username})
    assert page.path == "/ny-adgangskode"
    assert username in page.text
    assert browser.follow("Skift adgangskode").status == 200


def test_no_name_is_asked_for_again(browser: Browser, database: Database) -> None:
    browser.open("/ny-adgangskode")
    page = browser.press("Næste", filled={"Brugernavn": " "})
    assert page.status == 422
    assert page.title.startswith("Fejl: ")
    assert store.count(database, "login_flow") == 0


def test_to_change_without_saying_whose_leads_to_the_question(browser: Browser) -> None:
    assert browser.open("/ny-adgangskode/skift").path == "/ny-adgangskode"
    assert browser.open("/.well-known/change-password").path == "/ny-adgangskode"
    browser.log_in(BO.username or "", BO.password or "")
    assert browser.open("/.well-known/change-password").path == "/ny-adgangskode/skift"


@pytest.mark.parametrize("path", ["/ny-adgangskode/skift", "/.well-known/change-password"])
def test_whoever_has_said_to_change_it_is_not_asked_again_after_the_username(
    browser: Browser, path: str
) -> None:
    browser.open(path)
    browser.follow("English")
    browser.follow("Dansk")
    assert browser.press("Næste", filled={"Brugernavn": ""}).status == 422
    page = browser.press("Næste", filled={"Brugernavn": "boli1003"})
    assert (page.path, page.heading) == ("/ny-adgangskode/skift", "Skift adgangskode")


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", ["/ny-adgangskode/glemt", "/brugernavn"])
def test_whoever_has_forgotten_is_told_who_can_help_and_whom_to_call(browser: Browser, path: str) -> None:
    page = browser.open(path)
    assert "lærer" in page.text
    assert "Skolens kontor" in page.text or "skolens kontor" in page.text
    assert "3587 8550" in page.text


def test_the_old_password_is_needed_and_a_wrong_one_counts(browser: Browser, database: Database) -> None:
    """S-26, S-15."""
    begin(browser, BO.username)
    browser.open("/ny-adgangskode/skift")
    page = browser.press("Næste", filled={OLD: "forkert"})
    assert page.status == 422
    assert "Brugernavn og adgangskode passer ikke sammen." in page.text  # the name was typed, and may be it
    assert store.count(database, "throttle") == 1
    assert store.count(database, "pending_password") == 0
    assert browser.open("/login/ny-kode").path == "/login/adgangskode"


@pytest.mark.sqlite_only
def test_old_pictures_that_are_no_pictures_are_asked_for_again_and_do_not_count(
    browser: Browser, database: Database
) -> None:
    """S-10, S-15."""
    begin(browser, ANNA.username)
    browser.open("/ny-adgangskode/skift")
    for _ in range(6):
        page = browser.press("Næste", filled={"De fire billeders navne": "ugle kage hund bamse"})
        assert page.status == 422
        assert page.text.count("Navn nummer 3 er ikke et af billederne.") == 2
    assert store.tries(database) == 0
    page = browser.press("Næste", filled={"De fire billeders navne": "ugle, kage, sol og bamse"})
    assert page.path == "/login/ny-kode"


def test_a_person_who_is_logged_in_needs_the_old_password_as_well(
    browser: Browser, database: Database
) -> None:
    """S-26: whoever finds an open computer cannot take the login over."""
    browser.log_in(BO.username or "", BO.password or "")
    page = browser.follow("Skift adgangskode")
    assert page.path == "/ny-adgangskode/skift"
    assert "boli1003" in page.text
    assert browser.open("/login/ny-kode").path == "/mit"
    browser.open("/ny-adgangskode/skift")
    for number in range(11):
        page = browser.press("Næste", filled={OLD: "forkert"})
        assert page.status == (422 if number < 10 else 429)
        assert ("Det var ikke din adgangskode. Prøv igen." in page.text) == (number < 10)
        assert "Brugernavn og" not in page.text
    assert browser.press("Næste", filled={OLD: BO.password or ""}).status == 429
    assert store.count(database, "pending_password") == 0


def test_anna_shows_her_old_pictures_by_tapping(app: Flask, browser: Browser) -> None:
    browser.log_in(ANNA.username or "", ANNA.secret or "")
    page = browser.follow("Skift adgangskode")
    assert "Tryk først på de fire billeder, du har nu." in page.text
    for name in ("ugle", "kage", "sol"):
        browser.press(name)
    assert browser.press("Næste").status == 422
    browser.press("bamse")
    page = browser.press("Næste")
    assert (page.path, page.heading) == ("/login/ny-kode", "Dine nye billeder")


def test_a_page_for_another_username_is_refused_here_too(browser: Browser, database: Database) -> None:
    begin(browser, BO.username)
    browser.open("/ny-adgangskode/skift")
    path, data = browser.form("Næste", filled={OLD: BO.password or ""})
    begin(browser, IDA.username)
    assert browser.send(path, data).status_code == 410
    assert store.count(database, "throttle") == 0


def test_a_half_done_change_that_ran_out_says_so(browser: Browser, clock: SetClock) -> None:
    begin(browser, BO.username)
    browser.open("/ny-adgangskode/skift")
    clock.forward(minutes=31)
    page = browser.press("Næste", filled={OLD: BO.password or ""})
    assert page.status == 410
    assert browser.follow("Start forfra").path == "/login"


def test_from_my_page_it_is_my_own_password_whatever_name_was_typed_before(browser: Browser) -> None:
    """Bo is logged in and has half begun a login as Ida in another tab."""
    browser.log_in(BO.username or "", BO.password or "")
    begin(browser, IDA.username)
    browser.open("/mit")
    page = browser.follow("Skift adgangskode")
    assert "boli1003" in page.text
    assert "idak1002" not in page.text


def test_change_is_a_way_for_the_blocked_no_more_than_login_is(
    browser: Browser, database: Database, app: Flask
) -> None:
    """S-10."""
    from app.db import instant
    from app.domain import blocking
    from tests.cast import user_of

    with database.writing() as db:
        blocking.block(db, user_of(db, BO).id, instant(app.extensions["world"].clock))
        db.commit()
    begin(browser, BO.username)
    browser.open("/ny-adgangskode/skift")
    assert "spærret" not in browser.press("Næste", filled={OLD: "forkert"}).text
    page = browser.press("Næste", filled={OLD: BO.password or ""})
    assert page.status == 422
    assert "Dit login er spærret." in page.text
    assert store.count(database, "pending_password") == 0
