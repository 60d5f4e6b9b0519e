"""`flask contact`: what people have written to support."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli import terminal
from app.db import COPENHAGEN
from app.domain import contact as cases
from app.domain.contact import Listed


@click.group(cls=AppGroup)
def contact() -> None:
    """Read what people have written to support."""


@contact.command("list")
@click.option("--limit", default=50, show_default=True, help="How many, the newest first.")
def list_(limit: int) -> None:
    """List the cases, the newest first."""
    with terminal.reading() as db:
        for one in cases.list_newest(db, limit):
            click.echo(_line(one))


@contact.command()
@click.argument("number")
def show(number: str) -> None:
    """Show the case with this NUMBER."""
    with terminal.reading() as db:
        one = cases.find(db, number)
    if one is None:
        terminal.fail("there is no case with that number")
    click.echo(_line(one))
    click.echo(terminal.plain(f"{one.draft.name}  {one.draft.mail}  {one.draft.institution}"))
    for line in one.draft.body.splitlines():
        click.echo(terminal.plain(f"    {line}"))


def _line(one: Listed) -> str:
    received = f"{one.received_at.astimezone(COPENHAGEN):%Y-%m-%d %H:%M}"
    return terminal.plain(
        f"{one.number}  {received}  {one.draft.subject}  {one.draft.writer}  {one.language}  {one.draft.mail}"
    )
