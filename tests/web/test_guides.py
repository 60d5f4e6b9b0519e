"""Guides: found by address and by four digits, shown with the screens, and explaining the live ones."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import PROJECT
from app.demo.cast import BO
from app.domain.content import ContentError
from app.domain.library import Library
from app.models.recovery import Errand
from app.web import library
from app.web.i18n import LANGUAGES
from app.web.refusals import Problem, refused
from tests.pages import Browser

pytestmark = pytest.mark.sqlite_only

SLUG = "faa-en-ny-adgangskode"
TOOLS = ("login/", "recovery/", "mitid/", "mine/", "elevadgang/")
HERE = f"/da/vejledninger/{SLUG}"


def danish(app: Flask) -> Library:
    """Return what there is to read in Danish."""
    found: Library = app.extensions["library"]["da"]
    return found


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """Return a copy of the content that may be changed."""
    folder = tmp_path / "content"
    shutil.copytree(PROJECT / "app" / "content", folder)
    return folder


def test_a_guide_shows_what_it_takes_and_each_step_beside_its_screen(app: Flask) -> None:
    guide = danish(app).guides[SLUG]
    browser = Browser(app)
    page = browser.open(HERE)
    assert page.heading == guide.title
    for said in (*guide.needs, guide.owner, guide.code, *(step.heading for step in guide.steps)):
        assert said in page.text
    steps = [e for e in page.root.iter("li") if (e.get("id") or "").startswith("trin-")]
    assert [step.get("id") for step in steps] == [f"trin-{step.number}" for step in guide.steps]
    for element, step in zip(steps, guide.steps, strict=True):
        frames = [e for e in element.iter("div") if e.get("role") == "img"]
        assert len(frames) == len(step.stills)
        for frame in frames:
            assert frame.get("aria-label", "").startswith("Skærmbilledet «")
            assert [e for e in frame.iter() if e.get("inert") is not None]
            assert len([e for e in frame.iter() if "is-pointed-at" in (e.get("class") or "")]) == 1


def test_the_label_of_a_still_says_what_to_find(app: Flask) -> None:
    labels = re.findall(r'role="img" aria-label="([^"]*)"', Browser(app).get(HERE).text)
    assert "Skærmbilledet «Vælg login». Pilen viser: Unilogin." in labels
    english = re.findall(
        r'role="img" aria-label="([^"]*)"', Browser(app).get(HERE.replace("/da/", "/en/")).text
    )
    assert "The screen «Choose login». The arrow points at: Unilogin." in english


def test_a_screen_that_opens_for_anybody_can_be_opened(app: Flask) -> None:
    browser = Browser(app)
    links = browser.open(HERE).links()
    ways = {words: href for words, href in links.items() if words.startswith("Åbn dette skærmbillede")}
    assert ways["Åbn dette skærmbillede: Vælg login"] == "/login?ui_locales=da"
    for words, href in ways.items():
        assert Browser(app).open(href).status == 200, words
    assert not any("Skriv din adgangskode" in words for words in ways), "it is in the middle of a login"


def test_a_code_leads_to_the_guide_in_the_readers_language(app: Flask) -> None:
    code = danish(app).guides[SLUG].code
    for language in ("da", "en"):
        browser = Browser(app, language=language)
        answer = browser.get(f"/v/{code}")
        assert (answer.status_code, answer.location) == (302, f"/{language}/vejledninger/{SLUG}")
        assert {"Cookie", "Accept-Language"} <= set(answer.headers["Vary"].split(", "))
        assert browser.get(f"/v/{code}/2").location == f"/{language}/vejledninger/{SLUG}#trin-2"
        # A step that the guide no longer has is still about the guide.
        assert browser.get(f"/v/{code}/99").location == f"/{language}/vejledninger/{SLUG}"


def test_a_code_can_be_typed(app: Flask) -> None:
    browser = Browser(app)
    browser.open("/v/")
    form = browser.current.forms()[0]
    assert form.get("method") == "get"
    assert browser.open(f"/v/?kode=+{danish(app).guides[SLUG].code}+").path == HERE


@pytest.mark.parametrize("path", ["/v/0000", "/v/0000/3", "/v/?kode=47%3Cb%3E", "/v/æøå"])
def test_a_code_of_no_guide_says_what_to_do(app: Flask, path: str) -> None:
    page = Browser(app).open(path)
    assert page.status == 404
    assert page.title.startswith("Fejl: ")
    assert "Der er ingen vejledning med nummeret" in page.text
    assert "/da/vejledninger" in page.links().values()
    assert "<b>" not in page.response.text


def test_a_renamed_guide_is_found_by_its_old_name(app: Flask, content: Path) -> None:
    (content / "redirects.toml").write_text(f'"glemt-kode" = "{SLUG}"\n', "utf-8")
    library.init(app, content)
    answer = Browser(app).get("/en/vejledninger/glemt-kode")
    assert (answer.status_code, answer.location) == (301, f"/en/vejledninger/{SLUG}")
    assert Browser(app).get("/en/spoergsmaal/glemt-kode").status_code == 404
    assert Browser(app).get("/da/vejledninger/findes-ikke").status_code == 404


def test_an_untranslated_guide_shows_the_danish_under_a_note(app: Flask, content: Path) -> None:
    (content / "en" / "guides" / f"{SLUG}.md").unlink()
    library.init(app, content)
    page = Browser(app).open(f"/en/vejledninger/{SLUG}")
    assert "The text is not translated into your language yet. It is available in: Dansk." in page.text
    assert page.root.get("lang") == "en"
    title = next(page.root.iter("h1"))
    assert (title.get("lang"), page.heading) == ("da", danish(app).guides[SLUG].title)
    proses = [e for e in page.root.iter("div") if "prose" in (e.get("class") or "").split()]
    assert proses
    assert {e.get("lang") for e in proses} == {"da"}
    row = next(e for e in Browser(app).open("/en/vejledninger").root.iter("a") if SLUG in e.get("href", ""))
    assert row[0].get("lang") == "da"
    assert "not translated" not in Browser(app).open(HERE).text


def test_another_operator_leaves_no_name_behind(app: Flask, content: Path) -> None:
    """Design 13."""
    app.extensions["site"] = replace(app.extensions["site"], brand="Skoleport")
    library.init(app, content)
    for found in app.extensions["library"].values():
        for kind in ("guides", "questions", "news", "articles", "topics"):
            for slug, one in getattr(found, kind).items():
                assert "Unilogin" not in repr(one), slug
        assert "Skoleport" in repr(found.guides)


def test_help_on_a_live_screen_leads_to_the_step_that_shows_it(app: Flask) -> None:
    browser = Browser(app)
    assert browser.open("/login").links()["Hjælp"] == f"{HERE}#trin-1"
    assert browser.open("/login/brugernavn").links()["Hjælp"] == f"{HERE}#trin-2"
    page = browser.press("Næste", filled={"Brugernavn": BO.username or ""})
    assert page.links()["Hjælp"] == f"{HERE}#trin-3"
    block = browser.get("/login/adgangskode", HX_Request="true").text
    assert f'<a id="help-link" hx-swap-oob="true" href="{HERE}#trin-3">' in block
    # A screen that no guide shows has its place all the same; a page that is no tool's has the front page.
    shared = "/da/vejledninger/brug-paa-faelles-computere"
    assert browser.open("/log-ud").links()["Hjælp"] == f"{shared}#trin-5"
    assert browser.open("/en/findes-ikke").links()["Hjælp"] == "/da/"


def test_help_on_every_live_screen_leads_to_a_place_in_a_guide_that_is_there(app: Flask) -> None:
    assert app.jinja_loader is not None
    screens = {
        one for one in app.jinja_loader.list_templates() if one.startswith(TOOLS) and "components" not in one
    }
    explained: dict[tuple[str, str], str] = app.extensions["explained"]
    browser = Browser(app)
    for code in LANGUAGES:
        unexplained = screens - {screen for screen, language in explained if language == code}
        assert not unexplained, "\n".join(sorted(unexplained))
        places = {href for (_screen, language), href in explained.items() if language == code}
        for path in {href.partition("#")[0] for href in places}:
            ids = {f"{path}#{element.get('id')}" for element in browser.open(path).root.iter()}
            astray = {href for href in places if href.startswith(f"{path}#")} - ids
            assert not astray, "\n".join(sorted(astray))


@pytest.mark.parametrize(
    ("errand", "problem", "place"),
    [
        (Errand.PASSWORD, Problem.CANCELLED, "faa-en-ny-adgangskode"),
        (Errand.PASSWORD, Problem.NO_CUSTODY, "skift-dit-barns-adgangskode"),
        (Errand.USERNAME, Problem.UNKNOWN, "find-dit-brugernavn-med-mitid"),
        (None, Problem.GONE, "faa-en-ny-adgangskode"),
    ],
)
def test_help_after_mitid_is_about_what_it_was_for(
    app: Flask, errand: Errand | None, problem: Problem, place: str
) -> None:
    with app.test_request_context("/mitid/retur"):
        answer = refused(problem, errand, BO.username)
    assert f'id="help-link" href="/da/vejledninger/{place}#hvis-det-ikke-virker"' in answer.get_data(
        as_text=True
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("faa-en-ny-adgangskode#trin-6", "faa-en-ny-adgangskode#trin-10", "mitid/forward.html: there is no"),
        ("elever-uden-mitid#trin-1", "elever#trin-1", "recovery/hand.html: there is no elever#trin-1"),
        ("mine/history.html", "mine/story.html", "there is no screen mine/story.html"),
        ("[elsewhere]", "[others]", "others: unknown key"),
    ],
)
def test_help_that_leads_nowhere_stops_the_start(
    app: Flask, content: Path, old: str, new: str, fault: str
) -> None:
    file = content / "screens.toml"
    file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(ContentError, match=f"screens.toml: {fault}"):
        library.init(app, content)


def test_what_machines_read_says_the_same_as_the_page(client: FlaskClient, app: Flask) -> None:
    guide = danish(app).guides[SLUG]
    text = client.get(HERE).text
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', text)
    assert found
    said = json.loads(found[1])
    assert said["@type"] == "HowTo"
    assert said["name"] == guide.title
    assert said["totalTime"] == f"PT{guide.minutes}M"
    assert [step["name"] for step in said["step"]] == [step.heading for step in guide.steps]
    assert said["step"][1]["url"].endswith(f"{HERE}#trin-2")
    for mark in (
        f'<link rel="canonical" href="http://127.0.0.1:8000{HERE}">',
        f'<link rel="alternate" hreflang="en" href="http://127.0.0.1:8000/en/vejledninger/{SLUG}">',
        f'<meta property="og:title" content="{guide.title}">',
        '<meta property="og:type" content="article">',
    ):
        assert mark in text


def test_paper_has_the_short_link_as_a_code_and_the_date(client: FlaskClient, app: Flask) -> None:
    text = client.get(HERE).text
    head = text.partition('<div class="print-head">')[2].partition("</div>")[0]
    assert "<svg" in head
    assert f"127.0.0.1:8000/v/{danish(app).guides[SLUG].code}" in head
    assert "Udskrevet " in head


def test_the_trouble_at_hand_stands_out_in_its_row(app: Flask) -> None:
    root = Browser(app).open(HERE).root
    [troubles] = [e for e in root.iter("section") if e.get("class") == "troubles"]
    rows = list(troubles.iter("li"))
    assert len(rows) > 5
    for row in rows:
        assert not (row.text or "").strip()
        assert row[0].tag == "strong"
        assert (row[0].text or "").endswith("?")
        assert "<" not in "".join(row.itertext())


def test_a_step_that_says_to_press_pictures_shows_them(app: Flask) -> None:
    root = Browser(app).open("/da/vejledninger/log-ind-med-billeder").root
    picked = []
    for step in (e for e in root.iter("li") if (e.get("id") or "").startswith("trin-")):
        [frame] = [e for e in step.iter("div") if e.get("role") == "img"]
        picked.append(len([e for e in frame.iter() if e.get("data-id")]))
    assert picked == [0, 0, 2, 4], "at the last step all four are picked"


def test_links_to_copy_are_the_short_ones_and_wait_for_script(app: Flask) -> None:
    guide = danish(app).guides[SLUG]
    buttons = [e for e in Browser(app).open(HERE).root.iter("button") if e.get("data-copy")]
    assert [e.get("data-copy") for e in buttons] == [
        f"http://127.0.0.1:8000/v/{guide.code}",
        *(f"http://127.0.0.1:8000/v/{guide.code}/{step.number}" for step in guide.steps),
    ]
    assert all(e.get("hidden") is not None for e in buttons)
