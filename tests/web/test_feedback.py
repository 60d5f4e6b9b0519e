"""«Hjalp det dig?»: from the kept page to the form with the token, and thanks."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db import Database
from app.domain.quota import Quota
from tests import store
from tests.pages import Browser

pytestmark = pytest.mark.sqlite_only

GUIDE = "/da/vejledninger/log-ind-med-billeder"
QUESTION = "/en/spoergsmaal/hvem-kan-faa-unilogin"


def test_an_answer_from_a_guide_is_kept_without_whose_it_is(app: Flask, database: Database) -> None:
    browser = Browser(app, address="192.0.2.77")
    browser.open(GUIDE)
    page = browser.follow("Nej")
    assert page.heading == "Hjalp det dig?"
    assert "Log ind med billeder" in page.text
    chosen = [e.get("value") for e in page.root.iter("input") if e.get("checked") is not None]
    assert chosen == ["nej"]
    page = browser.press("Send svaret", answer="nej", text="Jeg er Bo, 010203-1234")
    assert page.heading == "Tak for dit svar"
    assert browser.follow("Log ind med billeder").path == GUIDE
    (row,) = store.content(database, "feedback")["feedback"]
    assert row[2:7] == ("guides", "log-ind-med-billeder", "da", False, "Jeg er Bo, ••••••-••••")
    assert "192.0.2" not in str(store.content(database, "feedback", "sending_quota"))


def test_a_question_asks_too_in_its_readers_language(app: Flask, database: Database) -> None:
    browser = Browser(app)
    browser.open(QUESTION)
    assert browser.follow("Yes").heading == "Did it help you?"
    assert browser.press("Send the answer", answer="ja").heading == "Thank you for your answer"
    assert store.content(database, "feedback")["feedback"][0][2:6] == (
        "questions",
        "hvem-kan-faa-unilogin",
        "en",
        True,
    )


def test_no_answer_is_told_at_the_field(app: Flask, database: Database) -> None:
    browser = Browser(app)
    answered(browser)
    for odd in ({}, {"answer": "måske"}):
        page = browser.press("Send svaret", text="Det virker", **odd)
        assert page.status == 422
        assert "Vælg ja eller nej." in page.text
        assert "Det virker" in page.response.text
    assert browser.press("Send svaret", answer="ja", text="x" * 1001).status == 422
    assert store.count(database, "feedback") == 0


def answered(browser: Browser) -> tuple[str, dict[str, str]]:
    """Open the form and return it as a press of the button sends it."""
    browser.open(GUIDE.replace("/vejl", "/hjalp-det/vejl"))
    return browser.form("Send svaret", answer="ja", text="Tak")


def test_s_81_two_presses_are_one_answer(app: Flask, database: Database) -> None:
    browser = Browser(app)
    form = answered(browser)
    assert [browser.post(*form).heading for _time in range(2)] == ["Tak for dit svar"] * 2
    assert store.count(database, "feedback") == 1


def test_one_network_answers_so_often_and_is_then_told_to_wait(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Quota.FEEDBACK, "_value_", 2)
    browser = Browser(app)
    statuses = [browser.post(*answered(browser)).status for _time in range(3)]
    assert statuses == [200, 200, 429]
    assert "Vent en time" in browser.current.text
    assert "Tak" in browser.current.response.text
    assert store.count(database, "feedback") == 2


def test_only_what_is_there_is_asked_about(client: FlaskClient) -> None:
    for path in ("vejledninger/x", "spoergsmaal/log-ind-med-billeder", "aktuelt/x", "vejledninger/x/tak"):
        assert client.get(f"/da/hjalp-det/{path}").status_code == 404, path


def test_the_kept_page_holds_no_form_and_no_token(client: FlaskClient) -> None:
    """S-62."""
    for path in (GUIDE, QUESTION):
        answer = client.get(path)
        assert "csrf" not in answer.text
        assert 'method="post"' not in answer.text  # the search in the header only asks
        assert "Set-Cookie" not in answer.headers
