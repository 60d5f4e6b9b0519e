"""The commands: each a view for the terminal. It parses, calls the domain and prints.

What a command prints is for the operator, in English.
What goes wrong is one line on standard error and an exit code: 1, or 2 for a command typed wrong.
"""

from __future__ import annotations

from flask import Flask

from app.cli import audit, contact, content, db, demo, keys, mitid, networks, outbox, people, status

GROUPS = (
    db.db,
    demo.demo,
    people.people,
    networks.networks,
    content.content,
    contact.contact,
    outbox.outbox,
    status.status,
    audit.audit,
    keys.keys,
    mitid.mitid,
)


def register(app: Flask) -> None:
    """Give the app its commands: `flask --app wsgi db upgrade` and so on."""
    for group in GROUPS:
        app.cli.add_command(group)
