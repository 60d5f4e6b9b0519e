"""Logging in with words, as people do it: on phones and desks, with and without script."""

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
    give_username,
    is_at,
    is_logged_in,
    log_in,
    press,
    sees,
    summary,
    try_words,
    write,
)
from tests.cast import ANNA, BO, CARLA, IDA, Member

WRONG = "Brugernavn og adgangskode passer ikke sammen. Prøv igen."
pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)


@pytest.mark.parametrize("member", [IDA, BO, CARLA], ids=lambda member: member.word)
def test_pupils_and_a_teacher_log_in_with_words(page: Page, member: Member) -> None:
    page.goto("/login")
    sees(page, "Vælg login")
    page.get_by_role("link", name="Unilogin Brugernavn og adgangskode, eller billeder").click()
    sees(page, ASK_NAME)
    write(page, USERNAME, f" {(member.username or '').upper()} ")
    press(page, "Næste")
    sees(page, ASK_WORDS)
    is_at(page, "/login/adgangskode")
    expect(page.get_by_text(member.username or "", exact=True)).to_be_visible()
    try_words(page, member.password)
    is_logged_in(page, member)
    is_at(page, "/mit")


def test_a_wrong_password_is_told_at_the_field_and_in_the_summary_and_the_right_one_follows(
    page: Page, site: Server
) -> None:
    give_username(page, BO.username)
    try_words(page, "KanelTrappe59")
    expect(summary(page)).to_contain_text(WRONG)
    expect(summary(page)).to_be_focused()
    expect(page).to_have_title("Fejl: Skriv din adgangskode – Login – Unilogin")
    is_at(page, "/login/adgangskode")
    field = page.get_by_label(PASSWORD, exact=True)
    expect(field).to_have_value("")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("Skriv din adgangskode Fejl: Skriv adgangskoden igen.")
    follow(page, WRONG)
    expect(field).to_be_focused()
    assert site.living_sessions(BO) == 0
    try_words(page, BO.password)
    is_logged_in(page, BO)


def test_an_empty_username_is_asked_for_again_and_the_way_on_stays_open(either: Page) -> None:
    either.goto("/login/brugernavn")
    press(either, "Næste")
    expect(summary(either)).to_contain_text("Skriv dit brugernavn.")
    expect(summary(either)).to_be_focused()
    expect(either).to_have_title("Fejl: Skriv dit brugernavn – Login – Unilogin")
    is_at(either, "/login/brugernavn")
    write(either, USERNAME, IDA.username or "")
    press(either, "Næste")
    sees(either, ASK_WORDS)


def _words(page: Page) -> str:
    """All words of the main part, also those that script is about to show."""
    return " ".join((page.locator("main").text_content() or "").split())


def test_an_unknown_name_looks_like_a_known_one_with_a_wrong_password(page: Page, site: Server) -> None:
    """S-10, as seen on the screen: the same words in the same places."""
    seen = []
    for name in (BO.username or "", site.unknown_name(has_pictures=False)):
        give_username(page, name)
        sees(page, ASK_WORDS)
        before = _words(page).replace(name, "…")
        try_words(page, "forkert adgangskode")
        expect(summary(page)).to_be_visible()
        seen.append((before, _words(page).replace(name, "…")))
    assert seen[0] == seen[1]
    assert WRONG in seen[1][1]


def test_an_unknown_name_may_be_asked_for_pictures_and_says_no_more(either: Page, site: Server) -> None:
    """S-10: the pictures of nobody look like those of a pupil."""
    seen = []
    for name in (ANNA.username or "", site.unknown_name(has_pictures=True)):
        give_username(either, name)
        sees(either, ASK_PICTURES)
        either.get_by_text("Skriv i stedet").click()
        write(either, "De fire billeders navne", "bil tog fisk hat")
        either.locator("details form").get_by_role("button", name="Log ind").click()
        expect(summary(either)).to_contain_text("Det var ikke de rigtige billeder. Prøv igen.")
        seen.append(_words(either).replace(name, "…"))
    assert seen[0] == seen[1]


def test_after_five_wrong_passwords_the_waiting_time_is_said_and_afterwards_the_right_one_lets_in(
    page: Page, site: Server
) -> None:
    """S-13: five free tries on an unknown device, then a wait that is told (S-15)."""
    give_username(page, BO.username)
    sees(page, ASK_WORDS)
    for _ in range(5):
        with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
            try_words(page, "forkert adgangskode")
        assert answered.value.status == 422
        expect(summary(page)).to_contain_text(WRONG)
    try_words(page, BO.password)
    expect(summary(page)).to_contain_text("sekunder, og prøv igen.")
    expect(summary(page)).to_contain_text("Din lærer kan også give dig en ny adgangskode.")
    expect(summary(page)).to_be_focused()
    is_at(page, "/login/adgangskode")
    assert site.living_sessions(BO) == 0
    site.forward(seconds=16)
    try_words(page, BO.password)
    is_logged_in(page, BO)


def test_an_expired_login_says_so_and_starts_again(page: Page, site: Server) -> None:
    give_username(page, IDA.username)
    sees(page, ASK_WORDS)
    site.forward(minutes=31)
    try_words(page, IDA.password)
    sees(page, "Siden er for gammel")
    expect(page.get_by_text("Du skal vælge login igen.")).to_be_visible()
    assert site.living_sessions(IDA) == 0
    follow(page, "Start forfra")
    sees(page, "Vælg login")
    log_in(page, IDA)
    is_logged_in(page, IDA)


def test_an_expired_login_is_known_at_a_reload_too(either: Page, site: Server) -> None:
    give_username(either, IDA.username)
    sees(either, ASK_WORDS)
    site.forward(minutes=31)
    either.reload()
    sees(either, "Siden er for gammel")


def test_a_page_for_nobody_leads_to_the_start(either: Page) -> None:
    """S-01: a step without a login begun leads to the chooser, whatever the address says."""
    for path in ("/login/adgangskode", "/login/billeder", "/login/ny-kode", "/login/oev", "/login/varsel"):
        either.goto(path)
        sees(either, "Vælg login")


def test_where_one_was_going_is_kept_through_the_login_and_a_mistake(either: Page) -> None:
    """S-65: the destination is one of ours, kept on the server."""
    either.goto("/mit/historik")
    sees(either, "Vælg login")
    either.get_by_role("link", name="Brugernavn og adgangskode").click()
    write(either, USERNAME, BO.username or "")
    press(either, "Næste")
    follow(either, "Ikke dig?")
    write(either, USERNAME, IDA.username or "")
    press(either, "Næste")
    sees(either, ASK_WORDS)
    try_words(either, "forkert")
    expect(summary(either)).to_be_visible()
    try_words(either, IDA.password)
    is_at(either, "/mit/historik")
    sees(either, "Det er der sket med dit login")
    expect(either.get_by_text("Et login lykkedes ikke")).to_be_visible()


def test_whoever_is_logged_in_already_goes_on_to_the_own_page(either: Page) -> None:
    log_in(either, BO)
    is_logged_in(either, BO)
    either.goto("/login")
    is_logged_in(either, BO)


def test_a_new_login_in_the_same_browser_ends_the_one_before(either: Page, site: Server) -> None:
    """S-17: a new session at each login."""
    log_in(either, BO)
    is_logged_in(either, BO)
    log_in(either, IDA)
    is_logged_in(either, IDA)
    assert site.living_sessions(BO) == 0
    assert site.events(IDA, Event.LOGGED_IN) == ["LOGGED_IN"]
    expect(button(either, "Log ud")).to_have_count(1)
