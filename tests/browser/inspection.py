"""What is looked for on every screen: faults that axe finds, what runs out of the page, what is too small."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}


def violations(page: Page) -> list[str]:
    """Return what axe finds on a page, a line each."""
    page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", OPTIONS)
    return [
        f"{rule['id']}: {node['html']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def overflowing(page: Page) -> list[str]:
    """Return the elements that reach out of the window to either side."""
    lines: list[str] = page.evaluate(
        """() => {
            const wide = document.documentElement.clientWidth;
            return [...document.body.querySelectorAll("*")]
                .filter(one => one.checkVisibility() && !one.closest(".skip, .visually-hidden, #live"))
                .filter(one => {
                    const box = one.getBoundingClientRect();
                    return box.right > wide + 0.5 || box.left < -0.5;
                })
                .map(one => one.outerHTML.slice(0, 120))
                .concat(document.documentElement.scrollWidth > wide ? ["the page scrolls sideways"] : []);
        }"""
    )
    return lines


def cramped(page: Page) -> list[str]:
    """Return what cannot be used well: words that do not fit, fields too small, buttons too close."""
    lines: list[str] = page.evaluate(
        """() => {
            const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
            const all = selector => [...document.querySelectorAll(selector)];
            const seen = selector => all(selector).filter(one => one.checkVisibility());
            const apart = (one, other) => {
                const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
                return Math.max(a.left - b.right, b.left - a.right, a.top - b.bottom, b.top - a.bottom);
            };
            // A bar that sticks to the bottom lies over the rows, which scroll away from under it.
            const buttons = seen("main .button:not(.select-bar .button)");
            return [
                ...buttons.filter((one, at) => buttons.slice(0, at).some(other => apart(one, other) < 8)),
                ...seen("button, a.button, a.choice, a.card, summary")
                    .filter(one => one.scrollWidth > one.clientWidth + 1),
                ...seen("input.input").filter(one => one.clientWidth < 7 * em),
                ...seen("[data-slots] > span").filter(one => one.clientWidth < 30),
            ].map(one => one.outerHTML.slice(0, 120));
        }"""
    )
    return lines
