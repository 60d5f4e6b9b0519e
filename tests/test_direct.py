"""Statements that are made once do what the library would do with them, only cheaper."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Executable, Integer, bindparam, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

import app.domain
from app import direct as direct_module
from app.config import Config
from app.db import NOW, Database, Instant, table
from app.direct import Bound, direct, direct_together, often
from app.models.audit import AuditEvent
from app.models.credentials import Credential, Throttle
from app.models.people import Affiliation, PasswordType, User
from app.models.sso import LoginFlow
from tests import store
from tests.cast import ANNA, user_of

AT = Instant(datetime(2026, 11, 23, 4, 0, 0, 123456, tzinfo=UTC))
# Every kind of value there is: enums in and out, a list in the statement, instants, days, JSON, a flag, NULL.
CREDENTIALS = often(
    select(
        Credential.id,
        Credential.password_type,
        Credential.set_at,
        Credential.ended_at,
        func.count().over().label("all"),
    )
    .where(
        Credential.password_type.in_((PasswordType.PICTURES, PasswordType.WORDS)),
        Credential.set_at < NOW,
        Credential.id > bindparam("after"),
    )
    .order_by(Credential.id)
    .limit(7)
)
AFFILIATIONS = (
    select(Affiliation.roles, Affiliation.from_on, Affiliation.to_on, Affiliation.is_primary, User.id)
    .join(User, User.id == Affiliation.user_id)
    .where(Affiliation.from_on <= bindparam("today"))
    .order_by(Affiliation.id)
    .limit(5)
)
EVENTS = often(select(AuditEvent).order_by(AuditEvent.id).limit(bindparam("most")))
NAMED = select(User.id).where(User.uni_id.in_(bindparam("uni_ids", expanding=True))).order_by(User.id)
OPEN = insert(table(Throttle)).values(bucket=bindparam("name"), tries=1, last_at=NOW, next_at=NOW)
COUNT = (
    update(table(Throttle))
    .where(Throttle.bucket == bindparam("name"))
    .values(tries=Throttle.tries + 1)
    .returning(Throttle.tries, Throttle.last_at)
)
CLOSE = delete(table(Throttle)).where(Throttle.bucket == bindparam("name"))


@pytest.fixture
def school(config: Config) -> Iterator[Database]:
    """Return a database with the demo school in it."""
    database = Database(config.database_url)
    yield database
    database.dispose()


def opening(name: str) -> Bound:
    """Return what opens a bucket."""
    return OPEN, {"name": name} | AT.binds


def is_postgres(database: Database) -> bool:
    """Whether statements can be prepared."""
    return database.engine.dialect.name == "postgresql"


def prepared(db: Session) -> int:
    """Return how many statements the server has prepared for this connection."""
    told = "SELECT count(*) FROM pg_prepared_statements WHERE starts_with(name, 'direct')"
    return int(db.connection().exec_driver_sql(told).scalar_one())


def execute(db: Session, *statements: Bound) -> None:
    """Execute one statement, or several together."""
    if len(statements) == 1:
        direct(db, *statements[0])
    else:
        direct_together(db, *statements)


def buckets(database: Database) -> dict[str, int]:
    """Return the tries in each bucket."""
    with database.reading() as db:
        return {row.bucket: row.tries for row in db.execute(select(Throttle.bucket, Throttle.tries))}


@pytest.mark.parametrize("kind", ["reading", "writing"])
@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (CREDENTIALS, {"after": 3} | AT.binds),
        (AFFILIATIONS, {"today": AT.today}),
        (EVENTS, {"most": 3}),
        (NAMED, {"uni_ids": ["nobody", "neither"]}),
    ],
)
def test_the_rows_are_those_of_the_library(
    school: Database, kind: str, statement: Any, values: dict[str, Any]
) -> None:
    with getattr(school, kind)() as db:
        expected = db.connection().execute(statement, values).all()
        found = direct(db, statement, values)
    assert [tuple(row) for row in found] == [tuple(row) for row in expected]
    assert [type(value) for row in found for value in row] == [
        type(value) for row in expected for value in row
    ]
    assert statement is NAMED or found[0]._fields == expected[0]._fields


@pytest.mark.parametrize("kind", ["reading", "writing"])
def test_what_is_said_often_is_prepared_and_finds_the_same(school: Database, kind: str) -> None:
    with getattr(school, kind)() as db:
        asked = [(CREDENTIALS, {"after": n} | AT.binds) for n in range(3)]
        first = [direct(db, *one) for one in asked]
        assert len({str(rows) for rows in first}) == 3
        for _ in range(direct_module.PREPARED_AFTER):
            assert [direct(db, *one) for one in asked] == first
        if is_postgres(school):
            assert prepared(db) == 1


def test_two_statements_that_differ_only_in_what_is_fixed_are_two(school: Database) -> None:
    """As the limits of two kinds of places do."""
    plus = bindparam("n", type_=Integer())
    one, two = (often(select((literal(fixed) + plus).label("sum"))) for fixed in (100, 200))
    with school.reading() as db:
        for n in range(2 * direct_module.PREPARED_AFTER):
            assert direct(db, one, {"n": n}).scalar() == 100 + n
            assert direct(db, two, {"n": n}).scalar() == 200 + n


def test_every_statement_that_is_to_be_kept_ready_can_be(school: Database) -> None:
    """PostgreSQL must find the type of each value by itself."""
    if not is_postgres(school):
        return
    names = [one.name for one in pkgutil.walk_packages(app.domain.__path__, "app.domain.")]
    found = [value for name in names for value in vars(importlib.import_module(name)).values()]
    spread = [one for value in found for one in (value.values() if isinstance(value, dict) else [value])]
    kept = [one for one in spread if isinstance(one, Executable) and one in direct_module._OFTEN]
    made = [one for one in kept if not isinstance(one, sqlite.Insert)]
    assert len(made) > 12
    with school.writing() as db:
        for one in made:
            compiled = direct_module._compile(one, school.engine.dialect, {})
            assert compiled is not None
            assert compiled.prepared is not None
            cursor = db.connection().connection.cursor()
            cursor.execute(compiled.prepared.preparing, compiled.fixed)
        assert prepared(db) > 10


def test_a_list_is_planned_for_the_values_at_hand(school: Database) -> None:
    """One plan for a class of thirty and a school of thousands read the whole school for each."""
    if not is_postgres(school):
        return
    names = select(User.username).order_by(User.id).limit(bindparam("most"))
    with school.reading() as db:
        for most in range(2 * direct_module.PREPARED_AFTER):
            direct(db, names, {"most": most})
        assert prepared(db) == 0


def test_s_80_behind_a_pooler_that_swaps_connections_nothing_is_prepared_any_more(
    school: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads notices nothing; of those who write one is told to come again."""
    if not is_postgres(school):
        return
    told: list[str] = []
    monkeypatch.setattr(direct_module, "_pooler", threading.Event())
    monkeypatch.setattr(direct_module.log, "warning", told.append)
    with school.reading() as reading, school.writing() as writing:
        for db in (reading, writing):
            for _ in range(direct_module.PREPARED_AFTER + 1):
                direct(db, EVENTS, {"most": 2})
            assert prepared(db) == 1
            db.connection().exec_driver_sql("DEALLOCATE ALL")  # what another server would know
        writing.commit()
        with pytest.raises(DBAPIError):
            direct(writing, EVENTS, {"most": 2})
        writing.rollback()
        for db in (reading, writing):
            for _ in range(2 * direct_module.PREPARED_AFTER):
                assert len(direct(db, EVENTS, {"most": 2})) == 2
            assert prepared(db) == 0
    assert len(told) == 1
    assert "pooler" in told[0]


def test_s_80_a_reader_behind_a_pooler_is_answered_all_the_same(
    school: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_postgres(school):
        return
    monkeypatch.setattr(direct_module, "_pooler", threading.Event())
    with school.reading() as db:
        for _ in range(direct_module.PREPARED_AFTER + 1):
            direct(db, EVENTS, {"most": 2})
        db.connection().exec_driver_sql("DEALLOCATE ALL")
        assert len(direct(db, EVENTS, {"most": 2})) == 2


def test_s_82_what_is_prepared_is_made_anew_where_a_table_has_changed(school: Database) -> None:
    """A migration beside running workers: readers notice nothing, and of those who write at most one."""
    if not is_postgres(school):
        return
    names = often(select(User.username).order_by(User.id).limit(bindparam("most")))
    for kind in ("reading", "writing"):
        with getattr(school, kind)() as db:
            for _ in range(direct_module.PREPARED_AFTER + 2):
                assert len(direct(db, names, {"most": 2})) == 2
    with school.engine.begin() as connection:
        connection.execute(text('ALTER TABLE "user" ALTER username TYPE varchar(400)'))
    with school.reading() as db:
        assert len(direct(db, names, {"most": 2})) == 2
    with school.writing() as db, pytest.raises(DBAPIError):
        direct(db, names, {"most": 2})
    for _ in range(direct_module.PREPARED_AFTER + 2):
        for kind in ("reading", "writing"):
            with getattr(school, kind)() as db:
                assert len(direct(db, names, {"most": 2})) == 2


def test_what_cannot_be_prepared_is_tried_once_a_connection(school: Database) -> None:
    """Nothing tells PostgreSQL what type the value has; that is told once, and then it is said as before."""
    if not is_postgres(school):
        return
    odd = often(select(func.json_build_object(bindparam("name"), 1).label("made")))
    with school.writing() as db:
        for _ in range(direct_module.PREPARED_AFTER):
            assert direct(db, odd, {"name": "n"})
        with pytest.raises(DBAPIError):
            direct(db, odd, {"name": "n"})
        db.rollback()
        for _ in range(direct_module.PREPARED_AFTER):
            assert direct(db, odd, {"name": "n"})


def test_a_statement_must_hold_all_its_values_and_is_given_no_other(school: Database) -> None:
    """The library would ask the model for a default; here nothing would be written, in silence."""
    missing = insert(table(LoginFlow)).values(token_mark=bindparam("mark"))
    named = select(User.id).where(User.id == bindparam("which", 5))
    with school.writing() as db:
        with pytest.raises(ValueError, match="every value"):
            direct(db, missing, {"mark": "m"})
        with pytest.raises(ValueError, match="fixes"):
            direct(db, named, {"which": 6})


def test_a_list_may_come_with_the_values(school: Database) -> None:
    with school.reading() as db:
        anna = user_of(db, ANNA)
        for uni_ids in ([anna.uni_id], [anna.uni_id, "nobody"], []):
            assert direct(db, NAMED, {"uni_ids": uni_ids}) == ([(anna.id,)] if uni_ids else [])


def test_what_is_written_is_written_and_what_is_returned_is_read(school: Database) -> None:
    with school.writing() as db:
        assert direct(db, *opening("a")) == []
        row = direct(db, COUNT, {"name": "a"}).one()
        assert row.tries == 2
        assert row.last_at.tzinfo is not None
        assert direct(db, COUNT, {"name": "b"}).first() is None
        assert direct(db, COUNT, {"name": "a"}).scalar() == 3
        db.commit()
        direct(db, CLOSE, {"name": "a"})  # and that is undone
    assert buckets(school) == {"a": 3}


def test_a_value_that_is_missing_is_said(school: Database) -> None:
    with school.writing() as db, pytest.raises(KeyError):
        direct(db, COUNT, {})


def test_there_must_be_one_row_where_one_is_asked_for(school: Database) -> None:
    with school.reading() as db:
        for most in (0, 2):
            with pytest.raises(LookupError):
                direct(db, EVENTS, {"most": most}).one()


def test_statements_together_are_done_in_their_order(school: Database) -> None:
    with school.writing() as db:
        direct_together(db, opening("a"), opening("b"), (CLOSE, {"name": "a"}), opening("a%(name)s;?"))
        db.commit()
    assert buckets(school) == {"b": 1, "a%(name)s;?": 1}


@pytest.mark.parametrize("is_together", [True, False])
def test_what_the_database_refuses_is_told_as_the_library_tells_it_and_nothing_of_it_stays(
    school: Database, *, is_together: bool
) -> None:
    with school.writing() as db:
        direct(db, *opening("a secret"))
        bound = [opening("b"), opening("a secret")] if is_together else [opening("a secret")]
        with pytest.raises(IntegrityError) as refused:
            execute(db, *bound)
        db.rollback()
        direct(db, *opening("c"))
        db.commit()
    assert refused.value.params is None
    assert buckets(school) == {"c": 1}


def test_who_listens_to_the_library_hears_it_all(school: Database) -> None:
    with school.writing() as db, store.heard(school) as asked:
        direct_together(db, opening("a"), (CLOSE, {"name": "a"}))
        direct(db, EVENTS, {"most": 1})
    heard = [statement.split()[0] for statement, _values in asked]
    assert [word for word in heard if word != "BEGIN"] == ["INSERT", "DELETE", "SELECT"]


@pytest.mark.parametrize("kind", ["reading", "writing"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_lost_connection_is_told_once_and_not_used_again(school: Database, kind: str, number: int) -> None:
    if not is_postgres(school):
        return  # a file does not hang up
    asked: Bound = (EVENTS, {"most": 1})
    with getattr(school, kind)() as db, getattr(school, kind)() as waiting:
        assert direct(waiting, *asked)
        assert direct(db, *asked)
        mine = db.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar()
        with school.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 4000)"), {"pid": mine})
        with pytest.raises(OperationalError) as lost:
            execute(db, *([asked] * number))
        assert lost.value.connection_invalidated
    for _ in range(3):
        with getattr(school, kind)() as db:
            assert direct(db, *asked)


def test_a_session_of_single_statements_serves_the_orm_over_the_same_connection(school: Database) -> None:
    with school.reading() as db:
        first = direct(db, EVENTS, {"most": 1}).one()
        whole = db.get(AuditEvent, first.id)
        assert whole is not None
        assert whole.at == first.at
        assert sum(engine.pool.checkedout() for engine in school.engines) == 1  # type: ignore[attr-defined]
    assert sum(engine.pool.checkedout() for engine in school.engines) == 0  # type: ignore[attr-defined]


def test_nothing_can_be_left_behind_by_a_session_that_reads(school: Database) -> None:
    """A lock or a transaction that stays open would hold others up."""
    with school.reading() as db:
        direct(db, EVENTS, {"most": 1})
        with school.writing() as writing:
            direct(writing, *opening("a"))
            writing.commit()
    assert buckets(school) == {"a": 1}
    with pytest.raises(DBAPIError), school.reading() as db:
        db.execute(text("SELECT nothing FROM nowhere"))
    assert buckets(school) == {"a": 1}
