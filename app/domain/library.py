"""All there is to read on the site, in every language, checked as a whole when the site starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from app.domain import alphabet, audiences, content, guides
from app.domain.audiences import AUDIENCES, Help
from app.domain.content import Document, Faults
from app.domain.guides import TOPICS, Guide
from app.domain.prose import Prose, has_first_heading, prose
from app.domain.site import SOURCE, Site, SiteError

# Pages of prose with an address of their own; the others are the bodies of the audiences' pages.
ARTICLES = ("om", "privatliv", "tilgaengelighed")
# A line of a page's prose that stands for something drawn: the help box, the news.
BLOCKS = {"{{help_box}}": "help_box", "{{news}}": "news"}
REDIRECTS, CODES, TOPIC_WORDS = "redirects.toml", "short_links.toml", "topics.toml"

# Whether there is a live screen of this name.
IsScreen = Callable[[str], bool]
# The placeholders whose words depend on the language.
More = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question people ask, with the short answer and the long one."""

    slug: str
    language: str
    title: str
    lead: str
    audiences: tuple[str, ...]
    topics: tuple[str, ...]
    guides: tuple[str, ...]
    owner: str
    reviewed_on: date
    prose: Prose


@dataclass(frozen=True, slots=True)
class NewsItem:
    """Something new."""

    slug: str
    language: str
    title: str
    lead: str
    published_on: date
    prose: Prose


@dataclass(frozen=True, slots=True)
class Article:
    """A page of prose, in pieces: what stands between is drawn where the block's name is."""

    slug: str
    language: str
    title: str
    lead: str
    pieces: tuple[Prose | str, ...]

    @property
    def proses(self) -> list[Prose]:
        """Its prose, in order."""
        return [piece for piece in self.pieces if isinstance(piece, Prose)]


@dataclass(frozen=True, slots=True)
class Topic:
    """What guides and questions may be about."""

    slug: str
    language: str
    title: str
    lead: str


@dataclass(frozen=True)
class Library:
    """All of it in one language; what has no translation is there in Danish."""

    help: Help
    guides: Mapping[str, Guide]
    questions: Mapping[str, Question]
    news: Mapping[str, NewsItem]
    articles: Mapping[str, Article]
    topics: Mapping[str, Topic]
    codes: Mapping[str, str]
    redirects: Mapping[str, str]
    # Which languages each text is in, by kind and slug.
    languages: Mapping[tuple[str, str], tuple[str, ...]]

    def guides_for(self, *, audience: str = "", topic: str = "") -> list[Guide]:
        """Return the guides for a kind of reader or about a topic."""
        return [one for one in self.guides.values() if audience in one.audiences or topic in one.topics]

    def questions_for(self, *, audience: str = "", topic: str = "") -> list[Question]:
        """Return the questions of a kind of reader or about a topic."""
        return [one for one in self.questions.values() if audience in one.audiences or topic in one.topics]

    def overdue(self, today: date) -> list[Guide | Question]:
        """Return what its owner has not reviewed for twelve months."""
        # The last day of February is a day of every year.
        is_leap_day = (today.month, today.day) == (2, 29)
        year_ago = today.replace(year=today.year - 1, day=28 if is_leap_day else today.day)
        reviewed: list[Guide | Question] = [*self.guides.values(), *self.questions.values()]
        return [one for one in reviewed if one.reviewed_on < year_ago]


def read(
    folder: Path, languages: Sequence[str], site: Site, *, is_screen: IsScreen, more: More
) -> dict[str, Library]:
    """Read the content in every language; Danish is among them.

    Raises:
        ContentError: with everything that is wrong, a line each.

    """
    faults = Faults()
    reader = _Reader(folder, languages, site, more, faults)
    # Danish first: the others are compared with it.
    ordered = [SOURCE, *(code for code in languages if code != SOURCE)]
    libraries = {code: reader.library(code) for code in ordered}
    for library in libraries.values():
        _check_links(library, is_screen, faults)
    faults.tell()
    return libraries


class _Reader:
    """Reads a content folder, noting all that is wrong."""

    def __init__(
        self, folder: Path, languages: Sequence[str], site: Site, more: More, faults: Faults
    ) -> None:
        self._folder, self._site, self._more, self._faults = folder, site, more, faults
        kinds = ("guides", "questions", "news", "pages")
        self._files = {
            kind: {code: content.read_folder(folder, code, kind, faults) for code in languages}
            for kind in kinds
        }
        for kind, by_language in self._files.items():
            for found in by_language.values():
                for slug in found.keys() - by_language[SOURCE].keys():
                    faults.add(found[slug].place, "there is no Danish one")
                    del found[slug]
            if kind == "pages":
                self._check_pages(by_language[SOURCE])
        self._danish: dict[str, Guide] = {}
        slugs = list(self._files["guides"][SOURCE])
        codes = content.read_table(folder, CODES, faults)
        self._codes = guides.check_codes(codes, slugs, CODES, faults)
        # The file of short links is also the order in which the guides are listed.
        self._guide_order = {slug: place for place, slug in enumerate(self._codes)}
        self._redirects = self._read_redirects()

    def library(self, language: str) -> Library:
        """Return everything in a language."""
        read_guides = self._read("guides", language, self._guide)
        read_questions = self._read("questions", language, self._question)
        read_news = self._read("news", language, self._news_item)
        ordered = sorted(read_guides, key=lambda slug: self._guide_order.get(slug, 0))
        newest = sorted(read_news.values(), key=lambda one: (one.published_on, one.slug), reverse=True)
        if language == SOURCE:
            self._danish = read_guides
        return Library(
            help=audiences.read(self._folder, language, self._site),
            guides={slug: read_guides[slug] for slug in ordered},
            questions=dict(
                sorted(read_questions.items(), key=lambda pair: alphabet.place(pair[1].title, language))
            ),
            news={one.slug: one for one in newest},
            articles=self._read("pages", language, self._article),
            topics=self._topics(language),
            codes={code: slug for slug, code in self._codes.items()},
            redirects=self._redirects,
            languages=self._languages(),
        )

    def _languages(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return which languages each text is in, by kind and slug; a table of several texts is one file."""
        found = {
            (kind, slug): tuple(code for code, texts in by_language.items() if slug in texts)
            for kind, by_language in self._files.items()
            for slug in by_language[SOURCE]
        }
        codes = tuple(self._files["pages"])
        topics = {code: content.read_table(self._folder, f"{code}/{TOPIC_WORDS}", Faults()) for code in codes}
        for slug in TOPICS:
            found["topics", slug] = tuple(code for code in codes if slug in topics[code])
        there = tuple(code for code in codes if (self._folder / code / audiences.FILE).exists())
        return found | {("audiences", slug): there for slug in AUDIENCES}

    def _read(self, kind: str, language: str, make: Callable[..., Any]) -> dict[str, Any]:
        by_language = self._files[kind]
        made = {}
        for slug, source in by_language[SOURCE].items():
            words = by_language[language].get(slug)
            written = language if words else SOURCE
            words = words or source
            made[slug] = make(source, words, slug, written, self._filling(words, written))
        return made

    def _filling(self, words: Document, language: str) -> guides.Fill:
        """Return what fills in a file's placeholders; one there is no word for is noted with its step."""

        def fill(text: str) -> str:
            try:
                return self._site.fill(text, self._more(language))
            except SiteError as error:
                fault = str(error).partition(" in: ")[0]
                before = words.body.partition(fault.split()[-1])[0]
                step = f"\n{before}".count("\n## ") if "guides/" in words.place and text == words.body else 0
                self._faults.add(f"{words.place} step {step}" if step else words.place, fault)
                return text

        return fill

    def _guide(self, source: Document, words: Document, slug: str, language: str, fill: guides.Fill) -> Guide:
        if language == SOURCE and slug in self._danish:
            return self._danish[slug]  # noted already what is wrong with it
        guide = guides.read(source, words, slug, language, self._codes.get(slug, ""), fill)
        if language != SOURCE:
            guides.compare(self._danish[slug], guide, words.place, self._faults)
        return guide

    def _question(
        self, source: Document, words: Document, slug: str, language: str, fill: guides.Fill
    ) -> Question:
        own = ("audiences", "topics", "guides", "owner", "reviewed_on") if language == SOURCE else ()
        words.only("title", "lead", *own)
        return Question(
            slug,
            language,
            **_headed(words, fill),
            audiences=source.some("audiences", AUDIENCES),
            topics=source.texts("topics", TOPICS),
            guides=source.texts("guides"),
            owner=source.text("owner"),
            reviewed_on=source.date("reviewed_on"),
            prose=_prose(words, words.body, fill),
        )

    def _news_item(
        self, source: Document, words: Document, slug: str, language: str, fill: guides.Fill
    ) -> NewsItem:
        words.only("title", "lead", *(("published_on",) if language == SOURCE else ()))
        return NewsItem(
            slug,
            language,
            **_headed(words, fill),
            published_on=source.date("published_on"),
            prose=_prose(words, words.body, fill),
        )

    def _article(
        self, _source: Document, words: Document, slug: str, language: str, fill: guides.Fill
    ) -> Article:
        words.only("title", "lead")
        pieces = tuple(
            BLOCKS[piece] if piece in BLOCKS else _prose(words, piece, fill) for piece in _pieces(words.body)
        )
        return Article(slug, language, **_headed(words, fill), pieces=pieces)

    def _topics(self, language: str) -> dict[str, Topic]:
        danish = content.read_table(self._folder, f"{SOURCE}/{TOPIC_WORDS}", self._faults)
        own = content.read_table(self._folder, f"{language}/{TOPIC_WORDS}", self._faults)
        found = {}
        for slug in TOPICS:
            written = language if slug in own else SOURCE
            place = f"{written}/{TOPIC_WORDS} [{slug}]"
            table = own.get(slug, danish.get(slug))
            words = Document(place, table if isinstance(table, dict) else {}, "", self._faults)
            words.only("title", "lead")
            found[slug] = Topic(slug, written, **_headed(words, self._filling(words, written)))
        return found

    def _check_pages(self, danish: Mapping[str, Document]) -> None:
        for slug in ARTICLES:
            if slug not in danish:
                self._faults.add(f"{SOURCE}/pages/{slug}.md", "is missing")
        for slug in danish.keys() - {*ARTICLES, *AUDIENCES}:
            self._faults.add(danish[slug].place, "no page of the site shows it")

    def _read_redirects(self) -> dict[str, str]:
        """Return where renamed guides, questions and news are now; nobody is sent on twice."""
        found = content.read_table(self._folder, REDIRECTS, self._faults)
        there = {slug for kind in ("guides", "questions", "news") for slug in self._files[kind][SOURCE]}
        for old, new in found.items():
            if old in there:
                self._faults.add(REDIRECTS, f"{old} is there itself")
            if new not in there:
                self._faults.add(REDIRECTS, f"{old}: there is no {new}")
        return {old: str(new) for old, new in found.items()}


def _headed(words: Document, fill: guides.Fill) -> dict[str, str]:
    return {key: fill(words.text(key)) for key in ("title", "lead")}


def _prose(words: Document, text: str, fill: guides.Fill) -> Prose:
    if has_first_heading(text):
        words.faults.add(words.place, "# is the title's heading; begin with ##")
    return prose(fill(text))


def _pieces(body: str) -> Iterator[str]:
    """Divide a page's prose at the lines that stand for something drawn."""
    lines: list[str] = []
    for line in body.splitlines():
        if line.strip() in BLOCKS:
            yield "\n".join(lines)
            yield line.strip()
            lines = []
        else:
            lines.append(line)
    yield "\n".join(lines)


def _check_links(library: Library, is_screen: IsScreen, faults: Faults) -> None:
    known = {
        "guide": library.guides,
        "question": library.questions,
        "news": library.news,
        "topic": library.topics,
        "page": dict.fromkeys(ARTICLES),
        "audience": dict.fromkeys(AUDIENCES),
        "front": {"": None},
        "contact": {"": None},
    }

    def is_there(kind: str, name: str) -> bool:
        return kind == "https" or (is_screen(name) if kind == "screen" else name in known.get(kind, {}))

    for kind, one, proses in _texts(library):
        place = f"{one.language}/{kind}/{one.slug}.md"
        for number, text in enumerate(proses):
            step = f" step {number}" if kind == "guides" and 0 < number <= len(one.steps) else ""
            for link in text.links:
                if not is_there(*link):
                    faults.add(place + step, f"a link leads to {':'.join(link)}, which is not there")
        for field in fields(one):
            if field.name in ("related", "guides", "questions"):
                kind_of = "question" if field.name == "questions" else "guide"
                for slug in getattr(one, field.name):
                    if not is_there(kind_of, slug):
                        faults.add(place, f"{field.name}: there is no {kind_of} {slug}")


def _texts(library: Library) -> Iterator[tuple[str, Any, list[Prose]]]:
    for guide in library.guides.values():
        yield "guides", guide, guide.proses
    for question in library.questions.values():
        yield "questions", question, [question.prose]
    for item in library.news.values():
        yield "news", item, [item.prose]
    for article in library.articles.values():
        yield "pages", article, article.proses
