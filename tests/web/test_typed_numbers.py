"""A CPR number typed where another word was asked for: it is not kept, and not shown again (S-72)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from flask import Flask

from app.db import Database
from app.demo.cast import CARLA
from app.domain import cpr, people
from tests import store
from tests.pages import Browser

# Nobody's: the day is one that only replacement numbers have.
NUMBER = "6707614285"
WAYS = ["6707614285", "670761-4285", "670761 4285", "67 07 61 42 85", "67.07.61 - 4285", "670761\u200b4285"]
WIDE = "６７０７６１４２８５"


def holds_number(text: str) -> bool:
    """Whether the digits of a number stand together in a text, whatever is between them."""
    return any(written in text for written in (*WAYS, WIDE, NUMBER[:6], NUMBER[6:]))


@pytest.mark.parametrize("written", [*WAYS, WIDE, "010260-ABC1", "010260ABC1"])
@pytest.mark.parametrize("around", ["{}", "Anna {}", "{} Anna", "x" * 34 + " {}", "{0} {0}"])
def test_what_is_kept_of_no_username_holds_no_number(written: str, around: str) -> None:
    """S-72, S-11."""
    typed = around.format(written)
    kept = people.shown_username(typed)
    assert not holds_number(kept)
    assert "4285" not in kept
    assert "ABC1" not in kept
    assert len(kept) <= people.LONGEST_SHOWN
    assert people.normal_username(kept) is None


@pytest.mark.parametrize("typed", ["Anna", "670761", "12345678", "anna1002x", "+45 12 34 56 7", "æøå"])
def test_what_is_no_number_is_kept_as_it_was_typed(typed: str) -> None:
    assert people.shown_username(typed) == typed


@pytest.mark.parametrize("written", WAYS)
@pytest.mark.parametrize("path", ["/login/brugernavn", "/ny-adgangskode"])
def test_a_number_typed_as_a_username_is_nowhere(
    browser: Browser, database: Database, log_lines: list[str], path: str, written: str
) -> None:
    """S-72."""
    browser.open(path)
    page = browser.press("Næste", filled={"Brugernavn": written})
    assert page.status == 200
    if page.path.startswith("/login/"):
        label = "Adgangskode" if page.path.endswith("adgangskode") else "De fire billeders navne"
        assert cpr.REMOVED in page.text
        page = browser.press("Log ind", filled={label: "sol kage bil hat"})
        assert page.status == 422
    assert store.count(database, "login_flow")
    for text in (store.all_text(database), page.response.text, "\n".join(log_lines)):
        assert not any(one in text for one in (*WAYS, WIDE, "670761"))


def test_whoever_goes_back_finds_an_empty_field(browser: Browser) -> None:
    """S-72: and a word that was mistyped to put right."""
    for typed, field in (("670761-4285", ""), ("anna100", "anna100")):
        browser.open("/login/brugernavn")
        browser.press("Næste", filled={"Brugernavn": typed})
        browser.open("/login/brugernavn?ret=1")
        assert browser.form("Næste")[1]["username"] == field


def test_a_number_that_is_searched_for_is_not_kept(
    app: Flask, database: Database, log_lines: list[str]
) -> None:
    """S-72: in Elevadgang, on the support pages, and among the institutions."""
    browser = Browser(app)
    browser.log_in(CARLA.username or "", CARLA.password or "")
    place = browser.open("/elevadgang/klasser").path
    for written in WAYS:
        typed = quote(written)
        for path in (
            f"{place}?soeg={typed}",
            f"/da/soeg?q={typed}",
            f"/da/kontakt/institutioner?institution={typed}",
        ):
            assert browser.get(path).status_code == 200
    for text in (store.all_text(database), "\n".join(log_lines)):
        assert not any(one in text for one in (*WAYS, "670761"))
