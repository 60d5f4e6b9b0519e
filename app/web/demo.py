"""What only the demo has: playing that a browser is at home, so that one machine shows both ends of S-43."""

from __future__ import annotations

from flask import Blueprint, abort
from werkzeug.wrappers import Response

from app.web.browser import HOME, drop_cookie, set_cookie
from app.web.guard import public
from app.web.page import onward
from app.web.transaction import config

blueprint = Blueprint("demo", __name__)


@blueprint.get("/demo/hjemmefra")
@public
def home() -> Response:
    """Let this browser come from another network than the school's, until it is closed."""
    answer = _to_username()
    set_cookie(answer, HOME, "1")
    return answer


@blueprint.get("/demo/skolen")
@public
def school() -> Response:
    """Let this browser come from where it is."""
    answer = _to_username()
    drop_cookie(answer, HOME)
    return answer


def _to_username() -> Response:
    if not config().is_demo:
        abort(404)
    return onward("login.username")
