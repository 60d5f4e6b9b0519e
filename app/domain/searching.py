"""Finding the page that answers a question, asked in people's own words in whichever language of the site."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from html import unescape
from pathlib import Path

from app.domain import vocabulary
from app.domain.audiences import AUDIENCES
from app.domain.content import Faults
from app.domain.guides import Guide
from app.domain.library import Library
from app.domain.prose import Prose
from app.domain.site import Site
from app.domain.vocabulary import Words
from app.domain.weighing import Index, Page, Place

# A page that weighs less than this share of the best one is not what was asked for.
WORST = 0.35
# Of pages that weigh at least this share of the best one, none was asked for rather than another.
TIE = 0.97
MOST_HITS = 20
HEADINGS = re.compile(r"<h[2-4]>(.*?)</h[2-4]>", re.DOTALL)
TAGS = re.compile(r"<[^>]+>")


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
            others = [one for one in self.indexes.values() if one is not index]
            for place, weight in index.weigh(text, others).items():
                best[place] = max(best.get(place, 0), share * weight)
        if not best:
            return []
        most = max(best.values())
        readers = self.indexes[self.language].readers

        def rank(place: Place) -> tuple[int, float, Place]:
            # Where the words do not tell, what more kinds of readers may do themselves comes first.
            return -readers.get(place, 0) - 1 if best[place] >= TIE * most else 0, -best[place], place

        ranked = sorted(best, key=rank)
        return [place for place in ranked[:MOST_HITS] if best[place] >= WORST * most]


def read(
    folder: Path,
    libraries: Mapping[str, Library],
    site: Site,
    fixed: Callable[[str], Mapping[str, tuple[str, str]]],
) -> dict[str, Search]:
    """Return the search in every language; `fixed` gives title and lead of what no file of the content tells.

    Raises:
        ContentError: what is said of the words is wrong.

    """
    faults = Faults()
    indexes = {}
    for language, library in libraries.items():
        others = (Page(kind, "", title, lead, "", "") for kind, (title, lead) in fixed(language).items())
        found = (*_pages(library), *others)
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
    for one in library.questions.values():
        question = _page("question", one.slug, one.title, one.lead, [one.prose])
        found.append(replace(question, readers=len(one.audiences)))
    for item in library.news.values():
        found.append(_page("news", item.slug, item.title, item.lead, [item.prose]))
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
    # What most people come to do is an answer too: the screen where it is done.
    for task in library.help.most_used:
        found.append(Page("screen", task.to, task.title, task.help, "", "", len(AUDIENCES)))
    return found


def _guide(one: Guide) -> Page:
    headings = [step.heading for step in one.steps]
    found = _page("guide", one.slug, one.title, one.lead, one.proses, headings, one.needs)
    return replace(found, readers=len(one.audiences))


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
