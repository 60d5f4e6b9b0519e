"""Reading an ID token: who signed it, for whom, and whom it proves (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwk, jws, jwt
from joserfc.errors import ClaimError, JoseError

from app.protocols.mitid.brokers import Broker
from app.world import Identity, MitIdError, MitIdFault, Trip

TOLERANCE = timedelta(seconds=60)  # by how much clocks may differ
MOST_HEADER_BYTES = 8 * 1024  # some brokers send a chain of certificates along, which is not read
LEAST_RSA_BITS = 2048
MOST_NAME_LENGTH = 200
KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
UNREADABLE = (JoseError, ValueError, TypeError, RecursionError)
ID = re.compile(r"[!-~]{1,200}")
CPR = re.compile(r"[0-9]{10}")
SECONDS = re.compile(r"[0-9]{1,11}")

Key = jwk.RSAKey | jwk.ECKey
Keys = Mapping[str | None, Key]


def usable_keys(document: Mapping[str, Any]) -> Keys:
    """Return the keys of a key set that may sign for us, by their id (RFC 7517, 5)."""
    found: dict[str | None, Key] = {}
    entries = document.get("keys")
    for entry in entries if isinstance(entries, list) else []:
        try:
            if entry.get("use", "sig") == "sig" and "d" not in entry and _is_strong(entry):
                kind = jwk.RSAKey if entry["kty"] == "RSA" else jwk.ECKey
                found[entry.get("kid")] = kind.import_key(entry)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue  # a key of a kind we do not know is no reason to lose the others
    return found


def _is_strong(entry: dict[str, Any]) -> bool:
    if entry["kty"] == "RSA":
        modulus = urlsafe_b64decode(entry["n"] + "==")
        return int.from_bytes(modulus, "big").bit_length() >= LEAST_RSA_BITS
    return bool(entry["kty"] == "EC" and entry["crv"] == "P-256")


def read(
    token: str,
    broker: Broker,
    find_key: Callable[[str | None], Key],
    access_token: str,
    trip: Trip,
    now: datetime,
) -> dict[str, Any]:
    """Return the claims of an ID token that is the broker's own, for us, of this trip and of now.

    `find_key` is asked for the key with an id. Raises `MitIdError` (REFUSED) that names what is wrong.
    """
    registry = jws.JWSRegistry(algorithms=list(broker.algorithms), strict_check_header=False)
    registry.max_header_length = MOST_HEADER_BYTES
    try:
        header = jws.extract_compact(token.encode(), registry=registry).headers()
    except UNREADABLE:
        raise refused("token") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    # RFC 8725, 3.1: the list is ours, whatever the token says of itself.
    if algorithm not in broker.algorithms:
        raise refused("algorithm")
    if kid is not None and not isinstance(kid, str):
        raise refused("key")
    # Only the kid is heard; a key or the address of one inside the token (jwk, jku, x5u) is not.
    key = find_key(kid)
    if key.key_type != KEY_TYPES[algorithm]:
        raise refused("algorithm")
    try:
        claims = jwt.decode(token, key, algorithms=list(broker.algorithms), registry=registry).claims
    except UNREADABLE:
        raise refused("signature") from None
    _check_claims(claims, broker, trip, now)
    given = claims.get("at_hash")
    if given is not None and not is_same(given, _half_hash(access_token)):
        raise refused("at_hash")
    return claims


def _check_claims(claims: dict[str, Any], broker: Broker, trip: Trip, now: datetime) -> None:
    rules = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=int(TOLERANCE.total_seconds()),
        iss={"essential": True, "value": broker.issuer},
        sub={"essential": True},
        aud={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        rules.validate(claims)
    except ClaimError as error:
        raise refused(error.claim) from None
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if broker.client_id not in audiences:
        raise refused("aud")
    authorized = claims.get("azp")
    if authorized != broker.client_id and (authorized is not None or len(audiences) > 1):
        raise refused("azp")
    if not is_same(claims.get("nonce"), trip.nonce):
        raise refused("nonce")


def identity(claims: Mapping[str, Any], broker: Broker, trip: Trip, now: datetime) -> Identity:
    """Return whom the claims prove, if MitID proved a private person, well enough, on this very trip.

    Raises `MitIdError` (REFUSED) that names what is wrong, never its value.
    """
    names = broker.claims
    authenticated_at = _instant(claims.get(names.authenticated_at))
    if authenticated_at is None or not (trip.begun_at - TOLERANCE <= authenticated_at <= now + TOLERANCE):
        raise refused("auth_time")
    for claim, accepted, what in (
        (names.idp, broker.idps, "idp"),
        (names.identity_type, broker.identity_types, "identity type"),
        (names.level, broker.levels, "level"),
    ):
        if claim is not None and not _is_one_of(claims.get(claim), accepted):
            raise refused(what)
    if any(claims.get(claim) for claim in broker.business_claims):
        raise refused("identity type")
    mitid_uuid = claims.get(names.mitid_uuid)
    if not (isinstance(mitid_uuid, str) and ID.fullmatch(mitid_uuid)):
        raise refused("uuid")
    cpr = claims.get(names.cpr) if names.cpr else None
    if cpr is not None and not (isinstance(cpr, str) and CPR.fullmatch(cpr)):
        raise refused("cpr")
    return Identity(mitid_uuid, cpr, _name(claims.get(names.name)), authenticated_at)


def is_same(given: object, wanted: str) -> bool:
    """Whether what came is a text that equals a secret of ours, in a time that tells nothing."""
    if not isinstance(given, str) or not wanted:
        return False
    return hmac.compare_digest(given.encode(errors="surrogatepass"), wanted.encode())


def refused(reason: str) -> MitIdError:
    """Return the error for an answer that must not be trusted."""
    return MitIdError(MitIdFault.REFUSED, reason)


def _is_one_of(value: object, accepted: frozenset[str]) -> bool:
    return isinstance(value, str) and value in accepted


def _name(value: object) -> str:
    """Return a name on one line; a protected one is none at all with some brokers."""
    if not isinstance(value, str):
        return ""
    printable = "".join(c if c.isprintable() else " " for c in value)
    return " ".join(printable.split())[:MOST_NAME_LENGTH]


def _instant(value: object) -> datetime | None:
    """Read when somebody logged in: seconds, as a number or in a text, or ISO 8601 with its zone."""
    if isinstance(value, str) and SECONDS.fullmatch(value):
        value = int(value)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None


def _half_hash(access_token: str) -> str:
    """Return the half hash of a token under an algorithm of 256 bits (OpenID Connect Core 1.0, 3.1.3.6)."""
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return urlsafe_b64encode(half).rstrip(b"=").decode()
