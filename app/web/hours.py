"""When the phone is answered, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from babel.dates import format_date, get_day_names
from flask import Flask, current_app

from app.domain import hours
from app.domain.hours import Closure, Days, OpeningState
from app.domain.languages import LANGUAGES
from app.domain.site import Site
from app.web.fields import N_
from app.web.i18n import SOURCE, language
from app.web.i18n import gettext as _
from app.web.page import site
from app.web.transaction import world

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


@dataclass(frozen=True, slots=True)
class Hours:
    """When the phone is answered, in words."""

    state_text: str
    is_open: bool
    week: list[tuple[str, str]]
    note: str


def init(app: Flask) -> None:
    """Keep the hours in words on the app, a minute at a time."""
    app.extensions["hours"] = {}


def opening_hours() -> Hours:
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
    return format_date(day, LANGUAGES[language()].day, language())


def _days(days: Days) -> str:
    first, last = _weekday(days.first), _weekday(days.last)
    text = first if days.first == days.last else f"{first}–{last}"
    return text[:1].upper() + text[1:]


def _times(days: Days) -> str:
    return f"{_clock(days.times.opens)}–{_clock(days.times.closes)}" if days.times else _("Lukket")


def _clock(at: datetime | time) -> str:
    """Return a time of day as it is said: «8.00»."""
    return f"{at.hour}{'.' if language() == SOURCE else ':'}{at.minute:02}"
