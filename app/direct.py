"""Statements that are made once, executed past the library's own way, which took a fifth of a login's CPU.

SQLAlchemy still writes the SQL, converts the values and owns the connection. What is left out is what it
does anew at each execution: looking the compiled statement up, and building a context, a result and its rows.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import re
import threading
from collections import namedtuple
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from app.db import SingleStatements

log = logging.getLogger("app.database")
P = ParamSpec("P")
# A value's place in a statement for psycopg2.
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
# How often a connection executes a statement before it is worth preparing.
PREPARED_AFTER = 4
# What a server says to a name that it does not know, or knows already: it is another one than we spoke to.
ANOTHER_SERVER = ("26000", "42P05")
# What it says where a table that a prepared statement reads has got columns of another type.
ANOTHER_SHAPE = "0A000"
# So few times that no number of further ones comes to as many.
NEVER = -(10**12)
Convert = Callable[[Any], Any]
Values = Mapping[str, Any]
# A statement that was made once, with its values.
Bound = tuple[Executable, Values]


class Rows(list[Any]):
    """What a statement found: named tuples."""

    def first(self) -> Any | None:
        """Return the first row, or None."""
        return self[0] if self else None

    def one(self) -> Any:
        """Return the only row.

        Raises:
            LookupError: there is none, or another one.

        """
        if len(self) != 1:
            raise LookupError(f"{len(self)} rows where there should be one")
        return self[0]

    def scalar(self) -> Any | None:
        """Return the first row's first value, or None."""
        return self[0][0] if self else None


class Prepared:
    """A statement of psycopg2's as PostgreSQL keeps it parsed and planned for a connection.

    The name follows from the statement with its fixed values, so that whatever a server knows by it, from
    whatever version of ours, is the very same.
    """

    def __init__(self, sql: str, given: Container[str], fixed: Values) -> None:
        """Number the values that are `given` at each execution, each place by itself: types may differ."""
        numbers = itertools.count(1)
        numbered = PLACEHOLDER.sub(lambda place: f"${next(numbers)}" if place[1] in given else place[0], sql)
        places = ", ".join(place[0] for place in PLACEHOLDER.finditer(sql) if place[1] in given)
        whole = f"{numbered} {sorted(fixed.items())!r}"
        self.name = f"direct_{hashlib.sha256(whole.encode()).hexdigest()[:32]}"
        # What is the same each time is written into it.
        self.preparing = f"PREPARE {self.name} AS {numbered}"
        self.executing = f"EXECUTE {self.name}" + (f"({places})" if places else "")


class Compiled:
    """A statement as one kind of database takes it."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        """Compile it; its values' and its columns' types say what is converted.

        Raises:
            ValueError: a column would get its value from the model, which is not asked here.

        """
        compiled: SQLCompiler = statement.compile(dialect=dialect)
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise ValueError(f"every value must be in the statement: {compiled.string}")
        given = {name: None for name in compiled.params if compiled.binds[name].required}
        # Lists that are part of the statement are written out.
        written = compiled.construct_expanded_state(given)
        self.sql: str = written.statement
        self._order = written.positiontup
        self.fixed: dict[str, Any] = {}
        self._given: list[tuple[str, Convert | None]] = []
        for name, value in written.parameters.items():
            if name in compiled.binds:
                convert = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            else:  # of a list
                convert = written.processors.get(name)
            if name in given:
                self._given.append((name, convert))
            else:
                self.fixed[name] = convert(value) if convert else value
        self.prepared: Prepared | None = None
        if dialect.name == postgresql.dialect.name and statement in _OFTEN:
            self.prepared = Prepared(self.sql, given, self.fixed)
        columns = statement.exported_columns
        self._row: Any = namedtuple("Row", columns.keys(), rename=True) if len(columns) else None
        self._converts: list[tuple[int, Convert]] = []
        for index, column in enumerate(columns):
            back = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if back is not None:
                self._converts.append((index, back))

    def bound(self, values: Values) -> Any:
        """Return the values as the driver takes them.

        Raises:
            KeyError: one is not given.

        """
        bound = self.fixed.copy()
        for name, convert in self._given:
            value = values[name]
            bound[name] = convert(value) if convert is not None else value
        return bound if self._order is None else tuple(bound[name] for name in self._order)

    def rows(self, cursor: Any) -> Rows:
        """Return what a cursor found."""
        if self._row is None:
            return Rows()
        make, converts = self._row._make, self._converts
        if not converts:
            return Rows(map(make, cursor.fetchall()))
        rows = Rows()
        for found in cursor.fetchall():
            row = list(found)
            for index, convert in converts:
                row[index] = convert(row[index])
            rows.append(make(row))
        return rows


# The statements that are prepared.
_OFTEN: set[Executable] = set()
S = TypeVar("S", bound=Executable)


def often(statement: S) -> S:
    """Note that a statement is one that PostgreSQL is to keep ready, and return it.

    Only for what finds its rows by keys: one plan serves all values then. A list that one class has thirty of
    and another three hundred is planned for the values at hand, each time.
    """
    _OFTEN.add(statement)
    return statement


# By statement and kind of database; None for those whose lists come with the values.
_COMPILED: dict[tuple[Executable, str], Compiled | None] = {}


def direct(db: Session, statement: Executable, values: Values) -> Rows:
    """Execute a statement that was made once, in the transaction of a session.

    Raises:
        DBAPIError: the database refused it, or is away.

    """
    connection = _connection(db)
    compiled = _compiled(connection, statement, values)
    if compiled is None:
        result = connection.execute(statement, values)
        return Rows(result) if result.returns_rows else Rows()
    try:
        cursor: Any = connection.connection.cursor()
        cursor.execute(_said(connection, cursor, compiled), compiled.bound(values))
        return compiled.rows(cursor)
    except connection.dialect.loaded_dbapi.Error as error:
        if _gives_up_prepared(connection, error) and isinstance(db, SingleStatements):
            return direct(db, statement, values)
        raise _told(connection, compiled.sql, error) from error


def executing(make: Callable[P, Bound]) -> Callable[Concatenate[Session, P], None]:
    """Return what executes the statement that `make` returns."""

    def execute(db: Session, /, *args: P.args, **values: P.kwargs) -> None:
        direct(db, *make(*args, **values))

    return execute


def direct_together(db: Session, *statements: Bound) -> None:
    """Execute statements one after the other, of which nothing is asked; PostgreSQL gets them at once.

    Raises:
        DBAPIError: the database refused one of them, or is away.

    """
    connection = _connection(db)
    compiled = [_compiled(connection, statement, values) for statement, values in statements]
    if connection.dialect.name != postgresql.dialect.name or None in compiled:
        for statement, values in statements:
            direct(db, statement, values)
        return
    try:
        cursor: Any = connection.connection.cursor()
        parts = [
            cursor.mogrify(_said(connection, cursor, one), one.bound(values))
            for one, (_statement, values) in zip(compiled, statements, strict=True)
            if one is not None
        ]
        cursor.execute(b";".join(parts))
    except connection.dialect.loaded_dbapi.Error as error:
        _gives_up_prepared(connection, error)
        raise _told(connection, "several statements", error) from error


def _connection(db: Session) -> Connection:
    if isinstance(db, SingleStatements):
        return db.open()
    connection: Connection | None = db.info.get("connection")
    if connection is None or connection.closed:  # a transaction has ended since
        connection = db.info["connection"] = db.connection()
    return connection


def _compiled(connection: Connection, statement: Executable, values: Values) -> Compiled | None:
    if connection.engine.dispatch.before_cursor_execute:
        return None  # whoever listens to what the library executes is to hear this, too
    key = (statement, connection.dialect.name)
    try:
        return _COMPILED[key]
    except KeyError:
        compiled = _COMPILED[key] = _compile(statement, connection.dialect, values)
        return compiled


def _compile(statement: Any, dialect: Dialect, values: Values) -> Compiled | None:
    binds = statement.compile(dialect=dialect).binds.values()
    if any(bind.expanding and bind.required for bind in binds):
        return None
    compiled = Compiled(statement, dialect)
    if not values.keys().isdisjoint(compiled.fixed):
        raise ValueError(f"what a statement fixes is not given to it: {compiled.sql}")
    return compiled


def _said(connection: Connection, cursor: Any, compiled: Compiled) -> str:
    """Return how a statement is said over this connection; what is said often is prepared first."""
    uses: dict[str, int] | None = connection.info.get("uses")
    if uses is None or compiled.prepared is None or _pooler.is_set():
        return compiled.sql
    name = compiled.prepared.name
    before = uses.get(name, 0)
    if before > PREPARED_AFTER:
        return compiled.prepared.executing
    if before == PREPARED_AFTER:
        uses[name] = NEVER  # unless it can be
        cursor.execute(compiled.prepared.preparing, compiled.fixed)
    uses[name] = before + 1
    return compiled.sql


# Set where a pooler was met that gives us now this, now that connection to the server: nothing that a
# connection knows can be relied on then (S-80).
_pooler = threading.Event()


def _gives_up_prepared(connection: Connection, error: Any) -> bool:
    """Whether an error is of what is prepared, on which nothing relies from here on: one may ask again."""
    code = getattr(error, "pgcode", None)
    if code == ANOTHER_SHAPE and connection.info.get("uses"):
        # Tables were changed since, and what other connections have prepared is as old.
        connection.invalidate()
        connection.engine.dispose()
        return True
    if code not in ANOTHER_SERVER:
        return False
    if not _pooler.is_set():
        _pooler.set()
        log.warning("a pooler swaps connections to the database, so statements are not prepared any more")
    return True


def _told(connection: Connection, sql: str, error: Any) -> BaseException:
    """Return a driver's error as the library tells it; values are not repeated, they may be secret."""
    is_lost = connection.invalidated
    if not is_lost and connection.dialect.is_disconnect(error, connection.connection, None):
        is_lost = True
        # The library is to meet it as well, so that it forgets this connection and those as old.
        with suppress(DBAPIError):
            connection.exec_driver_sql("SELECT 1")
    told: BaseException = DBAPIError.instance(
        sql,
        None,
        error,
        connection.dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=connection.dialect,
    )
    return told
