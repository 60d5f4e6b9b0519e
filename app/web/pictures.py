"""The pictures of a picture password by name: on the tiles, as typed words, and in a rhyme."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.domain.passwords import CODE_LENGTH, FAMILIES, PICTURES

FILE = Path(__file__).resolve().parent.parent / "content" / "pictures.toml"
SOURCE = "da"
# Four names and what may stand between them are far shorter; the rest of a hostile post is not read.
LONGEST_TYPED = 300
# What people write who have no Danish keyboard, or another one.
SPELLINGS = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "ä": "ae", "ö": "oe"})
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a reader knows it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What was read of typed names: pictures, up to the first name that is none, and that one's number."""

    ids: list[str]
    strange: int | None = None

    @property
    def is_code(self) -> bool:
        """Whether these are the names of four different pictures and nothing else."""
        return self.strange is None and _four_different(self.ids) is not None


@dataclass(frozen=True, slots=True)
class _Words:
    """All that can be said of the pictures: names and rhyme parts by language and id, ids by typed word."""

    names: Mapping[str, Mapping[str, str]]
    parts: Mapping[str, Mapping[str, tuple[str, ...]]]
    ids: Mapping[str, str]
    between: frozenset[str]

    def language(self, code: str) -> str:
        """Return a language that there are words in: the one asked for, else Danish."""
        return code if code in self.names else SOURCE


def named(ids: Sequence[str], lang: str) -> list[Picture]:
    """Return pictures with their names in a language."""
    words = _words()
    names = words.names[words.language(lang)]
    return [Picture(id, names[id]) for id in ids]


def families(lang: str) -> list[list[Picture]]:
    """Return all pictures in their fixed places, a list a family."""
    return [named(family, lang) for family in FAMILIES]


def parse(typed: str) -> list[str] | None:
    """Return the ids of the four pictures that somebody typed the names of, or None if it is not four."""
    found = read(typed)
    return found.ids if found.is_code else None


def read(typed: str) -> Typed:
    """Return the pictures that somebody typed the names of.

    Names in any of our languages and ids count, in any case, with anything but letters between them, or
    an «og»; one name may be written as two words.
    """
    ids, between = _words().ids, _words().between
    words = [_plain(word) for word in WORD.findall(unicodedata.normalize("NFKC", typed[:LONGEST_TYPED]))]
    rest = [word for word in words if word not in between]
    found: list[str] = []
    while rest:
        length = 2 if len(rest) > 1 and rest[0] + rest[1] in ids else 1
        picture = ids.get("".join(rest[:length]))
        if picture is None:
            return Typed(found, len(found) + 1)
        found.append(picture)
        del rest[:length]
    return Typed(found)


def is_oversized(typed: str) -> bool:
    """Whether more was typed than is read."""
    return len(typed) > LONGEST_TYPED


def parse_code(code: str) -> list[str] | None:
    """Return the four ids that the page's script joined by commas, or None if it is not four."""
    found = code[:LONGEST_TYPED].split(",")
    return _four_different(found) if all(id in PICTURES for id in found) else None


def rhyme(ids: Sequence[str], lang: str) -> str:
    """Return a sentence to remember four pictures by, in their order."""
    words = _words()
    parts = words.parts[words.language(lang)]
    return " ".join(parts[id][place] for place, id in enumerate(ids)) + "."


def _four_different(ids: list[str]) -> list[str] | None:
    return ids if len(ids) == len(set(ids)) == CODE_LENGTH else None


def _plain(word: str) -> str:
    return word.casefold().translate(SPELLINGS)


@cache
def _words() -> _Words:
    table = tomllib.loads(FILE.read_text("utf-8"))
    languages = table[PICTURES[0]]["rhyme"].keys()
    ids: dict[str, str] = {}
    for id in PICTURES:
        row = table[id]
        for word in (id, *row.get("also", ()), *(row[language] for language in languages)):
            if ids.setdefault(_plain(word), id) != id:
                raise ValueError(f"{FILE.name}: {word!r} is the name of two pictures")
    between = frozenset(_plain(word) for word in table["between"])
    if between & ids.keys():
        raise ValueError(f"{FILE.name}: a word between pictures is the name of one")
    return _Words(
        names={language: {id: table[id][language] for id in PICTURES} for language in languages},
        parts={
            language: {id: tuple(table[id]["rhyme"][language]) for id in PICTURES} for language in languages
        },
        ids=ids,
        between=between,
    )
