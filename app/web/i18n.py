"""Which language a page speaks, the catalogues, and dates and numbers in it.

Danish is the source: its catalogue is the strings themselves.
"""

from __future__ import annotations

import io
from collections.abc import Collection
from datetime import date, datetime
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import current_app, g, has_request_context, request, url_for
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from app.config import Config
from app.db import COPENHAGEN
from app.domain import languages as known

LANGUAGES = {code: one.name for code, one in known.LANGUAGES.items()}
# Which way each language runs: ltr or rtl.
DIRECTIONS = {code: Locale.parse(code).text_direction for code in LANGUAGES}
SOURCE = "da"
# Whose way of writing dates a language follows.
LOCALES = {code: one.locale for code, one in known.LANGUAGES.items()}
COOKIE = "language"

# What a public page was asked, which it is in another language too.
ASKED = {"searching.results": ("q",), "help_me.ask": ("hvem", "hvad", "mitid")}

# Days kept in words: pages mostly tell of the same few. And headers, of which a stranger may send any.
DAYS, PREFERENCES = 512, 256

Catalogue = NullTranslations


def read_catalogues(folder: Path) -> dict[str, Catalogue]:
    """Read every language's messages from its `.po` file, so that no compiled copy can be stale."""
    catalogues: dict[str, Catalogue] = {SOURCE: NullTranslations()}
    for code in LANGUAGES:
        path = folder / code / "LC_MESSAGES" / "messages.po"
        if code != SOURCE and path.exists():
            catalogues[code] = _compiled(path.read_bytes(), code)
    return catalogues


@lru_cache(8)
def _compiled(messages: bytes, code: str) -> Catalogue:
    """Return a catalogue; kept, as it is the same in every app of a process."""
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(messages), locale=code))
    compiled.seek(0)
    return GNUTranslations(compiled)


def language() -> str:
    """Return the code of the language of this request, chosen once.

    Public pages say it in their address. Tools take OpenID Connect's `ui_locales`, then what the
    browser chose before, then what it prefers.
    """
    try:
        chosen: str | None = g.get("language")
    except RuntimeError:  # no request, no app: a command
        return SOURCE
    if chosen is None:
        chosen = g.language = _choose() if has_request_context() else SOURCE
    return chosen


def _choose() -> str:
    in_address = (request.view_args or {}).get("lang")
    if in_address in LANGUAGES:
        return str(in_address)
    asked = requested()
    if asked:
        return asked
    kept = request.cookies.get(cookie_name())
    if kept in LANGUAGES:
        return str(kept)
    return _preferred(request.headers.get("Accept-Language", "")[:500])


@lru_cache(PREFERENCES)
def _preferred(header: str) -> str:
    """Return the language that a browser prefers of ours; browsers mostly say the same few things."""
    return parse_accept_header(header, LanguageAccept).best_match(LANGUAGES, SOURCE) or SOURCE


def cookie_name() -> str:
    """Return the name of the cookie that keeps the language: bound to the host by its prefix over https."""
    config: Config = current_app.extensions["config"]
    return f"__Host-{COOKIE}" if config.is_https else COOKIE


def requested() -> str | None:
    """Return the language that this very address asks for by `ui_locales`, if we have one of them."""
    for tag in request.args.get("ui_locales", "")[:100].split():
        code = tag.split("-")[0].lower()
        if code in LANGUAGES:
            return code
    return None


def _catalogue() -> Catalogue:
    """Return the catalogue of the language of this request, found once."""
    found: Catalogue | None = g.get("catalogue")
    if found is None:
        catalogues: dict[str, Catalogue] = current_app.extensions["catalogues"]
        found = g.catalogue = catalogues.get(language(), catalogues[SOURCE])
    return found


def gettext(message: str, **values: object) -> str:
    """Return a message in the reader's language, with its values filled in."""
    text = _catalogue().gettext(message)
    return text % values if values else text


def ngettext(one: str, many: str, n: int, **values: object) -> str:
    """Return a message for a number in the reader's language; `%(n)s` is the number."""
    return _catalogue().ngettext(one, many, n) % {"n": n, **values}


def languages() -> list[tuple[str, str, str, str, bool]]:
    """Return code, own name, direction, address and whether it is the one at hand, for the switch.

    A tool's switch is relative to where the browser stands: htmx moves the address, not the header. It
    keeps where a login is going, or which page of a list it is; a public page, what was asked of it.
    """
    is_public = bool(request.view_args and "lang" in request.view_args)
    names = ASKED.get(request.endpoint or "", ()) if is_public else ("til", "skift")
    kept = {name: request.args[name][:200] for name in names if request.args.get(name)}
    rows = []
    for code, name in LANGUAGES.items():
        href = "?" + urlencode({"ui_locales": code} | kept)
        if is_public and request.endpoint:
            values: dict[str, Any] = {**kept, **(request.view_args or {}), "lang": code}
            href = url_for(request.endpoint, **values)
        rows.append((code, name, DIRECTIONS[code], href, code == language()))
    return rows


def alternates(written: Collection[str] | None = None) -> list[tuple[str, str, bool]]:
    """Return a public page's full address in each language, by the configured host (S-08).

    Where not all languages have its text, only those that are `written`. One of them is the one to know
    it by: the reader's, or the Danish that is shown in its place.
    """
    if not request.view_args or "lang" not in request.view_args:
        return []
    public_url = current_app.extensions["config"].public_url
    there = LANGUAGES if written is None else written
    canonical = language() if language() in there else SOURCE
    return [
        (code, public_url + href, code == canonical)
        for code, _name, _direction, href, _current in languages()
        if code in there
    ]


def date_text(at: datetime) -> str:
    """Return a day in words: «22. november 2026»."""
    return day_text(at.astimezone(COPENHAGEN).date(), language())


@lru_cache(DAYS)
def day_text(day: date, code: str) -> str:
    """Return a day in the words of a language: «22. november 2026»."""
    return format_date(day, "long", locale=LOCALES[code])


def time_text(at: datetime) -> str:
    """Return a time of day: «10.35»."""
    return f"{at.astimezone(COPENHAGEN):{'%H.%M' if language() == SOURCE else '%H:%M'}}"


def moment_text(at: datetime) -> str:
    """Return a day and a time: «22. november 2026 kl. 10.35»."""
    return gettext("%(date)s kl. %(time)s", date=date_text(at), time=time_text(at))


def wait_text(seconds: int) -> str:
    """Return a waiting time in words, in whole minutes from one minute on."""
    if seconds < 60:
        return ngettext("%(n)s sekund", "%(n)s sekunder", seconds)
    return ngettext("%(n)s minut", "%(n)s minutter", -(-seconds // 60))
