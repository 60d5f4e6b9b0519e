"""What is made once and kept: the static files and the public pages."""

from __future__ import annotations

import re
from datetime import datetime

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import Database, instant
from app.demo.cast import ANNA, BO
from app.domain import status
from app.models.contact import Severity
from app.web.kept import Editions
from tests.conftest import SetClock
from tests.pages import Browser

pytestmark = pytest.mark.sqlite_only


def addresses(app: Flask) -> list[str]:
    """Return the addresses of all files."""
    return list(app.extensions["assets"].kept)


def test_every_file_that_a_page_names_is_there(app: Flask) -> None:
    browser = Browser(app)
    browser.open("/login/brugernavn")
    pages = [browser.open("/da/"), browser.open("/login")]
    browser.open("/login/brugernavn")
    pages.append(browser.press("Næste", filled={"Brugernavn": ANNA.username or ""}))
    pages.append(browser.press("Log ind", filled={"De fire billeders navne": ANNA.secret or ""}))
    named = set()
    for page in pages:
        named |= {one.partition("#")[0] for one in re.findall(r'"(/static/[^"]+)"', page.response.text)}
    assert len(named) >= 5
    for address in named:
        assert browser.get(address).status_code == 200, address
    sprite = next(one for one in named if "pictures" in one)
    drawn = browser.get(sprite).text
    ids = set(re.findall(rf'{re.escape(sprite)}#([a-z]+)"', pages[2].response.text))
    assert len(ids) == 24
    assert all(f'id="{id}"' in drawn for id in ids)


def test_each_is_kept_for_a_year_under_a_name_of_its_content(app: Flask, client: FlaskClient) -> None:
    """Design 12."""
    assert len(addresses(app)) >= 5
    for address in addresses(app):
        assert re.fullmatch(r"/static/[\w.-]+\.[0-9a-f]{6}\.\w+", address)
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert int(answer.headers["Content-Length"]) == len(answer.data) > 0
        assert "Set-Cookie" not in answer.headers


def test_they_come_by_brotli_where_it_is_understood(app: Flask, client: FlaskClient) -> None:
    small = 0
    for address in addresses(app):
        plain = client.get(address)
        assert "Content-Encoding" not in plain.headers
        packed = client.get(address, headers={"Accept-Encoding": "gzip, deflate, br"})
        if packed.headers.get("Content-Encoding") == "br":
            assert brotli.decompress(packed.data) == plain.data
            assert int(packed.headers["Content-Length"]) == len(packed.data)
            small += 1
        else:
            assert packed.data == plain.data
    assert small >= 4


@pytest.mark.parametrize("accepted", ["gzip", "", "identity", "br;q=0", "gzip, br;q=0.0, *;q=0"])
def test_whoever_does_not_understand_brotli_gets_the_plain_file(
    app: Flask, client: FlaskClient, accepted: str
) -> None:
    for address in addresses(app):
        assert "Content-Encoding" not in client.get(address, headers={"Accept-Encoding": accepted}).headers


def test_the_head_is_asked_for_without_the_body(app: Flask, client: FlaskClient) -> None:
    for address in addresses(app):
        answer = client.head(address)
        assert answer.status_code == 200
        assert not answer.data
        assert answer.headers["Content-Length"] == client.get(address).headers["Content-Length"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/site.css",
        "/static/../config.py",
        "/static/..%2f..%2fconfig.py",
        "/static/%2e%2e/wsgi.py",
        "/static//etc/passwd",
        "/static/site.0000000000.css",
        "/static/css/base.css",
        "/static\\..\\config.py",
    ],
)
def test_nothing_else_is_there(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text


def test_they_are_only_looked_at(app: Flask, client: FlaskClient) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert client.open(addresses(app)[0], method=method).status_code in (404, 405)


def test_style_comes_in_files_of_layers_without_inline_parts(app: Flask, client: FlaskClient) -> None:
    """One for the login, one for the pages in the site's frame, and on top of that one for a feature."""
    sheets = [address for address in addresses(app) if address.endswith(".css")]
    assert len(sheets) == 3
    for sheet in sheets:
        text = client.get(sheet).text
        assert "@layer" in text
        assert "url(" not in text
        assert "@import" not in text
    for path, count in (("/login", 1), ("/da/", 1), ("/elevadgang", 2)):
        assert client.get(path).text.count('rel="stylesheet"') == count


def test_a_blank_that_means_something_is_not_taken_out_of_the_styles(app: Flask, client: FlaskClient) -> None:
    """«.a :is(b)» is what is in an «.a»; «.a:is(b)» is an «.a» itself."""
    for address in addresses(app):
        if address.endswith(".css"):
            assert not re.search(r"\.(prose|families|helpers|still):is\(", client.get(address).text)


GUIDE = "/da/vejledninger/faa-en-ny-adgangskode"
PAGES = [
    "/da/",
    "/en/elev",
    GUIDE,
    "/da/spoergsmaal/hvem-kan-faa-unilogin",
    "/da/aktuelt.atom",
    "/da/privatliv",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_public_page_is_made_once_and_then_told_by_its_mark(
    app: Flask, client: FlaskClient, path: str
) -> None:
    made: list[str] = []
    app.before_request_funcs.setdefault(None, []).append(lambda: made.append(path))
    first, second = client.get(path), client.get(path)
    assert made == [path]
    assert first.data == second.data
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = client.get(path, headers={"If-None-Match": 'W/"00000000000000000000"'})
    assert other.status_code == 200
    assert client.head(path).headers["Content-Length"] == str(len(first.data))
    packed = client.get(path, headers={"Accept-Encoding": "br"})
    assert brotli.decompress(packed.data) == first.data
    assert made == [path]


@pytest.mark.parametrize("path", PAGES)
def test_a_public_page_is_the_same_for_everybody(app: Flask, path: str) -> None:
    """S-62: nothing of who is logged in, no cookie and no token: whoever asks first may be anybody."""
    known = Browser(app)
    known.log_in(BO.username or "", BO.password or "")
    known.plant("language", "en")
    first = known.get(path, Accept_Language="en")
    assert "Set-Cookie" not in first.headers
    assert "Cookie" not in first.headers.get("Vary", "")
    assert BO.username not in first.text
    assert "csrf" not in first.text
    assert Browser(app).get(path).data == first.data


def test_a_page_is_made_anew_when_the_minute_is_over(client: FlaskClient, clock: SetClock) -> None:
    clock.offset += datetime.fromisoformat("2026-11-23T14:59:20+00:00") - clock.now()
    before = client.get("/da/")
    clock.forward(seconds=60)
    after = client.get("/da/")
    assert "Åbent nu" in before.text
    assert "Åbent nu" not in after.text
    assert before.headers["ETag"] != after.headers["ETag"]


@pytest.mark.parametrize("hours", [1, 24, -1])
def test_the_same_minute_of_another_hour_is_another_one(
    app: Flask, client: FlaskClient, clock: SetClock, hours: int
) -> None:
    """A page that nobody asked for in between, and a clock that was wrong."""
    made: list[str] = []
    app.before_request_funcs.setdefault(None, []).append(lambda: made.append("once"))
    client.get("/da/")
    clock.forward(hours=hours)
    client.get("/da/")
    assert made == ["once", "once"]


def test_an_edition_is_the_same_object_as_long_as_nothing_changes(
    app: Flask, clock: SetClock, database: Database
) -> None:
    """It is asked for before every answer, so it must cost next to nothing."""
    clock.offset += datetime.fromisoformat("2026-11-23T14:58:05+00:00") - clock.now()
    editions = Editions(clock, app.extensions["notices"])
    first = editions.newest()
    clock.forward(seconds=30)
    assert editions.newest() is first
    clock.forward(seconds=30)
    second = editions.newest()
    assert second != first
    with database.writing() as db:
        now = instant(clock)
        status.add(
            db, Severity.INFO, "MitID er langsomt.", "MitID is slow.", now.at, None, operator="eva", now=now
        )
        db.commit()
    clock.forward(seconds=2)
    assert editions.newest() != second


def test_each_reader_gets_a_page_in_the_form_they_understand_whoever_asked_before(
    client: FlaskClient,
) -> None:
    whole = client.get(GUIDE).data
    for _time in range(2):
        for accepted, encoding in {
            "gzip, deflate, br, zstd": "br",
            "gzip": None,
            "br;q=0, gzip": None,
            "*": None,
            "br;q=0.5": "br",
            "": None,
        }.items():
            answer = client.get(GUIDE, headers={"Accept-Encoding": accepted})
            assert answer.headers.get("Content-Encoding") == encoding, accepted
            assert int(answer.headers["Content-Length"]) == len(answer.data), accepted
            assert (brotli.decompress(answer.data) if encoding else answer.data) == whole, accepted
            assert answer.headers["Vary"] == "Accept-Encoding, HX-Request"


def test_whoever_has_a_page_is_told_how_long_it_may_be_kept_and_nothing_of_a_body(
    client: FlaskClient,
) -> None:
    first = client.get(GUIDE, headers={"Accept-Encoding": "br"})
    again = client.get(GUIDE, headers={"Accept-Encoding": "br", "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    for name in ("ETag", "Cache-Control", "Vary", "Content-Security-Policy"):
        assert again.headers[name] == first.headers[name]
    assert "Content-Encoding" not in again.headers
    assert "Content-Length" not in again.headers


def test_what_may_differ_is_never_kept(app: Flask, client: FlaskClient) -> None:
    for path in ("/login", "/mit", "/v/", "/v/0000", "/", "/da/findes-ikke", "/da/?ui_locales=en", "/da"):
        for _time in range(2):
            answer = client.get(path)
            assert "ETag" not in answer.headers, path
            assert answer.headers["Cache-Control"] == "no-store", path
    client.get(GUIDE)
    block = client.get(GUIDE, headers={"HX-Request": "true"})
    assert "<html" not in block.text
    assert "ETag" not in block.headers
    assert client.post(GUIDE).status_code in (403, 405)


def test_an_error_page_in_a_public_place_still_speaks_the_readers_language(app: Flask) -> None:
    danish, english = Browser(app), Browser(app, language="en")
    for _time in range(2):
        assert danish.open("/da/findes-ikke").heading == "Siden findes ikke"
        assert english.open("/da/findes-ikke").heading != "Siden findes ikke"
