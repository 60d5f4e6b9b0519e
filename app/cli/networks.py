"""`flask networks`: which networks are an institution's own."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli import terminal
from app.db import longest
from app.domain import networks as register
from app.domain.networks import Outcome
from app.models.people import Network

REFUSALS = {
    Outcome.NO_INSTITUTION: "no institution has that number",
    Outcome.NO_NETWORK: "that is no network: write 192.0.2.0/24 or 2001:db8:1::/48, or one address",
    Outcome.NO_IPV6: "that is a network of IPv4 in IPv6's way, in which no address is: write 192.0.2.0/24",
    Outcome.TOO_LONG: f"a label has {longest(Network.label)} characters at most",
    Outcome.TOO_WIDE: "that is wider than a school's network: /16 at most, or /32 for IPv6",
    Outcome.THERE_ALREADY: "the institution has that network already",
    Outcome.NOT_THERE: "the institution has no such network",
}


@click.group(cls=AppGroup)
def networks() -> None:
    """Register institutions' own networks; tries at passwords from there have generous limits."""


@networks.command()
@click.argument("institution")
@click.argument("network")
@click.option("--label", default="", help="What the network is called on screens.")
def add(institution: str, network: str, label: str) -> None:
    """Register NETWORK (an address or a range) for the INSTITUTION with this number."""
    with terminal.writing() as (db, now):
        _check(register.add(db, institution, network, label, now, operator=terminal.operator()))
    click.echo(f"{network} is a network of {institution}. Running servers see it within seconds.")


@networks.command("list")
def list_() -> None:
    """List every registered network."""
    with terminal.reading() as db:
        for row in register.list_all(db):
            name = terminal.plain(" ".join(filter(None, (row.institution_name, row.label))))
            click.echo(f"{row.institution_number}  {row.cidr}  {name}")


@networks.command()
@click.argument("institution")
@click.argument("network")
def remove(institution: str, network: str) -> None:
    """Let NETWORK be INSTITUTION's own no more."""
    with terminal.writing() as (db, now):
        _check(register.remove(db, institution, network, now, operator=terminal.operator()))
    click.echo(f"{network} is a network of {institution} no more.")


def _check(outcome: Outcome) -> None:
    if outcome is not Outcome.DONE:
        terminal.fail(REFUSALS[outcome])
