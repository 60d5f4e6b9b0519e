"""Every screen and state there is, reached as people reach them, in any language and at any size.

A journey stops at each screen with its name; whoever walks it looks at the page and goes on. Nothing here
depends on the words on the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from playwright.sync_api import Page, expect
from sqlalchemy import update

from app import keys as keyring
from app.db import instant
from app.domain import throttling
from app.domain.throttling import Place
from app.models.credentials import Throttle
from app.models.people import Affiliation
from app.world import Clock
from tests.browser.server import Server
from tests.cast import ANNA, BO, CARLA, EXPIRING, IDA, STAGE, Member, user_of

Journey = Callable[[Page, Server], Iterator[str]]

READING = (
    "vejledninger",
    "vejledninger/faa-en-ny-adgangskode",
    "vejledninger/log-ind-med-billeder",
    "spoergsmaal/",
    "spoergsmaal/hvem-kan-faa-unilogin",
    "aktuelt",
    "aktuelt/nedlaegning-af-manuelt-tilknyttede-brugere",
    "emne/login",
    "soeg?q=adgangskode",
    "soeg?q=xyzzy",
    "hjaelp-mig?hvem=elev",
    "hjaelp-mig?hvem=elev&hvad=vent",
    "privatliv",
    "tilgaengelighed",
    "drift",
    "kontakt",
    "hjalp-det/vejledninger/log-ind-med-billeder",
)
WRONG = "forkert adgangskode"


def public_pages(page: Page, _site: Server) -> Iterator[str]:
    """Walk the front page, the doors, what there is to read, and an address that is none."""
    page.goto("/")
    lang = page.locator("html").get_attribute("lang")
    yield "front"
    page.locator("details.language summary").click()
    yield "front-language"
    for slug in ("elev", "foraelder", "laerer", "personale"):
        page.goto(f"/{lang}/{slug}")
        yield f"door-{slug}"
    for path in READING:
        page.goto(f"/{lang}/{path}")
        yield path
    page.goto(f"/{lang}/kontakt")
    page.locator(".letter-form button").click()
    _see(page, "#error-summary")
    yield "contact-error"
    page.goto("/v/0000")
    yield "short-link-error"
    page.goto(f"/{lang}/findes-ikke")
    yield "error-404"


def words(page: Page, site: Server) -> Iterator[str]:
    """Walk the login with words: empty, wrong, made to wait, too old."""
    page.goto("/login")
    yield "chooser"
    page.goto("/login/brugernavn")
    yield "username"
    _press(page, "next")
    _see(page, "#error-summary")
    yield "username-error"
    _name(page, BO)
    yield "password"
    _try(page)
    yield "password-wrong"
    for _ in range(5):
        _try(page)
    yield "password-wait"
    _name(page, IDA)
    site.forward(minutes=31)
    page.locator("[name=password]").fill(WRONG)
    _press(page, "login")
    _see(page, "[data-part=back]")
    yield "error-410"


def pictures(page: Page, _site: Server) -> Iterator[str]:
    """Walk the login with pictures: empty, half done, too few, wrong, written."""
    _name(page, ANNA)
    yield "pictures"
    page.locator("[value=ugle]").click()
    _see(page, "[data-slots] [data-id=ugle]")
    page.locator("[value=kage]").click()
    _see(page, "[data-slots] [data-id=kage]")
    yield "pictures-two"
    _press(page, "login")
    _see(page, "[data-few]:visible, #error-summary")
    yield "pictures-few"
    for id in ("bil", "hat"):
        page.locator(f"[value={id}]").click()
        _see(page, f"[data-slots] [data-id={id}]")
    _press(page, "login")
    _see(page, "#error-summary")
    yield "pictures-wrong"
    page.locator("details.accordion summary").click()
    _see(page, "[name=typed]")
    yield "pictures-typed"


def change_of_words(page: Page, _site: Server) -> Iterator[str]:
    """Walk the ways to a new password: forgotten, changed, dealt, chosen, practised."""
    page.goto("/brugernavn")
    yield "username-help"
    page.goto("/ny-adgangskode")
    yield "new-whose"
    _press(page, "next")
    _see(page, "#error-summary")
    yield "new-whose-error"
    page.locator("[name=username]").fill(BO.username or "")
    _press(page, "next")
    _see(page, "[data-part=forgotten]")
    yield "new-choose"
    page.goto("/ny-adgangskode/glemt")
    yield "forgotten"
    page.goto("/ny-adgangskode/skift")
    yield "change"
    _try(page, "next")
    yield "change-wrong"
    page.locator("[name=password]").fill(BO.password or "")
    _press(page, "next")
    _see(page, ".secret-words")
    yield "new-words"
    secret = page.locator(".secret-words").inner_text()
    page.goto("/login/ny-kode/selv")
    yield "own"
    page.locator("[name=password]").fill("sommer")
    yield "own-typing"
    _press(page, "next")
    _see(page, "#error-summary")
    yield "own-errors"
    page.goto("/login/oev")
    yield "practise"
    _try(page, "next")
    yield "practise-wrong"
    page.locator("[name=password]").fill(secret.strip())
    _press(page, "next")
    _see(page, ".mine")
    yield "mine-pupil"
    page.goto("/mit/historik")
    yield "history"
    page.goto("/mit")
    _press(page, "log-out")
    _see(page, "[data-part=log-in]")
    yield "logged-out"
    _log_in(page, BO, secret.strip())
    yield "mine-notice"


def change_of_pictures(page: Page, _site: Server) -> Iterator[str]:
    """Walk a change of pictures."""
    _name(page, ANNA)
    page.goto("/ny-adgangskode/skift")
    yield "change-pictures"
    _write(page, ANNA)
    _see(page, ".secret-pictures")
    yield "new-pictures"
    page.goto("/login/oev")
    yield "practise-pictures"
    _write(page, ANNA)
    _see(page, "#error-summary")
    yield "practise-pictures-wrong"


def warnings(page: Page, site: Server) -> Iterator[str]:
    """Walk the warnings: a new stage, and the last day gone by."""
    _name(page, STAGE)
    _write(page, STAGE)
    _see(page, "[data-part=later]")
    yield "warning"
    site.forward(days=11)
    _name(page, EXPIRING)
    page.locator("[name=password]").fill(EXPIRING.password or "")
    _press(page, "login")
    _see(page, "[data-part=change-now]")
    yield "warning-last"


def own_page(page: Page, _site: Server) -> Iterator[str]:
    """Walk the own page of somebody who is logged in twice."""
    browser = page.context.browser
    assert browser is not None
    _log_in(page, CARLA, CARLA.password or "")
    there = browser.new_context(base_url=page.url.removesuffix("/mit"))
    _log_in(there.new_page(), CARLA, CARLA.password or "")
    there.close()
    page.reload()
    _see(page, "[data-part=end-sessions]")
    yield "mine-teacher"


def refusals(page: Page, site: Server) -> Iterator[str]:
    """Walk what is told to who may not: closed, blocked, at no school, a form of another session."""
    ring = keyring.read(site.config.keys_file)
    with site.database.writing() as db:
        bucket = throttling.bucket_name(ring, Place.OUTER, BO.username or "")
        at = instant(Clock()).at
        db.add(Throttle(bucket=bucket, tries=50, last_at=at, next_at=at))
        user_of(db, IDA).blocked_at = at
        whose = Affiliation.user_id == user_of(db, CARLA).id
        db.execute(update(Affiliation).where(whose).values(to_on=Affiliation.from_on))
        db.commit()
    _name(page, BO)
    _try(page)
    yield "password-closed"
    for member, state in ((IDA, "password-blocked"), (CARLA, "password-no-school")):
        _name(page, member)
        page.locator("[name=password]").fill(member.password or "")
        _press(page, "login")
        _see(page, "#error-summary")
        yield state
    page.goto("/login/brugernavn")
    page.locator("[name=username]").fill("boli1003")
    page.context.clear_cookies(name="form")
    _press(page, "next")
    _see(page, "[data-part=back]")
    yield "error-403"


JOURNEYS: tuple[Journey, ...] = (
    public_pages,
    words,
    pictures,
    change_of_words,
    change_of_pictures,
    warnings,
    own_page,
    refusals,
)


def _see(page: Page, selector: str) -> None:
    expect(page.locator(selector).first).to_be_visible()


def _press(page: Page, part: str) -> None:
    page.locator(f"button[data-part={part}]").first.click()


def _name(page: Page, member: Member) -> None:
    page.goto("/login/brugernavn")
    page.locator("[name=username]").fill(member.username or "")
    _press(page, "next")
    _see(page, "[data-pictures]" if member.pictures else "[name=password]")


def _try(page: Page, part: str = "login") -> None:
    page.locator("[name=password]").fill(WRONG)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        _press(page, part)
    _see(page, "#error-summary")


def _write(page: Page, member: Member) -> None:
    page.locator("details.accordion summary").click()
    page.locator("[name=typed]").fill(" ".join(member.pictures))
    page.locator("[name=typed]").press("Enter")


def _log_in(page: Page, member: Member, secret: str) -> None:
    _name(page, member)
    page.locator("[name=password]").fill(secret)
    _press(page, "login")
    _see(page, ".mine")
