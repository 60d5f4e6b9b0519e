"""From nothing to today's tables: what the models say, once, whoever starts at the same time (S-80)."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import bindparam, inspect, text

from app import models
from app.config import PROJECT
from app.db import Base, Database, UtcTime
from app.migrations import empty, migrate

MIGRATE = """
import sys
from app.db import Database
from app.migrations import migrate
migrate(Database(sys.argv[1]))
"""
SCHOOL = """
INSERT INTO institution
(id, number, name, type, address, postcode, city, phone, mail, www, municipality, region, is_public_body)
VALUES (1, '999009', 'x', 'x', '', '', '', '', '', '', '', '', true)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server = request.getfixturevalue("postgres")
    name = f"empty_{abs(hash(request.node.nodeid)):x}"
    yield server.create(name)
    server.drop(name)


@pytest.fixture
def nothing(url: str) -> Iterator[Database]:
    """Return an empty database of each kind."""
    database = Database(url)
    yield database
    database.dispose()


def revisions(database: Database) -> list[str]:
    """Return what the database says it has been brought up to."""
    with database.reading() as db:
        return list(db.scalars(text("SELECT version_num FROM alembic_version")))


def heads() -> list[str]:
    """Return the newest revisions there are."""
    return list(ScriptDirectory(str(PROJECT / "app" / "migrations")).get_heads())


# SQLAlchemy cannot read an index on an expression from SQLite; the next test asks for it by name.
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_from_nothing_to_today_makes_exactly_what_the_models_say(nothing: Database) -> None:
    assert models
    migrate(nothing)
    with nothing.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, Base.metadata)
        # PostgreSQL alone fills in the writing transaction of an event (S-75).
        told = [d for d in differences if not (isinstance(d, list) and d[0][3:4] == ("xid",))]
        made = set(inspect(connection).get_table_names())
    assert told == []
    assert made == {*Base.metadata.tables, "alembic_version"}


def test_constraints_and_checks_have_the_names_of_the_models(nothing: Database) -> None:
    migrate(nothing)
    found = inspect(nothing.engine)
    for table in Base.metadata.tables.values():
        checks = {c.name for c in table.constraints if type(c).__name__ == "CheckConstraint"}
        assert {check["name"] for check in found.get_check_constraints(table.name)} == checks
        # By what they tie together: SQLite does not tell the names of those that came with a column.
        keys = {(*c.column_keys, c.referred_table.name) for c in table.foreign_key_constraints}
        made = {
            (*key["constrained_columns"], key["referred_table"]) for key in found.get_foreign_keys(table.name)
        }
        assert made == keys, table.name


def test_every_index_of_the_models_is_there(nothing: Database) -> None:
    migrate(nothing)
    is_sqlite = nothing.engine.dialect.name == "sqlite"
    ask = (
        "SELECT name FROM sqlite_master WHERE type = 'index'"
        if is_sqlite
        else "SELECT indexname FROM pg_indexes"
    )
    with nothing.reading() as db:
        made = set(db.scalars(text(ask)))
    assert {index.name for table in Base.metadata.tables.values() for index in table.indexes} - made == set()


def test_there_is_one_newest_revision_and_it_is_reached(nothing: Database) -> None:
    migrate(nothing)
    assert len(heads()) == 1
    assert revisions(nothing) == heads()


def test_migrating_again_changes_nothing(nothing: Database) -> None:
    migrate(nothing)
    with nothing.writing() as db:
        db.execute(text(SCHOOL))
        db.commit()
    migrate(nothing)
    migrate(nothing)
    assert revisions(nothing) == heads()
    with nothing.reading() as db:
        assert db.scalar(text("SELECT count(*) FROM institution")) == 1


def test_several_threads_that_migrate_at_once_take_turns(nothing: Database, url: str) -> None:
    faults: list[BaseException] = []
    gate = threading.Barrier(4)

    def start() -> None:
        database = Database(url)
        try:
            gate.wait(30)
            migrate(database)
        except BaseException as error:
            faults.append(error)
        finally:
            database.dispose()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert revisions(nothing) == heads()


def test_several_servers_that_migrate_at_once_take_turns(nothing: Database, url: str) -> None:
    command = [sys.executable, "-c", MIGRATE, url]
    started = [subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE) for _ in range(3)]
    told = [process.communicate(timeout=90)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], told
    assert revisions(nothing) == heads()


def test_a_migration_that_fails_leaves_nothing_behind(nothing: Database) -> None:
    """«S-02» The tables of one revision come together or not at all."""
    with nothing.writing() as db:
        db.execute(text("CREATE TABLE affiliation (x integer)"))
        db.commit()
    with pytest.raises(Exception, match="affiliation"):
        migrate(nothing)
    assert inspect(nothing.engine).get_table_names() == ["affiliation"]


PERSON = """
INSERT INTO "user"
(id, uni_id, username, given_name, family_name, is_protected, cpr_status, blocked_at, created_at)
VALUES (:id, :uni_id, NULL, 'x', 'y', false, 'UNKNOWN', :blocked_at, :at)
"""
BLOCK = """
INSERT INTO audit_event (at, event, subject_id, institution_id, details)
VALUES (:at, 'BLOCKED', :subject_id, :institution_id, '{}')
"""

BUCKET = "INSERT INTO throttle (bucket, tries, last_at, next_at) VALUES ('b', 50, :at, :at)"


def test_who_was_blocked_before_was_so_by_whom_the_newest_block_names(nothing: Database) -> None:
    migrate(nothing, "2026_11_23_elevadgang")
    at = bindparam("at", datetime(2026, 11, 23, tzinfo=UTC), UtcTime())
    with nothing.writing() as db:
        db.execute(text(SCHOOL))
        for number, is_blocked in ((1, True), (2, True), (3, False)):
            blocked_at = bindparam("blocked_at", at.value if is_blocked else None, UtcTime())
            values = {"id": number, "uni_id": f"u{number}"}
            db.execute(text(PERSON).bindparams(at, blocked_at, **values))
        for subject_id, institution_id in ((1, None), (1, 1), (2, 1), (2, None), (3, 1)):
            values = {"subject_id": subject_id, "institution_id": institution_id}
            db.execute(text(BLOCK).bindparams(at, **values))
        db.commit()
    migrate(nothing)
    with nothing.reading() as db:
        rows = db.execute(text('SELECT id, blocked_by_institution_id FROM "user" ORDER BY id')).all()
    assert [tuple(row) for row in rows] == [(1, 1), (2, None), (3, None)]


FLOW = """
INSERT INTO login_flow
(token_mark, username, password_type, is_change, has_postponed, wrong_tries, asked_from_mark, times_asked,
created_at, expires_at)
VALUES (:mark, 'bena0001', 'WORDS', true, false, 3, 'n', 2, :at, :at)
"""
WAITING = """
INSERT INTO pending_password (flow_id, password_type, sealed_secret, is_own_choice, expires_at)
VALUES (1, 'WORDS', 'sealed', false, :at)
"""
TRIP = """
INSERT INTO mitid_trip (token_mark, errand, login_flow_id, begun_at, expires_at)
VALUES (:mark, 'PASSWORD', :flow_id, :at, :at)
"""
ROWS = ("login_flow", "pending_password", "mitid_trip")


def test_half_done_logins_stay_as_they_are_and_no_number_is_given_twice_from_here_on(
    nothing: Database,
) -> None:
    migrate(nothing, "2026_11_23_blocked_by")
    at = bindparam("at", datetime(2026, 11, 23, tzinfo=UTC), UtcTime())
    with nothing.writing() as db:
        for mark in ("one", "two"):
            db.execute(text(FLOW).bindparams(at, mark=mark))
        db.execute(text(WAITING).bindparams(at))
        for mark, flow_id in (("bound", 1), ("free", None)):
            db.execute(text(TRIP).bindparams(at, mark=mark, flow_id=flow_id))
        db.commit()

    def stored() -> list[list[dict[str, object]]]:
        with nothing.reading() as db:
            return [
                [dict(row) for row in db.execute(text(f"SELECT * FROM {name} ORDER BY 1")).mappings()]
                for name in ROWS
            ]

    before = stored()
    assert [len(rows) for rows in before] == [2, 1, 2]
    migrate(nothing)
    assert stored() == before
    with nothing.writing() as db:
        db.execute(text("DELETE FROM login_flow"))
        db.execute(text(FLOW).bindparams(at, mark="three"))
        db.commit()
    assert [[row["id"] for row in rows] for rows in stored()[:2]] == [[3], []]


CREDENTIAL = """
INSERT INTO credential
(id, user_id, password_type, sealed_hash, authorisation, set_at, expires_at, expiry_reason, ended_at)
VALUES (:id, 1, 'WORDS_DIGITS', '', :authorisation, :set_at, :expires_at, 'AGE', :set_at)
"""


def test_s_20_what_the_operator_dealt_for_one_login_goes_on_being_so(nothing: Database) -> None:
    migrate(nothing, "2026_11_23_blocked_by")
    at = datetime(2026, 11, 23, tzinfo=UTC)
    dealt = (
        ("OPERATOR", timedelta(milliseconds=4)),
        ("OPERATOR", timedelta(days=365)),
        ("OWNER", timedelta(0)),
    )
    with nothing.writing() as db:
        blocked_at, made_at = bindparam("blocked_at", None, UtcTime()), bindparam("at", at, UtcTime())
        db.execute(text(PERSON).bindparams(blocked_at, made_at, id=1, uni_id="u"))
        for number, (authorisation, life) in enumerate(dealt):
            times = bindparam("set_at", at, UtcTime()), bindparam("expires_at", at + life, UtcTime())
            db.execute(text(CREDENTIAL).bindparams(*times, id=number, authorisation=authorisation))
        db.execute(text(BUCKET).bindparams(bindparam("at", at, UtcTime())))
        db.commit()
    migrate(nothing)
    with nothing.reading() as db:
        reasons = db.scalars(text("SELECT expiry_reason FROM credential ORDER BY id")).all()
        assert reasons == ["ONE_TIME", "AGE", "AGE"]
        assert db.scalars(text("SELECT may_close FROM throttle")).all() == [True], "nobody knows: it is kept"


def test_starting_over_leaves_nothing_and_begins_again(nothing: Database) -> None:
    migrate(nothing)
    assert empty(nothing)
    assert inspect(nothing.engine).get_table_names() == []
    nothing.dispose()
    migrate(nothing)
    assert revisions(nothing) == heads()


def test_a_file_that_somebody_has_open_is_not_thrown_away(tmp_path: Path) -> None:
    ours, site = (Database(f"sqlite:///{tmp_path}/x.db") for _ in range(2))
    migrate(ours)
    assert revisions(site) == heads()
    assert not empty(ours)
    with site.writing() as db:
        db.execute(text(SCHOOL))
        db.commit()
    with ours.reading() as db:
        assert db.scalars(text("SELECT number FROM institution")).all() == ["999009"]
    ours.dispose()
    site.dispose()
    assert empty(ours)
    assert list(tmp_path.iterdir()) == []
