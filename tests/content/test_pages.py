"""Everything there is to read: each page is sound, in both languages, and no link is dead."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from flask import Flask

from app.domain.audiences import AUDIENCES
from app.domain.library import ARTICLES, Library
from app.web.i18n import LANGUAGES
from tests.pages import Browser

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
# How hard a text may be for those it is for (design 10).
HARDEST = {"elev": 25, "foraelder": 32, "laerer": 40, "personale": 40}
BANNED = {
    "da": r"\b(kode|koden|koder|koderne|kodeord|password|klik|klikke|klikker)\b",
    "en": r"\bclick",
}
EMPTY_LINKS = r">(her|læs mere|here|read more|click here)</a>"


def addresses(site: Flask) -> list[str]:
    """Return the address of every public page."""
    browser = Browser(site)
    root = ElementTree.fromstring(browser.get("/sitemap.xml").text)
    return [urlsplit(one.text or "").path for one in root.iter(f"{SITEMAP}loc")]


def texts(library: Library) -> dict[str, tuple[tuple[str, ...], str]]:
    """Return the HTML of all prose with its title and lead, by name, and whom it is for."""
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    for guide in library.guides.values():
        headings = "".join(f"<p>{step.heading}</p>" for step in guide.steps)
        prose = headings + "".join(one.html for one in guide.proses)
        found[f"guides/{guide.slug}"] = (guide.audiences, _whole(guide.title, guide.lead, prose))
    for question in library.questions.values():
        whole = _whole(question.title, question.lead, question.prose.html)
        found[f"questions/{question.slug}"] = (question.audiences, whole)
    for slug, article in library.articles.items():
        whom = (slug,) if slug in AUDIENCES else ("personale",)
        prose = "".join(one.html for one in article.proses)
        found[f"pages/{slug}"] = (whom, _whole(article.title, article.lead, prose))
    for item in library.news.values():
        found[f"news/{item.slug}"] = (("personale",), _whole(item.title, item.lead, item.prose.html))
    return found


def _whole(title: str, lead: str, prose: str) -> str:
    return f"<p>{title}</p><p>{lead}</p>{prose}"


def hardness(html: str) -> float:
    """Return the LIX of some prose; a list's line and a heading are sentences of their own."""
    text = unescape(re.sub(r"<[^>]+>", "", re.sub(r"</(p|li|h\d|td|th)>", ". ", html)))
    sentences = [part for part in re.split(r"[.!?:]+(?:\s|$)", text) if re.search(r"[^\W\d_]", part)]
    words = [word for sentence in sentences for word in re.findall(r"[^\W\d_]+", sentence)]
    return len(words) / len(sentences) + 100 * sum(len(word) > 6 for word in words) / len(words)


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


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "da"])
def test_everything_is_translated(site: Flask, code: str) -> None:
    library: Library = site.extensions["library"][code]
    assert [place for place, there in library.languages.items() if code not in there] == []
    assert [slug for slug, topic in library.topics.items() if topic.language != code] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_as_easy_as_its_readers_need(site: Flask, code: str) -> None:
    too_hard = {
        name: round(hardness(html))
        for name, (whom, html) in texts(site.extensions["library"][code]).items()
        if hardness(html) > min(HARDEST[one] for one in whom)
    }
    assert too_hard == {}


@pytest.mark.parametrize("code", LANGUAGES)
def test_one_thing_has_one_name(site: Flask, code: str) -> None:
    """A link and a question may have people's own words for it."""
    odd = {}
    for name, (_whom, html) in texts(site.extensions["library"][code]).items():
        body = re.sub(r"<a .*?</a>", "", html.partition("</p>")[2], flags=re.DOTALL)
        found = re.search(BANNED[code], re.sub(r"<[^>]+>", " ", body), re.IGNORECASE)
        if found:
            odd[name] = found[0]
    assert odd == {}


@pytest.mark.parametrize("code", LANGUAGES)
def test_links_say_where_they_lead(site: Flask, code: str) -> None:
    library = site.extensions["library"][code]
    assert [
        name for name, (_whom, html) in texts(library).items() if re.search(EMPTY_LINKS, html, re.IGNORECASE)
    ] == []


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
