"""A small OpenID provider for tests, with the shapes of the real brokers; any answer can be made wrong."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from joserfc import jwk, jws, jwt
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from app.config import BrokerName, MitIdSettings
from app.protocols.mitid import Broker, for_settings
from app.world import Trip

NSIS = "https://data.gov.dk/concept/core/nsis/"
RETURN = "https://unilogin.example/mitid/retur"
CODE, ACCESS_TOKEN, SECRET = "kode-som-ingen-maa-se", "adgang-som-ingen-maa-se", "hemmelig+/=noegle"
CPR = "0101019995"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TRIP = Trip(state="s" * 43, nonce="n" * 43, code_verifier="v" * 43, begun_at=NOW - timedelta(minutes=2))
SEEN_AT = NOW - timedelta(seconds=30)

# What each broker tells of the same person, as its public documentation and recordings show it.
SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "netseidbroker": (
        {
            "sub": "8f14e45f-ceea-467f-a0e6-91a5e8f3a1b2",
            "auth_time": int(SEEN_AT.timestamp()),
            "amr": ["code_app"],
            "idp": "mitid",
            "acr": NSIS + "Substantial",
            "loa": NSIS + "Substantial",
            "ial": NSIS + "Substantial",
            "aal": NSIS + "Substantial",
            "identity_type": "private",
            "session_expiry": "1795348800",
        },
        {
            "sub": "8f14e45f-ceea-467f-a0e6-91a5e8f3a1b2",
            "idp": "mitid",
            "loa": NSIS + "Substantial",
            "mitid.uuid": "32014f0c-6986-485e-af66-453ccece65ff",
            "mitid.age": "40",
            "mitid.date_of_birth": "2001-01-01",
            "mitid.has_cpr": "true",
            "mitid.identity_name": "Dan  Dalgaard",
            "dk.cpr": CPR,
        },
    ),
    "idura": (
        {
            "sub": "{8f14e45f-ceea-467f-a0e6-91a5e8f3a1b2}",
            "identityscheme": "dkmitid",
            "authenticationtype": "urn:grn:authn:dk:mitid:substantial",
            "authenticationmethod": "app:1795348770000:SUBSTANTIAL:SUBSTANTIAL:HIGH:HIGH",
            "authenticationinstant": SEEN_AT.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "loA": "SUBSTANTIAL",
            "ial": "SUBSTANTIAL",
            "aal": "SUBSTANTIAL",
            "fal": "HIGH",
            "uuid": "32014f0c-6986-485e-af66-453ccece65ff",
            "cprNumberIdentifier": CPR,
            "birthdate": "2001-01-01",
            "age": "25",
            "name": "Dan Dalgaard",
            "country": "DK",
        },
        {},
    ),
    "signicat": (
        {
            "sub": "raa2gRXppmWAK01yx6TDB4OExDK0oBQRjL-qR3MCx1E=",
            "auth_time": int(SEEN_AT.timestamp()),
            "amr": ["external"],
            "idp": "mitid",
        },
        {
            "sub": "raa2gRXppmWAK01yx6TDB4OExDK0oBQRjL-qR3MCx1E=",
            "idp_id": "32014f0c-6986-485e-af66-453ccece65ff",
            "idp_issuer": "MitID",
            "name": "Dan Dalgaard",
            "given_name": "Dan",
            "family_name": "Dalgaard",
            "birthdate": "2001-01-01",
            "nin": CPR,
            "nin_type": "PERSON",
            "nin_issuing_country": "DK",
            "mitid_has_cpr": "true",
            "mitid_cpr_source": "user",
            "mitid_ial": "SUBSTANTIAL",
            "mitid_loa": "SUBSTANTIAL",
            "mitid_aal": "SUBSTANTIAL",
            "mitid_fal": "HIGH",
        },
    ),
}

Answer = tuple[int, dict[str, str], bytes]


@cache
def rsa_key(kid: str) -> jwk.RSAKey:
    """Return a key that is made once for all tests."""
    return jwk.RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@cache
def ec_key(kid: str) -> jwk.ECKey:
    """Return a key that is made once for all tests."""
    return jwk.ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


def broker(name: str = "netseidbroker", issuer: str = "https://broker.example/op") -> Broker:
    """Return the preset of a broker at an issuer."""
    found = for_settings(MitIdSettings(BrokerName(name), issuer, "unilogin-test", SECRET))
    assert found is not None
    return found


class Provider:
    """The endpoints of a broker; what it says stands in public attributes that a test changes."""

    def __init__(self, broker: Broker, shape: str = "netseidbroker") -> None:
        """Begin as a sound provider with one key."""
        self.broker = broker
        claims, userinfo = SHAPES[shape]
        self.claims: dict[str, Any] = claims | {
            "iss": broker.issuer,
            "aud": broker.client_id,
            "nonce": TRIP.nonce,
            "iat": int(NOW.timestamp()),
            "nbf": int(NOW.timestamp()),
            "exp": int(NOW.timestamp()) + 300,
        }
        self.userinfo = dict(userinfo)
        self.key: jwk.RSAKey | jwk.ECKey = rsa_key("a")
        self.published: list[jwk.RSAKey | jwk.ECKey] = [self.key]
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "a"}
        self.metadata: dict[str, Any] = self.whole_metadata()
        self.sign: Callable[[], str] = self.signed
        self.token_error: tuple[int, str] | None = None
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.heads: list[dict[str, str]] = []

    def whole_metadata(self) -> dict[str, Any]:
        """Return what is published at first."""
        base = self.broker.issuer.rstrip("/")
        return {
            "issuer": self.broker.issuer,
            "authorization_endpoint": f"{base}/connect/authorize",
            "token_endpoint": f"{base}/connect/token",
            "userinfo_endpoint": f"{base}/connect/userinfo",
            "jwks_uri": f"{base}/jwks",
            "code_challenge_methods_supported": ["plain", "S256"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": [*self.broker.scopes],
        }

    def signed(self) -> str:
        """Return the ID token."""
        registry = jws.JWSRegistry(algorithms=["RS256", "PS256", "ES256", "RS384"], strict_check_header=False)
        return jwt.encode(self.header, self.claims, self.key, registry=registry)

    def count(self, what: str) -> int:
        """Return how often an endpoint was asked."""
        return sum(path.endswith(what) for path in self.asked)

    def answer(self, path: str, head: dict[str, str], body: str) -> Answer:
        """Return what an endpoint says."""
        self.asked.append(path)
        self.heads.append(head)
        for end, said in self.answers.items():
            if path.endswith(end):
                return said
        if path.endswith("/.well-known/openid-configuration"):
            return _json(self.metadata)
        if path.endswith("/jwks"):
            return _json({"keys": [key.as_dict(private=False) for key in self.published]})
        if path.endswith("/connect/userinfo"):
            assert head["authorization"] == f"Bearer {ACCESS_TOKEN}"
            return _json(self.userinfo)
        assert path.endswith("/connect/token"), path
        return self._token(head, {name: values[0] for name, values in parse_qs(body).items()})

    def _token(self, head: dict[str, str], form: dict[str, str]) -> Answer:
        self.forms.append(form)
        if self.token_error is not None:
            return _json({"error": self.token_error[1]}, self.token_error[0])
        if not self._knows(head, form):
            return _json({"error": "invalid_client"}, 401)
        if form["code"] != CODE or s256(form["code_verifier"]) != s256(TRIP.code_verifier):
            return _json({"error": "invalid_grant"}, 400)
        assert form["redirect_uri"].endswith("/mitid/retur")
        return _json(
            {"access_token": ACCESS_TOKEN, "id_token": self.sign(), "token_type": "Bearer", "expires_in": 300}
        )

    def _knows(self, head: dict[str, str], form: dict[str, str]) -> bool:
        if "authorization" in head:
            # Both parts are encoded, so that this is what a provider finds in them (RFC 6749, 2.3.1).
            pair = base64.b64decode(head["authorization"].removeprefix("Basic ")).decode()
            fields = parse_qs("id={}&secret={}".format(*pair.split(":")))
            return (fields["id"][0], fields["secret"][0]) == (self.broker.client_id, SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (self.broker.client_id, SECRET)


def s256(verifier: str) -> str:
    """Return the challenge of a verifier, worked out anew (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _json(document: object, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()


class Wire(BaseAdapter):
    """Carries a client's requests to a provider without a network."""

    def __init__(self, provider: Provider) -> None:
        """Take whom to ask."""
        super().__init__()
        self.provider = provider

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        """Return what the provider says."""
        assert options["stream"] is True
        assert options["verify"]
        assert 0 < options["timeout"] <= 5
        head = {name.lower(): value for name, value in request.headers.items()}
        body = request.body.decode() if isinstance(request.body, bytes) else (request.body or "")
        status, headers, said = self.provider.answer(urlsplit(str(request.url)).path, head, str(body))
        answer = requests.Response()
        answer.status_code = status
        answer.headers.update(headers)
        answer.url, answer.request = str(request.url), request
        answer.raw = HTTPResponse(io.BytesIO(said), headers, status, preload_content=False)
        return answer

    def close(self) -> None:
        """Close nothing."""


@contextmanager
def on_loopback(provider: Provider) -> Iterator[Provider]:
    """Serve a provider on a port of this machine; its issuer becomes that address."""

    class Desk(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply("")

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _reply(self, body: str) -> None:
            head = {name.lower(): value for name, value in self.headers.items()}
            status, headers, said = provider.answer(urlsplit(self.path).path, head, body)
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(said))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    provider.broker = replace(provider.broker, issuer=f"http://127.0.0.1:{server.server_port}")
    provider.metadata = provider.whole_metadata()
    provider.claims["iss"] = provider.broker.issuer
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
