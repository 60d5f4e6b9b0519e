"""What the site is compared with: as many bytes as the address says, by as little Python as WSGI allows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from app.web.gate import Environ, StartResponse
from bench.server import COUNTERS


@cache
def _answer(path: str) -> tuple[bytes, list[tuple[str, str]]]:
    content = b"h" * (int(path[1:]) if path[1:].isdecimal() else 0)
    return content, [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(content)))]


def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request."""
    content, headers = _answer(environ["PATH_INFO"])
    start_response("200 OK", headers)
    return [content]


# Each worker tells that it is there, and that it never hashes.
(Path(os.environ["BENCH_COUNTERS"]) / str(os.getpid())).write_bytes(bytes(COUNTERS.size))
