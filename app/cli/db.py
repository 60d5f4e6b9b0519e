"""`flask db`: the tables."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli import terminal
from app.migrations import migrate


@click.group(cls=AppGroup)
def db() -> None:
    """Look after the tables."""


@db.command()
def upgrade() -> None:
    """Bring the tables up to date; what is in them stays."""
    with terminal.answering():
        migrate(terminal.database())
    click.echo("The tables are up to date.")
