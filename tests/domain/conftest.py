"""What tests of the domain ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app import keys as keyring
from app.config import Config
from app.db import Database
from app.keys import Keys
from app.world import World
from tests.conftest import SetClock
from tests.domain.acts import Acts, CountingHasher
from tests.domain.helping import Helping
from tests.hashing import QuickHasher


@pytest.fixture(scope="session")
def ring() -> Keys:
    """Return a ring of keys that needs no database."""
    return keyring.new()


@pytest.fixture
def acts(config: Config, world: World, clock: SetClock) -> Iterator[Acts]:
    """Return the steps of a login over a fresh copy of the demo school; hashes are counted."""
    database = Database(config.database_url, pool=50)
    keys = keyring.read(config.keys_file)
    hasher = CountingHasher(keys, slots=8, wait_seconds=30)
    yield Acts(database, keys, hasher, config, clock, world.dice)
    database.dispose()


@pytest.fixture
def quick(acts: Acts) -> Acts:
    """Return the steps of a login with hashes that take no time; known passwords do not fit then."""
    acts.hasher = QuickHasher(acts.keys, slots=8, wait_seconds=30)
    return acts


@pytest.fixture
def helping(quick: Acts) -> Helping:
    """Return what people do in Elevadgang, with hashes that take no time."""
    return Helping(quick)
