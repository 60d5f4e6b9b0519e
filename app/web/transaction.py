"""The one transaction of a request: a returned answer commits, an exception undoes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app, g, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.config import Config
from app.db import Database, Instant, instant
from app.domain.passwords import Hasher
from app.keys import Keys
from app.world import World

READING = ("GET", "HEAD", "OPTIONS")


def db() -> Session:
    """Return the session of this request: GET only reads, all else may write."""
    session: Session | None = g.get("db")
    if session is None:
        database: Database = current_app.extensions["database"]
        session = database.reading() if request.method in READING else database.writing()
        g.db = session
    return session


@contextmanager
def change() -> Iterator[Session]:
    """Open a transaction that writes and is committed at the end, in the place of the one at hand.

    For the one GET that changes something: another site's redirect back (S-63 exempts it by name).
    """
    close(None)
    database: Database = current_app.extensions["database"]
    g.db = database.writing()
    try:
        g.db.connection()  # SQLite may wait here for its turn; whoever asks for the instant comes after
        yield g.db
        g.db.commit()
    finally:
        close(None)


def at_the_end(act: Callable[[], None]) -> None:
    """Let `act` be the last that this request's transaction does before its commit."""
    g.setdefault("last_acts", []).append(act)


@contextmanager
def looking() -> Iterator[Session]:
    """Open a session of its own that only reads, while an answer is made that is being sent already."""
    database: Database = current_app.extensions["database"]
    with database.reading() as session:
        yield session


def now() -> Instant:
    """Return the present by the one clock, asked inside the transaction that it judges (S-07)."""
    if request.method not in READING and not db().in_transaction():
        db().connection()  # SQLite may wait here for its turn; the instant comes after
    return instant(world().clock)


def world() -> World:
    """Return what this process asks of outside."""
    made: World = current_app.extensions["world"]
    return made


def config() -> Config:
    """Return this process's settings."""
    settings: Config = current_app.extensions["config"]
    return settings


def keys() -> Keys:
    """Return this process's ring of keys."""
    ring: Keys = current_app.extensions["keys"]
    return ring


def hasher() -> Hasher:
    """Return what hashes secrets in this process."""
    made: Hasher = current_app.extensions["hasher"]
    return made


class TransactionalFlask(Flask):
    """Flask, with the commit before the answer leaves, so that what is acknowledged is durable (S-03)."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a view as it is: none of ours is a coroutine, which Flask would ask of each anew."""
        return func

    def dispatch_request(self) -> Response:
        """Answer by the view, then commit what it did."""
        answer: Any = super().dispatch_request()
        response: Response = self.make_response(answer)
        session = g.get("db")
        if session is not None and request.method not in READING:
            for act in g.pop("last_acts", ()):
                act()
            session.commit()
        return response


def close(_error: BaseException | None) -> None:
    """Give the connection back; what was not committed is undone."""
    session: Session | None = g.pop("db", None)
    if session is not None:
        session.close()
