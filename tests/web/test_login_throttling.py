"""Wrong tries: when one must wait, for whom, and how one gets on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from threading import Event, Thread

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import create_app
from app.config import Config
from app.db import Database, Instant
from app.demo.cast import ANNA, BO, CARLA, IDA
from app.domain import networks
from app.domain.passwords import Hasher
from app.models.credentials import Throttle
from app.models.people import PasswordType
from app.world import World
from tests import store
from tests.conftest import SetClock
from tests.pages import Browser, Page

WAIT = re.compile(r"Vent (\d+) (sekund|minut)\w*, og prøv igen\. Din lærer kan også give dig en ny")
HOME, AWAY, SCHOOL = "198.51.100.7", "203.0.113.9", "192.0.2.40"


def begin(browser: Browser, username: str | None) -> Page:
    """Give the username."""
    browser.open("/login/brugernavn")
    return browser.press("Næste", filled={"Brugernavn": username or ""})


def guess(browser: Browser, secret: str = "sol kage bil hat") -> Page:
    """Try a password or picture names on the page at hand."""
    label = "Adgangskode" if browser.current.path.endswith("adgangskode") else "De fire billeders navne"
    return browser.press("Log ind", filled={label: secret})


def exhaust(browser: Browser, username: str | None, tries: int = 5) -> Page:
    """Be wrong so often that one must wait."""
    begin(browser, username)
    for _ in range(tries):
        assert guess(browser).status == 422
    return guess(browser)


@pytest.mark.parametrize("username", [BO.username, ANNA.username, "qqqq9999", "no name"])
def test_five_wrong_ones_are_followed_by_a_wait_for_whatever_name(browser: Browser, username: str) -> None:
    """S-10, S-13: also for names that nobody has, and for what is no name."""
    page = exhaust(browser, username)
    assert page.status == 429
    assert page.title.startswith("Fejl: ")
    found = WAIT.search(page.text)
    assert found
    assert found[2] == "sekund"
    assert 1 <= int(found[1]) <= 15


def test_the_right_password_waits_too_and_works_after_the_wait(
    browser: Browser, clock: SetClock, database: Database
) -> None:
    """S-12."""
    exhaust(browser, BO.username)
    page = guess(browser, BO.password or "")
    assert page.status == 429
    assert store.count(database, "sso_session") == 0
    clock.forward(seconds=16)
    assert guess(browser, BO.password or "").path == "/mit"


def test_a_new_start_or_a_new_browser_does_not_shorten_the_wait(app: Flask, browser: Browser) -> None:
    """S-12: it is the account that is counted, not the flow."""
    exhaust(browser, BO.username)
    for one in (browser, Browser(app), Browser(app, address=AWAY)):
        begin(one, BO.username)
        assert guess(one, BO.password or "").status == 429


def test_the_waits_grow_to_a_quarter_of_an_hour(browser: Browser, clock: SetClock) -> None:
    """S-13: 15 s, doubling."""
    exhaust(browser, BO.username)
    for waited, next_wait in pairwise((15, 30, 60, 120, 240, 480, 900, 900)):
        clock.forward(seconds=waited + 1)
        begin(browser, BO.username)
        assert guess(browser).status == 422
        found = WAIT.search(guess(browser).text)
        assert found
        told = int(found[1]) * (60 if found[2] == "minut" else 1)
        assert next_wait - 10 <= told <= next_wait


def test_a_success_forgets_the_wrong_tries_before_it(app: Flask) -> None:
    """S-12."""
    for _ in range(2):
        browser = Browser(app)
        begin(browser, BO.username)
        for _ in range(4):
            assert guess(browser).status == 422
        assert guess(browser, BO.password or "").path == "/mit"


def test_one_persons_wait_is_nobody_elses(browser: Browser) -> None:
    exhaust(browser, BO.username)
    begin(browser, IDA.username)
    assert guess(browser, IDA.password or "").path == "/mit"


def test_a_stranger_cannot_lock_a_pupil_out_of_the_usual_device(app: Flask) -> None:
    """S-13: and the pupil's success does not shorten the stranger's wait."""
    own, stranger = Browser(app, address=HOME), Browser(app, address=AWAY)
    own.log_in(ANNA.username or "", ANNA.secret or "")
    own.press("Log ud")
    assert exhaust(stranger, ANNA.username).status == 429
    assert own.log_in(ANNA.username or "", ANNA.secret or "").path == "/mit"
    assert guess(stranger, ANNA.secret or "").status == 429


def test_the_usual_device_has_ten_tries_of_its_own(app: Flask) -> None:
    """S-13."""
    own = Browser(app)
    own.log_in(BO.username or "", BO.password or "")
    own.press("Log ud")
    assert exhaust(own, BO.username, tries=10).status == 429
    elsewhere = Browser(app)
    begin(elsewhere, BO.username)
    assert guess(elsewhere, BO.password or "").path == "/mit"


def test_a_device_is_known_for_those_who_logged_in_on_it_only(app: Flask) -> None:
    """S-13: a classmate's computer is a stranger's to everybody else."""
    shared = Browser(app)
    shared.log_in(IDA.username or "", IDA.password or "")
    shared.press("Log ud")
    assert exhaust(shared, BO.username, tries=5).status == 429


def test_a_device_cookie_of_ones_own_making_is_no_known_device(app: Flask) -> None:
    """S-13: it is signed."""
    own = Browser(app)
    own.log_in(BO.username or "", BO.password or "")
    token = (own.cookie("device") or "").partition(".")[0]
    thief = Browser(app)
    thief.plant("device", token + ".AAAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert exhaust(thief, BO.username, tries=5).status == 429


@pytest.fixture
def closed(app: Flask, browser: Browser, database: Database) -> Browser:
    """Return a browser whose fiftieth wrong try at Anna's pictures was just made."""
    begin(browser, ANNA.username)
    guess(browser)
    with database.writing() as db:
        db.execute(update(Throttle).values(tries=50))
        db.commit()
    return browser


def test_after_fifty_wrong_ones_only_an_adult_can_help(closed: Browser, clock: SetClock) -> None:
    """S-13, S-23: not even a day makes it good again."""
    for _ in range(2):
        begin(closed, ANNA.username)
        page = guess(closed, ANNA.secret or "")
        assert page.status == 429
        assert "Bed din lærer eller en forælder om hjælp til en ny adgangskode." in page.text
        clock.forward(days=1)


def test_the_school_network_stays_open_and_opens_the_rest_again(
    app: Flask, db: Session, now: Instant, database: Database, browser: Browser
) -> None:
    """S-13."""
    networks.add(db, "999001", "192.0.2.0/24", "skolen", now, operator="drift")
    db.commit()
    begin(browser, ANNA.username)
    guess(browser)
    with database.writing() as writing:
        writing.execute(update(Throttle).values(tries=50))
        writing.commit()
    begin(browser, ANNA.username)
    assert guess(browser, ANNA.secret or "").status == 429
    at_school = Browser(app, address=SCHOOL)
    assert at_school.log_in(ANNA.username or "", ANNA.secret or "").path == "/mit"
    begin(browser, ANNA.username)
    assert guess(browser, ANNA.secret or "").path == "/mit"


def test_a_school_network_has_more_tries_but_not_without_end(app: Flask, db: Session, now: Instant) -> None:
    """S-13."""
    networks.add(db, "999001", "192.0.2.0/24", "skolen", now, operator="drift")
    db.commit()
    at_school = Browser(app, address=SCHOOL)
    assert exhaust(at_school, BO.username, tries=20).status == 429


@pytest.mark.parametrize("is_known", [True, False])
def test_an_empty_field_is_no_guess_whoever_it_is_asked_of(
    app: Flask, browser: Browser, database: Database, is_known: bool
) -> None:
    """S-10: known or not, it waits where a try would, and nobody has to wait for it."""
    names = (f"zzzz{number:04}" for number in range(200))
    nobody = next(name for name in names if begin(Browser(app), name).path == "/login/adgangskode")
    username = BO.username if is_known else nobody
    begin(browser, username)
    for _ in range(7):
        page = guess(browser, "")
        assert page.status == 422
        assert page.title.startswith("Fejl: ")
        assert page.text.count("Skriv din adgangskode.") == 2  # above, and at the field
    browser.follow("Få en ny adgangskode")
    browser.follow("Skift adgangskode")
    page = browser.press("Næste", filled={"Den adgangskode, du har nu": ""})
    assert page.status == 422
    assert page.text.count("Skriv din adgangskode.") == 2
    assert (store.tries(database), store.events(database, "LOGIN_REFUSED")) == (0, [])
    assert exhaust(browser, username).status == 429
    assert guess(browser, "").status == 429


@pytest.mark.parametrize("secret", [" ", "x" * 20_000, "\x00", "🦉" * 500])
def test_a_blank_an_oversized_and_an_odd_try_count_like_any_other(browser: Browser, secret: str) -> None:
    """S-10."""
    begin(browser, BO.username)
    path, data = browser.form("Log ind")
    for _ in range(5):
        assert browser.send(path, data | {"password": secret}).status_code == 422
    assert browser.send(path, data | {"password": BO.password or ""}).status_code == 429


def test_login_and_change_share_one_count(browser: Browser) -> None:
    """S-15."""
    begin(browser, BO.username)
    for _ in range(3):
        guess(browser)
    browser.follow("Få en ny adgangskode")
    browser.follow("Skift adgangskode")
    for _ in range(2):
        page = browser.press("Næste", filled={"Den adgangskode, du har nu": "forkert"})
        assert page.status == 422
    page = browser.press("Næste", filled={"Den adgangskode, du har nu": BO.password or ""})
    assert page.status == 429
    assert WAIT.search(page.text)
    begin(browser, BO.username)
    assert guess(browser, BO.password or "").status == 429


def test_the_tries_are_in_the_store_and_outlive_the_process(
    app: Flask, browser: Browser, config: Config, world: World
) -> None:
    """S-15."""
    exhaust(browser, BO.username)
    other = create_app(config, world)
    afresh = Browser(other)
    begin(afresh, BO.username)
    assert guess(afresh, BO.password or "").status == 429
    other.extensions["database"].dispose()


def test_the_store_does_not_tell_whose_tries_they_are(browser: Browser, database: Database) -> None:
    exhaust(browser, BO.username)
    assert "boli" not in str(store.content(database, "throttle"))


@pytest.fixture
def crowded(config: Config, world: World) -> Iterator[Flask]:
    """Return a site that computes one hash at a time and waits for its turn a twentieth of a second."""
    site = create_app(replace(config, workers=64, hash_wait_seconds=0.05), world)
    yield site
    site.extensions["database"].dispose()


@pytest.fixture
def held(crowded: Flask) -> Iterator[Event]:
    """Hold the only place for hashing until it is let go."""
    hasher: Hasher = crowded.extensions["hasher"]
    holding, let_go = Event(), Event()

    def hold() -> None:
        with hasher._slot():
            holding.set()
            let_go.wait(60)

    thread = Thread(target=hold)
    thread.start()
    assert holding.wait(10)
    yield let_go
    let_go.set()
    thread.join()


def test_more_logins_than_the_machine_can_hash_are_asked_to_come_back(crowded: Flask, held: Event) -> None:
    """S-16: and it is nobody's wrong try."""
    browser = Browser(crowded)
    for _ in range(7):
        begin(browser, BO.username)
        page = guess(browser, BO.password or "")
        assert page.status == 503
        assert page.response.headers["Retry-After"].isdecimal()
        assert "Vent et øjeblik, og prøv igen." in page.text
    assert store.count(crowded.extensions["database"], "sso_session") == 0
    held.set()
    hasher: Hasher = crowded.extensions["hasher"]
    while not hasher._slots.acquire(timeout=10):
        pass
    hasher._slots.release()
    assert guess(browser, BO.password or "").path == "/mit"


def test_pictures_and_a_change_are_told_the_same(crowded: Flask, held: Event) -> None:
    """S-16."""
    browser = Browser(crowded)
    begin(browser, ANNA.username)
    assert guess(browser, ANNA.secret or "").status == 503
    begin(browser, CARLA.username)
    browser.follow("Få en ny adgangskode")
    browser.follow("Skift adgangskode")
    page = browser.press("Næste", filled={"Den adgangskode, du har nu": CARLA.password or ""})
    assert page.status == 503
    assert page.response.headers["Retry-After"].isdecimal()


def test_pictures_and_words_are_guarded_by_the_same_hash(hasher: Hasher) -> None:
    """S-21."""
    made = {hasher.hash("x", 1, kind).rpartition("$")[0].rpartition("$")[0] for kind in PasswordType}
    assert made == {"$argon2id$v=19$m=19456,t=2,p=1"}
