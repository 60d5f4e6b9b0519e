"""Questions, news, topics, what the site says of itself, and what crawlers and feed readers get."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.guides import TOPICS
from app.domain.library import Library
from app.web.i18n import LANGUAGES
from tests.pages import Browser

pytestmark = pytest.mark.sqlite_only

QUESTION = "hvem-kan-faa-unilogin"
CLOSURE = "nedlaegning-af-manuelt-tilknyttede-brugere"
ATOM = "{http://www.w3.org/2005/Atom}"


def library(app: Flask, code: str = "da") -> Library:
    """Return what there is to read in a language."""
    found: Library = app.extensions["library"][code]
    return found


def test_a_question_has_a_page_with_its_answer_and_its_guides(app: Flask) -> None:
    one = library(app).questions[QUESTION]
    page = Browser(app).open(f"/da/spoergsmaal/{QUESTION}")
    assert page.heading == one.title
    assert one.lead in page.text
    for slug in one.guides:
        assert f"/da/vejledninger/{slug}" in page.links().values()
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page.response.text)
    assert found
    said = json.loads(found[1])
    assert said["@type"] == "FAQPage"
    assert said["mainEntity"][0]["name"] == one.title
    assert said["mainEntity"][0]["acceptedAnswer"]["text"].startswith(one.lead)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_guide_and_question_is_on_its_list_and_its_readers_page(app: Flask, code: str) -> None:
    browser = Browser(app)
    found = library(app, code)
    guides = set(browser.open(f"/{code}/vejledninger").links().values())
    questions = set(browser.open(f"/{code}/spoergsmaal/").links().values())
    assert {f"/{code}/vejledninger/{slug}" for slug in found.guides} <= guides
    assert {f"/{code}/spoergsmaal/{slug}" for slug in found.questions} <= questions
    for audience in found.help.audiences:
        links = set(browser.open(f"/{code}/{audience}").links().values())
        assert {f"/{code}/vejledninger/{one.slug}" for one in found.guides_for(audience=audience)} <= links
    for topic in TOPICS:
        page = browser.open(f"/{code}/emne/{topic}")
        assert page.heading == found.topics[topic].title
        for one in found.questions_for(topic=topic):
            assert f"/{code}/spoergsmaal/{one.slug}" in page.links().values()


def test_news_say_the_day_that_the_operator_has_set(app: Flask) -> None:
    assert "1. august 2027" in Browser(app).open(f"/da/aktuelt/{CLOSURE}").text
    assert "1 August 2027" in Browser(app).open(f"/en/aktuelt/{CLOSURE}").text
    assert CLOSURE in " ".join(Browser(app).open("/da/").links().values())


def test_the_feed_tells_the_news_in_full_addresses(app: Flask, client: FlaskClient) -> None:
    """RFC 4287, 4.1."""
    answer = client.get("/en/aktuelt.atom")
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    root = ElementTree.fromstring(answer.text)
    assert root.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated"):
        assert root.findtext(f"{ATOM}{name}")
    entries = root.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        one.title for one in library(app, "en").news.values()
    ]
    for entry in entries:
        assert (entry.findtext(f"{ATOM}id") or "").startswith("http://127.0.0.1:8000/en/aktuelt/")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00\+0[12]:00", entry.findtext(f"{ATOM}updated") or "")


def test_the_site_tells_of_itself_at_the_foot_of_each_public_page(app: Flask) -> None:
    for language, words in (("da", "Privatliv"), ("en", "Privacy")):
        browser = Browser(app)
        browser.open(f"/{language}/")
        assert browser.follow(words).path == f"/{language}/privatliv"


def test_the_accessibility_statement_has_the_authorities_address(app: Flask) -> None:
    assert Browser(app).open("/was").path == "/da/tilgaengelighed"
    assert Browser(app, language="en").open("/was").path == "/en/tilgaengelighed"


def test_crawlers_read_the_help_and_no_tool(app: Flask, client: FlaskClient) -> None:
    rules = client.get("/robots.txt").text.splitlines()
    assert {"Allow: /da/", "Allow: /en/", "Disallow: /"} <= set(rules)
    assert "Sitemap: http://127.0.0.1:8000/sitemap.xml" in rules
    text = client.get("/sitemap.xml").text
    for slug in library(app).guides:
        for code in LANGUAGES:
            assert f"<loc>http://127.0.0.1:8000/{code}/vejledninger/{slug}</loc>" in text
    assert "<loc>http://127.0.0.1:8000/da/drift</loc>" in text
    for tool in ("8000/login", "8000/mit", "8000/ny-adgangskode", "8000/v/"):
        assert tool not in text
    assert 'hreflang="en"' in text


def test_what_was_never_there_is_not_found(client: FlaskClient) -> None:
    for path in ("/da/emne/andet", "/da/spoergsmaal/x", "/da/aktuelt/x", "/da/pages"):
        assert client.get(path).status_code == 404, path
