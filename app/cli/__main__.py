"""`python -m app.cli keys new FILE`: the one command that must work before the site can start."""

from __future__ import annotations

import click

from app.cli.keys import new

click.Group("app.cli", commands=[click.Group("keys", commands=[new])])(prog_name="python -m app.cli")
