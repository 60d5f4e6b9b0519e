"""`flask content`: the guides, questions and news, and whether all of it is as it must be."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli import terminal
from app.db import instant
from app.domain.library import Library
from app.web import stills
from app.web.i18n import SOURCE


@click.group(cls=AppGroup)
def content() -> None:
    """Look after what there is to read."""


@content.command()
def check() -> None:
    """List the guides with code, owner and review, warn of what is old, and tell every fault.

    Exit code 1 where anything is wrong. What is wrong in a file itself stops every command, this one too.
    """
    libraries: dict[str, Library] = current_app.extensions["library"]
    danish = libraries[SOURCE]
    codes = {slug: code for code, slug in danish.codes.items()}
    for guide in danish.guides.values():
        told = f"{codes[guide.slug]}  {guide.reviewed_on}  {guide.owner}  {guide.slug}"
        click.echo(terminal.plain(told))
    for one in danish.overdue(instant(terminal.world().clock).today):
        told = f"{one.slug} was reviewed on {one.reviewed_on}, more than 12 months ago; owner: {one.owner}"
        click.echo(terminal.plain(f"warning: {told}"))
    for (kind, slug), there in danish.languages.items():
        for code in libraries.keys() - set(there):
            click.echo(f"warning: {code}/{kind}/{slug}.md is not there: readers get the Danish")
    wrong = [
        line
        for code, library in libraries.items()
        for line in stills.faults(current_app, library.guides.values(), code)
    ]
    for line in wrong:
        click.echo(line, err=True)
    if wrong:
        terminal.fail(f"{len(wrong)} faults in the content")
