"""Whether the process lives and may be sent requests; told to machines, without detail (S-67)."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.db import Database
from tests import store


def test_it_lives_and_is_ready(client: FlaskClient, database: Database) -> None:
    before = store.content(database)
    for path in ("/healthz", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, "ok\n")
        assert answer.mimetype == "text/plain"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
    assert store.content(database) == before


def test_without_its_store_it_lives_but_is_not_ready(client: FlaskClient, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE login_flow RENAME TO away"))
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not ready\n")
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO login_flow"))
    assert client.get("/readyz").status_code == 200


def test_nothing_else_about_the_inside_can_be_asked(app: Flask, client: FlaskClient) -> None:
    """S-67: no console, no metrics, no detail; not even for one who asks for it."""
    for path in (
        "/metrics",
        "/debug",
        "/console",
        "/status",
        "/healthz/db",
        "/server-status",
        "/.env",
        "/.git/config",
    ):
        assert client.get(path).status_code == 404
    for query in ("?verbose=1", "?detail=true", "?__debugger__=yes&cmd=resource&f=style.css"):
        assert client.get(f"/healthz{query}").text == "ok\n"
        assert client.get(f"/readyz{query}").text == "ok\n"
    assert not app.debug
    assert not app.testing
