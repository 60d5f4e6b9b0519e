"""The ways back in with MitID, as a person sees them: there, at the simulator, and back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.domain.audit import Event
from tests.browser.inspection import cramped, overflowing, violations
from tests.browser.mitid import SIMULATOR, be, beside_mitid, visiting
from tests.browser.server import Server
from tests.browser.steps import (
    dealt_pictures,
    dealt_words,
    follow,
    give_username,
    is_at,
    is_logged_in,
    press,
    sees,
    tap,
    write,
)
from tests.browser.visits import Visits
from tests.cast import ANNA, BO, DAN, FINN, IDA, Member
from tests.conftest import Template

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def kept_server(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of these tests' own, with the simulator of MitID on a port beside it."""
    with beside_mitid(template, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def visits(chromium: Browser, site: Server) -> Iterator[Visits]:
    """Return what opens browsers, which may go to the simulator and nowhere else."""
    with visiting(chromium, site) as made:
        yield made


def forget(page: Page, member: Member) -> None:
    """Come from the login to «Glemt adgangskode»."""
    give_username(page, member.username)
    follow(page, "Få en ny adgangskode")
    page.get_by_role("link", name="Glemt adgangskode").click()
    sees(page, "Glemt adgangskode")


SIZES = pytest.mark.parametrize(
    ("size", "locale"), [((390, 844), "da-DK"), ((1280, 900), "en-GB"), ((320, 640), "da-DK")]
)


def screens(page: Page) -> Iterator[str]:
    """Walk every screen of the ways back in with MitID; nothing depends on the words."""

    def start(path: str) -> None:
        page.goto(path)
        page.locator("main form[action^='/mitid/'] button").first.click()
        page.locator("button[name=identity]").first.wait_for()

    def pick(page: Page, member: Member) -> None:
        assert member.mitid is not None
        page.locator(f"button[name=identity][value='{member.mitid['uuid']}']").click()

    def is_back() -> None:
        page.wait_for_url(lambda address: "/authorize" not in address)
        page.locator("main h1").first.wait_for()

    def name(member: Member) -> None:
        page.goto("/login/brugernavn")
        page.locator("[name=username]").fill(member.username or "")
        page.locator("button[data-part=next]").click()
        page.locator("[name=password], [data-pictures]").first.wait_for()

    page.goto("/login")
    yield "chooser"
    page.goto("/brugernavn")
    yield "usernames"
    for stop, path in (("access_denied", "/login"), ("login_required", "/brugernavn")):
        start(path)
        page.locator(f"button[value={stop}]").click()
        is_back()
        yield stop
    start("/brugernavn")
    pick(page, DAN)
    is_back()
    yield "found"
    name(IDA)
    page.goto("/ny-adgangskode/glemt")
    yield "forgotten"
    start("/ny-adgangskode/glemt")
    pick(page, DAN)
    is_back()
    yield "no-custody"
    name(ANNA)
    start("/ny-adgangskode/glemt")
    pick(page, BO)
    is_back()
    yield "other-person"
    start("/ny-adgangskode/glemt")
    pick(page, DAN)
    page.wait_for_url("**/mitid/barn")
    yield "hand-over"
    start("/login")
    pick(page, FINN)
    is_back()
    yield "private"


@SIZES
def test_axe_finds_nothing_and_nothing_runs_out_of_the_page(
    visits: Visits, size: tuple[int, int], locale: str
) -> None:
    page = visits.open(size=size, locale=locale)
    found = {name: violations(page) + overflowing(page) + cramped(page) for name in screens(page)}
    assert len(found) == 10
    assert not {name: lines for name, lines in found.items() if lines}


def test_bo_forgets_and_uses_mitid(page: Page, site: Server) -> None:
    """S-25, S-61: with and without script, on a phone and on a desk."""
    forget(page, BO)
    press(page, "Brug MitID")
    be(page, BO)
    sees(page, "Din nye adgangskode")
    is_at(page, "/login/ny-kode")
    secret = dealt_words(page)
    follow(page, "Jeg kan huske den")
    sees(page, "Prøv din nye adgangskode")
    write(page, "Ny adgangskode", secret)
    press(page, "Næste")
    is_logged_in(page, BO)
    assert site.events(BO, Event.PASSWORD_CHANGED) == ["PASSWORD_CHANGED"]


def test_dan_finds_annas_username_and_gives_her_new_pictures(page: Page) -> None:
    """S-32, S-33: first on his own device, then on hers."""
    page.goto("/brugernavn")
    press(page, "MitID")
    be(page, DAN)
    sees(page, "Her er brugernavnene")
    expect(page.get_by_text("anna1001")).to_be_visible()
    expect(page.get_by_text("idak1002")).to_have_count(0)
    press(page, "Færdig")
    sees(page, "Skriv dit brugernavn")
    forget(page, ANNA)
    expect(page.get_by_text("Brug dit eget MitID, ikke barnets.")).to_be_visible()
    press(page, "Brug MitID")
    be(page, DAN)
    sees(page, "Giv nu skærmen til dit barn")
    follow(page, "Jeg er klar")
    sees(page, "Dine nye billeder")
    pictures = dealt_pictures(page)
    follow(page, "Jeg kan huske dem")
    tap(page, *pictures)
    press(page, "Næste")
    is_logged_in(page, ANNA)


def test_for_ida_he_is_refused_and_told_why(page: Page, site: Server) -> None:
    """S-32."""
    forget(page, IDA)
    press(page, "Brug MitID")
    be(page, DAN)
    sees(page, "Du kan ikke give barnet en ny adgangskode")
    expect(page.get_by_text("men uden forældremyndighed")).to_be_visible()
    expect(page.get_by_text("Skolen kan rette det.")).to_be_visible()
    assert site.events(IDA) == ["LOGIN_REFUSED"]
    page.get_by_role("link", name="Har du ikke MitID?").click()
    sees(page, "Glemt adgangskode")


def test_who_stops_at_mitid_tries_again_and_back_does_no_harm(page: Page, site: Server) -> None:
    """S-30, S-19."""
    forget(page, BO)
    press(page, "Brug MitID")
    expect(page.get_by_text(SIMULATOR).first).to_be_visible()
    page.locator("button[name=stop][value=access_denied]").click()
    sees(page, "Du afbrød MitID")
    press(page, "Prøv igen med MitID")
    be(page, BO)
    sees(page, "Din nye adgangskode")
    secret = dealt_words(page)
    page.go_back()
    page.goto("/login/ny-kode")
    assert dealt_words(page) == secret
    assert site.events(BO) == []


def test_bo_logs_in_with_mitid_and_it_comes_first_the_next_time(page: Page) -> None:
    page.goto("/login")
    page.locator("button[data-part=mitid]").click()
    be(page, BO)
    is_logged_in(page, BO)
    press(page, "Log ud")
    page.goto("/login")
    expect(page.locator("button[data-part=mitid]")).to_be_visible()
    expect(page.locator("a[data-part=own]")).not_to_be_visible()
    page.get_by_text("Vælg en anden").click()
    expect(page.locator("a[data-part=own]")).to_be_visible()


def test_in_english_too(visits: Visits) -> None:
    page = visits.open(locale="en-GB")
    page.goto("/login/brugernavn")
    page.locator("input[name=username]:visible").fill("boli1003")
    press(page, "Next")
    is_at(page, "/login/adgangskode")
    page.goto("/ny-adgangskode/glemt")
    press(page, "Use MitID")
    page.locator("button[name=stop][value=access_denied]").click()
    sees(page, "You stopped MitID")
    expect(page.get_by_text("Nothing has been changed.").first).to_be_visible()
