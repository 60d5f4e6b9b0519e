"""When the phone is answered: never a minute too long, and the next opening is one."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import PROJECT
from app.domain import hours, site
from app.domain.hours import Closure, Days
from app.domain.site import ClosedDay, Period, Site, Times, Week

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
SITE = site.read(PROJECT / "app" / "content" / "site.toml")
WORKDAY, FRIDAY = Times(time(8), time(16)), Times(time(8), time(14))
CLOSED: Week = (None,) * 7

HOLIDAYS = {
    2026: "01-01 04-02 04-03 04-05 04-06 05-14 05-24 05-25 12-25 12-26",
    2027: "01-01 03-25 03-26 03-28 03-29 05-06 05-16 05-17 12-25 12-26",
    2028: "01-01 04-13 04-14 04-16 04-17 05-25 06-04 06-05 12-25 12-26",
}


def here(text: str) -> datetime:
    """Return an instant by Copenhagen's clock, in UTC as the world gives it."""
    return datetime.fromisoformat(text).replace(tzinfo=COPENHAGEN).astimezone(UTC)


def test_it_is_open_from_the_first_second_to_before_the_last() -> None:
    before, first, last, after = (
        hours.state(SITE, here(f"2026-11-23 {clock}"))
        for clock in ("07:59:59", "08:00:00", "15:59:59", "16:00:00")
    )
    assert [before.is_open, first.is_open, last.is_open, after.is_open] == [False, True, True, False]
    assert before.opens_at == here("2026-11-23 08:00")
    assert last.closes_at == here("2026-11-23 16:00")
    assert after.opens_at == here("2026-11-24 08:00")
    assert (after.closes_at, after.closure) == (None, None)


def test_friday_ends_at_two_and_leads_to_monday() -> None:
    assert hours.state(SITE, here("2026-11-27 13:59:59")).is_open
    closed = hours.state(SITE, here("2026-11-27 14:00"))
    assert not closed.is_open
    assert closed.opens_at == here("2026-11-30 08:00")
    assert hours.state(SITE, here("2026-11-29 12:00")).opens_at == here("2026-11-30 08:00")


@pytest.mark.parametrize(
    ("day", "name", "opens"),
    [
        ("2026-06-05", "Grundlovsdag", "2026-06-08"),
        ("2026-12-24", "Juleaftensdag", "2026-12-28"),
        ("2026-12-31", "Nytårsaftensdag", "2027-01-04"),
        ("2026-04-02", "Skærtorsdag", "2026-04-07"),
        # Both Whit Monday and Constitution Day: the holiday's name is told.
        ("2028-06-05", "Anden pinsedag", "2028-06-06"),
    ],
)
def test_a_closed_day_says_its_name_and_when_it_opens(day: str, name: str, opens: str) -> None:
    state = hours.state(SITE, here(f"{day} 10:00"))
    assert not state.is_open
    assert state.closure
    assert state.closure.name == name
    assert state.opens_at == here(f"{opens} 08:00")


@pytest.mark.parametrize("year", HOLIDAYS)
def test_the_public_holidays_are_those_of_the_calendar(year: int) -> None:
    assert {f"{day:%m-%d}" for day in hours.public_holidays(year)} == set(HOLIDAYS[year].split())


def test_great_prayer_day_is_a_working_day_since_2024() -> None:
    assert hours.state(SITE, here("2027-04-23 10:00")).is_open
    assert not hours.state(SITE, here("2023-05-05 10:00")).is_open


def test_the_holidays_speak_danish_on_any_machine_and_leave_other_countries_on_the_disk() -> None:
    code = (
        "import sys; from app.domain import hours; print(sorted(hours.public_holidays(2026).values())[-1]);"
        "print('holidays.countries' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env={"LANG": "en_US.UTF-8", "PYTHONUTF8": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.split() == ["Skærtorsdag", "False"]


@pytest.mark.parametrize(
    ("day", "opens_utc"),
    [("2026-03-27", 7), ("2026-03-30", 6), ("2026-10-23", 6), ("2026-10-26", 7)],
)
def test_eight_is_eight_on_both_sides_of_summer_time(day: str, opens_utc: int) -> None:
    opens = datetime.fromisoformat(f"{day} {opens_utc:02}:00+00:00")
    assert not hours.state(SITE, opens - timedelta(seconds=1)).is_open
    state = hours.state(SITE, opens)
    assert state.is_open
    assert state.at.hour == 8
    assert state.closes_at
    assert state.closes_at.hour in (14, 16)


def test_hours_in_the_night_the_clock_changes() -> None:
    night: Week = (None,) * 6 + (Times(time(2, 30), time(3, 0)),)
    owls = replace(SITE, week=night)
    # 29 March 2026 has no half past two; 25 October has two, and the hours are from the first.
    assert hours.opening(owls, date(2026, 3, 29)) is None
    assert hours.state(owls, here("2026-03-28 23:00")).opens_at != here("2026-03-29 02:30")
    assert hours.opening(owls, date(2026, 10, 25)) == (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 0, tzinfo=UTC),
    )
    # 02.15 the second time is after 02.30 the first time.
    assert hours.state(owls, datetime(2026, 10, 25, 1, 15, tzinfo=UTC)).is_open


SUMMER = Period(
    first=date(2027, 7, 5),
    last=date(2027, 7, 30),
    names={"da": "Sommerferie", "en": "Summer holiday"},
    week=(Times(time(9), time(12)), *CLOSED[1:]),
    also_on_closed_days=False,
)


def test_a_period_has_hours_of_its_own_from_its_first_day_to_its_last() -> None:
    closing = replace(SITE, periods=(SUMMER,))
    assert hours.state(closing, here("2027-07-02 13:00")).is_open
    assert hours.state(closing, here("2027-07-02 15:00")).opens_at == here("2027-07-05 09:00")
    assert not hours.state(closing, here("2027-07-05 12:00")).is_open
    tuesday = hours.state(closing, here("2027-07-06 10:00"))
    assert not tuesday.is_open
    assert tuesday.closure == Closure("Sommerferie", SUMMER.names)
    assert tuesday.opens_at == here("2027-07-12 09:00")
    # A Saturday is no one's holiday.
    assert hours.state(closing, here("2027-07-10 10:00")).closure is None
    assert hours.state(closing, here("2027-07-30 10:00")).opens_at == here("2027-08-02 08:00")
    assert hours.week(closing, date(2027, 7, 30)) == SUMMER.week
    assert hours.week(closing, date(2027, 7, 31)) == SITE.week


def test_a_period_opens_a_closed_day_only_when_it_says_so() -> None:
    june = replace(SUMMER, first=date(2026, 6, 1), last=date(2026, 6, 5), week=SITE.week)
    assert not hours.state(replace(SITE, periods=(june,)), here("2026-06-05 10:00")).is_open
    open_house = replace(june, also_on_closed_days=True)
    assert hours.state(replace(SITE, periods=(open_house,)), here("2026-06-05 10:00")).is_open
    # It has no hours of its own on a Thursday, so Ascension Day stays what it is.
    may = replace(open_house, first=date(2026, 5, 11), last=date(2026, 5, 15), week=SUMMER.week)
    state = hours.state(replace(SITE, periods=(may,)), here("2026-05-14 10:00"))
    assert state.closure == Closure("Kristi himmelfartsdag", {})


def test_a_long_closed_period_ends_and_one_without_end_says_nothing() -> None:
    autumn = replace(SUMMER, first=date(2026, 8, 3), last=date(2027, 8, 1), week=CLOSED)
    assert hours.state(replace(SITE, periods=(autumn,)), here("2026-08-03 10:00")).opens_at == here(
        "2027-08-02 08:00"
    )
    shut = hours.state(replace(SITE, week=CLOSED), here("2026-11-23 10:00"))
    assert (shut.is_open, shut.opens_at, shut.closes_at, shut.closure) == (False, None, None, None)


def test_a_closed_day_with_a_year_is_closed_once() -> None:
    once = replace(SITE, closed_days=(ClosedDay(2026, 11, 23, {"da": "Flytning"}),))
    assert not hours.state(once, here("2026-11-23 10:00")).is_open
    assert hours.state(once, here("2027-11-23 10:00")).is_open


def test_like_days_in_a_row_are_one_row() -> None:
    assert hours.rows(SITE.week) == [Days(0, 3, WORKDAY), Days(4, 4, FRIDAY), Days(5, 6, None)]
    assert hours.rows(CLOSED) == [Days(0, 6, None)]
    split: Week = (WORKDAY, None, WORKDAY, None, None, None, None)
    assert [(days.first, days.last) for days in hours.rows(split)] == [(0, 0), (1, 1), (2, 2), (3, 6)]


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        hours.state(SITE, datetime(2026, 11, 23, 10, 0))


INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2033, 1, 1), timezones=st.just(UTC))
DATES = st.dates(date(2024, 1, 1), date(2032, 12, 31))


def times_from(hour: int) -> st.SearchStrategy[Times]:
    """Return opening times of at least a minute, none before an hour of the morning."""
    minutes = st.integers(hour * 60, 24 * 60 - 1)
    return (
        st.tuples(minutes, minutes)
        .filter(lambda pair: pair[0] < pair[1])
        .map(lambda pair: Times(*(time(minute // 60, minute % 60) for minute in pair)))
    )


@st.composite
def sites(draw: st.DrawFn, hour: int) -> Site:
    """Return a site with any hours, closed days and a period."""
    weeks = st.tuples(*[st.none() | times_from(hour)] * 7)
    first = draw(DATES)
    return replace(
        SITE,
        week=draw(weeks),
        closed_days=tuple(
            ClosedDay(None, day.month, day.day, {"da": "Lukkedag"})
            for day in draw(st.lists(DATES, max_size=3))
        ),
        periods=(
            Period(
                first,
                first + timedelta(days=draw(st.integers(0, 60))),
                {"da": "Ferie"},
                draw(weeks),
                draw(st.booleans()),
            ),
        ),
    )


def is_answered(operator: Site, at: datetime) -> bool:
    """Say it again by the clock on the wall, which suffices where no hours are in the night."""
    now = at.astimezone(COPENHAGEN)
    day, clock = now.date(), now.time()
    (period,) = operator.periods
    is_in = period.first <= day <= period.last
    times = (period.week if is_in else operator.week)[day.weekday()]
    is_closed = day in hours.public_holidays(day.year) or any(
        (extra.month, extra.day) == (day.month, day.day) for extra in operator.closed_days
    )
    if times is None or (is_closed and not (is_in and period.also_on_closed_days)):
        return False
    return times.opens <= clock < times.closes


@given(sites(4), INSTANTS)
def test_it_is_open_exactly_in_its_hours(operator: Site, at: datetime) -> None:
    assert hours.state(operator, at).is_open == is_answered(operator, at)


@given(sites(0), INSTANTS, st.floats(0, 0.99))
def test_the_next_opening_is_ahead_and_is_one_and_nothing_is_open_before_it(
    operator: Site, at: datetime, share: float
) -> None:
    state = hours.state(operator, at)
    if state.is_open:
        assert state.closes_at
        assert at < state.closes_at
        assert not hours.state(operator, state.closes_at).is_open
        assert hours.state(operator, at + (state.closes_at - at) * share).is_open
    elif state.opens_at:
        assert at < state.opens_at
        assert hours.state(operator, state.opens_at).is_open
        assert not hours.state(operator, at + (state.opens_at - at) * share).is_open
    else:
        assert operator.week == CLOSED
