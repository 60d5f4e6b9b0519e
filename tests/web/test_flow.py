"""A half-done login: steps out of turn, two presses, two tabs, a planted cookie, and one that ran out."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Database, Instant
from app.demo.cast import ANNA, BO, IDA, STAGE, Member
from app.domain import new_password
from app.domain.passwords import Hasher
from app.models.credentials import Authorisation, Credential
from app.models.people import PasswordType
from tests import store
from tests.cast import user_of
from tests.conftest import SetClock
from tests.pages import Browser, Page

WHOLE = ("credential", "pending_password", "sso_session", "audit_event", "user", "throttle")


def begin(browser: Browser, username: str | None) -> Page:
    """Give the username."""
    browser.open("/login/brugernavn")
    return browser.press("Næste", filled={"Brugernavn": username or ""})


def prove(browser: Browser) -> Page:
    """Bring the pupil whose pictures are due to the warning: proved, but not logged in."""
    page = browser.log_in(STAGE.username or "", STAGE.secret or "")
    assert page.path == "/login/varsel"
    return page


# ---- Steps out of turn ----


@pytest.mark.parametrize(
    "path",
    ["/login/adgangskode", "/login/billeder", "/login/varsel", "/login/ny-kode", "/login/ny-kode/selv",
     "/login/oev"],
)  # fmt: skip
def test_no_step_can_be_entered_without_a_beginning(browser: Browser, database: Database, path: str) -> None:
    """S-01."""
    before = store.content(database)
    assert browser.open(path).path == "/login"
    browser.open("/login/brugernavn")
    data = {"csrf_token": browser.csrf(), "password": BO.password or "", "later": "1", "login": "1"}
    if path != "/login/ny-kode":  # which is only looked at
        page = browser.post(path, data)
        assert (page.status, page.heading) == (410, "Siden er for gammel")
    assert browser.cookie("login") is None
    assert store.content(database) == before


@pytest.mark.parametrize("path", ["/login/varsel", "/login/ny-kode", "/login/ny-kode/selv", "/login/oev"])
def test_no_step_can_be_entered_before_the_password_was_right(
    browser: Browser, database: Database, path: str
) -> None:
    """S-01."""
    begin(browser, BO.username)
    before = store.content(database)
    assert browser.open(path).path == "/login/adgangskode"
    data = {"csrf_token": browser.csrf(), "username": "boli1003", "password": "GraesHat55", "later": "1"}
    for act in ({"later": "1"}, {"now": "1"}) if path != "/login/ny-kode" else ():
        assert browser.post(path, data | act).path == "/login/adgangskode"
    assert store.content(database) == before
    assert browser.open("/mit").path == "/login"


def test_whoever_must_be_warned_is_not_logged_in_before_the_answer(
    browser: Browser, database: Database
) -> None:
    """S-01: the right password alone opens nothing."""
    prove(browser)
    assert store.count(database, "sso_session") == 0
    assert browser.open("/login/oev").path == "/login/varsel"
    assert browser.open("/login/ny-kode").path == "/login/varsel"
    assert browser.open("/login/billeder").path == "/login/varsel"
    assert browser.open("/mit").path == "/login"


def test_a_password_that_was_changed_meanwhile_proves_nothing(app: Flask, browser: Browser) -> None:
    """S-01, S-26."""
    prove(browser)
    other = Browser(app)
    prove(other)
    page = other.press("Skift nu")
    secret = page.secret
    other.follow("Jeg kan huske den")
    assert other.press("Næste", filled={"Ny adgangskode": secret}).path == "/mit"
    page = browser.press("Senere")
    assert page.status == 410
    assert browser.open("/mit").path == "/login"


def test_a_proof_is_of_the_very_password_that_was_entered(
    browser: Browser, db: Session, hasher: Hasher, config: Config, now: Instant, database: Database
) -> None:
    """S-01, S-04: however else the password came to be another one."""
    prove(browser)
    user_id = user_of(db, STAGE).id
    mine = Credential.user_id == user_id
    db.execute(update(Credential).where(mine, Credential.ended_at.is_(None)).values(ended_at=now.at))
    hashed = hasher.hash("graestromle", user_id, PasswordType.WORDS)
    kind, by = PasswordType.WORDS, Authorisation.OPERATOR
    new_password.store(db, hasher, config, user_id, hashed, kind, by, None, now)
    db.commit()
    browser.twin().press("Skift nu")
    assert store.count(database, "pending_password") == 0
    browser.press("Senere")
    assert store.count(database, "sso_session") == 0
    assert browser.open("/mit").path == "/login"


def test_after_the_login_the_steps_of_it_do_nothing_more(app: Flask, database: Database) -> None:
    """S-01, S-25: what was proved for a login that is done cannot deal a password."""
    browser = Browser(app)
    prove(browser)
    left_behind = browser.twin()
    assert browser.press("Senere").path == "/mit"
    before = store.content(database, *WHOLE)
    path, data = left_behind.form("Skift nu")
    left_behind.twin().post(path, data)
    for path, more in (("/login/ny-kode/selv", {"password": "graeshest"}), ("/login/oev", {"password": "x"})):
        left_behind.twin().post(path, data | more)
    assert store.content(database, *WHOLE) == before


# ---- Two presses ----


def test_two_presses_of_log_in_make_one_login_and_both_are_answered_with_it(
    app: Flask, browser: Browser, database: Database
) -> None:
    """S-19."""
    begin(browser, BO.username)
    second = browser.twin()
    path, data = browser.form("Log ind", filled={"Adgangskode": BO.password or ""})
    assert browser.post(path, data).path == "/mit"
    assert second.post(path, data).path == "/mit"
    assert store.count(database, "sso_session") == 1
    assert len(store.events(database, "LOGGED_IN")) == 1
    assert browser.cookie("login") == second.cookie("login")


def test_a_second_press_needs_the_password_too(browser: Browser, database: Database) -> None:
    """S-01: what is left of a finished login opens nothing to who does not know the password."""
    begin(browser, BO.username)
    second = browser.twin()
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == "/mit"
    page = second.press("Log ind", filled={"Adgangskode": "forkert"})
    assert page.status == 422
    assert second.cookie("login") is None


def test_two_presses_of_later_postpone_once(browser: Browser, database: Database) -> None:
    """S-19, S-04."""
    prove(browser)
    second = browser.twin()
    assert browser.press("Senere").path == "/mit"
    assert second.press("Senere").path == "/mit"
    assert len(store.events(database, "PASSWORD_CHANGE_POSTPONED")) == 1
    assert store.count(database, "sso_session") == 1


def test_two_presses_of_the_username_leave_one_half_done_login_that_works(
    browser: Browser, database: Database
) -> None:
    """S-19: the answer that comes last is the one the browser goes on with."""
    browser.open("/login/brugernavn")
    path, data = browser.form("Næste", filled={"Brugernavn": BO.username or ""})
    browser.send(path, data)
    browser.post(path, data)
    assert store.count(database, "login_flow") == 1
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == "/mit"


def test_a_second_press_long_after_is_too_old(browser: Browser, clock: SetClock, database: Database) -> None:
    begin(browser, BO.username)
    second = browser.twin()
    path, data = browser.form("Log ind", filled={"Adgangskode": BO.password or ""})
    browser.post(path, data)
    clock.forward(minutes=3)
    page = second.post(path, data)
    assert page.status == 410
    assert second.cookie("login") is None
    assert store.count(database, "sso_session") == 1


# ---- Two tabs ----


def test_a_page_made_for_another_username_is_refused_and_the_other_tab_goes_on(
    browser: Browser, database: Database
) -> None:
    """S-01: nobody's password is tried for somebody else."""
    first_tab = begin(browser, BO.username)
    path, data = browser.form("Log ind", filled={"Adgangskode": BO.password or ""})
    second_tab = begin(browser, IDA.username)
    browser.page = first_tab
    page = browser.post(path, data)
    assert page.status == 410
    assert page.heading == "Siden er for gammel"
    assert store.count(database, "throttle") == 0
    assert store.count(database, "sso_session") == 0
    browser.page = second_tab
    assert browser.press("Log ind", filled={"Adgangskode": IDA.password or ""}).path == "/mit"
    assert "Ida Krogh" in browser.current.text


def test_pictures_of_another_username_are_refused_too(browser: Browser, database: Database) -> None:
    begin(browser, ANNA.username)
    tap, login = browser.form("ugle"), browser.form("Log ind")
    typed = browser.form("Log ind", filled={"De fire billeders navne": "ugle kage sol bamse"})
    begin(browser, "mari1008")
    for path, data in (tap, login, typed):
        assert browser.twin().send(path, data).status_code == 410
    assert store.count(database, "throttle") == 0


def test_two_tabs_with_one_username_both_work(browser: Browser) -> None:
    first_tab = begin(browser, BO.username)
    begin(browser, BO.username)
    browser.page = first_tab
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == "/mit"


def test_a_login_in_the_same_browser_takes_the_place_of_the_one_before(
    browser: Browser, database: Database
) -> None:
    """S-17: a new id, and the old one opens nothing."""
    browser.log_in(IDA.username or "", IDA.password or "")
    before = browser.twin()
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": BO.username or ""})
    browser.press("Log ind", filled={"Adgangskode": BO.password or ""})
    assert "Bo Lind" in browser.open("/mit").text
    assert browser.cookie("login") != before.cookie("login")
    assert before.open("/mit").path == "/login"


# ---- Planted cookies ----


def test_planted_ids_are_never_adopted(browser: Browser, database: Database) -> None:
    """S-17: neither of a login, nor of a half-done one, nor of a device."""
    planted = dict.fromkeys(("login", "flow", "device"), "planted-" + "a" * 35)
    for name, value in planted.items():
        browser.plant(name, value)
    browser.open("/login/brugernavn")
    page = browser.press("Næste", filled={"Brugernavn": BO.username or ""})
    assert browser.cookie("flow") != planted["flow"]
    assert page.path == "/login/adgangskode"
    browser.press("Log ind", filled={"Adgangskode": BO.password or ""})
    assert browser.current.path == "/mit"
    assert browser.cookie("login") != planted["login"]
    assert planted["device"] not in (browser.cookie("device") or "")


@pytest.mark.parametrize("member", [BO, STAGE], ids=lambda member: member.word)
def test_who_saw_the_cookie_before_the_proof_has_no_part_in_the_login(
    browser: Browser, database: Database, member: Member
) -> None:
    """S-17: on a shared machine one may note the cookie, and leave the question for the password open."""
    begin(browser, member.username)
    onlooker = browser.twin()
    csrf = {"csrf_token": onlooker.csrf()}
    browser.press(
        "Log ind",
        filled={"Adgangskode" if member is BO else "De fire billeders navne": member.secret or ""},
    )
    for path in ("/login/varsel", "/login/oev", "/login/ny-kode/selv"):
        onlooker.post(path, csrf | {"later": "1", "password": "x", "typed": "x"})
        assert onlooker.cookie("login") is None
        assert onlooker.open(path).path not in ("/login/ny-kode", "/login/oev", "/mit")
    assert store.count(database, "sso_session") == (1 if member is BO else 0)
    assert store.count(database, "pending_password") == 0


def test_each_login_has_an_id_of_its_own(app: Flask) -> None:
    """S-17."""
    seen = set()
    for _ in range(3):
        browser = Browser(app)
        browser.log_in(BO.username or "", BO.password or "")
        seen |= {browser.cookie("login"), browser.cookie("device")}
    assert len(seen) == 6


def test_one_kind_of_id_is_not_taken_for_another(app: Flask, browser: Browser, database: Database) -> None:
    """S-06."""
    browser.log_in(BO.username or "", BO.password or "")
    begin(browser, IDA.username)
    ids = {name: browser.cookie(name) or "" for name in ("login", "flow", "device")}
    for one, value in ids.items():
        for other in {"login", "flow", "device"} - {one}:
            stranger = Browser(app)
            stranger.plant(other, value)
            assert stranger.open("/mit").path == "/login"
            assert stranger.open("/login/adgangskode").status in (200, 410)
            assert "idak1002" not in stranger.current.text


def test_no_cookies_value_stands_in_the_store(browser: Browser, database: Database) -> None:
    """S-06: whoever reads the database can use none of it."""
    browser.log_in(BO.username or "", BO.password or "")
    begin(browser, IDA.username)
    text = store.all_text(database)
    for name in ("login", "flow", "device"):
        value = browser.cookie(name) or ""
        assert len(value) >= 32
        assert value not in text
        assert value.partition(".")[0] not in text


def test_a_flow_is_of_no_use_in_another_browser(app: Flask, browser: Browser, database: Database) -> None:
    """S-17: nothing in an address or a page lets somebody else go on."""
    page = prove(browser)
    path, data = browser.form("Senere")
    stranger = Browser(app)
    stranger.open("/login/brugernavn")
    data["csrf_token"] = stranger.csrf()
    assert stranger.post(path, data).status == 410
    assert stranger.open(page.path).path == "/login"
    assert store.count(database, "sso_session") == 0


# ---- One that ran out ----


@pytest.mark.parametrize("is_press", [True, False])
def test_a_half_done_login_that_ran_out_says_so_and_leads_to_the_start(
    browser: Browser, clock: SetClock, database: Database, is_press: bool
) -> None:
    begin(browser, BO.username)
    clock.forward(minutes=31)
    path, data = browser.form("Log ind", filled={"Adgangskode": BO.password or ""})
    page = browser.post(path, data) if is_press else browser.open(path)
    assert (page.status, page.heading) == (410, "Siden er for gammel")
    assert "Der er ikke ændret noget." in page.text
    assert store.count(database, "throttle") == 0
    assert browser.follow("Start forfra").path == "/login"
    assert browser.log_in(BO.username or "", BO.password or "").path == "/mit"


def test_a_password_sent_after_the_cookie_was_deleted_is_told_to_be_too_late(
    browser: Browser, database: Database
) -> None:
    begin(browser, BO.username)
    path, data = browser.form("Log ind", filled={"Adgangskode": BO.password or ""})
    browser.client.delete_cookie("flow", domain=browser.domain)
    page = browser.post(path, data)
    assert (page.status, page.heading) == (410, "Siden er for gammel")
    assert store.count(database, "throttle") == 0
    assert browser.open(path).path == "/login"


def test_more_time_is_given_to_who_asks_for_it(browser: Browser, clock: SetClock) -> None:
    begin(browser, BO.username)
    clock.forward(minutes=29)
    assert browser.press("Giv mig mere tid").path == "/login/adgangskode"
    clock.forward(minutes=29)
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == "/mit"


def test_a_clock_set_back_does_not_lengthen_a_half_done_login(browser: Browser, clock: SetClock) -> None:
    """S-07."""
    begin(browser, BO.username)
    clock.forward(hours=-1)
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).status == 410
