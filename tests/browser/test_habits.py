"""What people do besides: two tabs, two presses, Back, keyboard, pasting, another language, no network."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.domain.audit import Event
from tests.browser.server import Server
from tests.browser.steps import (
    ASK_NAME,
    ASK_PICTURES,
    ASK_WORDS,
    PASSWORD,
    USERNAME,
    button,
    follow,
    form_of,
    give_username,
    is_at,
    is_logged_in,
    press,
    sees,
    summary,
    try_words,
    write,
)
from tests.browser.visits import Visits
from tests.cast import ANNA, BO, IDA

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)


# ---- Two at once (S-19) ----


def test_two_presses_on_log_in_are_one_login(page: Page, site: Server) -> None:
    """S-19: a double press has no double effect."""
    give_username(page, BO.username)
    write(page, PASSWORD, BO.password or "")
    button(page, "Log ind").dblclick()
    is_logged_in(page, BO)
    assert site.living_sessions(BO) == 1
    assert site.events(BO, Event.LOGGED_IN) == ["LOGGED_IN"]


def test_two_presses_on_next_are_one_step(either: Page) -> None:
    """S-19: a double press has no double effect."""
    either.goto("/login/brugernavn")
    write(either, USERNAME, BO.username or "")
    button(either, "Næste").dblclick()
    sees(either, ASK_WORDS)
    try_words(either, BO.password)
    is_logged_in(either, BO)


def test_the_same_post_to_both_workers_at_once_begins_one_session(scripted: Page, site: Server) -> None:
    """S-19: both are answered with the same session."""
    give_username(scripted, BO.username)
    sees(scripted, ASK_WORDS)
    form, cookies = form_of(scripted, "/login/adgangskode", password=BO.password or "")
    answers = site.ask_at_once("/login/adgangskode", form=form, cookies=cookies, times=4)
    assert {answer.status for answer in answers} == {303}
    assert {answer.headers["Location"] for answer in answers} == {"/mit"}
    assert len({answer.cookie("login") for answer in answers}) == 1
    assert site.living_sessions(BO) == 1
    assert site.events(BO, Event.LOGGED_IN) == ["LOGGED_IN"]


def test_the_same_login_in_two_tabs_is_one_session(page: Page, site: Server) -> None:
    """S-19: the later tab's form is of before the login (S-17); its address leads where the login led."""
    give_username(page, BO.username)
    sees(page, ASK_WORDS)
    other = page.context.new_page()
    other.goto("/login/adgangskode")
    sees(other, ASK_WORDS)
    try_words(page, BO.password)
    is_logged_in(page, BO)
    try_words(other, BO.password)
    sees(other, "Siden er for gammel")
    other.get_by_role("link", name="Åbn siden igen").click()
    is_logged_in(other, BO)
    assert site.living_sessions(BO) == 1
    assert site.events(BO, Event.LOGGED_IN) == ["LOGGED_IN"]


def test_a_tab_left_at_another_name_is_refused_and_the_newer_one_goes_on(page: Page, site: Server) -> None:
    """S-01: a password never reaches a name that the page does not show."""
    give_username(page, BO.username)
    sees(page, ASK_WORDS)
    other = page.context.new_page()
    give_username(other, IDA.username)
    sees(other, ASK_WORDS)
    try_words(page, BO.password)
    sees(page, "Siden er for gammel")
    expect(page.locator("main")).to_contain_text("Du er begyndt forfra i et andet vindue.")
    assert site.events(IDA, Event.LOGIN_REFUSED) == []
    assert site.living_sessions(BO) == 0
    try_words(other, IDA.password)
    is_logged_in(other, IDA)


# ---- Back and forward ----


def test_back_and_forward_lead_through_the_steps(page: Page) -> None:
    page.goto("/login")
    page.get_by_role("link", name="Brugernavn og adgangskode").click()
    sees(page, ASK_NAME)
    write(page, USERNAME, BO.username or "")
    press(page, "Næste")
    sees(page, ASK_WORDS)
    page.go_back()
    sees(page, ASK_NAME)
    is_at(page, "/login/brugernavn")
    page.go_forward()
    sees(page, ASK_WORDS)
    is_at(page, "/login/adgangskode")
    page.goto("/login/brugernavn")
    sees(page, ASK_NAME)
    write(page, USERNAME, IDA.username or "")
    press(page, "Næste")
    expect(page.get_by_text(IDA.username or "", exact=True)).to_be_visible()
    try_words(page, IDA.password)
    is_logged_in(page, IDA)


def test_back_to_a_step_with_an_error_asks_for_the_step_anew(scripted: Page) -> None:
    """Without script a browser asks before it sends the wrong try again, and that is its own to ask."""
    give_username(scripted, BO.username)
    try_words(scripted, "forkert adgangskode")
    expect(summary(scripted)).to_be_visible()
    scripted.goto("/login/brugernavn")
    scripted.go_back()
    sees(scripted, ASK_WORDS)
    scripted.go_forward()
    sees(scripted, ASK_NAME)


def test_back_after_the_login_shows_no_form_to_fill_in_again(page: Page, site: Server) -> None:
    give_username(page, BO.username)
    try_words(page, BO.password)
    is_logged_in(page, BO)
    page.go_back()
    is_logged_in(page, BO)
    site.forward(minutes=5)
    page.goto("/login/adgangskode")
    expect(page.get_by_label(PASSWORD, exact=True)).to_have_count(0)
    assert site.events(BO, Event.LOGGED_IN) == ["LOGGED_IN"]


# ---- Hands and eyes ----


def test_the_keyboard_alone_logs_in(either: Page) -> None:
    keys = either.keyboard
    either.goto("/login")
    keys.press("Tab")
    expect(either.get_by_role("link", name="Gå til indholdet")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(either.get_by_role("link", name="Brugernavn og adgangskode")).to_be_focused()
    keys.press("Enter")
    sees(either, ASK_NAME)
    expect(either.get_by_label(USERNAME, exact=True)).to_be_focused()
    keys.type(BO.username or "")
    keys.press("Enter")
    sees(either, ASK_WORDS)
    expect(either.get_by_label(PASSWORD, exact=True)).to_be_focused()
    keys.type(BO.password or "")
    keys.press("Enter")
    is_logged_in(either, BO)


def test_the_focus_can_be_seen_on_every_stop(scripted: Page) -> None:
    give_username(scripted, BO.username)
    sees(scripted, ASK_WORDS)
    for _ in range(12):
        scripted.keyboard.press("Tab")
        style, width = scripted.evaluate(
            "(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])"
            "(getComputedStyle(document.activeElement))"
        )
        if scripted.evaluate("document.activeElement === document.body"):
            continue
        stop = scripted.evaluate("document.activeElement.outerHTML")
        assert style == "solid", stop
        assert float(width.removesuffix("px")) >= 2, stop


def test_a_password_can_be_pasted(either: Page) -> None:
    """S-19: paste is never in the way."""
    either.context.grant_permissions(["clipboard-read", "clipboard-write"])
    give_username(either, BO.username)
    sees(either, ASK_WORDS)
    either.evaluate("text => navigator.clipboard.writeText(text)", BO.password)
    either.get_by_label(PASSWORD, exact=True).focus()
    either.keyboard.press("Control+V")
    expect(either.get_by_label(PASSWORD, exact=True)).to_have_value(BO.password or "")
    either.keyboard.press("Enter")
    is_logged_in(either, BO)


def test_password_managers_find_name_and_password(either: Page) -> None:
    """S-19 and WCAG 3.3.8: the fields say what they are, and whose password it is."""
    either.goto("/login/brugernavn")
    field = either.get_by_label(USERNAME, exact=True)
    for name, value in (
        ("autocomplete", "username"),
        ("autocapitalize", "none"),
        ("spellcheck", "false"),
        ("dir", "ltr"),
    ):
        expect(field).to_have_attribute(name, value)
    give_username(either, BO.username)
    expect(either.get_by_label(PASSWORD, exact=True)).to_have_attribute("autocomplete", "current-password")
    hidden = either.locator("form input[autocomplete=username]")
    expect(hidden).to_have_value(BO.username or "")
    expect(hidden).to_be_hidden()
    give_username(either, ANNA.username)
    sees(either, ASK_PICTURES)
    expect(either.get_by_label("De fire billeders navne")).to_have_attribute(
        "autocomplete", "current-password"
    )
    expect(either.locator("details form input[autocomplete=username]")).to_have_value(ANNA.username or "")


def test_a_swapped_step_takes_title_address_and_focus_along(scripted: Page, visits: Visits) -> None:
    scripted.goto("/login/brugernavn")
    expect(scripted).to_have_title("Skriv dit brugernavn – Login – Unilogin")
    loads = len([one for one in visits.requests if one.is_navigation_request()])
    write(scripted, USERNAME, BO.username or "")
    press(scripted, "Næste")
    sees(scripted, ASK_WORDS)
    assert len([one for one in visits.requests if one.is_navigation_request()]) == loads
    expect(scripted).to_have_title("Skriv din adgangskode – Login – Unilogin")
    is_at(scripted, "/login/adgangskode")
    field = scripted.get_by_label(PASSWORD, exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description("Skriv din adgangskode")
    assert scripted.evaluate("scrollY") == 0


def test_a_step_with_more_than_one_field_takes_the_focus_to_its_heading(scripted: Page) -> None:
    give_username(scripted, ANNA.username)
    sees(scripted, ASK_PICTURES)
    expect(scripted.get_by_role("heading", level=1)).to_be_focused()
    expect(scripted).to_have_title("Tryk på dine fire billeder – Login – Unilogin")


def test_the_password_can_be_shown_and_is_sent_hidden(scripted: Page) -> None:
    give_username(scripted, BO.username)
    field = scripted.get_by_label(PASSWORD, exact=True)
    field.fill("KanelTrappe59")
    press(scripted, "Vis adgangskoden")
    expect(field).to_have_attribute("type", "text")
    press(scripted, "Skjul adgangskoden")
    expect(field).to_have_attribute("type", "password")
    press(scripted, "Vis adgangskoden")
    field.press("Enter")
    expect(summary(scripted)).to_be_visible()
    expect(field).to_have_attribute("type", "password")
    expect(button(scripted, "Vis adgangskoden")).to_be_visible()


def test_without_script_no_button_is_shown_that_needs_it(visits: Visits) -> None:
    plain = visits.open(has_script=False)
    give_username(plain, BO.username)
    sees(plain, ASK_WORDS)
    expect(plain.get_by_role("button", name="Vis")).to_have_count(0)
    give_username(plain, ANNA.username)
    sees(plain, ASK_PICTURES)
    expect(plain.get_by_role("button", name="Skjul")).to_have_count(0)
    expect(plain.get_by_role("button", name="Hør")).to_have_count(0)


def test_changing_the_language_keeps_the_step(either: Page) -> None:
    give_username(either, BO.username)
    sees(either, ASK_WORDS)
    either.locator("details.language summary").click()
    follow(either, "English")
    sees(either, "Type your password")
    is_at(either, "/login/adgangskode")
    expect(either.locator("html")).to_have_attribute("lang", "en")
    write(either, "Password", "wrong password")
    press(either, "Log in")
    expect(summary(either)).to_contain_text("The username and password do not match. Try again.")
    write(either, "Password", BO.password or "")
    press(either, "Log in")
    sees(either, "My Unilogin")


def test_the_language_list_closes_with_escape_and_gives_the_focus_back(scripted: Page) -> None:
    scripted.goto("/login")
    switch = scripted.locator("details.language summary")
    switch.click()
    expect(scripted.get_by_role("link", name="English")).to_be_visible()
    scripted.get_by_role("link", name="English").focus()
    scripted.keyboard.press("Escape")
    expect(scripted.get_by_role("link", name="English")).to_be_hidden()
    expect(switch).to_be_focused()


def test_without_a_network_the_press_says_so_and_works_again_afterwards(
    scripted: Page, visits: Visits
) -> None:
    visits.expect_complaint("ERR_INTERNET_DISCONNECTED|htmx:sendError|htmx:afterRequest")
    give_username(scripted, BO.username)
    sees(scripted, ASK_WORDS)
    scripted.context.set_offline(True)
    try_words(scripted, BO.password)
    live = scripted.locator("#live[aria-live=polite]")
    expect(live).to_have_text("Der er ingen forbindelse. Tjek nettet, og prøv igen.")
    expect(live).to_be_visible()
    scripted.context.set_offline(False)
    press(scripted, "Log ind")
    is_logged_in(scripted, BO)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 502, 503])
def test_an_error_that_a_proxy_made_up_leaves_the_screen_and_is_told(
    scripted: Page, visits: Visits, status: int
) -> None:
    visits.expect_complaint(f"status of {status}|Response Status Error Code {status}|htmx:afterRequest")
    give_username(scripted, BO.username)
    sees(scripted, ASK_WORDS)
    scripted.route("**/login/adgangskode", lambda route: route.fulfill(status=status, body="<h1>nginx</h1>"))
    try_words(scripted, BO.password)
    expect(scripted.locator("#live")).to_have_text("Noget gik galt hos os. Prøv igen om lidt.")
    sees(scripted, ASK_WORDS)
    expect(scripted.get_by_text("nginx")).to_have_count(0)
    scripted.unroute("**/login/adgangskode")
    press(scripted, "Log ind")
    is_logged_in(scripted, BO)


def test_a_login_about_to_run_out_offers_more_time(visits: Visits, site: Server) -> None:
    """WCAG 2.2.1: warned two minutes before, and given again at a press."""
    page = visits.open()
    page.clock.install()
    give_username(page, BO.username)
    sees(page, ASK_WORDS)
    more = button(page, "Giv mig mere tid")
    expect(more).to_be_hidden()
    page.clock.fast_forward(27 * 60 * 1000)
    site.forward(minutes=27)
    expect(more).to_be_hidden()
    page.clock.fast_forward(90 * 1000)
    site.forward(seconds=90)
    expect(more).to_be_visible()
    more.click()
    expect(more).to_be_hidden()
    sees(page, ASK_WORDS)
    site.forward(minutes=20)
    try_words(page, BO.password)
    is_logged_in(page, BO)


def test_back_to_the_username_keeps_what_was_typed(either: Page, site: Server) -> None:
    typed = site.unknown_name(has_pictures=False)
    give_username(either, typed)
    sees(either, ASK_WORDS)
    follow(either, "Tilbage")
    sees(either, ASK_NAME)
    field = either.get_by_label(USERNAME, exact=True)
    expect(field).to_have_value(typed)
    expect(field).to_be_focused()
    write(either, USERNAME, BO.username or "")
    press(either, "Næste")
    sees(either, ASK_WORDS)
    follow(either, "Ikke dig?")
    sees(either, ASK_NAME)
    expect(field).to_have_value("")
