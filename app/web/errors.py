"""Error pages: what happened, what to do now, and the number support can look up."""

from __future__ import annotations

import logging
from urllib.parse import quote

from flask import Flask, current_app, g, request, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from app.domain.flows import Flow
from app.domain.passwords import HashingBusyError
from app.web.i18n import gettext as _
from app.web.page import login_address, page, request_id

log = logging.getLogger("app.errors")


def init(app: Flask) -> None:
    """Answer every error with the one error page."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HashingBusyError, _busy)
    app.register_error_handler(PoolTimeoutError, _busy)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(Exception, _unforeseen)


def error_page(code: int) -> Response:
    """Return the page for a code; unknown ones are told as 400 or 500."""
    title, what, next_step = _words(code)
    back_href, back_text = login_address(_lost_destination() if code == 410 else None), _("Start forfra")
    if code in (403, 404, 500, 503):
        back_href, back_text = url_for("support.home"), _("Gå til forsiden")
    return _page(code, title, what, next_step, back_href, back_text)


def _lost_destination() -> str | None:
    """Return where the half-done login was going, which the next one keeps."""
    flow: Flow | None = g.get("flow")
    found: str | None = flow.destination if flow is not None else g.get("lost_destination")
    return found


def _page(code: int, title: str, what: str, next_step: str, back_href: str, back_text: str) -> Response:
    answer = page(
        "error.html",
        status=code,
        errors=True,
        code=code,
        title=title,
        what=what,
        next_step=next_step,
        back_href=back_href,
        back_text=back_text,
        request_id=request_id(),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _words(code: int) -> tuple[str, str, str]:
    if code == 403:
        return (
            _("Det må du ikke"),
            _("Siden er ikke for dig."),
            _("Er det forkert? Spørg skolens kontor."),
        )
    if code == 404:
        return (
            _("Siden findes ikke"),
            _("Adressen er måske skrevet forkert, eller siden er flyttet."),
            _("Ret adressen, eller søg efter det, du skal bruge."),
        )
    if code == 410 and g.get("flow") is not None:
        return (
            _("Siden er for gammel"),
            _("Du er begyndt forfra i et andet vindue. Der er ikke ændret noget."),
            _("Du kan gå videre i det andet vindue."),
        )
    if code == 410:
        return (
            _("Siden er for gammel"),
            _("Der er gået for lang tid. Der er ikke ændret noget."),
            _("Du skal vælge login igen."),
        )
    if code == 413:
        return (
            _("Det er for meget"),
            _("Du har sendt mere, end siden kan tage imod."),
            _("Gå tilbage, og send mindre."),
        )
    if code == 429:
        return (
            _("Vent lidt"),
            _("Der er prøvet for mange gange på kort tid."),
            _("Vent et par minutter, og prøv igen."),
        )
    if code == 503:
        return (
            _("Vi har travlt lige nu"),
            _("Der er ikke ændret noget."),
            _("Prøv igen om lidt."),
        )
    if code >= 500:
        return (_("Noget gik galt hos os"), _("Det er ikke din skyld."), _("Prøv igen om lidt."))
    return (
        _("Det forstod siden ikke"),
        _("Browseren sendte noget, siden ikke kan bruge."),
        _("Gå tilbage, og prøv igen."),
    )


PAGES = frozenset({400, 403, 404, 410, 413, 429, 500, 503})


def _http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return error.get_response()
    without_slash = _without_slash() if error.code == 404 else None
    if without_slash is not None:
        return current_app.redirect(without_slash, 308)
    answer = error_page(error.code if error.code in PAGES else 500 if error.code >= 500 else 400)
    if error.code == 405:
        answer.status_code = 405
        answer.headers["Allow"] = error.get_response().headers.get("Allow", "")
    return answer


def _without_slash() -> str | None:
    """Return the address of a page of ours that was asked for with a slash at its end, or None.

    Only for looking: what a form sent is not taken along. A slash that is missing the routes add themselves.
    """
    path = request.path.removesuffix("/")
    if request.url_rule is not None or request.method not in ("GET", "HEAD") or path in ("", request.path):
        return None
    # A browser would read another site's name in what begins with two of either kind (S-65).
    if "//" in path or "\\" in path:
        return None
    try:
        current_app.url_map.bind("").match(path, "GET")
    except (HTTPException, RequestRedirect):
        return None
    query = request.query_string.decode("latin-1")
    return quote(path) + (f"?{query}" if query else "")


def _forged(_error: CSRFError) -> Response:
    """A form that is not of this browser's session; mostly an honest one, from before a login elsewhere."""
    next_step = _("Åbn siden igen, og prøv en gang til.")
    if not request.cookies:
        next_step += " " + _("Din browser skal tillade cookies.")
    return _page(
        403,
        _("Siden er for gammel"),
        _("Måske har du logget ind eller ud i et andet vindue. Der er ikke ændret noget."),
        next_step,
        _again(),
        _("Åbn siden igen"),
    )


def _again() -> str:
    """Return the page a form was on, which has the form's own address; or else the login."""
    try:
        current_app.url_map.bind("").match(request.path, "GET")
    except (HTTPException, RequestRedirect):
        return url_for("login.choose")
    return request.path


def _busy(_error: Exception) -> Response:
    return error_page(ServiceUnavailable.code)


def note(error: Exception) -> None:
    """Log what went wrong under the number of the request."""
    if isinstance(error, DBAPIError):
        # Only the kind is logged: the text can hold what was being written.
        log.error("database", extra={"request_id": request_id(), "kind": type(error.orig).__name__})
    else:
        told = {"request_id": request_id(), "endpoint": request.endpoint}
        log.error("unforeseen", exc_info=error, extra=told)


def _database(error: DBAPIError) -> Response:
    """A database that is away, locked or full: nothing was done, and it may be back in a moment."""
    note(error)
    return error_page(ServiceUnavailable.code)


def _unforeseen(error: Exception) -> Response:
    note(error)
    if current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    return error_page(InternalServerError.code)
