"""The login wizard: chooser, username, password or pictures, a new password, and on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, abort, request, url_for
from werkzeug.wrappers import Response

from app.domain import flows, login, mitid, new_password, passwords, recovery
from app.domain.elevadgang.windows import Standing
from app.domain.flows import Flow, Step
from app.domain.login import Outcome
from app.domain.new_password import Practised
from app.domain.passwords import Rule
from app.models.credentials import ExpiryReason
from app.models.elevadgang import Door
from app.models.people import PasswordType
from app.models.recovery import Errand
from app.web import pictures
from app.web.browser import WAY, browser, device_token, read_cookie
from app.web.fields import NewPasswordForm, PasswordForm, UsernameForm
from app.web.guard import current_login, public
from app.web.i18n import date_text, language, time_text
from app.web.i18n import gettext as _
from app.web.page import is_htmx, known_destination, leave, onward, page, quiet, site
from app.web.password_rules import shown_rule
from app.web.refusals import LOST, Problem, refused
from app.web.stills import EXAMPLE, Screen, Screens
from app.web.telling import News
from app.web.transaction import config, db, hasher, keys, now, world
from app.web.wizard import (
    NO_PROBLEM,
    STATUS,
    begin_flow,
    check,
    deal_new,
    endpoint_of,
    example,
    find_flow,
    finish,
    go_on,
    keep_flow,
    keep_pick,
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
    choices = _ways(destination, has_mitid=world().mitid is not None)
    # Whoever used MitID last has a cookie of it; whoever logged in here otherwise has the device's.
    last = read_cookie(WAY) or ("own" if device_token() else None)
    choices.sort(key=lambda one: one.key != last)
    return page(
        "login/choose.html",
        choices=choices,
        remembered=last if last == choices[0].key else None,
        destination=destination or "",
    )


def _ways(destination: str | None, *, has_mitid: bool) -> list[Choice]:
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
        form.username.data = flow.username if flow is not None and not flow.is_finished else ""
    return page("login/username.html", form=form)


@blueprint.post("/login/brugernavn")
@public
def username_given() -> Response:
    """Begin a login for a username; the answer does not tell whether anybody has it (S-10)."""
    form = UsernameForm()
    destination = known_destination(form.destination.data)
    if not form.validate_on_submit():
        form.destination.data = destination or ""
        return page("login/username.html", status=422, form=form)
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
        few = {**NO_PROBLEM, "problem": "few"}
        return page("login/pictures.html", status=422, **pictures_context(flow), **few)
    return _tried(flow, secret, "login/pictures.html", pictures_context)


def _tried(flow: Flow, secret: str, template: str, context: Any) -> Response:
    checked = check(flow, secret)
    if checked.outcome is not Outcome.ACCEPTED:
        shown = context(checked.flow)
        return page(template, status=STATUS[checked.outcome], **shown, **problem_of(checked))
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
    is_stage = flow.credential_type is not flow.required
    return page(
        "login/warning.html",
        username=flow.username,
        last_date=date_text(ends_at) if ends_at else "",
        may_postpone=not flow.has_run_out(now().at),
        reason=(ExpiryReason.STAGE if is_stage else ExpiryReason.AGE).value,
        seconds_left=seconds_left(flow),
    )


@blueprint.post("/login/varsel")
@public
@turn_of(Step.WARNING, Step.FINISH)
def warning_answered(flow: Flow) -> Response:
    """Change now, or later."""
    if flow.is_finished or ("later" in request.form and login.postpone(db(), flow, now())):
        return finish(flow)
    deal_new(flow)
    return onward("login.new_password")


@blueprint.get("/login/ny-kode", endpoint="new_password")
@public
@turn_of(Step.NEW_PASSWORD)
def waiting_password(flow: Flow) -> Response:
    """Show the password that waits, to its owner alone."""
    pending = new_password.find_pending(db(), keys(), flow, now())
    if pending is None and flow.claim is not None:
        return onward("login.approval")  # approved, and not yet dealt
    if pending is None:
        abort(410)
    is_pictures = pending.password_type is PasswordType.PICTURES
    ids = pending.secret.split() if is_pictures else []
    return page(
        "login/new_password.html",
        username=flow.username,
        kind="pictures" if is_pictures else "words",
        secret=None if is_pictures else pending.secret,
        pictures=pictures.named(ids, language()),
        rhyme=pictures.rhyme(ids, language()) if is_pictures else None,
        may_choose=passwords.may_choose(flow.required),
        own_choice=pending.is_own_choice,
        old_kind=_old_kind(flow),
        until_text=time_text(flow.claim.until) if flow.claim else None,
        seconds_left=seconds_left(flow),
    )


@blueprint.get("/login/ny-kode/selv")
@public
@turn_of(Step.NEW_PASSWORD)
def own_password(flow: Flow) -> Response:
    """Ask for an own choice, with the rules before the field."""
    if not passwords.may_choose(flow.required):
        return onward("login.new_password")
    return _own_password_page(flow, NewPasswordForm(), [])


@blueprint.post("/login/ny-kode/selv")
@public
@turn_of(Step.NEW_PASSWORD)
def own_password_given(flow: Flow) -> Response:
    """Take an own choice if it meets the rules, else name those it breaks."""
    if flow.is_finished:
        return finish(flow)
    if not passwords.may_choose(flow.required):
        return onward("login.new_password")
    form = NewPasswordForm()
    if not form.validate_on_submit():
        return _own_password_page(flow, form, [], status=422)
    broken = new_password.choose(db(), keys(), hasher(), config(), flow, form.password.data or "", now)
    if broken is None:
        abort(410)
    if broken:
        return _own_password_page(flow, form, broken, status=422)
    return onward("login.practise")


def _own_password_page(flow: Flow, form: NewPasswordForm, broken: list[Rule], status: int = 200) -> Response:
    profile = config().password_profile
    shown = {rule: shown_rule(rule, profile) for rule in passwords.rules(flow.required, profile)}
    # One line may stand for several rules; each is shown once.
    unique = list(dict.fromkeys(shown.values()))
    return page(
        "login/own_password.html",
        status=status,
        username=flow.username,
        form=form,
        seconds_left=seconds_left(flow),
        rules=unique,
        failed_rule_texts=list(dict.fromkeys(shown[rule].text for rule in broken)),
    )


@blueprint.get("/login/oev")
@public
@turn_of(Step.NEW_PASSWORD)
def practise(flow: Flow) -> Response:
    """Ask for the new password once."""
    return _practise_page(flow, None)


@blueprint.post("/login/oev")
@public
@turn_of(Step.NEW_PASSWORD)
def practised(flow: Flow) -> Response:
    """Put the new password in force if it was entered right, and log in; no limit, no count."""
    is_pictures = _is_pictures(flow)
    if is_pictures and keep_pick(flow):
        return tapped("login.practise")
    typed = picked(flow) if is_pictures else PasswordForm().password.data or ""
    if typed is None:
        return _practise_page(flow, "few", status=422)
    outcome, changed = new_password.confirm(db(), keys(), hasher(), config(), flow, typed, browser(), now)
    if outcome is Practised.GONE and flow.claim is not None:
        return onward("login.window_over")
    if outcome is Practised.GONE:
        abort(410)
    if outcome is Practised.NO_AUTHORITY:
        problem = LOST.get(recovery.find_standing(db(), flow, now()), Problem.NO_CONTACT)
        mitid.note_refusal(db(), flow.user_id, browser().network, problem.value, now())
        return refused(problem, Errand.PASSWORD, flow.username)
    if outcome is Practised.DIFFERENT:
        flows.keep_picks(db(), keys(), flow, ())
        return _practise_page(replace(flow, picks=()), "wrong", status=422)
    return finish(changed, News.CHANGED)


def _is_pictures(flow: Flow) -> bool:
    """Whether pictures wait to be practised; the school may have marked the pupil for another type since."""
    pending = new_password.find_pending(db(), keys(), flow, now())
    return (pending.password_type if pending else flow.required) is PasswordType.PICTURES


def _practise_page(flow: Flow, problem: str | None, status: int = 200) -> Response:
    is_pictures = _is_pictures(flow)
    shown = pictures_context(flow) if is_pictures else words_context(flow)
    kind = "pictures" if is_pictures else "words"
    old_kind = _old_kind(flow)
    return page("login/practise.html", status=status, kind=kind, old_kind=old_kind, problem=problem, **shown)


def _old_kind(flow: Flow) -> str | None:
    """Return the kind of the old password, or None where it may not be kept."""
    if not flow.may_keep_old(now().at):
        return None
    return "pictures" if flow.credential_type is PasswordType.PICTURES else "words"


@blueprint.post("/login/ny-kode/behold")
@public
@turn_of(Step.NEW_PASSWORD)
def old_kept(flow: Flow) -> Response:
    """Go on with the old password, which was entered right to come here."""
    if flow.is_finished:
        return finish(flow)
    kept = new_password.keep_old(db(), flow, now())
    if kept is None:
        return onward("login.new_password")
    if step_of(kept) is Step.WARNING:
        login.postpone(db(), kept, now())
    return finish(kept, News.KEPT)


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


@blueprint.post("/login/mere-tid")
@public
def more_time() -> Response:
    """Give a half-done login its full time again (design: said two minutes before it ends)."""
    flow = find_flow()
    if flow is None:
        abort(410)
    if flow.is_finished:
        return onward("login.choose")
    if flow.claim is not None:  # only whoever opened the window may
        return onward(endpoint_of(step_of(flow), flow))
    flows.extend(db(), config(), flow, now())
    return onward(endpoint_of(step_of(flow), flow))


def _new_password_example(ids: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "username": EXAMPLE,
        "kind": "pictures" if ids else "words",
        "secret": None if ids else "regnhatbikage",
        "pictures": pictures.named(ids, language()),
        "rhyme": pictures.rhyme(ids, language()) if ids else None,
        "may_choose": not ids,
        "own_choice": False,
        "old_kind": None,
        "until_text": None,
        "seconds_left": 0,
    }


def _own_password_example() -> dict[str, Any]:
    rules = passwords.rules(PasswordType.WORDS, config().password_profile)
    shown = [shown_rule(rule, config().password_profile) for rule in rules]
    unique = list(dict.fromkeys(shown))
    return {**example(), "form": NewPasswordForm(), "rules": unique, "failed_rule_texts": []}


STILLS: Screens = {
    "login/choose.html": Screen(
        {"": lambda: {"choices": _ways(None, has_mitid=True), "remembered": None, "destination": ""}},
        is_open=True,
    ),
    "login/username.html": Screen({"": lambda: {"form": UsernameForm()}}, is_open=True),
    "login/password.html": Screen(
        {"": example, "wrong": lambda: {**example(), "problem": "wrong", "errors": True}}
    ),
    "login/pictures.html": Screen(
        {"": lambda: example(picks=()), "two": lambda: example(picks=("elefant", "kage"))}
    ),
    "login/new_password.html": Screen(
        {
            "": _new_password_example,
            "pictures": lambda: _new_password_example(("elefant", "kage", "cykel", "sol")),
        }
    ),
    "login/approval.html": Screen(
        {
            "": lambda: {
                "username": EXAMPLE,
                "picture": pictures.named(["ugle"], language()),
                "until_text": time_text(now().at),
                "is_guardian": False,
            }
        }
    ),
    "login/own_password.html": Screen({"": _own_password_example}),
    "login/practise.html": Screen({"": example, "pictures": lambda: example(picks=())}),
    "login/warning.html": Screen(
        {
            "": lambda: {
                "username": EXAMPLE,
                "last_date": date_text(now().at),
                "may_postpone": True,
                "reason": ExpiryReason.AGE.value,
                "seconds_left": 0,
            }
        }
    ),
}
