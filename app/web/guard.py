"""Who may open a route. Every view names its guard; a test reads them all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Request, abort, current_app, g, request
from flask_login import LoginManager, UserMixin
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.db import instant
from app.domain import access, sessions
from app.domain.access import Action
from app.domain.sessions import Ended, Login
from app.web.browser import LOGIN, drop_cookie, read_cookie
from app.web.page import leave, login_address
from app.web.telling import News, tell_next
from app.web.transaction import READING, at_the_end, config, db, keys, now, world

View = TypeVar("View", bound=Callable[..., Any])

OUT = {
    Ended.PASSWORD_CHANGED: News.OUT_CHANGED,
    Ended.ELSEWHERE: News.OUT_ELSEWHERE,
    Ended.IDLE: News.OUT_IDLE,
}


class LoggedIn(UserMixin):  # type: ignore[misc]
    """The current user as flask-login and the templates see one: the living session's owner."""

    def __init__(self, login: Login) -> None:
        """Take the session that was found."""
        self.login = login
        self.id = login.uni_id
        self.name = login.name


def init(app: Flask) -> None:
    """Let flask-login find the user by our own session table."""
    manager = LoginManager()
    # Sessions are rows (S-18); flask-login's own cookie and its fingerprint are not used.
    manager.session_protection = None
    manager.init_app(app)
    manager.request_loader(_shown_user)


def _shown_user(_request: Request) -> LoggedIn | None:
    """Return whom a page's menu greets; while the store is away the help pages greet nobody (S-05)."""
    try:
        login = current_login()
    except SQLAlchemyError:
        return None
    return LoggedIn(login) if login else None


def current_login() -> Login | None:
    """Return the living session of this request, found once; renews its stamp once a minute."""
    if "login" not in g:
        g.login = None
        token = read_cookie(LOGIN)
        if token:
            moment = now()
            g.login = sessions.find(db(), keys(), config(), token, moment)
            # A page that asks by itself is no sign that somebody is there (S-18).
            is_use = not g.get("is_poll", False)
            if g.login is not None and is_use and g.login.needs_stamp(moment.at):
                _stamp(g.login)
    login: Login | None = g.login
    return login


def still_lives(reading: Session) -> bool:
    """Whether the session of this request still lives, while an answer is made that is being sent."""
    token = read_cookie(LOGIN)
    if not token:
        return False
    # Not `now()`: it would open the request's own transaction again.
    return sessions.find(reading, keys(), config(), token, instant(world().clock)) is not None


def _stamp(login: Login) -> None:
    if request.method not in READING:
        # Held to the commit, so not before the flows that the request may take: sessions come after them.
        at_the_end(lambda: sessions.stamp(db(), login.id, now()))
        return
    _beside(lambda writing: sessions.stamp(writing, login.id, now()))


def _beside(act: Callable[[Session], object]) -> None:
    """Write in another transaction than the page's, which reads.

    Should the database be busy, it is left: the next request, or the jobs, will do it.
    """
    with suppress(DBAPIError), current_app.extensions["database"].writing() as writing:
        writing.connection()
        act(writing)
        writing.commit()


def public(view: View) -> View:
    """Mark a view that anybody may open."""
    view.guard = "public"  # type: ignore[attr-defined]
    return view


def requires(action: Action, *, is_poll: bool = False) -> Callable[[View], View]:
    """Let only those in who may do this; nobody at all is sent to the login and comes back."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Any:
            g.is_poll = is_poll
            login = current_login()
            if login is None:
                return to_login()
            if not access.is_allowed(action, login):
                abort(403)
            return view(*args, **values)

        guarded.guard = action  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def to_login() -> Response:
    """Lead to the login, which says why a session ended and comes back to the page that was asked for."""
    answer = leave(login_address(request.path if request.method in READING else None))
    token = read_cookie(LOGIN)
    if token:
        ended = sessions.why_ended(db(), keys(), config(), token, now())
        if ended is not None:
            tell_next(OUT[ended])
        else:
            _end_lost(token)
        drop_cookie(answer, LOGIN)
    return answer


def _end_lost(token: str) -> None:
    """End for good the session of who belongs nowhere, or it would live again with the place (S-18)."""
    user_id = sessions.find_lost(db(), keys(), token, now())
    if user_id is None:
        return
    if request.method not in READING:
        sessions.end_lost(db(), user_id, now())
        return
    _beside(lambda writing: sessions.end_lost(writing, user_id, now()))
