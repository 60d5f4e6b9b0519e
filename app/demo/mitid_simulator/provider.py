"""The OpenID provider behind the simulator's pages, on Authlib: codes, tokens and what they say."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hmac import compare_digest
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.util import create_half_hash
from flask import Flask
from joserfc.jwk import KeyParameters, RSAKey

from app.demo.mitid_simulator.identities import TestIdentity
from app.demo.mitid_simulator.wrong import LEVEL, UNSOUND_CPR, Claims, Wrong, signed, spoil

CODE_SECONDS = 60
ACCESS_TOKEN_SECONDS = 300
ID_TOKEN_SECONDS = 300
SCOPES = ("openid", "mitid", "ssn")
SIGNING: KeyParameters = {"use": "sig", "alg": "RS256"}
KEY_BITS = 2048


@dataclass(frozen=True, slots=True)
class Client:
    """The one site that may ask (RFC 6749 section 2)."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str

    def get_client_id(self) -> str:
        """Return its name."""
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """Return none: OpenID Connect Core 3.1.2.1 requires the address in the request."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return those of the scopes asked for that there are; None where `openid` is missing."""
        asked = (scope or "").split()
        return " ".join(word for word in SCOPES if word in asked) if "openid" in asked else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether this is the address registered, character by character (RFC 9700 section 2.1)."""
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, secret: str) -> bool:
        """Whether this is the secret."""
        return compare_digest(secret.encode(), self.secret.encode())

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Whether the client may show who it is in this way."""
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        """Whether this is the code flow."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether this is the code flow; there are no refresh tokens."""
        return grant_type == "authorization_code"


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose on the page: whom to be, and what to answer wrongly."""

    identity: TestIdentity
    wrong: Wrong | None


@dataclass(slots=True)
class Visit:
    """One login at the simulator: first it stands under its code, then under its access token."""

    choice: Choice
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    auth_time: int
    expires_at: float
    now: Callable[[], float]
    access_token: str | None = None  # empty from the moment the code is taken

    def get_redirect_uri(self) -> str:
        """Return where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return what the client may know."""
        return self.scope

    def is_expired(self) -> bool:
        """Whether the code's or the token's time is up."""
        return self.now() >= self.expires_at

    def is_revoked(self) -> bool:
        """Whether it was taken back; then it is not found at all."""
        return False


def new_key() -> RSAKey:
    """Return a key to sign with; to make one takes a quarter of a second."""
    return RSAKey.generate_key(KEY_BITS, SIGNING, auto_kid=True)


class Provider:
    """The simulator without its pages: codes and tokens in memory, and a key made at the start."""

    def __init__(
        self,
        issuer: str,
        client: Client,
        identities: Sequence[TestIdentity],
        clock: Callable[[], datetime],
        key: RSAKey | None = None,
    ) -> None:
        """Take its address, its one client, whom it knows, what tells the time, and what it signs with."""
        self.issuer, self.client, self.identities, self._clock = issuer, client, identities, clock
        self._key = key or new_key()
        self._lock = threading.Lock()
        self._codes: dict[str, Visit] = {}
        self._tokens: dict[str, Visit] = {}

    @cached_property
    def _unknown_key(self) -> RSAKey:
        """A key that is not published."""
        return new_key()

    def serve(self, app: Flask) -> tuple[AuthorizationServer, ResourceProtector]:
        """Return the endpoints of this provider on Authlib, for the pages of `app`."""
        app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"authorization_code": ACCESS_TOKEN_SECONDS}
        server = AuthorizationServer(app, query_client=self.find_client, save_token=self.save_token)
        server.provider = self
        server.register_grant(_CodeGrant, [_CodeChallenge(), _OpenId(self)])
        protector = ResourceProtector()
        protector.register_token_validator(_TokenValidator(self))
        return server, protector

    @property
    def issuer_parameter(self) -> IssuerParameter:
        """What adds the issuer to a redirect back (RFC 9207)."""
        return _Issuer(self.issuer)

    def find_client(self, client_id: str) -> Client | None:
        """Return the client of this name, if it is the one there is."""
        return self.client if client_id == self.client.client_id else None

    def find_identity(self, mitid_uuid: str | None) -> TestIdentity | None:
        """Return whom this id at MitID belongs to."""
        return next((one for one in self.identities if one.uuid == mitid_uuid), None)

    def certificates(self) -> dict[str, list[Any]]:
        """Return the public keys (RFC 7517 section 5); the unknown one is not among them."""
        return {"keys": [self._key.as_dict(private=False)]}

    def metadata(self) -> Claims:
        """Return what OpenID Connect Discovery 1.0 section 3 and RFC 9207 section 3 have a provider tell."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/certs",
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["login"],
            "ui_locales_supported": ["da", "en"],
            "claims_parameter_supported": False,
            "request_uri_parameter_supported": False,
            "authorization_response_iss_parameter_supported": True,
        }

    # Codes and tokens

    def now(self) -> float:
        """Return the present in seconds since 1970."""
        return self._clock().timestamp()

    def save_code(self, code: str, request: Any) -> None:
        """Keep a code with what was asked and chosen; whatever has run out is forgotten."""
        asked, now = request.payload.data, self.now()
        visit = Visit(
            choice=request.user,
            redirect_uri=asked["redirect_uri"],
            scope=request.scope,
            nonce=asked["nonce"],
            code_challenge=asked["code_challenge"],
            code_challenge_method=asked["code_challenge_method"],
            auth_time=int(now),
            expires_at=now + CODE_SECONDS,
            now=self.now,
        )
        with self._lock:
            for kept in (self._codes, self._tokens):
                for word in [word for word, old in kept.items() if old.is_expired()]:
                    del kept[word]
            self._codes[code] = visit

    def take_code(self, code: str) -> Visit | None:
        """Return what stands under a code, once; a second try takes the token back (RFC 6749 4.1.2)."""
        with self._lock:
            visit = self._codes.get(code)
            if visit is None:
                return None
            if visit.access_token is not None:
                self._tokens.pop(visit.access_token, None)
                return None
            visit.access_token = ""
            return None if visit.is_expired() else visit

    def find_wrong(self, code: str | None) -> Wrong | None:
        """Return what is to be wrong with the answer to a code."""
        with self._lock:
            visit = self._codes.get(code or "")
            return visit.choice.wrong if visit else None

    def save_token(self, token: Claims, request: Any) -> None:
        """Keep an access token with the login that it tells of."""
        visit: Visit = request.authorization_code
        with self._lock:
            visit.access_token = token["access_token"]
            visit.expires_at = self.now() + ACCESS_TOKEN_SECONDS
            self._tokens[token["access_token"]] = visit

    def find_token(self, access_token: str) -> Visit | None:
        """Return what an access token stands for."""
        with self._lock:
            return self._tokens.get(access_token)

    # What they say

    def id_token(self, visit: Visit, access_token: str) -> str:
        """Return the ID token of a login (OpenID Connect Core 3.1.3.6), wrong in what was chosen."""
        now, level = int(self.now()), LEVEL + "Substantial"
        claims = {
            "iss": self.issuer,
            "nbf": now,
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
            "aud": self.client.client_id,
            "amr": ["code_app"],
            "nonce": visit.nonce,
            "at_hash": create_half_hash(access_token, "RS256").decode(),
            "sub": self._subject(visit),
            "auth_time": visit.auth_time,
            "idp": "mitid",
            "loa": level,
            "ial": level,
            "aal": level,
            "identity_type": "private",
        }
        wrong = visit.choice.wrong
        return signed(spoil(claims, wrong), self._key, self._unknown_key, wrong)

    def userinfo(self, visit: Visit) -> Claims:
        """Return what the scopes let the client know, every value as text, as the reference broker has it."""
        identity, scopes = visit.choice.identity, visit.scope.split()
        claims = {"idp": "mitid", "identity_type": "private"}
        if "mitid" in scopes:
            claims |= {
                "mitid.uuid": identity.uuid,
                "mitid.age": str(identity.age(self._clock().date())),
                "mitid.date_of_birth": identity.born_on,
                "mitid.has_cpr": "true" if identity.cpr else "false",
                "mitid.identity_name": identity.name,
            }
        if "ssn" in scopes and identity.cpr:
            claims["dk.cpr"] = self._cpr(identity, visit.choice.wrong)
        return claims | {"sub": self._subject(visit)}

    def _cpr(self, identity: TestIdentity, wrong: Wrong | None) -> str:
        if wrong is Wrong.CPR:
            return UNSOUND_CPR
        numbers = [one.cpr for one in self.identities if one.cpr]
        place = numbers.index(identity.cpr or "")
        return numbers[(place + 1) % len(numbers)] if wrong is Wrong.CPR_OTHER else numbers[place]

    def _subject(self, visit: Visit) -> str:
        return str(uuid.uuid5(uuid.UUID(visit.choice.identity.uuid), self.client.client_id))


class _CodeGrant(AuthorizationCodeGrant):
    """The code flow over the provider's memory (RFC 6749 section 4.1)."""

    def save_authorization_code(self, code: str, request: Any) -> None:
        self.server.provider.save_code(code, request)

    def query_authorization_code(self, code: str, _client: Client) -> Visit | None:
        visit: Visit | None = self.server.provider.take_code(code)
        return visit

    def delete_authorization_code(self, visit: Visit) -> None:
        """Keep it: it was taken when it was found, and a second try must be known."""

    def authenticate_user(self, visit: Visit) -> Choice:
        return visit.choice


class _CodeChallenge(CodeChallenge):
    """PKCE, which nobody may leave out, by S256 alone (RFC 7636; RFC 9700 section 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        for name in ("code_challenge", "code_challenge_method"):
            if not grant.request.payload.data.get(name):
                raise InvalidRequestError(f"Missing '{name}'")
        super().validate_code_challenge(grant, redirect_uri)


class _OpenId(OpenIDCode):
    """The ID token beside the access token (OpenID Connect Core 3.1.3.3)."""

    def __init__(self, provider: Provider) -> None:
        super().__init__(require_nonce=True)
        self._provider = provider

    def exists_nonce(self, _nonce: str, _request: Any) -> bool:
        """Whether a nonce was used: asking twice for one page is no harm, the client keeps count."""
        return False

    def encode_id_token(self, token: Claims, request: Any) -> str:
        return self._provider.id_token(request.authorization_code, token["access_token"])


class _Issuer(IssuerParameter):
    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer


class _TokenValidator(BearerTokenValidator):
    """Bearer tokens out of the provider's memory (RFC 6750)."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider

    def authenticate_token(self, token_string: str) -> Visit | None:
        return self._provider.find_token(token_string)
