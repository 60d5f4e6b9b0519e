"""«Mit Unilogin»: who I am, where I am logged in, what was done, and getting out again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.domain.audit import Event
from tests.browser.server import Server
from tests.browser.steps import ASK_NAME, button, follow, is_at, is_logged_in, log_in, press, sees
from tests.browser.visits import Visits
from tests.cast import ANNA, BO, BOTH, CARLA, EVA, GRY, PROTECTED, Member

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)


def test_the_own_page_says_who_one_is_and_when_the_password_was_changed(either: Page) -> None:
    log_in(either, ANNA)
    is_logged_in(either, ANNA)
    who = either.get_by_role("region", name="Hvem du er")
    for words in ("Anna Holm", "anna1001", "Elev", "Egeskolen, 2.B"):
        expect(who).to_contain_text(words)
    password = either.get_by_role("region", name="Din adgangskode")
    expect(password).to_contain_text("Fire billeder")
    expect(password).to_contain_text("med hjælp fra en lærer")
    sessions = either.get_by_role("region", name="Her er du logget ind")
    expect(sessions.get_by_role("listitem")).to_have_count(1)
    expect(sessions).to_contain_text("Denne enhed")
    done = either.get_by_role("region", name="Det er der sket med dit login")
    expect(done.get_by_role("listitem").first).to_contain_text("Du loggede ind")


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (CARLA, ["Lærer", "2.B, 5.A"]),
        (EVA, ["Brugeradministrator", "Egeskolen"]),
        (GRY, ["Support"]),
        (BOTH, ["Lærer", "Kontaktperson"]),
    ],
    ids=lambda value: value.word if isinstance(value, Member) else "",
)
def test_each_sees_the_own_roles(scripted: Page, member: Member, words: list[str]) -> None:
    log_in(scripted, member)
    is_logged_in(scripted, member)
    who = scripted.get_by_role("region", name="Hvem du er")
    for word in words:
        expect(who).to_contain_text(word)


def test_a_protected_pupil_is_shown_by_the_alias_only(either: Page) -> None:
    """S-72."""
    log_in(either, PROTECTED)
    is_logged_in(either, PROTECTED)
    for path in ("/mit", "/mit/historik"):
        either.goto(path)
        text = either.content()
        assert PROTECTED.given_name not in text
        assert PROTECTED.family_name not in text


def test_a_login_elsewhere_is_listed_and_can_be_ended(either: Page, visits: Visits, site: Server) -> None:
    """S-18: listed, and endable by the user."""
    elsewhere = visits.open()
    log_in(elsewhere, BO)
    is_logged_in(elsewhere, BO)
    log_in(either, BO)
    is_logged_in(either, BO)
    sessions = either.get_by_role("region", name="Her er du logget ind")
    expect(sessions.get_by_role("listitem")).to_have_count(2)
    expect(sessions.get_by_role("listitem").first).to_contain_text("Denne enhed")
    sessions.get_by_role("button", name="Log ud", exact=True).click()
    expect(sessions.get_by_role("listitem")).to_have_count(1)
    assert site.living_sessions(BO) == 1
    assert site.events(BO, Event.SESSION_ENDED) == ["SESSION_ENDED"]
    elsewhere.reload()
    sees(elsewhere, "Vælg login")
    either.reload()
    is_logged_in(either, BO)


def test_all_other_logins_are_ended_at_once(either: Page, visits: Visits, site: Server) -> None:
    """S-18."""
    others = [visits.open(), visits.open()]
    for other in others:
        log_in(other, BO)
        is_logged_in(other, BO)
    log_in(either, BO)
    is_logged_in(either, BO)
    press(either, "Log ud alle andre steder")
    expect(button(either, "Log ud alle andre steder")).to_have_count(0)
    is_logged_in(either, BO)
    assert site.living_sessions(BO) == 1
    assert site.events(BO, Event.SESSIONS_ENDED) == ["SESSIONS_ENDED"]
    for other in others:
        other.reload()
        sees(other, "Vælg login")


def test_log_out_ends_the_session_and_back_shows_nothing(either: Page, site: Server) -> None:
    """S-18, S-62: nothing personal is kept in the browser."""
    log_in(either, BO)
    is_logged_in(either, BO)
    either.get_by_role("button", name="Log ud", exact=True).first.click()
    sees(either, "Du er logget ud")
    expect(either.get_by_text("Er I flere om computeren?")).to_be_visible()
    assert site.living_sessions(BO) == 0
    assert site.events(BO, Event.LOGGED_OUT) == ["LOGGED_OUT"]
    either.go_back()
    expect(either.get_by_text("Bo Lind")).to_have_count(0)
    either.goto("/mit")
    sees(either, "Vælg login")
    either.goto("/log-ud")
    follow(either, "Log ind igen")
    sees(either, "Vælg login")


def test_after_an_idle_hour_one_logs_in_again_and_comes_back(either: Page, site: Server) -> None:
    """S-18: one hour idle ends a session."""
    log_in(either, BO)
    is_logged_in(either, BO)
    site.forward(minutes=59)
    either.reload()
    is_logged_in(either, BO)
    site.forward(minutes=61)
    either.goto("/mit/historik")
    sees(either, "Vælg login")
    either.get_by_role("link", name="Brugernavn og adgangskode").click()
    sees(either, ASK_NAME)


def test_after_eight_hours_it_is_over_whatever_was_used(scripted: Page, site: Server) -> None:
    """S-18: eight hours at the most."""
    log_in(scripted, BO)
    is_logged_in(scripted, BO)
    for _ in range(9):
        site.forward(minutes=50)
        scripted.reload()
        is_logged_in(scripted, BO)
    site.forward(minutes=31)
    scripted.reload()
    sees(scripted, "Vælg login")


def test_the_history_tells_what_was_done_page_by_page(either: Page, site: Server) -> None:
    log_in(either, BO)
    is_logged_in(either, BO)
    follow(either, "Se hele historikken")
    sees(either, "Det er der sket med dit login")
    is_at(either, "/mit/historik")
    expect(either.get_by_role("listitem").filter(has_text="Du loggede ind").first).to_be_visible()
    follow(either, "Tilbage")
    is_logged_in(either, BO)
    assert site.events(BO) == ["LOGGED_IN"]


def test_a_button_of_an_ended_session_leads_to_the_login(either: Page, site: Server) -> None:
    """S-64: an ended session is no error."""
    log_in(either, BO)
    is_logged_in(either, BO)
    site.forward(minutes=61)
    either.get_by_role("button", name="Log ud", exact=True).first.click()
    sees(either, "Du er logget ud")


def test_what_just_happened_is_told_once_and_has_the_focus(either: Page, visits: Visits) -> None:
    elsewhere = visits.open()
    log_in(elsewhere, BO)
    is_logged_in(elsewhere, BO)
    log_in(either, BO)
    is_logged_in(either, BO)
    press(either, "Log ud alle andre steder")
    told = either.locator("[data-part=told]")
    expect(told).to_contain_text("Du er logget ud de andre steder.")
    expect(told).to_be_focused()
    either.reload()
    expect(told).to_have_count(0)
    elsewhere.reload()
    sees(elsewhere, "Vælg login")
    told = elsewhere.locator("[data-part=told]")
    expect(told).to_contain_text("Du er logget ud fra et andet sted.")
    expect(told).to_be_focused()
    log_in(elsewhere, BO)
    is_logged_in(elsewhere, BO)
    expect(told).to_have_count(0)


def test_what_is_not_one_thing_stands_apart_on_a_phone(visits: Visits) -> None:
    for page in (visits.open(), visits.open(size=(390, 844))):
        log_in(page, BO)
        is_logged_in(page, BO)
    press(page, "Log ud alle andre steder")
    gap(page, "[data-part=told] .note", "h1")
    page.goto("/mit/historik")
    gap(page, ".log-out", "main .rows")


def gap(page: Page, above: str, below: str) -> None:
    """Expect more room between two elements than between two lines."""
    expect(page.locator(above)).to_be_visible()
    upper, lower = (page.locator(one).bounding_box() for one in (above, below))
    assert upper
    assert lower
    assert lower["y"] - upper["y"] - upper["height"] >= 24, (above, below)
