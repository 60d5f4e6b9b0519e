"""Every screen and state: axe finds nothing (WCAG 2.0 to 2.2, A and AA), and nothing runs out of the page."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.server import Server
from tests.browser.tour import JOURNEYS, Journey
from tests.browser.visits import Visits

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}

each_journey = pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)


def violations(page: Page) -> list[str]:
    """Return what axe finds on a page, a line each."""
    page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", OPTIONS)
    return [
        f"{rule['id']}: {node['html']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def overflowing(page: Page) -> list[str]:
    """Return the elements that reach out of the window to either side."""
    lines: list[str] = page.evaluate(
        """() => {
            const wide = document.documentElement.clientWidth;
            return [...document.body.querySelectorAll("*")]
                .filter(one => one.checkVisibility() && !one.closest(".skip, .visually-hidden, #live"))
                .filter(one => {
                    const box = one.getBoundingClientRect();
                    return box.right > wide + 0.5 || box.left < -0.5;
                })
                .map(one => one.outerHTML.slice(0, 120))
                .concat(document.documentElement.scrollWidth > wide ? ["the page scrolls sideways"] : []);
        }"""
    )
    return lines


def cramped(page: Page) -> list[str]:
    """Return what is too small to be used: words that do not fit, fields and slots one cannot read."""
    lines: list[str] = page.evaluate(
        """() => {
            const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
            const all = selector => [...document.querySelectorAll(selector)];
            const seen = selector => all(selector).filter(one => one.checkVisibility());
            return [
                ...seen("button, a.button, a.choice, a.card, summary")
                    .filter(one => one.scrollWidth > one.clientWidth + 1),
                ...seen("input.input").filter(one => one.clientWidth < 7 * em),
                ...seen("[data-slots] > span").filter(one => one.clientWidth < 30),
            ].map(one => one.outerHTML.slice(0, 120));
        }"""
    )
    return lines


def double_the_text(page: Page) -> None:
    """Set the browser's own text size to 200 %, as a person does in its settings."""
    page.context.new_cdp_session(page).send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})


@each_journey
def test_axe_finds_nothing_on_a_phone(visits: Visits, site: Server, journey: Journey) -> None:
    page = visits.open(size=(390, 844))
    found = {name: violations(page) for name in journey(page, site)}
    assert not {name: lines for name, lines in found.items() if lines}


@each_journey
def test_axe_finds_nothing_on_a_desk_in_english(visits: Visits, site: Server, journey: Journey) -> None:
    page = visits.open(size=(1280, 900), locale="en-GB")
    found = {name: violations(page) for name in journey(page, site)}
    assert not {name: lines for name, lines in found.items() if lines}


@each_journey
def test_at_320_pixels_nothing_runs_out_of_the_page(visits: Visits, site: Server, journey: Journey) -> None:
    """WCAG 1.4.10: what 400 % zoom makes of a desk."""
    page = visits.open(size=(320, 640))
    found = {name: overflowing(page) + cramped(page) for name in journey(page, site)}
    assert not {name: lines for name, lines in found.items() if lines}


@each_journey
@pytest.mark.parametrize("size", [(390, 844), (1280, 900)], ids=["phone", "desk"])
def test_with_text_at_200_percent_nothing_runs_out_of_the_page(
    visits: Visits, site: Server, journey: Journey, size: tuple[int, int]
) -> None:
    """WCAG 1.4.4."""
    page = visits.open(size=size, has_script=size[0] < 1000)
    double_the_text(page)
    found = {}
    for name in journey(page, site):
        assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        found[name] = overflowing(page) + cramped(page)
    assert not {name: lines for name, lines in found.items() if lines}
