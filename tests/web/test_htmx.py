"""htmx: the same addresses answer with a block; its headers shape an answer and open nothing (S-64)."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.db import Database
from app.demo.cast import BO, IDA, STAGE
from tests import store
from tests.conftest import SetClock
from tests.pages import Browser

HX = {"HX_Request": "true"}
PUBLIC = ["/login", "/login/brugernavn", "/ny-adgangskode", "/ny-adgangskode/glemt", "/brugernavn", "/log-ud"]


# The help of the page around is told anew with each block.
HELP = re.compile(r'<a id="help-link" hx-swap-oob="true" href="/[^"]+">[^<]+</a>$')


def is_block(answer: TestResponse) -> bool:
    """Whether an answer is the title, the block and the help that fits it, and nothing else."""
    assert HELP.search(answer.text)
    text = HELP.sub("", answer.text)
    return (
        text.startswith("<title>")
        and text.count("<title>") == 1
        and text.partition("</title>")[2].lstrip().startswith('<div id="screen"')
        and text.rstrip().endswith("</div>")
        and not any(tag in text for tag in ("<html", "<head", "<body", "<main", "<header", "<footer"))
    )


def begin(browser: Browser, username: str) -> None:
    """Give the username."""
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": username})


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", PUBLIC)
def test_a_block_is_what_the_whole_page_holds(browser: Browser, path: str) -> None:
    whole = browser.open(path)
    block = browser.get(path, **HX)
    assert is_block(block)
    assert f"<title>{whole.title}</title>" in block.text
    inside = HELP.sub("", block.text.partition("</title>")[2]).strip()
    assert inside in whole.response.text
    for answer in (whole.response, block):
        assert "HX-Request" in answer.headers["Vary"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("header", ["HX_Boosted", "HX_History_Restore_Request"])
def test_a_boosted_or_restored_page_is_whole(browser: Browser, header: str) -> None:
    answer = browser.get("/login/brugernavn", **HX, **{header: "true"})
    assert "<html" in answer.text
    assert "<main" in answer.text


@pytest.mark.sqlite_only
def test_an_invalid_form_is_the_block_and_the_address_stays(browser: Browser) -> None:
    browser.open("/login/brugernavn")
    answer = browser.send(*browser.form("Næste", filled={"Brugernavn": ""}), **HX)
    assert answer.status_code == 422
    assert is_block(answer)
    assert answer.text.startswith("<title>Fejl: ")
    assert answer.headers["HX-Push-Url"] == "false"
    begin(browser, "boli1003")
    form = browser.form("Log ind", filled={"Adgangskode": "forkert"})
    for number in range(6):
        answer = browser.send(*form, **HX)
        assert answer.status_code == (422 if number < 5 else 429)
        assert is_block(answer)
        assert answer.headers["HX-Push-Url"] == "false"


def test_a_done_step_leads_to_the_next_one(browser: Browser) -> None:
    browser.open("/login/brugernavn")
    answer = browser.send(*browser.form("Næste", filled={"Brugernavn": "boli1003"}), **HX)
    assert (answer.status_code, answer.location) == (303, "/login/adgangskode")
    assert is_block(browser.get("/login/adgangskode", **HX))


def test_at_the_end_the_browser_is_sent_to_another_frame(browser: Browser, database: Database) -> None:
    begin(browser, "boli1003")
    answer = browser.send(*browser.form("Log ind", filled={"Adgangskode": BO.password or ""}), **HX)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/mit"
    assert not answer.text
    assert store.count(database, "sso_session") == 1
    assert browser.open("/mit").path == "/mit"


def test_a_login_that_is_over_leads_to_the_login_and_back(app: Flask, clock: SetClock) -> None:
    """S-64: 303, under htmx 204 and HX-Redirect."""
    browser = Browser(app)
    browser.log_in("boli1003", BO.password or "")
    clock.forward(minutes=61)
    answer = browser.twin().get("/mit/historik", **HX)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/login?til=%2Fmit%2Fhistorik"
    answer = browser.twin().get("/mit/historik")
    assert answer.status_code == 303
    data = {"csrf_token": browser.csrf()}
    answer = browser.send("/mit/sessioner/log-ud", data, **HX)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/login"
    assert any(line.startswith("login=;") for line in answer.headers.getlist("Set-Cookie"))


def test_a_half_done_login_that_is_gone_is_410_in_the_block(browser: Browser, clock: SetClock) -> None:
    """S-64."""
    begin(browser, "boli1003")
    form = browser.form("Log ind", filled={"Adgangskode": BO.password or ""})
    clock.forward(minutes=31)
    answer = browser.send(*form, **HX)
    assert answer.status_code == 410
    assert is_block(answer)
    assert "Start forfra" in answer.text
    assert answer.headers["HX-Push-Url"] == "false"


@pytest.mark.parametrize("path", ["/mit", "/mit/historik"])
def test_blocks_are_guarded_like_pages(browser: Browser, path: str) -> None:
    """S-64: whatever htmx says of where it stands."""
    claims = {
        "HX_Current_URL": "http://127.0.0.1:8000/mit",
        "HX_Target": "screen",
        "HX_Trigger": "main",
        "HX_Trigger_Name": "login",
        "HX_Prompt": "yes",
    }
    for more in ({}, {"HX_Boosted": "true"}, {"HX_History_Restore_Request": "true"}):
        answer = browser.get(path, **HX, **claims, **more)
        assert answer.status_code in (204, 303)
        assert "Bo Lind" not in answer.text
        assert not answer.text or "Redirecting" in answer.text
    answer = browser.get(path, **HX, HX_Redirect="/mit", HX_Push_Url="/mit", HX_Location="//evil.example")
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize(
    "path", ["/login/adgangskode", "/login/billeder", "/login/varsel", "/login/ny-kode", "/login/oev"]
)
def test_steps_out_of_turn_are_refused_to_htmx_as_well(
    browser: Browser, database: Database, path: str
) -> None:
    """S-01, S-64."""
    begin(browser, IDA.username or "")
    before = store.content(database)
    answer = browser.get(path, **HX)
    assert answer.status_code == 200 if path == "/login/adgangskode" else 303
    stranger = Browser(browser.app)
    assert stranger.get(path, **HX).status_code == 303
    assert store.content(database) == before


def test_a_fragment_needs_the_token_like_a_page(browser: Browser, database: Database) -> None:
    """S-63, S-64: the header alone proves nothing."""
    begin(browser, "boli1003")
    path, data = browser.form("Log ind", filled={"Adgangskode": BO.password or ""})
    before = store.content(database)
    data.pop("csrf_token")
    assert browser.send(path, data, **HX).status_code == 403
    assert browser.send(path, data, **HX, X_CSRFToken="made-up").status_code == 403
    assert store.content(database) == before


def test_the_whole_change_goes_by_blocks(browser: Browser) -> None:
    begin(browser, STAGE.username or "")
    form = browser.form("Log ind", filled={"De fire billeders navne": STAGE.secret or ""})
    answer = browser.send(*form, **HX)
    assert (answer.status_code, answer.location) == (303, "/login/varsel")
    assert is_block(browser.get("/login/varsel", **HX))
    page = browser.open("/login/varsel")
    answer = browser.send(*browser.form("Skift nu"), **HX)
    assert (answer.status_code, answer.location) == (303, "/login/ny-kode")
    answer = browser.get("/login/ny-kode", **HX)
    assert is_block(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    page = browser.open("/login/ny-kode")
    secret = page.secret
    browser.open("/login/oev")
    wrong = browser.send(*browser.form("Næste", filled={"Ny adgangskode": "forkert"}), **HX)
    assert wrong.status_code == 422
    assert is_block(wrong)
    answer = browser.send(*browser.form("Næste", filled={"Ny adgangskode": secret}), **HX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/mit")


@pytest.mark.sqlite_only
def test_htmx_is_told_to_keep_and_run_nothing(browser: Browser) -> None:
    """S-64."""
    for path in ("/da/", "/login"):
        page = browser.open(path)
        meta = next(e for e in page.root.iter("meta") if e.get("name") == "htmx-config")
        settings = json.loads(meta.get("content") or "")
        assert settings["selfRequestsOnly"] is True
        assert settings["allowEval"] is False
        assert settings["allowScriptTags"] is False
        assert settings["includeIndicatorStyles"] is False
        assert settings["historyCacheSize"] == 0
        assert settings["refreshOnHistoryMiss"] is True


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "hostile",
    ['"><script>alert(1)</script>', "<img src=x onerror=alert(1)>", "'\"onfocus=alert(1) x='", "{{ 7*7 }}"],
)
def test_what_was_typed_is_shown_as_text(browser: Browser, hostile: str) -> None:
    """S-64: escaped, in text and in attributes, in pages and in blocks."""
    browser.open("/login/brugernavn")
    page = browser.press("Næste", filled={"Brugernavn": hostile})
    shown = hostile[:40].strip()
    assert shown in page.text
    fields = [e.get("value") for e in page.root.iter("input") if e.get("name") == "username"]
    assert set(fields) == {shown}
    for answer in (page.response, browser.get(page.path, **HX), browser.open("/ny-adgangskode").response):
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
    page = browser.open(f"/login?til={quote(hostile)}&ui_locales={quote(hostile)}")
    assert "<script>alert" not in page.response.text
