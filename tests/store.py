"""What the store holds, for tests that tell what an answer must have changed, or left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Table, event, func, select

from app.db import Base, Database
from app.models.audit import AuditEvent

TABLES: dict[str, Table] = dict(Base.metadata.tables)
# What a request of the web can write to; the rest of the school is only read.
WRITTEN = (
    "audit_event",
    "credential",
    "known_device",
    "login_flow",
    "mitid_trip",
    "pending_password",
    "recovery_flow",
    "sso_session",
    "throttle",
    "user",
)


@contextmanager
def heard(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect what the database is asked, with the values."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_rest: object) -> None:
        asked.append((statement, values))

    for engine in database.engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        for engine in database.engines:
            event.remove(engine, "before_cursor_execute", note)


def of_kinds(asked: list[tuple[str, Any]], *kinds: str) -> list[str]:
    """Return the statements of some kinds, in the order in which they were asked."""
    return [kind for statement, _values in asked for kind in kinds if statement.startswith(kind)]


def content(database: Database, *names: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of the tables that requests write to, or of those named."""
    with database.reading() as db:
        return {
            name: sorted((tuple(row) for row in db.execute(select(TABLES[name]))), key=repr)
            for name in names or WRITTEN
        }


def count(database: Database, name: str) -> int:
    """Return how many rows a table has."""
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(TABLES[name])) or 0


def tries(database: Database) -> int:
    """Return how many tries at a secret are counted in all."""
    with database.reading() as db:
        return db.scalar(select(func.coalesce(func.sum(TABLES["throttle"].c.tries), 0))) or 0


def events(database: Database, name: str | None = None) -> list[AuditEvent]:
    """Return what was done, oldest first; of one kind where it is named."""
    with database.reading() as db:
        found = db.scalars(select(AuditEvent).order_by(AuditEvent.id))
        return [one for one in found if name in (None, one.event)]


def all_text(database: Database) -> str:
    """Return everything in the store as one text, to search for what must not be there."""
    return json.dumps(content(database, *TABLES), default=repr, ensure_ascii=False)
