"""What is made once and answered from memory, before Flask: the static files.

Files are joined, freed of comments, named by their content and compressed at start, so that a browser may
keep each for a year.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import brotli
import rcssmin
import rjsmin
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from app.web.gate import NOTHING, Environ, StartResponse, Wsgi

PREFIX = "/static/"
LAYERS = ("tokens", "base", "components", "screen")
SHEETS = ("elevadgang",)
TEXTS = (".css", ".js", ".svg", ".txt", ".json")


@dataclass(frozen=True, slots=True)
class Kept:
    """One file as it is sent: plain, and by Brotli where that is smaller."""

    plain: bytes
    brotli: bytes | None
    headers: tuple[tuple[str, str], ...]


class Assets:
    """The static files by address, and their addresses by name."""

    def __init__(self, folder: Path) -> None:
        """Read, join and compress what is in `folder`."""
        self.kept: dict[str, Kept] = {}
        self._addresses: dict[str, str] = {}
        css = "\n".join((folder / "css" / f"{layer}.css").read_text("utf-8") for layer in LAYERS)
        self._keep("css", "site.css", _small_css(css))
        for sheet in SHEETS:
            # Only the pages of one feature need it, and the login is to stay small.
            self._keep(
                f"css/{sheet}",
                f"{sheet}.css",
                _small_css((folder / "css" / f"{sheet}.css").read_text("utf-8")),
            )
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and path.suffix in TEXTS and not name.startswith("css/"):
                content = path.read_bytes()
                is_own_script = name.startswith("js/")
                self._keep(name, path.name, rjsmin.jsmin(content) if is_own_script else content)
        self._addresses["vendor/htmx.min.js"] = self._addresses["vendor/htmx-2.0.11.min.js"]

    def address(self, name: str) -> str:
        """Return the address of a file by its name below the static folder.

        `css` is the joined sheet, `css/…` one of a feature's own.

        Raises:
            KeyError: there is no such file.

        """
        return self._addresses[name]

    def _keep(self, name: str, file: str, content: bytes) -> None:
        stem, dot, suffix = file.rpartition(".")
        digest = hashlib.sha256(content).hexdigest()[:6]  # the pictures' page says one 24 times
        address = f"{PREFIX}{stem}.{digest}{dot}{suffix}"
        kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
        headers = (
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Cache-Control", "public, max-age=31536000, immutable"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Content-Security-Policy", NOTHING),
            ("Vary", "Accept-Encoding"),
        )
        small = brotli.compress(content, quality=11)
        self.kept[address] = Kept(content, small if len(small) < len(content) else None, headers)
        self._addresses[name] = address


def _small_css(text: str) -> bytes:
    # The minifier takes the blank before a bare pseudo-class for one that is not needed.
    whole: str = rcssmin.cssmin(re.sub(r" :(is|has|not|where)\(", r" *:\1(", text))
    return whole.encode()


def _takes_brotli(accepted: str) -> bool:
    """Whether a browser says that it takes Brotli: named, and not with `q=0`."""
    return "br" in accepted and parse_accept_header(accepted, Accept).quality("br") > 0


class KeptLayer:
    """Answers what is kept; all else goes on to Flask."""

    def __init__(self, inside: Wsgi, assets: Assets) -> None:
        """Stand before `inside`."""
        self._inside = inside
        self._kept = assets.kept

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        kept = self._kept.get(environ["PATH_INFO"])
        if kept is None or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._inside(environ, start_response)
        body, headers = kept.plain, list(kept.headers)
        if kept.brotli is not None and _takes_brotli(environ.get("HTTP_ACCEPT_ENCODING", "")):
            body = kept.brotli
            headers.append(("Content-Encoding", "br"))
        headers.append(("Content-Length", str(len(body))))
        start_response("200 OK", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
