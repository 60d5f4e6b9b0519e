"""A claimed password window whose pupil has to wait for a grown-up, or is too late (S-43)."""

from __future__ import annotations

from flask import abort
from werkzeug.wrappers import Response

from app.domain import new_password
from app.domain.elevadgang.windows import Standing
from app.domain.flows import Flow, Step
from app.models.elevadgang import Door
from app.web import pictures
from app.web.guard import public
from app.web.i18n import language, time_text
from app.web.login.entering import blueprint
from app.web.page import is_htmx, onward, page, quiet
from app.web.transaction import config, db, keys, now, world
from app.web.wizard import (
    finish,
    turn_of,
)


@blueprint.get("/login/vent")
@public
@turn_of(Step.APPROVAL, Step.NEW_PASSWORD)
def approval(flow: Flow) -> Response:
    """Show the picture that a teacher compares, until the teacher has (S-43)."""
    claim = flow.claim
    if claim is None:
        return onward("login.new_password")
    return page(
        "login/approval.html",
        username=flow.username,
        picture=pictures.named([claim.picture] if claim.picture else [], language()),
        until_text=time_text(claim.until),
        is_guardian=claim.door is Door.GUARDIAN,
    )


@blueprint.post("/login/vent")
@public
@turn_of(Step.APPROVAL, Step.NEW_PASSWORD)
def approval_asked(flow: Flow) -> Response:
    """Go on as soon as the teacher has approved; to a poll nothing is answered before."""
    if flow.is_finished:
        return finish(flow)
    if flow.claim is None or not flow.is_proved:
        return quiet() if is_htmx() else onward("login.approval")
    if new_password.assign(db(), keys(), world().dice, config(), flow, now()) is None:
        abort(410)
    return onward("login.new_password")


@blueprint.get("/login/tiden-er-gaaet")
@public
@turn_of(Step.WINDOW_OVER)
def window_over(flow: Flow) -> Response:
    """Tell that the five minutes are over, or were taken back, and what to do."""
    claim = flow.claim
    is_cancelled = claim is not None and claim.standing is not Standing.EXPIRED
    return page(
        "login/window_over.html",
        status=410,
        username=flow.username,
        is_cancelled=is_cancelled,
        has_old=flow.credential_id is not None,
        is_guardian=claim is not None and claim.door is Door.GUARDIAN,
    )
