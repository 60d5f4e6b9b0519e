"""The front page and the audience pages: whoever comes finds a way on, in their own language."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape

from app.config import PROJECT
from app.domain import audiences, hours, site
from app.domain.site import Period, Times
from app.web import i18n
from app.web.hours import HOLIDAYS, Hours, hours_in_words
from app.web.i18n import LANGUAGES
from app.world import World
from tests.pages import Browser

CONTENT = PROJECT / "app" / "content"
SITE = site.read(CONTENT / "site.toml")
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
# How hard a text may be for those it is for (design 10).
HARDEST = {"elev": 25, "foraelder": 32, "laerer": 40, "personale": 40}


@pytest.fixture(scope="module")
def speaker() -> Flask:
    """Return an app that knows words and nothing else."""
    app = Flask("speaker")
    app.extensions["catalogues"] = i18n.read_catalogues(PROJECT / "translations")
    return app


def said(speaker: Flask, language: str, clock: str, operator: site.Site = SITE) -> Hours:
    """Return the hours in words at a time by Copenhagen's clock."""
    at = datetime.fromisoformat(clock).replace(tzinfo=COPENHAGEN).astimezone(UTC)
    with speaker.test_request_context(f"/?ui_locales={language}"):
        return hours_in_words(operator, at)


def set_clock(world: World, text: str) -> None:
    """Let the world's clock show an instant."""
    world.clock.offset += datetime.fromisoformat(text) - world.clock.now()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_answers_in_its_language_and_every_way_on_leads_somewhere(
    client: FlaskClient, language: str
) -> None:
    help = audiences.read(CONTENT, language, SITE)
    ways = set()
    for slug in ("", *audiences.AUDIENCES):
        answer = client.get(f"/{language}/{slug}")
        assert answer.status_code == 200
        assert f'<html lang="{language}"' in answer.text
        for task in help.audiences[slug].tasks if slug else help.most_used:
            assert str(escape(task.title)) in answer.text
            assert str(escape(task.help)) in answer.text
        found = set(re.findall(r'<a class="(?:choice|card)[^>]* href="(/[^"]*)"', answer.text))
        assert len(found) >= 4
        ways |= found
    for way in ways:
        # A page, or one that asks who you are first.
        assert client.get(way).status_code in (200, 303), way
        assert client.get(way, follow_redirects=True).status_code == 200, way


def test_the_front_page_has_four_doors_in_its_language(client: FlaskClient) -> None:
    for language in LANGUAGES:
        text = client.get(f"/{language}/").text
        doors = re.findall(r'<a class="card" href="([^"]*)"', text)
        assert doors == [f"/{language}/{slug}" for slug in audiences.AUDIENCES]


def test_a_page_that_is_not_there_is_not_found(client: FlaskClient) -> None:
    assert client.get("/de/").status_code == 404
    assert client.get("/da/rektor").status_code == 404
    assert client.get("/da").headers["Location"].endswith("/da/")


def test_the_root_leads_by_cookie_then_by_the_browsers_wish_then_to_danish(client: FlaskClient) -> None:
    for cookie, accepts, language in (
        (None, None, "da"),
        (None, "sv-SE, nb;q=0.8", "da"),
        (None, "*", "da"),
        (None, "en-GB, en;q=0.9, da;q=0.5", "en"),
        (None, "de, da;q=0.7, en;q=0.3", "da"),
        ("en", "da", "en"),
        ("da", "en", "da"),
        ("de", "en", "en"),
        ("<script>", None, "da"),
    ):
        client.delete_cookie("language", domain="127.0.0.1")
        if cookie:
            client.set_cookie("language", cookie, domain="127.0.0.1")
        answer = client.get("/", headers={"Accept-Language": accepts} if accepts else {})
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"/{language}/", (cookie, accepts)
        assert {"Cookie", "Accept-Language"} <= set(answer.headers["Vary"].split(", "))


@pytest.mark.parametrize(
    ("clock", "danish", "english"),
    [
        ("2026-11-23 10:00", "Åbent nu, til kl. 16.00", "Open now, until 16:00"),
        ("2026-11-23 07:59", "Lukket. Åbner i dag kl. 8.00", "Closed. Opens today at 8:00"),
        ("2026-11-23 16:00", "Lukket. Åbner i morgen kl. 8.00", "Closed. Opens tomorrow at 8:00"),
        ("2026-11-27 15:00", "Lukket. Åbner på mandag kl. 8.00", "Closed. Opens on Monday at 8:00"),
        (
            "2026-06-05 10:00",
            "Lukket i dag: Grundlovsdag. Åbner på mandag kl. 8.00",
            "Closed today: Constitution Day. Opens on Monday at 8:00",
        ),
        (
            "2026-05-25 10:00",
            "Lukket i dag: Anden pinsedag. Åbner i morgen kl. 8.00",
            "Closed today: Whit Monday. Opens tomorrow at 8:00",
        ),
    ],
)
def test_the_hours_are_said_in_whole_sentences(speaker: Flask, clock: str, danish: str, english: str) -> None:
    assert said(speaker, "da", clock).state_text == danish
    assert said(speaker, "en", clock).state_text == english
    assert said(speaker, "da", clock).is_open == danish.startswith("Åbent")


def test_a_holiday_period_is_named_with_its_end(speaker: Flask) -> None:
    summer = Period(
        date(2027, 7, 5),
        date(2027, 7, 30),
        {"da": "Sommerferie", "en": "Summer holiday"},
        (None,) * 7,
        also_on_closed_days=False,
    )
    shut = replace(SITE, periods=(summer,))
    danish, english = (said(speaker, language, "2027-07-06 10:00", shut) for language in LANGUAGES)
    assert danish.state_text == "Lukket i dag: Sommerferie. Åbner mandag den 2. august kl. 8.00"
    assert english.state_text == "Closed today: Summer holiday. Opens on Monday 2 August at 8:00"
    assert danish.note == "Sommerferie: Tiderne gælder til og med fredag den 30. juli."
    assert danish.week == [("Mandag–søndag", "Lukket")]
    # The Saturday within is closed as any other.
    assert said(speaker, "da", "2027-07-10 10:00", shut).state_text == (
        "Lukket. Åbner mandag den 2. august kl. 8.00"
    )
    nameless_in_english = replace(SITE, periods=(replace(summer, names={"da": "Sommerferie"}),))
    assert "Sommerferie" in said(speaker, "en", "2027-07-06 10:00", nameless_in_english).note


def test_a_phone_that_is_never_answered_is_closed(speaker: Flask) -> None:
    never = replace(SITE, week=(None,) * 7)
    assert said(speaker, "da", "2026-11-23 10:00", never).state_text == "Lukket"
    assert said(speaker, "da", "2026-12-25 10:00", never).state_text == "Lukket i dag: Juledag"


def test_the_week_is_told_in_rows(speaker: Flask) -> None:
    assert said(speaker, "da", "2026-11-23 10:00").week == [
        ("Mandag–torsdag", "8.00–16.00"),
        ("Fredag", "8.00–14.00"),
        ("Lørdag–søndag", "Lukket"),
    ]
    half = replace(SITE, week=(Times(time(9, 5), time(12, 30)), *(None,) * 6))
    assert said(speaker, "en", "2026-11-23 10:00", half).week == [
        ("Monday", "9:05–12:30"),
        ("Tuesday–Sunday", "Closed"),
    ]


def test_every_public_holiday_has_a_name_that_is_translated(speaker: Flask) -> None:
    given = {name for year in range(2024, 2041) for name in hours.public_holidays(year).values()}
    assert given == set(HOLIDAYS)
    for year in (2026, 2027):
        for day, name in hours.public_holidays(year).items():
            assert name in said(speaker, "da", f"{day} 10:00").state_text
            assert name not in said(speaker, "en", f"{day} 10:00").state_text


def test_the_page_follows_the_clock_to_the_minute(client: FlaskClient, world: World) -> None:
    set_clock(world, "2026-11-23T14:59:20+00:00")
    assert "Åbent nu, til kl. 16.00" in client.get("/da/").text
    assert "Open now" in client.get("/en/").text
    set_clock(world, "2026-11-23T15:00:00+00:00")
    assert "Lukket. Åbner i morgen kl. 8.00" in client.get("/da/").text


def hardness(audience: audiences.Audience) -> float:
    """Return the LIX of all that an audience page says of its own."""
    texts = [audience.title, audience.lead]
    texts += [text for task in audience.tasks for text in (task.title, task.help)]
    sentences = [part for text in texts for part in re.split(r"[.!?:]+(?:\s|$)", text) if part.strip()]
    words = [word for sentence in sentences for word in re.findall(r"[^\W\d_]+", sentence)]
    return len(words) / len(sentences) + 100 * sum(len(word) > 6 for word in words) / len(words)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("slug", audiences.AUDIENCES)
def test_a_text_is_as_easy_as_its_readers_need(slug: str, language: str) -> None:
    assert hardness(audiences.read(CONTENT, language, SITE).audiences[slug]) <= HARDEST[slug]


def test_one_thing_has_one_name() -> None:
    for language, banned in (
        ("da", r"\b(kode|koden|koder|kodeord|password|klik\w*|her)\b$"),
        ("en", r"\bclick"),
    ):
        found = audiences.read(CONTENT, language, SITE)
        for task in (*found.most_used, *(task for one in found.audiences.values() for task in one.tasks)):
            assert not re.search(banned, f"{task.title} {task.help}", re.IGNORECASE), task


@pytest.mark.parametrize("slug", ["elev", "foraelder", "laerer", "personale"])
def test_the_menu_says_whose_page_one_is_on(app: Flask, slug: str) -> None:
    def marked(path: str) -> list[str | None]:
        root = Browser(app).open(path).root
        return [one.get("href") for one in root.iter("a") if one.get("aria-current") == "page"]

    assert marked(f"/da/{slug}") == [f"/da/{slug}"]
    assert marked("/da/kontakt") == []


@pytest.mark.parametrize("path", ["/da/vejledninger", "/da/spoergsmaal/", "/en/vejledninger"])
def test_a_long_list_has_a_way_to_each_readers_part(app: Flask, path: str) -> None:
    root = Browser(app).open(path).root
    jumps = [
        (one.get("href", ""), "".join(one.itertext()))
        for nav in root.iter("nav")
        if nav.get("class") == "jump"
        for one in nav.iter("a")
    ]
    headings = [(f"#{one.get('id')}", "".join(one.itertext())) for one in root.iter("h2")]
    assert len(jumps) == 4
    assert jumps == [one for one in headings if one in jumps]


def test_whoever_is_lost_can_search_or_be_asked(app: Flask) -> None:
    page = Browser(app, language="en").open("/en/nothing-here")
    assert page.status == 404
    links = page.links()
    assert links["Search the help"] == "/en/soeg"
    assert links["What is wrong?"] == "/en/hjaelp-mig"
