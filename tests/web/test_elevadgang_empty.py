"""An empty list in Elevadgang says why, and what to do: each reason, of somebody who has it (domain 8)."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.models.imports import ImportOutcome, ImportRun
from tests.cast import (
    ENDED,
    EVA,
    LINDESKOLEN,
    NO_CLASS,
    NO_IMPORT,
    NOT_MAIN_GROUP,
    NOT_TEACHER,
    WITHOUT_PUPILS,
    Member,
    institution,
)
from tests.pages import Browser

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)


def look(app: Flask, member: Member) -> Browser:
    """Log in, and open the list in Danish."""
    browser = Browser(app)
    browser.log_in(member.username or "", member.password or "")
    browser.open("/elevadgang/klasser")
    return browser


def says(browser: Browser, *danish: str, english: str) -> None:
    """Expect a reason and what to do about it, in Danish and then in English; there is nothing to press."""
    for sentence in danish:
        assert sentence in browser.current.text
    assert "Giv ny adgangskode" not in browser.current.text
    assert "Ring på telefon" in browser.current.text
    assert browser.current.links()["←Tilbage"] == "/elevadgang"
    guide = browser.current.links()["Vejledning: Få adgang til Elevadgang"]
    assert browser.get(guide).status_code == 200
    address = browser.current.path
    browser.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    browser.client.delete_cookie("language")
    assert english in browser.open(address).text


def test_a_teacher_of_no_class_is_told_to_be_put_into_one(app: Flask) -> None:
    browser = look(app, NO_CLASS)
    assert browser.current.heading == "Der vises ingen elever"
    says(
        browser,
        "Men du er ikke knyttet til en klasse.",
        "Bed kontoret om at knytte dig til dine klasser.",
        english="But you are not connected to a class.",
    )


def test_who_has_another_role_is_told_that_it_takes_the_role_of_teacher(app: Flask) -> None:
    says(
        look(app, NOT_TEACHER),
        "Du har ikke rollen Lærer",
        "Bed kontoret om at give dig rollen.",
        english="You do not have the role Lærer",
    )


def test_a_rejected_import_is_told_at_the_class_that_waits_for_it(app: Flask, db: Session) -> None:
    browser = look(app, NO_IMPORT)
    assert browser.current.heading == "Der vises ingen elever i 1.A"
    says(
        browser,
        "Den seneste import mangler eller er afvist.",
        "Bed kontoret om at se, hvorfor importen ikke kom igennem, og om at sende den igen.",
        english="The latest import is missing or was rejected.",
    )
    school = institution(db, LINDESKOLEN).id
    loaded = update(ImportRun).where(ImportRun.institution_id == school)
    db.execute(loaded.values(outcome=ImportOutcome.LOADED))
    db.commit()
    assert "Klassen har ingen elever lige nu." in look(app, NO_IMPORT).current.text


def test_an_administrator_at_the_blue_button_is_sent_to_the_grey_one(app: Flask) -> None:
    says(
        look(app, EVA),
        "Du er brugeradministrator, men brugte den blå knap.",
        "Gå tilbage, og tryk på Log på som brugeradministrator.",
        english="You are a user administrator, but used the blue button.",
    )


def test_a_teacher_whose_affiliation_has_ended_is_told_to_have_it_prolonged(app: Flask) -> None:
    says(
        look(app, ENDED),
        "Din tilknytning til skolen som lærer er udløbet.",
        "Bed kontoret om at forlænge den",
        english="Your affiliation",
    )


def test_a_teacher_of_a_hold_is_told_that_only_classes_have_pupils_here(app: Flask) -> None:
    says(
        look(app, NOT_MAIN_GROUP),
        "Dine grupper er hold og ikke klasser.",
        "Bed kontoret om at knytte dig til elevernes klasser",
        english="Only pupils in a main group",
    )


@pytest.mark.parametrize("member", WITHOUT_PUPILS, ids=lambda member: member.word)
def test_who_sees_no_pupils_is_not_led_to_any_by_an_address(app: Flask, member: Member) -> None:
    browser = look(app, member)
    assert browser.get("/elevadgang/skole-999001").status_code == 404
    assert browser.get("/elevadgang/1").status_code == 404
