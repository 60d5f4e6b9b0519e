"""How things run: now, and the last 90 days."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, current_app
from werkzeug.wrappers import Response

from app.domain.status import LATELY_DAYS, Notice
from app.web.guard import public
from app.web.hours import opening_hours
from app.web.i18n import LANGUAGES, moment_text
from app.web.i18n import gettext as _
from app.web.notices import Board, ShownNotice, in_words
from app.web.page import page
from app.web.transaction import world

LANG = f"<any({', '.join(LANGUAGES)}):lang>"

blueprint = Blueprint("status", __name__)


@dataclass(frozen=True, slots=True)
class Row:
    """A notice with its times in words."""

    notice: ShownNotice
    times_text: str


@blueprint.get(f"/{LANG}/drift")
@public
def now(lang: str) -> Response:
    """Show what holds now, what is to come, and what has been."""
    board: Board = current_app.extensions["notices"]
    told, at = board.current(), world().clock.now()
    return page(
        "status/now.html",
        is_known=told.is_known,
        active=[_row(one) for one in told.active],
        coming=[_row(one) for one in reversed(told.lately) if one.starts_at > at],
        past=[_row(one) for one in told.lately if one.ends_at is not None and one.ends_at <= at],
        days=LATELY_DAYS,
        hours=opening_hours(),
    )


def _row(one: Notice) -> Row:
    start = moment_text(one.starts_at)
    if one.ends_at is None:
        return Row(in_words(one), _("Fra %(start)s", start=start))
    return Row(in_words(one), _("Fra %(start)s til %(end)s", start=start, end=moment_text(one.ends_at)))
