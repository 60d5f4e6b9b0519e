"""What the steps of a half-done login share: whose turn it is, the pictures, and logging in at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from flask import abort, g, request, session, url_for
from werkzeug.wrappers import Response

from app.domain import flows, login, new_password, usernames
from app.domain.elevadgang import claims
from app.domain.elevadgang.claims import Claimant
from app.domain.flows import Flow, Step
from app.domain.login import Checked, Entrance, Outcome
from app.domain.passwords import CODE_LENGTH, PICTURES, code
from app.domain.people import normal_username, shown_username
from app.models.people import PasswordType
from app.web import pictures
from app.web.browser import (
    FLOW,
    LOGIN,
    RECOVERY,
    WAY,
    address,
    browser,
    coarse,
    device_token,
    drop_cookie,
    keep_device,
    new_device_token,
    read_cookie,
    set_cookie,
)
from app.web.fields import PasswordForm, PicturesForm
from app.web.guard import current_login
from app.web.i18n import language, wait_text
from app.web.page import leave, onward
from app.web.stills import EXAMPLE
from app.web.telling import News, tell_next
from app.web.transaction import config, db, hasher, keys, now, world

# Where the form cookie keeps what the claim of a password window gave this browser (S-42).
CLAIM = "claim"
View = TypeVar("View", bound=Callable[..., Any])

STATUS = {
    Outcome.WRONG: 422,
    Outcome.EMPTY: 422,
    Outcome.WAIT: 429,
    Outcome.CLOSED: 429,
    Outcome.BLOCKED: 422,
    Outcome.NO_AFFILIATION: 422,
    Outcome.BUSY: 503,
}


ENDPOINTS = {
    Step.NEW_PASSWORD: "login.new_password",
    Step.APPROVAL: "login.approval",
    Step.WINDOW_OVER: "login.window_over",
}


def find_flow(*, is_step: bool = True) -> Flow | None:
    """Return the half-done login of this browser, found once a request.

    In a step of it, a cookie whose flow is gone ends the request with 410; elsewhere it counts as none.
    """
    token = read_cookie(FLOW)
    if "flow" not in g:
        g.flow = read_flow(token) if token else None
    flow: Flow | None = g.flow
    if is_step and token and flow is None:
        g.lost_destination = flows.find_destination(db(), keys(), token)
        abort(410)
    return flow


def read_flow(token: str) -> Flow | None:
    """Return the half-done login of a token, as it stands for this browser."""
    network = coarse(address()) if request.method == "POST" else None
    return flows.find(db(), keys(), config(), token, now(), device_token=device_token(), network=network)


@dataclass(frozen=True, slots=True)
class Begun:
    """A half-done login that has just begun: its token, where it goes on, and the device of a claim."""

    token: str
    endpoint: str
    device: str | None = None


def begin_flow(
    typed: str, *, destination: str | None = None, is_change: bool = False, may_claim: bool = False
) -> Begun:
    """Begin a flow for a username in the place of the one at hand, whose destination it keeps.

    `may_claim`: the name was typed, so that it may be what an open password window waits for (S-42).
    """
    token = read_cookie(FLOW)
    before = find_flow(is_step=False)
    times_asked = 1
    if before is not None and not before.is_finished:
        destination = destination or before.destination
        is_asked_again = before.username == shown_username(typed) and before.proof is None
        if is_asked_again and not before.wrong_tries:
            times_asked = before.times_asked + 1
    begun = flows.begin(
        db(),
        keys(),
        world().dice,
        config(),
        now(),
        typed,
        destination=destination,
        is_change=is_change,
        replaced_token=token,
        asked_from=claims.marks(keys(), browser(), session.get("csrf_token", "")),
        times_asked=times_asked,
    )
    claimed = None
    if may_claim and begun.claimable_user_id is not None:
        claimed = _claim(begun.token, begun.claimable_user_id)
    if begun.claimable_user_id is not None and token:
        flows.forget(db(), keys(), token, is_carried_on=times_asked > 1)
    return claimed or Begun(begun.token, password_endpoint(begun.password_type))


def _claim(token: str, user_id: int) -> Begun | None:
    """Claim the window that is open for a user, for this browser, and deal the password (S-42)."""
    device = device_token() or new_device_token()
    # The secret of the form cookie is what a browser has from its first form on; the claim gives it another.
    given = world().dice.token()
    claimant = Claimant(session["csrf_token"], device, browser(), held=session.get(CLAIM), given=given)
    claimed = claims.claim(db(), keys(), world().dice, now(), token, user_id, claimant)
    flow = read_flow(claimed) if claimed else None
    if claimed is None or flow is None:
        return None
    session[CLAIM] = given
    if flow.is_proved:
        new_password.assign(db(), keys(), world().dice, config(), flow, now())
    return Begun(claimed, endpoint_of(step_of(flow), flow), device)


def keep_flow(answer: Response, token: str) -> Response:
    """Let the browser keep the flow it has."""
    set_cookie(answer, FLOW, token)
    return answer


def go_on(begun: Begun, endpoint: str | None = None) -> Response:
    """Lead to where a new flow goes on, or to `endpoint` where it is an ordinary one."""
    answer = keep_flow(onward(begun.endpoint if begun.device or not endpoint else endpoint), begun.token)
    if begun.device:
        keep_device(answer, begun.device)
    return answer


def turn_of(*steps: Step) -> Callable[[View], View]:
    """Let a view in only at its turn; whoever comes early or late is sent to where the flow stands."""

    def decorate(view: View) -> View:
        @wraps(view)
        def in_turn(*args: Any, **values: Any) -> Any:
            flow = find_flow()
            if flow is None and request.method == "POST":
                abort(410)  # what was typed is lost: say so
            if flow is None:
                return onward("login.choose")
            if flow.is_finished and request.method == "GET":
                return leave(destination_of(flow))
            step = step_of(flow)
            # The second press of a button is answered like the first, wherever the flow is by then.
            is_second = flow.is_finished and flow.is_proved
            if step not in steps and not is_second:
                return onward(endpoint_of(step, flow))
            same_person(flow)
            return view(flow, *args, **values)

        return in_turn  # type: ignore[return-value]

    return decorate


def same_person(flow: Flow) -> None:
    """Refuse a page that was made for another username, in another tab, before this flow began."""
    if request.method == "POST" and request.form.get("username", flow.username) != flow.username:
        abort(410)


def step_of(flow: Flow) -> Step:
    """Return what a flow needs next, by the clock and the days of notice of this installation."""
    return flow.step(now().at, timedelta(days=config().change_notice_days))


def endpoint_of(step: Step, flow: Flow) -> str:
    """Return where a step lives."""
    if step is Step.PASSWORD:
        return password_endpoint(flow.password_type)
    return ENDPOINTS.get(step, "login.warning")


def password_endpoint(password_type: PasswordType) -> str:
    """Return where a kind of password is entered."""
    return "login.pictures" if password_type is PasswordType.PICTURES else "login.password"


def destination_of(flow: Flow) -> str:
    """Return where a flow leads when it is done."""
    return flow.destination or url_for("mine.overview")


def check(flow: Flow, secret: str, entrance: Entrance | None = None) -> Checked:
    """Try a secret, and log in by an entrance where nothing else is needed.

    A flow that is gone by then ends the request with 410.
    """
    checked = login.check_password(db(), keys(), hasher(), config(), flow, secret, browser(), now, entrance)
    if checked.outcome is Outcome.GONE:
        abort(410)
    return checked


def problem_of(checked: Checked) -> dict[str, Any]:
    """Return what the template needs to tell what came of a try."""
    return {
        "problem": checked.outcome.name.lower(),
        "wait_text": wait_text(checked.wait_seconds) if checked.wait_seconds else None,
        "tries": checked.flow.wrong_tries,
        # Said of the shape alone, which is the same whether anybody has the name (S-10).
        "is_odd_name": normal_username(checked.flow.username) is None,
    }


def entrance() -> Entrance:
    """Return where a login of this browser goes in, found once a request: a new device is one device."""
    if "entrance" not in g:
        before, looked_up = current_login(), read_cookie(RECOVERY)
        # Usernames were looked up, by somebody else it may be, at a shared machine.
        forgets = (usernames.forgetting(keys(), looked_up),) if looked_up else ()
        g.entrance = Entrance(device_token() or new_device_token(), before.id if before else None, forgets)
    found: Entrance = g.entrance
    return found


def finish(flow: Flow, news: News | None = None, *, token: str | None = None) -> Response:
    """Log in, unless a session has begun already, and go where the flow leads, which tells the news."""
    token = token or login.finish(db(), keys(), config(), flow, browser(), entrance(), now())
    if token is None:
        abort(410)
    answer = enter(destination_of(flow), token, entrance().device_token)
    if read_cookie(WAY):
        drop_cookie(answer, WAY)
    if news is not None:
        tell_next(news)
    return answer


def enter(path: str, token: str, device: str) -> Response:
    """Answer with where a login leads; the browser has the session from here on, and no flow."""
    answer = leave(path)
    set_cookie(answer, LOGIN, token)
    drop_cookie(answer, FLOW)
    if read_cookie(RECOVERY):  # the row went with the login
        drop_cookie(answer, RECOVERY)
    keep_device(answer, device)
    session.clear()  # the forms of before the login are no forms of this session (S-17)
    return answer


def deal_new(flow: Flow) -> None:
    """Turn a proved login into a change of password, with one dealt."""
    changing = flows.want_change(db(), flow)
    if new_password.assign(db(), keys(), world().dice, config(), changing, now()) is None:
        abort(410)


def picked(flow: Flow) -> str | None:
    """Return the secret that a post of the picture screen makes, or None where it is not four pictures.

    What is typed is judged by itself, so that whoever's name it is gets the same answer (S-10).
    """
    typed = request.form.get("typed")
    if typed is not None and pictures.is_oversized(typed):
        return typed  # no slip of a child's: it costs and counts
    if typed is not None:
        chosen = pictures.parse(typed)
        return code(chosen) if chosen else None
    sent = request.form.get("code")
    # Taps that are no four pictures cost nothing, and tell nothing: that is answered by what was sent and
    # tapped alone, before anything is asked of the name or its password, and alike for every name (S-10).
    ids = pictures.parse_code(sent) if sent else list(flow.picks)
    return code(ids) if ids and len(ids) == CODE_LENGTH else None


def keep_pick(flow: Flow) -> bool:
    """Keep or undo one tap where script is off; False where the post is no tap."""
    tapped, undone = request.form.get("pick"), "undo" in request.form
    if tapped is None and not undone:
        return False
    picks = flow.picks
    if undone:
        picks = picks[:-1]
    elif tapped in PICTURES and tapped not in picks and len(picks) < CODE_LENGTH:
        picks = (*picks, tapped)
    flows.keep_picks(db(), keys(), flow, picks)
    return True


def tapped(endpoint: str) -> Response:
    """Answer a tap that was kept: the same page, scrolled to the pictures, never to one of them (S-24)."""
    return onward(endpoint, _anchor="billeder")


def few_pictures(flow: Flow) -> tuple[int, dict[str, Any]]:
    """Return status and what the picture screen shows where it was not sent four pictures, which is no try.

    Typed names cost what a try costs all the same, and wait where a try would (S-10).
    """
    shown = not_four(flow)
    if shown["problem"] is None:
        checked = check(flow, "")
        if checked.outcome is not Outcome.EMPTY:
            return STATUS[checked.outcome], {**pictures_context(flow), **problem_of(checked)}
    return 422, shown


def not_four(flow: Flow) -> dict[str, Any]:
    """Return what the picture screen tells of what are not four pictures: at the field, of typed names."""
    form = PicturesForm()
    return {**pictures_context(flow, form), **NO_PROBLEM, "problem": "few" if form.validate() else None}


def pictures_context(flow: Flow, form: PicturesForm | None = None) -> dict[str, Any]:
    """Return what the picture screen shows."""
    return {
        "username": flow.username,
        "form": form or PicturesForm(),
        "families": pictures.families(language()),
        "picked": len(flow.picks),
        "picked_pictures": pictures.named(flow.picks, language()),
        "seconds_left": seconds_left(flow),
    }


def words_context(flow: Flow) -> dict[str, Any]:
    """Return what a screen with one password shows."""
    return {"username": flow.username, "form": PasswordForm(), "seconds_left": seconds_left(flow)}


def new_kind(flow: Flow, coming: PasswordType) -> str | None:
    """Return what one logs in with from here on, where pictures become words or words pictures; else None."""
    old, are_pictures = flow.credential_type, coming is PasswordType.PICTURES
    if old is None or (old is PasswordType.PICTURES) is are_pictures:
        return None
    return "pictures" if are_pictures else "words"


def seconds_left(flow: Flow) -> int:
    """Return how long a half-done login has, for the offer of more time before it ends.

    None at all in a password window: there only whoever opened it gives more.
    """
    if flow.claim is not None:
        return 0
    left = int((flow.expires_at - now().at).total_seconds())
    return left if left > 0 else config().flow_minutes * 60


def example(*, picks: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Return what a guide shows of a step with one password, or with pictures of which some are picked."""
    password_type = PasswordType.WORDS if picks is None else PasswordType.PICTURES
    flow = replace(flows.stand_in(EXAMPLE, password_type), picks=picks or ())
    shown = words_context(flow) if picks is None else pictures_context(flow)
    return {**shown, **NO_PROBLEM, "kind": "words" if picks is None else "pictures", "old_kind": None}


NO_PROBLEM: dict[str, Any] = {"problem": None, "wait_text": None, "tries": 0, "is_odd_name": False}
