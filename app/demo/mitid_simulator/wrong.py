"""The wrong answers that the simulator gives on demand: each is wrong in one thing only."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from enum import StrEnum
from hmac import digest
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

Claims = dict[str, Any]
LEVEL = "https://data.gov.dk/concept/core/nsis/"
HOUR = 3600
ELSEWHERE = "https://mitid.invalid"
# A replacement number by its day, whose last digit is one too high for modulus 11.
UNSOUND_CPR = "6101804029"


class Wrong(StrEnum):
    """What is wrong with an answer; the first ten are those the tests of a client need."""

    LOA = "loa"
    AUTH_TIME = "auth_time"
    NONCE = "nonce"
    ISS = "iss"
    AUD = "aud"
    IDP = "idp"
    CPR = "cpr"
    ALG = "alg"
    STATE = "state"
    EXP = "exp"
    CPR_OTHER = "cpr_other"
    IDENTITY_TYPE = "identity_type"
    ALG_HS256 = "alg_hs256"
    KEY = "key"
    ISS_RESPONSE = "iss_response"
    SLOW = "slow"
    DOWN = "down"


# What the page says of each: in Danish, in English.
LABELS = {
    Wrong.LOA: ("sikringsniveauet er Lav", "the level of assurance is Low"),
    Wrong.AUTH_TIME: ("login skete for en time siden", "the login was an hour ago"),
    Wrong.NONCE: ("et andet engangstal (nonce)", "another nonce"),
    Wrong.ISS: ("en anden udsteder i svaret", "another issuer in the token"),
    Wrong.AUD: ("svaret er til en anden tjeneste", "the token is for another client"),
    Wrong.IDP: ("login skete et andet sted end hos MitID", "the login was not at MitID"),
    Wrong.CPR: ("et CPR-nummer, der ikke kan findes", "a CPR number that cannot exist"),
    Wrong.ALG: ("svaret har ingen underskrift", "the token is not signed"),
    Wrong.STATE: ("svaret hører til en anden forespørgsel", "another state in the redirect"),
    Wrong.EXP: ("svaret er udløbet", "the token has expired"),
    Wrong.CPR_OTHER: ("en anden persons CPR-nummer", "the CPR number of somebody else"),
    Wrong.IDENTITY_TYPE: (
        "et MitID Erhverv i stedet for et privat",
        "a professional identity, not a private one",
    ),
    Wrong.ALG_HS256: ("underskrevet med den offentlige nøgle", "signed with the public key as a secret"),
    Wrong.KEY: ("underskrevet med en ukendt nøgle", "signed with an unknown key"),
    Wrong.ISS_RESPONSE: ("en anden udsteder i adressen", "another issuer in the redirect"),
    Wrong.SLOW: ("svaret er længe om at komme", "the answer takes long"),
    Wrong.DOWN: ("MitID er nede", "MitID is down"),
}
SPOILS: dict[Wrong, Callable[[Claims], Claims]] = {
    Wrong.LOA: lambda claims: {"loa": LEVEL + "Low"},
    Wrong.AUTH_TIME: lambda claims: {"auth_time": claims["auth_time"] - HOUR},
    Wrong.NONCE: lambda claims: {"nonce": claims["nonce"][::-1] + "0"},
    Wrong.ISS: lambda claims: {"iss": ELSEWHERE},
    Wrong.AUD: lambda claims: {"aud": "another-client"},
    Wrong.IDP: lambda claims: {"idp": "nemid"},
    Wrong.EXP: lambda claims: {"exp": claims["iat"] - HOUR},
    Wrong.IDENTITY_TYPE: lambda claims: {"identity_type": "professional"},
}


def spoil(claims: Claims, wrong: Wrong | None) -> Claims:
    """Return the claims of an ID token with the one changed that is to be wrong, if it is among them."""
    change = SPOILS.get(wrong) if wrong else None
    return claims | change(claims) if change else claims


def signed(claims: Claims, key: RSAKey, unknown: RSAKey, wrong: Wrong | None) -> str:
    """Return an ID token of these claims, signed RS256 by `key` unless the signature is to be wrong."""
    if wrong is Wrong.ALG:
        return _by_hand({"typ": "JWT", "alg": "none"}, claims, b"")
    if wrong is Wrong.ALG_HS256:
        header = {"typ": "JWT", "alg": "HS256", "kid": key.kid}
        return _by_hand(header, claims, key.as_pem(private=False))
    signer = unknown if wrong is Wrong.KEY else key
    return jwt.encode({"typ": "JWT", "alg": "RS256", "kid": signer.kid}, claims, signer, ["RS256"])


def _by_hand(header: Claims, claims: Claims, secret: bytes) -> str:
    """Return a token that no library makes: without a signature, or with one under a secret that is none."""
    text = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{_encoded(digest(secret, text.encode(), 'sha256')) if secret else ''}"


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
