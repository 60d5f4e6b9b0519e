"""What only a user administrator has: one pupil's settings, the institution's log, and the alerts."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import abort, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.domain.access import Action
from app.domain.audit import NEWEST, Event
from app.domain.elevadgang import areas, oversight, pupils
from app.domain.elevadgang.oversight import LOG_PAGE, Deed, Entry
from app.models.elevadgang import Doubt, EndedBy
from app.models.people import PasswordType
from app.web import errors
from app.web.elevadgang import shown
from app.web.elevadgang.area import blueprint, find_school, living, refuse
from app.web.elevadgang.shown import TYPES
from app.web.fields import N_
from app.web.guard import requires, still_lives
from app.web.i18n import gettext as _
from app.web.i18n import moment_text
from app.web.page import onward, page, streamed
from app.web.telling import News, take, tell_next
from app.web.transaction import change, db, looking, now, world

WHAT = {
    Event.HELP_ASKED: N_("Rakte hånden op"),
    Event.WINDOW_OPENED: N_("Gav ny adgangskode"),
    Event.WINDOW_CLAIMED: N_("Skrev brugernavnet"),
    Event.WINDOW_APPROVED: N_("Godkendte"),
    Event.WINDOW_EXTENDED: N_("Gav fem minutter mere"),
    Event.WINDOW_CANCELLED: N_("Afbrudt"),
    Event.WINDOW_EXPIRED: N_("Tiden gik"),
    Event.WINDOW_DISOWNED: N_("Sagde: Det var ikke min elev"),
    Event.WINDOW_LIMIT_REACHED: N_("Nåede grænsen for nye adgangskoder"),
    Event.PASSWORD_CHANGED: N_("Fik ny adgangskode"),
    Event.PUPILS_SHOWN: N_("Så listen"),
    Event.PUPILS_PRINTED: N_("Lavede klasselisten"),
    Event.PUPIL_SHOWN: N_("Så eleven"),
    Event.LOG_SHOWN: N_("Så loggen"),
    Event.ALERTS_SHOWN: N_("Så advarslerne"),
    Event.FOREIGN_REFUSED: N_("Prøvede at nå elever, der ikke er deres"),
    Event.PASSWORD_TYPE_MARKED: N_("Ændrede typen af adgangskode"),
    Event.BLOCKED: N_("Spærrede"),
    Event.UNBLOCKED: N_("Åbnede igen"),
    Event.USERNAME_ACTIVATED: N_("Gav et brugernavn"),
    Event.LOG_EXPORTED: N_("Hentede loggen"),
    Event.NETWORK_ADDED: N_("Driften tilføjede et netværk"),
    Event.NETWORK_REMOVED: N_("Driften fjernede et netværk"),
    Event.INSTITUTION_ADDED: N_("Skolen blev oprettet"),
    Event.PERSON_ADDED: N_("En person blev oprettet"),
    Event.RIGHT_GIVEN: N_("En rettighed blev givet"),
}
# The list speaks to the one who helps; the log is read by others, and an administrator or a parent helps too.
DOUBTS = {
    Doubt.ELSEWHERE.value: N_("fra et andet sted end den, der hjalp"),
    Doubt.ASKED_BEFORE.value: N_("brugernavnet var skrevet flere gange derfra, før der blev trykket"),
    Doubt.MANY_PUPILS.value: N_("flere andre elevers brugernavne var lige skrevet samme sted fra"),
    Doubt.OWN_BROWSER.value: N_("i browseren hos den, der hjalp"),
}
REASONS = {
    EndedBy.HELPER.value: N_("af den, der hjalp"),
    EndedBy.REPLACED.value: N_("der blev trykket igen"),
    EndedBy.AUTHORITY.value: N_("hjælperen må ikke længere"),
    EndedBy.BLOCKED.value: N_("spærret"),
    EndedBy.CHANGED.value: N_("skiftet på anden måde"),
}
LIMITS = {"day": N_("tre om dagen"), "hour": N_("100 på en time")}
# How an address of the log says that it leaves out who only looked.
CHANGES = "aendringer"
# What a spreadsheet would reckon with (S-71).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """One line of the log."""

    when_text: str
    what_text: str
    actor: str
    subject: str
    details_text: str


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """One type of password that a pupil may be marked for."""

    value: str
    text: str
    is_chosen: bool


@blueprint.get("/elevadgang/<place>/elev/<uni_id>")
@requires(Action.HELP_PUPILS)
def pupil(place: str, uni_id: str) -> Response:
    """Show one pupil's settings."""
    area = find_school(place)
    if not isinstance(area, areas.Area):
        return area
    found = pupils.find_one(db(), area, uni_id, now())
    if found is None:
        abort(404)
    with change():
        oversight.record_seen(db(), area, Event.PUPIL_SHOWN, now(), uni_id)
    is_others = found.is_blocked and not found.may_unblock
    marked = found.password_type if found.is_marked else None
    return page(
        "elevadgang/pupil.html",
        place=place,
        row=shown.row(found),
        had_password=found.current_type is None and pupils.has_had_password(db(), uni_id),
        choices=[
            TypeChoice("", _("Som trinnet giver"), marked is None),
            *(TypeChoice(kind.name, _(text), marked is kind) for kind, text in TYPES.items()),
        ],
        blocker=oversight.find_blocker(db(), uni_id, now()) if is_others else None,
        news=take(),
    )


@blueprint.post("/elevadgang/<place>/elev/<uni_id>/type")
@requires(Action.HELP_PUPILS)
def marked(place: str, uni_id: str) -> Response:
    """Mark a pupil for a type of password, or for what the level gives."""
    name = request.form.get("type", "")
    if name and name not in PasswordType.__members__:
        abort(400)
    kind = PasswordType[name] if name else None
    return _done(place, uni_id, "mark", News.MARKED, kind)


@blueprint.post("/elevadgang/<place>/elev/<uni_id>/spaer")
@requires(Action.HELP_PUPILS)
def blocked(place: str, uni_id: str) -> Response:
    """Block a pupil."""
    return _done(place, uni_id, "block", News.BLOCKED)


@blueprint.post("/elevadgang/<place>/elev/<uni_id>/aabn")
@requires(Action.HELP_PUPILS)
def unblocked(place: str, uni_id: str) -> Response:
    """Let a blocked pupil in again."""
    return _done(place, uni_id, "unblock", News.UNBLOCKED)


@blueprint.post("/elevadgang/<place>/elev/<uni_id>/brugernavn")
@requires(Action.HELP_PUPILS)
def activated(place: str, uni_id: str) -> Response:
    """Give a pupil a username."""
    return _done(place, uni_id, "activate", News.ACTIVATED)


def _done(place: str, uni_id: str, act: str, news: News, kind: PasswordType | None = None) -> Response:
    area = find_school(place)
    if not isinstance(area, areas.Area):
        return area
    if act == "mark":
        deed = oversight.mark(db(), area, uni_id, kind, now())
    elif act == "block":
        deed = oversight.block(db(), area, uni_id, now())
    elif act == "unblock":
        deed = oversight.unblock(db(), area, uni_id, now())
    else:
        try:
            deed = oversight.activate(db(), world().dice, area, uni_id, now())
        except LookupError:  # so many share the first letters
            abort(503)
    if deed is Deed.FOREIGN:
        refuse(area.institution_id, place)
    told = {Deed.DONE: news, Deed.NOT_OURS: News.BLOCKED_BY_OTHERS}
    tell_next(told.get(deed, News.NOTHING))
    return onward("elevadgang.pupil", place=place, uni_id=uni_id)


# ---- The log ----


@blueprint.get("/elevadgang/log")
@requires(Action.HELP_PUPILS)
def own_log() -> Response:
    """Lead to the log of an administrator's institution."""
    found = areas.list_institutions(db(), living().user_id)
    if len(found) != 1:
        return onward("elevadgang.administrator")
    return onward("elevadgang.log", place=f"skole-{found[0].institution_number.lower()}")


@blueprint.get("/elevadgang/<place>/log")
@requires(Action.HELP_PUPILS)
def log(place: str) -> Response:
    """Show an institution's log, newest first."""
    area = find_school(place)
    if not isinstance(area, areas.Area):
        return area
    search = request.args.get("soeg", "")[:60].strip()
    text = request.args.get("til", "")
    before = int(text) if text.isdecimal() and len(text) < 19 and int(text) < NEWEST else None
    is_changes_only = request.args.get("kun") == CHANGES
    with change():
        oversight.record_seen(db(), area, Event.LOG_SHOWN, now())
    entries = oversight.list_log(
        db(), area, search=search, is_changes_only=is_changes_only, before=before, most=LOG_PAGE + 1
    )
    shown_entries = entries[:LOG_PAGE]
    only = CHANGES if is_changes_only else None
    newest: dict[str, Any] = {"place": place, "soeg": search or None, "kun": only}
    older = None
    if len(entries) > LOG_PAGE:
        older = url_for("elevadgang.log", **newest, til=shown_entries[-1].id)
    return page(
        "elevadgang/log.html",
        place=place,
        title=area.institution_name,
        search=search,
        only=only,
        all_href=url_for("elevadgang.log", **newest | {"kun": None}),
        changes_href=url_for("elevadgang.log", **newest | {"kun": CHANGES}),
        entries=_entries(shown_entries),
        older_href=older,
        newer_href=url_for("elevadgang.log", **newest) if before else None,
    )


@blueprint.get("/elevadgang/<place>/advarsler")
@requires(Action.HELP_PUPILS)
def alerts(place: str) -> Response:
    """Show what an administrator should look at (S-47)."""
    area = find_school(place)
    if not isinstance(area, areas.Area):
        return area
    with change():
        oversight.record_seen(db(), area, Event.ALERTS_SHOWN, now())
    return page(
        "elevadgang/alerts.html",
        place=place,
        title=area.institution_name,
        entries=_entries(oversight.list_alerts(db(), area, now())),
    )


@blueprint.post("/elevadgang/<place>/log.csv")
@requires(Action.HELP_PUPILS)
def exported(place: str) -> Response:
    """Give the whole log as a file for a spreadsheet, and record that it was taken out."""
    area = find_school(place)
    if not isinstance(area, areas.Area):
        return area
    oversight.record_exported(db(), area, now())
    answer: Response = streamed(_exported(area))
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    name = f"log-{area.institution_number.lower()}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _exported(area: areas.Area) -> Iterator[str]:
    """Make the file; its last row tells whether it is whole, as its status has been sent long before."""
    headings = [_("Hvornår"), _("Hvad"), _("Hvem"), _("Elev"), _("Mere")]
    whole, cut = _("Slut på loggen"), _("Filen er ikke hel. Hent den igen.")
    yield "\ufeff" + _rows([headings])
    last = cut
    try:
        if (yield from _pieces(area)):
            last = whole
    except Exception as error:  # whatever it is, the reader must not take what came for all there is
        errors.note(error)
    yield _rows([[last, *("" for _heading in headings[1:])]])


def _pieces(area: areas.Area) -> Generator[str, None, bool]:
    """Make the log piece by piece, each in a reading of its own: whoever receives slowly holds nobody up.

    Returns whether it came to the end: the right and the login are asked for at every piece (S-40, S-18).
    """
    before = NEWEST
    while True:
        with looking() as reading:
            if not (still_lives(reading) and _is_still_theirs(reading, area)):
                return False
            events = oversight.list_older(reading, area, before)
        if not events:
            return True
        before = events[-1].id
        yield _rows(
            (one.when_text, one.what_text, one.actor, one.subject, one.details_text)
            for one in _entries(events)
        )


def _is_still_theirs(reading: Session, area: areas.Area) -> bool:
    return areas.find_institution(reading, area.actor_id, area.institution_number) is not None


def _rows(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerows([_as_text(cell) for cell in cells] for cells in rows)
    return out.getvalue()


def _as_text(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (S-71)."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _entries(entries: Iterable[Entry]) -> list[ShownEntry]:
    return [
        ShownEntry(
            moment_text(one.at),
            _(WHAT[one.event]) if one.event in WHAT else one.event.name,
            one.actor,
            one.subject,
            _details(one),
        )
        for one in entries
    ]


def _details(entry: Entry) -> str:
    details = entry.details
    kinds = {kind.name: text for kind, text in TYPES.items()} | {"": N_("Som trinnet giver")}
    said = [
        table.get(details.get(key, "-"))
        for key, table in (
            ("doubt", DOUBTS),
            ("reason", REASONS),
            ("limit", LIMITS),
            ("password_type", kinds),
        )
    ]
    words = [_(text) for text in said if text]
    words += [str(details[key]) for key in ("where", "device", "cidr") if details.get(key)]
    return ", ".join(words)
