"""`flask status`: what the operator tells of the running."""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import AppGroup

from app.cli import terminal
from app.db import COPENHAGEN, instant
from app.domain import status as notices
from app.domain.status import LONGEST, Outcome
from app.models.contact import Severity

REFUSALS = {
    Outcome.NOT_THERE: "there is no notice with that number; see: flask status list",
    Outcome.ENDED_ALREADY: "it has ended already",
    Outcome.ENDS_BEFORE_IT_STARTS: "it would end before it starts",
    Outcome.NO_TEXT: "say it in both languages: --da … --en …",
    Outcome.TOO_LONG: f"a text has {LONGEST} characters at most",
}


class When(click.ParamType[datetime]):
    """A day and a time, by Copenhagen's clock unless it says otherwise."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read what was typed."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail("write it like 2026-11-22T10:30, by Copenhagen's clock", param, ctx)
        return found if found.tzinfo else found.replace(tzinfo=COPENHAGEN)


@click.group(cls=AppGroup)
def status() -> None:
    """Tell readers how things run: on every page, and on the page about operations."""


@status.command()
@click.argument("kind", type=click.Choice([one.value for one in Severity]))
@click.option("--da", "danish", required=True, help="What to say in Danish.")
@click.option("--en", "english", required=True, help="What to say in English.")
@click.option("--start", type=When(), help="From when; now unless it is said.")
@click.option("--end", type=When(), help="Until when; until further notice unless it is said.")
def add(kind: str, danish: str, english: str, start: datetime | None, end: datetime | None) -> None:
    """Tell something of a KIND: info, disturbance or outage."""
    with terminal.writing() as (db, now):
        outcome, number = notices.add(
            db,
            Severity(kind),
            danish,
            english,
            start or now.at,
            end,
            operator=terminal.operator(),
            now=now,
        )
        _check(outcome)
    click.echo(f"Notice {number} is told. Running servers see it within two seconds.")


@status.command("end")
@click.argument("number", type=int)
@click.option("--at", type=When(), help="When it ends; now unless it is said.")
def end_(number: int, at: datetime | None) -> None:
    """Let the notice with this NUMBER end; one that has not begun is taken back."""
    with terminal.writing() as (db, now):
        _check(notices.end(db, number, at or now.at, operator=terminal.operator(), now=now))
    click.echo(f"Notice {number} ends.")


@status.command("list")
def list_() -> None:
    """List what holds, what is to come, and what has been in the last 90 days."""
    now = instant(terminal.world().clock)
    with terminal.reading() as db:
        for one in notices.list_lately(db, now):
            mark = "now" if one.is_on(now.at) else "   "
            ends = _told(one.ends_at) if one.ends_at else "until further notice"
            text = terminal.plain(one.text("da")[1])
            click.echo(f"{one.id}  {mark}  {one.severity}  {_told(one.starts_at)} - {ends}  {text}")


def _told(at: datetime) -> str:
    return f"{at.astimezone(COPENHAGEN):%Y-%m-%d %H:%M}"


def _check(outcome: Outcome) -> None:
    if outcome is not Outcome.DONE:
        terminal.fail(REFUSALS[outcome])
