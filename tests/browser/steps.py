"""What a person does, in the words on the screen."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.cast import Member

USERNAME, PASSWORD, TYPED = "Brugernavn", "Adgangskode", "De fire billeders navne"
ASK_NAME = "Skriv dit brugernavn"
ASK_WORDS = "Skriv din adgangskode"
ASK_PICTURES = "Tryk på dine fire billeder"


def sees(page: Page, heading: str) -> None:
    """Expect a screen by its heading."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def is_at(page: Page, path: str) -> None:
    """Expect the address to be a path."""
    expect(page).to_have_url(re.compile(rf"^http://[^/]+{re.escape(path)}(\?.*)?$"))


def button(page: Page, words: str) -> Locator:
    """Find the button with exactly these words."""
    return page.get_by_role("button", name=words, exact=True)


def press(page: Page, words: str) -> None:
    """Press a button."""
    button(page, words).click()


def follow(page: Page, words: str) -> None:
    """Follow the link with exactly these words."""
    page.get_by_role("link", name=words, exact=True).click()


def write(page: Page, label: str, text: str) -> None:
    """Fill in the field with this label."""
    page.get_by_label(label, exact=True).fill(text)


def summary(page: Page) -> Locator:
    """Find the error summary."""
    return page.locator("#error-summary")


def give_username(page: Page, username: str | None) -> None:
    """Open the login and give a username."""
    page.goto("/login/brugernavn")
    write(page, USERNAME, username or "")
    press(page, "Næste")


def try_words(page: Page, secret: str | None) -> None:
    """Give a password on the password screen."""
    write(page, PASSWORD, secret or "")
    press(page, "Log ind")


def chosen(page: Page, count: int) -> None:
    """Expect so many of the four slots to be filled."""
    expect(page.locator("[data-slots]")).to_have_attribute("aria-label", f"{count} af 4 valgt")


def tap(page: Page, *ids: str) -> None:
    """Tap pictures one after another, and see each in its slot."""
    for count, id in enumerate(ids, start=1):
        page.locator(f"button[name=pick][value={id}]").click()
        chosen(page, count)


def log_in(page: Page, member: Member) -> None:
    """Log in as one of the cast, in the way that person does."""
    give_username(page, member.username)
    if member.pictures:
        sees(page, ASK_PICTURES)
        tap(page, *member.pictures)
        press(page, "Log ind")
    else:
        sees(page, ASK_WORDS)
        try_words(page, member.password)


def is_logged_in(page: Page, member: Member) -> None:
    """Expect «Mit Unilogin» of a person."""
    sees(page, "Mit Unilogin")
    expect(page.get_by_text(f"Hej {member.shown_name}. Du er logget ind.")).to_be_visible()


def form_of(page: Page, action: str, **filled: str) -> tuple[dict[str, str], str]:
    """Return what the page's form for an address would send, and the browser's cookies."""
    form: dict[str, str] = page.locator(f"form[action='{action}']").first.evaluate(
        "form => Object.fromEntries(new FormData(form))"
    )
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
    return form | filled, cookies


def dealt_words(page: Page) -> str:
    """Return the password that is shown."""
    shown = page.locator(".secret-words")
    expect(shown).to_be_visible()
    return shown.inner_text().strip()


def dealt_pictures(page: Page) -> list[str]:
    """Return the ids of the pictures that are shown, in order."""
    shown = page.locator(".secret-pictures li")
    expect(shown).to_have_count(4)
    addresses = shown.locator("use").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    return [address.partition("#")[2] for address in addresses]
