"""The front page: four doors, the tasks most asked for, help by phone, two languages."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from app.db import COPENHAGEN
from app.world import Clock
from tests.browser.server import Server
from tests.browser.steps import follow, is_at, sees
from tests.browser.visits import Visits

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)

FRONT = "Hjælp til login i skolen"


def test_the_root_leads_to_the_readers_language(visits: Visits) -> None:
    for locale, path in (("da-DK", "/da/"), ("en-GB", "/en/"), ("fr-FR", "/da/")):
        page = visits.open(locale=locale)
        page.goto("/")
        is_at(page, path)
        expect(page.locator("html")).to_have_attribute("lang", path.strip("/"))


@pytest.mark.parametrize("slug", ["elev", "foraelder", "laerer", "personale"])
def test_each_door_leads_to_a_page_whose_tasks_all_lead_somewhere(
    visits: Visits, site: Server, slug: str
) -> None:
    page = visits.open(has_script=slug in ("elev", "laerer"))
    page.goto("/da/")
    sees(page, FRONT)
    doors = page.locator("[data-part=doors] a")
    expect(doors).to_have_count(4)
    door = page.locator(f"[data-part=doors] a[href='/da/{slug}']")
    door.click()
    is_at(page, f"/da/{slug}")
    expect(page).to_have_title(re.compile(r" – Hjælp – Unilogin$"))
    tasks = page.locator("[data-part=tasks] a")
    hrefs = tasks.evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert hrefs
    for href in set(hrefs):
        answer = site.ask("GET", href)
        assert answer.status in (200, 303), href
    tasks.first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.go_back()
    is_at(page, f"/da/{slug}")


def test_the_most_asked_for_tasks_lead_to_the_live_flows(either: Page) -> None:
    either.goto("/da/")
    tasks = either.locator("[data-part=tasks] a")
    count = tasks.count()
    assert count >= 3
    for index in range(count):
        either.goto("/da/")
        tasks.nth(index).click()
        expect(either.locator("body.screen-frame, body.site-frame")).to_be_visible()
        expect(either.get_by_role("heading", level=1)).not_to_have_text("Siden findes ikke")


def test_help_stands_on_the_page_with_phone_and_hours(either: Page) -> None:
    either.goto("/da/")
    box = either.get_by_role("region", name="Har du brug for mere hjælp?")
    expect(box.get_by_role("link", name="3587 8550")).to_have_attribute("href", "tel:+4535878550")
    expect(box.locator(".hours-now")).to_have_text(re.compile(r"^\s*(Åbent nu|Lukket)"))


def test_the_page_says_whether_the_phone_is_answered_now(either: Page, site: Server) -> None:
    """The words follow the clock, not the moment the server started."""
    tuesday = datetime(2027, 9, 14, 10, 30, tzinfo=COPENHAGEN)
    site.forward(seconds=(tuesday - Clock().now()).total_seconds())
    either.goto("/da/")
    expect(either.locator(".hours-now")).to_have_text("Åbent nu, til kl. 16.00")
    site.forward(hours=10)
    either.reload()
    expect(either.locator(".hours-now")).to_have_text("Lukket. Åbner i morgen kl. 8.00")


def test_the_language_switch_stays_on_the_page(either: Page) -> None:
    either.goto("/da/elev")
    either.locator("details.language summary").click()
    follow(either, "English")
    is_at(either, "/en/elev")
    expect(either.locator("html")).to_have_attribute("lang", "en")
    either.locator("details.language summary").click()
    follow(either, "Dansk")
    is_at(either, "/da/elev")


def test_english_pages_are_english_throughout(visits: Visits) -> None:
    page = visits.open(locale="en-GB")
    danish = re.compile(
        r"\b(adgangskode|brugernavn|ikke|eller|skriv|hjælp|lærer|skole)\b|[æøå]", re.IGNORECASE
    )
    for path in (
        "/en/",
        "/en/elev",
        "/en/foraelder",
        "/en/laerer",
        "/en/personale",
        "/login",
        "/login/brugernavn",
        "/brugernavn",
        "/ny-adgangskode",
        "/ny-adgangskode/glemt",
        "/log-ud",
        "/ingen-side",
    ):
        page.goto(path)
        text = page.locator("body").inner_text().replace("Dansk", "")
        found = danish.search(text)
        assert found is None, f"{path}: «{found and found.group()}» in:\n{text}"


def test_an_address_that_does_not_exist_says_so_with_a_way_on_and_a_number(either: Page) -> None:
    answer = either.goto("/da/findes-ikke")
    assert answer is not None
    assert answer.status == 404
    sees(either, "Siden findes ikke")
    expect(either.get_by_text("Fejlnummer:")).to_contain_text(re.compile("[0-9a-f]{12}"))
    follow(either, "Gå til forsiden")
    sees(either, FRONT)


def test_the_skip_link_jumps_over_the_menu(either: Page) -> None:
    either.goto("/da/")
    either.keyboard.press("Tab")
    skip = either.get_by_role("link", name="Gå til indholdet")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    either.keyboard.press("Enter")
    either.keyboard.press("Tab")
    expect(either.get_by_role("main").get_by_role("searchbox")).to_be_focused()


def test_the_doors_stand_in_line_and_the_tasks_of_a_row_are_equally_high(visits: Visits) -> None:
    page = visits.open(size=(1280, 900))
    page.goto("/da/")
    box = "all => all.map(one => one.getBoundingClientRect().toJSON())"
    titles = page.locator(".card-title").evaluate_all(box)
    helps = page.locator(".card-help").evaluate_all(box)
    assert len({round(one["top"]) for one in titles}) == 1
    assert len({round(one["top"]) for one in helps}) == 1
    assert max(one["bottom"] for one in titles) <= min(one["top"] for one in helps)
    rows: dict[int, set[int]] = {}
    for one in page.locator("[data-part=tasks] a").evaluate_all(box):
        rows.setdefault(round(one["top"]), set()).add(round(one["height"]))
    assert len(rows) == 3
    assert all(len(heights) == 1 for heights in rows.values())


def test_the_menu_stands_in_columns_on_a_phone(visits: Visits) -> None:
    page = visits.open(size=(390, 844))
    page.goto("/da/")
    left = "all => all.map(one => one.getBoundingClientRect().left)"
    lefts = page.locator(".site-nav a").evaluate_all(left)
    assert lefts[:2] == lefts[3:]


def test_a_word_of_the_menu_is_not_broken_on_a_phone_nor_in_text_of_double_size(visits: Visits) -> None:
    page = visits.open(size=(390, 844))
    page.goto("/da/")
    size_of = "parseFloat(getComputedStyle(one).fontSize)"
    heights = f"all => all.map(one => one.getBoundingClientRect().height / {size_of})"
    for size in ("100%", "200%"):
        page.evaluate("size => { document.documentElement.style.fontSize = size }", size)
        assert {round(one, 1) for one in page.locator(".site-nav a").evaluate_all(heights)} == {2.8}, size


def test_a_long_text_is_typed_in_the_letters_of_the_page(visits: Visits) -> None:
    page = visits.open(has_script=False)
    page.goto("/da/kontakt")
    letters = "one => [getComputedStyle(one).fontFamily, getComputedStyle(one).fontSize]"
    name, text = (page.locator(f"{tag}.input").first.evaluate(letters) for tag in ("input", "textarea"))
    assert text == name


def test_the_front_page_does_not_offer_itself_as_help(either: Page) -> None:
    either.goto("/da/")
    expect(either.locator("footer").get_by_role("link", name="Hjælp")).to_have_count(0)
    either.goto("/da/elev")
    expect(either.locator("footer").get_by_role("link", name="Hjælp")).to_have_count(1)
