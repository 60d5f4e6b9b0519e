"""Which language a page speaks, and that it speaks one only (design 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from babel.messages.pofile import read_po
from flask import Flask

from app import translations
from app.config import PROJECT
from app.demo.cast import ANNA, BO, BOTH, EVA, STAGE, Member
from app.web import i18n
from app.web.i18n import LANGUAGES
from tests.pages import Browser, Page

pytestmark = pytest.mark.sqlite_only

PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


def heading(app: Flask, danish: str) -> str:
    """Return a sentence in English."""
    translated: str = app.extensions["catalogues"]["en"].gettext(danish)
    assert translated != danish
    return translated


@pytest.mark.parametrize(
    ("accepted", "kept", "asked", "shown"),
    [
        ("da", None, None, "da"),
        ("en-GB,en;q=0.8", None, None, "en"),
        ("de,en;q=0.5,da;q=0.2", None, None, "en"),
        ("de", None, None, "da"),
        ("", None, None, "da"),
        ("*", None, None, "da"),
        ("en", "da", None, "da"),
        ("da", "en", None, "en"),
        ("da", "xx", None, "da"),
        ("da", "da", "en", "en"),
        ("da", "en", "da", "da"),
        ("da", None, "fr en-US da", "en"),
        ("en", None, "fr", "en"),
        ("da", None, "EN", "en"),
        ("da", None, "../en", "da"),
    ],
)
def test_the_address_counts_most_then_the_cookie_then_the_browser(
    app: Flask, accepted: str, kept: str | None, asked: str | None, shown: str
) -> None:
    browser = Browser(app, language=accepted)
    if kept:
        browser.plant("language", kept)
    page = browser.open("/login" + (f"?ui_locales={asked}" if asked else ""))
    assert page.root.get("lang") == shown


def test_whoever_reads_the_help_in_a_language_logs_in_in_it(app: Flask) -> None:
    for code, accepted in (("en", "da"), ("da", "en")):
        browser = Browser(app, language=accepted)
        for start in ("", "elev", "personale"):
            public = browser.open(f"/{code}/{start}")
            leads = {a.get("href") or "" for a in public.root.iter("a")}
            tools = [href for href in leads if href.startswith(("/login", "/brugernavn", "/ny-", "/mit"))]
            assert len(tools) >= 4
            assert {href.partition("?")[2] for href in tools} == {f"ui_locales={code}"}
        assert browser.open(f"/login?ui_locales={code}").root.get("lang") == code
        assert browser.open("/login/brugernavn").root.get("lang") == code


def test_what_was_chosen_is_kept(app: Flask) -> None:
    browser = Browser(app)
    browser.open("/login?ui_locales=en")
    assert browser.open("/login/brugernavn").root.get("lang") == "en"
    assert browser.open("/").path == "/en/"
    browser.open("/login?ui_locales=da")
    assert browser.open("/").path == "/da/"


def test_public_pages_say_it_in_their_address(app: Flask) -> None:
    browser = Browser(app, language="en")
    assert browser.open("/da/elev").root.get("lang") == "da"
    page = browser.follow("English")
    assert (page.path, page.root.get("lang")) == ("/en/elev", "en")
    assert browser.open("/xx/").status == 404


def test_switching_keeps_the_step(app: Flask) -> None:
    browser = Browser(app)
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": "anna1001"})
    browser.press("ugle")
    page = browser.follow("English")
    assert (page.path, page.root.get("lang")) == ("/login/billeder", "en")
    assert "anna1001" in page.text
    names = ["cake", "sun", "teddy"]
    for name in names:
        browser.press(name)
    assert browser.press(heading(app, "Log ind")).path == "/mit"
    assert browser.current.root.get("lang") == "en"


def test_switching_keeps_the_new_password(app: Flask) -> None:
    browser = Browser(app)
    browser.log_in(STAGE.username or "", STAGE.secret or "")
    danish = browser.press("Skift nu")
    english = browser.follow("English")
    assert english.path == danish.path == "/login/ny-kode"
    assert english.secret == danish.secret


def test_each_language_is_named_in_itself(app: Flask) -> None:
    for language in ("da", "en"):
        page = Browser(app, language=language).open("/login")
        names = {a.get("lang"): "".join(a.itertext()) for a in page.root.iter("a") if a.get("hreflang")}
        assert names == {"da": "Dansk", "en": "English"}


def test_times_and_waits_are_in_the_readers_language(app: Flask) -> None:
    browser = Browser(app, language="en")
    browser.open("/login/brugernavn")
    browser.press(heading(app, "Næste"), filled={heading(app, "Brugernavn"): "idak1002"})
    for _ in range(6):
        page = browser.press(heading(app, "Log ind"), filled={heading(app, "Adgangskode"): "wrong"})
    assert page.status == 429
    assert re.search(r"\b\d+ seconds?\b", page.text)
    english = log_in(app, BO).text
    assert re.search(r"\d{1,2} \w+ 20\d\d|\w+ \d{1,2}, 20\d\d", english)
    assert not re.search(r"\bkl\.", english)


def log_in(app: Flask, member: Member) -> Page:
    """Log in on English pages."""
    return in_english(app, member)[-1]


def in_english(app: Flask, member: Member) -> list[Page]:
    """Return the pages of a login on English pages, each after the other."""
    browser = Browser(app, language="en")
    pages = [browser.open("/login/brugernavn")]
    pages.append(
        browser.press(heading(app, "Næste"), filled={heading(app, "Brugernavn"): member.username or ""})
    )
    label = heading(app, "De fire billeders navne" if member.pictures else "Adgangskode")
    pages.append(browser.press(heading(app, "Log ind"), filled={label: "forkert"}))
    pages.append(browser.press(heading(app, "Log ind"), filled={label: member.secret or ""}))
    return pages


def in_english_through_a_change(app: Flask, member: Member) -> list[Page]:
    """Return the pages of a change of password on English pages, with every mistake."""
    browser = Browser(app, language="en")
    next_word = heading(app, "Næste")
    pages = [browser.open("/ny-adgangskode")]
    pages.append(browser.press(next_word, filled={heading(app, "Brugernavn"): ""}))
    pages.append(browser.press(next_word, filled={heading(app, "Brugernavn"): member.username or ""}))
    pages += [browser.open("/ny-adgangskode/glemt"), browser.open("/ny-adgangskode/skift")]
    old = heading(app, "De fire billeders navne" if member.pictures else "Den adgangskode, du har nu")
    pages.append(browser.press(next_word, filled={old: "forkert"}))
    pages.append(browser.press(next_word, filled={old: member.secret or ""}))
    assert pages[-1].path == "/login/ny-kode"
    new = heading(app, "De fire billeders navne" if member.pictures else "Ny adgangskode")
    if not member.pictures:
        pages.append(browser.open("/login/ny-kode/selv"))
        for wrong in ("", "æ", "Password1", "Sommer12345", "MinSkole boli1003 Lind"):
            pages.append(browser.press(next_word, filled={new: wrong}))
    pages.append(browser.open("/login/oev"))
    pages.append(browser.press(next_word, filled={new: "forkert"}))
    return pages


def every_page(app: Flask) -> Iterator[Page]:
    """Walk through everything there is in English."""
    browser = Browser(app, language="en")
    public = ("", "elev", "foraelder", "laerer", "personale")
    tools = ("/login", "/brugernavn", "/log-ud", "/findes-ikke")
    for path in (*(f"/en/{slug}" for slug in public), *tools):
        yield browser.open(path)
    yield browser.post("/login/brugernavn", {"username": "x"})
    for member in (ANNA, BO, EVA, BOTH, STAGE):
        yield from in_english(app, member)
    for member in (ANNA, BO):
        yield from in_english_through_a_change(app, member)
    browser.open("/login/brugernavn")
    browser.press(heading(app, "Næste"), filled={heading(app, "Brugernavn"): BO.username or ""})
    browser.press(heading(app, "Log ind"), filled={heading(app, "Adgangskode"): BO.password or ""})
    yield browser.open("/mit")
    yield browser.open("/mit/historik")
    browser.open("/mit")
    yield browser.press(heading(app, "Log ud"))


def words_of(page: Page) -> Iterator[str]:
    """Return every piece of text and every attribute that is read to somebody."""
    for element in page.root.iter():
        if element.tag in ("script", "style") or element.get("lang", "en") != "en":
            continue
        pieces = [element.text, *(child.tail for child in element)]
        pieces += [
            v for k, v in element.attrib.items() if k.startswith(("aria-label", "data-", "alt", "title"))
        ]
        if element.tag == "meta":
            pieces.append(element.get("content"))
        yield from (" ".join(piece.split()) for piece in pieces if piece and piece.strip())


def danish_sentences() -> list[re.Pattern[str]]:
    """Return the Danish sentences that read otherwise in English, as patterns for whole pieces of text."""
    path = PROJECT / "translations" / "en" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale="en")
    patterns = []
    for message in catalogue:
        if not message.id:
            continue
        danish = message.id if isinstance(message.id, tuple) else (message.id,)
        english = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        for one in set(danish) - set(english):
            parts = [re.escape(part) for part in PLACEHOLDER.split(" ".join(one.split()))]
            if re.search(r"\w", "".join(parts)):
                patterns.append(re.compile(".+".join(parts)))
    assert len(patterns) > 150
    return patterns


def test_english_pages_speak_no_danish(app: Flask) -> None:
    """Issue 2, 4: complete in both languages."""
    patterns = danish_sentences()
    seen = set()
    for page in every_page(app):
        assert page.root.get("lang") == "en"
        seen.add(page.path)
        for piece in words_of(page):
            assert not any(p.fullmatch(piece) for p in patterns), f"«{piece}» on {page.path}"
    assert len(seen) >= 16


def test_dates_are_written_as_each_language_writes_them(app: Flask) -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    for language, day in (("da", "22. november 2026"), ("en", "22 November 2026")):
        with app.test_request_context(f"/?ui_locales={language}"):
            assert i18n.date_text(at) == day


def test_a_language_without_a_catalogue_is_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translations, "LANGUAGES", LANGUAGES | {"kl": "Kalaallisut"})
    result = app.test_cli_runner().invoke(args=["translations", "check"])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "kl: there is no catalogue"
