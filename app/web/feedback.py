"""«Hjalp det dig?»: a page of its own, as the kept pages hold no token."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, request, url_for
from werkzeug.wrappers import Response
from wtforms import HiddenField, TextAreaField

from app.domain import feedback
from app.domain.feedback import LONGEST, Outcome
from app.web.browser import browser
from app.web.fields import N_, Choice, ChoiceField, Form, OneOf, Short
from app.web.guard import public
from app.web.i18n import LANGUAGES, language
from app.web.i18n import gettext as _
from app.web.library import lang_of, library
from app.web.page import onward, page
from app.web.transaction import db, keys, now, world

LANG = f"<any({', '.join(LANGUAGES)}):lang>"
# What may be asked of, by the word in its address: what the library calls it, and the endpoint.
KINDS = {"vejledninger": ("guides", "guides.guide"), "spoergsmaal": ("questions", "questions.question")}
KIND = f"<any({', '.join(KINDS)}):kind>"
ANSWERS = ("ja", "nej")

blueprint = Blueprint("feedback", __name__)


class FeedbackForm(Form):
    """An answer, and why."""

    answer = ChoiceField(validators=[OneOf(ANSWERS, N_("Vælg ja eller nej."))])
    text = TextAreaField(validators=[Short(LONGEST, N_("Skriv højst %(most)s tegn."))])
    operation = HiddenField()


@blueprint.get(f"/{LANG}/hjalp-det/{KIND}/<slug>")
@public
def form(lang: str, kind: str, slug: str) -> Response:
    """Ask whether a page has helped; the link that was followed may have answered already."""
    answered = request.args.get("svar", "")
    blank = FeedbackForm(formdata=None, answer=answered if answered in ANSWERS else None)
    blank.operation.data = world().dice.token()
    return _page(blank, kind, slug)


@blueprint.post(f"/{LANG}/hjalp-det/{KIND}/<slug>")
@public
def sent(lang: str, kind: str, slug: str) -> Response:
    """Keep an answer."""
    _asked_of(kind, slug)
    filled = FeedbackForm()
    if not filled.validate():
        return _page(filled, kind, slug, status=422)
    outcome = feedback.take(
        db(),
        keys(),
        kind=KINDS[kind][0],
        slug=slug,
        language=lang,
        has_helped=filled.answer.data == "ja",
        text=filled.text.data or "",
        operation=filled.operation.data or world().dice.token(),
        network=browser().public_network,
        now=now(),
    )
    if outcome is Outcome.TOO_MANY:
        return _page(filled, kind, slug, status=429)
    return onward("feedback.thanks", lang=lang, kind=kind, slug=slug)


@blueprint.get(f"/{LANG}/hjalp-det/{KIND}/<slug>/tak")
@public
def thanks(lang: str, kind: str, slug: str) -> Response:
    """Say thanks, and lead back."""
    back = url_for(KINDS[kind][1], lang=lang, slug=slug)
    return page("feedback/thanks.html", **_asked_of(kind, slug), back_href=back)


def _page(filled: FeedbackForm, kind: str, slug: str, status: int = 200) -> Response:
    return page(
        "feedback/form.html",
        status=status,
        form=filled,
        is_too_many=status == 429,
        answers=[Choice("ja", _("Ja")), Choice("nej", _("Nej"))],
        **_asked_of(kind, slug),
        kind=kind,
        slug=slug,
        back_href=url_for(KINDS[kind][1], lang=language(), slug=slug),
    )


def _asked_of(kind: str, slug: str) -> dict[str, Any]:
    """Return title and language of the page that is asked of; one that is none ends the request with 404."""
    found = library()
    one = (found.guides if kind == "vejledninger" else found.questions).get(slug)
    if one is None:
        abort(404)
    return {"title": one.title, "lang_of_title": lang_of(one.language)}
