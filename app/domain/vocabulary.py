"""The words of a language as search takes them: their stems, what people say for them, slips in typing."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import pairwise
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
FILE, ASKED_FILE = "synonyms.toml", "asked.toml"
WORD = re.compile(r"[^\W_]+")
# A class as schools name it: a number and a letter.
CLASS = re.compile(r"\b\d{1,2}[. ]?[a-f]\b")
# The letters of keyboards without the Danish ones, as people write them there, and those of our neighbours.
FOLDED = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa"})
NEIGHBOURS = str.maketrans({"ä": "æ", "ö": "ø"})
LETTERS = "abcdefghijklmnopqrstuvwxyzæøå"
# Shorter words are too like one another to be taken for a slip of the finger, or for two.
SHORTEST_SLIP, SHORTEST_TWO_SLIPS = 5, 8
SHORTEST_BEGINNING = 3
# A compound has two parts of at least so many letters, with perhaps a letter between them.
SHORTEST_PART = 4
BETWEEN = ("", "s", "e")
# Two words that make one of at least so many letters were meant as that one.
SHORTEST_JOINED = 7
# What a word found by another way than its own stem counts.
SYNONYM, SLIP, BEGINNING, PART = 0.65, 0.7, 0.6, 0.5


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that is asked for: the stems that will do, what each counts, and whether it says little."""

    stems: tuple[tuple[str, float], ...]
    is_little: bool = False


@dataclass(frozen=True)
class Words:
    """What is said of a language's words in its files."""

    language: str
    # Words that say little about what is asked.
    ignored: frozenset[str]
    # What a class's name, like «2.b», is read as.
    school_class: str
    same: Mapping[str, str]
    # Words that people take for one another: each leads to the one that stands for all.
    alike: Mapping[str, str]
    phrases: Mapping[str, tuple[str, ...]]
    synonyms: Mapping[str, tuple[str, ...]]
    # How people ask for a page.
    asked: Mapping[str, tuple[str, ...]]

    def units(self, text: str) -> dict[str, bool]:
        """Return the stems of a text, and whether each says but little."""
        return {self.stem(word): word in self.ignored for word in self.rewritten(text)}

    def stem(self, word: str) -> str:
        """Return what a word has in common with its other forms, and with the words that mean the same."""
        found = self._form(word)
        return self._alike.get(found, found)

    def rewritten(self, text: str) -> list[str]:
        """Return the words of a text, each phrase that has a word of its own replaced by that."""
        return self.replaced(words_of(CLASS.sub(self.school_class, text.casefold())))

    def replaced(self, given: list[str]) -> list[str]:
        """Return words, each phrase among them that has a word of its own replaced by that."""
        found, place = list[str](), 0
        while place < len(given):
            for length in range(min(self._longest, len(given) - place), 0, -1):
                phrase = self.phrases.get(" ".join(given[place : place + length]))
                if phrase is not None:
                    found += phrase
                    place += length
                    break
            else:
                found.append(given[place])
                place += 1
        return found

    def _form(self, word: str) -> str:
        return _stem(self.language, self.same.get(word, word))

    @cached_property
    def _alike(self) -> dict[str, str]:
        return {self._form(word): self._form(first) for word, first in self.alike.items()}

    @cached_property
    def _longest(self) -> int:
        return max((len(key.split()) for key in self.phrases), default=1)


class Vocabulary:
    """The words that there are in what can be found, and the ways from what is typed to them."""

    def __init__(self, words: Words, known: Iterable[str]) -> None:
        """Take the words as they are written in what can be found."""
        self._words = words
        self._stems = frozenset(map(words.stem, known))
        self._synonyms = {words.stem(key): said for key, said in words.synonyms.items()}
        # What is understood though no page has it: it leads to words that they have.
        self._known = frozenset((*known, *words.synonyms, *words.same, *words.ignored, *words.alike))
        self._unfolded = {word.translate(FOLDED): word for word in self._known}

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._known)

    @cached_property
    def _pairs(self) -> dict[str, list[tuple[str, frozenset[str]]]]:
        """The long words and their pairs of letters, by their first letter."""
        found = defaultdict(list)
        for word in self._known:
            if len(word) >= SHORTEST_TWO_SLIPS - 2:
                found[word[0]].append((word, _pairs(word)))
        return found

    def units(self, text: str, most: int, others: Sequence[Vocabulary] = ()) -> list[Unit]:
        """Return what a text asks for, in its order; only the first `most` words are read.

        A word of one of the `others`, the languages beside this one, is no slip here.
        """
        typed = words_of(CLASS.sub(self._words.school_class, text.casefold()))[:most]
        meant = self._words.replaced(self._joined([self._unfold(word) for word in typed]))
        last = len(meant) - 1
        units = (
            self._unit(
                word, is_last=place == last, may_guess=not any(word in other._known for other in others)
            )
            for place, word in enumerate(meant)
        )
        return list(dict.fromkeys(units))

    def _unfold(self, word: str) -> str:
        return word if word in self._known else self._unfolded.get(word, word)

    def _joined(self, typed: list[str]) -> list[str]:
        """Return words with those made one that were meant as one."""
        found = list[str]()
        for word in typed:
            both = found[-1] + word if found else ""
            if len(both) >= SHORTEST_JOINED and both in self._known:
                found[-1] = both
            else:
                found.append(word)
        return found

    def _unit(self, word: str, *, is_last: bool, may_guess: bool) -> Unit:
        stem = self._words.stem(word)
        if word in self._words.ignored:
            return Unit(((stem, 1.0),), is_little=True)
        found = {stem: 1.0}
        for other in self._synonyms.get(stem, ()):
            found.setdefault(self._words.stem(other), SYNONYM)
        if may_guess and not found.keys() & self._stems:
            for guess, share in self._guesses(word, is_last=is_last):
                found.setdefault(guess, share)
        return Unit(tuple(found.items()))

    def _guesses(self, word: str, *, is_last: bool) -> list[tuple[str, float]]:
        """Return what an unknown word may have been meant for; the surest way there is taken."""
        if meant := self._one_slip(word):
            return [(stem, SLIP) for other in meant for stem in self._meant_by(other)]
        if halves := parts(word, self._known):
            return [(stem, PART) for half in halves for stem in self._meant_by(half)]
        if meant := self._two_slips(word):
            return [(stem, SLIP) for other in meant for stem in self._meant_by(other)]
        if head := self._head(word):
            return [(stem, PART) for stem in self._meant_by(head)]
        if is_last and len(word) >= SHORTEST_BEGINNING:
            return [(self._words.stem(other), BEGINNING) for other in self._beginning(word)]
        return []

    def _meant_by(self, word: str) -> list[str]:
        stem = self._words.stem(word)
        return [stem, *map(self._words.stem, self._synonyms.get(stem, ()))]

    def _one_slip(self, word: str) -> list[str]:
        if len(word) < SHORTEST_SLIP - 1:
            return []
        # Of a word that is shorter by one, a letter may have been left out.
        least = SHORTEST_SLIP if len(word) < SHORTEST_SLIP else 1
        return [other for other in _slips(word) if len(other) >= least and other in self._known]

    def _two_slips(self, word: str) -> list[str]:
        if len(word) < SHORTEST_TWO_SLIPS:
            return []
        pairs = _pairs(word)
        # Each slip breaks at most three pairs of letters.
        least = len(word) - 1 - 2 * 3
        return [
            other
            for other, others in self._pairs.get(word[0], ())
            if abs(len(other) - len(word)) <= 2
            and len(pairs & others) >= least
            and _distance(word, other) <= 2
        ]

    def _head(self, word: str) -> str | None:
        """Return the longest known word that a compound ends in, which says what kind of thing it is."""
        ends = (word[start:] for start in range(SHORTEST_PART - 1, len(word) - SHORTEST_PART + 1))
        return next((end for end in ends if end in self._known and end not in self._words.ignored), None)

    def _beginning(self, start: str) -> list[str]:
        first = bisect_left(self._sorted, start)
        last = bisect_left(self._sorted, start + "\uffff")
        return self._sorted[first:last]


def words_of(text: str) -> list[str]:
    """Return the words of a text, in small letters."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold().translate(NEIGHBOURS))


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
    place, asked_in = f"{language}/{FILE}", f"{language}/{ASKED_FILE}"
    document = Document(place, content.read_table(folder, place, faults), "", faults)
    document.only("ignored", "school_class", "alike", "same", "phrases", "synonyms")
    same, phrases = _texts(document, "same"), _texts(document, "phrases")
    alike, synonyms = (
        _groups(document, "alike"),
        _lists(document, document.head.get("synonyms", {}), "synonyms: "),
    )
    asked = Document(asked_in, content.read_table(folder, asked_in, faults), "", faults)
    for page in asked.head:
        if page not in pages:
            faults.add(asked_in, f"there is no {page}")
    for group, keys in (("phrases", phrases), ("synonyms", synonyms), ("same", same), ("alike", alike)):
        for key in keys:
            if " ".join(words_of(key)) != key or (group != "phrases" and " " in key):
                faults.add(place, f"{group}: {key} is not as search reads what is typed")

    def named(text: str, where: str = place) -> str:
        try:
            return site.fill(text)
        except SiteError as error:
            faults.add(where, str(error))
            return text

    return Words(
        language,
        ignored=frozenset(document.texts("ignored")),
        school_class=f" {document.text('school_class')} " if "school_class" in document.head else " ",
        alike=alike,
        same=same,
        phrases={key: tuple(words_of(named(said))) for key, said in phrases.items()},
        synonyms={
            key: tuple(word for said in some for word in words_of(named(said)))
            for key, some in synonyms.items()
        },
        asked={
            page: tuple(named(one, asked_in) for one in some)
            for page, some in _lists(asked, asked.head).items()
        },
    )


def _texts(document: Document, key: str) -> dict[str, str]:
    found = document.head.get(key, {})
    if isinstance(found, dict) and all(isinstance(one, str) for one in found.values()):
        return found
    document.faults.add(document.place, f"{key}: expected a table of texts")
    return {}


def _lists(document: Document, found: object, where: str = "") -> dict[str, tuple[str, ...]]:
    if not isinstance(found, dict):
        document.faults.add(document.place, f"{where}expected a table of lists")
        return {}
    table = Document(document.place, found, "", document.faults)
    return {name: table.texts(name) for name in found}


def _groups(document: Document, key: str) -> dict[str, str]:
    """Return what stands for each word of some groups: the first of its group."""
    found = dict[str, str]()
    groups = document.head.get(key, [])
    if not isinstance(groups, list):
        document.faults.add(document.place, f"{key}: expected a list of lists")
        return found
    for number, group in enumerate(groups, 1):
        words = Document(document.place, {f"{key} {number}": group}, "", document.faults).texts(
            f"{key} {number}"
        )
        for word in words:
            if word in found:
                document.faults.add(document.place, f"{key}: {word} is there twice")
            found[word] = words[0]
    return found


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


def _pairs(word: str) -> frozenset[str]:
    return frozenset(map("".join, pairwise(word)))


def _distance(one: str, other: str) -> int:
    """Return how many slips are between two words."""
    before, row = list[int](), list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        last, before, row = before, row, [place]
        for column, wanted in enumerate(other, 1):
            least = min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != wanted))
            if last and column > 1 and letter == other[column - 2] and one[place - 2] == wanted:
                least = min(least, last[column - 2] + 1)
            row.append(least)
    return row[-1]
