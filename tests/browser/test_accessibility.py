"""Every screen and state: axe finds nothing (WCAG 2.0 to 2.2, A and AA), and nothing runs out of the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.inspection import cramped, overflowing, violations
from tests.browser.server import Server
from tests.browser.tour import JOURNEYS, Journey
from tests.browser.visits import Visits

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)

each_journey = pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)


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


TORN = """() => {
  const torn = [];
  for (const element of document.querySelectorAll("h1, .choice-title")) {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (const { 0: word, index } of texts.currentNode.textContent.matchAll(/adgangskode|brugernavn/gi)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, index);
        range.setEnd(texts.currentNode, index + word.length);
        if (new Set([...range.getClientRects()].map((one) => Math.round(one.top))).size > 1) torn.push(word);
      }
    }
  }
  return torn;
}"""


def test_with_text_at_200_percent_on_a_phone_the_words_of_the_login_stay_whole(
    visits: Visits, site: Server
) -> None:
    """WCAG 1.4.4, and readers of six: «adgangsk» is no word."""
    page = visits.open(size=(390, 844), has_script=False)
    double_the_text(page)
    page.goto("/login/brugernavn")
    found = {page.url: page.evaluate(TORN)}
    page.locator("[name=username]").fill("boli1003")
    page.locator("[data-part=next]").click()
    for path in ("/login/adgangskode", "/ny-adgangskode", "/ny-adgangskode/glemt"):
        page.goto(path)
        assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        found[path] = page.evaluate(TORN)
    assert not {name: words for name, words in found.items() if words}
