"""Which languages there are, and what is said of each, read once from the content files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import snowballstemmer

from app.config import PROJECT
from app.domain import content
from app.domain.content import Document, Faults
from app.domain.site import SOURCE

FILE = "languages.toml"
CODE = re.compile(r"[a-z]{2,3}")
DAY = "EEEE d MMMM"


@dataclass(frozen=True, slots=True)
class Language:
    """One language."""

    name: str
    troubles: str
    day: str
    locale: str
    unsaid: tuple[str, ...]
    stemmer: str


def read(folder: Path) -> dict[str, Language]:
    """Read the languages, in their order.

    Raises:
        ContentError: with everything that is wrong, a line each.

    """
    faults = Faults()
    table = content.read_table(folder, FILE, faults)
    if SOURCE not in table:
        faults.add(FILE, f"[{SOURCE}] is missing: it is the source of all others")
    found = {code: _language(code, said, faults) for code, said in table.items()}
    faults.tell()
    return found


def _language(code: str, said: object, faults: Faults) -> Language:
    words = Document(f"{FILE} [{code}]", said if isinstance(said, dict) else {}, "", faults)
    if not CODE.fullmatch(code):
        faults.add(words.place, "expected a code of two or three small letters")
    words.only("name", "troubles", "day", "locale", "unsaid", "stemmer")
    stemmer = words.text("stemmer") if "stemmer" in words.head else ""
    if stemmer and stemmer not in snowballstemmer.algorithms():
        faults.add(words.place, f"stemmer: there is no {stemmer}")
    return Language(
        words.text("name"),
        words.text("troubles"),
        words.text("day") if "day" in words.head else DAY,
        words.text("locale") if "locale" in words.head else code,
        words.texts("unsaid"),
        stemmer,
    )


LANGUAGES: Mapping[str, Language] = read(PROJECT / "app" / "content")
