"""What there is to read, as the pages show it: prose with addresses in it, rows and cards that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, abort, current_app, redirect, url_for
from markupsafe import Markup
from werkzeug.routing import BuildError
from werkzeug.wrappers import Response

from app.domain import explaining
from app.domain import library as domain
from app.domain.audiences import Task
from app.domain.guides import Guide
from app.domain.library import Article, Library, NewsItem, Question
from app.domain.prose import Prose
from app.web.i18n import LANGUAGES, SOURCE, day_text, language
from app.web.transaction import config

# Where a link of each kind leads: the endpoint, and which of its values the name is.
KINDS = {
    "guide": ("guides.guide", "slug"),
    "question": ("questions.question", "slug"),
    "news": ("news.item", "slug"),
    "topic": ("support.topic", "topic"),
    "page": ("support.article", "article"),
    "audience": ("support.audience", "audience"),
}
# The pages of a kind that there is one of; any other link leads to the front page.
FIXED = {"contact": "contact.form", "status": "status.now"}
# What is read there, by what the library calls its files.
ENDPOINTS = {Guide: KINDS["guide"], Question: KINDS["question"], NewsItem: KINDS["news"]}


@dataclass(frozen=True, slots=True)
class Way:
    """A row or a card that leads on; `lang` where its words are not in the page's own language."""

    title: str
    help: str
    href: str
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row or a card that leads to something to read."""

    title: str
    lead: str
    href: str
    lang: str | None
    date_text: str = ""
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """What there is for a kind of reader, and the words of their door."""

    slug: str
    door: str
    lang: str | None
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a page: a block drawn by its name, or prose."""

    block: str
    html: Markup


def init(app: Flask, content: Path) -> None:
    """Read all there is, once the addresses are known; whatever is wrong stops the start.

    Raises:
        ContentError: with everything that is wrong.

    """
    addresses = app.url_map.bind("")
    site = app.extensions["site"]
    libraries = domain.read(
        content,
        tuple(LANGUAGES),
        site,
        is_screen=is_screen(app),
        more=lambda code: {"manual_closure_date": day_text(site.manual_closure_on, code)},
    )
    app.extensions["library"] = libraries
    assert app.jinja_loader is not None
    told = explaining.read(content, libraries[SOURCE].guides, app.jinja_loader.list_templates())
    app.extensions["explained"] = {
        (screen, code): addresses.build("guides.guide", {"lang": code, "slug": slug}) + f"#{anchor}"
        for screen, (slug, anchor) in told.help.items()
        for code in LANGUAGES
    }
    app.extensions["elsewhere"] = told.elsewhere


def is_screen(app: Flask) -> Callable[[str], bool]:
    """Return what tells whether there is a live screen of a name, once the addresses are known."""
    addresses = app.url_map.bind("")

    def is_there(endpoint: str) -> bool:
        try:
            addresses.build(endpoint, method="GET")
        except BuildError:
            return False
        return True

    return is_there


def library() -> Library:
    """Return what there is to read, in the reader's language."""
    found: dict[str, Library] = current_app.extensions["library"]
    return found[language()]


def html(prose: Prose) -> Markup:
    """Return prose with addresses in it."""
    host = config().public_url.partition("://")[2]
    return Markup(prose.linked(address, host))  # noqa: S704 - made of our own Markdown, without HTML in it


def address(kind: str, name: str) -> str:
    """Return what a link of a kind leads to, for whoever reads in this language."""
    if kind == "screen":
        return url_for(name, ui_locales=language())
    if kind in KINDS:
        return _reading(KINDS[kind], name)
    return url_for(FIXED.get(kind, "support.front"), lang=language())


def _reading(place: tuple[str, str], slug: str) -> str:
    endpoint, value = place
    values: dict[str, Any] = {"lang": language(), value: slug}
    return url_for(endpoint, **values)


def pieces(article: Article) -> list[Piece]:
    """Return a page's pieces in order."""
    return [
        Piece("", html(one)) if isinstance(one, Prose) else Piece(one, Markup())
        for one in article.pieces
        if not isinstance(one, Prose) or one.html
    ]


def way(task: Task) -> Way:
    """Return the row that leads to a task's flow."""
    # Whoever reads in a language goes on in it.
    return Way(
        task.title, task.help, url_for(task.to, ui_locales=language()), lang_of(library().help.language)
    )


def most_used() -> list[Way]:
    """Return the rows of the tasks that most people come for."""
    return [way(task) for task in library().help.most_used]


def entries(found: Iterable[Guide | Question | NewsItem]) -> list[Entry]:
    """Return a row or a card for each of these."""
    return [_entry(one) for one in found]


def _entry(one: Guide | Question | NewsItem) -> Entry:
    return Entry(
        one.title,
        one.lead,
        _reading(ENDPOINTS[type(one)], one.slug),
        lang_of(one.language),
        date_text=day_text(one.published_on, language()) if isinstance(one, NewsItem) else "",
        minutes=one.minutes if isinstance(one, Guide) else 0,
    )


def by_reader(list_for: Callable[..., Sequence[Guide | Question]]) -> list[Group]:
    """Return texts under the door of each kind of reader that there are some for."""
    help = library().help
    return [
        Group(slug, one.door, lang_of(help.language), entries(found))
        for slug, one in help.audiences.items()
        if (found := list_for(audience=slug))
    ]


def lang_of(written: str) -> str | None:
    """Return what `lang` must say of a text, or None where it is in the page's own language."""
    return written if written != language() else None


def said_in(kind: str, slug: str) -> dict[str, Any]:
    """Return what a page says of the language of its text, for its template.

    `written` are the languages that the text is in; `lang_of_text` is set where the reader's is not among
    them, and `translations` are then those there are, by code and name.
    """
    written = library().languages[kind, slug]
    is_there = language() in written
    return {
        "written": written,
        "lang_of_text": None if is_there else SOURCE,
        "translations": [] if is_there else [(code, LANGUAGES[code]) for code in written],
    }


def elsewhere(endpoint: str, slug: str, there: Container[str]) -> Response:
    """Lead to where a renamed text is now; a text that never was ends the request with 404."""
    found = library().redirects.get(slug)
    if found is None or found not in there:
        abort(404)
    return redirect(url_for(endpoint, lang=language(), slug=found), 301)
