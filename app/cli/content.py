"""`flask content`: the guides, questions and news, and whether all of it is as it must be."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli import terminal
from app.config import PROJECT
from app.db import COPENHAGEN, instant
from app.domain import audiences, help_me, measuring, misses, wording
from app.domain import feedback as answers
from app.domain.audiences import Task
from app.domain.help_me import HelpMe
from app.domain.library import TOPIC_WORDS, Library
from app.domain.searching import Search
from app.web import stills
from app.web.i18n import SOURCE
from app.web.library import is_screen

# Real questions, each with the page that answers it.
SEARCHES = PROJECT / "tests" / "content" / "searches.toml"


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
            click.echo(f"warning: {code}/{_file(kind, slug)} is not there: readers get the Danish")
    questions: dict[str, HelpMe] = current_app.extensions["help_me"]
    for code, asked in questions.items():
        if asked.language != code:
            click.echo(f"warning: {code}/{help_me.FILE} is not there: readers get the Danish")
    wrong = [
        line
        for code, library in libraries.items()
        for line in (
            *stills.faults(current_app, library.guides.values(), code),
            *stills.word_faults(current_app, library, code),
            *wording.faults(library, code),
        )
    ]
    is_there = is_screen(current_app)
    for key, to in sorted({(task.title, task.to) for task in _tasks(danish)}):
        if not is_there(to):
            wrong.append(f"{SOURCE}/{audiences.FILE}: «{key}» leads to {to}, which is not there")
    for line in wrong:
        click.echo(terminal.plain(line), err=True)
    if wrong:
        terminal.fail(f"{len(wrong)} faults in the content")


def _tasks(library: Library) -> Iterator[Task]:
    yield from library.help.most_used
    for one in library.help.audiences.values():
        yield from one.tasks


def _file(kind: str, slug: str) -> str:
    """Return where a text stands, below its language's folder."""
    if kind == "audiences":
        return f"{audiences.FILE} [audiences.{slug}]"
    return f"{TOPIC_WORDS} [{slug}]" if kind == "topics" else f"{kind}/{slug}.md"


@content.command()
@click.argument("words", nargs=-1)
@click.option("--language", default=SOURCE, help="the language of the reader")
@click.option("--measure", is_flag=True, help="tell how well real questions are answered")
@click.option(
    "--file", type=click.Path(path_type=Path), multiple=True, help="more real questions to measure on"
)
def search(words: tuple[str, ...], language: str, measure: bool, file: tuple[Path, ...]) -> None:
    """List what a search for WORDS finds, best first; or measure the search on real questions."""
    searches: dict[str, Search] = current_app.extensions["search"]
    if language not in searches:
        terminal.fail(f"there is no content in {language}")
    if measure:
        _measure(searches[language], [SEARCHES, *file])
        return
    for kind, name in searches[language].find(" ".join(words)):
        click.echo(terminal.plain(f"{kind}:{name}"))


@content.command(name="misses")
def list_misses() -> None:
    """List the searches that nothing was found by: how often, when last, in which language, the words."""
    with terminal.reading() as db:
        for miss in misses.list_misses(db):
            told = f"{miss.times:5}  {miss.last_at:%Y-%m-%d}  {miss.language}  {miss.words}"
            click.echo(terminal.plain(told))


def _measure(search: Search, files: Sequence[Path]) -> None:
    try:
        asked = measuring.read(*files)
    except (OSError, ValueError, KeyError) as error:
        terminal.fail(f"{', '.join(file.name for file in files)}: {error!r}")
    for half in sorted({one.half for one in asked}):
        some = [one for one in asked if one.half == half]
        before = time.process_time()
        found = measuring.measure(search, some)
        milliseconds = 1000 * (time.process_time() - before) / found.asked
        told = f" ({some[0].half_told})" if some[0].half_told else ""
        click.echo(
            terminal.plain(
                f"half {half}{told}: {found.asked} searches, right page first "
                f"{found.first / found.asked:.1%}, among three {found.among_three / found.asked:.1%}, "
                f"{milliseconds:.1f} ms of CPU a search"
            )
        )


@content.command()
@click.option(
    "--limit", default=100, show_default=True, help="How many answers with words, the newest first."
)
def feedback(limit: int) -> None:
    """Count the answers to «Hjalp det dig?» by page, and show what was written with them."""
    with terminal.reading() as db:
        counts, written = answers.counts(db), answers.list_written(db, limit)
    for one in counts:
        click.echo(terminal.plain(f"{one.helped} yes  {one.not_helped} no  {one.kind}/{one.slug}"))
    for told in written:
        day = f"{told.answered_at.astimezone(COPENHAGEN):%Y-%m-%d}"
        answer = "yes" if told.has_helped else "no"
        text = " ".join(told.body.split())
        click.echo(terminal.plain(f"{day}  {told.language}  {answer}  {told.kind}/{told.slug}: {text}"))
