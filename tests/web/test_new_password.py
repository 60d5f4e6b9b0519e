"""A new password: dealt or chosen, practised, in force; and nowhere to be seen but on the one page."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import update

from app.config import Config
from app.db import Database, Instant
from app.demo.cast import ANNA, BO, IDA, MARKED, STAGE, Member
from app.domain import new_password
from app.domain.passwords import Hasher
from app.models.credentials import Authorisation, Credential
from app.models.people import PasswordType
from app.web import pictures
from tests import store
from tests.cast import user_of
from tests.conftest import SetClock
from tests.pages import Browser, Page

OLD, NEW = "Den adgangskode, du har nu", "Ny adgangskode"
GOOD = "GraesTromle27"


def ask_for_new(browser: Browser, member: Member) -> Page:
    """Log in and show the old password: the new one is on the page."""
    browser.log_in(member.username or "", member.secret or "")
    browser.open("/ny-adgangskode/skift")
    label = "De fire billeders navne" if member.pictures else OLD
    return browser.press("Næste", filled={label: member.secret or ""})


def choose(browser: Browser, secret: str) -> Page:
    """Choose a password."""
    browser.open("/login/ny-kode/selv")
    return browser.press("Næste", filled={NEW: secret})


def practise(browser: Browser, secret: str) -> Page:
    """Enter the new password once."""
    page = browser.open("/login/oev")
    label = "De fire billeders navne" if "pictures" in page.response.text else NEW
    return browser.press("Næste", filled={label: secret})


@pytest.mark.parametrize("member", [BO, IDA, ANNA, MARKED])
def test_a_dealt_password_is_practised_once_and_then_in_force(app: Flask, member: Member) -> None:
    """S-25."""
    browser = Browser(app)
    page = ask_for_new(browser, member)
    assert page.path == "/login/ny-kode"
    secret = page.secret
    page = browser.follow("Jeg kan huske de")
    assert page.path == "/login/oev"
    assert secret not in page.response.text
    assert practise(browser, secret).path == "/mit"
    assert Browser(app).log_in(member.username or "", secret).path == "/mit"
    assert Browser(app).log_in(member.username or "", member.secret or "").status == 422


def test_new_pictures_can_be_tapped_and_come_with_a_rhyme(browser: Browser) -> None:
    page = ask_for_new(browser, ANNA)
    names = page.secret.split()
    ids = pictures.parse(" ".join(names)) or []
    assert pictures.rhyme(ids, "da") in page.text
    assert "Vælg selv" not in page.text
    browser.follow("Jeg kan huske dem")
    for name in names:
        browser.press(name)
    assert browser.press("Næste").path == "/mit"


def test_pictures_are_dealt_and_never_chosen(browser: Browser, database: Database) -> None:
    """S-23."""
    ask_for_new(browser, ANNA)
    before = store.content(database, "pending_password")
    assert browser.open("/login/ny-kode/selv").path == "/login/ny-kode"
    browser.open("/login/oev")
    data = {"csrf_token": browser.csrf(), "username": "anna1001", "password": "sol kage bil hat"}
    assert browser.post("/login/ny-kode/selv", data).path == "/login/ny-kode"
    assert store.content(database, "pending_password") == before


def test_bo_chooses_his_own(app: Flask, browser: Browser) -> None:
    page = ask_for_new(browser, BO)
    dealt = page.secret
    assert browser.follow("Vælg selv").path == "/login/ny-kode/selv"
    page = choose(browser, GOOD)
    assert (page.path, page.heading) == ("/login/oev", "Prøv din nye adgangskode")
    assert practise(browser, dealt).status == 422
    assert practise(browser, GOOD).path == "/mit"
    assert Browser(app).log_in("boli1003", GOOD).path == "/mit"


def test_s_15_who_chooses_again_and_again_waits_and_is_told_so(browser: Browser) -> None:
    """«S-15» What is compared with the last passwords counts like a try; once or twice is answered kindly."""
    ask_for_new(browser, BO)
    for _ in range(2):
        page = choose(browser, BO.password or "")
        assert (page.status, "Ikke en af dine sidste fem." in page.text) == (422, True)
    for number in range(8):  # a device that Bo uses has ten
        assert choose(browser, f"GraesTromle{number}7").path == "/login/oev"
    page = choose(browser, GOOD)
    assert (page.status, page.path) == (429, "/login/ny-kode/selv")
    assert re.search(r"Vent \d+ sekunder, og vælg så igen\.", page.text)
    assert "Ikke opfyldt" not in page.text
    assert "Du kan også bruge den adgangskode, du valgte sidst." in page.text
    assert "du fik" not in page.text, "what was dealt has been replaced"
    assert practise(browser, "GraesTromle77").path == "/mit", "the last one that was taken is still good"


@pytest.mark.sqlite_only
def test_who_waits_before_any_choice_was_taken_is_led_to_the_dealt_one(browser: Browser) -> None:
    dealt = ask_for_new(browser, BO).secret
    for _ in range(10):  # a device that Bo uses has ten
        assert choose(browser, BO.password or "").status == 422
    page = choose(browser, BO.password or "")
    assert page.status == 429
    assert "Du kan også bruge den adgangskode, du fik." in page.text
    assert browser.follow("Brug den adgangskode, du fik").secret == dealt


@pytest.mark.sqlite_only
def test_an_own_choice_is_called_so_on_the_way_back_to_it(browser: Browser) -> None:
    ask_for_new(browser, BO)
    choose(browser, GOOD)
    page = browser.open("/login/ny-kode/selv")
    assert "du fik" not in page.text
    assert browser.follow("Brug den adgangskode, du valgte sidst").secret == GOOD


def test_the_dealt_one_can_still_be_taken_after_all(browser: Browser) -> None:
    dealt = ask_for_new(browser, BO).secret
    choose(browser, "kort")
    page = browser.follow("Brug den adgangskode, du fik")
    assert page.secret == dealt
    assert practise(browser, dealt).path == "/mit"


@pytest.mark.parametrize(
    ("secret", "rule"),
    [
        ("Ab1 efg", "Mellem 8 og 24 tegn."),
        ("GraesTromle27GraesTromle2", "Mellem 8 og 24 tegn."),
        ("GræsTromle27", "Kun a til z, tal, mellemrum og tegn som ! og ?. Ikke æ, ø og å."),
        ("GraesTromle27 ", "Ikke mellemrum først eller sidst."),
        (" GraesTromle27", "Ikke mellemrum først eller sidst."),
        ("GraesTromle27\u00a0", "Ikke mellemrum først eller sidst."),
        ("graestromle27", "Mindst ét stort bogstav."),
        ("GRAESTROMLE27", "Mindst ét lille bogstav."),
        ("GraesTromle", "Mindst ét tal."),
        ("MinTromleLind27", "Ikke dit navn eller brugernavn."),
        ("Xboli1003x", "Ikke dit navn eller brugernavn."),
        ("Egeskolen27x", "Ikke navnet på din skole."),
        ("Sommertromle27", "Ikke en årstid, en måned eller en ugedag."),
        ("Kodeord27tromle", "Ikke ord som skole eller adgangskode."),
        ("Tromle12345x", "Ikke taster på række, som 12345 eller aaaa."),
        ("Tromlaaaa27", "Ikke taster på række, som 12345 eller aaaa."),
        ("Password1!", "Ikke en, som mange bruger."),
        ("KanelTrappe58", "Ikke en af dine sidste fem."),
        ("PudeKanin31", "Ikke en af dine sidste fem."),
    ],
)
def test_the_rule_that_failed_is_named(browser: Browser, database: Database, secret: str, rule: str) -> None:
    """S-20."""
    ask_for_new(browser, BO)
    before = store.content(database, "pending_password")
    page = choose(browser, secret)
    assert page.status == 422
    assert page.title.startswith("Fejl: ")
    summary = next(e for e in page.root.iter("div") if e.get("id") == "error-summary")
    named = ["".join(e.itertext()) for e in summary.iter("li")]
    assert rule in named
    assert secret not in page.response.text
    assert store.content(database, "pending_password") == before


def test_a_password_that_ends_in_a_blank_since_before_still_logs_in(
    browser: Browser, database: Database, hasher: Hasher, config: Config, now: Instant
) -> None:
    """S-20: what is typed is compared whole."""
    old, kind = "GraesTromle27 ", PasswordType.WORDS_DIGITS
    with database.writing() as db:
        user_id = user_of(db, BO).id
        db.execute(update(Credential).where(Credential.user_id == user_id).values(ended_at=now.sql))
        hashed = hasher.hash(old, user_id, kind)
        new_password.store(db, hasher, config, user_id, hashed, kind, Authorisation.OWNER, user_id, now)
        db.commit()
    assert browser.log_in(BO.username or "", old.strip()).status == 422
    assert browser.log_in(BO.username or "", old).path == "/mit"


def test_only_the_rules_that_failed_are_named(browser: Browser) -> None:
    """S-20."""
    ask_for_new(browser, BO)
    page = choose(browser, "graestromle")
    summary = next(e for e in page.root.iter("div") if e.get("id") == "error-summary")
    named = ["".join(e.itertext()) for e in summary.iter("li")]
    assert named == ["Mindst ét stort bogstav.", "Mindst ét tal."]
    assert choose(browser, "").status == 422
    assert "Skriv den adgangskode, du vil have." in browser.current.text


def test_level_four_to_six_need_no_digits(browser: Browser) -> None:
    ask_for_new(browser, IDA)
    assert choose(browser, "graestromle").path == "/login/oev"
    assert practise(browser, "graestromle").path == "/mit"


def test_a_reload_shows_the_same_one(browser: Browser) -> None:
    """S-25."""
    secret = ask_for_new(browser, BO).secret
    assert {browser.open("/login/ny-kode").secret for _ in range(3)} == {secret}


def test_until_it_is_practised_the_old_one_works(app: Flask, browser: Browser) -> None:
    """S-25."""
    secret = ask_for_new(browser, BO).secret
    assert Browser(app).log_in("boli1003", secret).status == 422
    assert Browser(app).log_in("boli1003", BO.password or "").path == "/mit"
    assert browser.open("/mit").path == "/mit"


def test_a_change_ends_the_other_logins_and_is_told_at_the_next(app: Flask, database: Database) -> None:
    """S-26, S-18, S-17."""
    at_home, at_school = Browser(app), Browser(app)
    at_school.log_in("boli1003", BO.password or "")
    ask_for_new(at_home, BO)
    before = at_home.cookie("login")
    choose(at_home, GOOD)
    page = practise(at_home, GOOD)
    assert page.path == "/mit"
    assert at_home.cookie("login") != before
    assert "blev skiftet" not in page.text.partition("Hvem du er")[0]
    assert at_school.open("/mit").path == "/login"
    assert at_school.cookie("login") is None
    page = at_school.log_in("boli1003", GOOD)
    assert page.path == "/mit"
    assert "Din adgangskode blev skiftet" in page.text
    assert "af dig selv" in page.text.partition("Hvem du er")[0]
    at_school.press("Log ud")
    assert "Din adgangskode blev skiftet" not in at_school.log_in("boli1003", GOOD).text
    changed = store.events(database, "PASSWORD_CHANGED")[-1]
    assert changed.actor_id == changed.subject_id
    assert changed.details["authorisation"] == "OWNER"


def test_a_change_ends_the_persons_half_done_logins_elsewhere(app: Flask) -> None:
    """S-26."""
    elsewhere, browser = Browser(app), Browser(app)
    assert elsewhere.log_in(STAGE.username or "", STAGE.secret or "").path == "/login/varsel"
    browser.log_in(STAGE.username or "", STAGE.secret or "")
    secret = browser.press("Skift nu").secret
    assert practise(browser, secret).path == "/mit"
    assert elsewhere.press("Senere").status == 410


def test_a_change_leaves_no_device_known_but_its_own(app: Flask, database: Database) -> None:
    """S-26, S-13: whoever had the old password has no tries of an own any more."""
    elsewhere, browser = Browser(app), Browser(app)
    elsewhere.log_in(BO.username or "", BO.secret or "")
    before = store.count(database, "known_device")
    browser.log_in(BO.username or "", BO.secret or "")
    assert store.count(database, "known_device") == before + 1
    browser.open("/ny-adgangskode/skift?mit=1")
    page = browser.press("Næste", filled={OLD: BO.secret or ""})
    assert practise(browser, page.secret).path == "/mit"
    assert store.count(database, "known_device") == before


def test_a_dealt_password_breaks_between_its_words_only(browser: Browser) -> None:
    """With large text it is two lines on a phone, and a child types what it sees."""
    page = ask_for_new(browser, BO)
    shown = re.search(r'class="secret-words"[^>]*>(.*?)</p>', page.response.text)
    assert shown is not None
    assert shown[1].split("<wbr>") == re.findall(r"[A-Z][a-z]+|[0-9]+", page.secret)


def test_two_presses_at_the_end_change_once(browser: Browser, database: Database) -> None:
    """S-19."""
    secret = ask_for_new(browser, BO).secret
    browser.follow("Jeg kan huske de")
    second = browser.twin()
    form = browser.form("Næste", filled={NEW: secret})
    before = store.count(database, "credential"), store.count(database, "sso_session")
    assert browser.post(*form).path == "/mit"
    assert second.post(*form).path == "/mit"
    assert (store.count(database, "credential"), store.count(database, "sso_session")) == (
        before[0] + 1,
        before[1] + 1,
    )
    assert browser.cookie("login") == second.cookie("login")


def test_a_change_that_ran_out_changes_nothing(browser: Browser, clock: SetClock, database: Database) -> None:
    """S-25."""
    secret = ask_for_new(browser, BO).secret
    browser.follow("Jeg kan huske de")
    before = store.content(database, "credential")
    clock.forward(minutes=31)
    assert browser.press("Næste", filled={NEW: secret}).status == 410
    assert store.content(database, "credential") == before


def test_what_waited_is_erased_at_the_end(browser: Browser, database: Database) -> None:
    """S-25."""
    secret = ask_for_new(browser, BO).secret
    assert store.count(database, "pending_password") == 1
    practise(browser, secret)
    assert store.count(database, "pending_password") == 0


@pytest.mark.parametrize("member", [BO, ANNA])
def test_no_page_but_one_ever_shows_a_password_nor_store_nor_log(
    app: Flask, browser: Browser, database: Database, log_lines: list[str], member: Member
) -> None:
    """S-24: dealt, chosen, old and wrong ones; in words or picture ids."""
    page = ask_for_new(browser, member)
    assert "no-store" in page.response.headers["Cache-Control"]
    dealt = page.secret
    secrets = {dealt, member.secret or "", "KatteHale91"}
    if member.pictures:
        secrets |= {" ".join(pictures.parse(dealt) or []), ",".join(pictures.parse(dealt) or [])}
    seen: list[Page] = [browser.follow("Jeg kan huske de"), practise(browser, "KatteHale91")]
    if not member.pictures:
        seen += [
            browser.open("/login/ny-kode/selv"),
            choose(browser, "KatteHale91"),
            choose(browser, "Kort 1"),
        ]
        browser.follow("Brug den adgangskode, du valgte sidst")
        assert browser.current.secret in ("KatteHale91", dealt)
        dealt = browser.current.secret
    seen += [practise(browser, dealt), browser.open("/mit/historik"), browser.open("/da/")]
    seen.append(Browser(app).log_in(member.username or "", "KatteHale91"))
    for page in seen:
        hay = page.response.text + str(page.response.headers) + page.response.request.url
        assert not any(secret in hay for secret in secrets), page.path
    for hay in (store.all_text(database), "\n".join(log_lines)):
        assert not any(secret in hay for secret in secrets)
    assert len(log_lines) > 10


def test_whoever_is_logged_in_may_keep_the_old_one(browser: Browser, database: Database) -> None:
    browser.log_in(BO.username or "", BO.password or "")
    browser.open("/ny-adgangskode/skift?mit=1")
    browser.press("Næste", filled={"Den adgangskode, du har nu": BO.password or ""})
    browser.follow("Jeg kan huske den")
    before = store.content(database, "credential")
    second = browser.twin()
    form = browser.form("Behold den gamle")
    page = browser.post(*form)
    assert page.path == "/mit"
    assert "Der er ikke skiftet noget." in page.text
    assert second.post(*form).path == "/mit"
    assert store.content(database, "credential") == before
    assert store.count(database, "pending_password") == 0
    assert browser.open("/login/ny-kode").path == "/mit"


def test_a_warned_person_who_began_may_still_keep_the_old_one(browser: Browser, database: Database) -> None:
    browser.log_in(STAGE.username or "", STAGE.secret or "")
    page = browser.press("Skift nu")
    assert (page.path, page.heading) == ("/login/ny-kode", "Din nye adgangskode")
    assert browser.press("Behold de gamle").path == "/mit"
    assert len(store.events(database, "PASSWORD_CHANGE_POSTPONED")) == 1
    assert store.count(database, "pending_password") == 0
    assert store.count(database, "sso_session") == 1


def test_an_old_password_that_has_run_out_cannot_be_kept(
    browser: Browser, database: Database, clock: SetClock
) -> None:
    clock.forward(days=21)
    browser.log_in(STAGE.username or "", STAGE.secret or "")
    page = browser.press("Skift nu")
    assert "Behold" not in page.text
    browser.open("/login/oev")
    assert "Behold" not in browser.current.text
    assert browser.post("/login/ny-kode/behold", {"csrf_token": browser.csrf()}).path == "/login/ny-kode"
    assert store.count(database, "sso_session") == 0
    assert browser.open("/mit").path == "/login"


def test_nobody_keeps_an_old_password_without_having_entered_it(browser: Browser, database: Database) -> None:
    """S-01."""
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": BO.username or ""})
    page = browser.post("/login/ny-kode/behold", {"csrf_token": browser.csrf()})
    assert page.path == "/login/adgangskode"
    assert store.count(database, "sso_session") == 0


def test_pictures_are_many_and_a_password_is_one(app: Flask) -> None:
    page = ask_for_new(Browser(app), BO)
    for words in ("Vis den ikke til andre.", "Jeg kan huske den"):
        assert words in page.text
    browser = Browser(app)
    page = ask_for_new(browser, ANNA)
    for words in ("Vis dem ikke til andre.", "Jeg kan huske dem"):
        assert words in page.text
    page = browser.follow("Jeg kan huske dem")
    assert "Kan du ikke huske dem? Så tryk på Se dem igen." in page.text
    strong = [e.text for e in page.root.iter("strong")]
    assert strong == ["Se dem igen"]
    parts = [e.get("data-part") for e in page.root.iter()]
    assert parts.index("see-again") < parts.index("pictures")
    page = browser.press("Næste", filled={"De fire billeders navne": "sol kage bil hat"})
    summary = next(e for e in page.root.iter("div") if e.get("id") == "error-summary")
    assert [link.text for link in summary.iter("a")][1:] == ["Se dem igen"]  # the first leads to the field
    assert browser.follow("Se dem igen").path == "/login/ny-kode"
