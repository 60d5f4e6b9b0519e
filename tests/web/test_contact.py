"""«Skriv til os»: the form, the receipt, and the demo's mails."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import Config, Mode
from app.db import Database
from app.domain.library import Library
from app.domain.quota import Quota
from app.models.contact import Subject
from app.web.contact import GUIDES
from app.web.i18n import LANGUAGES
from tests import store
from tests.pages import Browser, Page

pytestmark = pytest.mark.sqlite_only

MAIL = "dan@example.dk"
FILLED = {"writer": "guardian", "subject": "login", "text": "Anna kan ikke logge ind."}


def send(browser: Browser, **changed: str) -> Page:
    """Open the form, fill it in and send it."""
    browser.open("/da/kontakt")
    return again(browser, **changed)


def again(browser: Browser, **changed: str) -> Page:
    """Fill in the form at hand and send it."""
    return browser.press("Send", **({"name": "Dan Holm", "mail": MAIL} | FILLED | changed))


def number_on(page: Page) -> str:
    """Return the case number on a page, without the blank."""
    found = re.search(r"(\d{4}) (\d{4})", page.text)
    assert found
    return found[1] + found[2]


def test_a_message_gets_a_number_and_is_kept(app: Flask, database: Database) -> None:
    page = send(Browser(app), institution="Egeskolen")
    assert (page.path, page.heading) == ("/da/kontakt/modtaget", "Vi har fået din besked")
    (row,) = store.content(database, "support_case")["support_case"]
    assert number_on(page) in row
    assert {"Dan Holm", MAIL, "Egeskolen", "Anna kan ikke logge ind."} <= set(row)
    assert "CPR" not in page.text


def test_the_mails_of_a_case_are_there_in_the_demo(app: Flask) -> None:
    browser = Browser(app)
    number = number_on(send(browser))
    page = browser.open("/demo/mails")
    told = f"{number[:4]} {number[4:]}"
    receipt, case = (" ".join("".join(one.itertext()).split()) for one in page.root.iter("article"))
    assert f"(sag {told})" in receipt
    assert f"Til {MAIL}" in receipt
    assert f"Unilogin: sag {told}" in case
    assert "Rolle: Forælder Institution: - Emne: Jeg kan ikke logge ind" in case
    assert "Anna kan ikke logge ind." in case
    assert "Anna" not in receipt, "nobody sends words of their own to others through us"
    assert "Dan" not in receipt


def test_receipt_page_and_mail_speak_the_senders_language(app: Flask, database: Database) -> None:
    browser = Browser(app, language="da")
    browser.open("/en/kontakt")
    page = browser.press("Send", name="Dan", mail=MAIL, **FILLED)
    assert page.path == "/en/kontakt/modtaget"
    assert page.heading == "We have got your message"
    subjects = {row[4] for row in store.content(database, "outgoing_mail")["outgoing_mail"]}
    number = number_on(page)
    told = f"{number[:4]} {number[4:]}"
    assert subjects == {f"We have got your message (case {told})", f"Unilogin: sag {told}"}


def test_production_has_no_page_of_mails(app: Flask, client: FlaskClient, config: Config) -> None:
    assert client.get("/demo/mails").status_code == 200
    app.extensions["config"] = replace(config, mode=Mode.PRODUCTION)
    assert client.get("/demo/mails").status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", " ", "Skriv dit navn."),
        ("name", "x" * 121, "Skriv højst 120 tegn."),
        ("mail", "", "Skriv din mailadresse."),
        ("mail", "dan@skole", "Skriv en hel mailadresse"),
        ("mail", "0102031234@skole.dk", "Skriv en hel mailadresse"),
        ("writer", "", "Vælg, hvem du er."),
        ("writer", "konge", "Vælg, hvem du er."),
        ("subject", "", "Vælg, hvad det handler om."),
        ("text", "\n \n", "Skriv, hvad vi kan hjælpe med."),
        ("text", "x" * 5001, "Skriv højst 5000 tegn."),
        ("institution", "x" * 121, "Skriv højst 120 tegn."),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_the_rest_is_kept(
    app: Flask, database: Database, field: str, value: str, sentence: str
) -> None:
    page = send(Browser(app), **{field: value})
    assert page.status == 422
    summary = next(e for e in page.root.iter("div") if e.get("id") == "error-summary")
    (link,) = summary.iter("a")
    assert (link.text or "").startswith(sentence)
    target = (link.get("href") or "").removeprefix("#")
    assert target in {e.get("id") for e in page.root.iter()}
    place = next(e for e in page.root.iter() if e.get("data-part") == field)
    assert sentence in "".join(place.itertext())
    kept = page.response.text
    for name, words in {"text": "Anna kan ikke", "mail": MAIL, "name": "Dan Holm"}.items():
        assert name == field or words in kept
    assert store.count(database, "support_case") == 0
    assert store.count(database, "outgoing_mail") == 0


def test_the_summary_tells_what_is_wrong_in_the_order_of_the_page(app: Flask) -> None:
    root = send(Browser(app), subject="", name="", mail="", writer="", text="").root
    summary = next(e for e in root.iter("div") if e.get("id") == "error-summary")
    told = [(e.get("href") or "").removeprefix("#") for e in summary.iter("a")]
    places = [e.get("id") for e in root.iter() if e.tag in ("input", "textarea") and e.get("id") in told]
    assert len(told) == 5
    assert told == places


def test_s_72_a_number_is_taken_out_and_that_is_explained(app: Flask, database: Database) -> None:
    browser = Browser(app)
    wrong = send(browser, name="", text="Hun har 010203-1234.")
    assert "1234" not in wrong.response.text
    assert "ligner et CPR-nummer" in wrong.text
    page = send(browser, text="Hun har 010203-1234.")
    assert "ligner et CPR-nummer" in page.text
    kept = str(store.content(database, "support_case", "outgoing_mail"))
    assert "Hun har ••••••-••••." in kept
    assert "010203" not in kept


def test_s_81_two_presses_make_one_case(app: Flask, database: Database) -> None:
    browser = Browser(app)
    browser.open("/da/kontakt")
    form = browser.form("Send", name="Dan", mail=MAIL, **FILLED)
    first, second = browser.post(*form), browser.post(*form)
    assert number_on(first) == number_on(second)
    assert store.count(database, "support_case") == 1


def test_one_network_sends_so_many_and_is_then_told_to_wait(app: Flask, database: Database) -> None:
    """S-15: in words, with what was written kept."""
    browser = Browser(app)
    for _time in range(Quota.CONTACT.value):
        assert send(browser).status == 200
    page = send(browser, text="Endnu en")
    assert page.status == 429
    assert "Vent en time, og prøv igen." in page.text
    assert "Endnu en" in page.response.text
    assert store.count(database, "support_case") == Quota.CONTACT.value
    assert send(Browser(app, address="192.0.2.77")).status == 200


def test_the_form_holds_a_token_and_is_never_kept(app: Flask, client: FlaskClient) -> None:
    """S-62, S-63: nor is it made once more to see whether it may be."""
    made: list[str] = []
    app.before_request_funcs.setdefault(None, []).append(lambda: made.append(""))
    for path in ("/da/kontakt", "/da/hjalp-det/vejledninger/log-ind-med-billeder"):
        first, second = client.get(path), client.get(path)
        assert 'name="csrf_token"' in first.text
        assert first.headers["Cache-Control"] == "no-store"
        assert first.text != second.text
    assert len(made) == 4
    assert client.post("/da/kontakt", data={"name": "Dan", "mail": MAIL, **FILLED}).status_code == 403


def test_a_receipt_is_its_senders_alone(app: Flask) -> None:
    send(Browser(app))
    assert Browser(app).open("/da/kontakt/modtaget").path == "/da/kontakt"


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_subject_suggests_guides_that_are_there(app: Flask, code: str) -> None:
    library: Library = app.extensions["library"][code]
    page = Browser(app).open(f"/{code}/kontakt")
    assert set(GUIDES) == set(Subject)
    for subject, slugs in GUIDES.items():
        assert len(slugs) <= 3
        option = next(
            e
            for e in page.root.iter("div")
            if e.get("class") == "option" and any(i.get("value") == subject for i in e.iter("input"))
        )
        assert [a.get("href") for a in option.iter("a")] == [f"/{code}/vejledninger/{slug}" for slug in slugs]
        assert set(slugs) <= set(library.guides)


def test_institutions_are_suggested_by_their_letters(client: FlaskClient) -> None:
    ask = "/da/kontakt/institutioner"
    answer = client.get(ask, query_string={"institution": "ege"}).text
    assert answer.startswith('<option value="Egeskolen"></option>')
    assert answer.count("<option") == 1
    for typed in ("", "e", "findes ikke", "%", "__"):
        assert client.get(ask, query_string={"institution": typed}).text == "", typed


@pytest.mark.parametrize(
    ("typed", "kept"), [("ege", "Egeskolen"), ("EGESKOLEN", "Egeskolen"), ("Ukendt", "Ukendt"), ("s", "s")]
)
def test_without_script_the_one_institution_that_fits_is_taken(
    app: Flask, database: Database, typed: str, kept: str
) -> None:
    assert send(Browser(app), institution=typed).path == "/da/kontakt/modtaget"
    (row,) = store.content(database, "support_case")["support_case"]
    assert kept in row


@pytest.mark.parametrize(("chosen", "kept"), [("Bøgeskolen", "Bøgeskolen"), ("Ingen af dem", "skolen")])
def test_without_script_whoever_types_what_fits_several_institutions_is_asked_which(
    app: Flask, database: Database, chosen: str, kept: str
) -> None:
    browser = Browser(app)
    page = send(browser, institution="skolen")
    assert page.status == 422
    [place] = [one for one in page.root.iter("fieldset") if one.get("data-part") == "fitting"]
    values = {"".join(one.itertext()).strip(): one[0].get("value") for one in place.iter("label")}
    assert {"Egeskolen", "Bøgeskolen", "Ingen af dem"} <= set(values)
    assert page.links()["Vælg, hvilken skole eller institution du mener."] == "#fitting-0"
    for told in ("Dan Holm", MAIL, 'value="skolen"', "Anna kan ikke logge ind."):
        assert told in page.response.text
    assert store.count(database, "support_case") == 0
    assert again(browser, institution="skolen", fitting="Findes ikke").status == 422
    assert again(browser, institution="skolen", fitting=values[chosen] or "").status == 200
    (row,) = store.content(database, "support_case")["support_case"]
    assert kept in row


def test_letters_in_the_middle_of_the_only_name_that_has_them_are_asked_about(app: Flask) -> None:
    page = send(Browser(app), institution="gesk")
    assert page.status == 422
    page = send(Browser(app), institution="indesk")
    assert page.status == 422
    assert "Ingen af dem" in page.text


def test_whoever_has_been_shown_suggestions_is_not_asked_which(app: Flask, database: Database) -> None:
    browser = Browser(app)
    answer = browser.get("/da/kontakt/institutioner?institution=skolen").text
    assert 'name="suggested" value="1" hx-swap-oob="true"' in answer
    assert send(browser, institution="skolen", suggested="1").path == "/da/kontakt/modtaget"
    (row,) = store.content(database, "support_case")["support_case"]
    assert "skolen" in row


def test_every_help_box_and_text_leads_to_the_form(app: Flask) -> None:
    browser = Browser(app)
    browser.open("/da/elev")
    assert browser.follow("Eller skriv til os").path == "/da/kontakt"
    browser.open("/en/om")
    assert "/en/kontakt" in browser.open("/en/om").links().values()
