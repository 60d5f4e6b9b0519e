"""The cookies: which there are, and how they are guarded (S-60)."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.http import parse_cookie
from werkzeug.test import TestResponse

from app.demo.cast import BO
from tests.pages import Browser

pytestmark = pytest.mark.sqlite_only


def cookies_of(app: Flask) -> dict[str, list[str]]:
    """Walk through a login and a logout; return every cookie that was set, with its lines."""
    browser = Browser(app)
    answers: list[TestResponse] = [browser.get("/login?ui_locales=da")]
    answers.append(browser.open("/login/brugernavn").response)
    answers.append(browser.send(*browser.form("Næste", filled={"Brugernavn": "boli1003"})))
    browser.open("/login/adgangskode")
    answers.append(browser.send(*browser.form("Log ind", filled={"Adgangskode": BO.password or ""})))
    answers.append(browser.open("/mit").response)
    answers.append(browser.send(*browser.form("Log ud")))
    found: dict[str, list[str]] = {}
    for answer in answers:
        for line in answer.headers.getlist("Set-Cookie"):
            found.setdefault(line.partition("=")[0], []).append(line)
    return found


def attributes(line: str) -> dict[str, str]:
    """Return the attributes of a cookie's line, in small letters."""
    pairs = [part.strip().partition("=") for part in line.split(";")[1:]]
    return {name.lower(): value for name, _, value in pairs}


def test_over_http_they_have_their_plain_names_and_no_secure(app: Flask) -> None:
    """S-60: so that every browser takes them in the demo."""
    found = cookies_of(app)
    assert set(found) == {"form", "flow", "login", "device", "language"}
    for line in (line for lines in found.values() for line in lines):
        assert "secure" not in attributes(line), line


def test_over_https_they_are_bound_to_the_host_and_to_https(secure_app: Flask) -> None:
    """S-60."""
    found = cookies_of(secure_app)
    assert set(found) == {f"__Host-{name}" for name in ("form", "flow", "login", "device", "language")}
    for line in (line for lines in found.values() for line in lines):
        assert "secure" in attributes(line), line


def test_no_script_reads_them_and_no_other_site_sends_them(app: Flask, secure_app: Flask) -> None:
    """S-60."""
    for lines in (*cookies_of(app).values(), *cookies_of(secure_app).values()):
        for line in lines:
            found = attributes(line)
            assert "httponly" in found, line
            assert found["path"] == "/", line
            assert found["samesite"] in ("Lax", "Strict"), line
            assert "domain" not in found, line


def test_only_device_and_language_outlive_the_browser(app: Flask) -> None:
    for name, lines in cookies_of(app).items():
        for line in lines:
            found = attributes(line)
            lasts = int(found.get("max-age", 0)) > 0
            assert lasts == (name in ("device", "language")), line


def test_the_half_done_and_the_whole_login_are_deleted_by_name(app: Flask) -> None:
    """S-62."""
    found = cookies_of(app)
    for name in ("flow", "login"):
        assert attributes(found[name][-1])["max-age"] == "0"
        assert parse_cookie(found[name][-1])[name] == ""
    assert all("max-age=0" not in line.lower() for line in found["device"])


def test_a_cookie_with_the_plain_name_counts_for_nothing_over_https(secure_app: Flask) -> None:
    """S-60: a neighbour's subdomain can plant only that one."""
    browser = Browser(secure_app)
    browser.log_in("boli1003", BO.password or "")
    token = browser.cookie("login") or ""
    other = Browser(secure_app)
    other.client.set_cookie("login", token, domain=other.domain)
    assert other.open("/mit").path == "/login"
    other.plant("login", token)
    assert other.open("/mit").path == "/mit"


def test_looking_around_leaves_no_trace_but_the_form_cookie(app: Flask) -> None:
    """A stranger's GET sets no id."""
    browser = Browser(app)
    for path in ("/", "/da/", "/login", "/login/brugernavn", "/ny-adgangskode", "/brugernavn"):
        browser.open(path)
    assert [name for name in ("login", "flow", "device", "language") if browser.cookie(name)] == []
