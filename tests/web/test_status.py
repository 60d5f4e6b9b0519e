"""What the operator tells of the running: on every page while it holds, and the last 90 days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.db import Database, instant
from app.domain import status
from app.domain.status import Outcome
from app.models.contact import Severity
from tests import store
from tests.conftest import SetClock
from tests.pages import Browser

pytestmark = pytest.mark.sqlite_only

PAGES = (
    "/da/",
    "/da/drift",
    "/da/vejledninger/log-ind-med-billeder",
    "/login",
    "/da/kontakt",
    "/da/findes-ikke",
)
SLOW, SLOW_ENGLISH = "MitID er langsomt.", "MitID is slow."


def tell(
    database: Database,
    clock: SetClock,
    severity: Severity = Severity.DISTURBANCE,
    danish: str = SLOW,
    *,
    starts: float = 0,
    ends: float | None = None,
) -> int:
    """Tell something that starts and ends so many seconds from now."""
    at = clock.now()
    ends_at = None if ends is None else at + timedelta(seconds=ends)
    with database.writing() as db:
        outcome, number = status.add(
            db,
            severity,
            danish,
            SLOW_ENGLISH,
            at + timedelta(seconds=starts),
            ends_at,
            operator="gry",
            now=instant(clock),
        )
        db.commit()
    assert outcome is Outcome.DONE
    assert number
    return number


def test_what_holds_stands_on_every_page_within_two_seconds_and_goes_by_itself(
    client: FlaskClient, database: Database, clock: SetClock
) -> None:
    before = {path: client.get(path) for path in PAGES}
    tell(database, clock, ends=600)
    clock.forward(seconds=2)
    for path in PAGES:
        answer = client.get(path)
        assert SLOW not in before[path].text
        assert f"<strong>Forstyrrelse:</strong> <span>{SLOW}</span>" in answer.text, path
        if "ETag" in before[path].headers:
            assert answer.headers["ETag"] != before[path].headers["ETag"]
    assert SLOW_ENGLISH in client.get("/en/").text
    clock.forward(seconds=600)
    for path in PAGES:
        if path != "/da/drift":
            assert SLOW not in client.get(path).text, path


def test_it_ends_within_two_seconds_when_the_operator_says_so(
    client: FlaskClient, database: Database, clock: SetClock
) -> None:
    number = tell(database, clock)
    clock.forward(seconds=2)
    assert SLOW in client.get("/da/").text
    with database.writing() as db:
        now = instant(clock)
        assert status.end(db, number, now.at, operator="gry", now=now) is Outcome.DONE
        db.commit()
    clock.forward(seconds=2)
    assert SLOW not in client.get("/da/").text
    assert SLOW in client.get("/da/drift").text


def test_the_worst_stands_first_and_a_part_of_a_page_holds_none(
    client: FlaskClient, database: Database, clock: SetClock
) -> None:
    tell(database, clock, Severity.INFO, "Nyt i dag.")
    tell(database, clock, Severity.OUTAGE, "Intet virker.")
    clock.forward(seconds=2)
    page = client.get("/login").text
    assert page.index("Nedbrud:") < page.index("Til orientering:")
    assert "Intet virker." not in client.get("/login", headers={"HX-Request": "true"}).text


def test_the_page_of_operations_tells_now_what_comes_and_what_has_been(
    app: Flask, database: Database, clock: SetClock
) -> None:
    page = Browser(app).open("/da/drift")
    assert "Vi kender ikke til fejl lige nu." in page.text
    assert "Der har ikke været problemer med driften." in page.text
    day = 86400
    tell(database, clock)
    tell(database, clock, Severity.INFO, "Lukket søndag.", starts=day, ends=2 * day)
    tell(database, clock, Severity.OUTAGE, "Nede i går.", starts=-day, ends=-day / 2)
    tell(database, clock, Severity.OUTAGE, "Nede for længe siden.", starts=-92 * day, ends=-91 * day)
    clock.forward(seconds=2)
    page = Browser(app).open("/da/drift")
    words = page.text
    assert words.index("Lige nu") < words.index(SLOW) < words.index("Det kommer")
    assert words.index("Det kommer") < words.index("Lukket søndag.") < words.index("De sidste 90 dage")
    assert words.index("De sidste 90 dage") < words.index("Nede i går.")
    assert "længe siden" not in words
    assert "alle kører" not in words
    assert "Alt kører" not in words
    english = Browser(app).open("/en/drift")
    assert "The last 90 days" in english.text


def test_without_a_store_there_is_no_strip_and_every_page_still_answers(
    client: FlaskClient, database: Database, clock: SetClock
) -> None:
    """S-05."""
    tell(database, clock)
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE operations_notice RENAME TO away"))
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == (404 if "findes" in path else 200), path
        assert SLOW not in answer.text
    assert "Vi kan ikke se driften lige nu." in client.get("/da/drift").text
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO operations_notice"))
    clock.forward(seconds=6)
    assert SLOW in client.get("/da/").text


def test_the_store_is_asked_at_most_once_a_second(
    client: FlaskClient, database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)

    def reads() -> int:
        return sum("operations_notice" in statement for statement, _values in asked)

    with store.heard(database) as asked:
        for path in ("/da/", "/login", "/da/", "/en/", "/login/brugernavn"):
            client.get(path)
        assert reads() == 1
        monkeypatch.setattr(clock, "now", lambda: at + timedelta(seconds=1))
        client.get("/da/")
        client.get("/login")
        assert reads() == 2


def test_what_is_typed_is_no_html(client: FlaskClient, database: Database, clock: SetClock) -> None:
    """S-64."""
    tell(database, clock, danish="<script>alert(1)</script> & mere")
    for path in ("/da/", "/login", "/da/drift"):
        text = client.get(path).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; mere" in text
