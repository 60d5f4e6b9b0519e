"""The outermost WSGI layer: who is asking, how much, and the line in the log (S-08, S-66, S-75)."""

from __future__ import annotations

import io
import ipaddress
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from app import addresses
from app.config import LOOPBACK_HOSTS, Config

log = logging.getLogger("app.request")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]


# What every answer carries, beside a policy of its kind (S-61). The one place where it is listed.
ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
# The policy of what is no page, and the headers of what is answered here.
NOTHING = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
PLAIN = (
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", NOTHING),
    *ALWAYS,
)
ONE_YEAR = 365 * 86400
HSTS = ("Strict-Transport-Security", f"max-age={ONE_YEAR}; includeSubDomains")


class Gate:
    """Lets in what names our host and is not too large; gives each request its number."""

    def __init__(self, inside: Wsgi, config: Config) -> None:
        """Stand before `inside`."""
        self._inside = inside
        self._config = config
        self._host = config.host
        self._scheme = "https" if config.is_https else "http"
        self._always = [HSTS] if config.is_https else []
        self._other_hosts = frozenset(
            f"[{host}]:{config.port}" if ":" in host else f"{host}:{config.port}" for host in LOOPBACK_HOSTS
        )

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        began = time.perf_counter()
        request_id = environ["app.request_id"] = os.urandom(6).hex()
        environ["REMOTE_ADDR"] = self._client(environ)
        # The server behind a proxy is spoken to in plain text; what it builds an address of is configured.
        environ["wsgi.url_scheme"] = self._scheme
        status = "500"

        def start(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            nonlocal status
            status = line[:3]
            return start_response(line, [*headers, *self._always], *rest)

        refusal = self._refusal(environ)
        if refusal is not None:
            line, headers = refusal
            start(line, [*PLAIN, *headers])
            answer: Iterable[bytes] = [line.encode()]
        else:
            answer = self._inside(environ, start)
        if log.isEnabledFor(logging.INFO):
            log.info(
                "request",
                extra={
                    "request_id": request_id,
                    "method": environ["REQUEST_METHOD"],
                    "path": environ.get("PATH_INFO", ""),
                    "status": status,
                    "ms": round((time.perf_counter() - began) * 1000, 1),
                },
            )
        return answer

    def _client(self, environ: Environ) -> str:
        """Return the client's address; a forwarded one only from a proxy we were told to trust.

        A socket that takes both kinds writes an IPv4 address in IPv6's way, and some proxies add a port; here
        it becomes what it is, so that networks and proxies are known by it.
        """
        address = addresses.plain(environ.get("REMOTE_ADDR", ""))
        if not self._config.trusted_proxies:
            return address
        hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        while hops and self._is_trusted(address):
            address = addresses.plain(hops.pop())
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(ip.version == net.version and ip in net for net in self._config.trusted_proxies)

    def _refusal(self, environ: Environ) -> tuple[str, list[tuple[str, str]]] | None:
        host = environ.get("HTTP_HOST", "")
        if host != self._host:
            if self._config.is_demo and host in self._other_hosts and environ["REQUEST_METHOD"] == "GET":
                query = environ.get("QUERY_STRING", "")
                path = environ.get("PATH_INFO", "/").lstrip("/\\")
                where = f"{self._config.public_url}/{_quoted(path)}" + (f"?{query}" if query else "")
                return "308 Permanent Redirect", [("Location", where)]
            return "400 Bad Request", [("Connection", "close")]
        # No browser sends a form in chunks, and one without a length could not be measured before it is read.
        if "HTTP_TRANSFER_ENCODING" in environ:
            return "400 Bad Request", [("Connection", "close")]
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal():
            return "400 Bad Request", [("Connection", "close")]
        if int(length) > self._config.form_bytes:
            # The body is not read: the page can be shown, and the connection then ends.
            environ["wsgi.input"] = io.BytesIO()
            environ["CONTENT_LENGTH"] = "0"
            environ["app.too_large"] = True
        return None


def _quoted(path: str) -> str:
    return quote(path.encode("latin-1"))


class JsonLines(logging.Formatter):
    """One JSON object a line; control characters are escaped by JSON itself."""

    FIELDS = (
        "request_id",
        "method",
        "path",
        "status",
        "ms",
        "kind",
        "endpoint",
        "worker",
        "count",
    )

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line."""
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in self.FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            # Where it happened, not what was in it: a value may be a secret.
            line["error"] = record.exc_info[0].__name__
            line["where"] = _frames(record.exc_info[2])
        return json.dumps(line, ensure_ascii=True)


def _frames(trace: Any) -> list[str]:
    frames = []
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return frames[-8:]


def set_up_logging(level: str) -> None:
    """Send what this process has to say to standard error, a JSON object a line."""
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(JsonLines())
    root = logging.getLogger("app")
    root.handlers[:] = [output]
    root.setLevel(level)
    root.propagate = False
