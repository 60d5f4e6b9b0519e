"""Everything there is to read: each page is sound, in both languages, and no link is dead."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from flask import Flask

from app.domain import wording
from app.domain.audiences import AUDIENCES
from app.domain.library import ARTICLES, Library
from app.web.i18n import LANGUAGES
from tests.pages import Browser

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def addresses(site: Flask) -> list[str]:
    """Return the address of every public page."""
    browser = Browser(site)
    root = ElementTree.fromstring(browser.get("/sitemap.xml").text)
    return [urlsplit(one.text or "").path for one in root.iter(f"{SITEMAP}loc")]


def test_every_page_is_sound_and_no_link_in_it_is_dead(site: Flask) -> None:
    browser = Browser(site)
    linked: dict[str, str] = {}
    anchors: dict[str, set[str]] = {}
    pages = addresses(site)
    assert len(pages) == len(set(pages)) > 2 * len(AUDIENCES + ARTICLES)
    for address in pages:
        page = browser.open(address)
        assert page.status == 200, address
        assert page.path == address
        assert page.root.get("lang") == address.split("/")[1]
        anchors[address] = {element.get("id") or "" for element in page.root.iter()}
        for element in page.root.iter("a"):
            if element.get("href", "").startswith(("/", "#")):
                linked.setdefault(element.get("href", ""), address)
    for href, where in linked.items():
        path, _, anchor = href.partition("#")
        if path and path not in anchors and not path.startswith("/mit"):
            assert browser.get(path).status_code in (200, 302, 303), f"{href} on {where}"
        if anchor and path in anchors:
            assert anchor in anchors[path], f"{href} on {where}"


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_public_page_that_no_crawler_is_told_of_is_sound_too(site: Flask, code: str) -> None:
    browser = Browser(site)
    for path in (
        "drift",
        "soeg",
        "soeg?q=mitid",
        "soeg?q=xyzzy",
        "hjaelp-mig?hvem=foraelder",
        "hjaelp-mig?hvem=elev&hvad=glemt-adgangskode&mitid=ja",
        "hjalp-det/vejledninger/log-ind-med-billeder",
    ):
        page = browser.open(f"/{code}/{path}")
        assert page.status == 200, path
        assert page.root.get("lang") == code, path


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "da"])
def test_everything_is_translated(site: Flask, code: str) -> None:
    library: Library = site.extensions["library"][code]
    faults = [f"{kind}/{slug}" for (kind, slug), there in library.languages.items() if code not in there]
    faults += [f"topics/{slug}" for slug, topic in library.topics.items() if topic.language != code]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_as_easy_as_its_readers_need_with_one_name_for_one_thing(
    site: Flask, code: str
) -> None:
    """And its links say where they lead."""
    faults = wording.faults(site.extensions["library"][code], code)
    assert not faults, "\n".join(faults)


def test_no_page_is_left_without_a_way_to_it(site: Flask) -> None:
    browser = Browser(site)
    pages = {address for address in addresses(site) if address.startswith("/da/")}
    seen, rest = set(), {"/da/"}
    while rest:
        address = rest.pop()
        seen.add(address)
        found = {href.partition("#")[0] for href in browser.open(address).links().values()}
        rest |= (found & pages) - seen
    assert pages - seen == {address for address in pages if address.startswith("/da/emne/")} - seen


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_guide_is_found_by_its_code_and_each_step_by_its_number(site: Flask, code: str) -> None:
    library: Library = site.extensions["library"][code]
    assert len(library.codes) == len(library.guides)
    browser = Browser(site, language=code)
    for number, slug in library.codes.items():
        assert re.fullmatch(r"[0-9]{4}", number)
        answer = browser.get(f"/v/{number}/{len(library.guides[slug].steps)}")
        assert answer.status_code == 302
        step = len(library.guides[slug].steps)
        assert answer.headers["Location"] == f"/{code}/vejledninger/{slug}#trin-{step}"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_question_tells_something_that_no_other_page_does(site: Flask, code: str) -> None:
    """Which fact that is stands in facts.toml."""
    library: Library = site.extensions["library"][code]
    facts = tomllib.loads((Path(__file__).parent / "facts.toml").read_text("utf-8"))
    assert facts.keys() == library.questions.keys()
    said = {
        **{f"guides/{slug}": [one.title, one.lead, *one.needs] for slug, one in library.guides.items()},
        **{f"questions/{slug}": [one.title, one.lead] for slug, one in library.questions.items()},
        **{f"news/{slug}": [one.title, one.lead] for slug, one in library.news.items()},
        **{f"pages/{slug}": [one.title, one.lead] for slug, one in library.articles.items()},
    }
    for kind, some in (("guides", library.guides), ("pages", library.articles)):
        for slug, one in some.items():
            said[f"{kind}/{slug}"] += [prose.text for prose in one.proses]
    for kind, others in (("questions", library.questions), ("news", library.news)):
        for slug, text in others.items():
            said[f"{kind}/{slug}"].append(text.prose.text)
    where = {
        slug: [place for place, texts in said.items() if fact[code] in " ".join(texts)]
        for slug, fact in facts.items()
    }
    faults = [
        f"questions/{slug}: its fact is told in {', '.join(places) or 'no text'}"
        for slug, places in where.items()
        if places != [f"questions/{slug}"]
    ]
    assert not faults, "\n".join(faults)
