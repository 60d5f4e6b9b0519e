"""«Mit Unilogin»: who I am, where I am logged in, and what was done to my login."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, session, url_for
from werkzeug.wrappers import Response

from app.domain import audit, credentials, flows, people, sessions, usernames
from app.domain.access import Action
from app.domain.audit import Event, Recorded
from app.domain.sessions import Login
from app.models.credentials import Authorisation
from app.models.people import Category, PasswordType, RightKind, Role
from app.web.browser import FLOW, LOGIN, RECOVERY, device_text, drop_cookie, read_cookie
from app.web.fields import N_
from app.web.guard import current_login, public, requires
from app.web.i18n import date_text, language, moment_text
from app.web.i18n import gettext as _
from app.web.page import leave, onward, page, site
from app.web.stills import EXAMPLE, Screen, Screens
from app.web.telling import News, tell_next
from app.web.transaction import config, db, keys, now, world

blueprint = Blueprint("mine", __name__)

RECENT = 5
PAGE = 30

BY = {
    Authorisation.OWNER: N_("af dig selv"),
    Authorisation.MITID: N_("af dig selv med MitID"),
    Authorisation.GUARDIAN: N_("med hjælp fra en forælder"),
    Authorisation.TEACHER: N_("med hjælp fra en lærer"),
    Authorisation.ADMINISTRATOR: N_("med hjælp fra skolens brugeradministrator"),
    Authorisation.OPERATOR: N_("af driften"),
}
WHAT = {
    Event.LOGGED_IN: N_("Du loggede ind"),
    Event.LOGIN_REFUSED: N_("Et login lykkedes ikke"),
    Event.LOGGED_OUT: N_("Du loggede ud"),
    Event.SESSION_ENDED: N_("Et login blev afsluttet"),
    Event.SESSIONS_ENDED: N_("Dine andre login blev afsluttet"),
    Event.PASSWORD_CHANGED: N_("Adgangskoden blev skiftet"),
    Event.PASSWORD_CHANGE_POSTPONED: N_("Skift af adgangskode blev udsat"),
    Event.PICTURES_VOIDED: N_("Dine billeder blev spærret. Du skal have nye"),
    Event.MITID_CONFLICT: N_("Et MitID passede ikke med dine oplysninger. Det blev afvist"),
    Event.MITID_FORGOTTEN: N_("Driften glemte dit MitID. Du kan bruge et nyt"),
    Event.CHILD_PASSWORD_CHANGED: N_("%(name)s gav %(child)s en ny adgangskode"),
    Event.USERNAME_SHOWN: N_("Dit brugernavn blev vist med MitID"),
    Event.USERNAME_ACTIVATED: N_("Du fik et brugernavn"),
    Event.WINDOW_OPENED: N_("Du fik fem minutter til en ny adgangskode"),
    Event.WINDOW_CLAIMED: N_("Dit brugernavn blev skrevet for at få en ny adgangskode"),
    Event.WINDOW_APPROVED: N_("Din nye adgangskode blev godkendt"),
    Event.WINDOW_EXTENDED: N_("Du fik fem minutter mere"),
    Event.WINDOW_CANCELLED: N_("Den nye adgangskode blev afbrudt"),
    Event.WINDOW_EXPIRED: N_("Tiden til en ny adgangskode gik"),
    Event.WINDOW_DISOWNED: N_("Din adgangskode blev slettet. Du skal have en ny"),
    Event.WINDOW_LIMIT_REACHED: N_("Der blev bedt om for mange nye adgangskoder"),
    Event.HELP_ASKED: N_("Du rakte hånden op"),
    Event.PASSWORD_TYPE_MARKED: N_("Din type af adgangskode blev ændret"),
    Event.PERSON_ADDED: N_("Du blev oprettet"),
    Event.RIGHT_GIVEN: N_("Du fik en rettighed"),
    Event.BLOCKED: N_("Dit login blev spærret"),
    Event.UNBLOCKED: N_("Dit login blev åbnet igen"),
    Event.TRIES_FORGOTTEN: N_("Der blev åbnet for nye forsøg"),
}
# What was done, in words that leave open whether the owner did it.
BY_WHOM = {
    Event.PASSWORD_CHANGE_POSTPONED.name,
    Event.SESSION_ENDED.name,
    Event.SESSIONS_ENDED.name,
}
CATEGORIES = {
    Category.PUPIL: N_("Elev"),
    Category.EMPLOYEE: N_("Medarbejder"),
    Category.EXTERNAL: N_("Ekstern"),
    Category.CONTACT: N_("Kontaktperson"),
}
# The help that is meant for a role, by its address; the tools themselves join it as they come.
_HELP: dict[Category | Role | RightKind, tuple[str, str]] = {
    Category.PUPIL: ("elev", N_("Hjælp til elever")),
    Category.CONTACT: ("foraelder", N_("Hjælp til forældre")),
    Category.EMPLOYEE: ("personale", N_("Hjælp til personale")),
    Category.EXTERNAL: ("personale", N_("Hjælp til personale")),
    Role.LAERER: ("laerer", N_("Hjælp til lærere")),
    RightKind.USER_ADMINISTRATOR: ("personale", N_("Hjælp til personale")),
    RightKind.SUPPORTER: ("personale", N_("Hjælp til personale")),
}
# The source systems' own words for roles, but for those that only they know; shown in the reader's language.
ROLES: dict[str, str] = {
    Role.BARN: N_("Barn"),
    Role.ELEV: N_("Elev"),
    Role.STUDERENDE: N_("Studerende"),
    Role.LAERER: N_("Lærer"),
    Role.PAEDAGOG: N_("Pædagog"),
    Role.VIKAR: N_("Vikar"),
    Role.LEDER: N_("Leder"),
    Role.LEDELSE: N_("Ledelse"),
    Role.TAP: N_("Teknisk-administrativ medarbejder"),
    Role.KONSULENT: N_("Konsulent"),
    Role.PRAKTIKANT: N_("Praktikant"),
    Role.EKSTERN: N_("Ekstern"),
}
RIGHTS = {
    RightKind.USER_ADMINISTRATOR: N_("Brugeradministrator"),
    RightKind.SUPPORTER: N_("Support"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who is logged in, as shown."""

    name: str
    username: str | None
    uni_id: str


@dataclass(frozen=True, slots=True)
class Place:
    """One place a person belongs, as shown."""

    institution: str
    number: str
    class_name: str
    role_names: list[str]


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a person's role may open."""

    title: str
    help: str
    href: str


@dataclass(frozen=True, slots=True)
class ShownPassword:
    """The password in force, as far as its owner is told."""

    kind: str
    changed_text: str
    changed_by_text: str
    expires_text: str | None


@dataclass(frozen=True, slots=True)
class ShownSession:
    """One living login, as shown."""

    id: int
    device_text: str
    since_text: str
    last_seen_text: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One thing that was done, as shown."""

    when_text: str
    what_text: str
    by_text: str


@blueprint.get("/mit")
@requires(Action.SEE_OWN)
def overview() -> Response:
    """Show who is logged in, the password, the logins and what was done."""
    living = _living()
    moment = now()
    places = people.list_places(db(), living.user_id, moment.today)
    rights = people.list_rights(db(), living.user_id) if living.has_rights else []
    password = credentials.find_current(
        db(), config(), living.user_id, living.id, moment.at, assurance_level=living.assurance_level
    )
    return page(
        "mine/overview.html",
        person=Person(living.name, living.username, living.uni_id),
        places=_places(places, rights),
        password=_password(password),
        sessions=[
            ShownSession(
                one.id,
                device_text(one.device),
                moment_text(one.created_at),
                moment_text(one.seen_at),
                one.id == living.id,
            )
            for one in sorted(  # this one first
                sessions.list_living(db(), config(), living.user_id, moment),
                key=lambda one: one.id != living.id,
            )
        ],
        events=_events(living, audit.list_own(db(), living.user_id, most=RECENT)),
        tools=_tools(places, rights),
        notice=_notice(password),
    )


@blueprint.get("/mit/historik")
@requires(Action.SEE_OWN)
def history() -> Response:
    """Show all that was done to one's login, newest first."""
    living = _living()
    before = request.args.get("til", type=int)
    if before is not None and not 0 < before < audit.NEWEST:
        before = None
    found = audit.list_own(db(), living.user_id, most=PAGE + 1, before=before)
    has_more = len(found) > PAGE
    shown = found[:PAGE]
    return page(
        "mine/history.html",
        events=_events(living, shown),
        older_href=url_for("mine.history", til=shown[-1].id) if has_more else None,
        newer_href=url_for("mine.history") if before else None,
    )


@blueprint.post("/mit/sessioner/<int(max=9223372036854775807):id>/log-ud")
@requires(Action.END_OWN_SESSIONS)
def end_session(id: int) -> Response:
    """End one of one's own logins; one that has ended already is no error."""
    sessions.end_one(db(), _living(), id, now())
    tell_next(News.ENDED_ONE)
    return onward("mine.overview")


@blueprint.post("/mit/sessioner/log-ud")
@requires(Action.END_OWN_SESSIONS)
def end_sessions() -> Response:
    """End all of one's logins but this one."""
    sessions.end_others(db(), _living(), now())
    tell_next(News.ENDED_OTHERS)
    return onward("mine.overview")


@blueprint.post("/log-ud")
@public
def logout() -> Response:
    """Log out here; whoever is logged out already is told the same."""
    living = current_login()
    half_done = read_cookie(FLOW)
    if half_done:  # or the next person at this machine would go on with it
        flows.forget(db(), keys(), half_done)
    proved = read_cookie(RECOVERY)
    if proved:
        usernames.forget(db(), keys(), proved)
    if living is not None:  # after the flow, as whoever finishes that takes the two
        sessions.log_out(db(), living, now())
    session.clear()  # the forms of this login are no forms of the next person's (S-17)
    answer = leave(url_for("mine.logged_out"))
    if proved:
        drop_cookie(answer, RECOVERY)
    drop_cookie(answer, LOGIN)
    drop_cookie(answer, FLOW)
    # Never "cookies": that would forget the device, which keeps strangers from locking it out (S-62).
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@blueprint.get("/log-ud")
@public
def logged_out() -> Response:
    """Tell that one is logged out, and what to think of on a shared computer."""
    if current_login() is not None:
        return leave(url_for("mine.overview"))
    return page("mine/logged_out.html")


def _living() -> Login:
    living = current_login()
    assert living is not None  # the guard has seen to it
    return living


Rights = list[tuple[RightKind, str | None]]


def _places(affiliations: list[people.Place], rights: Rights) -> list[Place]:
    teaching = [one.affiliation_id for one in affiliations if not one.main_group]
    groups = people.list_groups(db(), teaching) if teaching else {}
    shown = []
    for one in affiliations:
        names = [one.main_group] if one.main_group else groups.get(one.affiliation_id, [])
        roles = [_(ROLES.get(role, role)) for role in one.roles] or [_(CATEGORIES[one.category])]
        shown.append(Place(one.institution_name, one.institution_number, ", ".join(names), roles))
    for kind, institution in rights:
        shown.append(Place(institution or site().brand, "", "", [_(RIGHTS[kind])]))
    return shown


def _tools(affiliations: list[people.Place], rights: Rights) -> list[Tool]:
    """Return what a person's roles may open here, each once."""
    tools = []
    kinds = [kind for kind, _institution in rights]
    if RightKind.USER_ADMINISTRATOR in kinds or any(Role.LAERER in one.roles for one in affiliations):
        help = _("Giv elever en ny adgangskode. De har fem minutter til at skrive deres brugernavn.")
        tools.append(Tool(site().elevadgang, help, url_for("elevadgang.start")))
    if world().mitid is not None and Category.CONTACT in [one.category for one in affiliations]:
        # Who the children are is told there, to whom MitID proves: a password alone is no proof of it (S-33).
        title = _("Få dit barns brugernavn, eller giv en ny adgangskode")
        tools.append(Tool(title, _("Du skal bruge dit MitID."), url_for("recovery.username")))
    if RightKind.SUPPORTER in kinds:
        help = _("Se, om alt kører, og hvad der har været af problemer.")
        tools.append(Tool(_("Driftsstatus"), help, url_for("status.now", lang=language())))
    found = [_HELP[kind] for kind in kinds]
    for one in affiliations:
        is_teacher = Role.LAERER in one.roles
        found.append(_HELP[Role.LAERER if is_teacher else one.category])
    return tools + [
        Tool(_(title), "", url_for("support.audience", lang=language(), audience=audience))
        for audience, title in dict.fromkeys(found)
    ]


def _password(current: credentials.Current | None) -> ShownPassword | None:
    if current is None:
        return None
    return ShownPassword(
        "pictures" if current.password_type is PasswordType.PICTURES else "words",
        moment_text(current.set_at),
        _(BY[current.authorisation]),
        date_text(current.expires_at) if current.expires_at else None,
    )


def _notice(current: credentials.Current | None) -> str | None:
    """Tell of a change of password at the next login after it (S-26)."""
    if current is None or not current.is_news:
        return None
    return _(
        "Din adgangskode blev skiftet %(when)s %(by)s.",
        when=moment_text(current.set_at),
        by=_(BY[current.authorisation]),
    )


def _events(living: Login, found: list[Recorded]) -> list[ShownEvent]:
    others = {e.actor_id for e in found if e.actor_id and e.actor_id != living.user_id}
    names = people.names_of(db(), others | {e.details["child"] for e in found if "child" in e.details})
    return [ShownEvent(moment_text(e.at), _what(e, names), _by(living, e, names)) for e in found]


def _what(event: Recorded, names: dict[int, str]) -> str:
    text = WHAT[Event[event.event]]
    if "child" not in event.details:
        return _(text)
    return _(text, name=names.get(event.actor_id, "?"), child=names.get(event.details["child"], "?"))


def _by(living: Login, event: Recorded, names: dict[int, str]) -> str:
    details: dict[str, Any] = event.details
    parts = []
    if event.actor_id and event.actor_id != living.user_id and "child" not in details:
        parts.append(_("af %(name)s", name=names.get(event.actor_id, "?")))
    elif "authorisation" in details:
        authorisation = Authorisation[details["authorisation"]]
        parts.append(_(BY[authorisation]))
    elif event.event in BY_WHOM and event.actor_id:
        parts.append(_(BY[Authorisation.OWNER]))
    if details.get("device"):
        parts.append(str(details["device"]))
    return ", ".join(parts)


def _overview_example() -> dict[str, Any]:
    at = now().at
    here, there = "Chrome, Windows", "Safari, iPad"
    return {
        "notice": None,
        "person": Person("Anna", EXAMPLE, "1234567890"),
        "tools": [],
        "places": [Place(_("Eksempelskolen"), "", "5.A", [_("Elev")])],
        "password": ShownPassword("words", moment_text(at), _(BY[Authorisation.OWNER]), None),
        "sessions": [
            ShownSession(1, here, moment_text(at), moment_text(at), is_current=True),
            ShownSession(2, there, moment_text(at), moment_text(at), is_current=False),
        ],
        "events": [ShownEvent(moment_text(at), _(WHAT[Event.LOGGED_IN]), here)],
    }


STILLS: Screens = {
    "mine/overview.html": Screen({"": _overview_example}, is_open=True),
    "mine/logged_out.html": Screen({"": dict}),
}
