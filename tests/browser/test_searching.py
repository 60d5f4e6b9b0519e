"""Search while one types: the results follow, are told of, and the reader stays in the field."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)


def test_the_results_follow_what_is_typed_and_how_many_is_told(scripted: Page) -> None:
    scripted.goto("/da/soeg")
    field = scripted.get_by_label("Skriv, hvad der er galt, med dine egne ord")
    field.press_sequentially("rød prik")
    first = scripted.locator(".results a").first
    expect(first).to_have_text("Hvem kan bruge Elevadministration?")
    expect(scripted.locator("#live")).to_have_text(re.compile(r"^\d+ resultater$"))
    expect(field).to_be_focused()
    expect(scripted).to_have_url(re.compile(r"/da/soeg\?q=r%C3%B8d\+prik$"))
    switch = scripted.locator("#language")
    expect(switch.locator("a[hreflang=en]")).to_have_attribute("href", "/en/soeg?q=r%C3%B8d+prik")
    expect(switch).to_have_count(1)
    first.click()
    expect(scripted.get_by_role("heading", level=1)).to_have_text("Hvem kan bruge Elevadministration?")
    scripted.go_back()
    expect(field).to_have_value("rød prik")
