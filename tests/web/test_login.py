"""The login wizard as a browser without script meets it: everyone of the cast gets in (issue 2, 5.1)."""

from __future__ import annotations

import pytest
from flask import Flask

from app.db import Database
from app.demo.cast import ANNA, BO, CARLA, IDA, MARKED, Member
from app.web import pictures
from tests import store
from tests.pages import Browser, Page

IN_DANISH = "da"


def tap(browser: Browser, ids: tuple[str, ...]) -> Page:
    """Tap pictures one by one; without script each tile is a button of its own."""
    for picture in pictures.named(ids, IN_DANISH):
        browser.press(picture.name)
    return browser.current


def begin(browser: Browser, member: Member) -> Page:
    """Give the username."""
    browser.open("/login")
    browser.follow("Brugernavn og adgangskode")
    return browser.press("Næste", filled={"Brugernavn": member.username or ""})


def slots(page: Page) -> str:
    """Return what the slots say to one who cannot see them."""
    return next(e.get("aria-label", "") for e in page.root.iter() if "data-slots" in e.attrib)


def test_anna_logs_in_by_tapping_her_pictures(browser: Browser) -> None:
    page = begin(browser, ANNA)
    assert (page.path, page.heading) == ("/login/billeder", "Tryk på dine fire billeder")
    assert slots(page) == "0 af 4 valgt"
    page = tap(browser, ANNA.pictures)
    assert slots(page) == "4 af 4 valgt"
    page = browser.press("Log ind")
    assert page.path == "/mit"
    assert "Anna Holm" in page.text
    assert "Fire billeder" in page.text


def test_a_wrong_tap_is_taken_back_and_a_double_one_counts_once(browser: Browser) -> None:
    begin(browser, ANNA)
    tap(browser, (ANNA.pictures[0], ANNA.pictures[0], "raket"))
    assert slots(browser.current) == "2 af 4 valgt"
    page = browser.press("Slet")
    assert slots(page) == "1 af 4 valgt"
    page = tap(browser, ANNA.pictures[1:])
    assert browser.press("Log ind").path == "/mit"


def test_a_fifth_tap_changes_nothing_and_what_is_no_picture_is_no_tap(browser: Browser) -> None:
    begin(browser, ANNA)
    tap(browser, (*ANNA.pictures, "raket"))
    assert slots(browser.current) == "4 af 4 valgt"
    path, data = browser.form("raket")
    assert slots(browser.post(path, data | {"pick": "../hund"})) == "4 af 4 valgt"
    assert browser.press("Log ind").path == "/mit"


def test_fewer_than_four_pictures_are_asked_for_again_and_are_no_try(
    browser: Browser, database: Database
) -> None:
    begin(browser, ANNA)
    tap(browser, ANNA.pictures[:3])
    page = browser.press("Log ind")
    assert page.status == 422
    assert "Vælg fire billeder" in page.text
    assert slots(page) == "3 af 4 valgt"
    assert store.count(database, "throttle") == 0
    tap(browser, ANNA.pictures[3:])
    assert browser.press("Log ind").path == "/mit"


def test_picked_pictures_are_nowhere_in_clear(browser: Browser, database: Database) -> None:
    begin(browser, ANNA)
    tap(browser, ANNA.pictures)
    flow = str(store.content(database, "login_flow"))
    assert not any(id in flow for id in ANNA.pictures)


def test_the_code_that_script_collects_logs_in_too(browser: Browser) -> None:
    begin(browser, ANNA)
    path, data = browser.form("Log ind")
    assert browser.post(path, data | {"code": ",".join(ANNA.pictures)}).path == "/mit"


@pytest.mark.parametrize(
    "typed",
    [
        "ugle kage sol bamse",
        "Ugle, KAGE, sol, Bamse",
        "owl cake sun teddy",
        "owl kage sun bamse",
        "ugle, kage, sol og bamse",
    ],
)
def test_anna_writes_the_names_instead_in_danish_or_english(browser: Browser, typed: str) -> None:
    begin(browser, ANNA)
    assert "Skriv i stedet" in browser.current.text
    assert browser.press("Log ind", filled={"De fire billeders navne": typed}).path == "/mit"


def test_the_third_time_of_wrong_pictures_says_whom_to_ask(browser: Browser) -> None:
    begin(browser, ANNA)
    for number in (1, 2, 3):
        page = browser.press("Log ind", filled={"De fire billeders navne": "sol kage bil hat"})
        assert page.status == 422
        assert "Det var ikke de rigtige billeder. Prøv igen." in page.text
        assert ("Spørg din lærer eller en forælder." in page.text) == (number == 3)


def test_wrong_taps_are_forgotten_before_the_next_try(browser: Browser) -> None:
    begin(browser, ANNA)
    tap(browser, ("sol", "kage", "bil", "hat"))
    page = browser.press("Log ind")
    assert page.status == 422
    assert slots(page) == "0 af 4 valgt"
    tap(browser, ANNA.pictures)
    assert browser.press("Log ind").path == "/mit"


@pytest.mark.parametrize(("member", "place"), [(IDA, "5.A"), (BO, "8.A"), (CARLA, "Lærer")])
def test_ida_bo_and_carla_log_in_with_words(browser: Browser, member: Member, place: str) -> None:
    page = begin(browser, member)
    assert (page.path, page.heading) == ("/login/adgangskode", "Skriv din adgangskode")
    page = browser.press("Log ind", filled={"Adgangskode": member.password or ""})
    assert page.path == "/mit"
    assert f"{member.given_name} {member.family_name}" in page.text
    assert place in page.text
    assert "Egeskolen" in page.text


def test_a_username_is_read_whatever_its_case_and_the_blanks_around_it(browser: Browser) -> None:
    assert browser.log_in("  BOLI1003 ", BO.password or "").path == "/mit"


def test_the_username_travels_along_and_is_never_asked_for_twice(browser: Browser) -> None:
    page = begin(browser, BO)
    assert "boli1003" in page.text
    page = browser.press("Log ind", filled={"Adgangskode": "forkert"})
    assert "boli1003" in page.text
    page = browser.follow("Ikke dig?")
    assert page.path == "/login/brugernavn"
    browser.press("Næste", filled={"Brugernavn": IDA.username or ""})
    assert browser.press("Log ind", filled={"Adgangskode": IDA.password or ""}).path == "/mit"
    assert "Ida Krogh" in browser.current.text


def test_no_username_is_asked_for_again(browser: Browser, database: Database) -> None:
    browser.open("/login/brugernavn")
    for typed in ("", "   "):
        page = browser.press("Næste", filled={"Brugernavn": typed})
        assert page.status == 422
        assert "Skriv dit brugernavn." in page.text
        assert page.title.startswith("Fejl: ")
    assert store.count(database, "login_flow") == 0


def test_a_password_is_not_trimmed_and_not_given_back(browser: Browser) -> None:
    begin(browser, BO)
    page = browser.press("Log ind", filled={"Adgangskode": f" {BO.password} "})
    assert page.status == 422
    assert "Brugernavn og adgangskode passer ikke sammen. Prøv igen." in page.text
    assert (BO.password or "") not in page.response.text


def test_a_pupil_marked_for_pictures_gets_pictures_and_no_warning(browser: Browser) -> None:
    page = begin(browser, MARKED)
    assert page.path == "/login/billeder"
    tap(browser, MARKED.pictures)
    assert browser.press("Log ind").path == "/mit"
    assert "5.B" in browser.current.text


def test_an_unknown_name_is_asked_for_a_password_like_any_other(browser: Browser) -> None:
    browser.open("/login/brugernavn")
    page = browser.press("Næste", filled={"Brugernavn": "qqqq9999"})
    assert page.status == 200
    assert page.path in ("/login/adgangskode", "/login/billeder")
    label = "Adgangskode" if page.path.endswith("adgangskode") else "De fire billeders navne"
    page = browser.press("Log ind", filled={label: "sol kage bil hat"})
    assert page.status == 422


@pytest.mark.parametrize(
    "typed", ["a", "æøå", "anna\x001001", "x" * 5000, "<b>anna</b>", "anna@1001", "\u202eanna"]
)
def test_what_cannot_be_a_username_fails_like_an_unknown_one(browser: Browser, typed: str) -> None:
    """S-11: it is neither told apart nor an error of ours."""
    browser.open("/login/brugernavn")
    path, data = browser.form("Næste")
    page = browser.post(path, data | {"username": typed})
    assert page.status == 200
    assert page.path in ("/login/adgangskode", "/login/billeder")
    label = "Adgangskode" if page.path.endswith("adgangskode") else "De fire billeders navne"
    assert browser.press("Log ind", filled={label: "sol kage bil hat"}).status == 422


def test_back_after_the_login_leads_on_not_to_a_second_login(browser: Browser, database: Database) -> None:
    """S-19."""
    browser.log_in(BO.username or "", BO.password or "")
    for path in ("/login/adgangskode", "/login/billeder", "/login", "/login/varsel", "/login/oev"):
        assert browser.open(path).path == "/mit"
    assert store.count(database, "sso_session") == 1


def test_password_managers_find_their_fields_and_nothing_stops_a_paste(browser: Browser) -> None:
    """S-19."""
    browser.open("/login/brugernavn")
    fields = {e.get("name"): e for e in browser.current.root.iter("input")}
    assert fields["username"].get("autocomplete") == "username"
    for member in (BO, ANNA):
        page = begin(browser, member)
        inputs = list(page.root.iter("input"))
        secret = next(e for e in inputs if e.get("type") == "password")
        assert secret.get("autocomplete") == "current-password"
        named = [e for e in inputs if e.get("autocomplete") == "username"]
        assert [e.get("value") for e in named] == [member.username]
        for field in (*inputs, *fields.values()):
            assert not {"maxlength", "pattern", "onpaste", "required"} & set(field.attrib)


def test_whoever_is_logged_in_is_told_so_where_a_username_is_asked_for(app: Flask, browser: Browser) -> None:
    assert "Du er logget ind" not in browser.open("/login/brugernavn").text
    browser.log_in(CARLA.username or "", CARLA.password or "")
    page = browser.open("/login/brugernavn")
    assert "Du er logget ind som Carla Juhl." in page.text
    page = browser.press("Næste", filled={"Brugernavn": ""})
    assert "Du er logget ind som Carla Juhl." in page.text
    assert browser.follow("Mit Unilogin").path == "/mit"
    browser.open("/login/brugernavn")
    assert browser.log_in(BO.username or "", BO.password or "").path == "/mit"  # at a shared machine
    assert "Bo Lind" in browser.current.text


def username_field(page: Page) -> str | None:
    """Return what stands in the field for the username."""
    return next(e.get("value") for e in page.root.iter("input") if e.get("name") == "username")


@pytest.mark.parametrize("typed", ["boli1030", "anna1011", "bo lind@skole"])
def test_a_slip_in_the_username_is_put_right_without_typing_it_anew(browser: Browser, typed: str) -> None:
    begin_typed(browser, typed)
    page = browser.follow("Tilbage")
    assert (page.path, username_field(page)) == ("/login/brugernavn", typed)


def test_whoever_says_it_is_another_person_finds_the_field_empty(browser: Browser) -> None:
    begin_typed(browser, "boli1003")
    page = browser.follow("Ikke dig?")
    assert (page.path, username_field(page)) == ("/login/brugernavn", "")
    assert username_field(browser.open("/login/brugernavn")) == ""


def test_the_username_that_stands_there_is_never_from_the_address(app: Flask, browser: Browser) -> None:
    for path in ("?ret=boli1003", "?ret=1&username=boli1003", "?brugernavn=boli1003"):
        assert username_field(browser.open(f"/login/brugernavn{path}")) == ""
    begin_typed(browser, "boli1003")
    assert username_field(Browser(app).open("/login/brugernavn?ret=1")) == ""


def test_the_username_of_a_login_that_is_over_stands_there_for_nobody(browser: Browser) -> None:
    """At a shared machine: not after the login, even by a cookie that was kept, nor after the logout."""
    begin_typed(browser, "boli1003")
    late = browser.twin()
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == "/mit"
    for one in (late, browser):
        assert username_field(one.open("/login/brugernavn?ret=1")) == ""
    begin_typed(browser, "idak1002")
    late = browser.twin()
    browser.open("/mit")
    browser.press("Log ud")
    for one in (late, browser):
        assert username_field(one.open("/login/brugernavn?ret=1")) == ""


def begin_typed(browser: Browser, typed: str) -> Page:
    """Give a username."""
    browser.open("/login/brugernavn")
    return browser.press("Næste", filled={"Brugernavn": typed})


@pytest.mark.parametrize("typed", ["boli 1003", "boli-1003", " b o l i 1003 ", "BOLI‑1003", "boli – 1003"])
def test_blanks_and_hyphens_within_a_username_do_no_harm(browser: Browser, typed: str) -> None:
    """S-11: it is the one username in its one form."""
    page = begin_typed(browser, typed)
    assert "boli1003" in page.text
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == "/mit"


SHAPE = "Et brugernavn er fire bogstaver og fire tal."


@pytest.mark.parametrize("path", ["/login/adgangskode", "/ny-adgangskode/skift"])
@pytest.mark.parametrize("typed", ["bo@skole.dk", "æble1003", "bo lind", "1003boli"])
def test_what_does_not_look_like_a_username_gets_a_hint_with_the_error(
    browser: Browser, typed: str, path: str
) -> None:
    page = begin_typed(browser, typed)
    assert SHAPE not in page.text
    page = browser.open(path)
    label = next(
        words
        for words in ("Adgangskode", "De fire billeders navne", "Den adgangskode, du har nu")
        if words in page.text
    )
    button = "Log ind" if page.path.startswith("/login") else "Næste"
    page = browser.press(button, filled={label: "sol kage bil hat"})
    assert page.status == 422
    assert SHAPE in page.text


@pytest.mark.parametrize("typed", ["boli1003", "qqqq9999", "henr276q"])
def test_what_looks_like_a_username_gets_no_hint_whether_anybody_has_it(browser: Browser, typed: str) -> None:
    """S-10."""
    page = begin_typed(browser, typed)
    label = "Adgangskode" if page.path.endswith("adgangskode") else "De fire billeders navne"
    page = browser.press("Log ind", filled={label: "forkert"})
    assert page.status == 422
    assert SHAPE not in page.text
