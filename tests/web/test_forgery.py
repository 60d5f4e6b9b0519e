"""Changes come only from our own forms, in the browser they were made for (S-63)."""

from __future__ import annotations

import pytest
from flask import Flask

from app.db import Database
from app.demo.cast import BO, IDA
from tests import store
from tests.pages import Browser

pytestmark = pytest.mark.usefixtures("wire")

Form = tuple[str, dict[str, str]]
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8001"},
    {"Origin": "https://127.0.0.1:8000"},
    {"Origin": "http://127.0.0.1:8000.evil.example"},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
]


def every_form(app: Flask) -> list[tuple[str, Browser, Form]]:
    """Return one of each form that changes something, filled in right, each in a browser of its own."""
    found = []

    def keep(name: str, browser: Browser, form: Form) -> None:
        found.append((name, browser.twin(), form))

    browser = Browser(app)
    browser.open("/login/brugernavn")
    keep("username", browser, browser.form("Næste", filled={"Brugernavn": "boli1003"}))
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    keep("password", browser, browser.form("Log ind", filled={"Adgangskode": BO.password or ""}))
    keep("more time", browser, browser.form("Giv mig mere tid"))
    browser.open("/ny-adgangskode/skift")
    old = {"Den adgangskode, du har nu": BO.password or ""}
    keep("change", browser, browser.form("Næste", filled=old))
    browser.press("Næste", filled=old)
    browser.open("/login/ny-kode/selv")
    keep("own", browser, browser.form("Næste", filled={"Ny adgangskode": "GraesTromle27"}))
    browser.press("Næste", filled={"Ny adgangskode": "GraesTromle27"})
    keep("practise", browser, browser.form("Næste", filled={"Ny adgangskode": "GraesTromle27"}))
    browser = Browser(app)
    browser.log_in("liva1007", "cykel regnbue elefant saks")
    keep("later", browser, browser.form("Senere"))
    keep("now", browser, browser.form("Skift nu"))
    browser = Browser(app)
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": "anna1001"})
    keep("tap", browser, browser.form("ugle"))
    browser = Browser(app)
    Browser(app).log_in("idak1002", IDA.password or "")
    browser.log_in("idak1002", IDA.password or "")
    keep("log out", browser, browser.form("Log ud"))
    keep("end all", browser, browser.form("Log ud alle andre steder"))
    one = next(f.get("action") or "" for f in browser.current.forms() if "/sessioner/" in f.get("action", ""))
    keep("end one", browser, (one, {"csrf_token": browser.csrf()}))
    browser.open("/ny-adgangskode/skift")
    browser.open("/ny-adgangskode/glemt")
    keep("new password by MitID", browser, browser.form("Brug MitID"))
    browser.open("/brugernavn")
    keep("usernames by MitID", browser, browser.form("MitID"))
    browser = Browser(app)
    browser.open("/login")
    keep("login by MitID", browser, browser.form("MitID For voksne og elever med MitID"))
    browser = Browser(app)
    browser.open("/ny-adgangskode")
    keep("recovery", browser, browser.form("Næste", filled={"Brugernavn": "boli1003"}))
    return found


def test_without_the_pages_token_nothing_is_done(app: Flask, database: Database) -> None:
    """S-63: none, an empty one, a made-up one, and that of another browser."""
    stranger = Browser(app)
    stranger.open("/login/brugernavn")
    forms = every_form(app)
    assert len(forms) == 16
    before = store.content(database)
    for name, browser, (path, data) in forms:
        token = data["csrf_token"]
        rest = {key: value for key, value in data.items() if key != "csrf_token"}
        for wrong in ({}, *({"csrf_token": t} for t in ("", "made-up", token[1:], stranger.csrf()))):
            answer = browser.send(path, rest | wrong)
            assert answer.status_code == 403, name
            assert "Siden er for gammel" in answer.text
            assert "Din browser skal tillade cookies" not in answer.text
        assert browser.send(f"{path}?csrf_token={token}", rest).status_code == 403, name
    assert store.content(database) == before


def test_the_token_is_bound_to_the_browsers_cookie(app: Flask, database: Database) -> None:
    """S-63."""
    forms = every_form(app)
    before = store.content(database)
    for name, browser, (path, data) in forms:
        browser.client.delete_cookie("form", domain="127.0.0.1")
        assert browser.send(path, data).status_code == 403, name
    assert store.content(database) == before


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_post_from_another_site_is_refused_even_with_the_token(
    app: Flask, database: Database, headers: dict[str, str]
) -> None:
    """S-63."""
    forms = every_form(app)
    before = store.content(database)
    for name, browser, form in forms:
        assert browser.send(*form, **headers).status_code == 403, name
    assert store.content(database) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://127.0.0.1:8000"}, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}],
    ids=str,
)
def test_our_own_forms_pass(app: Flask, headers: dict[str, str]) -> None:
    for name, browser, form in every_form(app):
        assert browser.send(*form, **headers).status_code in (204, 303), name


def test_after_the_login_the_token_from_before_it_is_refused(browser: Browser, database: Database) -> None:
    """S-63, S-17."""
    browser.open("/login/brugernavn")
    before = browser.csrf()
    page = browser.log_in("boli1003", BO.password or "")
    assert browser.csrf() != before
    assert browser.send("/log-ud", {"csrf_token": before}).status_code == 403
    assert browser.open("/mit").path == page.path
    assert not store.events(database, "LOGGED_OUT")


def test_who_logged_out_in_another_tab_is_not_told_of_cookies(browser: Browser) -> None:
    browser.log_in(BO.username or "", BO.password or "")
    form = browser.form("Log ud")
    browser.press("Log ud")
    answer = browser.send(*form)
    assert answer.status_code == 403
    assert "Din browser skal tillade cookies" not in answer.text


def test_whose_browser_keeps_no_cookies_is_told_that_it_must(app: Flask, browser: Browser) -> None:
    browser.open("/login/brugernavn")
    path, data = browser.form("Næste", filled={"Brugernavn": BO.username or ""})
    answer = Browser(app).send(path, data)
    assert answer.status_code == 403
    assert "Din browser skal tillade cookies." in answer.text


def test_after_a_change_of_password_too(browser: Browser) -> None:
    """S-63, S-17."""
    browser.log_in("boli1003", BO.password or "")
    before = browser.csrf()
    browser.follow("Skift adgangskode")
    page = browser.press("Næste", filled={"Den adgangskode, du har nu": BO.password or ""})
    secret = page.secret
    browser.follow("Jeg kan huske den")
    assert browser.press("Næste", filled={"Ny adgangskode": secret}).path == "/mit"
    assert browser.send("/log-ud", {"csrf_token": before}).status_code == 403


def test_looking_changes_nothing(app: Flask, database: Database) -> None:
    """S-63: no GET writes, whatever it carries."""
    out, halfway, inside = Browser(app), Browser(app), Browser(app)
    halfway.open("/login/brugernavn")
    halfway.press("Næste", filled={"Brugernavn": "boli1003"})
    inside.log_in("idak1002", IDA.password or "")
    before = store.content(database, *store.TABLES)
    paths = [str(rule) for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set())]
    assert len(paths) > 20
    query = "?username=boli1003&password=x&pick=sol&later=1&now=1&login=1&id=1"
    for path in paths:
        for lang in ("da", "en") if "lang" in path else ("",):
            address = path.replace("<any(da, en):lang>", lang).partition("<")[0]
            for browser in (out, halfway, inside):
                for method in ("GET", "HEAD"):
                    twin = browser.twin()
                    answer = twin.client.open(address + query, method=method, base_url=browser.host)
                    assert answer.status_code < 500
    assert store.content(database, *store.TABLES) == before


@pytest.mark.parametrize(
    "path", ["/log-ud", "/mit/sessioner/log-ud", "/mit/sessioner/1/log-ud", "/login/mere-tid"]
)
def test_what_changes_something_cannot_be_asked_for_by_a_link(
    app: Flask, database: Database, path: str
) -> None:
    """S-63."""
    browser = Browser(app)
    browser.log_in("boli1003", BO.password or "")
    assert browser.get(path).status_code in (200, 303, 405)
    assert browser.client.put(path, base_url=browser.host).status_code == 405
    assert browser.client.delete(path, base_url=browser.host).status_code == 405
    assert browser.open("/mit").path == "/mit"


@pytest.mark.parametrize(
    "body",
    [
        "username=boli1003&username=idak1002",
        "username[]=boli1003",
        "username=boli1003&username[0]=idak1002",
        "username=boli1003&a=1&a=1",
    ],
)
def test_a_field_named_twice_or_as_an_array_is_refused(
    browser: Browser, database: Database, body: str
) -> None:
    """S-11."""
    browser.open("/login/brugernavn")
    answer = browser.client.post(
        "/login/brugernavn",
        data=f"csrf_token={browser.csrf()}&{body}",
        content_type="application/x-www-form-urlencoded",
        base_url=browser.host,
    )
    assert answer.status_code == 400
    assert store.count(database, "login_flow") == 0


@pytest.mark.sqlite_only
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/xml", "text/html"])
def test_what_is_no_form_is_refused(browser: Browser, database: Database, kind: str) -> None:
    """S-66."""
    browser.open("/login/brugernavn")
    answer = browser.client.post(
        "/login/brugernavn",
        data=f"csrf_token={browser.csrf()}&username=boli1003",
        content_type=kind,
        base_url=browser.host,
    )
    assert answer.status_code == 400
    assert store.count(database, "login_flow") == 0
