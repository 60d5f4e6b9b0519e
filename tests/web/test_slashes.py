"""A slash too many at the end of an address leads to the page there is, and to nowhere else."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urljoin

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from app import create_app
from app.config import Config
from app.db import Database
from app.world import World
from tests import store
from tests.conftest import HOST


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/login/", "/login"),
        ("/mit/", "/mit"),
        ("/mit/historik/?til=9", "/mit/historik?til=9"),
        ("/elevadgang/", "/elevadgang"),
        ("/da/drift/", "/da/drift"),
        ("/login/?til=%2Fmit%2Fhistorik", "/login?til=%2Fmit%2Fhistorik"),
    ],
)
def test_a_slash_too_many_leads_to_the_page_there_is(app: Flask, path: str, location: str) -> None:
    client = app.test_client()
    for answer in (client.get(path, base_url=HOST), client.head(path, base_url=HOST)):
        assert (answer.status_code, answer.headers["Location"]) == (308, location)
        assert "form-action 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/",
        "//evil.example/login/",
        "/\\evil.example/",
        "/findes-ikke/",
        "/login//",
        "/login/\\/",
        "/mit/historik/%0d%0aX-Evil:%201/",
        "/elevadgang/\\evil.example/",
        "/healthz/x/",
    ],
)
def test_s_65_what_is_no_page_of_ours_leads_nowhere(app: Flask, path: str) -> None:
    environ = EnvironBuilder("/", base_url=HOST).get_environ()
    environ["PATH_INFO"] = path.replace("%0d%0a", "\r\n").replace("%20", " ")
    seen: dict[str, object] = {}

    def start(status: str, headers: list[tuple[str, str]], *_rest: object) -> None:
        seen.update(status=status, location=dict(headers).get("Location"))

    b"".join(app.wsgi_app(environ, start))
    if seen["location"] is None:
        assert seen["status"] == "404 NOT FOUND"
        return
    # Two slashes in a row are made one before anything is looked for; that stays here too.
    assert "//" in path
    assert urljoin(HOST, str(seen["location"])) == HOST + re.sub("//+", "/", path)


def test_a_form_sent_to_an_address_with_a_slash_too_many_is_not_taken_along(
    app: Flask, database: Database
) -> None:
    answer = app.test_client().post("/login/brugernavn/", data={"username": "boli1003"}, base_url=HOST)
    assert answer.status_code >= 400
    assert "Location" not in answer.headers
    assert store.count(database, "login_flow") == 0


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("path", "led"),
    [
        ("/da", "/da/"),
        ("/en", "/en/"),
        ("/da//drift", "/da/drift"),
        ("/login//brugernavn", "/login/brugernavn"),
    ],
)
def test_s_08_behind_https_a_slash_too_few_or_too_many_leads_to_https(
    config: Config, world: World, path: str, led: str
) -> None:
    """«S-08» «S-60» The proxy speaks to the site in plain text; its address is configured."""
    site = create_app(replace(config, public_url="https://login.skole.example"), world)
    environ = EnvironBuilder("/", base_url="http://login.skole.example").get_environ()
    environ["PATH_INFO"] = path
    seen: dict[str, str] = {}
    b"".join(site.wsgi_app(environ, lambda _status, headers, *_rest: seen.update(headers)))
    site.extensions["database"].dispose()
    assert urljoin("https://login.skole.example/", seen["Location"]) == f"https://login.skole.example{led}"


def test_what_a_page_itself_does_not_find_is_no_matter_of_slashes(app: Flask) -> None:
    answer = app.test_client().get("/da/vejledninger/findes-ikke/", base_url=HOST, follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (404, "/da/vejledninger/findes-ikke")
    assert len(answer.history) == 1
