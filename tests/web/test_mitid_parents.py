"""A parent gives a child a new password on the child's device, with the parent's own MitID."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

from app.db import Database
from app.models.people import ContactRelation, Institution, Relation
from tests import store
from tests.cast import ALBA, ANNA, BO, CARLA, DAN, EVA, IDA, OTTO, PARENT, PROTECTED, Member, user_of
from tests.demo.relying import uuid_of
from tests.pages import Browser
from tests.web.test_new_password import practise
from tests.web.trips import Wire, decide, forget, go, relate, visit, yesterday

pytestmark = pytest.mark.usefixtures("wire")


def make_contact(database: Database, adult: Member, child: Member, **values: Any) -> None:
    """Register one more contact of a child."""
    with database.writing() as db:
        school = db.scalars(select(Institution).where(Institution.number == "999001")).one()
        row = {
            "pupil_id": user_of(db, child).id,
            "contact_id": user_of(db, adult).id,
            "institution_id": school.id,
            "relation": Relation.MOR,
            "has_custody": True,
            "may_help": True,
            "from_on": user_of(db, child).created_at.date() - timedelta(days=30),
        }
        db.execute(insert(ContactRelation).values(row | values))
        db.commit()


def history(app: Flask, member: Member) -> str:
    """Return what a person reads of what was done."""
    browser = Browser(app)
    browser.log_in(member.username or "", member.secret or "")
    return browser.open("/mit/historik").text


def test_dan_gives_anna_new_pictures_on_her_device(app: Flask, wire: Wire, database: Database) -> None:
    """S-32, S-24: the screen is handed over before the pictures are shown."""
    browser = Browser(app)
    forget(browser, ANNA)
    page = visit(browser, wire, DAN)
    assert (page.path, page.heading) == ("/mitid/barn", "Giv nu skærmen til dit barn")
    assert "anna1001" in page.text
    page = browser.follow("Jeg er klar")
    assert page.heading == "Dine nye billeder"
    secret = page.secret
    assert practise(browser, secret).path == "/mit"
    assert "Hej Anna Holm." in browser.current.text
    assert Browser(app).log_in("anna1001", secret).path == "/mit"
    assert Browser(app).log_in("anna1001", ANNA.secret or "").status == 422
    changed = store.events(database, "PASSWORD_CHANGED")[-1]
    with database.reading() as db:
        assert (changed.actor_id, changed.subject_id) == (user_of(db, DAN).id, user_of(db, ANNA).id)
    assert changed.details["authorisation"] == "GUARDIAN"


def test_a_parent_who_went_back_hands_the_screen_over_again(browser: Browser, wire: Wire) -> None:
    """S-24."""
    forget(browser, ANNA)
    back = decide(wire, go(browser), identity=uuid_of(DAN))
    assert browser.open(back).path == "/mitid/barn"
    page = browser.open(back)
    assert page.status == 410
    assert browser.follow("Gå videre").heading == "Giv nu skærmen til dit barn"


def test_what_another_chose_is_not_shown_to_whoever_proves_it_anew(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """S-25: what waits goes with the proof it was dealt or chosen by."""
    forget(browser, BO)
    visit(browser, wire, BO)
    dealt = browser.open("/login/ny-kode").secret
    assert store.count(database, "pending_password") == 1
    browser.open("/login/ny-kode/selv")
    chosen = "RobinLampe47"
    browser.press("Næste", filled={"Ny adgangskode": chosen})
    browser.open("/ny-adgangskode/glemt")
    visit(browser, wire, BO)
    assert browser.open("/login/ny-kode").secret not in (dealt, chosen)


def test_a_parent_who_logs_out_elsewhere_helps_no_further_there(
    app: Flask, wire: Wire, database: Database
) -> None:
    """S-18, S-26: the parent may have left the child's machine to somebody else."""
    childs = Browser(app)
    forget(childs, ANNA)
    assert visit(childs, wire, DAN).path == "/mitid/barn"
    other = Browser(app)
    other.log_in("danh3001", DAN.password or "")
    own = Browser(app)
    own.log_in("danh3001", DAN.password or "")
    assert own.press("Log ud alle andre steder").path == "/mit"
    assert childs.open("/login/ny-kode").status == 410
    assert store.count(database, "pending_password") == 0


def test_anna_reads_who_it_was(app: Flask, browser: Browser, wire: Wire) -> None:
    """S-26."""
    forget(browser, ANNA)
    visit(browser, wire, DAN)
    page = browser.open("/login/ny-kode")
    practise(browser, page.secret)
    assert "med hjælp fra en forælder" in browser.current.text
    text = browser.open("/mit/historik").text
    assert "Adgangskoden blev skiftet" in text
    assert "af Dan Holm" in text


def test_only_the_other_contacts_with_custody_see_it(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    make_contact(database, PARENT, ANNA)
    make_contact(database, CARLA, ANNA, has_custody=False)
    make_contact(database, EVA, ANNA, to_on=yesterday(app))
    forget(browser, ANNA)
    visit(browser, wire, DAN)
    practise(browser, browser.open("/login/ny-kode").secret)
    told = "Dan Holm gav Anna Holm en ny adgangskode"
    assert told in history(app, PARENT)
    for member in (DAN, CARLA, EVA):
        assert "gav Anna Holm en ny adgangskode" not in history(app, member)


def test_a_protected_child_is_named_by_the_alias(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """S-72."""
    make_contact(database, PARENT, PROTECTED)
    make_contact(database, DAN, PROTECTED)
    forget(browser, PROTECTED)
    visit(browser, wire, DAN)
    practise(browser, browser.open("/login/ny-kode").secret)
    text = history(app, PARENT)
    assert "Dan Holm gav Maja Skov en ny adgangskode" in text
    assert "Sofia" not in text


@pytest.mark.parametrize("child", [ALBA, OTTO])
def test_hanne_helps_each_of_her_two(browser: Browser, wire: Wire, child: Member) -> None:
    forget(browser, child)
    assert visit(browser, wire, PARENT).path == "/mitid/barn"
    assert practise(browser, browser.open("/login/ny-kode").secret).path == "/mit"


def nothing_changed(database: Database, before: dict[str, Any]) -> bool:
    """Whether passwords, sessions and waiting passwords are as they were."""
    return store.content(database, "credential", "sso_session", "pending_password") == before


def untouched(database: Database) -> dict[str, Any]:
    """Return what a refusal must leave alone."""
    return store.content(database, "credential", "sso_session", "pending_password")


def test_for_ida_he_is_refused_and_told_why(browser: Browser, wire: Wire, database: Database) -> None:
    """S-32: a contact, but without custody."""
    before = untouched(database)
    forget(browser, IDA)
    page = visit(browser, wire, DAN)
    assert (page.status, page.path) == (422, "/mitid/retur")
    assert "Du står som kontaktperson for barnet, men uden forældremyndighed." in page.text
    assert "Der er ikke ændret noget." in page.text
    assert "Skolen kan rette det." in page.text
    assert nothing_changed(database, before)
    assert browser.open("/login/ny-kode").path == "/login/adgangskode"


def test_without_the_schools_leave_for_this_relation_he_is_refused(
    browser: Browser, wire: Wire, database: Database
) -> None:
    """S-32: per-relation permission."""
    relate(database, ANNA, may_help=False)
    before = untouched(database)
    forget(browser, ANNA)
    page = visit(browser, wire, DAN)
    assert page.status == 422
    assert "Skolen har skrevet, at du ikke må hjælpe barnet med login." in page.text
    assert nothing_changed(database, before)


def test_who_was_a_contact_until_yesterday_is_no_contact(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """S-32."""
    relate(database, ANNA, to_on=yesterday(app))
    forget(browser, ANNA)
    page = visit(browser, wire, DAN)
    assert page.status == 422
    assert "Dit MitID hører til en anden end anna1001." in page.text
    assert "Du står ikke som kontaktperson for barnet. Skolen kan rette det." in page.text


@pytest.mark.parametrize(
    ("change", "said", "reason"),
    [
        ({"has_custody": False}, "men uden forældremyndighed", "no_custody"),
        ({"may_help": False}, "at du ikke må hjælpe barnet med login", "may_not_help"),
        ({"to_on": None}, "Du står ikke længere som kontaktperson for barnet.", "no_contact"),
    ],
    ids=["custody", "leave", "relation"],
)
def test_what_is_lost_midway_stops_it_at_the_last_step_and_is_named(
    app: Flask,
    browser: Browser,
    wire: Wire,
    database: Database,
    change: dict[str, Any],
    said: str,
    reason: str,
) -> None:
    """S-32, S-04: read again in the transaction that would put the password in force."""
    forget(browser, ANNA)
    visit(browser, wire, DAN)
    secret = browser.open("/login/ny-kode").secret
    values = {"to_on": yesterday(app)} if "to_on" in change else change
    relate(database, ANNA, **values)
    passwords = store.content(database, "credential")
    page = practise(browser, secret)
    assert page.status == 422
    assert page.heading == "Du kan ikke give barnet en ny adgangskode"
    assert said in page.text
    assert "Der er ikke ændret noget." in page.text
    assert [e.details["reason"] for e in store.events(database, "LOGIN_REFUSED")] == [reason]
    assert store.content(database, "credential") == passwords
    assert store.count(database, "pending_password") == 0
    assert browser.cookie("login") is None
    assert browser.open("/login/ny-kode").path == "/login/billeder"
    assert Browser(app).log_in("anna1001", ANNA.secret or "").path == "/mit"


def test_a_parent_who_is_blocked_midway_is_stopped(
    app: Flask, browser: Browser, wire: Wire, database: Database
) -> None:
    """S-32."""
    from app.db import instant
    from app.domain import blocking

    forget(browser, ANNA)
    visit(browser, wire, DAN)
    browser.open("/login/oev")
    with database.writing() as db:
        blocking.block(db, user_of(db, DAN).id, instant(app.extensions["world"].clock))
        db.commit()
    assert browser.open("/login/ny-kode").status == 410
