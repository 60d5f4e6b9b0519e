"""The files that the site's prose is written in: one a text and language, a TOML head, then Markdown.

Danish is the source. What does not depend on the language stands in the Danish file alone; the file of
another language says the same in its own words.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

MARK = "+++"
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class ContentError(Exception):
    """Content is wrong; says where and how, one fault a line."""


class Faults:
    """What is wrong with the content, gathered so that all of it is told at once."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, place: str, fault: str) -> None:
        """Note a fault at a place, which is a file's name below the content and perhaps a step."""
        self.lines.append(f"{place}: {fault}")

    def tell(self) -> None:
        """Go on if nothing was wrong.

        Raises:
            ContentError: with every fault.

        """
        if self.lines:
            raise ContentError("\n".join(dict.fromkeys(self.lines)))


@dataclass(frozen=True, slots=True)
class Document:
    """One file: what its head says, asked key by key, and the prose below it."""

    place: str
    head: Mapping[str, Any]
    body: str
    faults: Faults

    def only(self, *known: str) -> None:
        """Note every key of the head that is not known."""
        for key in self.head:
            if key not in known:
                self.faults.add(self.place, f"{key}: unknown key")

    def text(self, key: str) -> str:
        """Return a text that must be there."""
        found = self.head.get(key)
        if isinstance(found, str) and found.strip():
            return found.strip()
        self.faults.add(self.place, f"{key}: is missing" if found is None else f"{key}: expected a text")
        return ""

    def texts(self, key: str, known: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return a list of texts, which is empty if it is not there; `known` are all there may be."""
        found = self.head.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
            self.faults.add(self.place, f'{key}: expected a list like ["…", "…"]')
            return ()
        if len(set(found)) < len(found):
            self.faults.add(self.place, f"{key}: names one twice")
        for one in found:
            if known is not None and one not in known:
                self.faults.add(self.place, f"{key}: {one} is none of {', '.join(known)}")
        return tuple(found)

    def some(self, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """Return a list of at least one of those there may be."""
        if not self.head.get(key):
            self.faults.add(self.place, f"{key}: is missing")
        return self.texts(key, known)

    def date(self, key: str) -> date:
        """Return a day that must be there."""
        found = self.head.get(key)
        # A TOML date-time is a datetime, which is a date to isinstance.
        if type(found) is date:
            return found
        self.faults.add(self.place, f"{key}: expected a date without quotes, like 2027-07-05")
        return date.min

    def number(self, key: str) -> int:
        """Return a number above zero that must be there."""
        found = self.head.get(key)
        if type(found) is int and found > 0:
            return found
        self.faults.add(self.place, f"{key}: expected a number above 0")
        return 1


def read_folder(content: Path, language: str, kind: str, faults: Faults) -> dict[str, Document]:
    """Read every file of a kind in a language, by slug; a folder that is not there is empty."""
    found = {}
    for path in sorted((content / language / kind).glob("*.md")):
        place = f"{language}/{kind}/{path.name}"
        if not SLUG.fullmatch(path.stem):
            faults.add(place, "the name is not small letters a to z, digits and hyphens")
        try:
            head, body = _parts(path.read_text("utf-8"))
        except (OSError, ValueError) as error:  # TOML's and Unicode's errors are values' too
            faults.add(place, str(error))
            head, body = {}, ""
        found[path.stem] = Document(place, head, body, faults)
    return found


def read_table(content: Path, name: str, faults: Faults) -> dict[str, Any]:
    """Read a TOML file; one that is not there is empty."""
    try:
        return _table((content / name).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        faults.add(name, str(error))
        return {}


@cache
def _table(text: str) -> dict[str, Any]:
    """Return a TOML file; kept, as it is the same in every app of a process, and nobody changes it."""
    return tomllib.loads(text)


@cache
def _parts(text: str) -> tuple[dict[str, Any], str]:
    """Return head and body of a file; kept, as it is the same in every app of a process.

    Raises:
        ValueError: it has no head, or one that is no TOML.

    """
    opening, _, rest = text.partition("\n")
    head, closing, body = rest.partition(f"\n{MARK}\n")
    if opening.strip() != MARK or not closing:
        raise ValueError(f"there is no head between two lines of {MARK}")
    return tomllib.loads(head), body
