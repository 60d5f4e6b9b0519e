"""A helper's presses: «Giv ny adgangskode», and what is done with a window after that (S-40, S-41)."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from app.domain.access import Action
from app.domain.elevadgang import presses
from app.domain.elevadgang.areas import Area
from app.domain.elevadgang.presses import Press
from app.web.browser import browser
from app.web.elevadgang import shown
from app.web.elevadgang.area import blueprint, find_area, living, refuse
from app.web.elevadgang.listing import changed, list_page, shown_part
from app.web.fields import window_named
from app.web.guard import requires
from app.web.page import is_fragment, onward
from app.web.telling import News, tell_next
from app.web.transaction import db, keys, now

TICKED, ROW = "elev", "raekke"


@blueprint.post("/elevadgang/<place>")
@requires(Action.HELP_PUPILS)
def pressed(place: str) -> Response:
    """Open five minutes for the pupils who were ticked."""
    area = find_area(place)
    if not isinstance(area, Area):
        return area
    ticked = request.form.getlist(TICKED)
    made = presses.press(db(), keys(), area, ticked, browser(), now())
    if made.outcome is Press.FOREIGN:
        refuse(area.institution_id, place)
    if made.outcome is not Press.OPENED:
        return list_page(area, status=422, problem=made.outcome.name, ticked=set(ticked))
    if made.kept:
        names = [(name, why.name) for name, why in made.kept]
        return list_page(area, status=422, problem="KEPT", names=names)
    if is_fragment():
        return changed(area, news=News.OPENED, given=set(ticked))
    tell_next(News.OPENED)
    return _back(place, ticked[0] if len(ticked) == 1 else "")


pressed.may_repeat = TICKED  # type: ignore[attr-defined]


def _back(place: str, row: str) -> Response:
    """Lead back to the list, and there to the row that was pressed."""
    anchor = f"elev-{row}" if row else None
    return onward("elevadgang.group", place=place, **shown_part().address, _anchor=anchor)


def _act(place: str, act: str) -> Response:
    """Do one thing with one window; what came too late is told, and shows in the list."""
    area = find_area(place)
    if not isinstance(area, Area):
        return area
    number, picture = window_named(request.form.get("vindue", ""))
    whose = (area.door, living().user_id, area.institution_id, number)
    if act == "cancel":
        is_done = presses.cancel(db(), *whose, now())
    elif act == "extend":
        is_done = presses.extend(db(), *whose, browser(), now())
    elif act == "approve":
        is_done = presses.approve(db(), *whose, picture, browser(), now())
    else:
        is_done = presses.disown(db(), *whose, browser(), now())
    news = NEWS[act] if is_done else News.TOO_LATE
    # Where the button stood: a place on the page and nothing more.
    row = request.args.get(ROW, "")
    row = row if shown.is_uni_id(row) else ""
    if is_fragment():
        return changed(area, news=news, row=row, act=act)
    tell_next(news)
    return _back(place, row)


NEWS = {
    "cancel": News.CANCELLED,
    "extend": News.EXTENDED,
    "approve": News.APPROVED,
    "disown": News.DISOWNED,
}


@blueprint.post("/elevadgang/<place>/afbryd")
@requires(Action.HELP_PUPILS)
def cancelled(place: str) -> Response:
    """Take a window back."""
    return _act(place, "cancel")


@blueprint.post("/elevadgang/<place>/mere")
@requires(Action.HELP_PUPILS)
def extended(place: str) -> Response:
    """Give five minutes more."""
    return _act(place, "extend")


@blueprint.post("/elevadgang/<place>/godkend")
@requires(Action.HELP_PUPILS)
def approved(place: str) -> Response:
    """Let a claim from elsewhere go on, whose picture was compared."""
    return _act(place, "approve")


@blueprint.post("/elevadgang/<place>/ikke-min")
@requires(Action.HELP_PUPILS)
def disowned(place: str) -> Response:
    """Void the password that somebody else got."""
    return _act(place, "disown")


for _view in (cancelled, extended, approved, disowned):
    _view.may_repeat = TICKED  # type: ignore[attr-defined]
