"""The world tests run in: a database of each kind with the demo school, a clock to set, an app."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app import config as configuration
from app import create_app
from app import keys as keyring
from app.config import Config
from app.db import Database, Instant, instant
from app.demo import school
from app.demo.mitid_simulator.provider import new_key
from app.domain.passwords import Hasher
from app.keys import Keys
from app.migrations import migrate
from app.world import Clock, World
from tests.hashing import SchoolHasher
from tests.pages import Browser
from tests.postgres import Postgres

HOST = "http://127.0.0.1:8000"

MARKERS = {"sqlite": "sqlite_only", "postgresql": "postgres_only"}

# A shell lets what it runs in the background ignore Ctrl-C, and the programs that tests start with it.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make a test that no database bears on (`sqlite_only`), or only one does, on one kind, not on each."""
    items[:] = [item for item in items if not _is_elsewhere(item)]


def _is_elsewhere(item: pytest.Item) -> bool:
    kinds = [kind for kind, marker in MARKERS.items() if item.get_closest_marker(marker)]
    return bool(kinds) and _kind(item) not in kinds


def _kind(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("template", "sqlite") if callspec else "sqlite"


class SetClock(Clock):
    """The real clock and an offset that a test moves."""

    def __init__(self) -> None:
        """Begin at the real time."""
        self.offset = timedelta(0)

    def forward(self, **amount: float) -> None:
        """Move on by so much; a negative amount sets the clock back."""
        self.offset += timedelta(**amount)


@dataclass(frozen=True)
class Template:
    """A database with the demo school in it, to be copied for each test."""

    kind: str
    config: Config
    postgres: Postgres | None


@pytest.fixture(scope="session")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of keys that all tests of this process share."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    keyring.new(is_demo=True).write(path)
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Return a throw-away PostgreSQL server."""
    server = Postgres()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def template(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, keys_file: Path
) -> Template:
    """Return the demo school on each kind of database, loaded once."""
    folder = tmp_path_factory.mktemp(request.param)
    environ = {"INSTANCE_DIR": str(folder), "KEYS_FILE": str(keys_file), "LOG_LEVEL": "ERROR"}
    server = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        server.create("template_demo")
        environ["DATABASE_URL"] = server.url("template_demo")
    config = configuration.read(environ)
    database = Database(config.database_url)
    migrate(database)
    keys = keyring.read(keys_file)
    hasher = SchoolHasher(keys, slots=os.cpu_count() or 1, wait_seconds=30)
    with database.writing() as db:
        school.load(db, keys, hasher, config, instant(Clock()))
        db.commit()
    if request.param == "sqlite":
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return Template(request.param, config, server)


@pytest.fixture(scope="session")
def signing_key() -> RSAKey:
    """Return what every simulator signs with."""
    return new_key()


@pytest.fixture
def config(template: Template, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Config]:
    """Return settings that name a fresh copy of the demo school."""
    if template.postgres is None:
        source = Path(template.config.database_url.removeprefix("sqlite:///"))
        shutil.copy(source, tmp_path / "unilogin.db")
        yield replace(template.config, instance=tmp_path, database_url=f"sqlite:///{tmp_path}/unilogin.db")
        return
    name = f"t{abs(hash(request.node.nodeid)):x}"
    template.postgres.create(name, template="template_demo")
    yield replace(template.config, instance=tmp_path, database_url=template.postgres.url(name))
    template.postgres.drop(name)


@pytest.fixture
def world() -> World:
    """Return a world whose clock a test can set."""
    return World(clock=SetClock())


@pytest.fixture
def clock(world: World) -> SetClock:
    """Return the clock to set."""
    assert isinstance(world.clock, SetClock)
    return world.clock


@pytest.fixture
def app(config: Config, world: World) -> Iterator[Flask]:
    """Return the site over a fresh copy of the demo school."""
    site = create_app(config, world)
    yield site
    site.extensions["database"].dispose()


@pytest.fixture
def keys(app: Flask) -> Keys:
    """Return the app's ring of keys."""
    ring: Keys = app.extensions["keys"]
    return ring


@pytest.fixture
def hasher(app: Flask) -> Hasher:
    """Return what hashes secrets."""
    made: Hasher = app.extensions["hasher"]
    return made


@pytest.fixture
def database(app: Flask) -> Database:
    """Return the app's database."""
    made: Database = app.extensions["database"]
    return made


@pytest.fixture
def db(database: Database) -> Iterator[Session]:
    """Return a session that may write; what a test does not commit is undone."""
    with database.writing() as session:
        yield session


@pytest.fixture
def now(world: World) -> Instant:
    """Return the present as the test's clock has it at the start."""
    return instant(world.clock)


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Return a browser without script that checks every page it opens."""
    return Browser(app)


class AtHome(FlaskClient):
    """A plain client that asks for the site by its own address."""

    def open(self, *args: Any, **values: Any) -> TestResponse:
        """Open an address."""
        if args and isinstance(args[0], str):
            values.setdefault("base_url", HOST)
        return super().open(*args, **values)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a plain test client at the site's own address."""
    app.test_client_class = AtHome
    return app.test_client()
