"""The search's page: results with and without htmx, and help where there are none."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app import jobs
from app.db import Database
from app.domain import misses
from tests.conftest import SetClock
from tests.pages import Browser, parse

HTMX = {"HX-Request": "true"}


def test_whoever_searches_from_any_page_is_led_to_the_page_that_answers(browser: Browser) -> None:
    browser.open("/da/spoergsmaal/hvem-kan-faa-unilogin")
    action, data = browser.form("Søg", filled={"Søg i hjælpen": "mit barn har glemt sin kode"})
    page = browser.open(f"{action}?q={data['q']}")
    assert page.title == "Søg – Hjælp – Unilogin"
    assert "Vejledning Skift dit barns adgangskode" in page.text
    page = browser.follow("Skift dit barns adgangskode")
    assert page.path == "/da/vejledninger/skift-dit-barns-adgangskode"


def test_the_results_tell_how_many_they_are_and_of_which_kind(browser: Browser) -> None:
    page = browser.open("/da/soeg?q=rød prik")
    [results] = [one for one in page.root.iter("ol") if one.get("class") == "results"]
    count = len(list(results))
    assert f"{count} resultat" in page.text
    assert count > 1
    assert "Spørgsmål Hvem kan bruge Elevadministration?" in page.text
    page = browser.open("/en/soeg?q=phone")
    assert page.text.count("Contact Do you need more help?") == 1


def test_the_screen_where_it_is_done_and_the_status_are_led_to_from_the_results(browser: Browser) -> None:
    page = browser.open("/da/soeg?q=log ind")
    assert "Genvej Log ind Med dit brugernavn" in page.text
    assert page.links()["Log ind"].startswith("/login")
    page = browser.open("/en/soeg?q=is unilogin down")
    assert "Status Service status" in page.text
    assert browser.follow("Service status").path == "/en/drift"


def test_one_result_is_told_in_the_singular(browser: Browser) -> None:
    page = browser.open("/da/soeg?q=museum")
    assert "1 resultat Spørgsmål Hvem kan få Unilogin?" in page.text


def test_htmx_is_given_the_results_alone_and_the_address_they_have(client: FlaskClient) -> None:
    answer = client.get("/da/soeg?q=glemt+kode", headers=HTMX)
    assert answer.headers["HX-Replace-Url"] == "/da/soeg?q=glemt+kode"
    assert "HX-Request" in answer.headers["Vary"]
    assert "<html" not in answer.text
    assert 'id="screen"' not in answer.text
    root = parse(f"<!doctype html><body>{answer.text}</body>")
    [results] = [one for one in root.iter("div") if one.get("id") == "results"]
    [told] = [one for one in root.iter("div") if one.get("id") == "live"]
    assert told.get("hx-swap-oob") == "innerHTML"
    assert (told.text or "").endswith(" resultater")
    assert "Få en ny adgangskode, trin for trin" in "".join(results.itertext())
    emptied = client.get("/da/soeg?q=", headers=HTMX)
    assert emptied.headers["HX-Replace-Url"] == "/da/soeg"
    assert " resultat" not in emptied.text


def test_the_switch_of_language_follows_what_is_typed(client: FlaskClient) -> None:
    answer = client.get("/da/soeg?q=glemt+kode", headers=HTMX)
    root = parse(f"<!doctype html><body>{answer.text}</body>")
    [switch] = [one for one in root.iter("details") if one.get("id") == "language"]
    assert switch.get("hx-swap-oob") == "true"
    assert [a.get("href") for a in switch.iter("a")] == [
        f"/{code}/soeg?q=glemt+kode" for code in ("da", "en")
    ]
    whole = client.get("/da/soeg?q=glemt+kode").text
    assert whole.count('id="language"') == 1
    assert "hx-swap-oob" not in whole


def test_where_nothing_is_found_there_is_help_all_the_same(browser: Browser) -> None:
    page = browser.open("/da/soeg?q=<i>xyzzy")
    assert "Vi fandt ikke noget om «<i>xyzzy»" in page.text
    links = page.links()
    assert links["Hvad er der galt?"] == "/da/hjaelp-mig"
    assert any(text.startswith("Få en ny adgangskode") for text in links)
    assert "Har du brug for mere hjælp?" in page.text


def test_a_search_is_kept_in_the_switch_of_language_and_nowhere_else(client: FlaskClient) -> None:
    answer = client.get("/da/soeg?q=kode")
    assert 'href="/en/soeg?q=kode"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    assert '<meta name="robots" content="noindex">' in answer.text
    assert "Set-Cookie" not in answer.headers
    assert "?q=" not in client.get("/da/?q=kode").text


def test_however_much_is_typed_only_the_beginning_is_read(client: FlaskClient) -> None:
    answer = client.get("/da/soeg", query_string={"q": "adgangskode " * 1000})
    assert answer.status_code == 200
    assert answer.text.count("adgangskode adgangskode") < 200


def test_what_is_searched_for_in_vain_is_counted_without_telling_who(
    client: FlaskClient, database: Database
) -> None:
    for text in ("xyzzy 0102031234 qxzy1234 ork", "XYZZY ork!", "12345678"):
        client.get("/da/soeg", query_string={"q": text})
    client.get("/da/soeg?q=halvtypxz", headers=HTMX)
    client.get("/da/soeg?q=adgangskode")
    with database.reading() as db:
        assert [(one.language, one.words, one.times) for one in misses.list_misses(db)] == [
            ("da", "xyzzy ork", 2)
        ]


def test_what_nobody_searches_for_any_more_is_forgotten(
    client: FlaskClient, database: Database, clock: SetClock
) -> None:
    client.get("/da/soeg?q=xyzzy")
    for days, left in ((179, 1), (2, 0)):
        clock.forward(days=days)
        jobs.sweep(database, clock)
        with database.reading() as db:
            assert len(misses.list_misses(db)) == left


def test_random_words_fill_the_store_only_so_far(
    client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misses, "MOST_ROWS", 2)
    for text in ("xyzzy", "plugh", "frotz", "xyzzy"):
        client.get(f"/da/soeg?q={text}")
    with database.reading() as db:
        assert {one.words: one.times for one in misses.list_misses(db)} == {"xyzzy": 2, "plugh": 1}
