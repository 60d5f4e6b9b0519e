"""MitID beside the site under test: its simulator, and being somebody there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app.db import instant
from app.demo.mitid_simulator import drawn
from app.demo.mitid_simulator.pages import make_app
from app.world import Clock
from tests.browser.server import Server, free_port
from tests.browser.visits import Visits
from tests.cast import Member
from tests.conftest import Template

SIMULATOR = "Test – ikke MitID"


@contextmanager
def beside_mitid(template: Template, folder: Path) -> Iterator[Server]:
    """Run a server with the simulator of MitID on a port beside it."""
    port = free_port()
    server = Server(template, folder, "", mitid_port=port)
    people = drawn.identities(instant(Clock()).today)
    pages = make_app(f"http://127.0.0.1:{port}", server.config.mitid_return, people, Clock().now)
    simulator = make_server("127.0.0.1", port, pages, threaded=True)
    thread = threading.Thread(target=simulator.serve_forever, daemon=True)
    thread.start()
    try:
        server.start()
        yield server
    finally:
        server.stop()
        simulator.shutdown()
        thread.join(10)
        simulator.server_close()


@contextmanager
def visiting(chromium: Browser, site: Server) -> Iterator[Visits]:
    """Open browsers that may go to the simulator and nowhere else; afterwards no complaint may be left."""
    made = Visits(chromium, site)
    made.expect_complaint(r"^another origin: http://127\.0\.0\.1:\d+/(authorize|static/)")
    try:
        yield made
        made.check()
    finally:
        made.close()


def be(page: Page, member: Member) -> None:
    """Be one of the cast at the simulator."""
    expect(page.get_by_text(SIMULATOR).first).to_be_visible()
    assert member.mitid is not None
    page.locator(f"button[name=identity][value='{member.mitid['uuid']}']").click()
