"""Guides in a browser: pictures that cannot be pressed, links to hand on, paper, and help that follows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import ASK_WORDS, USERNAME, press, sees, write
from tests.browser.visits import Visits
from tests.cast import BO

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)

GUIDE = "/da/vejledninger/faa-en-ny-adgangskode"


def test_nothing_in_a_still_can_be_reached_by_keyboard(scripted: Page) -> None:
    scripted.goto(GUIDE)
    expect(scripted.locator(".still-screen").first).to_be_visible()
    for _press in range(60):
        scripted.keyboard.press("Tab")
        assert not scripted.evaluate("!!document.activeElement.closest('.still-screen')")
    assert scripted.locator(".still-screen :is(a, button, input, form, [tabindex])").count() == 0


# Where an arrow is not seen, or not beside or above the part it is about.
ASTRAY = """() => [...document.querySelectorAll(".still-frame")].filter(frame => {
    const arrow = frame.querySelector(".still-arrow").getBoundingClientRect();
    const part = frame.querySelector(".is-pointed-at").getBoundingClientRect();
    for (let one = frame.querySelector(".still-arrow"); one !== frame.parentNode; one = one.parentNode) {
        if (getComputedStyle(one).overflow === "visible" || one.matches("svg")) continue;
        const box = one.getBoundingClientRect();
        if (arrow.left < box.left || arrow.right > box.right) return true;
        if (arrow.top < box.top || arrow.bottom > box.bottom) return true;
    }
    const middle = (arrow.top + arrow.bottom) / 2;
    const isBeside = arrow.right <= part.left + 1 && middle > part.top - 1 && middle < part.bottom + 1;
    return !isBeside && arrow.bottom > part.top + 1;
}).map(frame => frame.getAttribute("aria-label"))"""


@pytest.mark.parametrize("size", [(390, 844), (1280, 900)], ids=["phone", "desk"])
def test_every_arrow_is_seen_at_the_part_it_points_at(visits: Visits, size: tuple[int, int]) -> None:
    page = visits.open(has_script=False, size=size)
    page.goto("/da/vejledninger")
    links = page.locator("a.card").evaluate_all("cards => cards.map(one => one.getAttribute('href'))")
    astray = {}
    for href in sorted(set(links)):
        page.goto(href)
        astray[href] = page.evaluate(ASTRAY)
    assert astray
    assert not {href: labels for href, labels in astray.items() if labels}


def test_a_link_to_a_step_is_copied_and_said_so(scripted: Page) -> None:
    scripted.context.grant_permissions(["clipboard-read", "clipboard-write"])
    scripted.goto(GUIDE)
    button = scripted.get_by_role("button", name="Kopiér link til trin 2")
    button.click()
    expect(scripted.locator("#live")).to_have_text("Linket er kopieret")
    copied = scripted.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"http://[^/]+/v/[0-9]{4}/2", copied)
    scripted.goto(copied)
    assert scripted.url.endswith(f"{GUIDE}#trin-2")
    expect(scripted.locator("#trin-2")).to_be_in_viewport()


def test_a_guide_is_sent_to_paper_by_its_button(scripted: Page) -> None:
    scripted.add_init_script("window.print = () => { window.times = (window.times || 0) + 1; };")
    scripted.goto(GUIDE)
    scripted.get_by_role("button", name="Udskriv").click()
    assert scripted.evaluate("window.times") == 1


def test_a_name_in_a_table_is_never_cut_in_two(visits: Visits) -> None:
    page = visits.open(has_script=False)
    page.goto("/da/privatliv")
    names = page.locator(".prose table code")
    assert names.count() > 5
    lines = names.evaluate_all("all => all.map(one => [one.textContent, one.getClientRects().length])")
    assert [name for name, count in lines if count != 1] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_script_there_is_no_button_that_does_nothing(visits: Visits) -> None:
    page = visits.open(has_script=False)
    page.goto(GUIDE)
    expect(page.locator(".guide-steps > li").first).to_be_visible()
    # The search in the header is a form, and works as it is.
    assert [one for one in page.locator("button:not(form button)").all() if one.is_visible()] == []


def test_paper_has_the_code_the_steps_and_nothing_of_the_frame(visits: Visits) -> None:
    page = visits.open(size=(720, 1000))
    page.goto(GUIDE)
    page.emulate_media(media="print")
    expect(page.locator(".print-head svg")).to_be_visible()
    expect(page.locator(".print-head strong")).to_have_text(re.compile(r"/v/[0-9]{4}$"))
    for gone in (".site-header", ".site-footer", ".crumbs", ".copy-link", ".help-box", ".still figcaption"):
        for one in page.locator(gone).all():
            expect(one).to_be_hidden()
    for one in page.locator(".still .is-pointed-at").all():
        expect(one).to_be_visible()
    broken = page.locator(".guide-steps > li").evaluate_all(
        "steps => steps.map(one => getComputedStyle(one).breakInside)"
    )
    assert set(broken) == {"avoid"}
    printed = page.locator(".prose a").first.evaluate("one => getComputedStyle(one, '::after').content")
    assert "/da/" in printed


def test_paper_ends_where_the_guide_does(visits: Visits) -> None:
    page = visits.open(size=(720, 1000))
    page.goto("/da/vejledninger/giv-en-elev-en-ny-adgangskode")
    page.emulate_media(media="print")
    last = "document.querySelector('.guide-review').getBoundingClientRect().bottom"
    height = "document.body.getBoundingClientRect().bottom"
    assert page.evaluate(height) - page.evaluate(last) < 4, "what stands below it may be a blank sheet"


def test_help_follows_the_screen_that_htmx_has_put_in(scripted: Page) -> None:
    scripted.goto("/login/brugernavn")
    help = scripted.locator("#help-link")
    before = help.get_attribute("href")
    write(scripted, USERNAME, BO.username or "")
    press(scripted, "Næste")
    sees(scripted, ASK_WORDS)
    after = help.get_attribute("href")
    assert before != after
    help.click()
    expect(scripted.locator("h1")).to_be_visible()
    assert "/vejledninger/" in scripted.url
    assert "#trin-" in scripted.url
