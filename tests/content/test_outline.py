"""The staff's page beside the page that it mirrors, line by line; where that leads, there is a page here."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from flask import Flask

from tests.pages import Browser, Page

SOURCE = tomllib.loads((Path(__file__).parent / "source_outline.toml").read_text("utf-8"))
HERE = "/da/personale"
NEW_PASSWORD = "/da/vejledninger/faa-en-ny-adgangskode"
HEADINGS = ("h1", "h2", "h3", "h4")
ADDRESSES = {
    "news": "/da/aktuelt/",
    "question": "/da/spoergsmaal/",
    "guide": "/da/vejledninger/",
    "topic": "/da/emne/",
    "front": "/da/",
    "contact": "/da/kontakt",
}
FAQ = "Ofte stillede spørgsmål"


@dataclass(frozen=True)
class Line:
    """One thing on our page: a heading, a paragraph, a list or a box, and the heading it stands under."""

    under: str
    element: Element

    @property
    def text(self) -> str:
        """Its words."""
        return words(self.element)


def words(element: Element) -> str:
    """Return the words of an element, white space folded."""
    return " ".join("".join(element.itertext()).split())


def has_class(element: Element, name: str) -> bool:
    """Whether an element has a class."""
    return name in (element.get("class") or "").split()


def lines(page: Page) -> list[Line]:
    """Return what stands on the page, from its heading to where its own lists of guides begin."""
    screen = next(e for e in page.root.iter() if e.get("id") == "screen")
    found, under = [], ""
    for element in _inside(screen):
        if element.tag in HEADINGS:
            under = words(element)
        found.append(Line(under, element))
    return found


def _inside(screen: Element) -> Iterator[Element]:
    for child in screen:
        if child.get("aria-labelledby") == "guides":
            return
        yield from child if has_class(child, "prose") else [child]


def address(page: str) -> str:
    """Return where ours is, by what the outline calls it."""
    kind, _, name = page.partition(":")
    return ADDRESSES[kind] + name


@pytest.fixture
def page(site: Flask) -> Page:
    """Return the staff's page."""
    return Browser(site).open(HERE)


def test_the_headings_are_the_sources_in_their_order(page: Page) -> None:
    assert page.heading == SOURCE["title"]
    expected = [
        (f"h{one['level']}", one["text"].casefold())
        for one in SOURCE["heading"]
        if not one.get("embedded") and not one.get("box")
    ]
    found = [(one.element.tag, one.text.casefold()) for one in lines(page) if one.element.tag in HEADINGS[1:]]
    assert found == expected


def test_the_help_box_stands_where_it_does_there_and_says_the_same(page: Page) -> None:
    [boxed] = [one["text"] for one in SOURCE["heading"] if one.get("box")]
    [box] = [one for one in lines(page) if has_class(one.element, "help-box")]
    assert box.under == "Aktuelt"
    titles = [words(e) for e in box.element.iter() if e.tag in ("h2", "h3")]
    assert titles[0] == boxed == SOURCE["help_box"][0]
    for said in (*SOURCE["help_box"], SOURCE["phone"]):
        assert said in box.text
    week = {
        words(row[0]).replace("–", " - "): words(row[1]).replace("–", " - ")
        for row in next(e for e in box.element.iter("dl"))
    }
    for days, times in SOURCE["hours"].items():
        assert week[days] == re.sub(r"\b0(?=\d\.)", "", times)
    hints = [words(e) for e in box.element.iter("p") if has_class(e, "hint")]
    assert [one for one in hints if SOURCE["holidays"] in one]
    [news] = [one for one in lines(page) if has_class(one.element, "entries")]
    assert news.under == "Aktuelt"


def test_the_button_names_are_the_sources_in_bold(page: Page) -> None:
    bold = [words(e) for one in lines(page) for e in one.element.iter("strong")]
    found = [one.strip("«»") for one in bold if one.startswith("«")]
    assert list(dict.fromkeys(found)) == SOURCE["buttons"]["words"]


def test_the_lists_are_the_sources_and_each_line_says_what_it_says_there(page: Page) -> None:
    found = list(_lists(page))
    outline = [(one["under"], one.get("is_numbered", False), len(one["lines"])) for one in SOURCE["list"]]
    assert [(under, tag == "ol", len(rows)) for under, tag, rows in found] == outline
    for one, (_under, _tag, rows) in zip(SOURCE["list"], found, strict=True):
        for said, row in zip(one["lines"], rows, strict=True):
            missing = [text for text in said if text.casefold() not in row.casefold()]
            assert not missing, "\n".join([row, *missing])


def _lists(page: Page) -> Iterator[tuple[str, str, list[str]]]:
    """Return every list of the prose: the heading, the kind and the lines; one inside a line comes after."""
    for one in lines(page):
        if one.element.tag in ("ol", "ul") and not one.element.get("class"):
            for element in one.element.iter():
                if element.tag in ("ol", "ul"):
                    yield one.under, element.tag, [words(row) for row in element]


@pytest.mark.parametrize("one", SOURCE["prose"], ids=lambda one: str(one["under"]))
def test_what_the_prose_says_there_is_said_here(page: Page, one: dict[str, Any]) -> None:
    said = " ".join(
        line.text for line in lines(page) if line.under.casefold() == one["under"].casefold()
    ).casefold()
    missing = [text for text in one["says"] if text.casefold() not in said]
    assert not missing, "\n".join(missing)


def test_every_heading_is_filled(page: Page) -> None:
    """The outline misses none: what is no heading's text is in a list, the prose, the links or the box."""
    told = {one["under"] for kind in ("list", "prose") for one in SOURCE[kind]}
    bare = [
        one["text"]
        for one in SOURCE["heading"]
        if not one.get("embedded") and not one.get("box") and one["text"] not in told
    ]
    # These three only hold other headings, or what the page draws.
    assert bare == [
        "Aktuelt",
        "Tilknytning af brugere til institutionen",
        "Glemte brugernavn eller adgangskode til Unilogin?",
        "Mere om Unilogin",
    ]


def test_every_link_of_the_source_stands_here_in_its_order_and_has_its_page(site: Flask, page: Page) -> None:
    """The seven under «Ofte stillede spørgsmål», and every other one."""
    here = [(words(e), e.get("href"), one.under) for one in lines(page) for e in one.element.iter("a")]
    rest = iter(here)
    browser = Browser(site)
    questions = []
    for link in SOURCE["link"]:
        wanted = address(link["page"])
        if link.get("embedded"):
            assert link["text"] in browser.open(wanted).text
            continue
        text = link.get("ours", link["text"])
        found = next((one for one in rest if one[:2] == (text, wanted)), None)
        assert found, f"«{text}» to {wanted} is not on the page, or not in its place"
        assert browser.open(wanted).status == 200
        if link.get("faq"):
            questions.append(found)
    assert len(questions) == 7
    assert questions == [one for one in here if one[2] == FAQ]


def test_the_screens_in_the_sources_five_steps_stand_in_the_guide_behind_them(site: Flask) -> None:
    page = Browser(site).open(NEW_PASSWORD)
    for one in SOURCE["screen"]:
        step = next(e for e in page.root.iter("li") if e.get("id") == f"trin-{one['step']}")
        [frame] = [e for e in step.iter("div") if e.get("role") == "img"]
        missing = [text for text in one["words"] if text not in words(frame)]
        assert not missing, "\n".join([f"step {one['step']}", *missing])


def test_the_english_page_is_built_as_the_danish(site: Flask, page: Page) -> None:
    english = Browser(site).open(HERE.replace("/da/", "/en/"))

    def plan(of: Page) -> list[tuple[str, list[str]]]:
        return [
            (one.element.tag, [(e.get("href") or "")[3:] for e in one.element.iter("a")])
            for one in lines(of)
            if one.element.tag in (*HEADINGS, "ol", "ul")
        ]

    assert [tag for tag, _links in plan(english)] == [tag for tag, _links in plan(page)]
    assert [[one for one in links if one.startswith("/")] for _tag, links in plan(english)] == [
        [one for one in links if one.startswith("/")] for _tag, links in plan(page)
    ]
