"""The simulator as a WSGI app: discovery, the page to pick an identity from, and the token endpoints."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Flask, Response, render_template, request
from jinja2 import StrictUndefined
from joserfc.jwk import RSAKey
from werkzeug.exceptions import HTTPException

from app.demo.mitid_simulator.identities import TestIdentity
from app.demo.mitid_simulator.provider import Choice, Client, Provider
from app.demo.mitid_simulator.wrong import ELSEWHERE, LABELS, Wrong

CLIENT_ID, CLIENT_SECRET = "unilogin", "demo"
LANGUAGES = ("da", "en")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Longer than a client should wait (S-34).
SLOW_SECONDS = 8.0
# What the two ways out answer (RFC 6749 section 4.1.2.1; OpenID Connect Core 3.1.2.6).
CANCELLED, TIMED_OUT = "access_denied", "login_required"


def make_app(
    issuer: str,
    redirect_uri: str,
    identities: Sequence[TestIdentity],
    clock: Callable[[], datetime],
    *,
    client_id: str = CLIENT_ID,
    client_secret: str = CLIENT_SECRET,
    slow_seconds: float = SLOW_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    key: RSAKey | None = None,
) -> Flask:
    """Return the simulator for one client: its address, where it may send people back, whom it knows.

    It signs with `key`, or with one that it makes.
    """
    app = Flask(__name__)
    app.jinja_env.undefined = StrictUndefined
    provider = Provider(issuer, Client(client_id, client_secret, redirect_uri), identities, clock, key)
    pages = _Pages(app, provider, functools.partial(sleep, slow_seconds))
    app.add_url_rule("/.well-known/openid-configuration", view_func=provider.metadata, endpoint="metadata")
    app.add_url_rule("/certs", view_func=provider.certificates, endpoint="certs")
    app.add_url_rule("/", view_func=pages.front, endpoint="front")
    app.add_url_rule("/authorize", view_func=pages.authorize, endpoint="authorize")
    app.add_url_rule("/authorize", view_func=pages.decide, endpoint="decide", methods=["POST"])
    app.add_url_rule("/token", view_func=pages.token, endpoint="token", methods=["POST"])
    app.add_url_rule("/userinfo", view_func=pages.userinfo, endpoint="userinfo", methods=["GET", "POST"])
    app.register_error_handler(HTTPException, _no_such_page)
    client = urlsplit(redirect_uri)
    # The redirect back follows a form, so the one site it goes to is named (S-61).
    policy = f"{CONTENT_SECURITY_POLICY}; form-action 'self' {client.scheme}://{client.netloc}"

    @app.after_request
    def complete(answer: Response) -> Response:
        answer.headers.update(ALWAYS)
        answer.headers["Content-Security-Policy"] = policy
        return answer

    return app


class _Pages:
    """What each address answers."""

    def __init__(self, app: Flask, provider: Provider, be_slow: Callable[[], None]) -> None:
        """Take the app to serve in, what knows codes and tokens, and what makes an answer take long."""
        self._provider, self._be_slow = provider, be_slow
        self._server, self._protector = provider.serve(app)

    def front(self) -> str:
        """Say what this is, and whom there is to be."""
        return render_template("page.html", **self._shown(), is_asked=False)

    def authorize(self) -> str | Response:
        """Show whom there is to be, once the request is sound (OpenID Connect Core 3.1.2.2)."""
        try:
            grant = self._server.get_consent_grant()
            _check_broker_parameters(grant.redirect_uri)
        except OAuth2Error as error:
            return self._refused(error)
        return render_template("page.html", **self._shown(), is_asked=True)

    def decide(self) -> Response:
        """Go back to the client: as the one that was pressed, or without anybody (3.1.2.5, 3.1.2.6)."""
        try:
            grant = self._server.get_consent_grant()
        except OAuth2Error as error:
            return self._refused(error)
        word = request.form.get("wrong", "")
        wrong = Wrong(word) if word in set(Wrong) else None
        identity = self._provider.find_identity(request.form.get("identity"))
        if identity is None:
            is_late = request.form.get("stop") == TIMED_OUT
            stopped = OAuth2Error(
                error=TIMED_OUT if is_late else CANCELLED,
                redirect_uri=grant.redirect_uri,
                state=grant.request.payload.state,
            )
            return self._refused(stopped, wrong)
        chosen = Choice(identity, wrong)
        return self._sent_back(
            self._server.create_authorization_response(grant_user=chosen, grant=grant), wrong
        )

    def token(self) -> Response:
        """Answer a code with tokens (3.1.3), late or not at all if that is what was chosen."""
        wrong = self._provider.find_wrong(request.form.get("code"))
        if wrong is Wrong.DOWN:
            return Response("", 503)
        if wrong is Wrong.SLOW:
            self._be_slow()
        answer: Response = self._server.create_token_response()
        return answer

    def userinfo(self) -> dict[str, Any] | Response:
        """Tell of the person whom an access token stands for (5.3)."""
        try:
            visit = self._protector.acquire_token("openid")
        except OAuth2Error as error:
            refusal: Response = self._server.handle_error_response(None, error)
            return refusal
        return self._provider.userinfo(visit)

    def _refused(self, error: OAuth2Error, wrong: Wrong | None = None) -> Response:
        """Return what becomes of a request that is wrong, or of somebody who went away.

        The client is told by a redirect; without a safe address to go to it is a page (RFC 6749
        section 4.1.2.1).
        """
        if error.redirect_uri:
            error.state = error.state or request.args.get("state")
            return self._sent_back(self._server.handle_error_response(None, error), wrong)
        page = render_template("error.html", lang=_language(), reason=error.description or error.error)
        return Response(page, 400)

    def _sent_back(self, answer: Response, wrong: Wrong | None) -> Response:
        """Return a redirect as a 303 with the issuer (RFC 9700 4.12, RFC 9207), or what is wrong."""
        if answer.location is None:
            return answer
        self._provider.issuer_parameter.add_issuer_parameter(self._server, answer)
        answer.status_code = 303
        if wrong is Wrong.STATE:
            answer.location = _changed(answer.location, "state", "somebody-elses")
        if wrong is Wrong.ISS_RESPONSE:
            answer.location = _changed(answer.location, "iss", ELSEWHERE)
        return answer

    def _shown(self) -> dict[str, Any]:
        """Return what the page needs, in the language asked for."""
        language = _language()
        place = LANGUAGES.index(language)
        return {
            "lang": language,
            "identities": self._provider.identities,
            "wrongs": [(wrong.value, labels[place]) for wrong, labels in LABELS.items()],
            "cancelled": CANCELLED,
            "timed_out": TIMED_OUT,
        }


def _check_broker_parameters(redirect_uri: str) -> None:
    """Check what the reference broker takes beyond the standard: `idp_values` and `idp_params`.

    Raises:
        InvalidRequestError: another eID was asked for, or the parameters are no JSON object.

    """
    if request.args.get("idp_values", "mitid") != "mitid":
        raise InvalidRequestError("No 'idp_values' but 'mitid' are known", redirect_uri=redirect_uri)
    try:
        is_object = isinstance(json.loads(request.args.get("idp_params", "{}")), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise InvalidRequestError("'idp_params' is not a JSON object", redirect_uri=redirect_uri)


def _no_such_page(error: HTTPException) -> tuple[str, int]:
    """Draw the framework's own refusals too as what this is: a test."""
    code = error.code or 500
    return render_template("error.html", lang=_language(), reason=f"{code} {error.name}"), code


def _language() -> str:
    """Return the language of the page: the first one asked for that there is."""
    asked = [word.partition("-")[0].lower() for word in request.args.get("ui_locales", "").split()]
    return next((word for word in asked if word in LANGUAGES), LANGUAGES[0])


def _changed(address: str, name: str, value: str) -> str:
    """Return an address with another value for one parameter."""
    parts = urlsplit(address)
    query = [(key, value if key == name else old) for key, old in parse_qsl(parts.query)]
    return urlunsplit(parts._replace(query=urlencode(query)))
