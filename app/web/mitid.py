"""Out to MitID and back (S-30, S-34): the trip itself, and what each errand makes of whom it proved."""

from __future__ import annotations

import logging
from hmac import compare_digest

from flask import Blueprint, abort, make_response, request, url_for
from werkzeug.wrappers import Response

from app.domain import flows, mitid, new_password, recovery, usernames
from app.domain.devices import KNOWN_DAYS
from app.domain.flows import Flow, Step
from app.domain.mitid import Match, Person, Underway
from app.domain.recovery import Authority
from app.models.recovery import Errand
from app.models.sso import Proof
from app.web.browser import (
    FLOW,
    RECOVERY,
    TRIP,
    WAY,
    browser,
    drop_cookie,
    read_cookie,
    set_cookie,
)
from app.web.fields import has_repeats
from app.web.guard import current_login, public
from app.web.i18n import language
from app.web.page import is_htmx, known_destination, leave, onward, page, request_id
from app.web.refusals import FAULTS, Problem, refused
from app.web.stills import EXAMPLE, Screen, Screens
from app.web.transaction import change, close, config, db, keys, now, world
from app.web.wizard import (
    begin_flow,
    endpoint_of,
    enter,
    entrance,
    find_flow,
    keep_flow,
    read_flow,
    same_person,
    seconds_left,
    step_of,
    turn_of,
)
from app.world import Identity, MitIdBroker, MitIdError

blueprint = Blueprint("mitid", __name__)

log = logging.getLogger("app.mitid")

MATCHES = {
    Match.UNKNOWN: Problem.UNKNOWN,
    Match.NO_CPR: Problem.NO_CPR,
    Match.UNSOUND: Problem.REFUSED,
    Match.CONFLICT: Problem.CONFLICT,
}
AUTHORITIES = {
    Authority.NO_CUSTODY: Problem.NO_CUSTODY,
    Authority.MAY_NOT_HELP: Problem.MAY_NOT_HELP,
    Authority.NONE: Problem.OTHER_PERSON,
}


# ---- Out ----


@blueprint.post("/mitid/adgangskode")
@public
def for_password() -> Response:
    """Go to MitID for a new password, one's own or one's child's."""
    begun, flow = None, find_flow()
    living = current_login()
    if (flow is None or flow.is_finished) and living is not None and living.username:
        begun = begin_flow(living.username).token
        flow = read_flow(begun)
    if flow is None or flow.is_finished:
        return onward("recovery.choose")
    same_person(flow)
    flows.extend(db(), config(), flow, now())
    answer = _go(Errand.PASSWORD, login_flow_id=flow.id, username=flow.username)
    return keep_flow(answer, begun) if begun else answer


@blueprint.post("/mitid/brugernavn")
@public
def for_username() -> Response:
    """Go to MitID for one's own username and one's children's."""
    return _go(Errand.USERNAME)


@blueprint.post("/mitid/login")
@public
def for_login() -> Response:
    """Go to MitID to log in."""
    return _go(Errand.LOGIN, destination=known_destination(request.form.get("destination")))


def _go(
    errand: Errand,
    *,
    login_flow_id: int | None = None,
    destination: str | None = None,
    username: str | None = None,
) -> Response:
    """Begin a trip and lead to the broker; a plain form goes through a page of ours (S-61)."""
    broker = world().mitid
    if broker is None:
        return onward("login.choose")
    moment = now()
    token = mitid.begin(
        db(),
        keys(),
        world().dice,
        moment,
        errand,
        login_flow_id=login_flow_id,
        destination=destination,
        replaced_token=read_cookie(TRIP),
    )
    begun = mitid.find(db(), keys(), token, moment)
    if begun is None:
        abort(410)
    db().commit()  # nothing is open while the broker is asked, and the trip is there when it answers
    if is_htmx():
        try:
            address = broker.address(begun.trip, language())
        except MitIdError as error:
            return _failed(error, errand, username)
        answer: Response = make_response("", 204)
        answer.headers["HX-Redirect"] = address
        answer.headers["Vary"] = "HX-Request"
    else:
        answer = onward("mitid.forward")
    set_cookie(answer, TRIP, token)
    return answer


@blueprint.get("/mitid/videre")
@public
def forward() -> Response:
    """Lead on to the broker: a page, as no form may end on another site (S-61)."""
    token, broker = read_cookie(TRIP), world().mitid
    begun = mitid.find(db(), keys(), token, now()) if token and broker else None
    if begun is None or broker is None:
        return onward("login.choose")
    username = _username_for(begun.errand)
    close(None)  # nothing is open while the broker is asked
    try:
        address = broker.address(begun.trip, language())
    except MitIdError as error:
        return _failed(error, begun.errand, username)
    return page("mitid/forward.html", address=address)


def _username_for(errand: Errand) -> str | None:
    """Return whose password an errand is about; a half-done login is no matter of the other errands."""
    flow = find_flow(is_step=False) if errand is Errand.PASSWORD else None
    return flow.username if flow else None


def _failed(error: MitIdError, errand: Errand, username: str | None) -> Response:
    """Tell that MitID proved nobody; the log has why in a few words, and none of what was sent."""
    told = {"request_id": request_id(), "kind": f"{error.fault.name}: {error.reason}"}
    log.info("mitid", extra=told)
    return refused(FAULTS[error.fault], errand, username)


# ---- Back ----


@blueprint.get("/mitid/retur")
@public
def returned() -> Response:
    """Take the broker's answer, once, in the browser that went (S-30)."""
    token, broker = read_cookie(TRIP), world().mitid
    if broker is None:
        return onward("login.choose")
    if has_repeats(request.args):
        abort(400)
    under_way = _take(token) if token else None
    if under_way is None:
        return refused(Problem.GONE, None, half_done=_half_done())
    answer = _redeemed(broker, under_way)
    drop_cookie(answer, TRIP)
    return answer


def _half_done() -> str | None:
    """Return where whoever went back, and whose answer has done its work already, can go on."""
    flow = find_flow(is_step=False)
    if flow is None or flow.is_finished or not flow.is_proved:
        return None
    if flow.proof is Proof.GUARDIAN:  # who sits there now may be the parent again
        return url_for("mitid.hand_over")
    return url_for(endpoint_of(step_of(flow), flow))


def _take(token: str) -> Underway | None:
    """Take the trip of this browser back if the answer names it; another window's is left alone."""
    given = request.args.get("state", "")
    known = mitid.trip_of(keys(), token, now().at).state
    if not compare_digest(given.encode(errors="surrogatepass"), known.encode()):
        return None
    with change():
        return mitid.take(db(), keys(), token, now())


def _redeemed(broker: MitIdBroker, under_way: Underway) -> Response:
    # Nothing is open here while the broker is asked.
    try:
        identity = broker.redeem(request.args.to_dict(), under_way.trip, now().at)
    except MitIdError as error:
        return _failed(error, under_way.errand, _username_for(under_way.errand))
    current_login()  # found before the next transaction, which would wait for its stamp
    with change():
        flow = _flow_of(under_way)
        is_gone = under_way.errand is Errand.PASSWORD and flow is None
        outcome = Problem.GONE if is_gone else _proved(under_way, flow, identity)
    if isinstance(outcome, Problem):
        return refused(outcome, under_way.errand, flow.username if flow else None)
    return outcome


def _flow_of(under_way: Underway) -> Flow | None:
    """Return the half-done login that a trip was made for, where it is still this browser's."""
    if under_way.errand is not Errand.PASSWORD:
        return None
    flow = find_flow(is_step=False)
    is_same = flow is not None and not flow.is_finished and flow.id == under_way.login_flow_id
    return flow if is_same else None


def _proved(under_way: Underway, flow: Flow | None, identity: Identity) -> Response | Problem:
    """Do what the trip was for, in one transaction; returns the answer, or why there is none."""
    network, whose = browser().network, flow.user_id if flow else None
    match, person = mitid.identify(db(), keys(), identity, network, now(), user_id=whose)
    if match is Match.CONFLICT:
        log.warning("mitid", extra={"request_id": request_id(), "kind": "CPR number and MitID differ"})
    outcome = MATCHES[match] if person is None else _done(under_way, flow, person)
    # An answer that makes no sense is about nobody, and a conflict has been told to those it is about.
    is_told = outcome is Problem.REFUSED or (outcome is Problem.CONFLICT and flow is None)
    if isinstance(outcome, Problem) and not is_told:
        about = flow.user_id if flow else person.id if person else None
        mitid.note_refusal(db(), about, browser(), outcome.value, now())
    return outcome


def _done(under_way: Underway, flow: Flow | None, person: Person) -> Response | Problem:
    if person.is_blocked:
        is_own = flow is None or flow.user_id == person.id
        return Problem.BLOCKED if is_own else Problem.HELPER_BLOCKED
    if under_way.errand is Errand.USERNAME:
        return _usernames(person)
    if under_way.errand is Errand.LOGIN:
        return _login(under_way, person)
    assert flow is not None
    return _new_password(flow, person)


def _usernames(person: Person) -> Response:
    """Show the usernames to this browser, for ten minutes (S-33)."""
    before = read_cookie(RECOVERY)
    if before:
        usernames.forget(db(), keys(), before)
    token = usernames.begin(db(), keys(), world().dice, now(), person.id)
    answer = leave(url_for("recovery.found"))
    set_cookie(answer, RECOVERY, token)
    return answer


def _login(under_way: Underway, person: Person) -> Response | Problem:
    """Log in, where the law lets MitID be used for it."""
    if not person.has_place:
        return Problem.NO_PLACE
    half_done = read_cookie(FLOW)
    token = mitid.log_in(
        db(), keys(), world().dice, config(), person, browser(), entrance(), now(), half_done=half_done
    )
    if token is None:
        return Problem.PRIVATE
    answer = enter(under_way.destination or url_for("mine.overview"), token, entrance().device_token)
    set_cookie(answer, WAY, "mitid", days=KNOWN_DAYS)
    return answer


def _new_password(flow: Flow, person: Person) -> Response | Problem:
    """Assign a new password to the owner, or to the child of whoever came back (S-32)."""
    authority = recovery.find_authority(db(), person.id, flow.user_id, now(), is_held=True)
    if authority in AUTHORITIES:
        return AUTHORITIES[authority]
    is_own = authority is Authority.OWN
    if flow.is_blocked:
        return Problem.BLOCKED if is_own else Problem.CHILD_BLOCKED
    if not flow.has_place:
        return Problem.NO_PLACE if is_own else Problem.CHILD_NO_PLACE
    proved = recovery.prove(db(), keys(), config(), flow, person.id, now())
    if proved is None or new_password.assign(db(), keys(), world().dice, config(), proved, now()) is None:
        abort(410)
    return keep_flow(leave(url_for("login.new_password" if is_own else "mitid.hand_over")), proved.token)


@blueprint.get("/mitid/barn")
@public
@turn_of(Step.NEW_PASSWORD)
def hand_over(flow: Flow) -> Response:
    """Ask the parent to give the screen to the child, before the password is shown (S-24)."""
    if flow.proof is not Proof.GUARDIAN:
        return onward("login.new_password")
    return page("mitid/hand_over.html", username=flow.username, seconds_left=seconds_left(flow))


STILLS: Screens = {
    "mitid/forward.html": Screen({"": lambda: {"address": ""}}),
    "mitid/hand_over.html": Screen({"": lambda: {"username": EXAMPLE, "seconds_left": 0}}),
    "mitid/returned.html": Screen(
        {
            "": lambda: {
                "problem": Problem.CANCELLED.value,
                "errand": Errand.PASSWORD.value,
                "username": EXAMPLE,
                "retry": "mitid.for_password",
            }
        }
    ),
}
