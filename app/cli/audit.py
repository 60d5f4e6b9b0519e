"""`flask audit`: what was done, and the proof that nothing was taken out."""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from app.cli import terminal
from app.domain import audit as record
from app.domain import people as directory


@click.group(cls=AppGroup)
def audit() -> None:
    """Read, prove and shorten the audit."""


@audit.command("list")
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--about", "username", help="Only what was done to the person with this username.")
def list_(most: int, username: str | None) -> None:
    """List the newest events, the newest last."""
    with terminal.reading() as db:
        if username is None:
            events = record.list_all(db, most=most)
        else:
            user = directory.find_by_username(db, directory.normal_username(username) or "")
            if user is None:
                terminal.fail(f"nobody has the username {terminal.plain(username)}")
            events = record.list_about(db, user.id, most=most)[::-1]
        for line in _lines(db, events):
            click.echo(line)


def _lines(db: Session, events: list[record.Recorded]) -> list[str]:
    people = {id for event in events for id in (event.actor_id, event.subject_id) if id is not None}
    institutions = {event.institution_id for event in events if event.institution_id is not None}
    names, numbers = directory.names_of(db, people), directory.numbers_of(db, institutions)
    lines = []
    for event in events:
        parts = [
            ("by", names.get(event.actor_id or 0)),
            ("to", names.get(event.subject_id or 0)),
            ("at", numbers.get(event.institution_id or 0)),
            *event.details.items(),
        ]
        said = [f"{word}={terminal.plain(str(value))}" for word, value in parts if value is not None]
        lines.append("  ".join((str(event.id), f"{event.at:%Y-%m-%dT%H:%M:%SZ}", event.event, *said)))
    return lines


@audit.command()
def verify() -> None:
    """Check every seal against its events and the seal before it; exit code 1 where one does not fit."""
    with terminal.reading() as db:
        verdict = record.verify(db)
    click.echo(f"{verdict.events} events, {verdict.sealed} sealed in {verdict.seals} seals")
    for fault in verdict.faults:
        click.echo(fault, err=True)
    if verdict.faults:
        terminal.fail(f"the audit does not hold: {len(verdict.faults)} faults")
    click.echo(f"The newest seal: {verdict.newest_seal}")
    click.echo("The audit holds.")


@audit.command()
def seal() -> None:
    """Seal all events that can no longer change."""
    total = 0
    while True:
        with terminal.writing() as (db, now):
            count = record.seal(db, now)
        if not count:
            break
        total += count
    click.echo(f"Sealed {total} events.")


@audit.command()
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day, UTC.")
@click.option("--yes", is_flag=True, help="Do it; without this the command only counts.")
def trim(before: datetime, yes: bool) -> None:
    """Remove the sealed start of the audit, up to the seals made before a day, leaving an anchor."""
    with terminal.writing() as (db, now):
        count = record.remove_start(db, now, before.date(), operator=terminal.operator())
        if count is None:
            last = record.last_removable(now)
            terminal.fail(f"events are kept for {record.KEPT_MONTHS} months: say {last}, or a day before it")
        if not yes:
            db.rollback()
    if yes:
        click.echo(f"Removed {count} events.")
    else:
        click.echo(f"{count} events would go. Nothing was changed; to do it, say --yes.")
