"""The operator's file: what it says is what is shown, and every mistake in it has a line of its own."""

from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from app.config import PROJECT
from app.domain import site
from app.domain.site import ClosedDay, Period, SiteError, Times

GOOD = (PROJECT / "app" / "content" / "site.toml").read_text("utf-8")


def read(folder: Path, text: str) -> site.Site:
    """Read a site from a file of this text."""
    path = folder / "site.toml"
    path.write_text(text, "utf-8")
    return site.read(path)


def faults(folder: Path, text: str) -> list[str]:
    """Return what is said to be wrong with a text."""
    with pytest.raises(SiteError) as caught:
        read(folder, text)
    return [line.removeprefix("site.toml: ") for line in str(caught.value).splitlines()]


def test_the_file_we_ship_says_what_the_source_page_says(tmp_path: Path) -> None:
    ours = read(tmp_path, GOOD)
    assert (ours.brand, ours.elevadgang, ours.elevadministration, ours.mitid) == (
        "Unilogin", "Elevadgang", "Elevadministration", "MitID",
    )  # fmt: skip
    assert ours.support_phone == "3587 8550"
    workday = Times(time(8), time(16))
    assert ours.week == (*[workday] * 4, Times(time(8), time(14)), None, None)
    assert [(day.month, day.day) for day in ours.closed_days] == [(6, 5), (12, 24), (12, 31)]
    assert ours.periods == ()


def test_no_ministry_stands_there_until_an_operator_is_named(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).operator == ""
    named = GOOD.replace('operator = ""\n# operator', "operator")
    assert "Styrelsen" in read(tmp_path, named).operator


def test_the_example_of_a_period_works_when_its_marks_are_taken_away(tmp_path: Path) -> None:
    head, example = GOOD.split("# [[periods]]\n")
    text = head + "[[periods]]\n" + example.replace("# ", "")
    assert read(tmp_path, text).periods == (
        Period(
            date(2027, 7, 5),
            date(2027, 7, 30),
            {"da": "Sommerferie", "en": "Summer holiday"},
            (Times(time(9), time(12)), None, None, Times(time(9), time(12)), None, None, None),
            also_on_closed_days=False,
        ),
    )


def test_periods_are_in_order_and_may_follow_each_other(tmp_path: Path) -> None:
    text = GOOD + period("2027-07-12", "2027-07-18") + period("2027-07-05", "2027-07-11")
    assert [one.first.day for one in read(tmp_path, text).periods] == [5, 12]


def test_a_period_is_on_from_its_first_day_to_its_last() -> None:
    week = Period(date(2027, 7, 5), date(2027, 7, 9), {"da": "x"}, (None,) * 7, also_on_closed_days=False)
    assert [week.is_on(date(2027, 7, day)) for day in (4, 5, 9, 10)] == [False, True, True, False]


def test_a_closed_day_is_every_years_or_one_years() -> None:
    every, once = ClosedDay(None, 12, 24, {"da": "x"}), ClosedDay(2026, 12, 23, {"da": "x"})
    assert every.is_on(date(2031, 12, 24))
    assert not every.is_on(date(2031, 12, 23))
    assert once.is_on(date(2026, 12, 23))
    assert not once.is_on(date(2027, 12, 23))


def test_the_leap_day_may_be_closed(tmp_path: Path) -> None:
    text = GOOD.replace('"06-05"', '"02-29"').replace('"12-24"', '"2026-12-23"')
    assert [(day.year, day.month, day.day) for day in read(tmp_path, text).closed_days][:2] == [
        (None, 2, 29),
        (2026, 12, 23),
    ]


def test_content_is_filled_with_the_operators_words(tmp_path: Path) -> None:
    other = replace(read(tmp_path, GOOD), brand="Skoleport")
    text = "Åbn {elevadgang_host}, vælg {brand} eller {mitid}, eller ring {phone}."
    assert other.fill(text) == "Åbn elevadgang.unilogin.dk, vælg Skoleport eller MitID, eller ring 3587 8550."
    with pytest.raises(SiteError, match=r"unknown placeholder \{brnad\}"):
        other.fill("Log ind med {brnad}.")


def period(first: str, last: str, more: str = "") -> str:
    """Return the lines of a period."""
    return f'\n[[periods]]\nname.da = "Ferie"\nfirst = {first}\nlast = {last}\n{more}\n'


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('brand = "Unilogin"', "", "names.brand: is missing"),
        ('brand = "Unilogin"', 'brand = "  "', "names.brand: is empty"),
        ('brand = "Unilogin"', "brand = 7", "names.brand: expected a text in quotes"),
        ('brand = "Unilogin"', 'brand = "Unilogin"\noprator = "x"', "names.oprator: unknown key"),
        ('operator = ""', "", "names.operator: is missing"),
        ("[contact]", "[contacts]", "[contact] is missing"),
        ('phone = "3587 8550"', "", "contact.phone: is missing"),
        ('phone = "3587 8550"', 'phone = "3587"', "contact.phone: expected eight digits, like 1234 5678"),
        ('"aula.dk"', '"https://aula.dk/"', "hosts.example: expected a host name, like skole.dk"),
        ('monday = "08:00-16:00"', 'monday = "8-16"', 'hours.monday: expected times like "08:00-16:00"'),
        ('monday = "08:00-16:00"', "monday = 8", 'hours.monday: expected times like "08:00-16:00"'),
        ('"08:00-14:00"', '"08:00-24:00"', 'hours.friday: expected times like "08:00-16:00"'),
        ('"08:00-14:00"', '"14:00-08:00"', "hours.friday: closes before it opens"),
        (
            "manual_closure_on = 2027-08-01",
            "",
            "dates.manual_closure_on: expected a date without quotes, like 2027-07-05",
        ),
        ("[dates]", "[dates]\nmanual = 1", "dates.manual: unknown key"),
        ("monday =", "mandag =", "hours.mandag: unknown weekday"),
        ('"06-05"', '"06-31"', 'closed_days 1: day: expected a day like "12-24" or "2026-12-23"'),
        ('"06-05"', "2026-06-05", 'closed_days 1: day: expected a day like "12-24" or "2026-12-23"'),
        ('"06-05"', '"2027-02-29"', 'closed_days 1: day: expected a day like "12-24" or "2026-12-23"'),
        ('name.da = "Grundlovsdag"\n', "", "closed_days 1: name.da is missing"),
        ('"Christmas Eve"', '""', "closed_days 2: name.en: is empty"),
        ('day = "12-31"', 'day = "12-31"\nyear = 2026', "closed_days 3: year: unknown key"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in GOOD
    assert fault in faults(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("lines", "faulty"),
    [
        (period("2027-07-30", "2027-07-05"), "periods 1: last: is before first"),
        (period('"2027-07-05"', "2027-07-30"), "periods 1: first: expected a date without quotes"),
        (period("2027-07-05", "2027-07-30T10:00:00"), "periods 1: last: expected a date without quotes"),
        (period("2027-07-05", "2027-07-30", 'hours = "9-12"'), "periods 1: hours: expected lines like"),
        (
            period("2027-07-05", "2027-07-30", 'hours.monday = "9-12"'),
            "periods 1: hours.monday: expected times",
        ),
        (
            period("2027-07-05", "2027-07-30", "also_on_closed_days = 1"),
            "periods 1: also_on_closed_days: expected true or false",
        ),
        (period("2027-07-05", "2027-07-30", "open = true"), "periods 1: open: unknown key"),
        (
            period("2027-07-20", "2027-08-01") + period("2027-07-01", "2027-07-20"),
            "periods: the one from 2027-07-20 begins before the last one ends",
        ),
        ("\n[periods]\nfirst = 2027-07-05\n", "periods: expected [[periods]] tables"),
    ],
)
def test_each_mistake_in_a_period_is_named(tmp_path: Path, lines: str, faulty: str) -> None:
    (told,) = faults(tmp_path, GOOD + lines)
    assert told.startswith(faulty)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('mitid = "MitID"', "").replace('"3587 8550"', '"ring"').replace("friday", "fredag")
    assert faults(tmp_path, text) == [
        "names.mitid: is missing",
        "contact.phone: expected eight digits, like 1234 5678",
        "hours.fredag: unknown weekday",
    ]


def test_a_file_that_is_no_toml_or_is_not_there_is_told(tmp_path: Path) -> None:
    assert "is no TOML" in faults(tmp_path, "brand = Unilogin")[0]
    (tmp_path / "latin.toml").write_bytes("# Børne".encode("latin-1"))
    with pytest.raises(SiteError, match=r"latin\.toml: is no TOML in UTF-8"):
        site.read(tmp_path / "latin.toml")
    with pytest.raises(SiteError, match=r"gone\.toml: cannot be read"):
        site.read(tmp_path / "gone.toml")
