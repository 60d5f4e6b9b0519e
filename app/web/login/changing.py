"""A new password: shown, chosen, practised, or the old one kept; and more time for all of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import abort
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.domain import flows, login, mitid, new_password, passwords, recovery
from app.domain.flows import Flow, Step
from app.domain.new_password import Practised
from app.domain.passwords import Rule
from app.models.people import PasswordType
from app.models.recovery import Errand
from app.web import pictures
from app.web.browser import browser
from app.web.fields import NewPasswordForm, PasswordForm
from app.web.guard import public
from app.web.i18n import gettext as _
from app.web.i18n import language, time_text
from app.web.i18n import wait_text as wait_text_of
from app.web.login.entering import blueprint
from app.web.page import onward, page
from app.web.password_rules import shown_rule
from app.web.refusals import LOST, Problem, refused
from app.web.telling import News
from app.web.transaction import config, db, hasher, keys, now
from app.web.wizard import (
    NO_PROBLEM,
    endpoint_of,
    find_flow,
    finish,
    keep_pick,
    new_kind,
    not_four,
    picked,
    pictures_context,
    seconds_left,
    step_of,
    tapped,
    turn_of,
    words_context,
)

# Where in «KanelTrappe58» a word ends.
WORD_ENDS = re.compile(r"(?<=[a-z])(?=[A-Z0-9])")


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
        secret=None if is_pictures else _in_words(pending.secret),
        pictures=pictures.named(ids, language()),
        rhyme=pictures.rhyme(ids, language()) if is_pictures else None,
        may_choose=passwords.may_choose(flow.required),
        own_choice=pending.is_own_choice,
        old_kind=_old_kind(flow),
        new_kind=new_kind(flow, pending.password_type),
        until_text=time_text(flow.claim.until) if flow.claim else None,
        seconds_left=seconds_left(flow),
    )


def _in_words(secret: str) -> Markup:
    """Return a password that breaks between its words where it must: or a child types a blank too."""
    return Markup("<wbr>").join(WORD_ENDS.split(secret))


@blueprint.get("/login/ny-kode/selv")
@public
@turn_of(Step.NEW_PASSWORD)
def own_password(flow: Flow) -> Response:
    """Ask for an own choice, with the rules before the field."""
    if not passwords.may_choose(flow.required):
        return onward("login.new_password")
    return _own_password_page(flow, NewPasswordForm())


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
        return _own_password_page(flow, form, status=422)
    secret = form.password.data or ""
    chosen = new_password.choose(db(), keys(), hasher(), config(), flow, secret, browser(), now)
    if chosen.is_gone:
        abort(410)
    if chosen.is_kept:
        return onward("login.practise")
    wait_text = wait_text_of(chosen.wait_seconds) if chosen.wait_seconds else None
    status = 422 if chosen.broken else 429
    return _own_password_page(flow, form, chosen.broken, status, wait_text=wait_text)


def _own_password_page(
    flow: Flow,
    form: NewPasswordForm,
    broken: Sequence[Rule] = (),
    status: int = 200,
    *,
    wait_text: str | None = None,
) -> Response:
    profile = config().password_profile
    waiting = new_password.find_pending(db(), keys(), flow, now())
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
        has_waits=status == 429,
        wait_text=wait_text,
        own_choice=waiting is not None and waiting.is_own_choice,
        failed_rule_texts=list(dict.fromkeys(shown[rule].text for rule in broken)),
    )


@blueprint.get("/login/oev")
@public
@turn_of(Step.NEW_PASSWORD)
def practise(flow: Flow) -> Response:
    """Ask for the new password once."""
    return _practise_page(flow, NO_PROBLEM)


@blueprint.post("/login/oev")
@public
@turn_of(Step.NEW_PASSWORD)
def practised(flow: Flow) -> Response:
    """Put the new password in force if it was entered right, and log in; no limit, no count."""
    is_pictures = _is_pictures(flow)
    if is_pictures and keep_pick(flow):
        return tapped("login.practise")
    typed = picked(flow) if is_pictures else PasswordForm().password.data
    if is_pictures and typed is None:
        return _practise_page(flow, not_four(flow), status=422)
    if not typed:
        return _practise_page(flow, {**NO_PROBLEM, "problem": "empty"}, status=422)
    outcome, changed = new_password.confirm(db(), keys(), hasher(), config(), flow, typed, browser(), now)
    if outcome is Practised.GONE and flow.claim is not None:
        return onward("login.window_over")
    if outcome is Practised.GONE:
        abort(410)
    if outcome is Practised.NO_AUTHORITY:
        problem = LOST.get(recovery.find_standing(db(), flow, now()), Problem.NO_CONTACT)
        mitid.note_refusal(db(), flow.user_id, browser(), problem.value, now())
        return refused(problem, Errand.PASSWORD, flow.username)
    if outcome is Practised.DIFFERENT:
        flows.keep_picks(db(), keys(), flow, ())
        return _practise_page(replace(flow, picks=()), {**NO_PROBLEM, "problem": "wrong"}, status=422)
    return finish(changed, News.CHANGED)


def _is_pictures(flow: Flow) -> bool:
    """Whether pictures wait to be practised; the school may have marked the pupil for another type since."""
    pending = new_password.find_pending(db(), keys(), flow, now())
    return (pending.password_type if pending else flow.required) is PasswordType.PICTURES


def _practise_page(flow: Flow, problem: dict[str, Any], status: int = 200) -> Response:
    is_pictures = _is_pictures(flow)
    shown = pictures_context(flow) if is_pictures else words_context(flow)
    if is_pictures and problem["problem"] == "wrong" and shown["form"].typed.data is not None:
        shown["form"].typed.errors = [_("Skriv de fire navne igen.")]
    kind = "pictures" if is_pictures else "words"
    old_kind = _old_kind(flow)
    return page("login/practise.html", status=status, kind=kind, old_kind=old_kind, **{**shown, **problem})


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
