"""`flask translations`: bringing the catalogues up to date, and checking that they are.

Danish is the source, so the template of messages is drawn from the code and the pages themselves.
"""

from __future__ import annotations

from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from flask import Flask
from flask.cli import AppGroup

from app.config import PROJECT
from app.domain.languages import LANGUAGES
from app.domain.site import SOURCE

FOLDER = PROJECT / "translations"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
METHODS = [("app/templates/**.html", "jinja2"), ("app/**.py", "python")]
OPTIONS = {"app/templates/**.html": {"trimmed": "true", "encoding": "utf-8"}}

group = AppGroup("translations", help="Messages in other languages.")


def register(app: Flask) -> None:
    """Add the commands to the app's."""
    app.cli.add_command(group)


def extract() -> Catalog:
    """Return every message that the code and the templates hold now."""
    catalog = Catalog(project="unilogin", charset="utf-8")
    found = extract_from_dir(PROJECT, METHODS, OPTIONS, KEYWORDS, ("Translators:",), strip_comment_tags=True)
    for name, _line, message, comments, _context in found:
        catalog.add(message, locations=[(name, 0)], auto_comments=comments)
    return catalog


def faults(path: Path, wanted: Catalog) -> list[str]:
    """Return what is wrong with one language's catalogue, a line each."""
    with path.open("rb") as file:
        have = read_po(file)
    lines = []
    for message in wanted:
        if not message.id:
            continue
        found = have.get(message.id)
        text = message.id if isinstance(message.id, str) else message.id[0]
        if found is None:
            lines.append(f"missing: {text}")
        elif not found.string or (isinstance(found.string, tuple) and not all(found.string)):
            lines.append(f"untranslated: {text}")
        elif found.fuzzy:
            lines.append(f"fuzzy: {text}")
        else:
            lines.extend(f"{error}: {text}" for error in found.check(have))
    lines.extend(f"no longer used: {m.id}" for m in have if m.id and wanted.get(m.id) is None)
    return lines


@group.command()
def update() -> None:
    """Draw the messages anew and merge them into every language; never guesses a translation."""
    wanted = extract()
    with (FOLDER / "messages.pot").open("wb") as file:
        write_po(file, wanted, width=100, omit_header=True, sort_output=True)
    for path in sorted(FOLDER.glob("*/LC_MESSAGES/messages.po")):
        with path.open("rb") as file:
            have = read_po(file, locale=path.parts[-3])
        have.update(wanted, no_fuzzy_matching=True)
        have.obsolete.clear()
        with path.open("wb") as file:
            write_po(file, have, width=100, sort_output=True)
        click.echo(f"{path.parts[-3]}: {len(have)} messages")


@group.command()
def check() -> None:
    """Fail where a language misses a message, holds one too many, or guesses."""
    wanted = extract()
    count = 0
    for code in LANGUAGES.keys() - {SOURCE}:
        if not (FOLDER / code / "LC_MESSAGES" / "messages.po").exists():
            click.echo(f"{code}: there is no catalogue", err=True)
            count += 1
    for path in sorted(FOLDER.glob("*/LC_MESSAGES/messages.po")):
        for line in faults(path, wanted):
            click.echo(f"{path.parts[-3]}: {line}", err=True)
            count += 1
    if count:
        raise click.ClickException(f"{count} faults in the catalogues: flask translations update")
