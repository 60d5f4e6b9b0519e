"""Questions and their answers, one a page."""

from __future__ import annotations

from flask import Blueprint, url_for
from werkzeug.wrappers import Response

from app.web import linked_data
from app.web.guard import public
from app.web.hours import opening_hours
from app.web.i18n import LANGUAGES
from app.web.library import by_reader, elsewhere, entries, html, library, said_in
from app.web.page import page
from app.web.transaction import config

LANG = f"<any({', '.join(LANGUAGES)}):lang>"

blueprint = Blueprint("questions", __name__)


@blueprint.get(f"/{LANG}/spoergsmaal/")
@public
def index(lang: str) -> Response:
    """List the questions by who asks them."""
    groups = by_reader(library().questions_for)
    return page("questions/index.html", groups=groups, hours=opening_hours())


@blueprint.get(f"/{LANG}/spoergsmaal/<slug>")
@public
def question(lang: str, slug: str) -> Response:
    """Show a question with its answer."""
    found = library()
    one = found.questions.get(slug)
    if one is None:
        return elsewhere("questions.question", slug, found.questions)
    address = f"{config().public_url}{url_for('questions.question', lang=lang, slug=slug)}"
    return page(
        "questions/question.html",
        question=one,
        **said_in("questions", slug),
        answer=html(one.prose),
        guides=entries(found.guides[slug] for slug in one.guides),
        linked_data=linked_data.faq([one], address),
        hours=opening_hours(),
    )
