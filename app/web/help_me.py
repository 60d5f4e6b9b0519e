"""«Hvad er der galt?»: two or three questions, each a page with an address, that end at one way to go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, current_app, request, url_for
from werkzeug.wrappers import Response

from app.config import Config
from app.domain import help_me as domain
from app.domain.audiences import AUDIENCES
from app.domain.help_me import End, HelpMe, Trouble
from app.web.guard import public
from app.web.hours import opening_hours
from app.web.i18n import LANGUAGES, language
from app.web.i18n import gettext as _
from app.web.library import Way, address, is_screen, lang_of, library
from app.web.page import page, site

LANG = f"<any({', '.join(LANGUAGES)}):lang>"
YES, NO = "ja", "nej"

blueprint = Blueprint("help_me", __name__)


def init(app: Flask, content: Path) -> None:
    """Read the questions; an end that leads nowhere stops the start.

    Raises:
        ContentError: with everything that is wrong.

    """
    app.extensions["help_me"] = domain.read(
        content, app.extensions["library"], app.extensions["site"], is_screen=is_screen(app)
    )


@blueprint.get(f"/{LANG}/hjaelp-mig")
@public
def ask(lang: str) -> Response:
    """Ask the next question, or show where to go. What is answered already stands in the address."""
    found: dict[str, HelpMe] = current_app.extensions["help_me"]
    asked = found[language()]
    who = request.args.get("hvem", "")
    if who not in AUDIENCES:
        return _question(_("Hvad er der galt?"), _("Hvem er du?"), _readers(), None)
    troubles = asked.troubles[who]
    trouble = troubles.get(request.args.get("hvad", ""))
    if trouble is None:
        lang_of_rows = lang_of(asked.language)
        rows = [Way(one.title, "", _here(hvem=who, hvad=one.slug), lang_of_rows) for one in troubles.values()]
        return _question(_("Hvad mangler du hjælp til?"), _("Vælg det, der passer bedst."), rows, _here())
    has_mitid = request.args.get("mitid", "")
    if trouble.asks_for_mitid and has_mitid not in (YES, NO):
        title = _("Har du %(mitid)s?", mitid=site().mitid)
        rows = _mitid(who, trouble)
        return _question(title, trouble.title, rows, _here(hvem=who), lang_of(asked.language))
    end = trouble.without_mitid if has_mitid == NO else trouble.with_mitid
    before = _here(hvem=who, hvad=trouble.slug if trouble.asks_for_mitid else None)
    return _end(trouble, _way(asked, end), before, lang_of(asked.language))


def _question(
    title: str, lead: str, rows: list[Way], back: str | None, lang_of_lead: str | None = None
) -> Response:
    return page(
        "help_me/ask.html",
        title=title,
        lead=lead,
        lang_of_lead=lang_of_lead,
        ways=rows,
        is_end=False,
        back=back,
        address="",
        hours=opening_hours(),
    )


def _end(trouble: Trouble, way: Way, back: str, lang_of_lead: str | None) -> Response:
    config: Config = current_app.extensions["config"]
    answers = {name: request.args[name] for name in ("hvem", "hvad", "mitid") if name in request.args}
    return page(
        "help_me/ask.html",
        title=_("Det kan hjælpe dig"),
        lead=trouble.title,
        lang_of_lead=lang_of_lead,
        ways=[way],
        is_end=True,
        back=back,
        address=config.public_url + _here(**answers),
        hours=opening_hours(),
    )


def _readers() -> list[Way]:
    help = library().help
    lang = lang_of(help.language)
    return [Way(help.audiences[slug].door, "", _here(hvem=slug), lang) for slug in AUDIENCES]


def _mitid(who: str, trouble: Trouble) -> list[Way]:
    rows = ((_("Ja, jeg har %(mitid)s", mitid=site().mitid), YES), (_("Nej"), NO))
    return [Way(title, "", _here(hvem=who, hvad=trouble.slug, mitid=answer)) for title, answer in rows]


def _way(asked: HelpMe, end: End) -> Way:
    kind, name = end
    if end in asked.ends:
        return Way(*asked.ends[end], address(kind, name), lang_of(asked.language))
    found = library()
    text = found.guides[name] if kind == "guide" else found.questions[name]
    return Way(text.title, text.lead, address(kind, name), lang_of(text.language))


def _here(**answers: Any) -> str:
    return url_for("help_me.ask", lang=language(), **answers)
