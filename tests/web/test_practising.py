"""Trying the new password: as often as needed, and what did not fit is told where it can be put right."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from app.db import Database
from app.demo.cast import ANNA, BO, Member
from app.web import pictures
from tests import store
from tests.pages import Browser, Page
from tests.web.test_new_password import ask_for_new, practise


def test_practising_has_no_limit_and_the_password_can_be_seen_again(
    browser: Browser, database: Database
) -> None:
    """S-25: and it is no try at a login."""
    secret = ask_for_new(browser, BO).secret
    tries = store.content(database, "throttle")
    for _ in range(12):
        page = practise(browser, "forkert")
        assert page.status == 422
        assert "Det passede ikke. Prøv igen, eller se den en gang til." in page.text
    assert store.content(database, "throttle") == tries
    assert browser.follow("Se den igen").secret == secret
    assert practise(browser, secret).path == "/mit"


@pytest.mark.sqlite_only
@pytest.mark.parametrize("member", [BO, ANNA])
def test_nothing_typed_while_practising_is_asked_for(browser: Browser, member: Member) -> None:
    ask_for_new(browser, member)
    page = practise(browser, "")
    assert page.status == 422
    asked = "Skriv navnene på fire billeder." if member.pictures else "Skriv din adgangskode."
    assert page.text.count(asked) == 2  # above, and at the field
    assert "Det passede ikke." not in page.text


@pytest.mark.sqlite_only
def test_what_did_not_fit_is_told_at_the_field_too_and_the_summary_leads_there(browser: Browser) -> None:
    ask_for_new(browser, BO)
    page = practise(browser, "forkert")
    field = next(e for e in page.root.iter("input") if e.get("name") == "password")
    assert page.links()["Det passede ikke. Prøv igen, eller se den en gang til."] == f"#{field.get('id')}"
    assert field.get("aria-invalid") == "true"
    assert told_of(page, field) == "Prøv din nye adgangskode Fejl: Skriv adgangskoden igen."


@pytest.mark.sqlite_only
def test_pictures_that_did_not_fit_lead_to_where_they_were_chosen(browser: Browser) -> None:
    ids = pictures.parse(ask_for_new(browser, ANNA).secret) or []
    turned = pictures.named(tuple(reversed(ids)), "da")
    said = "Det passede ikke. Prøv igen, eller se dem en gang til."
    browser.open("/login/oev")
    for one in turned:
        browser.press(one.name)
    page = browser.press("Næste")
    assert page.links()[said] == "#billeder"
    assert "Fejl: Skriv de fire navne igen." not in page.text
    page = practise(browser, " ".join(one.name for one in turned))
    field = next(e for e in page.root.iter("input") if e.get("name") == "typed")
    assert page.links()[said] == f"#{field.get('id')}"
    assert told_of(page, field).endswith("Fejl: Skriv de fire navne igen.")


def told_of(page: Page, field: Element) -> str:
    """Return what a screen reader says of a field beside its label."""
    about = {e.get("id"): " ".join("".join(e.itertext()).split()) for e in page.root.iter() if e.get("id")}
    return " ".join(about[id] for id in (field.get("aria-describedby") or "").split())
