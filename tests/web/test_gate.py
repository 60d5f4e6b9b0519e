"""The gate: whom the site answers to, from where, and how much it takes (S-08, S-66)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from app import create_app
from app.config import Config, Mode
from app.db import Database, instant
from app.demo.cast import BO
from app.domain import networks
from app.world import Clock, World
from tests import store
from tests.pages import Browser

pytestmark = pytest.mark.sqlite_only

HOST = "127.0.0.1:8000"
STRANGE = [
    "evil.example",
    "127.0.0.1",
    "127.0.0.1:8001",
    "127.0.0.1:8000.evil.example",
    "evil.example:8000",
    "127.0.0.1:8000@evil.example",
    "127.0.0.1:8000, evil.example",
    "localhost",
    "LOCALHOST:8000",
    "",
]


@pytest.mark.parametrize("host", STRANGE)
def test_a_host_that_is_not_ours_is_refused(app: Flask, host: str) -> None:
    """S-08."""
    client = app.test_client()
    for method in ("GET", "HEAD", "POST"):
        answer = client.open("/login", method=method, headers={"Host": host})
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8000", "[::1]:8000"])
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/", "http://127.0.0.1:8000/"),
        (
            "/login?til=/mit/historik&ui_locales=en",
            "http://127.0.0.1:8000/login?til=/mit/historik&ui_locales=en",
        ),
        ("/da/for%C3%A6lder", "http://127.0.0.1:8000/da/for%C3%A6lder"),
        ("//evil.example/x", "http://127.0.0.1:8000/evil.example/x"),
        ("/\\evil.example", "http://127.0.0.1:8000/evil.example"),
        ("/@evil.example", "http://127.0.0.1:8000/%40evil.example"),
        ("/%0d%0aX-Evil:%201", "http://127.0.0.1:8000/%0D%0AX-Evil%3A%201"),
    ],
)
def test_another_name_of_this_machine_leads_to_the_configured_one(
    app: Flask, host: str, path: str, location: str
) -> None:
    """S-08: with path and query, to nowhere else."""
    raw, _, query = path.partition("?")
    environ = EnvironBuilder("/", headers={"Host": host}, query_string=query).get_environ()
    environ["PATH_INFO"] = raw.replace("%C3%A6", "æ".encode().decode("latin-1")).replace("%0d%0a", "\r\n")
    environ["PATH_INFO"] = environ["PATH_INFO"].replace("%20", " ")
    seen: dict[str, object] = {}

    def start(status: str, headers: list[tuple[str, str]], *_rest: object) -> None:
        seen.update(status=status, headers=dict(headers), count=len(headers))

    b"".join(app.wsgi_app(environ, start))
    assert seen["status"] == "308 Permanent Redirect"
    assert dict(seen["headers"])["Location"] == location  # type: ignore[call-overload]


@pytest.mark.parametrize("host", ["localhost:8000", "[::1]:8000"])
def test_a_form_sent_to_another_name_is_not_taken_along(app: Flask, host: str, database: Database) -> None:
    """S-08: only looking is sent on."""
    answer = app.test_client().post(
        "/login/brugernavn", data={"username": "boli1003"}, headers={"Host": host}
    )
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert store.count(database, "login_flow") == 0


def test_only_the_demo_sends_on(config: Config, world: World, app: Flask) -> None:
    """S-08: elsewhere another name is an unknown one."""
    from app.web.gate import Gate

    production = replace(config, mode=Mode.PRODUCTION, public_url="https://login.skole.example")
    gate = Gate(app.wsgi_app, production)
    for host in ("localhost:8000", "127.0.0.1:8000", "evil.example"):
        environ = EnvironBuilder("/login", headers={"Host": host}).get_environ()
        seen: list[str] = []
        b"".join(gate(environ, lambda status, _headers, *_rest, seen=seen: seen.append(status)))
        assert seen == ["400 Bad Request"]


FORWARDED = {
    "X-Forwarded-For": "203.0.113.77",
    "Forwarded": "for=203.0.113.77;host=evil.example;proto=https",
    "X-Real-IP": "203.0.113.77",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "X-Original-URL": "/mit",
    "X-Rewrite-URL": "/mit",
    "X-HTTP-Method-Override": "DELETE",
}


def test_what_a_stranger_says_of_hosts_and_addresses_is_not_believed(app: Flask, database: Database) -> None:
    """S-08."""
    browser = Browser(app, address="198.51.100.20")
    plain = browser.get("/login/brugernavn")
    for name, value in FORWARDED.items():
        answer = browser.client.get("/login/brugernavn", base_url=browser.host, headers={name: value})
        assert answer.status_code == 200
        assert "evil" not in answer.text + str(answer.headers)
        assert "Strict-Transport-Security" not in answer.headers
        assert len(answer.text) == len(plain.text)
    for name, value in FORWARDED.items():
        browser.client.environ_base["HTTP_" + name.upper().replace("-", "_")] = value
    browser.log_in("boli1003", BO.password or "")
    assert store.events(database, "LOGGED_IN")[-1].details["network"] == "198.51.100.0/24"


@pytest.fixture
def proxied(config: Config, world: World) -> Iterator[Flask]:
    """Return the site behind two proxies it was told of."""
    trusted = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    site = create_app(replace(config, trusted_proxies=trusted), world)
    yield site
    site.extensions["database"].dispose()


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("10.0.0.1", "203.0.113.77", "203.0.113.0/24"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.77", "203.0.113.0/24"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.77, 10.9.9.9", "203.0.113.0/24"),
        ("fd00::1", "2001:db8:1:2::3", "2001:db8:1::/48"),
        ("10.0.0.1", "", "10.0.0.0/24"),
        ("10.0.0.1", "10.1.1.1", "10.1.1.0/24"),
        ("198.51.100.20", "203.0.113.77", "198.51.100.0/24"),
        ("10.0.0.1", "203.0.113.77, unknown", "?"),
        ("::ffff:10.0.0.1", "203.0.113.77", "203.0.113.0/24"),
        ("::ffff:a00:1", "198.51.100.1, ::ffff:203.0.113.77, ::FFFF:10.9.9.9", "203.0.113.0/24"),
        ("::ffff:198.51.100.20", "203.0.113.77", "198.51.100.0/24"),
        ("10.0.0.1", "203.0.113.77:51234", "203.0.113.0/24"),
        ("10.0.0.1", "198.51.100.1:443, [2001:db8:1:2::3]:51234, 10.9.9.9:80", "2001:db8:1::/48"),
        ("10.0.0.1", "[2001:db8:1:2::3]", "2001:db8:1::/48"),
        ("10.0.0.1", "[::ffff:203.0.113.77]:51234", "203.0.113.0/24"),
        ("10.0.0.1", "203.0.113.77:x", "?"),
        ("10.0.0.1", "[203.0.113.77", "?"),
    ],
)
def test_through_a_trusted_proxy_the_right_most_stranger_counts(
    proxied: Flask, database: Database, peer: str, forwarded: str, network: str
) -> None:
    """S-08: whatever the stranger wrote before it."""
    browser = Browser(proxied, address=peer)
    browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = forwarded
    browser.log_in("boli1003", BO.password or "")
    assert store.events(database, "LOGGED_IN")[-1].details["network"] == network


@pytest.mark.parametrize("peer", ["192.0.2.40", "::ffff:192.0.2.40", "::ffff:c000:228"])
def test_a_schools_network_is_known_however_its_address_is_written(
    app: Flask, database: Database, peer: str
) -> None:
    """S-08, S-13: a socket for both kinds of addresses writes IPv4's in IPv6's way."""
    with database.writing() as db:
        networks.add(db, "999001", "192.0.2.0/24", "skolen", instant(Clock()), operator="drift")
        db.commit()
    browser = Browser(app, address=peer)
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": BO.username or ""})
    # Anywhere else one waits after five.
    for _ in range(6):
        assert browser.press("Log ind", filled={"Adgangskode": "forkert"}).status == 422


def test_a_body_of_more_than_64_kib_is_refused_with_a_page(browser: Browser, database: Database) -> None:
    """S-66."""
    browser.open("/login/brugernavn")
    path, data = browser.form("Næste")
    page = browser.post(path, data | {"username": "x" * (64 * 1024)})
    assert page.status == 413
    assert page.heading == "Det er for meget"
    assert store.count(database, "login_flow") == 0
    assert browser.send(path, data | {"username": "x" * (63 * 1024)}).status_code == 303


def test_a_body_in_chunks_is_refused(app: Flask) -> None:
    """S-66: no form comes so, and it could not be measured before it is read."""
    environ = EnvironBuilder(
        "/login/brugernavn",
        base_url="http://127.0.0.1:8000",
        method="POST",
        input_stream=io.BytesIO(b"username=" + b"x" * 70_000),
        content_type="application/x-www-form-urlencoded",
        environ_base={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    ).get_environ()
    del environ["CONTENT_LENGTH"]
    seen: list[str] = []
    b"".join(app.wsgi_app(environ, lambda status, _headers, *_rest: seen.append(status)))
    assert seen == ["400 Bad Request"]


@pytest.mark.parametrize(("fields", "status"), [(195, 303), (201, 413)])
def test_more_than_two_hundred_fields_are_refused(browser: Browser, fields: int, status: int) -> None:
    """S-66."""
    browser.open("/login/brugernavn")
    path, data = browser.form("Næste", filled={"Brugernavn": "boli1003"})
    more = {f"f{number}": "" for number in range(fields)}
    assert browser.send(path, data | more).status_code == status
    answer = browser.client.post(
        path, data=data | more, content_type="multipart/form-data", base_url=browser.host
    )
    assert answer.status_code == status


def test_a_file_is_refused(browser: Browser) -> None:
    """S-66."""
    browser.open("/login/brugernavn")
    path, data = browser.form("Næste", filled={"Brugernavn": "boli1003"})
    answer = browser.client.post(
        path, data=data | {"file": (io.BytesIO(b"x"), "x.txt")}, base_url=browser.host
    )
    assert answer.status_code == 400


def test_two_lengths_are_refused(client: FlaskClient) -> None:
    """S-66."""
    answer = client.post(
        "/login/brugernavn", data={"username": "boli1003"}, headers={"Transfer-Encoding": "chunked"}
    )
    assert answer.status_code == 400
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("length", ["-1", "+5", "5, 5", "abc", "0x10", "1e3", "5 "])
def test_an_odd_length_is_refused(client: FlaskClient, length: str) -> None:
    """S-66."""
    answer = client.post("/login/brugernavn", environ_overrides={"CONTENT_LENGTH": length})
    assert answer.status_code == 400


def test_every_request_has_a_line_in_the_log_and_its_number(app: Flask, log_lines: list[str]) -> None:
    """S-75: path and status, never the query or what was sent."""
    browser = Browser(app)
    browser.open("/login/brugernavn?til=/mit&hemmelig=1")
    answer = browser.send(*browser.form("Næste", filled={"Brugernavn": "boli1003"}))
    browser.open(answer.location)
    answer = browser.send(*browser.form("Log ind", filled={"Adgangskode": "Hemmelig99"}))
    number = answer.headers["X-Request-Id"]
    assert any(
        f'"{number}"' in line and '"422"' in line and "/login/adgangskode" in line for line in log_lines
    )
    everything = "\n".join(log_lines)
    for word in ("hemmelig", "Hemmelig99", "boli1003", browser.cookie("flow") or "?"):
        assert word not in everything


def test_a_strange_path_cannot_write_lines_of_its_own(app: Flask, log_lines: list[str]) -> None:
    """S-75."""
    Browser(app).get("/a%0A%7B%22event%22:%22forged%22%7D%1b%5b31m")
    assert all("\n" not in line and "\x1b" not in line for line in log_lines)
    assert len([line for line in log_lines if "forged" in line]) == 1
