"""Weighing the pages of one language against a question: which answers it, and how well.

Three things tell. How near the question is to the nearest of a page's sayings: its title, and the ways in
which people ask for it. How many of the page's sayings have the words of the question. And where else on the
page they stand: in its headings, its lead, its text. A rare word weighs more than a common one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import log

from app.domain import vocabulary
from app.domain.vocabulary import PART, Unit, Vocabulary, Words, words_of

# Where a word stands on a page, and what it is worth there.
TITLE, HEADING, LEAD, TEXT = 5.0, 3.0, 2.0, 1.0
# A word said twice weighs more than one said once, but not twice as much.
HALF = 3.0
# The figures below were chosen with every saying in turn taken away and asked for as a question, and on the
# questions of tests/content/searches.toml. None is sharp: half or double of any of them loses little.
#
# A page whose sayings have a word so many times has half of the evidence that any number of times would be.
OFTEN = 3.0
# What the nearest saying, the evidence of all sayings, and the rest of the page are worth beside one another.
NEAREST, SAYINGS, REST = 1.0, 1.0, 0.5
# How much of a saying's worth does not hang on how much of that saying is asked for.
ANY_SAYING = 0.5
# What a word that says little weighs, and one that no page has, as shares of a word that some page has.
LITTLE, UNKNOWN = 0.5, 0.5
LONGEST, MOST_WORDS = 200, 24

# A page: what kind it is of, and its name there, as a link in the content says it.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """What can be found: its words by where they stand."""

    kind: str
    name: str
    title: str
    lead: str
    headings: str
    text: str
    # For how many kinds of readers it is written; 0 for what is not written for any in particular.
    readers: int = 0

    @property
    def place(self) -> Place:
        """Its kind and name."""
        return self.kind, self.name


class Index:
    """The pages of one language, by the stems of their words."""

    def __init__(self, words: Words, pages: Sequence[Page]) -> None:
        """Read every page once."""
        self._pages = pages
        sayings = [
            (number, one)
            for number, page in enumerate(pages)
            for one in (page.title, *words.asked.get(":".join(page.place), ()))
        ]
        known = {word for page in pages for text in _fields(page) for word in words_of(text)}
        known.update(word for _page, one in sayings for word in words_of(one))
        self._vocabulary = Vocabulary(words, known)
        # What a page has in its fields, by stem and page, from 0 to 1.
        self._rest: dict[str, dict[int, float]] = defaultdict(dict)
        compounds = {word: vocabulary.parts(word, known) for word in known}
        for number, page in enumerate(pages):
            for stem, weight in _weights(words, page, compounds).items():
                self._rest[stem][number] = weight / (weight + HALF)
        # Which sayings have a stem, and of how many sayings of a page it is one.
        self._sayings: dict[str, list[int]] = defaultdict(list)
        times: dict[str, Counter[int]] = defaultdict(Counter)
        read = [words.units(one) for _page, one in sayings]
        for saying, ((number, _one), stems) in enumerate(zip(sayings, read, strict=True)):
            for stem in stems:
                self._sayings[stem].append(saying)
                times[stem][number] += 1
        self._often = {
            stem: {number: count / (count + OFTEN) for number, count in pages_with.items()}
            for stem, pages_with in times.items()
        }
        self._page_of = [number for number, _one in sayings]
        self._totals = [
            sum(self._weight(stem, is_little=little) for stem, little in one.items()) for one in read
        ]

    @property
    def places(self) -> list[Place]:
        """The pages there are to find."""
        return [page.place for page in self._pages]

    @property
    def readers(self) -> dict[Place, int]:
        """For how many kinds of readers each page is written."""
        return {page.place: page.readers for page in self._pages}

    def weigh(self, text: str, others: Sequence[Index] = ()) -> dict[Place, float]:
        """Return how well each page answers, from 0 to about 1; one that does not is left out.

        What is a word in one of the `others`, the languages beside this one, is not taken for a slip here.
        """
        asked = self._vocabulary.units(text[:LONGEST], MOST_WORDS, [one._vocabulary for one in others])
        units = {unit: self._weigh_unit(unit) for unit in asked}
        found: dict[int, float] = defaultdict(float)
        for unit, weight in units.items():
            # Words that say little make no page an answer on their own.
            if not unit.is_little:
                for kind, worth in ((self._often, SAYINGS), (self._rest, REST)):
                    for number, share in _best(unit, kind).items():
                        found[number] += worth * weight * share
        if not found:
            return {}
        nearest = self._nearest(units)
        most = (NEAREST + SAYINGS + REST) * sum(units.values())
        return {
            self._pages[number].place: (NEAREST * nearest[number] + weight) / most
            for number, weight in found.items()
        }

    def _nearest(self, units: Mapping[Unit, float]) -> dict[int, float]:
        """Return what the saying weighs that is nearest to a question, page by page."""
        shared: dict[int, float] = defaultdict(float)
        for unit, weight in units.items():
            having: dict[int, float] = {}
            # The worst first, so that the best is what stays.
            for stem, share in sorted(unit.stems, key=lambda one: one[1]):
                having.update(dict.fromkeys(self._sayings.get(stem, ()), share))
            for saying, share in having.items():
                shared[saying] += weight * share
        nearest: dict[int, float] = defaultdict(float)
        for saying, weight in shared.items():
            number = self._page_of[saying]
            # Much of what is asked for must be said, and much of what is said must be asked for.
            whole = min(1.0, weight / self._totals[saying])
            nearest[number] = max(nearest[number], weight * (ANY_SAYING + (1 - ANY_SAYING) * whole))
        return nearest

    def _weigh_unit(self, unit: Unit) -> float:
        """Return what a word weighs: the fewer pages have it, the more; an unknown one, what it may mean."""
        own = unit.stems[0][0]
        if own in self._often:
            return self._weight(own, is_little=unit.is_little)
        there = [stem for stem, _share in unit.stems if stem in self._often or stem in self._rest]
        return min(self._weight(stem, is_little=unit.is_little) for stem in there or [own])

    def _weight(self, stem: str, *, is_little: bool) -> float:
        pages = len(self._often.get(stem, ()))
        weight = log(1 + len(self._pages) / (0.5 + pages)) * (1 if pages else UNKNOWN)
        return LITTLE * weight if is_little else weight


def _best(unit: Unit, kind: Mapping[str, Mapping[int, float]]) -> dict[int, float]:
    best: dict[int, float] = {}
    for stem, share in unit.stems:
        for number, weight in kind.get(stem, {}).items():
            best[number] = max(best.get(number, 0), share * weight)
    return best


def _fields(page: Page) -> tuple[str, ...]:
    return page.title, page.headings, page.lead, page.text


def _weights(words: Words, page: Page, compounds: Mapping[str, Collection[str]]) -> dict[str, float]:
    """Return what each stem weighs on a page; the parts of a compound weigh half."""
    found: dict[str, float] = defaultdict(float)
    for text, weight in zip(_fields(page), (TITLE, HEADING, LEAD, TEXT), strict=True):
        is_text = weight == TEXT
        for word, times in Counter(words.rewritten(text)).items():
            if word in words.ignored:
                continue
            said = weight * (1 + log(times)) if is_text else weight
            found[words.stem(word)] += said
            for part in compounds.get(word, ()):
                found[words.stem(part)] += PART * said
    return found
