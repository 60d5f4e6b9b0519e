"""What every answer carries (S-60 to S-62, S-67)."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.demo.cast import BO
from tests.pages import Browser

pytestmark = pytest.mark.sqlite_only

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}


def policy(answer: TestResponse) -> dict[str, str]:
    """Return the content security policy of an answer, by directive."""
    assert len(answer.headers.getlist("Content-Security-Policy")) == 1
    parts = [part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in parts if name}


def of_every_kind(app: Flask) -> dict[str, TestResponse]:
    """Return answers of every kind: pages, fragments, errors, ways on, what is kept, and machines' own."""
    browser = Browser(app)
    answers = {
        "front page": browser.get("/da/"),
        "home": browser.get("/"),
        "page": browser.get("/login/brugernavn"),
        "fragment": browser.get("/login/brugernavn", HX_Request="true"),
        "not found": browser.get("/findes-ikke"),
        "not found, htmx": browser.get("/findes-ikke", HX_Request="true"),
        "no such method": browser.get("/login/mere-tid"),
        "to the login": browser.get("/mit"),
        "to the login, htmx": browser.get("/mit", HX_Request="true"),
        "forged": browser.send("/login/brugernavn", {"username": "boli1003"}),
        "health": browser.get("/healthz"),
        "ready": browser.get("/readyz"),
        "options": browser.client.options("/login", base_url=browser.host),
        "head": browser.client.head("/login", base_url=browser.host),
        "well known": browser.get("/.well-known/change-password"),
        "too large": browser.send("/login/brugernavn", {"username": "x" * 70_000}),
    }
    browser.open("/login/brugernavn")
    answers["invalid"] = browser.send(*browser.form("Næste", filled={"Brugernavn": ""}))
    answers["next step"] = browser.send(*browser.form("Næste", filled={"Brugernavn": "boli1003"}))
    page = browser.open("/login/adgangskode")
    answers["wrong"] = browser.send(*browser.form("Log ind", filled={"Adgangskode": "forkert"}))
    answers["gone"] = browser.send(page.path, browser.form("Log ind")[1] | {"username": "idak1002"})
    answers["logged in"] = browser.send(*browser.form("Log ind", filled={"Adgangskode": BO.password or ""}))
    answers["mine"] = browser.get("/mit")
    browser.open("/mit")
    answers["logged out"] = browser.send(*browser.form("Log ud"))
    return answers


def test_every_answer_carries_the_whole_policy(app: Flask) -> None:
    """S-61."""
    for kind, answer in of_every_kind(app).items():
        assert policy(answer) == POLICY, kind
        assert "unsafe" not in answer.headers["Content-Security-Policy"]


# Of every answer, whoever gives it.
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def beside_the_pages(app: Flask) -> dict[str, TestResponse]:
    """Return answers that are not made by a page: what is kept, and what is refused before."""
    browser = Browser(app)
    assets = app.extensions["assets"]
    ask = browser.client.get
    mark = browser.get("/da/").headers["ETag"]
    host = browser.host
    return {
        "style sheet": browser.get(assets.address("screen")),
        "script": browser.get(assets.address("vendor/htmx.min.js")),
        "packed": browser.get(assets.address("screen"), Accept_Encoding="br"),
        "head of a file": browser.client.head(assets.address("screen"), base_url=host),
        "kept page": browser.get("/da/"),
        "not modified": browser.get("/da/", If_None_Match=mark),
        "another host": ask("/login", base_url="http://evil.example"),
        "another name": ask("/login", base_url="http://localhost:8000"),
        "another name, form": browser.client.post("/login", base_url="http://localhost:8000"),
        "in chunks": ask("/login", base_url=host, headers={"Transfer-Encoding": "chunked"}),
        "odd length": ask("/login", base_url=host, environ_overrides={"CONTENT_LENGTH": "-1"}),
        "cut off": browser.client.post(
            "/login", base_url=host, data="a=1", environ_overrides={"CONTENT_LENGTH": "9"}
        ),
    }


def test_every_answer_carries_the_rest(app: Flask) -> None:
    """S-61: a page, an error, a way on, a file, and what the gate refuses."""
    beside = beside_the_pages(app)
    statuses = [answer.status_code for answer in beside.values()]
    assert statuses == [200] * 5 + [304, 400, 308] + [400] * 4
    for kind, answer in {**of_every_kind(app), **beside}.items():
        headers = answer.headers
        for name, value in ALWAYS.items():
            assert headers.getlist(name) == [value], (kind, name)
        [permissions] = headers.getlist("Permissions-Policy")
        assert all(f"{name}=()" in permissions for name in ("camera", "geolocation", "microphone")), kind
        assert len(headers.getlist("Cache-Control")) == 1, kind


def test_every_answer_of_a_page_has_its_number(app: Flask) -> None:
    """S-75: by which the line in the log is found."""
    for kind, answer in of_every_kind(app).items():
        assert answer.headers["X-Request-Id"], kind


def test_answers_that_never_reach_the_pages_carry_a_policy_too(app: Flask) -> None:
    """S-61: refused at the gate, or kept."""
    for kind, answer in beside_the_pages(app).items():
        found = policy(answer)
        assert found["default-src"] == "'none'", kind
        assert found["frame-ancestors"] == "'none'", kind
        assert found["base-uri"] == "'none'", kind
        assert found["form-action"] in ("'none'", "'self'"), kind


def test_what_is_refused_is_kept_nowhere(app: Flask) -> None:
    """S-62: nor the way to the name that the site has."""
    for kind, answer in beside_the_pages(app).items():
        if answer.status_code >= 305:
            assert answer.headers["Cache-Control"] == "no-store", kind


def test_nothing_but_what_is_kept_may_be_stored(app: Flask) -> None:
    """S-62."""
    for kind, answer in of_every_kind(app).items():
        if kind != "front page":
            assert answer.headers["Cache-Control"] == "no-store", kind


def test_what_has_two_shapes_says_so(app: Flask) -> None:
    """S-62."""
    machines = ("health", "ready", "options", "home", "well known", "next step")
    for kind, answer in of_every_kind(app).items():
        if kind not in machines:
            assert "HX-Request" in answer.headers.get("Vary", ""), kind


def test_no_answer_names_versions_or_details(app: Flask) -> None:
    """S-67."""
    for kind, answer in of_every_kind(app).items():
        assert "Server" not in answer.headers, f"{kind}: the server's own is in test_server.py"
        assert "X-Powered-By" not in answer.headers, kind
        for word in ("Werkzeug", "Traceback", "sqlalchemy", "jinja", "Python"):
            assert word not in answer.text, kind


def test_over_plain_http_nothing_binds_the_browser_to_https(app: Flask) -> None:
    """S-60."""
    for kind, answer in of_every_kind(app).items():
        assert "Strict-Transport-Security" not in answer.headers, kind


def test_over_https_every_answer_binds_the_browser_to_it_for_a_year(secure_app: Flask) -> None:
    """S-60."""
    for kind, answer in of_every_kind(secure_app).items():
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains", kind
    browser = Browser(secure_app)
    css = next(a for a in secure_app.extensions["assets"].kept if a.endswith(".css"))
    for kept_or_refused in (browser.get(css), browser.client.get("/login", base_url="https://evil.example")):
        assert "max-age=31536000" in kept_or_refused.headers["Strict-Transport-Security"]


def test_nothing_on_a_page_comes_from_elsewhere(app: Flask) -> None:
    """S-61: no third-party assets, nothing inline."""
    for answer in of_every_kind(app).values():
        for scheme in ("http://", "https://", 'src="//', 'href="//'):
            text = answer.text.replace("http://127.0.0.1:8000", "").replace("http://www.w3.org", "")
            assert scheme not in text


def test_logging_out_clears_what_the_browser_keeps_but_not_the_device(app: Flask) -> None:
    """S-62: never «cookies», which would forget the device of S-13."""
    browser = Browser(app)
    browser.log_in("boli1003", BO.password or "")
    device = browser.cookie("device")
    answer = browser.send(*browser.form("Log ud"))
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert device
    assert browser.cookie("device") == device
    assert browser.cookie("login") is None
