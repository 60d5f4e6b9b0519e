"""Search: whoever asks in their own words is shown the pages that answer, while they type or page by page."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, current_app, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.db import Database
from app.domain import misses
from app.domain import searching as domain
from app.domain.guides import Guide
from app.domain.library import Article, NewsItem, Question, Topic
from app.domain.searching import Search
from app.domain.weighing import LONGEST, Place
from app.web.fields import N_
from app.web.guard import public
from app.web.hours import opening_hours
from app.web.i18n import LANGUAGES, SOURCE, Catalogue, language, ngettext
from app.web.i18n import gettext as _
from app.web.library import address, lang_of, library, most_used
from app.web.page import is_fragment, page
from app.web.transaction import now

LANG = f"<any({', '.join(LANGUAGES)}):lang>"
KIND_WORDS = {
    "guide": N_("Vejledning"),
    "question": N_("Spørgsmål"),
    "news": N_("Aktuelt"),
    "topic": N_("Emne"),
    "audience": N_("Oversigt"),
    "page": N_("Om siden"),
    "screen": N_("Genvej"),
    "contact": N_("Kontakt"),
    "status": N_("Drift"),
}
# Title and lead of what no file of the content tells: the help box with phone and hours, and how things run.
FIXED = {
    "contact": (
        N_("Har du brug for mere hjælp?"),
        N_("Ring til os, eller skriv til os. Her er telefon og åbningstider."),
    ),
    "status": (
        N_("Driftsstatus"),
        N_("Se, om alt kører, som det skal, og hvilke problemer der har været."),
    ),
}

blueprint = Blueprint("searching", __name__)


@dataclass(frozen=True, slots=True)
class Result:
    """One page that answers."""

    title: str
    lead: str
    href: str
    kind: str
    lang: str | None


def init(app: Flask, content: Path) -> None:
    """Index all there is to read; what is wrong with the words of search stops the start.

    Raises:
        ContentError: with everything that is wrong.

    """
    catalogues: dict[str, Catalogue] = app.extensions["catalogues"]

    def fixed(code: str) -> dict[str, tuple[str, str]]:
        said = catalogues.get(code, catalogues[SOURCE]).gettext
        return {kind: (said(title), said(lead)) for kind, (title, lead) in FIXED.items()}

    app.extensions["search"] = domain.read(content, app.extensions["library"], app.extensions["site"], fixed)


@blueprint.get(f"/{LANG}/soeg")
@public
def results(lang: str) -> Response:
    """Show what answers a question, or ask for one; while somebody types, only the results."""
    asked = request.args.get("q", "")[:LONGEST].strip()
    searches: dict[str, Search] = current_app.extensions["search"]
    found = [_result(place) for place in searches[language()].find(asked)] if asked else []
    # What is half typed is no search yet.
    if asked and not found and not is_fragment() and request.method == "GET":
        _note_miss(asked)
    answer = page(
        "searching/results.html",
        swap="results",
        asked=asked,
        results=found,
        count_text=ngettext("%(n)s resultat", "%(n)s resultater", len(found)),
        # Told aloud to whoever types; a page of its own tells it by its heading.
        is_part=is_fragment(),
        tasks=most_used(),
        hours=opening_hours(),
    )
    if is_fragment():
        # Whoever goes on from here comes back to these results.
        answer.headers["HX-Replace-Url"] = url_for("searching.results", lang=lang, q=asked or None)
    return answer


def _note_miss(asked: str) -> None:
    # A transaction of its own; should the database be busy or away, the search is answered all the same.
    database: Database = current_app.extensions["database"]
    with suppress(SQLAlchemyError), database.writing() as writing:
        writing.connection()
        misses.note(writing, language(), asked, now())
        writing.commit()


def _result(place: Place) -> Result:
    kind, name = place
    found = library()
    if kind in FIXED:
        title, lead, written = *map(_, FIXED[kind]), language()
    elif kind == "audience":
        one = found.help.audiences[name]
        title, lead, written = one.title, one.lead, found.help.language
    elif kind == "screen":
        [task] = (task for task in found.help.most_used if task.to == name)
        title, lead, written = task.title, task.help, found.help.language
    else:
        shelves: Mapping[str, Mapping[str, Guide | Question | NewsItem | Topic | Article]] = {
            "guide": found.guides,
            "question": found.questions,
            "news": found.news,
            "topic": found.topics,
            "page": found.articles,
        }
        text = shelves[kind][name]
        title, lead, written = text.title, text.lead, text.language
    return Result(title, lead, address(kind, name), _(KIND_WORDS[kind]), lang_of(written))
