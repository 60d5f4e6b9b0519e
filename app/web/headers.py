"""What every request must have, and every answer carries (S-08, S-60 to S-66)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Flask, abort, current_app, request
from werkzeug.wrappers import Response

from app.web.fields import has_repeats
from app.web.gate import ALWAYS, ONE_YEAR, Environ, StartResponse
from app.web.i18n import cookie_name, requested
from app.web.transaction import READING, config

# Browsers refuse anything that is not ours; nothing inline, nothing evaluated (S-61).
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
PAGE = (("Content-Security-Policy", CONTENT_SECURITY_POLICY), *ALWAYS)
# When to try again after a 503 (S-16).
RETRY_SECONDS = 5


def init(app: Flask) -> None:
    """Check every request and complete every answer."""
    app.before_request(_check)
    app.after_request(_complete)
    inside = app.wsgi_app

    def with_headers(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, *PAGE], *rest)

        return inside(environ, start)

    app.wsgi_app = with_headers  # type: ignore[method-assign]


# What only our own pages fill in; what people may type is dealt with where it is read.
IDENTIFIERS = ("elev", "vindue", "uni_id")


def _check() -> None:
    if "app.too_busy" in request.environ:
        abort(503)
    if "app.too_large" in request.environ:
        abort(413)
    # No database takes a NUL, and nothing of ours is asked for twice (S-11).
    query = request.environ.get("QUERY_STRING", "")
    if "\0" in request.path or (query and ("%00" in query or "\0" in query or has_repeats(request.args))):
        abort(400)
    if request.method in READING:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        abort(403)
    if origin is not None and origin != config().public_url:
        abort(403)
    if request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data", ""):
        abort(400)
    if sum(map(len, request.form.listvalues())) > config().form_fields:
        abort(413)
    if any("\0" in text for name in IDENTIFIERS for text in request.form.getlist(name)):
        abort(400)
    view = current_app.view_functions.get(request.endpoint or "")
    if has_repeats(request.form, allowed=getattr(view, "may_repeat", None)) or request.files:
        abort(400)


def _complete(answer: Response) -> Response:
    if "Cache-Control" not in answer.headers:
        answer.headers["Cache-Control"] = "no-store"
    if answer.status_code == 503:
        answer.headers.setdefault("Retry-After", str(RETRY_SECONDS))
    asked = requested()
    if asked and asked != request.cookies.get(cookie_name()):
        answer.set_cookie(
            cookie_name(),
            asked,
            max_age=ONE_YEAR,
            path="/",
            secure=config().is_https,
            httponly=True,
            samesite="Lax",
        )
    answer.headers["X-Request-Id"] = request.environ.get("app.request_id", "")
    return answer
