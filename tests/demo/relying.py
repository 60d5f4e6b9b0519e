"""A client of the simulator, written by hand from the standards: it knows nothing of our client."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask
from joserfc import jws, jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from app.demo.mitid_simulator.identities import TestIdentity
from tests.cast import Member

ISSUER = "http://127.0.0.1:8001"
RETURN = "http://127.0.0.1:8000/mitid/retur"
VERIFIER = "v" * 43
LEVEL = "https://data.gov.dk/concept/core/nsis/"


@dataclass
class RelyingParty:
    """One login at the simulator, a step at a time; a test may change what is sent in each."""

    app: Flask
    verifier: str = VERIFIER
    asked: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Ask as a sound client does."""
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        sound = {
            "response_type": "code",
            "client_id": "unilogin",
            "redirect_uri": RETURN,
            "scope": "openid mitid ssn",
            "state": "the-state",
            "nonce": "the-nonce",
            "prompt": "login",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "idp_values": "mitid",
            "idp_params": '{"mitid":{"loa_value":"substantial"}}',
        }
        self.asked = sound | self.asked
        self.client = self.app.test_client()

    @property
    def address(self) -> str:
        """Where the browser is sent."""
        return "/authorize?" + urlencode({name: value for name, value in self.asked.items() if value})

    def look(self) -> TestResponse:
        """Open the page."""
        return self.client.get(self.address, base_url=ISSUER)

    def press(self, **form: str) -> TestResponse:
        """Send the page's form with these fields, to the address that it names."""
        page = self.look()
        found = re.search(r'<form method="post" action="([^"]+)"', page.text)
        assert found is not None, page.text
        return self.client.post(found[1].replace("&amp;", "&"), data=form, base_url=ISSUER)

    def come_back(self, **form: str) -> dict[str, str]:
        """Press, and return what the redirect brings to the site."""
        return came_back(self.press(**form))

    def redeem(self, code: str, **changes: str) -> TestResponse:
        """Ask for tokens, with the secret in the head of the request."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": RETURN,
            "code_verifier": self.verifier,
        }
        secret = changes.pop("secret", "demo")
        basic = "Basic " + b64encode(f"unilogin:{secret}".encode()).decode()
        return self.client.post(
            "/token", data=form | changes, headers={"Authorization": basic}, base_url=ISSUER
        )

    def keys(self) -> KeySet:
        """Return the provider's keys."""
        return KeySet.import_key_set(self.client.get("/certs", base_url=ISSUER).json)

    def verified(self, id_token: str) -> dict[str, Any]:
        """Return the claims of a token that one of the provider's keys signed RS256."""
        return jwt.decode(id_token, self.keys(), algorithms=["RS256"]).claims

    def userinfo(self, access_token: str) -> TestResponse:
        """Ask who it was."""
        head = {"Authorization": f"Bearer {access_token}"}
        return self.client.get("/userinfo", headers=head, base_url=ISSUER)

    def log_in(self, **form: str) -> Answer:
        """Go all the way, believing everything."""
        back = self.come_back(**form)
        tokens = self.redeem(back["code"]).json
        assert tokens is not None
        told = self.userinfo(tokens["access_token"]).json
        return Answer(back, tokens["id_token"], told)


@dataclass(frozen=True)
class Answer:
    """All that a login brought."""

    back: dict[str, str]
    id_token: str
    userinfo: dict[str, str]

    @property
    def claims(self) -> dict[str, Any]:
        """What the ID token says, whoever signed it."""
        return jws_payload(self.id_token)

    @property
    def header(self) -> dict[str, Any]:
        """How the ID token says that it is signed."""
        return jws.extract_compact(self.id_token.encode()).headers()


def jws_payload(token: str) -> dict[str, Any]:
    """Return what is in a token, unverified."""
    payload: dict[str, Any] = json.loads(jws.extract_compact(token.encode()).payload)
    return payload


def came_back(answer: TestResponse) -> dict[str, str]:
    """Return the parameters of a redirect to the site."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == RETURN
    return dict(parse_qsl(parts.query))


def uuid_of(member: Member) -> str:
    """Return the id at MitID of one of the cast."""
    assert member.mitid is not None
    return member.mitid["uuid"]


def identity_of(identities: list[TestIdentity], member: Member) -> TestIdentity:
    """Return the identity of one of the cast."""
    return next(one for one in identities if one.uuid == uuid_of(member))
