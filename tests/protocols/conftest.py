"""A broker that answers rightly, and a client that asks it; a mail server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.protocols.mitid import Client
from tests.protocols.office import Office, running
from tests.protocols.provider import RETURN, Provider, Wire, broker


class Ticks:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        """Begin somewhere, as the real one does."""
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Return how far it has come."""
        return self.seconds


@pytest.fixture
def provider() -> Provider:
    """Return a sound broker of the first kind."""
    return Provider(broker())


@pytest.fixture
def ticks() -> Ticks:
    """Return the clock that what is kept grows old by."""
    return Ticks()


@pytest.fixture
def client(provider: Provider, ticks: Ticks) -> Client:
    """Return a client of that broker."""
    return Client(provider.broker, RETURN, Wire(provider), monotonic=ticks)


@pytest.fixture
def office() -> Iterator[Office]:
    """Return a mail server that listens."""
    with running(Office()) as server:
        yield server
