"""The words of a language as search takes them: their stems, what people say for them, slips in typing."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import snowballstemmer

from app.domain import content
from app.domain.content import Document, Faults
from app.domain.languages import LANGUAGES
from app.domain.site import Site, SiteError

STEMMING = Lock()
# Stems kept: all words of the content in every language, and then those that people type.
STEMS = 20_000
FILE = "synonyms.toml"
WORD = re.compile(r"[^\W_]+")
# The letters of keyboards without the Danish ones, as people write them there.
FOLDED = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa"})
LETTERS = "abcdefghijklmnopqrstuvwxyzæøå"
# Shorter words are too like one another to be taken for a slip of the finger.
SHORTEST_SLIP = 5
SHORTEST_BEGINNING = 3
# A compound has two parts of at least so many letters, with perhaps a letter between them.
SHORTEST_PART = 4
BETWEEN = ("", "s", "e")
# What a word found by another way than its own stem counts; a synonym's share is 4 of a title's 5.
SYNONYM, SLIP, BEGINNING, PART = 0.8, 0.7, 0.6, 0.5


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that is asked for: the stems that will do, and what each counts."""

    stems: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Words:
    """What is said of a language's words in its file."""

    language: str
    ignored: frozenset[str]
    same: Mapping[str, str]
    phrases: Mapping[str, tuple[str, ...]]
    synonyms: Mapping[str, tuple[str, ...]]
    # What people say who look for a page, in words that it does not use.
    asked: Mapping[str, tuple[str, ...]]

    def stems(self, text: str) -> list[str]:
        """Return the stems of a text, without the words that say nothing."""
        return [self.stem(word) for word in self.rewritten(text) if word not in self.ignored]

    def stem(self, word: str) -> str:
        """Return what a word has in common with its other forms."""
        return _stem(self.language, self.same.get(word, word))

    def rewritten(self, text: str) -> list[str]:
        """Return the words of a text, each phrase that has a word of its own replaced by that."""
        given, found = words_of(text), list[str]()
        longest = max((len(key.split()) for key in self.phrases), default=1)
        while given:
            for length in range(min(longest, len(given)), 0, -1):
                phrase = self.phrases.get(" ".join(given[:length]))
                if phrase is not None:
                    found += phrase
                    given = given[length:]
                    break
            else:
                found.append(given.pop(0))
        return found


class Vocabulary:
    """The words that there are in what can be found, and the ways from what is typed to them."""

    def __init__(self, words: Words, known: Iterable[str]) -> None:
        """Take the words as they are written in what can be found."""
        self._words = words
        self._known = frozenset(known)
        self._stems = frozenset(map(words.stem, self._known))
        self._synonyms = {words.stem(key): said for key, said in words.synonyms.items()}

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._known)

    def units(self, text: str, most: int) -> list[Unit]:
        """Return what a text asks for, in its order; only the first `most` words are read."""
        typed = self._words.rewritten(text)[:most]
        said = [word for word in typed if word not in self._words.ignored]
        return [self._unit(word, is_last=place == len(said)) for place, word in enumerate(said, 1)]

    def _unit(self, word: str, *, is_last: bool) -> Unit:
        stem = self._words.stem(word)
        found = {stem: 1.0}
        for other in self._synonyms.get(stem, ()):
            found.setdefault(self._words.stem(other), SYNONYM)
        if not found.keys() & self._stems:
            for guess, share in self._guesses(word, is_last=is_last):
                found.setdefault(guess, share)
        return Unit(tuple(found.items()))

    def _guesses(self, word: str, *, is_last: bool) -> list[tuple[str, float]]:
        """Return what an unknown word may have been meant for."""
        if len(word) >= SHORTEST_SLIP:
            meant = [other for other in _slips(word) if other in self._known or other in self._words.synonyms]
            if meant:
                return [
                    (self._words.stem(one), SLIP)
                    for other in meant
                    for one in (other, *self._words.synonyms.get(other, ()))
                ]
        guesses = [(self._words.stem(part), PART) for part in parts(word, self._known)]
        if is_last and len(word) >= SHORTEST_BEGINNING:
            guesses += [(self._words.stem(other), BEGINNING) for other in self._beginning(word)]
        return guesses

    def _beginning(self, start: str) -> list[str]:
        first = bisect_left(self._sorted, start)
        last = bisect_left(self._sorted, start + "\uffff")
        return self._sorted[first:last]


def words_of(text: str) -> list[str]:
    """Return the words of a text, in small letters."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def parts(word: str, known: Collection[str]) -> tuple[str, ...]:
    """Return the two known words that a compound is made of, if it is one; the longer first part wins."""
    for end in range(len(word) - SHORTEST_PART, SHORTEST_PART - 1, -1):
        if word[:end] in known:
            for between in BETWEEN:
                rest = word[end:].removeprefix(between)
                if len(rest) >= SHORTEST_PART and rest in known:
                    return word[:end], rest
    return ()


def read(folder: Path, language: str, pages: Collection[str], site: Site, faults: Faults) -> Words:
    """Read what is said of a language's words, noting what is wrong; `pages` are those that can be found."""
    place = f"{language}/{FILE}"
    document = Document(place, content.read_table(folder, place, faults), "", faults)
    document.only("ignored", "same", "phrases", "synonyms", "asked")
    same, phrases = _texts(document, "same"), _texts(document, "phrases")
    synonyms, asked = _lists(document, "synonyms"), _lists(document, "asked")
    for page in asked:
        if page not in pages:
            faults.add(place, f"asked: there is no {page}")
    for group, keys in (("phrases", phrases), ("synonyms", synonyms), ("same", same)):
        for key in keys:
            if " ".join(words_of(key)) != key or (group != "phrases" and " " in key):
                faults.add(place, f"{group}: {key} is not as search reads what is typed")

    def named(text: str) -> str:
        try:
            return site.fill(text)
        except SiteError as error:
            faults.add(place, str(error))
            return text

    return Words(
        language,
        frozenset(document.texts("ignored")),
        same,
        {key: tuple(words_of(named(said))) for key, said in phrases.items()},
        {
            key: tuple(word for said in some for word in words_of(named(said)))
            for key, some in synonyms.items()
        },
        {page: tuple(map(named, some)) for page, some in asked.items()},
    )


def _texts(document: Document, key: str) -> dict[str, str]:
    found = document.head.get(key, {})
    if isinstance(found, dict) and all(isinstance(one, str) for one in found.values()):
        return found
    document.faults.add(document.place, f"{key}: expected a table of texts")
    return {}


def _lists(document: Document, key: str) -> dict[str, tuple[str, ...]]:
    found = document.head.get(key, {})
    if not isinstance(found, dict):
        document.faults.add(document.place, f"{key}: expected a table of lists")
        return {}
    table = Document(document.place, found, "", document.faults)
    return {name: table.texts(name) for name in found}


@lru_cache(STEMS)
def _stem(language: str, word: str) -> str:
    stemmer = _stemmer(language)
    if stemmer is None:
        return word.translate(FOLDED)
    # The stemmer keeps the word at hand in itself, so two threads may not ask one at once.
    with STEMMING:
        stem: str = stemmer.stemWord(word)
    return stem.translate(FOLDED)


@cache
def _stemmer(language: str) -> Any:
    """Return a language's stemmer, or None for one that has none."""
    name = LANGUAGES[language].stemmer if language in LANGUAGES else ""
    return snowballstemmer.stemmer(name) if name else None


def _slips(word: str) -> set[str]:
    """Return every word that is one slip away: a letter too many, too few, wrong, or two in turn."""
    cuts = [(word[:end], word[end:]) for end in range(len(word) + 1)]
    return {
        *(head + tail[1:] for head, tail in cuts if tail),
        *(head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1),
        *(head + letter + tail[1:] for head, tail in cuts if tail for letter in LETTERS),
        *(head + letter + tail for head, tail in cuts for letter in LETTERS),
    }
