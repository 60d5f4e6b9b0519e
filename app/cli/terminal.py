"""What all commands share: the app's own parts, one transaction, and errors of one line."""

from __future__ import annotations

import os
import pwd
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click
from flask import current_app
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Database, Instant, instant
from app.domain.passwords import Hasher
from app.keys import Keys, KeysError
from app.world import World

# A name in the audit; Linux's own have 32 characters at most.
LONGEST_NAME = 64


def fail(message: str) -> NoReturn:
    """Stop with one line on standard error and exit code 1."""
    raise click.ClickException(message)


def database() -> Database:
    """Return the app's database."""
    found: Database = current_app.extensions["database"]
    return found


def keys() -> Keys:
    """Return the app's ring of keys."""
    found: Keys = current_app.extensions["keys"]
    return found


def hasher() -> Hasher:
    """Return what hashes secrets."""
    found: Hasher = current_app.extensions["hasher"]
    return found


def world() -> World:
    """Return the world outside."""
    found: World = current_app.extensions["world"]
    return found


def config() -> Config:
    """Return the settings."""
    found: Config = current_app.extensions["config"]
    return found


def operator() -> str:
    """Return who sits at the terminal, by the name that this machine knows; also behind `sudo`."""
    behind = os.environ.get("SUDO_USER", "")
    if behind:
        return behind[:LONGEST_NAME]
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number that has no name
        return str(os.getuid())


@contextmanager
def writing() -> Iterator[tuple[Session, Instant]]:
    """Return a session that may write, and the present; what the command did is committed at the end."""
    with answering(), database().writing() as db:
        db.connection()  # SQLite may wait here for its turn; the instant comes after
        yield db, instant(world().clock)
        db.commit()


@contextmanager
def reading() -> Iterator[Session]:
    """Return a session that only reads."""
    with answering(), database().reading() as db:
        yield db


@contextmanager
def answering() -> Iterator[None]:
    """Turn what a database or a key refuses into one line for the operator."""
    try:
        yield
    except (OperationalError, ProgrammingError) as error:
        fail(f"{_said(error)}. Is it running, and has `flask db upgrade` been run?")
    except DBAPIError as error:
        fail(_said(error))
    except KeysError as error:
        fail(str(error))


def _said(error: DBAPIError) -> str:
    # Further lines may tell what was to be stored.
    return f"the database says: {str(error.orig).strip().partition(chr(10))[0]}"


def plain(text: str) -> str:
    """Return a text without characters that could steer the terminal (S-75)."""
    return "".join(c if unicodedata.category(c)[0] != "C" else f"\\u{ord(c):04x}" for c in text)
