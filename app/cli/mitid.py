"""`flask mitid`: the way to MitID."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli import terminal
from app.protocols.mitid import SECONDS, for_settings


@click.group(cls=AppGroup)
def mitid() -> None:
    """Look after the way to MitID."""


@mitid.command()
def check() -> None:
    """Ask the configured broker, and tell what is right and what is wrong; exit code 1 where anything is.

    Nobody is logged in by it, and the secret is never shown.
    """
    from app.protocols.mitid import inspection  # noqa: PLC0415 - the other commands need no HTTP

    config = terminal.config()
    broker = for_settings(config.mitid, is_demo=config.is_demo)
    if broker is None:
        terminal.fail(
            "MITID_BROKER is none: nobody is offered MitID; see README.md, Connect a real MitID broker"
        )
    click.echo(f"MitID through {config.mitid.broker}")
    wrong = 0
    for finding in inspection.inspect(broker, config.mitid_return, SECONDS):
        click.echo(f"{finding.verdict:>5}  {terminal.plain(finding.text)}")
        wrong += finding.verdict is inspection.Verdict.WRONG
    click.echo(f"The broker must know this address to come back to: {config.mitid_return}")
    if wrong:
        terminal.fail(f"the way to MitID does not work: {wrong} {'fault' if wrong == 1 else 'faults'}")
    click.echo("The way to MitID works as far as can be seen without a person.")
