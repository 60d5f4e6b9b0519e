"""What tests of the web ask for: the site behind https, and what it logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from joserfc.jwk import RSAKey

from app import create_app
from app.config import Config
from app.db import instant
from app.demo.mitid_simulator import drawn
from app.demo.mitid_simulator.pages import make_app
from app.web.gate import JsonLines
from app.world import World
from tests.web.trips import Wire, client_of

PUBLIC_URL = "https://login.skole.example"


@pytest.fixture
def secure_app(config: Config, world: World) -> Iterator[Flask]:
    """Return the site as it is behind https."""
    site = create_app(replace(config, public_url=PUBLIC_URL), world)
    yield site
    site.extensions["database"].dispose()


class Collecting(logging.Handler):
    """Keeps each line as it would be written."""

    def __init__(self, lines: list[str]) -> None:
        """Put the lines into `lines`."""
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(self.format(record))


@pytest.fixture
def log_lines(app: Flask) -> Iterator[list[str]]:
    """Collect every line that the site logs, however small."""
    handler = Collecting([])
    handler.setFormatter(JsonLines())
    log = logging.getLogger("app")
    level = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    yield handler.lines
    log.removeHandler(handler)
    log.setLevel(level)


@pytest.fixture
def slept() -> list[float]:
    """Return for how long the simulator of MitID would have slept."""
    return []


@pytest.fixture
def wire(config: Config, world: World, slept: list[float], signing_key: RSAKey) -> Wire:
    """Put the simulator of MitID into the world, and return the way to it."""
    identities = drawn.identities(instant(world.clock).today)
    way = Wire(
        make_app(
            config.mitid.issuer or "",
            config.mitid_return,
            identities,
            world.clock.now,
            sleep=slept.append,
            key=signing_key,
        )
    )
    world.mitid = client_of(config, way)
    return way
