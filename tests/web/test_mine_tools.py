"""«Det kan du her» on «Mit Unilogin»: everybody finds what their role may open, and it opens."""

from __future__ import annotations

import pytest
from flask import Flask

from app.demo.cast import ANNA, BOTH, CARLA, DAN, EVA, GRY, Member
from tests.pages import Browser, Page
from tests.web.test_mine import log_in, part
from tests.web.trips import Wire

CHILD = "Få dit barns brugernavn, eller giv en ny adgangskode"


def tools(page: Page) -> list[str]:
    """Return the titles of what may be opened from the own page, as they stand."""
    section = next(one for one in page.root.iter("section") if one.get("aria-labelledby") == "tools")
    return [span.text or "" for span in section.iter("span") if span.get("class") == "choice-title"]


@pytest.mark.parametrize(
    ("member", "found"),
    [
        (ANNA, ["Hjælp til elever"]),
        (CARLA, ["Elevadgang", "Hjælp til lærere"]),
        (DAN, [CHILD, "Hjælp til forældre"]),
        (BOTH, ["Elevadgang", CHILD, "Hjælp til lærere", "Hjælp til forældre"]),
        (EVA, ["Elevadgang", "Hjælp til personale"]),
        (GRY, ["Driftsstatus", "Hjælp til personale"]),
    ],
    ids=lambda one: one.word if isinstance(one, Member) else "",
)
def test_each_finds_what_the_role_may_open_and_it_opens(
    app: Flask, wire: Wire, member: Member, found: list[str]
) -> None:
    assert wire.asked == 0
    browser = log_in(app, member)
    assert sorted(tools(browser.current)) == sorted(found)
    for title in found:
        browser.open("/mit")
        page = browser.follow(title)
        assert page.status == 200
        assert page.path != "/mit"


def test_a_parent_comes_to_the_childrens_usernames_and_sees_no_name_before_mitid(
    app: Flask, wire: Wire
) -> None:
    """S-33: a password alone does not tell whose parent one is."""
    assert wire.asked == 0
    browser = log_in(app, DAN)
    assert "Anna" not in part(browser.current, "tools") + part(browser.current, "who")
    assert browser.follow(CHILD).path == "/brugernavn"


def test_where_there_is_no_mitid_a_parent_is_offered_nothing_that_needs_it(app: Flask) -> None:
    assert tools(log_in(app, DAN).current) == ["Hjælp til forældre"]


def test_the_front_door_of_elevadgang_is_come_back_to_and_leads_on(app: Flask) -> None:
    for member, door, heading in ((CARLA, "Log på", "2.B"), (EVA, "Log på", "Der vises ingen elever")):
        browser = Browser(app)
        browser.open("/login?til=/elevadgang")
        browser.follow("Brugernavn og adgangskode")
        browser.press("Næste", filled={"Brugernavn": member.username or ""})
        page = browser.press("Log ind", filled={"Adgangskode": member.password or ""})
        assert (page.path, page.heading) == ("/elevadgang", "Elevadgang")
        assert heading in browser.follow(door).heading
