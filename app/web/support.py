"""The front page, the four audience pages, and when the phone is answered, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from babel.dates import format_date, get_day_names
from flask import Blueprint, current_app, redirect, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from app.domain import hours, support
from app.domain.hours import Closure, Days, OpeningState
from app.domain.site import Site
from app.domain.support import Audience, Task
from app.web.fields import N_
from app.web.guard import public
from app.web.i18n import LANGUAGES, SOURCE, language
from app.web.i18n import gettext as _
from app.web.page import page, site
from app.web.transaction import world

CONTENT = Path(__file__).resolve().parent.parent / "content"
# How a day without its year reads; «den» and the like belong to the pattern.
DAY_PATTERNS = {"da": "EEEE 'den' d. MMMM", "en": "EEEE d MMMM"}

# The names that the holidays package gives; Danish, as every message is.
HOLIDAYS = (
    N_("Nytårsdag"),
    N_("Skærtorsdag"),
    N_("Langfredag"),
    N_("Påskedag"),
    N_("Anden påskedag"),
    N_("Kristi himmelfartsdag"),
    N_("Pinsedag"),
    N_("Anden pinsedag"),
    N_("Juledag"),
    N_("Anden juledag"),
)

LANG = f"<any({', '.join(LANGUAGES)}):lang>"
AUDIENCE = f"<any({', '.join(support.AUDIENCES)}):audience>"

blueprint = Blueprint("support", __name__)


@dataclass(frozen=True, slots=True)
class Way:
    """A row or a card that leads on."""

    title: str
    help: str
    href: str


@dataclass(frozen=True, slots=True)
class Hours:
    """When the phone is answered, in words."""

    state_text: str
    is_open: bool
    week: list[tuple[str, str]]
    note: str


@blueprint.record
def read_help(setup: BlueprintSetupState) -> None:
    """Read the content when the app is made, so that a fault in it stops the start."""
    words = setup.app.extensions["site"]
    setup.app.extensions["help"] = {code: support.read(CONTENT, code, words) for code in LANGUAGES}
    setup.app.extensions["hours"] = {}


@blueprint.get("/")
@public
def home() -> Response:
    """Lead to the front page in the reader's language."""
    answer = redirect(url_for("support.front", lang=language()), 302)
    answer.headers["Vary"] = "Cookie, Accept-Language"
    return answer


@blueprint.get(f"/{LANG}/")
@public
def front(lang: str) -> Response:
    """Show the doors and the most used tasks."""
    found = _help()
    return page(
        "support/front.html",
        doors=[_door(found.audiences[slug]) for slug in support.AUDIENCES],
        tasks=[_way(task) for task in found.most_used],
        hours=_hours(),
    )


@blueprint.get(f"/{LANG}/{AUDIENCE}")
@public
def audience(lang: str, audience: str) -> Response:
    """Show what one kind of reader comes to do."""
    found = _help().audiences[audience]
    return page(
        "support/audience.html", audience=found, tasks=[_way(task) for task in found.tasks], hours=_hours()
    )


def _help() -> support.Help:
    read: dict[str, support.Help] = current_app.extensions["help"]
    return read[language()]


def _door(one: Audience) -> Way:
    return Way(one.door, one.door_help, url_for("support.audience", lang=language(), audience=one.slug))


def _way(task: Task) -> Way:
    # Whoever reads in a language goes on in it.
    return Way(task.title, task.help, url_for(task.to, ui_locales=language()))


def _hours() -> Hours:
    """Return the hours in words, made once a minute: they are whole minutes, so nothing is ever late."""
    kept: dict[str, tuple[datetime, Hours]] = current_app.extensions["hours"]
    now = world().clock.now()
    minute = now.replace(second=0, microsecond=0)
    found = kept.get(language())
    if found is None or found[0] != minute:
        found = kept[language()] = (minute, hours_in_words(site(), now))
    return found[1]


def hours_in_words(operator: Site, at: datetime) -> Hours:
    """Return whether the phone is answered, and the hours of the week at hand, in the reader's language."""
    state = hours.state(operator, at)
    today = state.at.date()
    period = hours.period(operator, today)
    note = _("I ferier kan tiderne være anderledes.")
    if period:
        note = _(
            "%(period)s: Tiderne gælder til og med %(date)s.",
            period=_in_language(period.names),
            date=_day(period.last),
        )
    week = [(_days(days), _times(days)) for days in hours.rows(hours.week(operator, today))]
    return Hours(_state_text(state), state.is_open, week, note)


def _state_text(state: OpeningState) -> str:
    if state.closes_at:
        return _("Åbent nu, til kl. %(time)s", time=_clock(state.closes_at))
    if state.closure:
        return _closed_today(_name(state.closure), state.at, state.opens_at)
    return _closed_now(state.at, state.opens_at)


def _closed_today(reason: str, at: datetime, opens_at: datetime | None) -> str:
    if opens_at is None:
        return _("Lukket i dag: %(reason)s", reason=reason)
    clock, ahead = _clock(opens_at), _days_ahead(at, opens_at)
    if ahead == 1:
        return _("Lukket i dag: %(reason)s. Åbner i morgen kl. %(time)s", reason=reason, time=clock)
    if ahead < 7:
        text = N_("Lukket i dag: %(reason)s. Åbner på %(weekday)s kl. %(time)s")
        return _(text, reason=reason, weekday=_weekday(opens_at.weekday()), time=clock)
    text = N_("Lukket i dag: %(reason)s. Åbner %(date)s kl. %(time)s")
    return _(text, reason=reason, date=_day(opens_at.date()), time=clock)


def _closed_now(at: datetime, opens_at: datetime | None) -> str:
    if opens_at is None:
        return _("Lukket")
    clock, ahead = _clock(opens_at), _days_ahead(at, opens_at)
    if ahead == 0:
        return _("Lukket. Åbner i dag kl. %(time)s", time=clock)
    if ahead == 1:
        return _("Lukket. Åbner i morgen kl. %(time)s", time=clock)
    if ahead < 7:
        weekday = _weekday(opens_at.weekday())
        return _("Lukket. Åbner på %(weekday)s kl. %(time)s", weekday=weekday, time=clock)
    return _("Lukket. Åbner %(date)s kl. %(time)s", date=_day(opens_at.date()), time=clock)


def _days_ahead(at: datetime, opens_at: datetime) -> int:
    return (opens_at.date() - at.date()).days


def _name(closure: Closure) -> str:
    return _in_language(closure.names) if closure.names else _(closure.name)


def _in_language(names: Mapping[str, str]) -> str:
    return names.get(language()) or names[SOURCE]


def _weekday(number: int) -> str:
    return str(get_day_names("wide", "stand-alone", language())[number])


def _day(day: date) -> str:
    return format_date(day, DAY_PATTERNS[language()], language())


def _days(days: Days) -> str:
    first, last = _weekday(days.first), _weekday(days.last)
    text = first if days.first == days.last else f"{first}–{last}"
    return text[:1].upper() + text[1:]


def _times(days: Days) -> str:
    return f"{_clock(days.times.opens)}–{_clock(days.times.closes)}" if days.times else _("Lukket")


def _clock(at: datetime | time) -> str:
    """Return a time of day as it is said: «8.00»."""
    return f"{at.hour}{'.' if language() == SOURCE else ':'}{at.minute:02}"
