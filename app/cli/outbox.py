"""`flask outbox`: the mails, and whether they have gone."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli import terminal
from app.db import COPENHAGEN
from app.domain import outbox as mails
from app.domain.outbox import State


@click.group(cls=AppGroup)
def outbox() -> None:
    """Look after the mails on their way out."""


@outbox.command("list")
@click.option("--limit", default=50, show_default=True, help="How many, the newest first.")
@click.option("--bodies", is_flag=True, help="Also what stands in them.")
def list_(limit: int, bodies: bool) -> None:
    """List the mails, the newest first: number, when it was written, state, recipient, subject."""
    with terminal.reading() as db:
        for one in mails.list_newest(db, limit):
            state = one.state.name.lower()
            if one.state is State.WAITING and one.tries:
                state += f" ({one.tries} tries: {one.fault or 'none'})"
            elif one.state is State.FAILED:
                state += f" ({one.fault})"
            written = f"{one.written_at.astimezone(COPENHAGEN):%Y-%m-%d %H:%M}"
            click.echo(terminal.plain(f"{one.id}  {written}  {state}  {one.recipient}  {one.subject}"))
            if bodies:
                for line in one.body.splitlines():
                    click.echo(terminal.plain(f"    {line}"))


@outbox.command()
@click.argument("number", type=int)
def retry(number: int) -> None:
    """Let the mail with this NUMBER be tried at once, also one that was given up."""
    with terminal.writing() as (db, now):
        if not mails.retry(db, number, now):
            terminal.fail("no mail with that number waits or was given up")
    click.echo(f"Mail {number} is tried within seconds, by a running server.")
