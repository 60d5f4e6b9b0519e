"""Guides, step by step, each step beside the screen it speaks of; and their short links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import segno
from flask import Blueprint, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.domain.guides import Guide, Step
from app.web import linked_data
from app.web.guard import public
from app.web.hours import opening_hours
from app.web.i18n import LANGUAGES, date_text, day_text, language
from app.web.library import by_reader, elsewhere, entries, html, library, said_in
from app.web.page import page
from app.web.stills import ShownStill, show
from app.web.transaction import config, world

LANG = f"<any({', '.join(LANGUAGES)}):lang>"
# A code is four digits; what else people type there is told to be none.
LONGEST_CODE = 20
# A row of «Hvis det ikke virker» begins with the trouble, as a question.
ASKED = re.compile(r"<li>([^<?]+\?)")

blueprint = Blueprint("guides", __name__)


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as the page shows it."""

    number: int
    heading: str
    html: Markup
    stills: list[ShownStill]
    short_link: str


@blueprint.get(f"/{LANG}/vejledninger")
@public
def index(lang: str) -> Response:
    """List the guides by whom they are for."""
    groups = by_reader(library().guides_for)
    return page("guides/index.html", groups=groups, hours=opening_hours())


@blueprint.get(f"/{LANG}/vejledninger/<slug>")
@public
def guide(lang: str, slug: str) -> Response:
    """Show a guide."""
    found = library()
    one = found.guides.get(slug)
    if one is None:
        return elsewhere("guides.guide", slug, found.guides)
    address = f"{config().public_url}{url_for('guides.guide', lang=lang, slug=slug)}"
    short_link = f"{config().public_url}/v/{one.code}"
    steps = [_step(one, step, short_link) for step in one.steps]
    return page(
        "guides/guide.html",
        guide=one,
        **said_in("guides", slug),
        introduction=html(one.introduction),
        steps=steps,
        # The screens of a tool come with its own sheet.
        sheets=["elevadgang"] if _shows(one, "elevadgang/") else [],
        troubles=_marked(html(one.troubles.prose)) if one.troubles else Markup(),
        troubles_title=one.troubles.heading if one.troubles else "",
        short_link=short_link,
        short_host=short_link.partition("://")[2].removesuffix(one.code),
        address=address,
        code_picture=_code_picture(short_link),
        reviewed_text=day_text(one.reviewed_on, language()),
        printed_text=date_text(world().clock.now()),
        related=entries(found.guides[slug] for slug in one.related),
        questions=entries(found.questions[slug] for slug in one.questions),
        linked_data=linked_data.how_to(one, address),
        hours=opening_hours(),
    )


def _marked(troubles: Markup) -> Markup:
    """Return troubles with the question of each row marked, so that a reader finds the one at hand."""
    return Markup(ASKED.sub(r"<li><strong>\1</strong>", str(troubles)))  # noqa: S704 - our own, with a mark in it


def _shows(one: Guide, folder: str) -> bool:
    return any(still.template.startswith(folder) for step in one.steps for still in step.stills)


def _step(one: Guide, step: Step, short_link: str) -> ShownStep:
    # The screens speak the reader's language, as the live ones do.
    return ShownStep(
        step.number, step.heading, html(step.prose), show(step.stills), f"{short_link}/{step.number}"
    )


@lru_cache(1024)
def _code_picture(address: str) -> Markup:
    """Return an address as a QR code, for paper."""
    drawn = segno.make(address, micro=False, error="m")
    return Markup(drawn.svg_inline(scale=4, border=0))  # noqa: S704 - drawn by the library from our own address


@blueprint.get("/v/")
@public
def short_link() -> Response:
    """Ask for the four digits of a guide, or lead to it."""
    typed = request.args.get("kode", "")[:LONGEST_CODE].strip()
    return _by_code(typed) if typed else _ask("")


@blueprint.get("/v/<code>")
@public
def by_code(code: str) -> Response:
    """Lead to a guide by its four digits, in the reader's language."""
    return _by_code(code)


@blueprint.get("/v/<code>/<int:step>")
@public
def by_code_and_step(code: str, step: int) -> Response:
    """Lead to a step of a guide by the guide's four digits."""
    return _by_code(code, step)


def _by_code(code: str, step: int = 0) -> Response:
    found = library()
    slug = found.codes.get(code)
    if slug is None:
        return _ask(code[:LONGEST_CODE], status=404)
    anchor = f"trin-{step}" if 0 < step <= len(found.guides[slug].steps) else None
    answer = redirect(url_for("guides.guide", lang=language(), slug=slug, _anchor=anchor), 302)
    answer.headers["Vary"] = "Cookie, Accept-Language"
    return answer


def _ask(code: str, status: int = 200) -> Response:
    return page(
        "guides/short_link.html", status=status, errors=status == 404, code=code, hours=opening_hours()
    )
