"""Anna logs in with her pictures: by tapping, by writing, with every slip a child makes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from app.domain.audit import Event
from tests.browser.server import Server
from tests.browser.steps import (
    ASK_PICTURES,
    TYPED,
    button,
    chosen,
    give_username,
    is_at,
    is_logged_in,
    press,
    sees,
    summary,
    tap,
    write,
)
from tests.browser.visits import Visits
from tests.cast import ANNA, MARKED

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)
WRONG = "Det var ikke de rigtige billeder. Prøv igen."
FEW = "Vælg fire billeder"


def begin(page: Page) -> None:
    """Get to Anna's pictures."""
    give_username(page, ANNA.username)
    sees(page, ASK_PICTURES)
    is_at(page, "/login/billeder")


def tile(page: Page, id: str) -> Locator:
    """Find a picture in the grid."""
    return page.locator(f"button[name=pick][value={id}]")


def typing(page: Page) -> Locator:
    """Open «Skriv i stedet» and return its form."""
    page.get_by_text("Skriv i stedet").click()
    return page.locator("details form")


def test_a_pupil_logs_in_by_tapping(page: Page, site: Server) -> None:
    begin(page)
    chosen(page, 0)
    tap(page, *ANNA.pictures)
    press(page, "Log ind")
    is_logged_in(page, ANNA)
    expect(page.get_by_text("Fire billeder")).to_be_visible()
    assert site.events(ANNA, Event.LOGGED_IN) == ["LOGGED_IN"]


def test_a_pupil_logs_in_by_writing_instead(page: Page) -> None:
    """WCAG 3.3.8: password managers, paste and switches need a field."""
    begin(page)
    form = typing(page)
    write(page, TYPED, "Ugle, KAGE sol  bamse")
    form.get_by_role("button", name="Log ind").click()
    is_logged_in(page, ANNA)


def test_names_are_taken_with_and_without_danish_letters(either: Page) -> None:
    give_username(either, MARKED.username)
    sees(either, ASK_PICTURES)
    form = typing(either)
    write(either, TYPED, "raket drage gulerod nøgle")
    form.get_by_role("button", name="Log ind").click()
    is_logged_in(either, MARKED)


def test_whoever_wrote_and_was_wrong_can_write_again_at_once(either: Page) -> None:
    begin(either)
    form = typing(either)
    write(either, TYPED, "ugle kage sol hat")
    form.get_by_role("button", name="Log ind").click()
    expect(summary(either)).to_contain_text(WRONG)
    expect(either.get_by_label(TYPED, exact=True)).to_be_visible()
    expect(either.get_by_label(TYPED, exact=True)).to_have_value("")
    write(either, TYPED, "ugle kage sol bamse")
    form.get_by_role("button", name="Log ind").click()
    is_logged_in(either, ANNA)


def test_wrong_pictures_are_told_and_the_third_time_whom_to_ask(either: Page, site: Server) -> None:
    begin(either)
    for attempt in range(3):
        tap(either, "bil", "tog", "fisk", "hat")
        press(either, "Log ind")
        expect(summary(either)).to_contain_text(WRONG)
        expect(summary(either)).to_be_focused()
        chosen(either, 0)
        asks = expect(summary(either))
        (asks.to_contain_text if attempt == 2 else asks.not_to_contain_text)(
            "Spørg din lærer eller en forælder."
        )
    assert site.living_sessions(ANNA) == 0
    tap(either, *ANNA.pictures)
    press(either, "Log ind")
    is_logged_in(either, ANNA)


def test_fewer_than_four_pictures_are_asked_for_and_cost_no_try(either: Page, site: Server) -> None:
    begin(either)
    tap(either, *ANNA.pictures[:2])
    press(either, "Log ind")
    expect(either.get_by_text(FEW).locator("visible=true")).to_be_visible()
    chosen(either, 2)
    assert site.events(ANNA, Event.LOGIN_REFUSED) == []
    for count, id in enumerate(ANNA.pictures[2:], start=3):
        tile(either, id).click()
        chosen(either, count)
    press(either, "Log ind")
    is_logged_in(either, ANNA)


def test_a_double_tap_counts_once(either: Page) -> None:
    """The four are different, so that a child's second tap can be ignored (design 5)."""
    begin(either)
    tile(either, "ugle").dblclick()
    chosen(either, 1)
    tile(either, "kage").click()
    chosen(either, 2)
    tile(either, "ugle").click()
    tile(either, "sol").click()
    chosen(either, 3)
    tile(either, "bamse").click()
    chosen(either, 4)
    press(either, "Log ind")
    is_logged_in(either, ANNA)


def test_no_fast_tap_is_lost(scripted: Page) -> None:
    """With script taps are kept in the page: four within a blink all count, in order."""
    begin(scripted)
    places = [tile(scripted, id).bounding_box() for id in ANNA.pictures]
    for place in places:
        assert place is not None
        scripted.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    press(scripted, "Log ind")
    is_logged_in(scripted, ANNA)


def test_a_fifth_picture_is_not_taken(either: Page) -> None:
    begin(either)
    tap(either, *ANNA.pictures)
    tile(either, "hat").click()
    chosen(either, 4)
    press(either, "Log ind")
    is_logged_in(either, ANNA)


def test_delete_takes_back_the_last_picture(either: Page) -> None:
    begin(either)
    tap(either, "ugle", "kage", "hat")
    press(either, "Slet")
    chosen(either, 2)
    tile(either, "sol").click()
    chosen(either, 3)
    tile(either, "bamse").click()
    chosen(either, 4)
    press(either, "Log ind")
    is_logged_in(either, ANNA)


def test_delete_with_nothing_chosen_does_nothing(either: Page) -> None:
    begin(either)
    press(either, "Slet")
    sees(either, ASK_PICTURES)
    chosen(either, 0)


def test_what_is_chosen_is_spoken_as_a_number_never_by_name(scripted: Page) -> None:
    begin(scripted)
    live = scripted.locator("#live")
    expect(live).to_have_attribute("aria-live", "polite")
    tile(scripted, "ugle").click()
    expect(live).to_have_text("1 af 4 valgt")
    tile(scripted, "kage").click()
    expect(live).to_have_text("2 af 4 valgt")
    press(scripted, "Slet")
    expect(live).to_have_text("1 af 4 valgt")
    press(scripted, "Log ind")
    expect(live).to_have_text(FEW)
    assert scripted.locator("[data-slots] title, [data-slots] [aria-label]").count() == 0


def test_the_chosen_pictures_can_be_covered(scripted: Page) -> None:
    begin(scripted)
    tap(scripted, "ugle")
    picture = scripted.locator("[data-slots] svg")
    expect(picture).to_be_visible()
    press(scripted, "Skjul billederne")
    expect(picture).to_be_hidden()
    tile(scripted, "kage").click()
    chosen(scripted, 2)
    expect(picture).to_have_count(2)
    expect(picture.first).to_be_hidden()
    expect(picture.last).to_be_hidden()
    press(scripted, "Vis billederne")
    expect(picture.last).to_be_visible()


def test_the_keyboard_alone_chooses_pictures(either: Page) -> None:
    begin(either)
    for count, id in enumerate(ANNA.pictures, start=1):
        tile(either, id).focus()
        either.keyboard.press("Space" if count % 2 else "Enter")
        chosen(either, count)
    button(either, "Log ind").focus()
    either.keyboard.press("Enter")
    is_logged_in(either, ANNA)


def test_every_picture_has_a_name_and_room_for_a_finger(visits: Visits) -> None:
    """Design 5 and 7: 72 px or more, 64 at 320 px, eight apart."""
    for width, least in ((390, 72), (320, 64), (1280, 72)):
        page = visits.open(size=(width, 844))
        begin(page)
        tiles = page.locator("button[name=pick]")
        expect(tiles).to_have_count(24)
        boxes = tiles.evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
        assert min(box["width"] for box in boxes) >= least
        assert min(box["height"] for box in boxes) >= least
        for one in boxes:
            for other in boxes:
                if one is not other:
                    apart_x = max(one["left"], other["left"]) - min(one["right"], other["right"])
                    apart_y = max(one["top"], other["top"]) - min(one["bottom"], other["bottom"])
                    assert max(apart_x, apart_y) >= 7.5
        for id in ("ugle", "noegle"):
            expect(tile(page, id)).to_have_accessible_name(re.compile("^(ugle|nøgle)$"))
        page.context.close()


def test_the_code_is_never_in_an_address(either: Page, visits: Visits) -> None:
    """S-24: not in a URL, and not kept by the page that was left."""
    begin(either)
    tap(either, *ANNA.pictures)
    press(either, "Log ind")
    is_logged_in(either, ANNA)
    assert not [one.url for one in visits.requests if any(id in one.url for id in ANNA.pictures)]


def covered_by_a_bar(page: Page) -> str | None:
    """Return what has the focus if it lies under the slots or the acts, at its middle or its edges."""
    found: str | None = page.evaluate(
        """() => {
            const one = document.activeElement, box = one.getBoundingClientRect();
            const bars = [...document.querySelectorAll(".pictures-top, .pictures-acts")];
            if (one === document.body || bars.some(bar => bar.contains(one))) return null;
            const under = bars.some(bar => {
                const its = bar.getBoundingClientRect();
                return box.bottom > its.top + 1 && box.top < its.bottom - 1;
            });
            return under ? one.outerHTML.slice(0, 80) : null;
        }"""
    )
    return found


def test_the_acts_stay_on_the_screen_also_after_an_error(page: Page) -> None:
    """Design 5: sticky at the bottom."""
    begin(page)
    acts = page.locator(".pictures-acts button")
    for _ in range(2):
        expect(acts.first).to_be_in_viewport(ratio=1)
        expect(acts.last).to_be_in_viewport(ratio=1)
        tap(page, "bil", "tog", "fisk", "hat")
        expect(acts.last).to_be_in_viewport(ratio=1)
        press(page, "Log ind")
        expect(summary(page)).to_be_focused()
        expect(summary(page)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_what_has_the_focus_is_never_under_a_bar(either: Page, key: str) -> None:
    """WCAG 2.4.11: also where an error pushes the pictures down."""
    begin(either)
    tap(either, "bil", "tog", "fisk", "hat")
    press(either, "Log ind")
    expect(summary(either)).to_be_focused()
    for _ in range(40):
        either.keyboard.press(key)
        assert covered_by_a_bar(either) is None


def test_without_script_a_tap_stays_at_the_pictures_and_marks_what_is_taken(visits: Visits) -> None:
    plain = visits.open(has_script=False, size=(390, 600))
    begin(plain)
    for count, id in enumerate(ANNA.pictures, start=1):
        tile(plain, id).click()
        chosen(plain, count)
        assert abs(plain.locator("#billeder").bounding_box()["y"]) < 2  # type: ignore[index]
        expect(plain.locator("[data-slots]")).to_be_in_viewport(ratio=1)
        expect(plain.locator("button.is-picked")).to_have_count(count)
    press(plain, "Slet")
    chosen(plain, 3)
    expect(tile(plain, "bamse")).not_to_have_class(re.compile("is-picked"))


def test_a_chosen_tile_is_marked_in_forced_colours(either: Page) -> None:
    either.emulate_media(forced_colors="active")
    begin(either)
    tap(either, "ugle")
    style = "(({borderTopColor, borderTopWidth}) => [borderTopColor, borderTopWidth])(getComputedStyle(one))"
    colour, width = tile(either, "ugle").evaluate(f"one => {style}")
    other_colour, other_width = tile(either, "kage").evaluate(f"one => {style}")
    assert colour != other_colour
    assert (width, other_width) == ("4px", "2px")


def test_to_write_instead_shows_the_names_and_takes_the_focus(scripted: Page) -> None:
    begin(scripted)
    size = "one => getComputedStyle(one).fontSize"
    assert tile(scripted, "ugle").evaluate(size) == "0px"
    typing(scripted)
    expect(scripted.get_by_label(TYPED, exact=True)).to_be_focused()
    assert tile(scripted, "ugle").evaluate(size) == "13px"
    scripted.keyboard.type("ugle kage sol bamse")
    scripted.keyboard.press("Enter")
    is_logged_in(scripted, ANNA)


def test_without_script_the_names_are_shown_too_when_writing(visits: Visits) -> None:
    plain = visits.open(has_script=False, size=(320, 640))
    begin(plain)
    typing(plain)
    assert tile(plain, "sommerfugl").evaluate("one => getComputedStyle(one).fontSize") == "13px"
    assert tile(plain, "sommerfugl").evaluate("one => one.scrollWidth <= one.clientWidth")


def test_on_a_schools_small_computer_all_pictures_are_seen_at_once(visits: Visits) -> None:
    """1366 by 768, less what the browser itself takes."""
    page = visits.open(size=(1366, 680))
    begin(page)
    below = page.locator("button[name=login]").bounding_box()
    assert below is not None
    tiles = [one.bounding_box() for one in page.locator(".families button").all()]
    assert len(tiles) == 24
    assert all(box and box["height"] >= 72 and box["y"] + box["height"] <= below["y"] for box in tiles)


def test_without_a_network_a_press_at_the_end_of_the_page_is_told_where_one_looks(visits: Visits) -> None:
    visits.expect_complaint("ERR_INTERNET_DISCONNECTED|htmx:sendError|htmx:afterRequest")
    page = visits.open(size=(390, 664))
    begin(page)
    tap(page, *ANNA.pictures)
    page.mouse.wheel(0, 2000)
    page.wait_for_function("() => scrollY > 100")
    page.context.set_offline(True)
    press(page, "Log ind")
    expect(page.locator("#live")).to_be_in_viewport()
    expect(page.locator("#live")).to_have_text("Der er ingen forbindelse. Tjek nettet, og prøv igen.")
