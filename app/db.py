"""The database: engine, times, and the one transaction of a request.

SQLite and PostgreSQL serve the same code (S-80). What differs between them stands in this file.
"""

from __future__ import annotations

import enum
import hashlib
import os
import sqlite3
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CursorResult,
    Dialect,
    Engine,
    Enum,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.world import Clock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
SKEW_SECONDS = 60
SQLITE_PATIENCE_SECONDS = 5

# Told to PostgreSQL once a connection; through a pooler set them on the role instead.
POSTGRES_OPTIONS = (
    "-c timezone=UTC -c synchronous_commit=on -c lock_timeout=4s -c statement_timeout=8s"
    " -c idle_in_transaction_session_timeout=15s"
)


class UtcTime(TypeDecorator[datetime]):
    """An instant in UTC: `timestamptz` on PostgreSQL, whole microseconds since 1970 on SQLite."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of the database at hand."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Hand an aware instant to the database."""
        if value is None or dialect.name == "postgresql":
            return value
        return (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Take an instant from the database, in UTC."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return EPOCH + timedelta(microseconds=value)


class Base(DeclarativeBase):
    """The parent of every table; instants are kept in UTC."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        enum.Enum: Enum(enum.Enum, native_enum=False, create_constraint=False, length=32),
        datetime: UtcTime(),
        int: BigInteger().with_variant(sqlite.INTEGER(), "sqlite"),
    }


def table(model: type[Base]) -> Table:
    """Return a model's table, for statements that go past the ORM."""
    return cast(Table, model.__table__)


def is_too_long(text: str, column: InstrumentedAttribute[str]) -> bool:
    """Whether a column does not hold a text; SQLite would take it, and PostgreSQL stop the statement."""
    return len(text) > longest(column)


def longest(column: InstrumentedAttribute[str]) -> int:
    """Return how many characters a column holds, one that says it."""
    return cast(int, cast(String, column.type).length)


# A sweep is many short transactions: a long one would hold up logins, and be cut off by the time limit.
SWEPT_AT_ONCE = 2000


def swept(db: Session, model: type[Base], is_over: ColumnElement[bool]) -> int:
    """Remove at most `SWEPT_AT_ONCE` of the rows that a condition holds for; returns how many went."""
    key = table(model).primary_key.columns
    which = select(*key).where(is_over).limit(SWEPT_AT_ONCE)
    gone = db.execute(delete(model).where(tuple_(*key).in_(which)))
    return cast("CursorResult[Any]", gone).rowcount


def take_turns(db: Session, *names: str) -> None:
    """Wait until no other transaction is at any of these names; it is this one's turn until its end.

    On SQLite whoever writes is alone anyway. The locks are the transaction's, so a pooler is no matter.
    """
    if db.get_bind().dialect.name != "postgresql":
        return
    marks = (hashlib.sha256(name.encode()).digest()[:8] for name in names)
    # In one order, so that two who want the same wait for each other and never for ever.
    for number in sorted({int.from_bytes(mark, "big", signed=True) for mark in marks}):
        db.execute(select(func.pg_advisory_xact_lock(number)))


class later(FunctionElement[datetime]):  # noqa: N801 - reads as a function in SQL expressions
    """`later(instant, seconds)`: the instant so many seconds on, reckoned by the database."""

    type = UtcTime()
    inherit_cache = True
    name = "later"


@compiles(later)
def _later_in_microseconds(element: later, compiler: SQLCompiler, **kw: Any) -> str:
    instant, seconds = element.clauses
    return f"({compiler.process(instant, **kw)} + ({compiler.process(seconds, **kw)}) * 1000000)"


@compiles(later, "postgresql")
def _later_in_intervals(element: later, compiler: SQLCompiler, **kw: Any) -> str:
    instant, seconds = element.clauses
    return f"({compiler.process(instant, **kw)} + ({compiler.process(seconds, **kw)}) * interval '1 second')"


class present(FunctionElement[datetime]):  # noqa: N801 - reads as a function in SQL expressions
    """The present inside a statement (S-07): PostgreSQL's own clock, elsewhere the one handed in."""

    type = UtcTime()
    inherit_cache = True
    name = "present"


@compiles(present)
def _present_handed_in(element: present, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses.clauses[0], **kw)


@compiles(present, "postgresql")
def _present_of_server(element: present, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(clock_timestamp() + {compiler.process(element.clauses.clauses[1], **kw)})"


# For statements that are made once: execute them with the binds of an `Instant`.
NOW = present(bindparam("now_at", type_=UtcTime()), bindparam("now_offset", type_=postgresql.INTERVAL()))


def after(seconds: float) -> ColumnElement[datetime]:
    """Return the instant `seconds` after `NOW`; negative ones lie before."""
    return later(NOW, literal(seconds))


@dataclass(frozen=True, slots=True)
class Instant:
    """The present: `at` for showing and reckoning here, the rest for judging inside a statement (S-07)."""

    at: datetime
    offset: timedelta = timedelta(0)

    @property
    def binds(self) -> dict[str, Any]:
        """What a statement that holds `NOW` is executed with."""
        return {"now_at": self.at, "now_offset": self.offset}

    @property
    def sql(self) -> ColumnElement[datetime]:
        """The present as an expression with its value inside, for a statement made on the spot."""
        return present(literal(self.at, UtcTime()), literal(self.offset, postgresql.INTERVAL()))

    @property
    def today(self) -> date:
        """The day it is in Denmark."""
        return self.at.astimezone(COPENHAGEN).date()

    def after(self, seconds: float) -> ColumnElement[datetime]:
        """Return the instant `seconds` from now, as an expression; negative ones lie before."""
        return later(self.sql, literal(seconds))


def instant(clock: Clock) -> Instant:
    """Return the present by the one clock."""
    return Instant(clock.now(), clock.offset)


class SingleStatements(Session):
    """A session that reads where no statement needs another: it begins nothing."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine; nothing is connected yet."""
        super().__init__(autoflush=False, expire_on_commit=False)
        self._engine = engine
        self._opened: Connection | None = None

    def open(self) -> Connection:
        """Return the connection, the same one until the end."""
        if self._opened is None:
            self._opened = self._engine.connect()
        return self._opened

    def get_bind(self, *_about: Any, **_more: Any) -> Connection:
        """Let the ORM use the same connection."""
        return self.open()

    def close(self) -> None:
        """Give the connection back."""
        super().close()
        if self._opened is not None:
            self._opened.close()
            self._opened = None


class Database:
    """The engines, and the two kinds of session a request may hold."""

    def __init__(self, url: str, *, pool: int = 5) -> None:
        """Open `url` with at most `pool` connections of a kind kept; nothing is connected yet."""
        self.engine = _engine(url, pool)
        # A reading request on PostgreSQL asks single statements: no BEGIN and ROLLBACK around each. To turn a
        # connection that way and back costs as much as asking, so they have connections of their own.
        is_postgres = self.engine.dialect.name == "postgresql"
        self._for_single = _engine(url, pool, isolation_level="AUTOCOMMIT") if is_postgres else None
        self._for_writing = self.engine.execution_options(is_writing=True)

    @property
    def engines(self) -> set[Engine]:
        """What has connections of its own."""
        return {self.engine} if self._for_single is None else {self.engine, self._for_single}

    def reading(self) -> Session:
        """Return a session that only reads."""
        if self._for_single is not None:
            return SingleStatements(self._for_single)
        return Session(self.engine, autoflush=False, expire_on_commit=False)

    def writing(self) -> Session:
        """Return a session whose transaction may write; SQLite takes its lock at BEGIN (S-80)."""
        return Session(self._for_writing, expire_on_commit=False)

    def dispose(self) -> None:
        """Close the connections that are not in use."""
        for engine in self.engines:
            engine.dispose()


def _engine(url: str, pool: int, **options: Any) -> Engine:
    kept = {"pool_size": pool, "max_overflow": 2, "pool_timeout": 5}
    if url.startswith("postgresql"):
        told = {"options": POSTGRES_OPTIONS, "connect_timeout": 5}
        engine = create_engine(url, **kept, pool_recycle=1800, connect_args=told, **options)
        event.listen(engine, "connect", _count_uses)
        return engine
    engine = create_engine(url, **kept)
    event.listen(engine, "do_connect", _make_for_owner)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _count_uses(_connection: Any, record: Any) -> None:
    """Let a new connection count how often it executes what, for `app.direct` to prepare it."""
    record.info["uses"] = {}


def _make_for_owner(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
    """Make the file, where it is missing, readable for its owner alone; SQLite's own beside it follow it."""
    # Never opened here: closing a file lets go of every lock that SQLite has on it in this process. What is
    # wrong with a path SQLite says better.
    with suppress(OSError):
        os.mknod(arguments[0], stat.S_IFREG | 0o600)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    connection.execute(f"PRAGMA busy_timeout={SQLITE_PATIENCE_SECONDS * 1000}")
    _turn_to_wal(connection)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _turn_to_wal(connection: Any) -> None:
    """Keep the log beside the file. Of several who open a new file at once SQLite turns all but one away.

    It does not wait then, whatever the timeout, as two who wait for each other never end. So ask again.
    """
    until = time.monotonic() + SQLITE_PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
