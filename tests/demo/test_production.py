"""The demo and production keep apart: each refuses the other's database (S-83)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app import keys as keyring
from app.config import PROJECT, Config
from app.db import Database
from app.demo import school
from tests import store

PATIENCE_SECONDS = 60


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])


def test_s_83_production_does_not_start_on_the_demos_database(
    config: Config, database: Database, tmp_path: Path
) -> None:
    """«S-83» Whoever looks at the demo knows everybody's password there."""
    keyring.new().write(tmp_path / "own-keys.json")
    before = store.all_text(database)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MITID_")} | {
        "MODE": "production",
        "PUBLIC_URL": "https://unilogin.example",
        "PORT": str(free_port()),
        "DATABASE_URL": config.database_url,
        "KEYS_FILE": str(tmp_path / "own-keys.json"),
        "TRUSTED_PROXIES": "127.0.0.1",
        "INSTANCE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "app.serve"],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    [told] = done.stderr.splitlines()
    assert told.startswith("DATABASE_URL: this database holds the demo school")
    assert config.database_url not in told
    assert store.all_text(database) == before


@pytest.mark.sqlite_only
def test_starting_over_beside_a_running_site_leaves_it_what_it_has(
    config: Config, database: Database, tmp_path: Path
) -> None:
    before = store.all_text(database)  # and from now on the database has its file open
    port = free_port()
    environ = {
        "PORT": str(port),
        "MITID_BROKER": "none",
        "DATABASE_URL": config.database_url,
        "INSTANCE_DIR": str(tmp_path),
        "KEYS_FILE": str(config.keys_file),
    }
    done = subprocess.run(
        [sys.executable, "-m", "app.serve", "--fresh"],
        cwd=PROJECT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "another process has this database open, so it stays; stop that first\n"
    assert store.all_text(database) == before


def test_the_demos_school_is_known_whatever_the_age_of_its_tables(database: Database, tmp_path: Path) -> None:
    assert school.is_in(database)
    empty = Database(f"sqlite:///{tmp_path}/empty.db")
    assert not school.is_in(empty)
    with empty.writing() as db:
        db.connection().exec_driver_sql("CREATE TABLE institution (number VARCHAR)")
        db.commit()
    assert not school.is_in(empty)
    with empty.writing() as db:
        db.connection().exec_driver_sql("INSERT INTO institution VALUES ('999001')")
        db.commit()
    assert school.is_in(empty)
    empty.dispose()
