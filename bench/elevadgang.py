"""What a teacher does in Elevadgang: open the list of a class, press for all of it, ask what has changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape

from bench.visitor import FaultError, Visitor, token

CLASSES = "/elevadgang/klasser"
POLL = re.compile(r'id="poll" hx-get="([^"]+)"')
PUPIL = re.compile(r'name="elev" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a teacher sits: the browser's cookies, and what the open list sends."""

    cookies: dict[str, str]
    address: str
    poll: str
    token: str
    pupils: list[str]


def enter(visitor: Visitor, username: str, password: str) -> Desk:
    """Log a teacher in, and open the class."""
    visitor.forget()
    visitor.log_in(username, password)
    return _open(visitor, visitor.follow(CLASSES))


def reopen(visitor: Visitor, desk: Desk) -> Desk:
    """Open the list anew, so that it knows what has happened since."""
    visitor.be(desk.cookies)
    return _open(visitor, desk.address)


def _open(visitor: Visitor, address: str) -> Desk:
    page = visitor.get(address)
    text = page.decode()
    found = POLL.search(text)
    if found is None:
        raise FaultError(f"{address} does not ask by itself")
    return Desk(visitor.cookies, address, unescape(found[1]), token(page), PUPIL.findall(text))


def look(visitor: Visitor, desk: Desk) -> None:
    """Open the list."""
    visitor.be(desk.cookies)
    if visitor.get(desk.address).count(b'name="elev"') != len(desk.pupils):
        raise FaultError("the list has not the pupils it had")


def poll(visitor: Visitor, desk: Desk) -> None:
    """Ask what has changed, as the page does by itself."""
    visitor.be(desk.cookies)
    if b'id="poll"' not in visitor.get(desk.poll, "HX-Request: true"):
        raise FaultError("the answer to a poll does not ask on")


def press(visitor: Visitor, desk: Desk) -> None:
    """Give the whole class new passwords."""
    visitor.be(desk.cookies)
    visitor.post(desk.address, {"csrf_token": desk.token, "elev": desk.pupils})


ACTS: dict[str, Callable[[Visitor, Desk], None]] = {"look": look, "poll": poll, "press": press}
