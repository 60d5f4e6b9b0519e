"""The ways back in: a new password, and the username. MitID joins them here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zlib import crc32

from flask import Blueprint, abort, current_app, request, url_for
from werkzeug.wrappers import Response

from app.domain import credentials, flows, usernames
from app.domain.elevadgang import hands, presses, pupils
from app.domain.elevadgang.presses import Kept, Press
from app.domain.elevadgang.pupils import Window
from app.domain.elevadgang.windows import Standing
from app.domain.flows import Flow
from app.domain.login import Outcome
from app.domain.people import Place
from app.domain.recovery import Authority
from app.models.elevadgang import Door
from app.models.people import Category, PasswordType
from app.web import pictures
from app.web.browser import (
    RECOVERY,
    browser,
    device_token,
    drop_cookie,
    keep_device,
    new_device_token,
    read_cookie,
)
from app.web.fields import UsernameForm, window_named
from app.web.guard import current_login, public, to_login
from app.web.i18n import gettext as _
from app.web.i18n import language, time_text
from app.web.page import is_htmx, known_destination, onward, page, quiet
from app.web.pictures import Picture
from app.web.stills import EXAMPLE, Screen, Screens
from app.web.telling import News, take, tell_next
from app.web.transaction import db, keys, now, world
from app.web.wizard import (
    NO_PROBLEM,
    STATUS,
    begin_flow,
    check,
    deal_new,
    example,
    few_pictures,
    find_flow,
    go_on,
    keep_flow,
    keep_pick,
    picked,
    pictures_context,
    problem_of,
    read_flow,
    same_person,
    tapped,
    words_context,
)

blueprint = Blueprint("recovery", __name__)


@blueprint.get("/brugernavn")
@public
def username() -> Response:
    """Tell who can help with a username."""
    return page("recovery/username.html", has_mitid=world().mitid is not None)


@blueprint.get("/brugernavn/fundet")
@public
def found() -> Response:
    """Show the usernames of whom MitID proved and of the children, to that browser alone (S-33)."""
    person_id = _proved()
    if person_id is None:
        return onward("recovery.username")
    windows = pupils.list_guardian_windows(db(), person_id, now())
    code = f"{crc32(repr(sorted(windows.items())).encode()):x}"
    if request.args.get("kendt") == code and is_htmx():
        return quiet()
    return page(
        "recovery/found.html",
        person_id=person_id,
        people=usernames.list_found(db(), person_id, now()),
        windows={uni_id: _shown_window(window) for uni_id, window in windows.items()},
        is_live=any(window.is_live for window in windows.values()),
        code=code,
        news=take(),
    )


@dataclass(frozen=True, slots=True)
class ShownWindow:
    """A child's window as its parent sees it."""

    id: int
    standing: str
    time_text: str
    picture: Picture | None
    may_extend: bool
    may_disown: bool
    is_live: bool


def _shown_window(window: Window) -> ShownWindow:
    is_asked = window.standing is Standing.APPROVAL and window.picture
    shown = pictures.named([window.picture], language()) if is_asked and window.picture else []
    return ShownWindow(
        window.id,
        window.standing.name,
        time_text(window.ends_at),
        shown[0] if shown else None,
        window.may_extend,
        window.may_disown,
        window.is_live,
    )


@blueprint.post("/brugernavn/ny-adgangskode")
@public
def given() -> Response:
    """Open five minutes for a child on the list (S-32)."""
    person_id = _proved()
    if person_id is None:
        return onward("recovery.username")
    made = presses.press_for_child(db(), keys(), person_id, request.form.get("uni_id", ""), browser(), now())
    if made.outcome is Press.FOREIGN:
        abort(404)
    why = made.kept[0][1] if made.kept else None
    tell_next(KEPT[why] if why else News.CHILD_OPENED)
    return onward("recovery.found")


KEPT = {
    Kept.DAY_IS_FULL: News.CHILD_DAY_IS_FULL,
    Kept.BLOCKED: News.CHILD_BLOCKED,
    Kept.NO_USERNAME: News.CHILD_NO_USERNAME,
}


@blueprint.post("/brugernavn/vindue")
@public
def window_changed() -> Response:
    """Take a child's five minutes back, give more, approve, or say that it was not the child."""
    person_id = _proved()
    if person_id is None:
        return onward("recovery.username")
    number, picture = window_named(request.form.get("vindue", ""))
    whose = (Door.GUARDIAN, person_id, None, number)
    act = request.form.get("handling", "")
    if act == "afbryd":
        news, is_done = News.CANCELLED, presses.cancel(db(), *whose, now())
    elif act == "mere":
        news, is_done = News.CHILD_EXTENDED, presses.extend(db(), *whose, browser(), now())
    elif act == "godkend":
        news, is_done = News.CHILD_APPROVED, presses.approve(db(), *whose, picture, browser(), now())
    else:
        news, is_done = News.CHILD_DISOWNED, presses.disown(db(), *whose, browser(), now())
    tell_next(news if is_done else News.TOO_LATE)
    return onward("recovery.found")


@blueprint.post("/brugernavn/fundet")
@public
def activated() -> Response:
    """Give a username to one on the list who has none."""
    person_id = _proved()
    if person_id is None:
        return onward("recovery.username")
    try:
        usernames.activate(db(), world().dice, person_id, request.form.get("uni_id", ""), now())
    except LookupError:  # so many share the first letters; other numbers are drawn the next time
        abort(503)
    return onward("recovery.found")


@blueprint.post("/brugernavn/faerdig")
@public
def done() -> Response:
    """Forget who was proved, and go on to the login."""
    token = read_cookie(RECOVERY)
    if token:
        usernames.forget(db(), keys(), token)
    answer = onward("login.username")
    drop_cookie(answer, RECOVERY)
    return answer


def _proved() -> int | None:
    """Return whom MitID proved to this browser; a cookie whose time is up ends the request with 410."""
    token = read_cookie(RECOVERY)
    person_id = usernames.find(db(), keys(), token, now()) if token else None
    if token and person_id is None:
        abort(410)
    return person_id


@blueprint.get("/ny-adgangskode")
@public
def choose() -> Response:
    """Forgotten, or only to be changed? Asks first whose password it is."""
    return page("recovery/choose.html", username=_username(), form=UsernameForm(), here=_here())


@blueprint.post("/ny-adgangskode")
@public
def username_given() -> Response:
    """Take the username that the new password is for."""
    form = UsernameForm()
    if not form.validate_on_submit():
        return page("recovery/choose.html", status=422, username=None, form=form, here=_here())
    destination = known_destination(form.destination.data)
    begun = begin_flow(form.username.data or "", destination=destination, may_claim=True)
    return go_on(begun, "recovery.change" if _means_change() else "recovery.choose")


def _means_change() -> bool:
    """Whether whoever is asked for the username has said already that the password is only to be changed."""
    return "skift" in request.args


def _here() -> str:
    return url_for("recovery.choose", skift=1 if _means_change() else None)


@blueprint.get("/ny-adgangskode/glemt")
@public
def forgotten() -> Response:
    """Tell who can help with a forgotten password."""
    return page("recovery/forgotten.html", username=_username(), has_mitid=world().mitid is not None)


@blueprint.get("/ny-adgangskode/haand")
@public
def hand() -> Response:
    """Tell what happens when a hand is raised: the same, whoever raised it."""
    return page("recovery/hand.html", username=_username())


@blueprint.post("/ny-adgangskode/haand")
@public
def hand_raised() -> Response:
    """Raise the hand of whoever the half-done login is about; the teachers of the class see it."""
    flow = find_flow()
    if flow is None or flow.is_finished:
        return onward("recovery.choose")
    same_person(flow)
    device = device_token() or new_device_token()
    hands.raise_hand(db(), keys(), flow, device, browser(), now())
    answer = onward("recovery.hand")
    keep_device(answer, device)
    return answer


@blueprint.get("/.well-known/change-password")
@public
def well_known() -> Response:
    """Lead a password manager to the change of password (W3C: A Well-Known URL for Changing Passwords)."""
    return current_app.redirect("/ny-adgangskode/skift", 302)


@blueprint.get("/ny-adgangskode/skift")
@public
def change() -> Response:
    """Ask for the password that is to be changed."""
    if "mit" in request.args and current_login() is None:
        return to_login()
    flow = _flow()
    if flow is not None:
        return _change_page(flow, NO_PROBLEM)
    username, kind = _own()
    if username is None:
        return onward("recovery.choose", skift=1)
    return _change_page(flows.stand_in(username, kind), NO_PROBLEM)


@blueprint.post("/ny-adgangskode/skift")
@public
def change_tried() -> Response:
    """Try the password that is to be changed; the tries count like those of a login (S-15, S-26)."""
    flow, token = _flow(), None
    if flow is None:
        username, _kind = _own()
        if username is None:
            abort(410)
        token = begin_flow(username).token
        flow = read_flow(token)
        if flow is None:
            return onward("recovery.choose")
    return _tried(flow, token)


def _tried(flow: Flow, begun: str | None) -> Response:
    """Try what was typed; `begun` is the token of a flow that this very request began."""
    same_person(flow)
    if flow.password_type is PasswordType.PICTURES:
        if keep_pick(flow):
            return _kept(tapped("recovery.change"), begun)
        secret = picked(flow)
        if secret is None:
            status, shown = few_pictures(flow)
            return _kept(_change_page(flow, shown, status=status), begun)
    else:
        secret = request.form.get("password", "")
    checked = check(flow, secret)
    if checked.outcome is not Outcome.ACCEPTED:
        answer = _change_page(checked.flow, problem_of(checked), status=STATUS[checked.outcome])
        return _kept(answer, begun)
    deal_new(checked.flow)
    return keep_flow(onward("login.new_password"), checked.flow.token)


def _kept(answer: Response, begun: str | None) -> Response:
    return keep_flow(answer, begun) if begun else answer


def _change_page(flow: Flow, problem: dict[str, Any], status: int = 200) -> Response:
    is_pictures = flow.password_type is PasswordType.PICTURES
    shown = pictures_context(flow) if is_pictures else words_context(flow)
    kind = "pictures" if is_pictures else "words"
    # A name that was typed may be the slip; whoever is logged in was not asked for one.
    living = current_login()
    is_own = living is not None and living.username == flow.username
    return page("recovery/change.html", status=status, kind=kind, is_own=is_own, **{**shown, **problem})


def _flow() -> Flow | None:
    """Return the half-done login of this browser, if it is still one."""
    flow = find_flow(is_step=request.method == "POST" and current_login() is None)
    return None if flow is None or flow.is_finished or _means_own(flow) else flow


def _means_own(flow: Flow) -> bool:
    """Whether one who is logged in means the own password, while a login as somebody else is half done."""
    name = _own()[0]
    is_asked = "mit" in request.args or request.form.get("username") == name
    return is_asked and name not in (None, flow.username)


def _username() -> str | None:
    """Return whose password it is about: a half-done login's, or the one logged in."""
    flow = find_flow(is_step=False)
    if flow is not None and not flow.is_finished:
        return flow.username
    return _own()[0]


def _own() -> tuple[str | None, PasswordType]:
    """Return username and kind of password of the one logged in."""
    living = current_login()
    if living is None or living.username is None:
        return None, PasswordType.WORDS
    return living.username, credentials.find_type(db(), living.user_id)


def _found_example(username: str | None = EXAMPLE) -> dict[str, Any]:
    place = Place(0, Category.PUPIL, [], None, "", _("Eksempelskolen"), "5.A")
    return {
        "people": [usernames.Found("", "Anna", Authority.GUARDIAN, username, [place])],
        "windows": {},
        "is_live": False,
        "code": "",
        "news": None,
    }


STILLS: Screens = {
    "recovery/choose.html": Screen(
        {
            "": lambda: {"username": EXAMPLE, "form": UsernameForm(), "here": ""},
            "whose": lambda: {"username": None, "form": UsernameForm(), "here": ""},
        },
        is_open=True,
    ),
    "recovery/forgotten.html": Screen(
        {
            "": lambda: {"username": EXAMPLE, "has_mitid": True},
            "whose": lambda: {"username": None, "has_mitid": True},
        },
        is_open=True,
    ),
    "recovery/change.html": Screen(
        {
            "": lambda: {**example(), "is_own": False},
            "pictures": lambda: {**example(picks=()), "is_own": False},
        },
        is_open=True,
    ),
    "recovery/username.html": Screen({"": lambda: {"has_mitid": True}}, is_open=True),
    "recovery/found.html": Screen({"": _found_example, "without": lambda: _found_example(None)}),
}
