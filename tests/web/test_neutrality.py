"""Nothing tells who has a username, who is blocked, and who belongs nowhere (S-10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.db import Database, Instant
from app.demo.cast import ANNA, BO, CARLA, EVA, FINN, IDA, MARKED, Member
from app.domain import blocking
from app.models.credentials import Credential
from app.models.people import Affiliation
from tests import store
from tests.cast import user_of
from tests.pages import Browser, Page

WORDS, PICTURES = "/login/adgangskode", "/login/billeder"
WRONG = "sol kage bil hat"


def shape(answer: TestResponse, name: str | None) -> tuple[Any, ...]:
    """Return all that an answer tells, without what is new each time: number, token, cookies' values."""
    headers = []
    for key, value in answer.headers:
        if key in ("Date", "X-Request-Id", "Content-Length"):
            continue
        headers.append((key, re.sub(r"^(\w+)=[^;]*", r"\1=…", value) if key == "Set-Cookie" else value))
    text = re.sub(r'(name="csrf_token" value=)"[^"]*"', r'\1"…"', answer.text)
    text = re.sub(r"data-more-time=\"\d+\"", "", text)
    return answer.status_code, sorted(headers), text.replace(name or "", "NAME")


def given(browser: Browser, name: str | None) -> TestResponse:
    """Give a username and return the bare answer."""
    browser.open("/login/brugernavn")
    return browser.send(*browser.form("Næste", filled={"Brugernavn": name or ""}))


def tried(browser: Browser, name: str | None, secret: str) -> TestResponse:
    """Give a username and one password."""
    page = browser.open(given(browser, name).location)
    return browser.send(*secret_form(browser, page, secret))


def secret_form(browser: Browser, page: Page, secret: str) -> tuple[str, dict[str, str]]:
    """Return the form of the password or of the picture names, filled in."""
    label = "Adgangskode" if page.path == WORDS else "De fire billeders navne"
    return browser.form("Log ind", filled={label: secret})


def unknown(app: Flask, path: str) -> str:
    """Return a name nobody has that seems to have this kind of password."""
    names = (f"zzzz{number:04}" for number in range(200))
    return next(name for name in names if given(Browser(app), name).location == path)


@pytest.fixture
def blocked(db: Session, now: Instant) -> Member:
    """Return one who is blocked."""
    blocking.block(db, user_of(db, IDA).id, now)
    db.commit()
    return IDA


@pytest.fixture
def placeless(db: Session, now: Instant) -> Member:
    """Return one whose last affiliation ended yesterday."""
    yesterday = now.today - timedelta(days=1)
    db.execute(update(Affiliation).where(Affiliation.user_id == user_of(db, FINN).id).values(to_on=yesterday))
    db.commit()
    return FINN


def throttled(app: Flask, name: str | None) -> str | None:
    """Make a name wait."""
    browser = Browser(app)
    page = browser.open(given(browser, name).location)
    form = secret_form(browser, page, WRONG)
    for _ in range(5):
        assert browser.send(*form).status_code == 422
    return name


def test_the_username_step_answers_alike(app: Flask, blocked: Member, placeless: Member) -> None:
    """S-10."""
    names = [BO.username, unknown(app, WORDS), blocked.username, placeless.username]
    names += [throttled(app, CARLA.username), throttled(app, "zzzz9999")]
    answers = [given(Browser(app), name) for name in names]
    words = [
        str(shape(answer, name))
        for answer, name in zip(answers, names, strict=True)
        if answer.location == WORDS
    ]
    assert len(words) >= 5
    assert len(set(words)) == 1


def test_a_wrong_password_is_answered_alike(app: Flask, blocked: Member, placeless: Member) -> None:
    """S-10."""
    names = [BO.username, unknown(app, WORDS), blocked.username, placeless.username]
    assert len({str(shape(tried(Browser(app), name, WRONG), name)) for name in names}) == 1


def test_a_password_that_no_key_opens_is_answered_like_a_wrong_one_and_the_log_tells_of_it(
    app: Flask, db: Session, log_lines: list[str]
) -> None:
    """S-10, S-22: an error page would tell which names somebody has."""
    db.execute(update(Credential).values(sealed_hash="deadbeef.AAAA"))
    db.commit()
    names = [BO.username, unknown(app, WORDS)]
    answers = [tried(Browser(app), name, BO.secret or "") for name in names]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert len({str(shape(answer, name)) for answer, name in zip(answers, names, strict=True)}) == 1
    (told,) = [line for line in log_lines if '"error"' in line]
    assert "no key 'deadbeef' for password_store" in told
    assert (BO.username or "") not in told


def test_wrong_pictures_are_answered_alike(app: Flask) -> None:
    """S-10."""
    names = [ANNA.username, MARKED.username, unknown(app, PICTURES)]
    assert len({str(shape(given(Browser(app), name), name)) for name in names}) == 1
    assert len({str(shape(tried(Browser(app), name, WRONG), name)) for name in names}) == 1


def test_the_wait_is_told_alike(app: Flask, blocked: Member, placeless: Member) -> None:
    """S-10."""
    names = [EVA.username, unknown(app, WORDS), blocked.username, placeless.username]
    seen = set()
    for name in names:
        throttled(app, name)
        answer = tried(Browser(app), name, WRONG)
        assert answer.status_code == 429
        seen.add(re.sub(r"Vent \d+ sekund(er)?", "Vent", str(shape(answer, name))))
    assert len(seen) == 1


def test_recovery_answers_alike(app: Flask, blocked: Member, placeless: Member) -> None:
    """S-10: also in recovery."""
    names = [BO.username, unknown(app, WORDS), blocked.username, placeless.username]
    seen = {"username": set(), "choice": set(), "change": set(), "wrong": set(), "forgotten": set()}
    for name in names:
        browser = Browser(app)
        browser.open("/ny-adgangskode")
        answer = browser.send(*browser.form("Næste", filled={"Brugernavn": name or ""}))
        seen["username"].add(str(shape(answer, name)))
        seen["choice"].add(str(shape(browser.open("/ny-adgangskode").response, name)))
        seen["forgotten"].add(str(shape(browser.open("/ny-adgangskode/glemt").response, name)))
        seen["change"].add(str(shape(browser.open("/ny-adgangskode/skift").response, name)))
        answer = browser.send(*browser.form("Næste", filled={"Den adgangskode, du har nu": WRONG}))
        seen["wrong"].add(str(shape(answer, name)))
    assert {step: len(shapes) for step, shapes in seen.items()} == dict.fromkeys(seen, 1)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect what the database is asked."""
    kept: list[str] = []
    with store.heard(database) as asked:
        yield kept
    # Read every ten seconds, and every second, whoever comes.
    own_time = ("network.cidr", "operations_notice")
    kept += [one for one, _values in asked if not any(words in one for words in own_time)]


def test_the_work_is_the_same_for_whatever_name(
    app: Flask, database: Database, blocked: Member, placeless: Member
) -> None:
    """S-10: the database is asked the very same, at the username as at a wrong password."""
    seen = set()
    for name in (BO.username, unknown(app, WORDS), blocked.username, placeless.username):
        browser = Browser(app)
        browser.open("/login/brugernavn")
        username = browser.form("Næste", filled={"Brugernavn": name or ""})
        with statements(database) as first:
            answer = browser.send(*username)
        secret = secret_form(browser, browser.open(answer.location), WRONG)
        with statements(database) as second:
            browser.send(*secret)
        assert len(first) >= 1
        assert len(second) >= 3
        seen.add((tuple(first), tuple(second)))
    assert len(seen) == 1


def test_an_unknown_name_has_the_same_kind_of_password_every_time(app: Flask) -> None:
    """S-10: in any case and with any blanks; and about a third of them have pictures."""
    kinds = [given(Browser(app), f"xyzw{number:04}").location for number in range(60)]
    again = [given(Browser(app), f" XYZW{number:04} ").location for number in range(60)]
    assert kinds == again
    assert 8 <= kinds.count(PICTURES) <= 36


def test_blocked_is_told_after_the_right_password_alone(
    app: Flask, blocked: Member, database: Database
) -> None:
    """S-10."""
    browser = Browser(app)
    assert "spærret" not in tried(browser, blocked.username, WRONG).text
    answer = tried(browser, blocked.username, blocked.password or "")
    assert answer.status_code == 422
    assert "Dit login er spærret. Spørg skolens kontor. De ved, hvem der kan åbne det igen." in answer.text
    assert browser.open("/mit").path == "/login"
    assert store.count(database, "sso_session") == 0


def test_no_affiliation_is_told_after_the_right_password_alone(
    app: Flask, placeless: Member, database: Database
) -> None:
    """S-10."""
    browser = Browser(app)
    assert "ikke på en skole" not in tried(browser, placeless.username, WRONG).text
    answer = tried(browser, placeless.username, placeless.password or "")
    assert answer.status_code == 422
    assert "Du står ikke på en skole lige nu. Spørg skolens kontor. De kan rette det." in answer.text
    assert store.count(database, "sso_session") == 0


def test_a_throttled_right_password_does_not_tell_that_it_is_blocked(app: Flask, blocked: Member) -> None:
    """S-10: while one waits nothing is tried, so nothing is told."""
    throttled(app, blocked.username)
    answer = tried(Browser(app), blocked.username, blocked.password or "")
    assert answer.status_code == 429
    assert "spærret" not in answer.text


def test_refused_tries_of_the_blocked_are_in_the_history_like_others(
    app: Flask, blocked: Member, database: Database
) -> None:
    tried(Browser(app), blocked.username, WRONG)
    tried(Browser(app), blocked.username, blocked.password or "")
    reasons = [one.details["reason"] for one in store.events(database, "LOGIN_REFUSED")]
    assert reasons == ["wrong", "blocked"]


def test_too_few_pictures_are_no_try_and_are_answered_alike(
    app: Flask, database: Database, db: Session, now: Instant
) -> None:
    """S-10: no hash is owed where nothing of the name or its password is asked."""
    nobody = unknown(app, PICTURES)
    alike = [few_pictures(app, ANNA.username), few_pictures(app, nobody)]
    assert store.count(database, "throttle") == 0
    throttled(app, nobody)
    blocking.block(db, user_of(db, ANNA).id, now)
    db.commit()
    alike += [few_pictures(app, ANNA.username), few_pictures(app, nobody)]
    assert len({str(answers) for answers in alike}) == 1
    assert "Vælg fire billeder" in str(alike[0])


def few_pictures(app: Flask, name: str | None) -> list[tuple[Any, ...]]:
    """Give a username and send what is no four pictures."""
    browser = Browser(app)
    browser.open(given(browser, name).location)
    answers = []
    for few in ("", "sol", "sol,sol,sol,sol", "../sol", "x" * 9000):
        data = {"csrf_token": browser.csrf(), "code": few}
        answers.append(shape(browser.client.post(PICTURES, data=data, base_url=browser.host), name))
    return answers
