"""A browser without script: opens pages, fills in forms by their labels, and checks every page it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask
from werkzeug.test import TestResponse

from app.config import Config

COOKIES = ("login", "flow", "device", "form", "language", "trip", "recovery", "way")
VOID_OF_NAME = {"hidden", "submit", "button"}


@dataclass
class Page:
    """One page as it was answered."""

    response: TestResponse
    root: Element

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def path(self) -> str:
        """The path that answered."""
        return self.response.request.path

    @property
    def text(self) -> str:
        """All words of the page's main part, white space folded."""
        main = self.root.find(".//main")
        return _words(main if main is not None else self.root)

    @property
    def heading(self) -> str:
        """The words of the one `h1`."""
        found = self.root.find(".//h1")
        assert found is not None
        return _words(found)

    @property
    def title(self) -> str:
        """The title."""
        return _words(self.root.find(".//title"))  # type: ignore[arg-type]

    @property
    def secret(self) -> str:
        """The one password that the page shows: words, or the names of the pictures."""
        words = [e for e in self.root.iter("p") if e.get("class") == "secret-words"]
        names = [e for e in self.root.iter("span") if e.get("class") == "secret-name"]
        assert (len(words), len(names)) in ((1, 0), (0, 4))
        return " ".join(map(_words, words or names))

    def links(self) -> dict[str, str]:
        """Return the addresses by the words of their links."""
        return {_words(a): a.get("href", "") for a in self.root.iter("a") if a.get("href")}

    def forms(self) -> list[Element]:
        """Return the forms in order."""
        return list(self.root.iter("form"))


class Browser:
    """One browser: it keeps cookies, follows redirects, and asserts what every page must hold."""

    def __init__(self, app: Flask, *, address: str = "127.0.0.1", language: str = "da") -> None:
        """Sit at a network address, preferring a language."""
        self.app = app
        config: Config = app.extensions["config"]
        self.host, self.prefix = config.public_url, "__Host-" if config.is_https else ""
        self.domain = urlsplit(self.host).hostname or ""
        self.client = app.test_client()
        self.client.environ_base["REMOTE_ADDR"] = address
        self.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        self.page: Page | None = None

    def open(self, path: str, **values: Any) -> Page:
        """Open an address and follow where it leads."""
        return self._seen(self.client.get(path, base_url=self.host, follow_redirects=True, **values))

    def follow(self, words: str) -> Page:
        """Follow the link with these words."""
        links = self.current.links()
        found = [href for text, href in links.items() if text == words] or [
            href for text, href in links.items() if words in text
        ]
        assert found, f"no link «{words}» among {sorted(links)}"
        return self.open(urljoin(self.current.path, found[0]))

    def press(self, words: str, *, filled: dict[str, str] | None = None, **extra: str) -> Page:
        """Fill in the form that has the button with these words, and press it."""
        return self.post(*self.form(words, filled=filled, **extra))

    def form(
        self, words: str, *, filled: dict[str, str] | None = None, **extra: str
    ) -> tuple[str, dict[str, str]]:
        """Return where a press of the button with these words sends its form, and what it sends."""
        form, button = self._button(words, filled or {})
        data = {
            field.get("name", ""): field.get("value", "")
            for field in form.iter("input")
            if field.get("name") and field.get("type") not in ("submit", "checkbox", "radio")
        }
        for label, value in (filled or {}).items():
            data[self._name_of(form, label)] = value
        if button.get("name"):
            data[button.get("name", "")] = button.get("value", "")
        data |= extra
        action = button.get("formaction") or form.get("action")
        return urljoin(self.current.path, action or self.current.path), data

    def post(self, path: str, data: dict[str, str]) -> Page:
        """Post a form and follow where it leads."""
        answer = self.client.post(path, data=data, base_url=self.host, follow_redirects=True)
        return self._seen(answer)

    def send(self, path: str, data: dict[str, str], **headers: str) -> TestResponse:
        """Post a form and return the bare answer; a header's name is written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, data=data, base_url=self.host, headers=named)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open an address and return the bare answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, base_url=self.host, headers=named)

    def twin(self) -> Browser:
        """Return another window that has sent and kept the same cookies, for the second of two presses."""
        other = Browser(self.app)
        other.client.environ_base |= self.client.environ_base
        other.page = self.page
        for name in COOKIES:
            value = self.cookie(name)
            if value is not None:
                other.plant(name, value)
        return other

    def plant(self, name: str, value: str) -> None:
        """Put a cookie into the browser that the site did not set."""
        self.client.set_cookie(self.prefix + name, value, domain=self.domain, secure=bool(self.prefix))

    def csrf(self) -> str:
        """Return the token in the page at hand."""
        return next(
            field.get("value", "")
            for field in self.current.root.iter("input")
            if field.get("name") == "csrf_token"
        )

    def log_in(self, username: str, secret: str, *, path: str = "/login/brugernavn") -> Page:
        """Walk the wizard with a username and a password, or four picture names."""
        self.open(path)
        page = self.press("Næste", filled={"Brugernavn": username})
        if page.path.endswith("billeder"):
            return self.press("Log ind", filled={"De fire billeders navne": secret})
        return self.press("Log ind", filled={"Adgangskode": secret})

    @property
    def current(self) -> Page:
        """The page at hand."""
        assert self.page is not None, "no page was opened"
        return self.page

    def cookie(self, name: str) -> str | None:
        """Return the value of a cookie the browser holds."""
        found = self.client.get_cookie(self.prefix + name, domain=self.domain)
        return found.value if found else None

    def _button(self, words: str, filled: dict[str, str]) -> tuple[Element, Element]:
        """Return the first form with this button and these labels."""
        candidates = [
            (form, button)
            for form in self.current.forms()
            if set(filled) <= {_words(label) for label in form.iter("label")}
            for button in form.iter("button")
            if button.get("type", "submit") == "submit" and _words(button) == words
        ]
        assert candidates, f"no button «{words}» with {sorted(filled)} on {self.current.path}"
        return candidates[0]

    def _name_of(self, form: Element, label_words: str) -> str:
        for label in form.iter("label"):
            if _words(label) == label_words:
                field = next((e for e in form.iter("input") if e.get("id") == label.get("for")), None)
                assert field is not None, f"the label «{label_words}» is for no field"
                return field.get("name", "")
        raise AssertionError(f"no field «{label_words}» on {self.current.path}")

    def _seen(self, response: TestResponse) -> Page:
        assert response.status_code < 500 or response.status_code == 503, response.text[:2000]
        page = Page(response, parse(response.text))
        check(page, self.host)
        self.page = page
        return page


def parse(text: str) -> Element:
    """Return the tree of a page; nesting that a browser would have to repair is an error."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False, strict=True)
    tree: Element = parser.parse(text)
    return tree


def check(page: Page, host: str) -> None:
    """Assert what every page must hold: language, one heading that starts the title, labels, ids."""
    root = page.root
    assert root.get("lang"), "a page names its language"
    assert root.get("dir") in ("ltr", "rtl"), "a page names its direction"
    headings = list(root.iter("h1"))
    assert len(headings) == 1, f"one h1, not {len(headings)}, on {page.path}"
    title = page.title.removeprefix("Fejl: ").removeprefix("Error: ")
    assert title.startswith(page.heading), f"«{page.title}» does not start with «{page.heading}»"
    description = [m for m in root.iter("meta") if m.get("name") == "description"]
    assert description and description[0].get("content"), "a page describes itself"
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids)), f"an id stands twice: {sorted(ids)}"
    labelled = {label.get("for") for label in root.iter("label")}
    for field in root.iter("input"):
        if field.get("type") in VOID_OF_NAME or field.get("hidden") is not None:
            continue
        wrapped = any(field in list(label.iter("input")) for label in root.iter("label"))
        assert field.get("id") in labelled or wrapped or field.get("aria-label"), "a field has a label"
    for element in root.iter():
        for name in element.attrib:
            assert name != "style" and not name.startswith("on") and name != "hx-on", f"inline {name}"
    for script in root.iter("script"):
        is_data = script.get("type") == "application/ld+json"
        assert is_data or (script.get("src") and not (script.text or "").strip()), "no inline script"
    for reference in ("aria-describedby", "aria-labelledby"):
        for element in root.iter():
            for id in (element.get(reference) or "").split():
                assert id in ids, f"{reference} names «{id}», which is not on {page.path}"
    for link in root.iter("a"):
        href = link.get("href") or ""
        is_marked = link.get("rel") == "external noreferrer"
        assert is_marked or not urlsplit(href).netloc or href.startswith(host), f"a link leads to {href}"


def _words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())
