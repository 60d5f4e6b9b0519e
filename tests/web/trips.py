"""Trips to MitID without a network: the simulator in this process, and a browser that goes there."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from requests.adapters import BaseAdapter
from sqlalchemy import update
from urllib3.response import HTTPResponse
from werkzeug.test import Client as TestClient

from app.config import Config
from app.db import Database
from app.models.people import ContactRelation
from app.protocols.mitid import SECONDS, Client, for_settings
from tests.cast import Member, user_of
from tests.demo.relying import uuid_of
from tests.pages import Browser, Page, parse

USE, AGAIN, FETCH = "Brug MitID", "Prøv igen med MitID", "MitID"


class Wire(BaseAdapter):
    """Carries our client's requests to the simulator, and may be cut."""

    def __init__(self, simulator: Flask) -> None:
        """Take whom to ask."""
        super().__init__()
        self.simulator, self.is_cut, self.asked = simulator, False, 0

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:  # type: ignore[override]
        """Return what the simulator says."""
        self.asked += 1
        if self.is_cut:
            raise requests.ConnectionError("cut")
        said = TestClient(self.simulator).open(
            str(request.url),
            method=request.method,
            data=request.body,
            headers=list(request.headers.items()),
        )
        answer = requests.Response()
        answer.status_code = said.status_code
        answer.headers.update(dict(said.headers))
        answer.url, answer.request = str(request.url), request
        body = io.BytesIO(said.get_data())
        answer.raw = HTTPResponse(body, dict(said.headers), said.status_code, preload_content=False)
        return answer

    def close(self) -> None:
        """Close nothing."""


def client_of(config: Config, wire: Wire, seconds: float = SECONDS) -> Client:
    """Return our client, as the site makes it, over a wire; one that waits less on demand."""
    broker = for_settings(config.mitid, is_demo=True)
    assert broker is not None
    return Client(broker, config.mitid_return, wire, seconds=seconds)


def forget(browser: Browser, member: Member) -> Page:
    """Give a username, and go on to «Glemt adgangskode»."""
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": member.username or ""})
    browser.follow("Få en ny adgangskode")
    return browser.follow("Glemt adgangskode")


def go(browser: Browser, words: str = USE) -> str:
    """Press the button, and return the broker's address that our forwarding page leads to."""
    answer = browser.send(*browser.form(words))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/mitid/videre")
    return forwarded(browser)


def forwarded(browser: Browser) -> str:
    """Return the address that the forwarding page of this browser leads to."""
    page = browser.get("/mitid/videre")
    assert page.status_code == 200, page.headers
    root = parse(page.text)
    links = [a.get("href", "") for a in root.iter("a") if a.get("data-part") == "mitid"]
    assert len(links) == 1
    refresh = [m.get("content") for m in root.iter("meta") if m.get("http-equiv") == "refresh"]
    assert refresh == [f"0; url={links[0]}"]
    return links[0]


def decide(wire: Wire, address: str, **form: str) -> str:
    """Press a button at the simulator, and return where on our site it sends the browser back to."""
    said = TestClient(wire.simulator).post(address, data=form)
    assert said.status_code == 303, said.text
    parts = urlsplit(said.headers["Location"])
    return f"{parts.path}?{parts.query}"


def visit(browser: Browser, wire: Wire, member: Member, words: str = USE, **form: str) -> Page:
    """Go to MitID, be somebody there, and come back."""
    return browser.open(decide(wire, go(browser, words), identity=uuid_of(member), **form))


def relate(database: Database, child: Member, **values: Any) -> None:
    """Change every contact relation of a child."""
    with database.writing() as db:
        whose = ContactRelation.pupil_id == user_of(db, child).id
        db.execute(update(ContactRelation).where(whose).values(**values))
        db.commit()


def yesterday(app: Flask) -> Any:
    """Return the day before today, by the test's clock."""
    return (app.extensions["world"].clock.now() - timedelta(days=1)).date()
