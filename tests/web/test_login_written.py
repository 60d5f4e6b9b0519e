"""Pictures written instead of tapped: what is four of them, and what is told of the rest."""

from __future__ import annotations

import pytest
from flask import Flask

from app.db import Database
from tests import store
from tests.cast import ANNA
from tests.pages import Browser
from tests.web.test_login import begin, begin_typed

NOT_FOUR = (
    ("", "Skriv navnene på fire billeder."),
    ("guitar", "Skriv navnene på fire billeder."),
    ("guitar, æble og bil", "Skriv navnene på fire billeder."),
    ("guitar æble blomst bil sol", "Skriv navnene på fire billeder."),
    ("guitar æble bil bil", "Skriv fire forskellige billeder."),
    ("guitar bil hemmelighed bil", "Navn nummer 3 er ikke et af billederne."),
    ("Guitar, æble, blomst og hemmelighed", "Navn nummer 4 er ikke et af billederne."),
)


@pytest.mark.parametrize("is_known", [True, False])
def test_written_names_that_are_not_four_pictures_are_no_try_and_told_by_number(
    app: Flask, browser: Browser, database: Database, is_known: bool
) -> None:
    """S-10, S-24: whoever's name it is, and never shown back."""
    begin_typed(browser, ANNA.username or "" if is_known else with_pictures(app))
    for typed, said in NOT_FOUR:
        page = browser.press("Log ind", filled={"De fire billeders navne": typed})
        assert page.status == 422
        assert page.text.count(said) == 2, typed  # above, and at the field
        assert "hemmelighed" not in page.response.text
        assert 'data-part="write" open' in page.response.text
    assert (store.tries(database), store.events(database, "LOGIN_REFUSED")) == (0, [])


def with_pictures(app: Flask) -> str:
    """Return a name nobody has that seems to have pictures."""
    return next(
        name
        for name in (f"zzzz{number:04}" for number in range(200))
        if begin_typed(Browser(app), name).path == "/login/billeder"
    )


def test_four_other_pictures_with_an_and_between_are_a_wrong_try(
    browser: Browser, database: Database
) -> None:
    begin(browser, ANNA)
    page = browser.press("Log ind", filled={"De fire billeders navne": "Guitar, æble, blomst og bil"})
    assert (page.status, store.count(database, "throttle")) == (422, 1)
    assert "Det var ikke de rigtige billeder. Prøv igen." in page.text


def test_more_than_anybody_writes_in_place_of_pictures_is_a_try_like_any_other(
    browser: Browser, database: Database
) -> None:
    """S-10."""
    begin(browser, ANNA)
    page = browser.press("Log ind", filled={"De fire billeders navne": "sol " * 100})
    assert page.status == 422
    assert store.count(database, "throttle") == 1
