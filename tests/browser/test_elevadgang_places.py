"""Where a press leaves a teacher on a phone: at the row that was pressed, with and without script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.inspection import violations
from tests.browser.steps import button, press, summary
from tests.browser.test_elevadgang import GIVE, open_list
from tests.browser.visits import Visits

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)


def is_in_sight(page: Page, name: str) -> None:
    """Expect a pupil's name to stand on the screen, above the bar at its bottom."""
    box = page.locator("li.pupil", has_text=name).locator(".pupil-name").bounding_box()
    bar = page.locator(".select-bar").bounding_box()
    assert box is not None
    assert bar is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= bar["y"]


def test_a_press_in_the_last_row_leaves_the_teacher_there(visits: Visits) -> None:
    carla = visits.open(size=PHONE)
    open_list(carla, "2.B")
    last = carla.locator("li.pupil:has(.tick:enabled)").last
    name = last.locator(".pupil-name").inner_text()
    last.locator("label").click()
    button(carla, f"{GIVE} (1 elev)").click()
    expect(last.locator("[data-part=status]")).to_contain_text("Venter til kl. ")
    expect(carla.locator("[data-part=told]")).to_be_focused()
    expect(carla.locator("[data-part=told]")).to_contain_text(
        "Bed nu eleverne om at skrive deres brugernavn."
    )
    expect(button(carla, GIVE)).to_be_visible()  # what was given is ticked no more
    assert carla.evaluate("scrollY") > 0
    is_in_sight(carla, name)

    last.get_by_role("button", name="Giv fem minutter mere").click()
    expect(last.locator("[data-part=status]")).to_contain_text("Eleven har fem minutter mere.")
    expect(last.get_by_role("button", name="Giv fem minutter mere")).to_be_focused()
    expect(carla.locator("#live")).to_have_text("Eleven har fem minutter mere.")
    is_in_sight(carla, name)

    last.get_by_role("button", name="Afbryd").click()
    expect(last.locator("[data-part=status]")).to_contain_text("Det er afbrudt.")
    expect(last.locator("[data-part=status]")).to_be_focused()
    expect(carla.locator("#live")).to_have_text("Det er afbrudt. Den gamle adgangskode gælder stadig.")
    assert carla.evaluate("scrollY") > 0
    is_in_sight(carla, name)
    assert violations(carla) == []


def test_enter_in_a_tick_box_presses_no_other_pupils_button(visits: Visits) -> None:
    carla = visits.open(size=PHONE)
    open_list(carla, "2.B")
    last = carla.locator("li.pupil:has(.tick:enabled)").last
    last.locator("label").click()
    button(carla, f"{GIVE} (1 elev)").click()
    expect(last.get_by_role("button", name="Giv fem minutter mere")).to_be_visible()
    expect(carla.locator("[data-part=told]")).to_be_focused()  # or it would take the focus yet
    carla.locator(".tick:enabled").first.focus()
    carla.keyboard.press("Enter")
    expect(summary(carla)).to_contain_text("Sæt flueben ved mindst én elev.")
    expect(last.get_by_role("button", name="Giv fem minutter mere")).to_be_visible()
    expect(carla.locator(".status-said")).to_have_count(0)


def test_without_script_the_browser_comes_back_to_the_row(visits: Visits) -> None:
    carla = visits.open(size=PHONE, has_script=False)
    open_list(carla, "2.B")
    last = carla.locator("li.pupil:has(.tick:enabled)").last
    name = last.locator(".pupil-name").inner_text()
    last.locator("label").click()
    press(carla, GIVE)
    expect(last.locator("[data-part=status]")).to_contain_text("Venter til kl. ")
    is_in_sight(carla, name)
    last.get_by_role("button", name="Afbryd").click()
    expect(last.locator("[data-part=status]")).to_contain_text("Afbrudt")
    is_in_sight(carla, name)
