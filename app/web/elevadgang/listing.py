"""The way to the pupils: the start, the classes, the list with its live status, the wall, the paper."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import segno
from flask import abort, redirect, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.domain.access import Action
from app.domain.elevadgang import areas, pupils
from app.domain.elevadgang.areas import Area
from app.domain.elevadgang.pupils import PAGE, Listed, Pupil
from app.domain.elevadgang.windows import Standing
from app.models.elevadgang import Door
from app.web import pictures
from app.web.elevadgang import shown
from app.web.elevadgang.area import blueprint, find_area, is_proved_twice, living, prove_more, taught, where
from app.web.elevadgang.shown import Status
from app.web.guard import current_login, public, requires
from app.web.i18n import date_text, language, ngettext
from app.web.page import leave, page
from app.web.telling import News, take, told
from app.web.transaction import change, config, db, now, world

# What the form cookie remembers of this reader: the class that was open last, and whether usernames show.
LAST, HIDDEN = "class", "names_hidden"
FAST_SECONDS, SLOW_SECONDS = 3, 20
LONGEST_SEARCH = 60
EXAMPLE = ("ugle", "kage", "sol", "bil")


@dataclass(frozen=True, slots=True)
class Way:
    """Another class or school to go to; in a class so many have a hand up."""

    text: str
    href: str
    is_current: bool
    group_id: int | None = None
    asking: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a list that is open: what was searched for, in which class, and which page of it."""

    search: str
    group: str
    number: int

    @property
    def address(self) -> dict[str, Any]:
        """What it adds to the list's address, which a press leads back to."""
        return {
            "side": self.number if self.number > 1 else None,
            "soeg": self.search or None,
            "klasse": self.group or None,
        }


@blueprint.get("/elevadgang")
@public
def start() -> Response:
    """Offer the two ways in: as a teacher, or as a user administrator."""
    login = current_login()
    return page(
        "elevadgang/start.html",
        is_logged_in=login is not None,
        name=login.name if login else "",
        is_administrator=login is not None and is_proved_twice(),
        has_mitid=world().mitid is not None,
        administrator_href=url_for("elevadgang.administrator"),
    )


@blueprint.get("/elevadgang/klasser")
@requires(Action.HELP_PUPILS)
def classes() -> Response:
    """Open the class that was open last, or say why there is none."""
    found = taught()
    if not found:
        return _empty(None)
    last = session.get(LAST)
    area = next((area for area in found if where(area) == last), found[0])
    return leave(url_for("elevadgang.group", place=where(area)))


@blueprint.get("/elevadgang/administrator")
@requires(Action.HELP_PUPILS)
def administrator() -> Response:
    """Open the institution of a user administrator who has shown two factors."""
    if not is_proved_twice():
        return prove_more()
    found = areas.list_institutions(db(), living().user_id)
    if len(found) == 1:
        return leave(url_for("elevadgang.group", place=where(found[0])))
    return page(
        "elevadgang/administrator.html",
        status=200 if found else 403,
        about="" if found else "without-right",
        ways=_ways(found, None),
    )


@blueprint.get("/elevadgang/<place>")
@requires(Action.HELP_PUPILS)
def group(place: str) -> Response:
    """Show the pupils of a class or an institution, and what goes on."""
    area = find_area(place)
    if not isinstance(area, Area):
        return area
    if "navne" in request.args:
        session[HIDDEN] = request.args["navne"] == "skjul"
        return redirect(url_for("elevadgang.group", place=place, **shown_part().address), 303)
    session[LAST] = place
    with change():  # who saw whose names, and when, is recorded (domain 8)
        pupils.record_shown(db(), area, now())
    found = _found(area)
    if area.door is Door.TEACHER and not found.total:
        return _empty(area)
    return list_page(area, found)


def list_page(area: Area, found: Listed | None = None, *, status: int = 200, **more: Any) -> Response:
    """Answer with the list of an area; `more` says what a press came to."""
    found = found or _found(area)
    rows = [shown.row(pupil) for pupil in found.pupils]
    statuses = {row.uni_id: row.status for row in rows}
    asking = _asking(area)
    news = take()
    is_administrator = area.door is Door.ADMINISTRATOR
    view = shown_part()
    context: dict[str, Any] = {
        "problem": None,
        "names": [],
        "ticked": set(),
        **more,
    }
    if "alle" in request.args:
        context["ticked"] = {row.uni_id for row in rows if row.username and not row.is_blocked}
    context["count"] = sum(row.uni_id in context["ticked"] for row in rows)
    return page(
        "elevadgang/group.html",
        status=status,
        place=where(area),
        title=area.group_name or area.institution_name,
        institution=area.institution_name,
        is_administrator=is_administrator,
        ways=_ways_of(area, asking),
        groups=_groups(area),
        rows=rows,
        found=found.found,
        total=found.total,
        search=view.search,
        chosen=view.group,
        is_hidden=bool(session.get(HIDDEN)),
        page_number=view.number,
        pages=-(-found.found // PAGE) if is_administrator else 1,
        poll=poll_context(area, statuses, shown.namesakes(rows), asking),
        news=news,
        waiting=_waiting(found.pupils) if news and news.news is News.OPENED else [],
        **context,
    )


def poll_context(
    area: Area, statuses: dict[str, Status], namesakes: Collection[str], asking: dict[int, int]
) -> dict[str, Any]:
    """Return what the page asks for by itself: where, how often, and what it has, which presses send too.

    Of a class all pupils are on the page, and it asks for any; of an institution it names those it shows.
    """
    is_live = any(one.may_cancel for one in statuses.values())
    has: dict[str, Any] = {
        "kendt": shown.told(statuses, namesakes, names_all=area.door is Door.ADMINISTRATOR),
        "haender": "~".join(f"{group_id}.{count}" for group_id, count in asking.items()),
    }
    return {
        "href": url_for("elevadgang.status", place=where(area), **{k: v for k, v in has.items() if v}),
        "has": has,
        "seconds": FAST_SECONDS if is_live else SLOW_SECONDS,
    }


@blueprint.get("/elevadgang/<place>/status")
@requires(Action.HELP_PUPILS, is_poll=True)
def status(place: str) -> Response:
    """Answer a page that asks what has changed: those cells, one sentence each, and the next question."""
    area = find_area(place)
    return changed(area) if isinstance(area, Area) else area


def changed(
    area: Area, *, news: News | None = None, row: str = "", act: str = "", given: Collection[str] = ()
) -> Response:
    """Answer with what differs from what the page says it has, so that nothing else on it moves.

    After a press `news` is what came of it: told in the `row` where a button was pressed, or beside the
    button that gave new passwords to the `given`.
    """
    has = request.values.get("kendt", "")
    known = shown.known(has)
    asked = list(known)[:PAGE] if area.door is Door.ADMINISTRATOR else None
    namesakes = shown.known_namesakes(has) & set(list(known)[:PAGE])
    happening = pupils.list_happening(db(), area, now(), asked)
    untold = {row, *given}
    cells, said = shown.changes(known, happening, namesakes=namesakes, untold=untold)
    statuses = dict.fromkeys(asked or (), shown.NOTHING)
    statuses |= {pupil.uni_id: shown.row(pupil).status for pupil in happening}
    if row:
        cells.setdefault(row, statuses.get(row, shown.NOTHING))
    asking = _asking(area)
    before = shown.counts(request.values.get("haender", ""))
    classes = _ways(taught(), area, asking) if area.door is Door.TEACHER else []
    ways = [way for way in classes if way.asking != before.get(way.group_id or 0, 0)]
    said += [_asks_in(way) for way in ways if not way.is_current and way.asking]
    answer = page(
        "elevadgang/status.html",
        swap="status",
        part_of="elevadgang/group.html",
        place=where(area),
        title=area.group_name or area.institution_name,
        cells=cells,
        ways=ways,
        news=told(news) if news else None,
        row=row,
        act=act,
        waiting=_waiting([pupil for pupil in happening if pupil.uni_id in given]),
        said=". ".join(said),
        poll=poll_context(area, statuses, namesakes, asking),
    )
    if news:  # into the page at hand, which keeps its address
        answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#poll", "outerHTML"
        answer.headers["HX-Push-Url"] = "false"
    return answer


def _waiting(those: list[Pupil]) -> list[tuple[str, str]]:
    """Return UniID and name of the pupils who may write their username now."""
    return [
        (pupil.uni_id, pupil.name)
        for pupil in those
        if pupil.window and pupil.window.standing is Standing.WAITING
    ]


def _asking(area: Area) -> dict[int, int]:
    """Return how many have a hand up in each of the reader's classes, where there are several to look at."""
    several = taught() if area.door is Door.TEACHER and len(taught()) > 1 else []
    return pupils.count_asking(db(), several, now())


def _asks_in(way: Way) -> str:
    return ngettext(
        "%(n)s elev i %(title)s beder om hjælp",
        "%(n)s elever i %(title)s beder om hjælp",
        way.asking,
        title=way.text,
    )


@blueprint.get("/elevadgang/<place>/tavle")
@requires(Action.HELP_PUPILS)
def board(place: str) -> Response:
    """Show on the wall how a pupil gets a new password; nobody's name is on it."""
    area = find_area(place)
    if not isinstance(area, Area):
        return area
    address = config().public_url + "/login"
    qr = Markup(segno.make(address, error="m").svg_inline(border=2, omitsize=True))  # noqa: S704 - drawn by us
    return page(
        "elevadgang/board.html",
        place=place,
        title=area.group_name or area.institution_name,
        address=address.split("://", 1)[1],
        qr=qr,
        pictures=pictures.named(EXAMPLE, language()),
    )


@blueprint.get("/elevadgang/<place>/print")
@requires(Action.HELP_PUPILS)
def printed(place: str) -> Response:
    """Show the class list for paper: names and usernames, never a password."""
    area = find_area(place)
    if not isinstance(area, Area):
        return area
    with change():
        pupils.record_shown(db(), area, now(), is_printed=True)
    found = _found(area, is_whole=True)
    return page(
        "elevadgang/printed.html",
        place=place,
        title=area.group_name or area.institution_name,
        institution=area.institution_name,
        rows=[shown.row(pupil) for pupil in found.pupils],
        day=date_text(now().at),
    )


def _found(area: Area, *, is_whole: bool = False) -> Listed:
    view = shown_part()
    search = "" if is_whole else view.search
    if area.door is Door.TEACHER:
        return pupils.list_class(db(), area, now(), search)
    group_id = int(view.group) if view.group else None
    return pupils.list_institution(db(), area, now(), search, group_id, view.number)


def shown_part() -> Part:
    """Return which part of a list the address, or the form of its page, names."""
    group = request.values.get("klasse", "")
    return Part(
        search=request.values.get("soeg", "")[:LONGEST_SEARCH].strip(),
        group=group if group.isdecimal() and len(group) < 16 else "",
        number=_number(request.values.get("side", "")),
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and 0 < len(text) < 6 and int(text) else 1


def _ways_of(area: Area, asking: dict[int, int] | None = None) -> list[Way]:
    if area.door is Door.TEACHER:
        return _ways(taught(), area, asking)
    return _ways(areas.list_institutions(db(), living().user_id), area)


def _ways(found: list[Area], current: Area | None, asking: dict[int, int] | None = None) -> list[Way]:
    has_several = len({area.institution_id for area in found}) > 1
    return [
        Way(
            f"{area.group_name}, {area.institution_name}"
            if area.group_name and has_several
            else area.group_name or area.institution_name,
            url_for("elevadgang.group", place=where(area)),
            current is not None and where(area) == where(current),
            area.group_id,
            (asking or {}).get(area.group_id or 0, 0),
        )
        for area in found
    ]


def _groups(area: Area) -> list[Way]:
    """Return the classes that an administrator may choose among."""
    if area.door is Door.TEACHER:
        return []
    chosen = shown_part().group
    return [Way(name, str(id), str(id) == chosen) for id, name in pupils.list_main_groups(db(), area, now())]


def _empty(area: Area | None) -> Response:
    """Say why there are no pupils, and what to do about it (domain 8)."""
    reason = areas.why_empty(db(), living().user_id, area, now())
    if area is None and reason is None:
        abort(404)
    return page(
        "elevadgang/classes.html",
        reason=reason.name if reason else "NO_PUPILS",
        title=area.group_name if area else "",
        ways=[way for way in _ways_of(area) if not way.is_current] if area else [],
    )
