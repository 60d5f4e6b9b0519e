"""What is made once and answered from memory, before Flask: the static files, and the public pages.

Files are joined, freed of comments, named by their content and compressed at start, so that a browser may
keep each for a year. A public page is the same for everybody: it is kept as Flask made it until the next
minute, in which the phone may open or close, or the next word of the operator's on how things run, and
answered with a mark of its content.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import brotli
import rcssmin
import rjsmin
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from app.web.gate import ALWAYS, NOTHING, Environ, StartResponse, Wsgi
from app.web.i18n import LANGUAGES
from app.web.notices import Board, Told
from app.world import Clock

PREFIX = "/static/"
# What is joined into one sheet: for the login and whatever is framed like it, which stay small by that; for
# the pages in the site's own frame; and for those of one feature, on top of it. A page waits for its sheets
# before it shows anything, and for a second one on a connection of its own.
SHEETS = {
    "screen": ("tokens", "base", "components", "screen"),
    "site": ("tokens", "base", "components", "screen", "site", "reading"),
    "elevadgang": ("elevadgang",),
}
# The addresses of public pages begin with their language, but for those of forms, which hold a token. What
# others of them answer is not kept either.
PUBLIC = re.compile(rf"/(?:{'|'.join(LANGUAGES)})/(?!(?:kontakt|hjalp-det)(?:/|$))")
TYPES = ("text/html", "application/atom+xml")
# How long a browser or a proxy may answer by itself: no longer than the phone's state may be late.
KEPT_SECONDS = 60
MINUTE = timedelta(minutes=1)
TEXTS = (".css", ".js", ".svg", ".txt", ".json")


Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A body with its headers, as they are sent."""

    body: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Kept:
    """One file or page in both its forms, plain and by Brotli, which are one where that is not smaller."""

    plain: Form
    small: Form
    # What is said to whoever has it already.
    headers: Headers
    mark: str = ""


def _kept(content: bytes, packed: bytes, headers: Headers, mark: str = "") -> Kept:
    plain = Form(content, (*headers, ("Content-Length", str(len(content)))))
    if len(packed) >= len(content):
        return Kept(plain, plain, headers, mark)
    about = (("Content-Encoding", "br"), ("Content-Length", str(len(packed))))
    return Kept(plain, Form(packed, (*headers, *about)), headers, mark)


class Assets:
    """The static files by address, and their addresses by name."""

    def __init__(self, folder: Path) -> None:
        """Read, join and compress what is in `folder`."""
        self.kept: dict[str, Kept] = {}
        self.addresses: dict[str, str] = {}
        for name, layers in SHEETS.items():
            css = "\n".join((folder / "css" / f"{layer}.css").read_text("utf-8") for layer in layers)
            # The minifier takes the blank before a bare pseudo-class for one that is not needed.
            css = re.sub(r" :(is|has|not|where)\(", r" *:\1(", css)
            self._keep(name, f"{name}.css", rcssmin.cssmin(css).encode())
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and path.suffix in TEXTS and not name.startswith("css/"):
                content = path.read_bytes()
                is_own_script = name.startswith("js/")
                self._keep(name, path.name, rjsmin.jsmin(content) if is_own_script else content)
        self.addresses["vendor/htmx.min.js"] = self.addresses["vendor/htmx-2.0.11.min.js"]

    def address(self, name: str) -> str:
        """Return the address of a file by its name below the static folder, or of a sheet by its name.

        Raises:
            KeyError: there is no such file.

        """
        return self.addresses[name]

    def _keep(self, name: str, file: str, content: bytes) -> None:
        stem, dot, suffix = file.rpartition(".")
        digest = hashlib.sha256(content).hexdigest()[:6]  # the pictures' page says one 24 times
        address = f"{PREFIX}{stem}.{digest}{dot}{suffix}"
        kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
        headers = (
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Cache-Control", "public, max-age=31536000, immutable"),
            ("Content-Security-Policy", NOTHING),
            *ALWAYS,
            ("Vary", "Accept-Encoding"),
        )
        self.kept[address] = _kept(content, _packed(content), headers)
        self.addresses[name] = address


@cache
def _packed(content: bytes) -> bytes:
    """Compress once a process, however many apps there are in it."""
    packed: bytes = brotli.compress(content, quality=11)
    return packed


# Browsers say it in a few ways only, and reading it costs as much as all else that is done for a kept page.
@lru_cache(64)
def _takes_brotli(accepted: str) -> bool:
    """Whether a browser says that it takes Brotli: named, and not with `q=0`."""
    return "br" in accepted and parse_accept_header(accepted, Accept).quality("br") > 0


class KeptLayer:
    """Answers what is kept; all else goes on to Flask."""

    def __init__(self, inside: Wsgi, assets: Assets, editions: Editions) -> None:
        """Stand before `inside`."""
        self._inside = inside
        self._kept = assets.kept
        self._pages = Pages(inside, editions)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._inside(environ, start_response)
        kept = self._kept.get(environ["PATH_INFO"])
        if kept is None and PUBLIC.match(environ["PATH_INFO"]) and not _is_special(environ):
            kept = self._pages.find(environ)
        if kept is None:
            return self._inside(environ, start_response)
        return _answer(kept, environ, start_response)


def _is_special(environ: Environ) -> bool:
    """Whether a public page is asked for in a way that its answer depends on."""
    has_body = environ.get("CONTENT_LENGTH", "") not in ("", "0")
    return has_body or bool(environ.get("QUERY_STRING")) or "HTTP_HX_REQUEST" in environ


def _answer(kept: Kept, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    number = ("X-Request-Id", environ.get("app.request_id", ""))
    if kept.mark and kept.mark in environ.get("HTTP_IF_NONE_MATCH", ""):
        start_response("304 Not Modified", [*kept.headers, number])
        return []
    form = kept.small if _takes_brotli(environ.get("HTTP_ACCEPT_ENCODING", "")) else kept.plain
    start_response("200 OK", [*form.headers, number])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [form.body]


@dataclass(frozen=True, slots=True)
class Edition:
    """What public pages were made in: a minute, in which the phone may open or close, and what was told."""

    begins_at: datetime
    ends_at: datetime
    told: Told


class Editions:
    """Tells in which edition a page is asked for: the same object as long as it is the same one.

    This is asked before every answer, so nothing is worked out that was known a moment ago.
    """

    def __init__(self, clock: Clock, board: Board) -> None:
        """Ask the clock, and the board of what the operator tells."""
        self._clock = clock
        self._board = board
        never = datetime.min.replace(tzinfo=UTC)
        self._newest = Edition(never, never, Told())

    def newest(self) -> Edition:
        """Return the edition of now."""
        now, told, newest = self._clock.now(), self._board.current(), self._newest
        if newest.told is not told or not newest.begins_at <= now < newest.ends_at:
            minute = now.replace(second=0, microsecond=0)
            self._newest = newest = Edition(minute, minute + MINUTE, told)
        return newest


class Pages:
    """The public pages that were asked for, as Flask answered them."""

    def __init__(self, inside: Wsgi, editions: Editions) -> None:
        """Ask `inside` for what is not kept; nothing is kept longer than an edition."""
        self._inside = inside
        self._editions = editions
        # Edition and pages in one, so that a thread never sees the pages of one under the name of another.
        self._now: tuple[Edition | None, dict[str, Kept]] = (None, {})

    def find(self, environ: Environ) -> Kept | None:
        """Return a page, or None where the answer is not one that may be kept."""
        edition, pages = self._now
        newest = self._editions.newest()
        if edition is not newest and edition != newest:
            self._now = (newest, pages := {})
        path = environ["PATH_INFO"]
        found = pages.get(path)
        if found is None:
            found = self._made(environ)
            if found is not None:
                pages[path] = found
        return found

    def _made(self, environ: Environ) -> Kept | None:
        """Ask for a page as a reader would of whom nothing is known: no cookies, no wishes."""
        said: list[tuple[str, list[tuple[str, str]]]] = []

        def start(line: str, headers: list[tuple[str, str]], *_rest: Any) -> Any:
            said.append((line, headers))

        answer = self._inside(_anybodys(environ), start)
        try:
            body = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        line, headers = said[-1]
        named = {name.lower(): value for name, value in headers}
        if not line.startswith("200") or "set-cookie" in named or not named["content-type"].startswith(TYPES):
            return None
        mark = hashlib.sha256(body).hexdigest()[:20]
        dropped = ("content-length", "x-request-id", "cache-control", "vary")
        kept = [(name, value) for name, value in headers if name.lower() not in dropped]
        kept += [("ETag", f'W/"{mark}"'), ("Cache-Control", f"public, max-age={KEPT_SECONDS}")]
        # Cookies do not bear on it; who asks by htmx gets a part.
        kept += [("Vary", "Accept-Encoding, HX-Request")]
        return _kept(body, brotli.compress(body, quality=5), tuple(kept), mark)


def _anybodys(environ: Environ) -> Environ:
    """Return a request for the same address that says nothing of who asks."""
    about = ("HTTP_COOKIE", "HTTP_ACCEPT_LANGUAGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")
    plain = {name: value for name, value in environ.items() if name not in about}
    return plain | {"REQUEST_METHOD": "GET"}
