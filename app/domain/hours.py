"""When the phone is answered: open or not at an instant, why not, and when next.

All of it is Copenhagen time. Nothing here makes sentences, and nothing looks at the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.machinery import SourceFileLoader
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

from app.db import COPENHAGEN
from app.domain.site import SOURCE, Period, Site, Times, Week

# How far ahead an opening is looked for; beyond it there is none to tell.
LOOK_AHEAD_DAYS = 400


@dataclass(frozen=True, slots=True)
class Closure:
    """Why a whole day is closed: a name in Danish, and what `site.toml` calls it in other languages."""

    name: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OpeningState:
    """How it stands at an instant; all instants here are in Copenhagen time."""

    at: datetime
    is_open: bool
    closes_at: datetime | None
    opens_at: datetime | None
    closure: Closure | None


@dataclass(frozen=True, slots=True)
class Days:
    """Weekdays in a row with the same hours; 0 is Monday."""

    first: int
    last: int
    times: Times | None


def state(site: Site, at: datetime) -> OpeningState:
    """Return whether the phone is answered at an instant, until when, and else why not and when next."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    here = at.astimezone(COPENHAGEN)
    today = here.date()
    times = opening(site, today)
    if times and times[0] <= at < times[1]:
        return OpeningState(here, True, times[1].astimezone(COPENHAGEN), None, None)
    return OpeningState(here, False, None, _next_opening(site, today, at), closure(site, today))


def opening(site: Site, day: date) -> tuple[datetime, datetime] | None:
    """Return the instants in UTC between which the phone is answered on a day, or None if it is not."""
    times = None if closure(site, day) else week(site, day)[day.weekday()]
    if times is None:
        return None
    # In UTC, as datetimes of one zone compare by their clocks, which go back an hour in autumn.
    opens, closes = (
        datetime.combine(day, clock, COPENHAGEN).astimezone(UTC) for clock in (times.opens, times.closes)
    )
    # In the night of spring there are hours that never are.
    return (opens, closes) if opens < closes else None


def closure(site: Site, day: date) -> Closure | None:
    """Return why a day is closed that would be open in an ordinary week, or that has a name of its own."""
    current = period(site, day)
    if current and current.also_on_closed_days and current.week[day.weekday()]:
        return None
    holiday = public_holidays(day.year).get(day)
    if holiday:
        return Closure(holiday, {})
    for extra in site.closed_days:
        if extra.is_on(day):
            return _named(extra.names)
    if current and site.week[day.weekday()] and not current.week[day.weekday()]:
        return _named(current.names)
    return None


def period(site: Site, day: date) -> Period | None:
    """Return the period of other hours that a day is in."""
    return next((one for one in site.periods if one.is_on(day)), None)


def week(site: Site, day: date) -> Week:
    """Return the hours of the week that hold on a day."""
    current = period(site, day)
    return current.week if current else site.week


def rows(hours: Week) -> list[Days]:
    """Return a week with its like days in a row taken together."""
    together = [list(days) for _, days in groupby(range(7), key=lambda weekday: hours[weekday])]
    return [Days(days[0], days[-1], hours[days[0]]) for days in together]


@cache
def public_holidays(year: int) -> Mapping[date, str]:
    """Return the Danish public holidays of a year with their Danish names."""
    # The language is said, or the package takes it from the machine's own.
    return dict(_denmark()(years=year, language="da"))


@cache
def _denmark() -> Any:
    """Return the holidays package's class for Denmark, from its one file.

    The package's own ways there import all its countries: 11.8 MB in every process, against 4.2.
    """
    import holidays  # noqa: PLC0415 - only a process that tells the hours needs it

    path = Path(holidays.__file__).with_name("countries") / "denmark.py"
    module = ModuleType("holidays_denmark")
    SourceFileLoader(module.__name__, str(path)).exec_module(module)
    return module.Denmark


def _next_opening(site: Site, today: date, at: datetime) -> datetime | None:
    for ahead in range(LOOK_AHEAD_DAYS):
        times = opening(site, today + timedelta(days=ahead))
        if times and at < times[0]:
            return times[0].astimezone(COPENHAGEN)
    return None


def _named(names: Mapping[str, str]) -> Closure:
    return Closure(names[SOURCE], names)
