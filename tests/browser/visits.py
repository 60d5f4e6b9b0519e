"""Browsers at the site, and what they complained of: errors, refused content, other people's servers."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.browser.server import Server

# Chromium notes every answer of 400 and more; those the design gives are no complaint.
MEANT = re.compile(r"^Failed to load resource: the server responded with a status of (403|404|410|422|429) ")


class Visits:
    """Opens browsers, each with cookies of its own, and remembers what went wrong in any of them."""

    def __init__(self, chromium: Browser, site: Server) -> None:
        """Visit a site."""
        self._chromium, self._site = chromium, site
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        self.foreseen: list[str] = []

    def open(
        self,
        *,
        has_script: bool = True,
        size: tuple[int, int] = (390, 844),
        locale: str = "da-DK",
    ) -> Page:
        """Open a browser that was never here before."""
        context = self._chromium.new_context(
            base_url=self._site.address,
            java_script_enabled=has_script,
            viewport={"width": size[0], "height": size[1]},
            locale=locale,
            reduced_motion="reduce",
        )
        self._contexts.append(context)
        context.set_default_timeout(15_000)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        context.on("request", self._request)
        return context.new_page()

    def expect_complaint(self, pattern: str) -> None:
        """Say that a test means to provoke a complaint that matches."""
        self.foreseen.append(pattern)

    def check(self) -> None:
        """Assert that nothing was complained of and nobody else was asked for anything."""
        unforeseen = [
            text for text in self.complaints if not any(re.search(pattern, text) for pattern in self.foreseen)
        ]
        assert not unforeseen, "\n".join(unforeseen)

    def close(self) -> None:
        """Close every browser."""
        for context in self._contexts:
            context.close()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not MEANT.match(message.text):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        self.requests.append(request)
        if not request.url.startswith((self._site.address + "/", "data:")):
            self.complaints.append(f"another origin: {request.url}")
        if request.resource_type == "font":
            self.complaints.append(f"a web font: {request.url}")
