"""«Mit Unilogin»: who I am, where I am logged in, what was done to my login; and the way out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.db import Database, Instant
from app.demo.cast import ANNA, BO, BOTH, CARLA, DAN, EVA, GRY, IDA, PROTECTED, Member
from app.domain import audit, blocking
from app.domain.audit import Event
from tests import store
from tests.cast import EGESKOLEN, LINDESKOLEN, institution, user_of
from tests.conftest import SetClock
from tests.pages import Browser, Page

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROMEBOOK = "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"


def log_in(app: Flask, member: Member, *, agent: str = "", address: str = "127.0.0.1") -> Browser:
    """Return a browser in which somebody is logged in."""
    browser = Browser(app, address=address)
    browser.client.environ_base["HTTP_USER_AGENT"] = agent
    assert browser.log_in(member.username or "", member.secret or "").path == "/mit"
    return browser


def part(page: Page, id: str) -> str:
    """Return the words of the panel with this heading."""
    for section in page.root.iter("section"):
        if section.get("aria-labelledby") == id:
            return " ".join("".join(section.itertext()).split())
    raise AssertionError(f"no panel {id}")


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (ANNA, ["Anna Holm", "anna1001", "Egeskolen", "999001", "2.B", "Elev"]),
        (CARLA, ["Carla Juhl", "Egeskolen", "2.B, 5.A", "Lærer"]),
        (DAN, ["Dan Holm", "Kontaktperson", "Egeskolen"]),
        (EVA, ["Eva Norup", "Teknisk-administrativ medarbejder", "Brugeradministrator", "Egeskolen"]),
        (GRY, ["Gry Toft", "Support"]),
        (BOTH, ["Mette Vang Iversen", "Lærer", "Kontaktperson", "6.B"]),
    ],
)
def test_it_shows_who_one_is_and_where(app: Flask, member: Member, words: list[str]) -> None:
    who = part(log_in(app, member).current, "who")
    assert all(word in who for word in words)


@pytest.mark.parametrize(("member", "asks"), [(ANNA, 0), (EVA, 1)])
def test_rights_are_asked_for_only_where_there_are_any(app: Flask, member: Member, asks: int) -> None:
    browser = log_in(app, member)
    with store.heard(app.extensions["database"]) as asked:
        page = browser.open("/mit")
    assert ("Brugeradministrator" in page.text) == bool(asks)
    assert len([one for one, _values in asked if one.startswith('SELECT "right".kind')]) == asks


def test_it_shows_when_and_by_whose_help_the_password_was_changed(app: Flask) -> None:
    panel = part(log_in(app, ANNA).current, "my-password")
    assert "Fire billeder" in panel
    assert re.search(r"\d{1,2}\. \w+ 20\d\d kl\. \d\d\.\d\d, med hjælp fra en lærer", panel)
    assert "Skal skiftes senest" not in panel
    panel = part(log_in(app, BO).current, "my-password")
    assert "En adgangskode" in panel
    assert "af dig selv" in panel
    assert "Skal skiftes senest" in panel


def test_a_protected_person_appears_by_alias_alone(app: Flask, database: Database) -> None:
    """S-72: also in the history."""
    browser = log_in(app, PROTECTED)
    for page in (browser.current, browser.open("/mit/historik"), browser.open("/ny-adgangskode/skift")):
        assert PROTECTED.given_name not in page.response.text
        assert PROTECTED.family_name not in page.response.text
    assert "Maja Skov" in browser.open("/mit").text
    written = str(store.content(database, "audit_event", "sso_session", "login_flow"))
    assert PROTECTED.given_name not in written


def test_a_protected_helper_is_named_by_alias(app: Flask, db: Session, now: Instant) -> None:
    """S-72."""
    blocking.block(db, user_of(db, BO).id, now, actor_id=user_of(db, PROTECTED).id)
    blocking.unblock(db, user_of(db, BO).id, now, actor_id=user_of(db, PROTECTED).id)
    db.commit()
    page = log_in(app, BO).open("/mit/historik")
    assert "Dit login blev spærret" in page.text
    assert "Dit login blev åbnet igen" in page.text
    assert "af Maja Skov" in page.text
    assert PROTECTED.family_name not in page.response.text


def test_it_lists_the_logins_with_device_and_marks_the_one_at_hand(app: Flask) -> None:
    log_in(app, BO, agent=CHROMEBOOK)
    log_in(app, BO, agent="curl/8")
    page = log_in(app, BO, agent=FIREFOX).current
    panel = part(page, "sessions")
    assert "Chrome, Chromebook" in panel
    assert "Ukendt enhed" in panel
    assert "Firefox, Linux Denne enhed" in panel
    assert panel.count("Denne enhed") == 1
    assert panel.count("Logget ind") == 3


def test_one_login_is_ended_from_another(app: Flask, database: Database) -> None:
    """S-18: at once."""
    at_school, at_home = log_in(app, BO, agent=CHROMEBOOK), log_in(app, BO, agent=FIREFOX)
    address = session_addresses(at_home.open("/mit"))
    assert len(address) == 1
    page = at_home.post(address[0], {"csrf_token": at_home.csrf()})
    assert page.path == "/mit"
    assert "Chromebook" not in part(page, "sessions")
    assert at_school.open("/mit").path == "/login"
    assert len(store.events(database, "SESSION_ENDED")) == 1
    at_home.post(address[0], {"csrf_token": at_home.csrf()})
    assert len(store.events(database, "SESSION_ENDED")) == 1
    assert at_home.open("/mit").path == "/mit"


def session_addresses(page: Page) -> list[str]:
    """Return where the presses go that end one login each."""
    return [a for f in page.forms() if re.fullmatch(r"/mit/sessioner/\d+/log-ud", a := f.get("action") or "")]


def test_all_other_logins_are_ended_and_the_one_at_hand_stays(app: Flask, database: Database) -> None:
    """S-18."""
    others = [log_in(app, BO) for _ in range(3)]
    browser = log_in(app, BO)
    assert browser.press("Log ud alle andre steder").path == "/mit"
    assert all(other.open("/mit").path == "/login" for other in others)
    assert browser.open("/mit").path == "/mit"
    assert "Log ud alle andre steder" not in browser.current.text
    assert [one.details["count"] for one in store.events(database, "SESSIONS_ENDED")] == [3]


def test_nobody_ends_the_login_of_somebody_else(app: Flask, database: Database) -> None:
    bo = log_in(app, BO)
    log_in(app, BO)
    address = session_addresses(bo.open("/mit"))[0]
    ida = log_in(app, IDA)
    before = store.content(database, "sso_session", "audit_event")
    for number in (*range(1, 6), 0, 2**63 - 1, 2**63, 10**30):
        if number != current_session(database, ida):
            page = ida.post(re.sub(r"\d+", str(number), address), {"csrf_token": ida.csrf()})
            assert page.status in (200, 404)
            ida.open("/mit")
    assert store.content(database, "sso_session", "audit_event") == before
    assert bo.open("/mit").path == "/mit"


def current_session(database: Database, browser: Browser) -> int:
    """Return the number of the newest login."""
    return max(row[0] for row in store.content(database, "sso_session")["sso_session"])


@pytest.mark.parametrize("path", ["/mit", "/mit/historik"])
def test_whoever_is_not_logged_in_sees_nothing_and_comes_back_after_the_login(
    browser: Browser, path: str
) -> None:
    assert browser.open(path).path == "/login"
    browser.follow("Brugernavn og adgangskode")
    browser.press("Næste", filled={"Brugernavn": "boli1003"})
    assert browser.press("Log ind", filled={"Adgangskode": BO.password or ""}).path == path


def test_what_was_done_is_listed_newest_first_with_place_and_device(app: Flask) -> None:
    stranger = Browser(app, address="203.0.113.9")
    stranger.log_in("boli1003", "forkert")
    browser = log_in(app, BO, agent=FIREFOX, address="198.51.100.20")
    panel = part(browser.current, "events")
    assert panel.index("Du loggede ind") < panel.index("Et login lykkedes ikke")
    assert "Firefox, Linux" in panel
    assert "198.51.100" not in panel
    assert "203.0.113" not in panel


def test_a_hand_that_two_schools_are_told_of_was_raised_once(app: Flask, db: Session, now: Instant) -> None:
    """Each of the schools has it in its own log; two hands are two."""
    bo, schools = user_of(db, BO).id, [institution(db, one).id for one in (EGESKOLEN, LINDESKOLEN)]
    earlier = timedelta(minutes=20)
    for at in (Instant(now.at - earlier, now.offset - earlier), now):
        for school in schools:
            audit.record(
                db, Event.HELP_ASKED, at, subject_id=bo, institution_id=school, network="10.0.0.0/24"
            )
    db.commit()
    browser = log_in(app, BO)
    assert browser.current.text.count("Du rakte hånden op") == 2
    assert browser.open("/mit/historik").text.count("Du rakte hånden op") == 2
    told = [one for one in audit.list_about(db, bo, most=10) if one.event == "HELP_ASKED"]
    assert len(told) == 4, "the operator sees each"


def test_the_history_is_paged_and_nobody_elses(app: Flask, db: Session, now: Instant) -> None:
    bo, ida = user_of(db, BO).id, user_of(db, IDA).id
    for number in range(70):
        earlier = timedelta(minutes=100 - number)
        at = Instant(now.at - earlier, now.offset - earlier)
        audit.record(db, Event.LOGIN_REFUSED, at, subject_id=bo, device="", network="", reason="wrong")
        audit.record(db, Event.BLOCKED, at, subject_id=ida)
    db.commit()
    browser = log_in(app, BO)
    page = browser.follow("Se hele historikken")
    seen: list[str] = []
    sizes = []
    while True:
        seen += re.findall(r"\d+\. \w+ \d+ kl\. \d\d\.\d\d", page.text)
        assert "spærret" not in page.text
        sizes.append(len([e for e in page.root.iter("li") if e.find("div") is not None]))
        assert ("Nyere" in page.text) == (len(sizes) > 1)
        if "Ældre" not in page.text:
            break
        page = browser.follow("Ældre")
    assert sizes[:2] == [30, 30]
    assert len(seen) == len(set(seen)) > 70
    assert browser.follow("Nyere").path == "/mit/historik"
    assert browser.follow("Tilbage").path == "/mit"


@pytest.mark.parametrize("til", ["0", "-1", "abc", "", "9223372036854775808", "9" * 40, "1e9", "1;drop"])
def test_an_odd_page_of_the_history_is_no_error(app: Flask, til: str) -> None:
    browser = log_in(app, BO)
    assert browser.open(f"/mit/historik?til={til}").status in (200, 400, 404)


def test_logging_out_ends_the_login_and_says_what_to_think_of(app: Flask, database: Database) -> None:
    """S-18: the id opens nothing any more, wherever it was copied to."""
    browser = log_in(app, BO)
    copied = browser.twin()
    page = browser.press("Log ud")
    assert (page.path, page.heading) == ("/log-ud", "Du er logget ud")
    assert "Er I flere om computeren?" in page.text
    assert browser.cookie("login") is None
    assert copied.open("/mit").path == "/login"
    assert len(store.events(database, "LOGGED_OUT")) == 1
    assert browser.follow("Log ind igen").path == "/login"


def test_after_logging_out_nobody_goes_on_with_a_half_done_change(app: Flask, database: Database) -> None:
    """S-18: the next person at a shared machine would read the password that waits, and practise it."""
    browser = log_in(app, BO)
    browser.open("/ny-adgangskode/skift?mit=1")
    browser.press("Næste", filled={"Den adgangskode, du har nu": BO.password or ""})
    assert browser.current.path == "/login/ny-kode"
    browser.open("/mit")
    browser.press("Log ud")
    assert store.count(database, "pending_password") == 0
    assert browser.open("/login/ny-kode").path == "/login"


def test_ending_the_other_logins_ends_what_is_half_done_there_too(app: Flask, database: Database) -> None:
    """S-18."""
    elsewhere, here = log_in(app, BO), log_in(app, BO)
    elsewhere.open("/ny-adgangskode/skift?mit=1")
    elsewhere.press("Næste", filled={"Den adgangskode, du har nu": BO.password or ""})
    assert here.press("Log ud alle andre steder").path == "/mit"
    assert elsewhere.open("/login/ny-kode").status == 410
    assert store.count(database, "pending_password") == 0


def test_whoever_is_logged_out_already_is_told_the_same(app: Flask, browser: Browser) -> None:
    """S-19."""
    browser = log_in(app, BO)
    second = browser.twin()
    form = browser.form("Log ud")
    assert browser.post(*form).path == "/log-ud"
    assert second.post(*form).path == "/log-ud"
    assert browser.open("/log-ud").heading == "Du er logget ud"


def test_the_page_after_logging_out_is_not_for_who_is_logged_in(app: Flask) -> None:
    assert log_in(app, BO).open("/log-ud").path == "/mit"


def test_an_hour_without_use_ends_the_login_and_use_prolongs_it(app: Flask, clock: SetClock) -> None:
    """S-18."""
    browser = log_in(app, BO)
    for _ in range(3):
        clock.forward(minutes=50)
        assert browser.open("/mit").path == "/mit"
    clock.forward(minutes=61)
    assert browser.open("/mit").path == "/login"
    assert browser.cookie("login") is None


def test_after_eight_hours_it_is_over_however_busy(app: Flask, clock: SetClock) -> None:
    """S-18."""
    browser = log_in(app, BO)
    for _ in range(9):
        clock.forward(minutes=53)
        assert browser.open("/mit").path == "/mit"
    clock.forward(minutes=4)
    assert browser.open("/mit").path == "/login"


def test_a_clock_set_back_does_not_prolong_it(app: Flask, clock: SetClock) -> None:
    """S-07."""
    browser = log_in(app, BO)
    clock.forward(hours=-2)
    assert browser.open("/mit").path == "/login"


def test_being_blocked_ends_every_login_at_once(app: Flask, db: Session, now: Instant) -> None:
    """S-18."""
    browsers = [log_in(app, BO) for _ in range(2)]
    blocking.block(db, user_of(db, BO).id, now)
    db.commit()
    assert all(browser.open("/mit").path == "/login" for browser in browsers)


def test_losing_the_last_affiliation_ends_the_login_at_once(app: Flask, db: Session) -> None:
    """S-18."""
    from sqlalchemy import delete

    from app.models.people import Affiliation

    browser = log_in(app, BO)
    db.execute(delete(Affiliation).where(Affiliation.user_id == user_of(db, BO).id))
    db.commit()
    assert browser.open("/mit").path == "/login"


def told(page: Page) -> str | None:
    """Return what a page tells once, without the word of its mark."""
    for element in page.root.iter("div"):
        if element.get("data-part") == "told":
            assert element.get("tabindex") == "-1"
            assert "autofocus" in element.attrib
            return " ".join("".join(element.itertext()).split()).split(" ", 3)[-1]
    return None


def change_password(browser: Browser) -> str:
    """Change Bo's password from his own page; returns the new one."""
    browser.open("/ny-adgangskode/skift?mit=1")
    page = browser.press("Næste", filled={"Den adgangskode, du har nu": BO.password or ""})
    secret = page.secret
    browser.follow("Jeg kan huske den")
    assert browser.press("Næste", filled={"Ny adgangskode": secret}).path == "/mit"
    return secret


def test_after_a_change_of_password_the_next_page_says_so_once(app: Flask) -> None:
    browser = log_in(app, BO)
    assert told(browser.current) is None
    change_password(browser)
    said = told(browser.current) or ""
    assert said.endswith("Din adgangskode er skiftet. Du er logget ud alle andre steder.")
    assert "told" not in browser.current.response.request.url
    assert told(browser.open("/mit")) is None
    assert told(browser.open("/mit/historik")) is None


def test_after_ending_other_logins_the_page_says_so_once(app: Flask) -> None:
    for _ in range(3):
        log_in(app, BO)
    browser = log_in(app, BO)
    page = browser.post(session_addresses(browser.current)[0], {"csrf_token": browser.csrf()})
    assert (told(page) or "").endswith("Du er logget ud det andet sted.")
    assert told(browser.open("/mit")) is None
    page = browser.press("Log ud alle andre steder")
    assert (told(page) or "").endswith("Du er logget ud de andre steder.")
    assert told(browser.open("/mit")) is None


def test_nothing_is_told_by_an_address(browser: Browser) -> None:
    """S-65: nobody can make a page say anything by a link."""
    for query in ("told=changed", "besked=changed", "told=%3Cb%3E"):
        assert told(browser.open(f"/login?{query}")) is None


def test_a_login_ended_by_a_change_elsewhere_says_why(app: Flask) -> None:
    browser, elsewhere = log_in(app, BO), log_in(app, BO)
    change_password(elsewhere)
    page = browser.open("/mit")
    assert page.path == "/login"
    assert (told(page) or "").endswith(
        "Du er logget ud, fordi adgangskoden blev skiftet. Var det ikke dig? Sig det til skolen."
    )
    assert told(browser.open("/login")) is None
    browser.open("/mit")
    assert told(browser.current) is None


def test_a_login_ended_from_elsewhere_says_why(app: Flask) -> None:
    browser, elsewhere = log_in(app, BO), log_in(app, BO)
    elsewhere.press("Log ud alle andre steder")
    assert (told(browser.open("/mit/historik")) or "").endswith("Du er logget ud fra et andet sted.")


@pytest.mark.parametrize("minutes", [61, 50], ids=["idle", "too long"])
def test_a_login_that_ran_out_says_why_to_its_own_browser_alone(
    app: Flask, clock: SetClock, minutes: int
) -> None:
    browser = log_in(app, BO)
    while browser.current.path == "/mit":
        clock.forward(minutes=minutes)
        browser.open("/mit")
    assert (told(browser.current) or "").endswith("Du er logget ud, fordi der er gået for lang tid.")
    stranger = Browser(app)
    stranger.plant("login", "planted-" + "a" * 35)
    assert told(stranger.open("/mit")) is None
    assert told(Browser(app).open("/mit")) is None


def test_why_a_blocked_person_is_out_is_not_told(app: Flask, db: Session, now: Instant) -> None:
    """S-10: only after the right password."""
    browser = log_in(app, BO)
    blocking.block(db, user_of(db, BO).id, now)
    db.commit()
    assert told(browser.open("/mit")) is None


def test_the_menu_leads_to_the_own_page_and_by_the_login_whoever_is_not_logged_in(
    app: Flask, browser: Browser
) -> None:
    browser.open("/en/")
    assert browser.follow("My Unilogin").path == "/login"
    assert browser.current.heading == "Choose login"
    known = log_in(app, BO)
    known.open("/da/")
    assert known.follow("Mit Unilogin").path == "/mit"


def test_one_logs_out_from_the_history_too(app: Flask) -> None:
    browser = log_in(app, BO)
    browser.open("/mit/historik")
    assert browser.press("Log ud").path == "/log-ud"
