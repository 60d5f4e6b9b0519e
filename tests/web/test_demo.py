"""The demo's way to another network: a claim from there is approved by a picture, all on one machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.config import Config, Mode
from app.models.elevadgang import Doubt
from app.web.browser import HOME, HOME_ADDRESS
from app.web.browser import browser as seen
from tests.cast import ANNA
from tests.pages import Browser
from tests.web.test_elevadgang import give, list_of, status, teacher, window

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)

LEAVE, RETURN = "Demo: Lad, som om du er hjemme", "Tilbage til skolens net"


def claim_after(browser: Browser, link: str) -> str:
    """Follow a link on the screen that asks for the username, give Anna's; returns the next heading."""
    browser.open("/login/brugernavn")
    browser.follow(link)
    assert browser.current.heading == "Skriv dit brugernavn"
    browser.press("Næste", filled={"Brugernavn": ANNA.username or ""})
    return browser.current.heading


def test_a_claim_from_a_browser_that_plays_at_home_waits_for_the_picture(app: Flask, db: Session) -> None:
    carla = teacher(app)
    address = list_of(carla)
    give(carla, db, ANNA)
    assert claim_after(Browser(app), LEAVE) == "Vis billedet til din lærer"
    assert window(db, ANNA).doubt is Doubt.ELSEWHERE
    carla.open(address)
    assert "Eleven er et andet sted end dig" in status(carla, db, ANNA)


def test_back_at_the_school_a_claim_goes_through_at_once(app: Flask, db: Session) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    browser = Browser(app)
    browser.open("/demo/hjemmefra")
    assert "Du er nu hjemme" in browser.current.text
    assert claim_after(browser, RETURN) == "Dine nye billeder"
    assert browser.cookie(HOME) is None


def test_s_83_production_has_no_such_link_and_does_not_read_such_a_cookie(app: Flask, config: Config) -> None:
    app.extensions["config"] = replace(config, mode=Mode.PRODUCTION)
    browser = Browser(app)
    for path in ("/demo/hjemmefra", "/demo/skolen"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "Set-Cookie" not in answer.headers or HOME not in answer.headers["Set-Cookie"]
    assert "Demo: Lad" not in browser.open("/login/brugernavn").text
    with app.test_request_context(headers={"Cookie": f"{HOME}=1"}, environ_base={"REMOTE_ADDR": "192.0.2.9"}):
        assert seen().public_network == "192.0.2.9/32"


def test_the_cookie_names_no_network_of_anybodys_choice(app: Flask) -> None:
    cookie = {"Cookie": f"{HOME}=203.0.113.5"}
    with app.test_request_context(headers=cookie, environ_base={"REMOTE_ADDR": "192.0.2.9"}):
        assert seen().public_network == f"{HOME_ADDRESS}/32"
