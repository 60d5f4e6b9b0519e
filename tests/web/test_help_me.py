"""«Hvad er der galt?»: two or three questions to the way that helps, from the front page or a login."""

from __future__ import annotations

from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.models.recovery import Errand
from app.web.page import page
from app.web.refusals import Problem, refused
from tests.cast import BO
from tests.pages import Browser

pytestmark = pytest.mark.sqlite_only

QUESTIONS = '<p><a href="/da/hjaelp-mig">Hvad er der galt?</a></p>'


def test_a_pupil_without_mitid_is_led_from_the_front_page_to_the_guide(browser: Browser) -> None:
    browser.open("/da/")
    page = browser.follow("Hvad er der galt?")
    assert page.heading == "Hvad er der galt?"
    assert page.title == "Hvad er der galt? – Hjælp – Unilogin"
    assert page.path == "/da/hjaelp-mig"
    # The same words stand in the menu, before the question.
    page = browser.open("/da/hjaelp-mig?hvem=elev")
    assert page.heading == "Hvad mangler du hjælp til?"
    page = browser.follow("Jeg har glemt min adgangskode")
    assert page.heading == "Har du MitID?"
    page = browser.follow("Nej")
    assert page.heading == "Det kan hjælpe dig"
    page = browser.follow("Elever uden MitID")
    assert page.path == "/da/vejledninger/elever-uden-mitid"


def test_a_pupil_with_mitid_is_led_to_the_live_flow(browser: Browser) -> None:
    page = browser.open("/da/hjaelp-mig?hvem=elev&hvad=glemt-adgangskode&mitid=ja")
    assert "Jeg har glemt min adgangskode" in page.text
    page = browser.follow("Få en ny adgangskode med MitID")
    assert page.path.startswith("/ny-adgangskode")


def test_nobody_is_led_to_a_text_for_somebody_else(app: Flask) -> None:
    library = app.extensions["library"]["da"]
    texts = {"guide": library.guides, "question": library.questions}
    astray = [
        f"{who}: {trouble.title}: {name}"
        for who, troubles in app.extensions["help_me"]["da"].troubles.items()
        for trouble in troubles.values()
        for kind, name in (trouble.with_mitid, trouble.without_mitid)
        if kind in texts and who not in texts[kind][name].audiences
    ]
    assert not astray, "\n".join(astray)


def test_each_question_leads_back_to_the_one_before(browser: Browser) -> None:
    browser.open("/da/hjaelp-mig?hvem=elev&hvad=glemt-adgangskode&mitid=nej")
    headings = [browser.follow("Tilbage").heading for _ in range(3)]
    assert headings == ["Har du MitID?", "Hvad mangler du hjælp til?", "Hvad er der galt?"]


@pytest.mark.parametrize(
    ("query", "heading"),
    [
        ("hvem=rektor", "Hvad er der galt?"),
        ("hvem=elev&hvad=findes-ikke", "Hvad mangler du hjælp til?"),
        ("hvem=elev&hvad=glemt-adgangskode&mitid=maaske", "Har du MitID?"),
        ("hvem=elev&hvad=vent&mitid=nej", "Det kan hjælpe dig"),
    ],
)
def test_an_answer_that_is_none_is_asked_for_again(browser: Browser, query: str, heading: str) -> None:
    assert browser.open(f"/da/hjaelp-mig?{query}").heading == heading


def test_htmx_is_given_the_next_question_alone(client: FlaskClient) -> None:
    answer = client.get("/en/hjaelp-mig?hvem=foraelder", headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert "I do not have custody" in answer.text
    # The switch of language follows, as the step is in the address.
    assert 'id="language" hx-swap-oob="true"' in answer.text
    assert 'href="/da/hjaelp-mig?hvem=foraelder"' in answer.text


def test_a_step_of_a_tool_leaves_the_switch_alone(client: FlaskClient) -> None:
    answer = client.get("/login/brugernavn", headers={"HX-Request": "true"})
    assert 'id="screen"' in answer.text
    assert 'id="language"' not in answer.text


def test_a_failed_login_offers_the_questions(browser: Browser) -> None:
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": BO.username or ""})
    page = browser.press("Log ind", filled={"Adgangskode": "ikke den rigtige"})
    assert page.status == 422
    assert page.links()["Hvad er der galt?"] == "/da/hjaelp-mig"


def test_whatever_a_trip_to_mitid_ended_in_the_questions_are_offered(app: Flask) -> None:
    for problem, errand in product(Problem, (*Errand, None)):
        with app.test_request_context("/mitid/retur"):
            answer = refused(problem, errand, BO.username).get_data(as_text=True)
        assert QUESTIONS in answer, (problem, errand)


def test_a_window_that_is_over_offers_the_questions(app: Flask) -> None:
    for is_cancelled, is_guardian in product((False, True), repeat=2):
        said = {"is_cancelled": is_cancelled, "is_guardian": is_guardian, "has_old": True}
        with app.test_request_context("/login/tiden-er-gaaet"):
            answer = page("login/window_over.html", status=410, username=BO.username, **said)
        assert QUESTIONS in answer.get_data(as_text=True), said
