"""Errors: in the site's frame, in the reader's language, with the number that support looks up (S-05)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask import Flask, abort
from sqlalchemy import create_engine, text

from app.config import Config
from app.db import Database
from app.demo.cast import BO
from app.domain import audit
from app.domain.audit import Event
from app.web.transaction import db, now
from tests import store
from tests.pages import Browser, Page, check, parse

HEADINGS = {
    400: "Det forstod siden ikke",
    403: "Det må du ikke",
    404: "Siden findes ikke",
    405: "Det forstod siden ikke",
    410: "Siden er for gammel",
    413: "Det er for meget",
    429: "Vent lidt",
    500: "Noget gik galt hos os",
    503: "Vi har travlt lige nu",
}
SECRET = "Hemmelig99"


@pytest.fixture
def breaking(app: Flask) -> Flask:
    """Return the site with an address for each error, and one that nobody foresaw."""
    for code in HEADINGS:
        app.add_url_rule(f"/fejl/{code}", f"error{code}", lambda code=code: abort(code))

    def unforeseen() -> str:
        secret = SECRET
        raise RuntimeError(f"the password {secret} of {Path.cwd()} in SELECT * FROM user")

    app.add_url_rule("/fejl/uforudset", "unforeseen", unforeseen)
    return app


def opened(browser: Browser, path: str) -> Page:
    """Open a page that may tell of an error of ours, and check it like any other."""
    answer = browser.get(path)
    page = Page(answer, parse(answer.text))
    check(page, browser.host)
    browser.page = page
    return page


@pytest.mark.sqlite_only
def test_who_got_no_place_to_work_in_gets_a_page_that_asks_no_database(app: Flask) -> None:
    """S-16, S-05."""
    browser = Browser(app)
    browser.log_in("boli1003", BO.password or "")
    database, app.extensions["database"] = app.extensions["database"], None
    browser.client.environ_base["app.too_busy"] = "1"
    page = opened(browser, "/mit")
    assert (page.status, page.heading) == (503, HEADINGS[503])
    assert page.response.headers["Retry-After"] == "5"
    app.extensions["database"] = database


@pytest.mark.sqlite_only
@pytest.mark.parametrize("language", ["da", "en"])
def test_each_error_is_a_page_with_a_way_on_and_a_number(breaking: Flask, language: str) -> None:
    """S-05."""
    english = breaking.extensions["catalogues"]["en"].gettext
    browser = Browser(breaking, language=language)
    for code, heading in HEADINGS.items():
        page = opened(browser, f"/fejl/{code}")
        assert page.status == code
        assert page.root.get("lang") == language
        expected = english(heading) if language == "en" else heading
        assert page.heading == expected
        assert page.title.startswith(("Fejl: " if language == "da" else "Error: ") + expected)
        number = page.response.headers["X-Request-Id"]
        assert re.fullmatch(r"[0-9a-f]{12}", number)
        assert number in page.text
        assert page.response.headers["Cache-Control"] == "no-store"
        way = next(a for a in page.root.iter("a") if a.get("data-part") == "back")
        words = "".join(way.itertext()).strip()
        assert page.text.count(words) == 1, "the text says something else than the button"
        assert browser.open(way.get("href") or "").status == 200


@pytest.mark.sqlite_only
def test_htmx_gets_the_same_for_its_block(breaking: Flask) -> None:
    """Design 6: never a dead button."""
    browser = Browser(breaking)
    for code, heading in HEADINGS.items():
        answer = browser.get(f"/fejl/{code}", HX_Request="true")
        assert answer.status_code == code
        assert answer.text.startswith(f"<title>Fejl: {heading}")
        assert '<div id="screen"' in answer.text
        assert "<html" not in answer.text
        assert answer.headers["X-Request-Id"] in answer.text
        assert answer.headers["HX-Push-Url"] == "false"


@pytest.mark.sqlite_only
def test_unforeseen_is_told_without_what_was_inside(breaking: Flask, log_lines: list[str]) -> None:
    """S-05, S-67: and the log says where it was, not what was in it."""
    browser = Browser(breaking)
    page = opened(browser, "/fejl/uforudset")
    assert (page.status, page.heading) == (500, "Noget gik galt hos os")
    for word in ("RuntimeError", SECRET, "SELECT", "Traceback", ".py", str(Path.cwd())):
        assert word not in page.response.text
    number = page.response.headers["X-Request-Id"]
    lines = [json.loads(line) for line in log_lines]
    request = next(line for line in lines if line["event"] == "request")
    assert (request["request_id"], request["status"], request["path"]) == (number, "500", "/fejl/uforudset")
    error = next(line for line in lines if line["event"] == "unforeseen")
    assert error["error"] == "RuntimeError"
    assert any("test_errors.py" in place for place in error["where"])
    assert SECRET not in "\n".join(log_lines)


@pytest.mark.sqlite_only
def test_the_line_of_an_error_has_the_number_that_the_page_shows(
    breaking: Flask, log_lines: list[str]
) -> None:
    """S-05: so that support finds it."""
    number = opened(Browser(breaking), "/fejl/uforudset").response.headers["X-Request-Id"]
    error = next(line for line in log_lines if '"unforeseen"' in line)
    assert number in error


@pytest.mark.sqlite_only
def test_other_errors_of_the_web_are_told_as_the_nearest_of_these(app: Flask) -> None:
    nearest = {406: 400, 411: 400, 415: 400, 418: 400, 501: 500, 502: 500}
    for code in nearest:
        app.add_url_rule(f"/fejl/{code}", f"error{code}", lambda code=code: abort(code))
    browser = Browser(app)
    for code, shown in nearest.items():
        page = opened(browser, f"/fejl/{code}")
        assert (page.status, page.heading) == (shown, HEADINGS[shown])


@pytest.mark.sqlite_only
def test_a_wrong_method_says_which_ones_there_are(app: Flask) -> None:
    page = opened(Browser(app), "/login/mere-tid")
    assert page.status == 405
    assert "POST" in page.response.headers["Allow"]


def test_a_store_that_is_away_is_told_as_busy_and_nothing_is_done(
    app: Flask, database: Database, log_lines: list[str]
) -> None:
    """S-05: 503 with when to come back, never a login, never a 500."""
    browser = Browser(app)
    browser.log_in("boli1003", BO.password or "")
    waiting = Browser(app)
    waiting.open("/login/brugernavn")
    waiting.press("Næste", filled={"Brugernavn": "boli1003"})
    form = waiting.form("Log ind", filled={"Adgangskode": BO.password or ""})
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE login_flow RENAME TO login_flow_away"))
        connection.execute(text("ALTER TABLE sso_session RENAME TO sso_session_away"))
    fresh = Browser(app)
    fresh.open("/login/brugernavn")
    answers = [
        browser.get("/mit"),
        waiting.send(*form),
        waiting.get("/login/adgangskode"),
        fresh.send(*fresh.form("Næste", filled={"Brugernavn": "boli1003"})),
        waiting.send(*form, HX_Request="true"),
    ]
    for answer in answers:
        assert answer.status_code == 503
        assert "Vi har travlt lige nu" in answer.text
        assert answer.headers["Retry-After"].isdecimal()
        assert not any(word in answer.text for word in ("login_flow", "sqlite", "psycopg", "SELECT"))
    everything = "\n".join(log_lines)
    assert (BO.password or "") not in everything
    assert '"database"' in everything
    for path in ("/da/", "/da/elev", "/login/brugernavn", "/brugernavn"):
        assert browser.get(path).status_code == 200
        assert fresh.get(path).status_code == 200
    assert app.test_client().get("/readyz", base_url=browser.host).status_code == 503
    assert app.test_client().get("/healthz", base_url=browser.host).status_code == 200
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE login_flow_away RENAME TO login_flow"))
        connection.execute(text("ALTER TABLE sso_session_away RENAME TO sso_session"))
    assert waiting.post(*form).path == "/mit"
    assert browser.open("/mit").path == "/mit"


@pytest.mark.slow
def test_a_store_that_somebody_holds_is_told_as_busy(app: Flask, config: Config) -> None:
    """S-80: after the few seconds one waits for a lock."""
    browser = Browser(app)
    browser.open("/login/brugernavn")
    form = browser.form("Næste", filled={"Brugernavn": "boli1003"})
    engine = create_engine(config.database_url)
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if is_sqlite:
            connection.connection.isolation_level = None
        lock = "BEGIN IMMEDIATE" if is_sqlite else "LOCK TABLE login_flow IN ACCESS EXCLUSIVE MODE"
        connection.exec_driver_sql(lock)
        answer = browser.send(*form)
        connection.exec_driver_sql("ROLLBACK")
    engine.dispose()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"].isdecimal()
    assert browser.send(*form).status_code == 303


def test_what_a_failing_request_did_is_undone(app: Flask, database: Database) -> None:
    """S-02: an exception after the change leaves nothing."""

    def half() -> str:
        audit.record(db(), Event.DEMO_LOADED, now(), people=1)
        raise RuntimeError

    app.add_url_rule("/fejl/halv", "half", half, methods=["POST"])
    before = store.content(database)
    browser = Browser(app)
    browser.open("/login/brugernavn")
    assert browser.send("/fejl/halv", {"csrf_token": browser.csrf()}).status_code == 500
    assert store.content(database) == before
