"""Where in Elevadgang a request is: a teacher's class, or an administrator's institution (S-40)."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint, abort, g, request, url_for
from werkzeug.wrappers import Response

from app.domain.elevadgang import areas, oversight
from app.domain.elevadgang.areas import Area
from app.domain.sessions import Login
from app.models.elevadgang import Door
from app.web.browser import browser
from app.web.guard import current_login
from app.web.i18n import gettext as _
from app.web.page import leave, page, request_id
from app.web.telling import News, tell_next
from app.web.transaction import change, db, now

blueprint = Blueprint("elevadgang", __name__)

# The word before an institution's number in an address; a class is named by its number alone.
SCHOOL = "skole-"
TWO_FACTOR = "ToFaktor"


def living() -> Login:
    """Return the login of whoever was let in by the guard."""
    login = current_login()
    assert login is not None
    return login


def is_proved_twice() -> bool:
    """Whether this login rests on two factors, as an administrator's must (domain 8)."""
    return living().assurance_level == TWO_FACTOR


def where(area: Area) -> str:
    """Return an area's part of the address."""
    return SCHOOL + area.institution_number.lower() if area.group_id is None else str(area.group_id)


def taught() -> list[Area]:
    """Return the reader's classes, which a request asks for once."""
    found: list[Area] | None = g.get("taught")
    if found is None:
        found = g.taught = areas.list_classes(db(), living().user_id, now().today)
    return found


def find_area(place: str) -> Area | Response:
    """Return the area of an address, or where an administrator proves more.

    What is not the reader's is answered like what is not there; the attempt is told to whoever looks after
    that institution (S-47).
    """
    if place.startswith(SCHOOL):
        number = place.removeprefix(SCHOOL).upper()
        area = areas.find_institution(db(), living().user_id, number)
        if area is None:
            refuse(areas.find_foreign(db(), number=number), place)
        return area if is_proved_twice() else prove_more()
    if not place.isdecimal() or len(place) > 15:
        abort(404)
    area = next((one for one in taught() if one.group_id == int(place)), None)
    if area is None:
        refuse(areas.find_foreign(db(), group_id=int(place)), place)
    return area


def find_school(place: str) -> Area | Response:
    """Return the institution of an address that only an administrator has."""
    area = find_area(place)
    if isinstance(area, Area) and area.door is not Door.ADMINISTRATOR:
        abort(404)
    return area


def prove_more() -> Response:
    """Lead to the start, where an administrator logs in with MitID."""
    tell_next(News.TWO_FACTOR)
    return leave(url_for("elevadgang.start"))


def refuse(institution_id: int | None, place: str) -> NoReturn:
    """Record that somebody reached for what is not theirs, and tell them nothing of it."""
    actor_id, network = living().user_id, browser().network
    if institution_id is not None:
        with change():
            oversight.note_foreign(db(), actor_id, institution_id, place[:40], network, now())
    if request.method == "POST":
        abort(_nothing_done(place))
    abort(404)


def _nothing_done(place: str) -> Response:
    """Answer a press that was refused: an honest one too, whose list has changed since it was opened."""
    is_school = place.startswith(SCHOOL)
    return page(
        "error.html",
        status=404,
        errors=True,
        code=404,
        title=_("Intet er gjort"),
        what=_("Listen er ændret, siden du åbnede den, eller eleven er ikke din."),
        next_step=_("Åbn listen igen, og se, hvem der står på den nu."),
        back_href=url_for("elevadgang.start" if is_school else "elevadgang.classes"),
        back_text=_("Tilbage") if is_school else _("Tilbage til dine klasser"),
        request_id=request_id(),
    )
