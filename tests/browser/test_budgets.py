"""The budgets of design 12, measured on the wire: a first visit with an empty cache."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, Request, Response

from tests.browser.conftest import PATIENCE_MS
from tests.browser.server import Server
from tests.browser.steps import (
    ASK_PICTURES,
    ASK_WORDS,
    USERNAME,
    give_username,
    press,
    sees,
    write,
)
from tests.browser.visits import Visits
from tests.cast import ANNA, BO

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)

KB = 1000


class Wire:
    """Counts what one page takes over the wire: the bodies as they are sent, without their headers."""

    def __init__(self, page: Page) -> None:
        """Listen from now on."""
        self._page = page
        self._begun: list[Request] = []
        self._finished: list[Request] = []
        page.on("request", lambda request: self._begun.append(request))  # noqa: PLW0108 - `start` clears it
        page.on("requestfinished", lambda request: self._finished.append(request))  # noqa: PLW0108

    def start(self) -> None:
        """Count from here."""
        self._begun.clear()
        self._finished.clear()

    @property
    def taken(self) -> dict[str, int]:
        """The bytes by address. The network may be idle a moment before all that finished is told of."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while len(self._finished) < len(self._begun):
            assert time.monotonic() < deadline, [one.url for one in self._begun]
            self._page.wait_for_timeout(10)
        sizes: dict[str, int] = {}
        for request in self._finished:
            size = max(0, request.sizes()["responseBodySize"])
            sizes[request.url] = sizes.get(request.url, 0) + size
        return sizes

    @property
    def total(self) -> int:
        """The bytes so far."""
        return sum(self.taken.values())

    def of(self, name: str) -> int:
        """Return the bytes of the one file whose address holds a name."""
        found = [size for address, size in self.taken.items() if name in address]
        assert len(found) == 1, f"{name}: {self.taken}"
        return found[0]


def loaded(page: Page) -> None:
    """Wait until nothing is on its way any more."""
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("path", ["/login", "/login/brugernavn"])
def test_the_login_page_is_28_kb_in_five_requests(scripted: Page, path: str) -> None:
    wire = Wire(scripted)
    scripted.goto(path)
    loaded(scripted)
    assert wire.total <= 28 * KB, wire.taken
    assert len(wire.taken) <= 5, wire.taken


def test_a_guide_with_its_screens_is_45_kb(scripted: Page) -> None:
    wire = Wire(scripted)
    scripted.goto("/da/vejledninger/faa-en-ny-adgangskode")
    loaded(scripted)
    assert wire.total <= 45 * KB, wire.taken


def longest_guide(site: Server) -> str:
    """Return the address of the guide with the most on its page."""
    shelf = site.ask("GET", "/da/vejledninger").text
    guides = re.findall(r'href="(/da/vejledninger/[a-z0-9-]+)"', shelf)
    return max(guides, key=lambda path: len(site.ask("GET", path).text))


def test_a_public_page_is_45_kb_as_a_guide_is_in_six_requests(site: Server, visits: Visits) -> None:
    """The page, its style sheet, two scripts, mark and icons; the screens in a guide bring their own."""
    pages = {
        "/da/": 6,
        "/da/personale": 6,
        longest_guide(site): 8,
        "/da/spoergsmaal/hvem-kan-faa-unilogin": 6,
        "/da/soeg?q=glemt+kode": 6,
    }
    for path, requests in pages.items():
        page = visits.open()
        wire = Wire(page)
        page.goto(path)
        loaded(page)
        assert wire.total <= 45 * KB, wire.taken
        assert len(wire.taken) <= requests, wire.taken
        styles = [size for address, size in wire.taken.items() if address.endswith(".css")]
        assert styles
        assert sum(styles) <= 10 * KB, wire.taken
        assert wire.of("/static/ui.") <= 3 * KB
        assert wire.of("/static/htmx") <= 16 * KB


def test_styles_own_script_and_htmx_keep_to_10_3_and_16_kb(scripted: Page) -> None:
    wire = Wire(scripted)
    scripted.goto("/login")
    loaded(scripted)
    assert 0 < wire.of("/static/screen.") <= 10 * KB
    assert wire.of("/static/ui.") <= 3 * KB
    assert wire.of("/static/htmx") <= 16 * KB


def test_the_picture_login_is_36_kb(scripted: Page, visits: Visits) -> None:
    """As if nothing were in the cache: the page, what every page loads, and the pictures."""
    give_username(scripted, ANNA.username)
    sees(scripted, ASK_PICTURES)
    page = visits.open()
    page.context.add_cookies(scripted.context.cookies())  # type: ignore[arg-type]
    wire = Wire(page)
    page.goto("/login/billeder")
    sees(page, ASK_PICTURES)
    loaded(page)
    assert wire.of("/static/pictures.") <= 8 * KB
    assert wire.total <= 36 * KB, wire.taken


def test_the_next_step_of_the_wizard_is_3_kb(scripted: Page) -> None:
    wire = Wire(scripted)
    scripted.goto("/login/brugernavn")
    loaded(scripted)
    write(scripted, USERNAME, BO.username or "")
    wire.start()
    press(scripted, "Næste")
    sees(scripted, ASK_WORDS)
    loaded(scripted)
    assert wire.total <= 3 * KB, wire.taken


def test_a_second_visit_takes_pages_only(scripted: Page) -> None:
    """Static files are named by their content and kept for a year."""
    scripted.goto("/login")
    loaded(scripted)
    wire = Wire(scripted)
    scripted.goto("/login/brugernavn")
    loaded(scripted)
    assert wire.total <= 6 * KB, wire.taken


def test_login_pages_go_uncompressed_and_static_files_by_brotli(site: Server, visits: Visits) -> None:
    """Design 12: pages that hold secrets and echo input are not compressed."""
    page = visits.open()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - marks what it is given
    page.goto("/login/brugernavn")
    loaded(page)
    encodings = {
        one.url.removeprefix(site.address).split(".")[0]: one.headers.get("content-encoding")
        for one in answers
    }
    assert encodings["/login/brugernavn"] is None
    assert encodings["/static/screen"] == encodings["/static/ui"] == "br"


def test_nothing_moves_while_a_page_loads(visits: Visits) -> None:
    """Design 12: layout shift at most 0.02."""
    for path in (
        "/login/brugernavn",
        "/da/",
        "/da/personale",
        "/da/vejledninger/faa-en-ny-adgangskode",
        "/da/spoergsmaal/hvem-kan-faa-unilogin",
        "/da/soeg?q=glemt+kode",
    ):
        for size in ((390, 844), (1280, 900)):
            page = visits.open(size=size)
            page.goto(path)
            loaded(page)
            shift = page.evaluate(
                """() => new Promise(done => {
                    let sum = 0;
                    const watch = new PerformanceObserver(list => {
                        for (const one of list.getEntries()) sum += one.hadRecentInput ? 0 : one.value;
                    });
                    watch.observe({type: "layout-shift", buffered: true});
                    requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
                })"""
            )
            assert shift <= 0.02, (path, size)
