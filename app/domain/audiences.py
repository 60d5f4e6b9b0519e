"""Whom the site helps, and with which tasks, read from the content files.

Danish is the source: its file says which tasks there are, where each leads and in which order. A file in
another language, if there is one, says the same things in its own words, all of them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.content import ContentError
from app.domain.site import SOURCE, Site

AUDIENCES = ("elev", "foraelder", "laerer", "personale")
FILE = "audiences.toml"


@dataclass(frozen=True, slots=True)
class Task:
    """Something people come to do: its words, and the endpoint of the flow it leads to."""

    title: str
    help: str
    to: str


@dataclass(frozen=True, slots=True)
class Audience:
    """A kind of reader: the door on the front page, and the page behind it."""

    slug: str
    door: str
    door_help: str
    title: str
    lead: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Help:
    """All of it in one language, with the operator's words in it."""

    # What all of it is in: Danish where nobody has said it in the reader's language.
    language: str
    audiences: Mapping[str, Audience]
    most_used: tuple[Task, ...]


def read(content: Path, language: str, site: Site) -> Help:
    """Read the help in a language; one without the file has it in Danish.

    Raises:
        ContentError: when a file says more or less than the Danish one.
        SiteError: when a text has a placeholder that there is no word for.

    """
    source = _document(content, SOURCE)
    if not (content / language / FILE).exists():
        language = SOURCE
    words = _document(content, language)
    structure = _texts(source, ("tasks", "to"))
    texts = _texts(words, ("tasks", "to") if language == SOURCE else ())
    if structure.keys() != texts.keys():
        differing = ", ".join(sorted(structure.keys() ^ texts.keys()))
        raise ContentError(f"{language}/{FILE}: is not like the Danish one in: {differing}")

    def text(*names: str) -> str:
        return site.fill(texts[".".join(names)])

    def task(key: str) -> Task:
        if key not in source["tasks"]:
            raise ContentError(f"{SOURCE}/{FILE}: there is no task {key}")
        return Task(text("tasks", key, "title"), text("tasks", key, "help"), source["tasks"][key]["to"])

    try:
        audiences = {
            slug: Audience(
                slug,
                **{name: text("audiences", slug, name) for name in ("door", "door_help", "title", "lead")},
                tasks=tuple(map(task, source["audiences"][slug]["tasks"])),
            )
            for slug in AUDIENCES
        }
        return Help(language, audiences, tuple(map(task, source["front"]["tasks"])))
    except KeyError as error:
        raise ContentError(f"{SOURCE}/{FILE}: {error} is missing") from error


def _document(content: Path, language: str) -> dict[str, Any]:
    try:
        return tomllib.loads((content / language / FILE).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ContentError(f"{language}/{FILE}: {error}") from error


def _texts(document: Mapping[str, Any], apart: tuple[str, ...]) -> dict[str, str]:
    """Return the texts of a document by dotted name, without what says order and ways."""
    found: dict[str, str] = {}
    for group in ("audiences", "tasks"):
        for key, table in document.get(group, {}).items():
            for name, value in table.items():
                if name not in apart:
                    found[f"{group}.{key}.{name}"] = str(value)
    return found
