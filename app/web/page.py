"""Answering with a page, whole or in part; and leaving for another one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, make_response, request, stream_with_context, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from app.domain.site import Site
from app.web import notices, telling
from app.web.environment import Templates
from app.web.i18n import alternates, language, languages
from app.web.i18n import gettext as _

# The pages that a login may be on its way to; nothing else is ever gone to by a name in a request (S-65).
DESTINATIONS = frozenset(
    {
        "mine.overview",
        "mine.history",
        "recovery.change",
        "elevadgang.start",
        "elevadgang.classes",
        "elevadgang.administrator",
        "elevadgang.group",
        "elevadgang.board",
    }
)
HELP = Markup('<a id="help-link" hx-swap-oob="true" href="{href}">{text}</a>')
PATH = re.compile(r"/[a-z0-9/-]{0,150}")


def init(app: Flask) -> None:
    """Compile the templates; they see these names, the page's context, and nothing else."""
    seen = {
        "alternates": alternates,
        "asset": app.extensions["assets"].address,
        "current_user": current_user,
        "languages": languages,
        "request_id": request_id,
        "site": app.extensions["site"],
        "csrf_token": generate_csrf,
    }
    app.extensions["templates"] = Templates(app, app.extensions["catalogues"], seen)


def request_id() -> str:
    """Return the number of this request, which the log and error pages name."""
    number: str = request.environ.get("app.request_id", "")
    return number


def page(
    template: str, *, swap: str = "screen", status: int = 200, about: str = "", **context: Any
) -> Response:
    """Answer with a template: the whole page, or to htmx the title and the block named `swap`.

    Context `errors` says that the page tells of an error; it goes first in the title. `written` are the
    languages that a text is in, where it may be in some only; `part_of` is the page that a part goes into.
    `about` is what the screen says, where it is explained in several places by that (content/screens.toml).
    """
    context.setdefault("errors", status in (422, 429, 503))
    context.setdefault("written", None)
    context["told"] = telling.take() if _may_tell(status) else None
    # A page that tells of a store that is away asks it nothing.
    context["notices"] = notices.strip(may_ask=status < 500)
    context["help_href"] = _help_href(context.get("part_of", template), about)
    templates: Templates = current_app.extensions["templates"]
    drawn = templates.get(template)
    if is_fragment():
        inside = drawn.new_context(context)
        blocks = {
            name: Markup("".join(drawn.blocks[name](inside)))  # noqa: S704 - escaped by the template
            for name in ("heading", "section", swap)
            if name in drawn.blocks
        }
        titles = [blocks["heading"], *([blocks["section"]] if "section" in blocks else [])]
        title = Markup(" – ").join([*titles, site().brand])
        first = _("Fejl:") + " " if context["errors"] else ""
        # The help is outside the block, and is about the screen in it.
        help = HELP.format(href=context["help_href"], text=_("Hjælp"))
        switch = inside["ui"].language(is_swapped=True) if _is_public() else ""
        body: str = f"<title>{first}{title}</title>{blocks[swap]}{help}{switch}"
    else:
        body = drawn.render(context)
    answer = make_response(body, status)
    answer.headers["Vary"] = "HX-Request"
    if is_htmx() and status >= 400:
        # The address stays that of the step, or Back looks dead.
        answer.headers["HX-Push-Url"] = "false"
    return answer


def _help_href(template: str, about: str) -> str:
    """Return where a screen is explained: a place in a guide; the front page for what is no tool's screen."""
    explained: dict[tuple[str, str], str] = current_app.extensions["explained"]
    code = language()
    found = explained.get((f"{template} {about}", code)) or explained.get((template, code))
    return found or url_for("support.front", lang=code)


def _may_tell(status: int) -> bool:
    """Whether this is a whole page of one browser's; public pages are the same for everybody."""
    return status == 200 and not is_fragment() and not _is_public()


def _is_public() -> bool:
    """Whether this is a page whose address says its language."""
    return "lang" in (request.view_args or {})


def is_htmx() -> bool:
    """Whether htmx asks. It decides how an answer is shaped, never what may be done (S-64)."""
    return "HX-Request" in request.headers


def is_fragment() -> bool:
    """Whether the answer goes into a block of the page at hand, not in the place of the page."""
    headers = request.headers
    return (
        "HX-Request" in headers
        and "HX-Boosted" not in headers
        and "HX-History-Restore-Request" not in headers
    )


def onward(endpoint: str, **values: Any) -> Response:
    """Answer a done step with the next one: 303, which htmx follows by itself (S-19)."""
    return current_app.redirect(url_for(endpoint, **values), 303)


def streamed(parts: Iterator[str]) -> Response:
    """Answer with what is made while it is sent, a part at a time (web/bodies.py)."""
    request.environ["app.is_streamed"] = True
    return Response(stream_with_context(parts))


def quiet() -> Response:
    """Answer a poll that there is nothing new."""
    answer: Response = make_response("", 204)
    answer.headers["Vary"] = "HX-Request"
    return answer


def leave(path: str) -> Response:
    """Answer with another page of ours in another frame: a real navigation under htmx too."""
    answer: Response = make_response("", 204) if is_htmx() else current_app.redirect(path, 303)
    if is_htmx():
        answer.headers["HX-Redirect"] = path
    answer.headers["Vary"] = "HX-Request"
    return answer


def known_destination(path: str | None) -> str | None:
    """Return a local path that a login may lead to, or None for anything else (S-65)."""
    if not path or not PATH.fullmatch(path) or "//" in path:
        return None
    try:
        endpoint, _values = current_app.url_map.bind("").match(path)
    except (HTTPException, RequestRedirect):
        return None
    return path if endpoint in DESTINATIONS else None


def login_address(destination: str | None = None) -> str:
    """Return the address of the login, on the way to a known destination."""
    known = known_destination(destination)
    return url_for("login.choose") + (f"?{urlencode({'til': known})}" if known else "")


def site() -> Site:
    """Return the names and hours of this site."""
    named: Site = current_app.extensions["site"]
    return named
