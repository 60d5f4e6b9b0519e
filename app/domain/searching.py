"""Finding the page that answers a question, asked in people's own words.

Every page is weighed by where it has the words that are asked for: in its title, in what people say for it,
in its lead and headings, in its text. A rare word weighs more than a common one. The index is in memory.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from math import log
from pathlib import Path

from app.domain import vocabulary
from app.domain.content import Faults
from app.domain.guides import Guide
from app.domain.library import Library
from app.domain.prose import Prose
from app.domain.site import Site
from app.domain.vocabulary import PART, Unit, Vocabulary, Words, words_of

TITLE, ASKED, HEADING, LEAD, TEXT = 5.0, 4.0, 3.0, 2.0, 1.0
# A word said twice weighs more than one said once, but not twice as much.
HALF = 3.0
# How much it counts that all of a title is asked for, beside that all of the question is answered.
WHOLE_TITLE = 0.6
# A page that weighs less than this share of the best one is not what was asked for.
WORST = 0.35
LONGEST, MOST_WORDS, MOST_HITS = 200, 16, 20
HEADINGS = re.compile(r"<h[2-4]>(.*?)</h[2-4]>", re.DOTALL)
TAGS = re.compile(r"<[^>]+>")

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

    @property
    def place(self) -> Place:
        """Its kind and name."""
        return self.kind, self.name


class Index:
    """The pages of one language, by the stems of their words."""

    def __init__(self, words: Words, pages: Sequence[Page]) -> None:
        """Read every page once."""
        self._pages = pages
        known = {word for page in pages for text in _fields(words, page) for word in words_of(text)}
        self._vocabulary = Vocabulary(words, known)
        compounds = {word: vocabulary.parts(word, known) for word in known}
        self._found: dict[str, dict[int, float]] = defaultdict(dict)
        # What is asked for in full: a title, or what people say in its place.
        self._wholes: list[list[tuple[frozenset[str], float]]] = []
        for number, page in enumerate(pages):
            for stem, weight in _weights(words, page, compounds).items():
                self._found[stem][number] = weight / (weight + HALF)
            wholes = [
                (page.title, TITLE),
                *((one, ASKED) for one in words.asked.get(":".join(page.place), ())),
            ]
            self._wholes.append([(frozenset(words.stems(one)), weight / TITLE) for one, weight in wholes])

    def weigh(self, text: str) -> dict[Place, float]:
        """Return how well each page answers, from 0 to about 1; one that does not is left out."""
        units = self._vocabulary.units(text[:LONGEST], MOST_WORDS)
        rarities = [self._rarity(unit) for unit in units]
        total = sum(rarities)
        weights: dict[int, float] = defaultdict(float)
        for unit, rarity in zip(units, rarities, strict=True):
            for number, share in self._matches(unit).items():
                weights[number] += rarity * share
        asked = {stem for unit in units for stem, _share in unit.stems}
        return {
            self._pages[number].place: weight / total * (1 + WHOLE_TITLE * self._whole(number, asked))
            for number, weight in weights.items()
        }

    def _matches(self, unit: Unit) -> dict[int, float]:
        best: dict[int, float] = {}
        for stem, share in unit.stems:
            for number, weight in self._found.get(stem, {}).items():
                best[number] = max(best.get(number, 0), share * weight)
        return best

    def _rarity(self, unit: Unit) -> float:
        """Return what a word weighs: the fewer pages have it, the more; as little as its commonest name."""
        there = [stem for stem, _share in unit.stems if stem in self._found] or [unit.stems[0][0]]
        return min(map(self._weight, there))

    def _weight(self, stem: str) -> float:
        # Where a word stands in passing only, it is as good as not there.
        pages = sum(self._found.get(stem, {}).values())
        return log(1 + len(self._pages) / (0.5 + pages))

    def _whole(self, number: int, asked: set[str]) -> float:
        """Return how much of a page's title, or of what people say in its place, is asked for."""
        return max(share * self._part(stems, asked) for stems, share in self._wholes[number])

    def _part(self, stems: frozenset[str], asked: set[str]) -> float:
        total = sum(map(self._weight, stems))
        return sum(map(self._weight, stems & asked)) / total if total else 0


@dataclass(frozen=True)
class Search:
    """The search in one language; people who write in another one are understood too."""

    language: str
    indexes: Mapping[str, Index]

    def find(self, text: str) -> list[Place]:
        """Return the pages that answer, best first."""
        best: dict[Place, float] = {}
        for language, index in self.indexes.items():
            # Whoever reads in a language most often writes in it.
            share = 1.0 if language == self.language else 0.9
            for place, weight in index.weigh(text).items():
                best[place] = max(best.get(place, 0), share * weight)
        if not best:
            return []
        least = WORST * max(best.values())
        ranked = sorted(best, key=lambda place: (-best[place], place))
        return [place for place in ranked[:MOST_HITS] if best[place] >= least]


@dataclass(frozen=True, slots=True)
class Figures:
    """How often the right page was found: of so many questions, in the first place, among the first three."""

    asked: int
    first: int
    among_three: int


def measure(search: Search, right: Sequence[tuple[str, Place]], twins: Mapping[Place, Place]) -> Figures:
    """Return how well questions are answered; whoever is shown a page's twin has found the page."""
    ranks = []
    for text, place in right:
        found = search.find(text)[:3]
        ranks.append(next((rank for rank, one in enumerate(found) if place in (one, twins.get(one))), None))
    return Figures(len(ranks), ranks.count(0), len(ranks) - ranks.count(None))


def read(
    folder: Path, libraries: Mapping[str, Library], site: Site, contact: Callable[[str], tuple[str, str]]
) -> dict[str, Search]:
    """Return the search in every language; `contact` gives title and lead of the help box.

    Raises:
        ContentError: what is said of the words is wrong.

    """
    faults = Faults()
    indexes = {}
    for language, library in libraries.items():
        title, lead = contact(language)
        found = (*_pages(library), Page("contact", "", title, lead, "", ""))
        names = {f"{page.kind}:{page.name}" for page in found}
        words = vocabulary.read(folder, language, names, site, faults)
        indexes[language] = _index(_Frozen(words, found))
    faults.tell()
    return {language: Search(language, indexes) for language in libraries}


@dataclass(frozen=True)
class _Frozen:
    """What an index is made of; told apart by its words."""

    words: Words
    pages: tuple[Page, ...]

    def __hash__(self) -> int:
        return hash(self.pages)


@lru_cache(8)
def _index(made_of: _Frozen) -> Index:
    """Return an index; kept, as it is the same in every app of a process."""
    return Index(made_of.words, made_of.pages)


def _pages(library: Library) -> list[Page]:
    found = [_guide(one) for one in library.guides.values()]
    for kind, some in (("question", library.questions), ("news", library.news)):
        for one in some.values():
            found.append(_page(kind, one.slug, one.title, one.lead, [one.prose]))
    for slug, article in library.articles.items():
        if slug not in library.help.audiences:
            found.append(_page("page", slug, article.title, article.lead, article.proses))
    for slug, audience in library.help.audiences.items():
        body = library.articles.get(slug)
        said = [f"{task.title}. {task.help}" for task in audience.tasks]
        title = f"{audience.door}. {audience.title}"
        found.append(_page("audience", slug, title, audience.lead, body.proses if body else [], said))
    for slug, topic in library.topics.items():
        found.append(_page("topic", slug, topic.title, topic.lead, []))
    return found


def _guide(one: Guide) -> Page:
    headings = [step.heading for step in one.steps]
    return _page("guide", one.slug, one.title, one.lead, one.proses, headings, one.needs)


def _page(
    kind: str,
    name: str,
    title: str,
    lead: str,
    proses: Sequence[Prose],
    headings: Sequence[str] = (),
    more: Sequence[str] = (),
) -> Page:
    inside = [unescape(TAGS.sub("", one)) for prose in proses for one in HEADINGS.findall(prose.html)]
    texts = [prose.text for prose in proses]
    return Page(kind, name, title, lead, " ".join([*headings, *inside]), " ".join([*texts, *more]))


def _fields(words: Words, page: Page) -> tuple[str, ...]:
    asked = " ".join(words.asked.get(":".join(page.place), ()))
    return page.title, asked, page.headings, page.lead, page.text


def _weights(words: Words, page: Page, compounds: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """Return what each stem weighs on a page; the parts of a compound weigh half."""
    found: dict[str, float] = defaultdict(float)
    for text, weight in zip(_fields(words, page), (TITLE, ASKED, HEADING, LEAD, TEXT), strict=True):
        is_text = weight == TEXT
        for word, times in Counter(words.rewritten(text)).items():
            if word in words.ignored:
                continue
            said = weight * (1 + log(times)) if is_text else weight
            found[words.stem(word)] += said
            for part in compounds.get(word, ()):
                found[words.stem(part)] += PART * said
    return found
