"""The simulator of MitID in this process, and a client of it."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from flask import Flask
from joserfc.jwk import RSAKey

from app.demo.mitid_simulator import drawn
from app.demo.mitid_simulator.identities import TestIdentity
from app.demo.mitid_simulator.pages import make_app
from tests.conftest import SetClock
from tests.demo.relying import ISSUER, RETURN, RelyingParty

LOADED_ON = date(2026, 11, 22)


@pytest.fixture(scope="session")
def identities() -> list[TestIdentity]:
    """Return the identities of a school that was loaded on a day."""
    return drawn.identities(LOADED_ON)


@pytest.fixture
def its_clock() -> SetClock:
    """Return the simulator's clock."""
    return SetClock()


@pytest.fixture
def slept() -> list[float]:
    """Return for how long the simulator would have slept."""
    return []


@pytest.fixture
def simulator(
    identities: list[TestIdentity], its_clock: SetClock, slept: list[float], signing_key: RSAKey
) -> Flask:
    """Return the simulator in this process."""

    def clock() -> datetime:
        return its_clock.now()  # looked up anew: a test may stop it

    return make_app(ISSUER, RETURN, identities, clock, slow_seconds=7, sleep=slept.append, key=signing_key)


@pytest.fixture
def party(simulator: Flask) -> RelyingParty:
    """Return a client of it."""
    return RelyingParty(simulator)
