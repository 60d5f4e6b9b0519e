"""`flask keys`: the keys outside the database. Nothing here ever prints one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from app import keys as keyring
from app.cli import terminal
from app.domain import audit, resealing
from app.domain.audit import Event
from app.domain.resealing import Batch
from app.keys import KeysError, Purpose

CONSEQUENCES = {
    Purpose.PASSWORD_STORE: "Then seal the stored passwords anew: flask keys reseal",
    Purpose.CPR_STORE: "Then seal the CPR numbers anew: flask keys reseal",
    Purpose.TOKEN: "Everybody is logged out by it, and devices count as unknown once more."
    " Restart every worker at once.",
}


@click.group(cls=AppGroup)
def keys() -> None:
    """Make and change the keys."""


@keys.command(with_appcontext=False)
@click.argument("file", type=click.Path(path_type=Path))
def new(file: Path) -> None:
    """Make FILE with fresh keys, readable by its owner alone; a file that is there is never touched."""
    if file.exists():
        terminal.fail(f"{file} is there already")
    try:
        keyring.new().write(file)
    except OSError as error:
        terminal.fail(f"{file} cannot be written: {error.strerror}")
    click.echo(f"Wrote {file}. Keep a copy apart from the database's: without it nobody can log in.")


@keys.command()
@click.argument("purpose", type=click.Choice([str(purpose) for purpose in Purpose]))
def rotate(purpose: str) -> None:
    """Put a fresh key for PURPOSE in use; the older ones still read what they sealed."""
    path = terminal.config().keys_file
    try:
        rotated = keyring.read(path).with_new(Purpose(purpose))
        with terminal.writing() as (db, now):
            audit.record(db, Event.KEY_ROTATED, now, purpose=purpose, operator=terminal.operator())
            rotated.write(path)
    except KeysError as error:
        terminal.fail(str(error))
    except OSError as error:
        terminal.fail(f"{path} cannot be written: {error.strerror}")
    click.echo(f"A fresh key for {purpose} is in use in {path}. Restart every server now.")
    if consequence := CONSEQUENCES.get(Purpose(purpose)):
        click.echo(consequence)


@keys.command()
def reseal() -> None:
    """Seal stored passwords and CPR numbers anew under the keys in use; run it after the restart."""
    ring, hasher = terminal.keys(), terminal.hasher()
    passwords = _all(lambda db, last: resealing.reseal_passwords(db, hasher, last))
    click.echo(f"{passwords} passwords sealed anew")
    numbers = _all(lambda db, last: resealing.reseal_cpr_numbers(db, ring, last))
    click.echo(f"{numbers} CPR numbers sealed anew")


def _all(step: Callable[[Session, int], Batch]) -> int:
    """Take batch after batch, a transaction each, so that logins go on meanwhile."""
    last, total = 0, 0
    while True:
        with terminal.writing() as (db, _now):
            batch = step(db, last)
        total += batch.sealed
        if batch.last_id is None:
            return total
        last = batch.last_id
