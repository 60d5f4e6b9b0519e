"""What a request tells of the browser: its cookies, its device, its network."""

from __future__ import annotations

import ipaddress
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, g, request
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature, Signer
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.domain import networks
from app.domain.devices import KNOWN_DAYS
from app.domain.login import Browser
from app.web.i18n import gettext as _
from app.web.transaction import config, db, keys, world

LOGIN, FLOW, DEVICE, FORM = "login", "flow", "device", "form"
TRIP, RECOVERY, WAY, HOME = "trip", "recovery", "way", "home"
# Where a browser is that plays it is at home: one of RFC 5737's addresses for examples.
HOME_ADDRESS = "198.51.100.7"
NETWORKS_SECONDS = 10.0
# Clients whose network is kept in mind.
ADDRESSES = 4096

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "Chromebook"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


class FormCookie(SecureCookieSessionInterface):
    """Flask's session, in which our forms keep what they prove themselves with, signed by one signer."""

    def __init__(self) -> None:
        """Make no signer before the app has its keys."""
        self._signer: Any = None

    def get_signing_serializer(self, app: Flask) -> Any:
        """Return what signs: made once, as Flask makes it."""
        if self._signer is None:
            self._signer = super().get_signing_serializer(app)
        return self._signer


def cookie_name(kind: str) -> str:
    """Return a cookie's name: bound to the host by its prefix wherever the site has https (S-60)."""
    return f"__Host-{kind}" if config().is_https else kind


def read_cookie(kind: str) -> str | None:
    """Return a cookie's value, or None."""
    return request.cookies.get(cookie_name(kind)) or None


def set_cookie(answer: Response, kind: str, value: str, *, days: int | None = None) -> None:
    """Set a cookie that script cannot read; without days it ends with the browser."""
    answer.set_cookie(
        cookie_name(kind),
        value,
        max_age=days * 86400 if days else None,
        path="/",
        secure=config().is_https,
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(answer: Response, kind: str) -> None:
    """Delete a cookie."""
    answer.delete_cookie(cookie_name(kind), path="/", secure=config().is_https, httponly=True, samesite="Lax")


def device_token() -> str | None:
    """Return the device's id from its signed cookie, or None where there is none that we signed."""
    value = read_cookie(DEVICE)
    if not value:
        return None
    try:
        return _signer().unsign(value).decode("ascii")
    except (BadSignature, UnicodeError):
        return None


def keep_device(answer: Response, token: str) -> None:
    """Let the browser keep a device's id."""
    set_cookie(answer, DEVICE, _signer().sign(token).decode("ascii"), days=KNOWN_DAYS)


def new_device_token() -> str:
    """Return an id for a device that has none."""
    return world().dice.token()


def _signer() -> Signer:
    return Signer(keys().signing_secrets(), salt=b"device")


def plays_home() -> bool:
    """Whether this browser plays that it is at home, which only the demo lets it."""
    return config().is_demo and read_cookie(HOME) is not None


def address() -> str:
    """Return the network address that a request comes from."""
    return HOME_ADDRESS if plays_home() else request.remote_addr or ""


def browser() -> Browser:
    """Return what the domain needs to know of where a request comes from, found once a request."""
    if "browser" not in g:
        known: KnownNetworks = current_app.extensions["networks"]
        at = address()
        g.browser = Browser(
            device_token=device_token(),
            device_words=device_words(request.headers.get("User-Agent", "")),
            network=coarse(at),
            institution_network=known.find(db(), at),
            public_network=public_network(at),
        )
    found: Browser = g.browser
    return found


@lru_cache(ADDRESSES)
def coarse(address: str) -> str:
    """Return the network an address is in, coarse enough to tell a school, not a desk."""
    return _network(address, {4: 24, 6: 48})


@lru_cache(ADDRESSES)
def public_network(address: str) -> str:
    """Return the one address that a place is seen under: of IPv6 the part that its people share (S-43)."""
    return _network(address, {4: 32, 6: 64})


def _network(address: str, lengths: dict[int, int]) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "?"
    return str(ipaddress.ip_network(f"{ip}/{lengths[ip.version]}", strict=False))


def device_words(agent: str) -> str:
    """Return browser and system in a few words that need no translation: «Chrome, Windows»."""
    name = next((word for mark, word in BROWSERS if mark in agent), "")
    system = next((word for mark, word in SYSTEMS if mark in agent), "")
    return ", ".join(word for word in (name, system) if word)


def device_text(words: str) -> str:
    """Return a device's words for a list, also where nothing is known of it."""
    return words or _("Ukendt enhed")


@dataclass(slots=True)
class KnownNetworks:
    """The institutions' networks, read again every few seconds: a login must not search them all."""

    read_at: float = float("-inf")
    known: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, db: Session, address: str) -> str | None:
        """Return the id of the narrowest registered network that holds an address."""
        if time.monotonic() - self.read_at > NETWORKS_SECONDS:
            with self.lock:
                self.known = networks.list_ranges(db)
                self.read_at = time.monotonic()
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return None
        return next((id for net, id in self.known if ip.version == net.version and ip in net), None)
