"""What is made once and kept: the static files."""

from __future__ import annotations

import re

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.demo.cast import ANNA
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
    sheets = [address for address in addresses(app) if address.endswith(".css")]
    assert sheets
    for sheet in sheets:
        text = client.get(sheet).text
        assert "@layer" in text
        assert "url(" not in text
        assert "@import" not in text


def test_the_login_loads_one_sheet_and_elevadgang_its_own_beside_it(client: FlaskClient) -> None:
    assert client.get("/login").text.count('rel="stylesheet"') == 1
    assert client.get("/elevadgang").text.count('rel="stylesheet"') == 2
