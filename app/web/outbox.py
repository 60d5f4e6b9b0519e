"""The demo's mails, which nobody sends: a page to look at them, which production does not have."""

from __future__ import annotations

from flask import Blueprint, abort
from werkzeug.wrappers import Response

from app.domain import outbox
from app.web.guard import public
from app.web.i18n import moment_text
from app.web.page import page
from app.web.transaction import config, db

MOST = 50

blueprint = Blueprint("outbox", __name__)


@blueprint.get("/demo/mails")
@public
def mails() -> Response:
    """Show the newest mails in the demo."""
    if not config().is_demo:
        abort(404)
    rows = [(one, moment_text(one.written_at)) for one in outbox.list_newest(db(), MOST)]
    return page("outbox/mails.html", mails=rows)
