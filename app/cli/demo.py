"""`flask demo`: the demo school. Refused in production."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup, with_appcontext

from app.cli import terminal
from app.demo import extra, listing, school
from app.demo.storing import DemoRefusedError, Loaded


@click.group(cls=AppGroup)
@with_appcontext
def demo() -> None:
    """Load the demo school, and show whom to log in as."""
    if not terminal.config().is_demo:
        terminal.fail("the demo is not for production")


@demo.command()
@click.option(
    "--extra", "count", type=int, help="Also add this many plain people, bena0000 and on, for load runs."
)
@click.option("--password", help="The password of the first thousand extra people.")
def load(count: int | None, password: str | None) -> None:
    """Load the demo school; what is there already stays as it is."""
    if (count is None) != (password is None):
        raise click.UsageError("--extra and --password belong together")
    try:
        with terminal.writing() as (db, now):
            loaded = school.load(db, terminal.keys(), terminal.hasher(), terminal.config(), now, click.echo)
    except DemoRefusedError as error:
        terminal.fail(str(error))
    click.echo(_loaded("The demo school", loaded))
    if count is None or password is None:
        return
    try:
        with terminal.answering():
            added = extra.add_extra(
                terminal.database(),
                terminal.hasher(),
                terminal.config(),
                terminal.world().clock,
                count,
                password,
                click.echo,
            )
    except DemoRefusedError as error:
        terminal.fail(str(error))
    click.echo(_loaded("The extra people", added))
    if added.before:
        last = extra.username(min(added.before, extra.WITH_PASSWORD) - 1)
        click.echo(f"{extra.username(0)} to {last} were there before: they keep the password of then.")


@demo.command()
@click.option("--json", "is_json", is_flag=True, help="For machines: everybody, with all there is to know.")
def people(is_json: bool) -> None:
    """Show the fixed people of the demo school and what they log in with."""
    with terminal.reading() as db:
        if not school.is_loaded(db):
            terminal.fail("the demo school is not loaded; load it with: flask demo load")
        changed = school.list_changed(db)
    if is_json:
        click.echo(json.dumps(listing.cast(), ensure_ascii=False, indent=1))
        return
    for line in listing.table(changed):
        click.echo(line)


def _loaded(what: str, loaded: Loaded) -> str:
    words = "loaded" if loaded.is_new else "there already, nothing changed"
    return f"{what}: {words}. {loaded.people} people."
