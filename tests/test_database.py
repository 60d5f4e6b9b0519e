"""The two databases: durable, strict, and patient with each other's writers (S-03, S-07, S-80)."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, literal, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from app.config import Config
from app.db import NOW, Database, Instant, UtcTime, after, instant
from app.models.audit import AuditEvent
from app.models.people import Affiliation, User
from tests.cast import ANNA, user_of
from tests.conftest import SetClock

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": 5000,
    "secure_delete": 1,
}
SETTINGS = {
    "TimeZone": "UTC",
    "synchronous_commit": "on",
    "lock_timeout": "4s",
    "statement_timeout": "8s",
    "idle_in_transaction_session_timeout": "15s",
}


LOCKED = 7
BE_ALONE = f"""
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("PRAGMA journal_mode=DELETE")
except sqlite3.OperationalError:
    sys.exit({LOCKED})
"""


@pytest.fixture
def school(config: Config) -> Iterator[Database]:
    """Return a database with the demo school in it."""
    database = Database(config.database_url)
    yield database
    database.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    """Return an empty SQLite database."""
    database = Database(f"sqlite:///{tmp_path}/x.db")
    yield database
    database.dispose()


@pytest.fixture
def umask() -> Iterator[None]:
    """Let others read what is made, as most machines do."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def is_sqlite(database: Database) -> bool:
    """Whether a database is an SQLite file."""
    return database.engine.dialect.name == "sqlite"


def test_a_new_file_is_for_its_owner_alone_and_so_are_those_beside_it(
    file: Database, tmp_path: Path, umask: None
) -> None:
    with file.writing() as db:
        db.execute(text("CREATE TABLE x (y)"))
        db.commit()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"x.db": 0o600, "x.db-wal": 0o600, "x.db-shm": 0o600}


def test_s_80_a_further_connection_of_a_process_lets_go_of_no_lock(file: Database) -> None:
    """«S-80» As opening and closing the file beside SQLite would; others could then take it away."""
    with file.writing() as db:
        db.execute(text("CREATE TABLE x (y)"))
        db.commit()
    with file.reading() as one, file.reading() as other:
        for db in (one, other):
            db.execute(text("SELECT 1"))
        tried = [sys.executable, "-c", BE_ALONE, file.engine.url.database or ""]
        assert subprocess.run(tried, check=False).returncode == LOCKED


def test_a_file_that_is_there_keeps_who_may_read_it(file: Database, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.touch()
    path.chmod(0o640)
    with file.reading() as db:
        db.execute(text("SELECT 1"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("kind", ["reading", "writing"])
def test_s_80_every_connection_is_set_up_as_told(school: Database, kind: str) -> None:
    told = PRAGMAS if is_sqlite(school) else SETTINGS
    ask = "PRAGMA {}" if is_sqlite(school) else "SHOW {}"
    for _ in range(3):
        with getattr(school, kind)() as db:
            assert {name: db.scalar(text(ask.format(name))) for name in told} == told
            db.connection().invalidate()


def test_s_80_a_writer_takes_its_lock_at_the_beginning_and_readers_go_on(file: Database) -> None:
    """«S-80» BEGIN IMMEDIATE: no writer finds out at its first write that another was before it."""
    with file.writing() as db:
        db.execute(text("CREATE TABLE t (x)"))
        db.commit()
    with file.writing() as first, file.writing() as second, file.reading() as reader:
        first.connection()
        assert reader.scalar(text("SELECT count(*) FROM t")) == 0
        second.connection(execution_options={"is_writing": False}).exec_driver_sql("PRAGMA busy_timeout=1")
        second.rollback()
        with pytest.raises(OperationalError, match="locked"):
            second.connection()


def test_s_80_a_busy_sqlite_database_waits_for_its_turn(file: Database) -> None:
    with file.writing() as db:
        db.execute(text("CREATE TABLE t (x)"))
        db.commit()
    asked, done = threading.Event(), threading.Event()

    def write() -> None:
        with file.writing() as db:
            asked.set()
            db.execute(text("INSERT INTO t VALUES (2)"))
            db.commit()
            done.set()

    with file.writing() as first:
        first.execute(text("INSERT INTO t VALUES (1)"))
        thread = threading.Thread(target=write)
        thread.start()
        assert asked.wait(10)
        assert not done.wait(0.2), "it waits"
        first.commit()
    assert done.wait(10)
    thread.join()
    with file.reading() as reader:
        assert reader.scalars(text("SELECT x FROM t ORDER BY x")).all() == [1, 2]


@pytest.mark.sqlite_only
def test_s_80_many_who_open_a_new_sqlite_file_at_once_all_get_in(tmp_path: Path) -> None:
    faults: list[OperationalError] = []

    def open_new(gate: threading.Barrier, path: Path) -> None:
        database = Database(f"sqlite:///{path}")
        gate.wait(30)
        try:
            with database.writing() as db:
                db.execute(text("SELECT 1"))
        except OperationalError as error:
            faults.append(error)
        finally:
            database.dispose()

    # One round in thirty or so met the refusal before it was asked again.
    for number in range(100):
        gate = threading.Barrier(6)
        path = tmp_path / f"{number}.db"
        threads = [threading.Thread(target=open_new, args=(gate, path)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert faults == []


def test_s_80_many_writers_at_once_lose_nothing(school: Database, clock: SetClock) -> None:
    def count(db: object) -> int:
        return int(db.scalar(select(func.count()).select_from(AuditEvent)))  # type: ignore[attr-defined]

    with school.reading() as db:
        before = count(db)

    def write() -> None:
        for _ in range(5):
            with school.writing() as db:
                seen = count(db)
                db.add(AuditEvent(at=clock.now(), event="BLOCKED", details={"seen": seen}))
                db.commit()

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with school.reading() as db:
        assert count(db) == before + 30


def test_s_80_a_reader_holds_no_transaction_open_on_postgresql(school: Database) -> None:
    with school.reading() as db:
        db.scalar(select(func.count()).select_from(User))
        if not is_sqlite(school):
            state = text("SELECT state FROM pg_stat_activity WHERE pid = :pid")
            pid = db.scalar(text("SELECT pg_backend_pid()"))
            with school.reading() as other:
                assert other.scalar(state, {"pid": pid}) == "idle"
            return
        # On SQLite a reader sees one state, and holds up nobody.
        with school.writing() as writer:
            user_of(writer, ANNA).given_name = "Anne"
            writer.commit()
        assert user_of(db, ANNA).given_name == "Anna"


def test_s_80_nothing_needs_statements_that_a_pooler_would_lose(school: Database) -> None:
    """«S-80» Prepared statements belong to a connection, which a pooler may swap beneath us."""
    if is_sqlite(school):
        assert school.engine.dialect.name == "sqlite"
        return
    with school.writing() as db:
        for _ in range(12):
            db.scalar(select(User.id).limit(1))
        assert db.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0


def test_s_80_a_row_that_points_nowhere_is_refused(school: Database, now: Instant) -> None:
    row = {"user_id": 10**9, "institution_id": 1, "category": "PUPIL", "roles": [], "from_on": now.today}
    with school.writing() as db:
        db.add(Affiliation(**row))
        with pytest.raises(IntegrityError):
            db.flush()


def test_s_03_what_was_committed_is_seen_by_others_and_what_was_not_is_undone(school: Database) -> None:
    with school.writing() as db:
        user_of(db, ANNA).given_name = "Anne"
        db.flush()
        with school.reading() as other:
            assert user_of(other, ANNA).given_name == "Anna"
    with school.writing() as db:
        assert user_of(db, ANNA).given_name == "Anna"
        user_of(db, ANNA).given_name = "Anne"
        db.commit()
    with school.reading() as other:
        assert user_of(other, ANNA).given_name == "Anne"


@pytest.mark.parametrize(
    "at",
    [
        datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(2026, 3, 29, 1, 0, 0, 1, UTC),
        datetime(2026, 10, 25, 0, 59, 59, 999_999, UTC),
        datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    ],
)
def test_s_07_an_instant_is_kept_to_the_microsecond_in_utc(school: Database, at: datetime) -> None:
    with school.writing() as db:
        user = user_of(db, ANNA)
        user.blocked_at = at
        db.commit()
    with school.reading() as db:
        found = user_of(db, ANNA).blocked_at
    assert found == at
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize("hours", [0, 5, -5, 24 * 400])
def test_s_07_a_statement_reckons_with_the_one_clock_and_its_offset(
    school: Database, clock: SetClock, hours: int
) -> None:
    clock.forward(hours=hours)
    with school.reading() as db:
        now = instant(clock)
        seconds = 90.5
        made = db.execute(select(NOW, after(seconds), after(-seconds)), now.binds).one()
        on_the_spot = db.execute(select(now.sql, now.after(seconds))).one()
    for found in (made[0], on_the_spot[0]):
        assert abs(found - clock.now()) < timedelta(seconds=20)
    assert made[1] - made[0] == pytest.approx(timedelta(seconds=seconds), abs=timedelta(seconds=1))
    assert made[0] - made[2] == pytest.approx(timedelta(seconds=seconds), abs=timedelta(seconds=1))
    assert on_the_spot[1] - on_the_spot[0] == pytest.approx(timedelta(seconds=90.5), abs=timedelta(seconds=1))


def test_s_07_on_postgresql_a_process_whose_clock_is_wrong_judges_nothing(
    school: Database, now: Instant
) -> None:
    wrong = Instant(now.at - timedelta(hours=1), timedelta(0))
    with school.reading() as db:
        made, on_the_spot = db.execute(select(NOW, wrong.sql), wrong.binds).one()
    expected = now.at - timedelta(hours=1 if is_sqlite(school) else 0)
    assert abs(made - expected) < timedelta(minutes=5)
    assert abs(on_the_spot - expected) < timedelta(minutes=5)


def test_s_07_instants_are_compared_by_the_database_as_we_would(school: Database, now: Instant) -> None:
    early, late = literal(now.at, UtcTime()), literal(now.at + timedelta(microseconds=1), UtcTime())
    with school.reading() as db:
        assert db.execute(select(early < late, late > early, early == late)).one() == (True, True, False)


def test_the_day_is_that_of_denmark() -> None:
    assert str(Instant(datetime(2026, 6, 30, 22, 30, tzinfo=UTC)).today) == "2026-07-01"
    assert str(Instant(datetime(2026, 12, 31, 22, 30, tzinfo=UTC)).today) == "2026-12-31"
    assert str(Instant(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)).today) == "2027-01-01"
