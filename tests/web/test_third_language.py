"""A third language, partly filled: German is added to a copy of the site as CONTRIBUTING says, in files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from app.config import PROJECT
from tests.pages import parse

GUIDE, QUESTION = "skift-din-adgangskode", "hvem-kan-faa-unilogin"
# Not translated.
DANISH_GUIDE, DANISH_QUESTION = "faa-en-ny-adgangskode", "hvorfor-skal-jeg-vente"
NEWS = "fire-forskellige-billeder"
NOTE = "Der Text ist noch nicht in deine Sprache übersetzt. Es gibt ihn auf: Dansk, English."
CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Teksten er ikke oversat til dit sprog endnu."
msgstr "Der Text ist noch nicht in deine Sprache übersetzt."

msgid "Den findes på:"
msgstr "Es gibt ihn auf:"

msgid "Vejledninger"
msgstr "Anleitungen"
"""
LANGUAGE = """
[de]
name = "Deutsch"
troubles = "Wenn es nicht klappt"
stemmer = "german"
"""
# Answers one address a line.
SITE = """
import json, sys
from app import config, create_app
site = create_app(config.read({"INSTANCE_DIR": sys.argv[1], "LOG_LEVEL": "ERROR"}))
client, host = site.test_client(), site.extensions["config"].public_url
for line in sys.stdin:
    asked = json.loads(line)
    if "command" in asked:
        done = site.test_cli_runner().invoke(args=asked["command"])
        answer = [done.exit_code, done.output, {}]
    else:
        given = client.get(asked["path"], headers=asked["headers"], base_url=host)
        answer = [given.status_code, given.text, dict(given.headers)]
    print(json.dumps(answer), flush=True)
"""


@dataclass
class Site:
    """The copy, in a process of its own: the languages that there are stand in its files."""

    process: subprocess.Popen[str]

    def ask(self, **asked: Any) -> tuple[int, str, dict[str, str]]:
        """Return status, text and headers."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        status, text, headers = json.loads(self.process.stdout.readline())
        return status, text, headers

    def get(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        """Ask for an address; a header's name is written with underscores."""
        return self.ask(path=path, headers={name.replace("_", "-"): text for name, text in headers.items()})

    def page(self, path: str) -> Element:
        """Return a page, which must be there, in German, and sound."""
        status, text, _headers = self.get(path)
        assert status == 200, path
        root = parse(text)
        assert root.get("lang") == "de", path
        assert len(list(root.iter("h1"))) == 1
        return root


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return the copy with German in it."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("app", "translations"):
        shutil.copytree(PROJECT / name, folder / name)
    content = folder / "app" / "content"
    with (content / "languages.toml").open("a", encoding="utf-8") as file:
        file.write(LANGUAGE)
    for kind, slug, title in (("guides", GUIDE, "Ändere dein Passwort"), ("questions", QUESTION, "Für wen?")):
        text = (content / "da" / kind / f"{slug}.md").read_text("utf-8")
        needs = re.search(r"^needs = .*$", text, re.MULTILINE)
        body = text.split("\n+++\n", 1)[1].replace("## Hvis det ikke virker", "## Wenn es nicht klappt")
        head = f'title = "{title}"\nlead = "Kurz gesagt."\n{needs[0] if needs else ""}'
        path = content / "de" / kind / f"{slug}.md"
        path.parent.mkdir(parents=True)
        path.write_text(f"+++\n{head}\n+++\n{body}", "utf-8")
    messages = folder / "translations" / "de" / "LC_MESSAGES" / "messages.po"
    messages.parent.mkdir(parents=True)
    messages.write_text(CATALOGUE, "utf-8")
    command = [sys.executable, "-c", SITE, str(folder / "instance")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, text=True) as process:
        yield Site(process)
        assert process.stdin
        process.stdin.close()
        process.wait(10)


def words(element: Element) -> str:
    """Return the words of an element, white space folded."""
    return " ".join("".join(element.itertext()).split())


def notes(root: Element) -> list[str]:
    """Return what stands above a text that is not translated."""
    found = [words(e) for e in root.iter("p")]
    return [one for one in found if one.startswith("Der Text ist noch nicht")]


def known_as(root: Element) -> tuple[dict[str, str], str]:
    """Return the page's addresses by language, and the one it is to be known by."""
    links = [e for e in root.iter("link") if e.get("rel") in ("alternate", "canonical")]
    others = {e.get("hreflang") or "": urlsplit(e.get("href") or "").path for e in links if e.get("hreflang")}
    [canonical] = [urlsplit(e.get("href") or "").path for e in links if e.get("rel") == "canonical"]
    return others, canonical


def in_languages(path: str, *codes: str) -> dict[str, str]:
    """Return an address in some languages."""
    return {code: f"/{code}/{path}" for code in codes}


@pytest.mark.parametrize(
    "path",
    [
        f"vejledninger/{DANISH_GUIDE}",
        f"spoergsmaal/{DANISH_QUESTION}",
        f"aktuelt/{NEWS}",
        "emne/login",
        "om",
        "elev",
    ],
)
def test_what_is_not_translated_shows_the_danish_under_a_note(site: Site, path: str) -> None:
    root = site.page(f"/de/{path}")
    danish = parse(site.get(f"/da/{path}")[1])
    assert notes(root) == [NOTE]
    heading, theirs = next(root.iter("h1")), next(danish.iter("h1"))
    assert (heading.get("lang"), words(heading)) == ("da", words(theirs))
    crumb = next(e for e in root.iter("span") if e.get("aria-current") == "page")
    assert (crumb.get("lang"), words(crumb)) == ("da", words(theirs))
    proses = [e for e in root.iter("div") if "prose" in (e.get("class") or "").split()]
    assert {e.get("lang") for e in proses} <= {"da"}
    lead = next(e for e in root.iter("p") if e.get("class") == "lead")
    assert lead.get("lang") == "da"
    # Search engines are told of the Danish page and of no third that is the same.
    assert known_as(root) == (in_languages(path, "da", "en"), f"/da/{path}")
    assert known_as(danish) == (in_languages(path, "da", "en"), f"/da/{path}")


@pytest.mark.parametrize("path", [f"vejledninger/{GUIDE}", f"spoergsmaal/{QUESTION}"])
def test_what_is_translated_is_in_its_own_language(site: Site, path: str) -> None:
    root = site.page(f"/de/{path}")
    assert notes(root) == []
    assert next(root.iter("h1")).get("lang") is None
    assert words(next(root.iter("h1"))) in ("Ändere dein Passwort", "Für wen?")
    assert known_as(root) == (in_languages(path, "da", "en", "de"), f"/de/{path}")


def test_the_last_heading_of_a_guide_is_about_trouble_in_any_language(site: Site) -> None:
    root = site.page(f"/de/vejledninger/{GUIDE}")
    [troubles] = [e for e in root.iter("h2") if e.get("id") == "troubles"]
    assert words(troubles) == "Wenn es nicht klappt"


def test_the_front_page_leads_on_in_german_with_the_doors_in_danish(site: Site) -> None:
    root = site.page("/de/")
    assert len(notes(root)) == 1
    cards = [e for e in root.iter("a") if e.get("class") == "card"]
    assert [(e.get("href"), e.get("lang")) for e in cards] == [
        (f"/de/{slug}", "da") for slug in ("elev", "foraelder", "laerer", "personale")
    ]
    rows = [e for e in root.iter("a") if e.get("class") == "choice"]
    assert rows
    assert {e.get("lang") for e in rows} == {"da"}
    assert {urlsplit(e.get("href") or "").query for e in rows} == {"ui_locales=de"}
    assert known_as(root) == (in_languages("", "da", "en", "de"), "/de/")


def test_the_switch_names_every_language_and_keeps_the_page(site: Site) -> None:
    root = site.page(f"/de/vejledninger/{DANISH_GUIDE}")
    switch = next(e for e in root.iter("details") if e.get("class") == "language")
    rows = [(words(a), a.get("lang"), a.get("href"), a.get("aria-current")) for a in switch.iter("a")]
    assert rows == [
        ("Dansk", "da", f"/da/vejledninger/{DANISH_GUIDE}", None),
        ("English", "en", f"/en/vejledninger/{DANISH_GUIDE}", None),
        ("Deutsch", "de", f"/de/vejledninger/{DANISH_GUIDE}", "true"),
    ]


def test_readers_are_led_to_their_own_language(site: Site) -> None:
    assert site.get("/", Accept_Language="de")[2]["Location"] == "/de/"
    listed = site.ask(command=["content", "check"])[1]
    number = re.search(rf"(\d{{4}}) .* {DANISH_GUIDE}$", listed, re.MULTILINE)
    assert number
    answer = site.get(f"/v/{number[1]}/2", Accept_Language="de")
    assert answer[2]["Location"] == f"/de/vejledninger/{DANISH_GUIDE}#trin-2"
    status, text, _headers = site.get("/login", Accept_Language="de")
    assert (status, parse(text).get("lang")) == (200, "de")


def test_the_sitemap_lists_a_page_in_the_languages_that_it_is_in(site: Site) -> None:
    root = ElementTree.fromstring(site.get("/sitemap.xml")[1])
    paths = {urlsplit(e.text or "").path for e in root.iter() if e.tag.endswith("}loc")}
    german = {path for path in paths if path.startswith("/de/")}
    assert german == {
        "/de/",
        "/de/hjaelp-mig",
        "/de/vejledninger",
        "/de/spoergsmaal/",
        "/de/aktuelt",
        "/de/kontakt",
        "/de/drift",
        f"/de/vejledninger/{GUIDE}",
        f"/de/spoergsmaal/{QUESTION}",
    }
    assert {path.replace("/da/", "/en/", 1) for path in paths if path.startswith("/da/")} <= paths
    assert "Allow: /de/" in site.get("/robots.txt")[1]


def test_search_finds_the_german_and_the_danish_where_there_is_no_german(site: Site) -> None:
    [first, *_rest] = _results(site.page("/de/soeg?q=passwort"))
    assert first == (f"/de/vejledninger/{GUIDE}", None, "Ändere dein Passwort")
    [first, *_rest] = _results(site.page("/de/soeg?q=glemt+adgangskode"))
    assert first[:2] == (f"/de/vejledninger/{DANISH_GUIDE}", "da")
    rows = [e for e in site.page("/de/soeg?q=xyzzy").iter("a") if e.get("class") == "choice"]
    assert {e.get("lang") for e in rows} == {"da"}


def _results(root: Element) -> list[tuple[str | None, str | None, str]]:
    [found] = [e for e in root.iter("ol") if e.get("class") == "results"]
    return [(a.get("href"), a.get("lang"), words(a)) for a in found.iter("a")]


@pytest.mark.parametrize(
    "query",
    ["", "?hvem=elev", "?hvem=elev&hvad=glemt-adgangskode", "?hvem=elev&hvad=glemt-adgangskode&mitid=nej"],
)
def test_what_is_asked_is_marked_as_danish_where_it_is(site: Site, query: str) -> None:
    root = site.page(f"/de/hjaelp-mig{query}")
    rows = [e for e in root.iter("a") if (e.get("class") or "").startswith("choice")]
    assert rows
    is_about_mitid = query.endswith("adgangskode")
    assert {e.get("lang") for e in rows} == ({None} if is_about_mitid else {"da"})
    lead = next(e for e in root.iter("p") if e.get("class") == "lead")
    assert lead.get("lang") == ("da" if "hvad" in query else None)


def test_every_german_page_stands_and_so_does_whatever_it_leads_to(site: Site) -> None:
    seen, rest = set[str](), {"/de/"}
    while rest:
        path = rest.pop()
        seen.add(path)
        status, text, headers = site.get(path)
        assert status in (200, 303), path
        if headers["Content-Type"].startswith("text/html") and path.startswith("/de/"):
            marks = [mark for mark in re.findall("<a ([^>]*)>", text) if "hreflang" not in mark]
            links = set(re.findall('href="(/[^"#?]*)', " ".join(marks)))
            assert not {one for one in links if one.startswith(("/da/", "/en/"))}, path
            rest |= {one for one in links if one.startswith("/de/")} - seen
    assert len(seen) > 60


def test_editors_are_told_what_is_not_translated(site: Site) -> None:
    status, text, _headers = site.ask(command=["content", "check"])
    assert status == 0
    lines = text.splitlines()
    for name in (
        f"guides/{DANISH_GUIDE}.md",
        f"questions/{DANISH_QUESTION}.md",
        "pages/om.md",
        "topics.toml [login]",
        "audiences.toml [audiences.elev]",
        "help_me.toml",
    ):
        assert f"warning: de/{name} is not there: readers get the Danish" in lines
    assert not [line for line in lines if f"guides/{GUIDE}.md" in line]
