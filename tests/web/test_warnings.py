"""Warned of a change of password: at a new stage, by a mark, by age; until it is not due any more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.config import PasswordProfile
from app.db import Database
from app.demo.cast import BO, EXPIRING, STAGE, Member
from app.models.people import PasswordType, User
from app.web.i18n import date_text
from tests import store
from tests.cast import user_of
from tests.conftest import SetClock
from tests.pages import Browser


def last_day_of(app: Flask, database: Database, member: Member) -> str:
    """Return the last day of a password in words, as the store has it."""
    with database.reading() as db:
        user = user_of(db, member)
    ends = next(row for row in store.content(database, "credential")["credential"] if row[1] == user.id)[7]
    with app.test_request_context("/?ui_locales=da"):
        return date_text(ends)


def test_the_level_four_pupil_postpones_once_and_changes_into_words_the_next_time(
    app: Flask, browser: Browser, database: Database
) -> None:
    page = browser.log_in(STAGE.username or "", STAGE.secret or "")
    assert (page.path, page.heading) == ("/login/varsel", "Din adgangskode skal snart skiftes")
    assert "Du er kommet i en ny klasse." in page.text
    assert "Så skal du skrive ord i stedet for at trykke på billeder." in page.text
    assert f"Du kan vente til {last_day_of(app, database, STAGE)}." in page.text
    assert browser.press("Senere").path == "/mit"
    assert [event.event for event in store.events(database)][-2:] == [
        "PASSWORD_CHANGE_POSTPONED",
        "LOGGED_IN",
    ]

    later = Browser(app)
    assert later.log_in(STAGE.username or "", STAGE.secret or "").path == "/login/varsel"
    page = later.press("Skift nu")
    assert (page.path, page.heading) == ("/login/ny-kode", "Din nye adgangskode")
    assert "Du skal ikke bruge billeder mere. Fra nu af skal du skrive ord i stedet." in page.text
    secret = page.secret
    later.follow("Jeg kan huske den")
    assert later.press("Næste", filled={"Ny adgangskode": secret}).path == "/mit"
    assert "Fire billeder" not in later.current.text

    again = Browser(app)
    again.open("/login/brugernavn")
    page = again.press("Næste", filled={"Brugernavn": STAGE.username or ""})
    assert page.path == "/login/adgangskode"
    assert again.press("Log ind", filled={"Adgangskode": secret}).path == "/mit"


def test_whom_the_school_has_marked_for_pictures_is_told_so_and_of_no_new_class(
    browser: Browser, database: Database
) -> None:
    with database.writing() as db:
        user_of(db, BO).marked_password_type = PasswordType.PICTURES
        db.commit()
    page = browser.log_in(BO.username or "", BO.password or "")
    assert page.path == "/login/varsel"
    assert "Skolen har ændret, hvordan du logger ind." in page.text
    assert "Du er kommet i en ny klasse." not in page.text
    assert "Så skal du trykke på fire billeder i stedet for at skrive." in page.text
    page = browser.press("Skift nu")
    assert page.heading == "Dine nye billeder"
    assert "Du skal ikke skrive en adgangskode mere. Fra nu af trykker du på fire billeder." in page.text


def test_an_adult_is_warned_with_the_last_day_and_may_wait(
    app: Flask, browser: Browser, database: Database
) -> None:
    page = browser.log_in(EXPIRING.username or "", EXPIRING.password or "")
    assert page.path == "/login/varsel"
    assert "Din adgangskode er snart et år gammel." in page.text
    assert "billeder" not in page.text
    assert f"Du kan vente til {last_day_of(app, database, EXPIRING)}." in page.text
    assert browser.press("Senere").path == "/mit"


def test_s_20_where_no_password_runs_out_by_age_nobody_is_warned_of_one_set_before(
    app: Flask, browser: Browser, clock: SetClock
) -> None:
    assert browser.log_in(BO.username or "", BO.password or "").path == "/mit"
    assert "Skal skiftes senest" in browser.current.text
    config = app.extensions["config"]
    app.extensions["config"] = replace(config, password_profile=PasswordProfile.NIST)
    assert "Skal skiftes senest" not in browser.open("/mit").text
    clock.forward(days=400)
    page = Browser(app).log_in(BO.username or "", BO.password or "")
    assert page.path == "/mit"
    assert "Skal skiftes senest" not in page.text


def test_who_is_moved_back_while_the_warning_is_shown_is_warned_no_more(
    app: Flask, browser: Browser, db: Session
) -> None:
    page = browser.log_in(STAGE.username or "", STAGE.secret or "")
    assert page.heading == "Din adgangskode skal snart skiftes"
    earlier = browser.twin()
    db.execute(
        update(User)
        .where(User.id == user_of(db, STAGE).id)
        .values(marked_password_type=PasswordType.PICTURES)
    )
    db.commit()
    page = browser.open("/login/varsel")
    assert page.heading == "Du skal ikke skifte adgangskode alligevel"
    assert "ny klasse" not in page.text
    assert "Du kan vente" not in page.text
    assert "Skift nu" not in page.text
    assert browser.press("Log ind").path == "/mit"
    assert "Skal skiftes senest" not in browser.current.text
    assert "udsat" not in browser.current.text, "nothing was put off"
    assert earlier.press("Senere").path == "/mit"
    again = Browser(app)
    assert again.log_in(STAGE.username or "", STAGE.secret or "").path == "/mit"


@pytest.mark.parametrize(("member", "days"), [(STAGE, 21), (EXPIRING, 11)])
def test_after_the_last_day_there_is_only_change_now(
    browser: Browser, database: Database, clock: SetClock, member: Member, days: int
) -> None:
    clock.forward(days=days)
    page = browser.log_in(member.username or "", member.secret or "")
    assert (page.path, page.heading) == ("/login/varsel", "Du skal skifte adgangskode nu")
    assert "Senere" not in page.text
    path, data = browser.form("Skift nu")
    data.pop("now")
    page = browser.post(path, data | {"later": "1"})
    assert page.path == "/login/ny-kode"
    assert browser.open("/mit").path == "/login"
    assert store.count(database, "sso_session") == 0
