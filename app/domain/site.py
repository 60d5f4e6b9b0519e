"""What the operator names: words, hosts, phone and opening hours, read from `site.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

NAMES = ("brand", "elevadgang", "elevadministration", "mitid")
HOSTS = ("elevadgang", "elevadministration", "example")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TIMES = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
DAY = re.compile(r"(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})")
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
LEAP_YEAR = 2000
SOURCE = "da"
NOTHING_MORE: Mapping[str, str] = {}


class SiteError(Exception):
    """The file, or a text that fills itself from it, is wrong; says how, one fault a line."""


@dataclass(frozen=True, slots=True)
class Times:
    """From when to when the phone is answered on a day; closed at the second of `closes`."""

    opens: time
    closes: time


Week = tuple[Times | None, ...]


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A day without opening hours, with its name in some languages; without a year it is every year's."""

    year: int | None
    month: int
    day: int
    names: Mapping[str, str]

    def is_on(self, day: date) -> bool:
        """Whether it falls on this day."""
        return (self.month, self.day) == (day.month, day.day) and self.year in (None, day.year)


@dataclass(frozen=True, slots=True)
class Period:
    """Other hours from the first day to the last, both included."""

    first: date
    last: date
    names: Mapping[str, str]
    week: Week
    also_on_closed_days: bool

    def is_on(self, day: date) -> bool:
        """Whether this day is in it."""
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Site:
    """All that changes when another operator runs the site."""

    brand: str
    elevadgang: str
    elevadministration: str
    mitid: str
    operator: str
    support_phone: str
    hosts: Mapping[str, str]
    week: Week
    closed_days: tuple[ClosedDay, ...]
    periods: tuple[Period, ...]
    manual_closure_on: date

    @cached_property
    def words(self) -> Mapping[str, str]:
        """The placeholders that content may write, and what each stands for."""
        return {
            "brand": self.brand,
            "elevadgang": self.elevadgang,
            "elevadministration": self.elevadministration,
            "mitid": self.mitid,
            "operator": self.operator,
            "phone": self.support_phone,
            **{f"{name}_host": host for name, host in self.hosts.items()},
        }

    def fill(self, text: str, more: Mapping[str, str] = NOTHING_MORE) -> str:
        """Return a text of ours with its placeholders filled in; `more` are those of a language.

        Raises:
            SiteError: naming a placeholder that there is no word for.

        """
        words = {**self.words, **more} if more else self.words
        unknown = [name for name in PLACEHOLDER.findall(text) if name not in words]
        if unknown:
            raise SiteError(f"unknown placeholder {{{unknown[0]}}} in: {text}")
        return PLACEHOLDER.sub(lambda found: words[found[1]], text)


def read(path: Path) -> Site:
    """Read the site's names and hours.

    Raises:
        SiteError: naming every fault in the file.

    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SiteError(f"{path.name}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SiteError(f"{path.name}: is no TOML in UTF-8 ({error})") from error
    reader = _Reader()
    made = reader.site(document)
    if reader.wrong:
        raise SiteError("\n".join(f"{path.name}: {fault}" for fault in reader.wrong))
    return made


class _Reader:
    """Reads on past a fault, so that all are told at once; what it returns then is not for use."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def site(self, document: dict[str, Any]) -> Site:
        self.only(document, "", "names", "contact", "hosts", "dates", "hours", "closed_days", "periods")
        names = self.table(document, "names")
        self.only(names, "names.", *NAMES, "operator")
        said = {name: self.text(names, "names.", name) for name in NAMES}
        operator = self.text(names, "names.", "operator", may_be_empty=True)
        contact = self.table(document, "contact")
        self.only(contact, "contact.", "phone")
        phone = self.text(contact, "contact.", "phone")
        if phone and not re.fullmatch(r"[0-9]{8}", phone.replace(" ", "")):
            self.wrong.append("contact.phone: expected eight digits, like 1234 5678")
        hosts = self.table(document, "hosts")
        self.only(hosts, "hosts.", *HOSTS)
        for name in HOSTS:
            host = self.text(hosts, "hosts.", name)
            if host and not HOST.fullmatch(host):
                self.wrong.append(f"hosts.{name}: expected a host name, like skole.dk")
        dates = self.table(document, "dates")
        self.only(dates, "dates.", "manual_closure_on")
        return Site(
            **said,
            operator=operator,
            support_phone=phone,
            hosts=hosts,
            week=self.week(self.table(document, "hours"), "hours."),
            closed_days=tuple(
                self.closed_day(row, f"closed_days {number}: ")
                for number, row in enumerate(self.rows(document, "closed_days"), 1)
            ),
            periods=self.periods(document),
            manual_closure_on=self.date(dates, "dates.", "manual_closure_on", date.max),
        )

    def only(self, table: dict[str, Any], place: str, *known: str) -> None:
        self.wrong.extend(f"{place}{key}: unknown key" for key in table if key not in known)

    def table(self, document: dict[str, Any], key: str) -> dict[str, Any]:
        found = document.get(key)
        if isinstance(found, dict):
            return found
        self.wrong.append(f"[{key}] is missing")
        return {}

    def rows(self, document: dict[str, Any], key: str) -> list[dict[str, Any]]:
        found = document.get(key, [])
        if isinstance(found, list) and all(isinstance(row, dict) for row in found):
            return found
        self.wrong.append(f"{key}: expected [[{key}]] tables")
        return []

    def text(self, table: dict[str, Any], place: str, key: str, *, may_be_empty: bool = False) -> str:
        found = table.get(key)
        if found is None:
            self.wrong.append(f"{place}{key}: is missing")
        elif found is not None and not isinstance(found, str):
            self.wrong.append(f"{place}{key}: expected a text in quotes")
        elif found is not None and not found.strip() and not may_be_empty:
            self.wrong.append(f"{place}{key}: is empty")
        return found.strip() if isinstance(found, str) else ""

    def week(self, table: dict[str, Any], place: str) -> Week:
        self.wrong.extend(f"{place}{key}: unknown weekday" for key in table if key not in WEEKDAYS)
        return tuple(self.times(table.get(weekday), f"{place}{weekday}") for weekday in WEEKDAYS)

    def times(self, value: object, place: str) -> Times | None:
        if value is None:
            return None
        found = TIMES.fullmatch(value) if isinstance(value, str) else None
        if not found:
            self.wrong.append(f'{place}: expected times like "08:00-16:00"')
            return None
        opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        if opens >= closes:
            self.wrong.append(f"{place}: closes before it opens")
            return None
        return Times(opens, closes)

    def names(self, row: dict[str, Any], place: str) -> Mapping[str, str]:
        found = row.get("name")
        if not isinstance(found, dict) or not found.get(SOURCE):
            self.wrong.append(f"{place}name.{SOURCE} is missing")
            return {}
        return {language: self.text(found, f"{place}name.", language) for language in found}

    def closed_day(self, row: dict[str, Any], place: str) -> ClosedDay:
        self.only(row, place, "day", "name")
        names = self.names(row, place)
        value = row.get("day")
        found = DAY.fullmatch(value) if isinstance(value, str) else None
        if found:
            year, month, day = int(found[1]) if found[1] else None, int(found[2]), int(found[3])
            try:
                date(year or LEAP_YEAR, month, day)
            except ValueError:
                found = None
            else:
                return ClosedDay(year, month, day, names)
        self.wrong.append(f'{place}day: expected a day like "12-24" or "2026-12-23"')
        return ClosedDay(None, 1, 1, names)

    def periods(self, document: dict[str, Any]) -> tuple[Period, ...]:
        made = []
        for number, row in enumerate(self.rows(document, "periods"), 1):
            place = f"periods {number}: "
            self.only(row, place, "name", "first", "last", "hours", "also_on_closed_days")
            first = self.date(row, place, "first", date.min)
            last = self.date(row, place, "last", date.max)
            if first > last:
                self.wrong.append(f"{place}last: is before first")
            hours = row.get("hours", {})
            if not isinstance(hours, dict):
                self.wrong.append(f'{place}hours: expected lines like hours.monday = "08:00-16:00"')
                hours = {}
            also = row.get("also_on_closed_days", False)
            if not isinstance(also, bool):
                self.wrong.append(f"{place}also_on_closed_days: expected true or false")
            week = self.week(hours, f"{place}hours.")
            made.append(Period(first, last, self.names(row, place), week, also is True))
        made.sort(key=lambda period: period.first)
        for earlier, later in pairwise(made):
            # Two answers to one question would depend on the order of lines.
            if not self.wrong and later.first <= earlier.last:
                self.wrong.append(f"periods: the one from {later.first} begins before the last one ends")
        return tuple(made)

    def date(self, row: dict[str, Any], place: str, key: str, instead: date) -> date:
        found = row.get(key)
        # A TOML date-time is a datetime, which is a date to isinstance.
        if type(found) is date:
            return found
        self.wrong.append(f"{place}{key}: expected a date without quotes, like 2027-07-05")
        return instead
