"""Chromium before the real server: what a person sees, with and without script, on a phone and on a desk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.server import Server
from tests.browser.visits import Visits
from tests.conftest import Template

PHONE, DESK = (390, 844), (1280, 900)
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
]
# Longer than anything takes on a busy machine: a wait ends as soon as what it waits for is there.
PATIENCE_MS = 15_000


@dataclass(frozen=True)
class Way:
    """How a person meets the site."""

    has_script: bool
    size: tuple[int, int]


WAYS = {
    "script, phone": Way(True, PHONE),
    "script, desk": Way(True, DESK),
    "no script, phone": Way(False, PHONE),
    "no script, desk": Way(False, DESK),
}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return the one Chromium of this run."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("The browser tests need Chromium, and there is none on this machine: run `make browser`.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def kept_server(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server | None]:
    """Return the server that all tests on SQLite share, or None on PostgreSQL."""
    if template.postgres is not None:
        yield None
        return
    server = Server(template, tmp_path_factory.mktemp("server"), "")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def site(
    template: Template, kept_server: Server | None, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """Return the running site over a fresh copy of the demo school; nothing in it may go wrong unforeseen."""
    if kept_server is not None:
        kept_server.reset()
        server = kept_server
    else:
        server = Server(template, tmp_path, f"b{abs(hash(request.node.nodeid)):x}")
    said = len(server.log())
    try:
        if kept_server is None:
            server.start()
        yield server
        log = server.log()[said:]
        assert '"unforeseen"' not in log, log
    finally:
        if kept_server is None:
            server.stop()


@pytest.fixture
def visits(chromium: Browser, site: Server) -> Iterator[Visits]:
    """Return what opens browsers at the site; afterwards nothing may have been complained of."""
    made = Visits(chromium, site)
    try:
        yield made
        made.check()
    finally:
        made.close()


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Return each of the four ways to meet the site."""
    chosen: Way = request.param
    return chosen


@pytest.fixture
def page(visits: Visits, way: Way) -> Page:
    """Return a page of a new browser: with and without script, on a phone and on a desk."""
    return visits.open(has_script=way.has_script, size=way.size)


@pytest.fixture(params=[Way(True, PHONE), Way(False, DESK)], ids=["script", "no script"])
def either(visits: Visits, request: pytest.FixtureRequest) -> Page:
    """Return a page of a new browser: with and without script, where the size makes no difference."""
    return visits.open(has_script=request.param.has_script, size=request.param.size)


@pytest.fixture
def scripted(visits: Visits) -> Page:
    """Return a page of a new browser with script, on a phone."""
    return visits.open(has_script=True, size=PHONE)
