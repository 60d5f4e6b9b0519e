"""A new password: changed when known, put off once, dealt or chosen, shown, and practised."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.domain.audit import Event
from tests.browser.server import Server
from tests.browser.steps import (
    ASK_PICTURES,
    ASK_WORDS,
    button,
    dealt_pictures,
    dealt_words,
    follow,
    form_of,
    give_username,
    is_at,
    is_logged_in,
    log_in,
    press,
    sees,
    summary,
    tap,
    try_words,
    write,
)
from tests.browser.visits import Visits
from tests.cast import ANNA, BO, EXPIRING, IDA, STAGE, Member

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)
NOW, NEW = "Den adgangskode, du har nu", "Ny adgangskode"
SHOWN = "Din nye adgangskode"


def begin_change(page: Page, member: Member) -> None:
    """Come from the login to the dealt password by the one that is known."""
    give_username(page, member.username)
    follow(page, "Få en ny adgangskode")
    page.get_by_role("link", name="Skift adgangskode").click()
    sees(page, "Skift adgangskode")
    if member.pictures:
        tap(page, *member.pictures)
    else:
        write(page, NOW, member.password or "")
    press(page, "Næste")


def practise(page: Page, secret: str) -> None:
    """Type the new password once."""
    follow(page, "Jeg kan huske den")
    sees(page, "Prøv din nye adgangskode")
    write(page, NEW, secret)
    press(page, "Næste")


def test_a_pupil_changes_a_known_password_and_is_logged_out_elsewhere(
    page: Page, visits: Visits, site: Server
) -> None:
    """S-25, S-26: what was dealt counts once it is retyped; every other login of the person ends then."""
    elsewhere = visits.open()
    log_in(elsewhere, BO)
    is_logged_in(elsewhere, BO)
    begin_change(page, BO)
    sees(page, SHOWN)
    is_at(page, "/login/ny-kode")
    new = dealt_words(page)
    elsewhere.reload()
    is_logged_in(elsewhere, BO)
    practise(page, new)
    is_logged_in(page, BO)
    elsewhere.reload()
    sees(elsewhere, "Vælg login")
    assert site.living_sessions(BO) == 1
    assert site.events(BO, Event.PASSWORD_CHANGED) == ["PASSWORD_CHANGED"]
    give_username(elsewhere, BO.username)
    try_words(elsewhere, BO.password)
    expect(summary(elsewhere)).to_be_visible()
    try_words(elsewhere, new)
    is_logged_in(elsewhere, BO)
    expect(elsewhere.get_by_text("Din adgangskode blev skiftet")).to_contain_text("af dig selv.")


def test_a_pupil_gets_new_pictures_and_practises_them(page: Page, site: Server) -> None:
    begin_change(page, ANNA)
    sees(page, "Dine nye billeder")
    new = dealt_pictures(page)
    assert len(set(new)) == 4
    follow(page, "Jeg kan huske dem")
    sees(page, "Prøv dine nye billeder")
    tap(page, *new)
    press(page, "Næste")
    is_logged_in(page, ANNA)
    assert site.events(ANNA, Event.PASSWORD_CHANGED) == ["PASSWORD_CHANGED"]


def test_the_level_four_pupil_puts_the_change_off_once_and_makes_it_the_next_time(
    page: Page, site: Server
) -> None:
    log_in(page, STAGE)
    sees(page, "Din adgangskode skal snart skiftes")
    is_at(page, "/login/varsel")
    expect(page.get_by_text("Du er kommet i en ny klasse.")).to_be_visible()
    expect(page.get_by_text("Du kan vente til")).to_be_visible()
    press(page, "Senere")
    is_logged_in(page, STAGE)
    assert site.events(STAGE, Event.PASSWORD_CHANGE_POSTPONED) == ["PASSWORD_CHANGE_POSTPONED"]
    press(page, "Log ud")
    log_in(page, STAGE)
    sees(page, "Din adgangskode skal snart skiftes")
    press(page, "Skift nu")
    sees(page, SHOWN)
    new = dealt_words(page)
    practise(page, new)
    is_logged_in(page, STAGE)
    assert site.events(STAGE, Event.PASSWORD_CHANGED) == ["PASSWORD_CHANGED"]
    press(page, "Log ud")
    give_username(page, STAGE.username)
    sees(page, ASK_WORDS)
    try_words(page, new)
    is_logged_in(page, STAGE)


def test_after_the_last_day_there_is_no_later(either: Page, site: Server) -> None:
    site.forward(days=11)
    log_in(either, EXPIRING)
    sees(either, "Du skal skifte adgangskode nu")
    expect(either.get_by_text("Din adgangskode er et år gammel.")).to_be_visible()
    expect(button(either, "Senere")).to_have_count(0)
    press(either, "Skift nu")
    sees(either, SHOWN)
    either.goto("/mit")
    sees(either, "Vælg login")
    either.goto("/login/ny-kode")
    practise(either, dealt_words(either))
    is_logged_in(either, EXPIRING)


def test_the_warning_cannot_be_walked_around(either: Page, site: Server) -> None:
    """S-01: before the answer there is no session, whatever address is opened."""
    log_in(either, STAGE)
    sees(either, "Din adgangskode skal snart skiftes")
    for path in ("/login/oev", "/login/ny-kode", "/login/billeder"):
        either.goto(path)
        sees(either, "Din adgangskode skal snart skiftes")
    either.goto("/mit")
    sees(either, "Vælg login")
    assert site.living_sessions(STAGE) == 0


def test_an_own_choice_is_told_which_rules_it_breaks(either: Page, site: Server) -> None:
    """S-20: the rule that failed is named; what was typed is not sent back."""
    begin_change(either, BO)
    follow(either, "Vælg selv")
    sees(either, "Vælg selv din adgangskode")
    expect(either.get_by_text("Mindst ét stort bogstav.")).to_be_visible()
    write(either, NEW, "sommer2026")
    press(either, "Næste")
    expect(summary(either)).to_contain_text("Adgangskoden passer ikke til reglerne.")
    expect(summary(either)).to_contain_text("Mindst ét stort bogstav.")
    expect(summary(either)).to_contain_text("Ikke en årstid, en måned eller en ugedag.")
    expect(summary(either)).to_be_focused()
    expect(either.get_by_label(NEW, exact=True)).to_have_value("")
    is_at(either, "/login/ny-kode/selv")
    write(either, NEW, BO.password or "")
    press(either, "Næste")
    expect(summary(either)).to_contain_text("Ikke en af dine sidste fem.")
    write(either, NEW, "Fregatfugl 48")
    press(either, "Næste")
    sees(either, "Prøv din nye adgangskode")
    write(either, NEW, "Fregatfugl 48")
    press(either, "Næste")
    is_logged_in(either, BO)
    press(either, "Log ud")
    give_username(either, BO.username)
    try_words(either, "Fregatfugl 48")
    is_logged_in(either, BO)


def test_the_rules_are_ticked_off_while_typing(scripted: Page) -> None:
    begin_change(scripted, BO)
    follow(scripted, "Vælg selv")
    field = scripted.get_by_label(NEW, exact=True)
    expect(field).to_have_attribute("autocomplete", "new-password")
    upper = scripted.locator(".rule", has_text="Mindst ét stort bogstav.")
    expect(upper).not_to_contain_text("Opfyldt")
    edges = scripted.locator(".rule", has_text="Ikke mellemrum først eller sidst.")
    field.press_sequentially("Fre ")
    expect(upper).to_contain_text("Opfyldt")
    expect(edges).not_to_contain_text("Opfyldt")
    live = scripted.locator("#live")
    expect(live).to_have_text("3 af de 6 regler, der kan tjekkes nu, er opfyldt.")
    field.press_sequentially("gatfugl48")
    expect(edges).to_contain_text("Opfyldt")
    expect(live).to_have_text("6 regler er opfyldt. Resten ser vi på, når du trykker Næste.")
    follow(scripted, "Brug den adgangskode, du fik")
    expect(scripted.get_by_role("heading", level=1)).to_have_text("Din nye adgangskode")
    expect(live).to_be_empty()  # nothing of the step before is said of the next one


def test_a_slip_while_practising_shows_the_way_back_and_costs_nothing(either: Page, site: Server) -> None:
    """Design 3: wrong: show again, no limit, no count."""
    begin_change(either, IDA)
    new = dealt_words(either)
    practise(either, "noget andet")
    expect(summary(either)).to_contain_text("Det passede ikke. Prøv igen, eller se den en gang til.")
    expect(summary(either)).to_be_focused()
    follow(either, "Se den igen")
    assert dealt_words(either) == new
    practise(either, new)
    is_logged_in(either, IDA)
    assert site.events(IDA, Event.LOGIN_REFUSED) == []


def test_a_slip_with_new_pictures_empties_the_slots(either: Page) -> None:
    begin_change(either, ANNA)
    new = dealt_pictures(either)
    follow(either, "Jeg kan huske dem")
    tap(either, *reversed(new))
    press(either, "Næste")
    expect(summary(either)).to_be_focused()
    tap(either, *new)
    press(either, "Næste")
    is_logged_in(either, ANNA)


def test_until_it_is_practised_the_old_password_works_and_a_reload_shows_the_same(
    either: Page, visits: Visits, site: Server
) -> None:
    """S-25."""
    begin_change(either, IDA)
    new = dealt_words(either)
    either.goto("/login/ny-kode")
    assert dealt_words(either) == new
    elsewhere = visits.open()
    log_in(elsewhere, IDA)
    is_logged_in(elsewhere, IDA)
    site.forward(minutes=31)
    either.goto("/login/ny-kode")
    sees(either, "Siden er for gammel")
    elsewhere.reload()
    is_logged_in(elsewhere, IDA)


def test_the_new_password_is_hidden_after_half_a_minute_and_shown_again_at_a_press(visits: Visits) -> None:
    """S-24: hidden after 30 seconds where script runs, with «Vis igen»."""
    page = visits.open()
    page.clock.install()
    begin_change(page, IDA)
    secret = page.locator(".secret-words")
    expect(secret).to_be_visible()
    expect(page.get_by_text("Den bliver skjult efter 30 sekunder.")).to_be_visible()
    page.clock.fast_forward(29_000)
    expect(secret).to_be_visible()
    page.clock.fast_forward(1_500)
    expect(secret).to_be_hidden()
    page.clock.fast_forward(100)
    expect(page.locator("#live")).to_have_text("Adgangskoden er skjult nu.")
    button(page, "Vis igen").focus()
    page.keyboard.press("Enter")
    expect(secret).to_be_visible()
    expect(page.locator("[data-secret]")).to_be_focused()
    expect(button(page, "Vis igen")).to_be_hidden()
    page.clock.fast_forward(30_500)
    expect(secret).to_be_hidden()


def test_without_script_the_new_password_stays_and_nothing_is_promised(visits: Visits) -> None:
    page = visits.open(has_script=False)
    begin_change(page, IDA)
    sees(page, SHOWN)
    expect(page.locator(".secret-words")).to_be_visible()
    expect(page.get_by_text("Den bliver skjult")).to_be_hidden()
    expect(button(page, "Vis igen")).to_have_count(0)


def test_two_presses_on_the_last_step_change_the_password_once(page: Page, site: Server) -> None:
    """S-19: a double press has no double effect."""
    begin_change(page, IDA)
    new = dealt_words(page)
    follow(page, "Jeg kan huske den")
    write(page, NEW, new)
    button(page, "Næste").dblclick()
    is_logged_in(page, IDA)
    assert site.events(IDA, Event.PASSWORD_CHANGED) == ["PASSWORD_CHANGED"]
    assert site.living_sessions(IDA) == 1


def test_the_same_last_step_sent_to_both_workers_changes_the_password_once(
    scripted: Page, site: Server
) -> None:
    """S-19, S-04: one takes effect, the other is answered alike."""
    begin_change(scripted, IDA)
    new = dealt_words(scripted)
    follow(scripted, "Jeg kan huske den")
    form, cookies = form_of(scripted, "/login/oev", password=new)
    answers = site.ask_at_once("/login/oev", form=form, cookies=cookies, times=3)
    assert {answer.status for answer in answers} == {303}
    assert site.events(IDA, Event.PASSWORD_CHANGED) == ["PASSWORD_CHANGED"]
    assert site.events(IDA, Event.LOGGED_IN) == ["LOGGED_IN"]
    assert site.living_sessions(IDA) == 1


def test_back_from_the_practice_shows_the_password_again(page: Page) -> None:
    begin_change(page, IDA)
    new = dealt_words(page)
    follow(page, "Jeg kan huske den")
    sees(page, "Prøv din nye adgangskode")
    page.go_back()
    assert dealt_words(page) == new
    page.go_forward()
    sees(page, "Prøv din nye adgangskode")
    write(page, NEW, new)
    press(page, "Næste")
    is_logged_in(page, IDA)
    page.go_back()
    expect(page.get_by_text(new)).to_have_count(0)


def test_a_wrong_current_password_changes_nothing_and_counts(either: Page, site: Server) -> None:
    """S-15, S-26: the tries at a change count like those at a login."""
    give_username(either, BO.username)
    sees(either, ASK_WORDS)
    either.goto("/ny-adgangskode/skift")
    for _ in range(5):
        with either.expect_response(lambda answer: answer.request.method == "POST") as answered:
            write(either, NOW, "forkert adgangskode")
            press(either, "Næste")
        assert answered.value.status == 422
        expect(summary(either)).to_be_visible()
    write(either, NOW, BO.password or "")
    press(either, "Næste")
    expect(summary(either)).to_contain_text("Vent")
    give_username(either, BO.username)
    sees(either, ASK_WORDS)
    try_words(either, BO.password)
    expect(summary(either)).to_contain_text("Vent")
    assert site.living_sessions(BO) == 0


def test_whoever_is_logged_in_changes_the_password_from_the_own_page(either: Page, site: Server) -> None:
    log_in(either, BO)
    is_logged_in(either, BO)
    follow(either, "Skift adgangskode")
    sees(either, "Skift adgangskode")
    write(either, NOW, BO.password or "")
    press(either, "Næste")
    practise(either, dealt_words(either))
    is_logged_in(either, BO)
    assert site.living_sessions(BO) == 1
    assert site.events(BO, Event.PASSWORD_CHANGED) == ["PASSWORD_CHANGED"]


def test_forgotten_passwords_and_usernames_lead_to_people_who_help(either: Page) -> None:
    give_username(either, ANNA.username)
    sees(either, ASK_PICTURES)
    follow(either, "Få en ny adgangskode")
    expect(either.get_by_text(ANNA.username or "", exact=True)).to_be_visible()
    either.get_by_role("link", name="Glemt adgangskode").click()
    sees(either, "Glemt adgangskode")
    for helper in ("Din lærer", "En forælder", "Skolens kontor"):
        expect(either.get_by_role("heading", name=helper)).to_be_visible()
    follow(either, "Skriv dit brugernavn")
    either.get_by_role("link", name="Få mit eller mit barns brugernavn").click()
    sees(either, "Få mit eller mit barns brugernavn")
    follow(either, "Skriv dit brugernavn")
    sees(either, "Skriv dit brugernavn")


def test_whoever_changes_may_keep_the_old_one_and_a_change_is_told(either: Page, site: Server) -> None:
    begin_change(either, BO)
    dealt_words(either)
    press(either, "Behold den gamle")
    is_logged_in(either, BO)
    told = either.locator("[data-part=told]")
    expect(told).to_contain_text("Der er ikke skiftet noget.")
    either.goto("/ny-adgangskode/skift")
    write(either, NOW, BO.password or "")
    press(either, "Næste")
    practise(either, dealt_words(either))
    is_logged_in(either, BO)
    expect(told).to_contain_text("Din adgangskode er skiftet. Du er logget ud alle andre steder.")
    expect(told).to_be_focused()
    assert site.events(BO, Event.PASSWORD_CHANGED) == ["PASSWORD_CHANGED"]
