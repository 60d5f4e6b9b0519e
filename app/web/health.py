"""Whether this process lives and may be sent requests; no detail is told (S-67)."""

from __future__ import annotations

from flask import Blueprint, make_response
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.web.guard import public
from app.web.transaction import db

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive() -> Response:
    """Answer that the process runs."""
    return _plain("ok", 200)


@blueprint.get("/readyz")
@public
def ready() -> Response:
    """Answer whether the database can be asked."""
    try:
        db().connection().exec_driver_sql("SELECT 1 FROM login_flow LIMIT 1")
    except SQLAlchemyError:
        return _plain("not ready", 503)
    return _plain("ok", 200)


def _plain(text: str, status: int) -> Response:
    answer = make_response(text + "\n", status)
    answer.headers["Content-Type"] = "text/plain; charset=utf-8"
    return answer
