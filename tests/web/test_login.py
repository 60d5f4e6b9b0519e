"""The login wizard as a browser without script meets it."""

from __future__ import annotations

from app.demo.cast import ANNA, BO
from tests.pages import Browser


def test_a_pupil_logs_in_with_words_and_sees_who_is_logged_in(browser: Browser) -> None:
    page = browser.log_in("  BOLI1003 ", BO.password or "")
    assert page.path == "/mit"
    assert "Bo Lind" in page.text


def test_a_pupil_logs_in_with_the_names_of_the_pictures(browser: Browser) -> None:
    page = browser.log_in(ANNA.username or "", "ugle KAGE sol bamse")
    assert page.path == "/mit"
