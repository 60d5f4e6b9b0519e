"""The front page, the pages for each kind of reader and each topic, and what the site says of itself."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, url_for
from werkzeug.wrappers import Response

from app.domain.audiences import AUDIENCES, Audience
from app.domain.guides import TOPICS
from app.domain.library import ARTICLES
from app.web.guard import public
from app.web.hours import opening_hours
from app.web.i18n import LANGUAGES, language
from app.web.library import Way, entries, lang_of, library, most_used, pieces, said_in, way
from app.web.page import page

LANG = f"<any({', '.join(LANGUAGES)}):lang>"
AUDIENCE = f"<any({', '.join(AUDIENCES)}):audience>"
TOPIC = f"<any({', '.join(map(repr, TOPICS))}):topic>"
ARTICLE = f"<any({', '.join(ARTICLES)}):article>"
# Beside the doors, only what is newest and most asked for.
NEWEST = 3

# So many guides stand on the front page: those first in the list of short links.
MOST_USED = 6

blueprint = Blueprint("support", __name__)


@blueprint.get("/")
@public
def home() -> Response:
    """Lead to the front page in the reader's language."""
    return in_own_language("support.front")


@blueprint.get("/was")
@public
def accessibility() -> Response:
    """Lead to the accessibility statement, by the address that Danish authorities have for it."""
    return in_own_language("support.article", article="tilgaengelighed")


def in_own_language(endpoint: str, **values: Any) -> Response:
    """Lead to a public page in the language that a reader without one in the address is taken to want."""
    answer = redirect(url_for(endpoint, lang=language(), **values), 302)
    answer.headers["Vary"] = "Cookie, Accept-Language"
    return answer


@blueprint.get(f"/{LANG}/")
@public
def front(lang: str) -> Response:
    """Show the doors, the most used tasks, what is new, and the guides."""
    found = library()
    return page(
        "support/front.html",
        doors=[_door(found.help.audiences[slug]) for slug in AUDIENCES],
        tasks=most_used(),
        translations=said_in("audiences", AUDIENCES[0])["translations"],
        news=entries(found.news.values())[:NEWEST],
        guides=entries(list(found.guides.values())[:MOST_USED]),
        hours=opening_hours(),
    )


@blueprint.get(f"/{LANG}/{AUDIENCE}")
@public
def audience(lang: str, audience: str) -> Response:
    """Show what one kind of reader comes to do, the prose for them, and their guides and questions."""
    found = library()
    shown = found.help.audiences[audience]
    body = found.articles.get(audience)
    said = said_in("audiences", audience)
    # One note is enough.
    of_body = said_in("pages", audience)["translations"] if body and not said["translations"] else []
    return page(
        "support/audience.html",
        audience=shown,
        tasks=[way(task) for task in shown.tasks],
        pieces=pieces(body) if body else [],
        has_help_box=bool(body and "help_box" in body.pieces),
        lang_of_body=lang_of(body.language) if body else None,
        translations_of_body=of_body,
        **said,
        news=entries(found.news.values())[:NEWEST],
        guides=entries(found.guides_for(audience=audience)),
        questions=entries(found.questions_for(audience=audience)),
        hours=opening_hours(),
    )


@blueprint.get(f"/{LANG}/emne/{TOPIC}")
@public
def topic(lang: str, topic: str) -> Response:
    """Show all guides and questions about something."""
    found = library()
    return page(
        "support/topic.html",
        topic=found.topics[topic],
        **said_in("topics", topic),
        guides=entries(found.guides_for(topic=topic)),
        questions=entries(found.questions_for(topic=topic)),
        hours=opening_hours(),
    )


@blueprint.get(f"/{LANG}/{ARTICLE}")
@public
def article(lang: str, article: str) -> Response:
    """Show what the site says of itself."""
    found = library().articles.get(article)
    if found is None:
        abort(404)
    return page(
        "support/article.html",
        article=found,
        pieces=pieces(found),
        **said_in("pages", article),
        news=entries(library().news.values())[:NEWEST],
        hours=opening_hours(),
    )


def _door(one: Audience) -> Way:
    href = url_for("support.audience", lang=language(), audience=one.slug)
    return Way(one.door, one.door_help, href, lang_of(library().help.language))
