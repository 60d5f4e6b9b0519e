"""How well the search does on real questions, each with the pages that answer it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.audiences import AUDIENCES
from app.domain.searching import Search
from app.domain.weighing import Place


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as somebody typed it, the half of the list it is in, and the pages that answer it."""

    text: str
    half: str
    pages: frozenset[Place]
    # What the file says of the half: whether the search was tuned on it.
    half_told: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """How often the right page was found: of so many questions, in the first place, among the first three."""

    asked: int
    first: int
    among_three: int


def read(*files: Path) -> list[Asked]:
    """Return the questions of some files; whoever is shown a page's twin has found the page.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is no TOML, or says of a question what is no text.
        KeyError: a question lacks something.

    """
    documents = [tomllib.loads(file.read_text("utf-8")) for file in files]
    told = {half: text for document in documents for half, text in document.get("halves", {}).items()}
    twins = {
        one: other
        for document in documents
        for pair in document.get("twins", {}).items()
        for one, other in (pair, pair[::-1])
    }
    return [_asked(entry, twins, told) for document in documents for entry in document["search"]]


def measure(search: Search, asked: Sequence[Asked]) -> Figures:
    """Return how well questions are answered."""
    ranks = [_rank(search.find(one.text)[:3], one.pages) for one in asked]
    return Figures(len(ranks), ranks.count(0), len(ranks) - ranks.count(None))


def _asked(entry: Mapping[str, Any], twins: Mapping[str, str], told: Mapping[str, str]) -> Asked:
    names = [entry["page"], *entry.get("also", [])]
    if not all(isinstance(one, str) for one in (entry["text"], entry["half"], *names)):
        raise ValueError(f"{entry}: expected texts")
    names += [twins[one] for one in names if one in twins]
    half = entry["half"]
    return Asked(entry["text"], half, frozenset(map(_place, names)), told.get(half, ""))


def _place(text: str) -> Place:
    kind, _, name = text.partition(":")
    # What is written for a kind of reader stands on the page with that reader's tasks.
    return ("audience", name) if kind == "page" and name in AUDIENCES else (kind, name)


def _rank(found: Iterable[Place], right: frozenset[Place]) -> int | None:
    return next((rank for rank, one in enumerate(found) if one in right), None)
