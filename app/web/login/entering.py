"""The way in: chooser, username, password or pictures, and the warning of a password that ends soon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.domain import cpr, login
from app.domain.flows import Flow, Step
from app.domain.login import Outcome
from app.models.credentials import ExpiryReason
from app.models.people import PasswordType
from app.web.browser import WAY, device_token, plays_home, read_cookie
from app.web.fields import PasswordForm, UsernameForm
from app.web.guard import current_login, public
from app.web.i18n import date_text
from app.web.i18n import gettext as _
from app.web.page import known_destination, leave, onward, page, site
from app.web.transaction import config, db, now, world
from app.web.wizard import (
    NO_PROBLEM,
    STATUS,
    begin_flow,
    check,
    deal_new,
    endpoint_of,
    entrance,
    few_pictures,
    find_flow,
    finish,
    go_on,
    keep_flow,
    keep_pick,
    new_kind,
    picked,
    pictures_context,
    problem_of,
    seconds_left,
    step_of,
    tapped,
    turn_of,
    words_context,
)

blueprint = Blueprint("login", __name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to log in."""

    key: str
    title: str
    help: str
    href: str
    is_post: bool = False


@blueprint.get("/login")
@public
def choose() -> Response:
    """Offer the ways to log in; whoever is logged in already goes on."""
    destination = known_destination(request.args.get("til"))
    if current_login() is not None:
        return leave(destination or url_for("mine.overview"))
    choices = ways(destination, has_mitid=world().mitid is not None)
    # Whoever used MitID last has a cookie of it; whoever logged in here otherwise has the device's.
    last = read_cookie(WAY) or ("own" if device_token() else None)
    choices.sort(key=lambda one: one.key != last)
    return page(
        "login/choose.html",
        choices=choices,
        remembered=last if last == choices[0].key else None,
        destination=destination or "",
    )


def ways(destination: str | None, *, has_mitid: bool) -> list[Choice]:
    """Return the ways to log in that there are here."""
    help = _("Brugernavn og adgangskode, eller billeder")
    own = Choice("own", site().brand, help, url_for("login.username", til=destination))
    help = _("For voksne og elever med MitID")
    mitid = Choice("mitid", _("MitID"), help, "mitid.for_login", is_post=True)
    return [own, mitid] if has_mitid else [own]


@blueprint.get("/login/brugernavn")
@public
def username() -> Response:
    """Ask for the username."""
    form = UsernameForm()
    form.destination.data = known_destination(request.args.get("til")) or ""
    if "ret" in request.args:  # come back to put right what was typed
        flow = find_flow(is_step=False)
        is_kept = flow is not None and not flow.is_finished and cpr.REMOVED not in flow.username
        form.username.data = flow.username if flow is not None and is_kept else ""
    return _username_page(form)


def _username_page(form: UsernameForm, status: int = 200) -> Response:
    # Whether the demo's way to another network is shown, and to which.
    home = plays_home() if config().is_demo else None
    # As the menu greets: while the store is away, nobody.
    name = current_user.name if current_user.is_authenticated else None
    return page("login/username.html", status=status, form=form, plays_home=home, logged_in_as=name)


@blueprint.post("/login/brugernavn")
@public
def username_given() -> Response:
    """Begin a login for a username; the answer does not tell whether anybody has it (S-10)."""
    form = UsernameForm()
    destination = known_destination(form.destination.data)
    if not form.validate_on_submit():
        form.destination.data = destination or ""
        return _username_page(form, 422)
    return go_on(begin_flow(form.username.data or "", destination=destination, may_claim=True))


@blueprint.get("/login/adgangskode")
@public
@turn_of(Step.PASSWORD)
def password(flow: Flow) -> Response:
    """Ask for the password."""
    if flow.password_type is PasswordType.PICTURES:
        return onward("login.pictures")
    return page("login/password.html", **words_context(flow), **NO_PROBLEM)


@blueprint.post("/login/adgangskode")
@public
@turn_of(Step.PASSWORD)
def password_given(flow: Flow) -> Response:
    """Try a password."""
    form = PasswordForm()
    return _tried(flow, form.password.data or "", "login/password.html", words_context)


@blueprint.get("/login/billeder", endpoint="pictures")
@public
@turn_of(Step.PASSWORD)
def picture_password(flow: Flow) -> Response:
    """Show the pictures."""
    if flow.password_type is not PasswordType.PICTURES:
        return onward("login.password")
    return page("login/pictures.html", **pictures_context(flow), **NO_PROBLEM)


@blueprint.post("/login/billeder")
@public
@turn_of(Step.PASSWORD)
def pictures_given(flow: Flow) -> Response:
    """Try four pictures, or without script keep one tap."""
    if keep_pick(flow):
        return tapped("login.pictures")
    secret = picked(flow)
    if secret is None:
        status, shown = few_pictures(flow)
        return page("login/pictures.html", status=status, **shown)
    return _tried(flow, secret, "login/pictures.html", pictures_context)


def _tried(flow: Flow, secret: str, template: str, context: Any) -> Response:
    checked = check(flow, secret, entrance())
    if checked.outcome is not Outcome.ACCEPTED:
        shown = context(checked.flow)
        return page(template, status=STATUS[checked.outcome], **shown, **problem_of(checked))
    if checked.session_token is not None:
        return finish(checked.flow, token=checked.session_token)
    step = step_of(checked.flow)
    if step is Step.FINISH:
        return finish(checked.flow)
    return keep_flow(onward(endpoint_of(step, checked.flow)), checked.flow.token)


@blueprint.get("/login/varsel")
@public
@turn_of(Step.WARNING, Step.FINISH)
def warning(flow: Flow) -> Response:
    """Tell that the password must be changed, now or soon."""
    ends_at = flow.credential_expires_at
    # The school may have taken back what the warning was for, since the password was entered.
    is_due = step_of(replace(flow, has_postponed=False)) is Step.WARNING
    return page(
        "login/warning.html",
        username=flow.username,
        last_date=date_text(ends_at) if ends_at else "",
        may_postpone=not flow.has_run_out(now().at),
        reason=_reason(flow).value if is_due else None,
        is_marked=flow.is_marked,
        new_kind=new_kind(flow, flow.required),
        seconds_left=seconds_left(flow),
    )


def _reason(flow: Flow) -> ExpiryReason:
    if flow.expiry_reason is ExpiryReason.ONE_TIME:
        return ExpiryReason.ONE_TIME
    return ExpiryReason.STAGE if flow.credential_type is not flow.required else ExpiryReason.AGE


@blueprint.post("/login/varsel")
@public
@turn_of(Step.WARNING, Step.FINISH)
def warning_answered(flow: Flow) -> Response:
    """Change now, or later."""
    is_later = "later" in request.form
    if flow.is_finished or (is_later and (step_of(flow) is Step.FINISH or login.postpone(db(), flow, now()))):
        return finish(flow)
    deal_new(flow)
    return onward("login.new_password")
