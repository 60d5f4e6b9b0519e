"""Elevadgang as teacher, pupil and administrator see it at the same time, each in a browser of their own."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect
from sqlalchemy import select

from app.domain.audit import Event
from app.models.audit import AuditEvent
from app.models.elevadgang import PasswordWindow
from app.models.people import Affiliation, Group, GroupMember, PasswordType, User
from tests.browser.conftest import PHONE
from tests.browser.inspection import cramped, overflowing, violations
from tests.browser.mitid import be, beside_mitid, visiting
from tests.browser.server import Server
from tests.browser.steps import (
    ASK_WORDS,
    button,
    dealt_pictures,
    dealt_words,
    follow,
    give_username,
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
from tests.cast import ANNA, CARLA, EVA, FINN, IDA, NO_CLASS, STAGE, Member, user_of
from tests.conftest import Template

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)

GIVE, BLUE, GREY = "Giv ny adgangskode", "Log på", "Log på som brugeradministrator"
AT_HOME = "Demo: Lad, som om du er hjemme"
PRACTISE = "Prøv din nye adgangskode"


@pytest.fixture(scope="module")
def kept_server(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of these tests' own, with the simulator of MitID beside it."""
    with beside_mitid(template, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def visits(chromium: Browser, site: Server) -> Iterator[Visits]:
    """Return what opens browsers, which may go to the simulator and nowhere else."""
    with visiting(chromium, site) as made:
        yield made


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def has_script(request: pytest.FixtureRequest) -> bool:
    """Return whether the teacher's and the pupils' browsers run script."""
    chosen: bool = request.param
    return chosen


def open_list(page: Page, class_name: str, teacher: Member = CARLA) -> None:
    """Log a teacher in by the blue button, and open one of the classes."""
    page.goto("/elevadgang")
    follow(page, BLUE)
    sees(page, "Vælg login")
    page.locator("[data-part=own]").first.click()
    write(page, "Brugernavn", teacher.username or "")
    press(page, "Næste")
    sees(page, ASK_WORDS)
    try_words(page, teacher.password)
    page.locator("#pupils").wait_for()
    if page.locator("h1").inner_text() != class_name:
        follow(page, class_name)
    sees(page, class_name)


def row(page: Page, member: Member) -> Locator:
    """Find a pupil's row."""
    return page.locator("li.pupil", has_text=member.username)


def tick(page: Page, *members: Member) -> None:
    """Tick pupils by their labels, as a finger does."""
    for member in members:
        row(page, member).locator("label").click()


def give(page: Page, *members: Member) -> None:
    """Tick and press, and see them wait."""
    tick(page, *members)
    page.locator("[data-part=give]").click()
    for member in members:
        shows(page, member, "Venter til kl. ")


def shows(page: Page, member: Member, words: str, *, refresh: bool = False) -> None:
    """Expect a status: it comes by itself, or by «Opdatér» where there is no script."""
    if refresh:
        follow(page, "Opdatér")
    expect(row(page, member).locator("[data-part=status]")).to_contain_text(words)


def practise_pictures(page: Page) -> None:
    """Tap the four that were dealt."""
    sees(page, "Dine nye billeder")
    pictures = dealt_pictures(page)
    follow(page, "Jeg kan huske dem")
    sees(page, "Prøv dine nye billeder")
    tap(page, *pictures)
    press(page, "Næste")


def choose_words(page: Page, secret: str) -> None:
    """Choose another password than the dealt one, and practise it."""
    sees(page, "Din nye adgangskode")
    assert dealt_words(page) != secret
    follow(page, "Vælg selv")
    sees(page, "Vælg selv din adgangskode")
    write(page, "Ny adgangskode", secret)
    press(page, "Næste")
    sees(page, PRACTISE)
    write(page, "Ny adgangskode", secret)
    press(page, "Næste")


def test_carla_helps_anna_and_ida_and_sees_each_step(visits: Visits, site: Server, has_script: bool) -> None:
    """S-41, S-42: live with script, by «Opdatér» without."""
    carla, anna, ida = (visits.open(has_script=has_script) for _ in range(3))
    open_list(carla, "2.B")
    give(carla, ANNA)
    give_username(anna, ANNA.username)
    sees(anna, "Dine nye billeder")
    shows(carla, ANNA, "I gang", refresh=not has_script)
    practise_pictures(anna)
    is_logged_in(anna, ANNA)
    shows(carla, ANNA, "Færdig", refresh=not has_script)
    if has_script:
        expect(carla.locator("#live")).to_have_text("Anna har fået en ny adgangskode")

    follow(carla, "5.A")
    sees(carla, "5.A")
    give(carla, IDA)
    give_username(ida, IDA.username)
    choose_words(ida, "lampehjul77")
    is_logged_in(ida, IDA)
    shows(carla, IDA, "Færdig", refresh=not has_script)
    for member in (ANNA, IDA):
        assert site.events(member, Event.WINDOW_OPENED, Event.WINDOW_CLAIMED, Event.PASSWORD_CHANGED) == [
            "WINDOW_OPENED",
            "WINDOW_CLAIMED",
            "PASSWORD_CHANGED",
        ]


def test_a_claim_from_home_goes_on_when_the_picture_was_compared(visits: Visits, has_script: bool) -> None:
    """S-43: the same picture on both screens."""
    carla, anna = visits.open(has_script=has_script), visits.open(has_script=has_script)
    open_list(carla, "2.B")
    give(carla, ANNA)
    anna.goto("/login/brugernavn")
    follow(anna, AT_HOME)
    expect(anna.get_by_text("Du er nu hjemme")).to_be_visible()
    write(anna, "Brugernavn", ANNA.username or "")
    press(anna, "Næste")
    sees(anna, "Vis billedet til din lærer")
    picture = anna.locator("#screen use").first.get_attribute("href") or ""
    shows(carla, ANNA, "Har eleven det samme billede", refresh=not has_script)
    cell = row(carla, ANNA).locator("[data-part=approve]")
    assert (cell.locator("use").get_attribute("href") or "").partition("#")[2] == picture.partition("#")[2]
    row(carla, ANNA).get_by_role("button", name="Godkend").click()
    shows(carla, ANNA, "I gang")
    if not has_script:
        press(anna, "Fortsæt")
    practise_pictures(anna)
    is_logged_in(anna, ANNA)


def test_a_poll_that_swaps_a_cell_leaves_ticks_focus_and_scroll(visits: Visits) -> None:
    carla, anna = visits.open(), visits.open(has_script=False)
    open_list(carla, "2.B")
    give(carla, ANNA)
    last = carla.locator(".pupil-label .tick:enabled").last
    last.focus()
    carla.keyboard.press("Space")
    first = carla.locator(".pupil-label .tick:enabled").first
    first.evaluate("box => { box.checked = true; box.dispatchEvent(new Event('change', {bubbles: true})); }")
    expect(button(carla, f"{GIVE} (2 elever)")).to_be_visible()
    give_username(anna, ANNA.username)
    before = last.bounding_box()
    assert before is not None
    assert 0 < before["y"] < PHONE[1] < carla.evaluate("scrollY")
    shows(carla, ANNA, "I gang")
    # What is above may have grown; what the teacher looks at stays where it is.
    assert last.bounding_box() == before
    expect(last).to_be_focused()
    expect(last).to_be_checked()
    expect(first).to_be_checked()
    expect(button(carla, f"{GIVE} (2 elever)")).to_be_visible()


def test_by_keyboard_alone_a_pupil_is_ticked_and_helped_and_afbryd_takes_it_back(visits: Visits) -> None:
    carla = visits.open(size=(1280, 900))
    open_list(carla, "2.B")
    button(carla, GIVE).focus()
    carla.keyboard.press("Enter")
    expect(summary(carla)).to_be_focused()
    expect(summary(carla)).to_contain_text("Sæt flueben ved mindst én elev.")
    row(carla, ANNA).locator(".tick").focus()
    carla.keyboard.press("Space")
    button(carla, f"{GIVE} (1 elev)").focus()
    carla.keyboard.press("Enter")
    shows(carla, ANNA, "Venter til kl. ")
    expect(carla.locator("[data-part=told]")).to_be_focused()  # or the new step would take the focus yet
    row(carla, ANNA).get_by_role("button", name="Afbryd").focus()
    carla.keyboard.press("Enter")
    shows(carla, ANNA, "Afbrudt")


def change_what_is_sent(page: Page, path: str, *more: tuple[str, str]) -> None:
    """Let every form of this browser be sent to another address, with more in it, as by hand."""

    def by_hand(route: Route) -> None:
        request = route.request
        if request.method != "POST":
            route.continue_()
            return
        url = urlsplit(request.url)._replace(path=path).geturl()
        route.continue_(url=url, post_data=f"{request.post_data}&{urlencode(more)}")

    page.route("**/elevadgang/*", by_hand)


def test_finn_gets_nowhere_at_another_school(visits: Visits, site: Server, has_script: bool) -> None:
    """S-40, S-47: by address, by form, with one foreign pupil among forty; the school is told."""
    with site.database.writing() as db:
        anna = db.scalars(select(Affiliation).where(Affiliation.user_id == user_of(db, ANNA).id)).one()
        foreign, egeskolen = anna.main_group_id, anna.institution_id
        uni_id = user_of(db, ANNA).uni_id
        finns = select(GroupMember.group_id).join(Affiliation, Affiliation.id == GroupMember.affiliation_id)
        own = db.scalars(finns.where(Affiliation.user_id == user_of(db, FINN).id)).all()[0]
        home = db.get_one(Group, own)
        pupils = (
            select(Affiliation)
            .join(User, User.id == Affiliation.user_id)
            .where(Affiliation.institution_id == home.institution_id, Affiliation.level.is_not(None))
            .where(User.username.is_not(None), User.blocked_at.is_(None))
        )
        here = db.scalars(pupils.where(Affiliation.main_group_id == own)).all()
        for one in db.scalars(pupils.where(Affiliation.main_group_id != own).limit(39 - len(here))):
            one.main_group_id, one.level = own, here[0].level
        db.commit()
        class_name = home.name
    finn = visits.open(has_script=has_script)
    open_list(finn, class_name, FINN)
    for place in (foreign, "skole-999001", "skole-999002", 987654321):
        answer = finn.goto(f"/elevadgang/{place}")
        assert answer is not None
        assert answer.status == 404
        sees(finn, "Siden findes ikke")

    def everybody_and(path: str, *more: tuple[str, str]) -> None:
        finn.goto(f"/elevadgang/{own}?alle=1")
        change_what_is_sent(finn, path, *more)
        expect(finn.locator(".tick:checked")).to_have_count(39)
        finn.locator("[data-part=give]").click()
        sees(finn, "Intet er gjort")
        finn.unroute("**/elevadgang/*")

    everybody_and(f"/elevadgang/{own}", ("elev", uni_id))
    everybody_and(f"/elevadgang/{foreign}", ("elev", uni_id))
    everybody_and(f"/elevadgang/{own}", ("elev", uni_id), ("institution", str(egeskolen)))
    assert site.count(select(PasswordWindow.id)) == 0
    told = select(AuditEvent.id).where(
        AuditEvent.event == Event.FOREIGN_REFUSED.name, AuditEvent.institution_id == egeskolen
    )
    assert site.count(told) == 1  # once in ten minutes a person, so that none hides behind the others


def test_the_list_itself_is_printed_with_its_names_and_nothing_to_press(visits: Visits) -> None:
    carla = visits.open(size=(1280, 900))
    open_list(carla, "2.B")
    carla.emulate_media(media="print")
    expect(row(carla, ANNA).locator(".pupil-name")).to_be_visible()
    expect(row(carla, ANNA).locator(".pupil-username")).to_be_visible()
    expect(carla.locator("main :is(button, input, a)").filter(visible=True)).to_have_count(0)


def log_in_as_eva(page: Page) -> None:
    """Log in by the grey button, with MitID."""
    page.goto("/elevadgang")
    press(page, GREY)
    be(page, EVA)
    sees(page, "Egeskolen")


def find(page: Page, member: Member) -> None:
    """Search for a pupil and open what only the administrator sees."""
    write(page, "Navn eller brugernavn", member.username or "")
    press(page, "Søg")
    expect(page.locator("li.pupil")).to_have_count(1)
    row(page, member).locator(".pupil-more").click()
    sees(page, member.shown_name)


def test_eva_sees_all_pupils_and_marks_and_blocks_one(visits: Visits, site: Server, has_script: bool) -> None:
    """S-45, S-46: MitID first; the blocked pupil is out at once."""
    ida, eva = visits.open(has_script=has_script), visits.open(has_script=has_script)
    log_in(ida, IDA)
    is_logged_in(ida, IDA)
    log_in_as_eva(eva)
    with site.reading() as db:
        school = select(Affiliation.institution_id).where(Affiliation.user_id == user_of(db, IDA).id)
        everybody = select(Affiliation.id).where(
            Affiliation.institution_id.in_(school), Affiliation.level.is_not(None)
        )
    expect(eva.get_by_text(f"{site.count(everybody)} elever", exact=True)).to_be_visible()
    find(eva, IDA)
    eva.get_by_label("Billeder", exact=True).check()
    press(eva, "Gem")
    expect(eva.get_by_text("Eleven bliver bedt om at skifte til billeder ved næste login.")).to_be_visible()
    with site.reading() as db:
        assert user_of(db, IDA).marked_password_type is PasswordType.PICTURES
    press(eva, "Spær eleven")
    expect(button(eva, "Åbn igen")).to_be_visible()
    ida.reload()
    sees(ida, "Vælg login")
    follow(eva, "Tilbage til listen")
    follow(eva, "Log")
    expect(eva.get_by_text("Så loggen", exact=True)).to_be_visible()
    follow(eva, "Kun ændringer")
    expect(eva.get_by_text("Så loggen", exact=True)).to_have_count(0)
    expect(eva.get_by_text("Spærrede", exact=True)).to_be_visible()


def log_in_without_words(page: Page, member: Member) -> None:
    """Log in with a password, whatever the language."""
    page.goto("/login/brugernavn")
    page.locator("[name=username]").fill(member.username or "")
    page.locator("[data-part=next]").click()
    page.locator("[name=password]").fill(member.password or "")
    page.locator("button[data-part=login]").click()
    page.locator(".mine").first.wait_for()


def screens(page: Page, visits: Visits, site: Server) -> Iterator[str]:
    """Walk Elevadgang with a full class and every status in it; nothing depends on the words."""
    page.goto("/elevadgang")
    yield "start"
    with site.database.writing() as db:  # a class of 28, the most there may be
        groups = {
            member: db.scalars(select(Affiliation).where(Affiliation.user_id == user_of(db, member).id)).one()
            for member in (ANNA, STAGE)
        }
        there = select(Affiliation).where(Affiliation.main_group_id == groups[ANNA].main_group_id)
        more = select(Affiliation).where(Affiliation.main_group_id == groups[STAGE].main_group_id)
        for one in db.scalars(more.limit(28 - len(db.scalars(there).all()))):
            one.main_group_id, one.level = groups[ANNA].main_group_id, groups[ANNA].level
        db.commit()
    log_in_without_words(page, CARLA)
    page.goto("/elevadgang/klasser")
    expect(page.locator("li.pupil")).to_have_count(28)
    yield "list"
    page.locator("[data-part=give]").click()
    summary(page).wait_for()
    yield "error"
    for box in page.locator(".tick:enabled").all()[:4]:
        box.check()
    page.locator("[data-part=give]").click()
    page.locator("[data-part=cancel]").nth(3).wait_for()
    names = page.locator("li.pupil:has([data-part=cancel]) .pupil-username").all_inner_texts()
    near, far = visits.open(has_script=False), visits.open(has_script=False)
    give_username(near, names[0])
    far.goto("/demo/hjemmefra")
    far.locator("[name=username]").fill(names[1])
    far.locator("[data-part=next]").click()
    far.locator("#screen use").first.wait_for()
    page.locator("[data-part=cancel]").nth(3).click()
    page.locator("[data-part=extend]").nth(1).wait_for(state="detached")
    page.locator("[data-part=approve]").first.wait_for()
    yield "statuses"
    here = page.url.partition("?")[0]
    for name in ("tavle", "print"):
        page.goto(f"{here}/{name}")
        yield name
    page.goto(f"{here}?navne=skjul")
    yield "hidden"


def administration(page: Page, _site: Server) -> Iterator[str]:
    """Walk what the administrator has."""
    page.goto("/elevadgang")
    page.locator("[data-part=log-on-administrator]").click()
    assert EVA.mitid is not None
    page.locator(f"button[name=identity][value='{EVA.mitid['uuid']}']").click()
    page.locator("#pupils").wait_for()
    yield "institution"
    here = page.url
    page.locator(".pupil-more").first.click()
    page.locator(".facts").wait_for()
    yield "pupil"
    for name in ("log", "advarsler"):
        page.goto(f"{here}/{name}")
        yield name


def faults(page: Page) -> list[str]:
    """Return what is wrong with a screen."""
    return violations(page) + overflowing(page) + cramped(page)


@pytest.mark.parametrize(("size", "locale"), [(PHONE, "da-DK"), ((320, 640), "en-GB")])
def test_axe_finds_nothing_and_nothing_runs_out_of_the_page(
    visits: Visits, site: Server, size: tuple[int, int], locale: str
) -> None:
    page = visits.open(size=size, locale=locale)
    found = {name: faults(page) for name in screens(page, visits, site)}
    waiting = visits.open(size=size, locale=locale)
    log_in_without_words(waiting, NO_CLASS)
    waiting.goto("/elevadgang/klasser")
    waiting.locator("[data-part=reason]").wait_for()
    found["empty"] = faults(waiting)
    eva = visits.open(size=size, locale=locale)
    found |= {name: faults(eva) for name in administration(eva, site)}
    assert len(found) == 12
    assert not {name: lines for name, lines in found.items() if lines}
