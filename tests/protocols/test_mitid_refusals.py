"""Every answer that must not be trusted, and what is said of it: a word, never a value (S-30, S-72)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwk, jws, jwt

from app.protocols.mitid import Client
from app.world import MitIdError, MitIdFault
from tests.protocols.conftest import Ticks
from tests.protocols.provider import (
    ACCESS_TOKEN,
    CODE,
    CPR,
    NOW,
    NSIS,
    RETURN,
    SECRET,
    TRIP,
    Provider,
    Wire,
    broker,
    ec_key,
    rsa_key,
)
from tests.protocols.test_mitid import ANSWER

Spoil = Callable[[Provider], object]
PRESENT, BEGUN = int(NOW.timestamp()), int(TRIP.begun_at.timestamp())


def fault(client: Client, answer: dict[str, str] = ANSWER) -> tuple[MitIdFault, str]:
    """Return why a trip proved nobody, after looking that no secret is in it."""
    with pytest.raises(MitIdError) as caught:
        client.redeem(answer, TRIP, NOW)
    error = caught.value
    chain = [error, error.__cause__] + ([] if error.__suppress_context__ else [error.__context__])
    told = " ".join(f"{link!s} {link!r}" for link in chain)
    assert not [word for word in (CODE, ACCESS_TOKEN, SECRET, CPR, TRIP.nonce, "eyJ") if word in told]
    return error.fault, error.reason


def refusal(client: Client, answer: dict[str, str] = ANSWER) -> str:
    """Return what is said of an answer that is refused."""
    found, reason = fault(client, answer)
    assert found is MitIdFault.REFUSED
    return reason


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://broker.example"}, "iss"),
        ({"iss": ["https://broker.example/op"]}, "iss"),
        ({"iss": None}, "iss"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"aud": "another"}, "aud"),
        ({"aud": ["another"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": {"unilogin-test": 1}}, "aud"),
        ({"aud": ["unilogin-test", "another"]}, "azp"),
        ({"aud": ["unilogin-test", "another"], "azp": "another"}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"exp": PRESENT - 60}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "9999999999"}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"iat": PRESENT + 61}, "iat"),
        ({"iat": None}, "iat"),
        ({"nbf": PRESENT + 61}, "nbf"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": [TRIP.nonce]}, "nonce"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
        ({"at_hash": 1}, "at_hash"),
        ({"auth_time": BEGUN - 61}, "auth_time"),
        ({"auth_time": PRESENT + 61}, "auth_time"),
        ({"auth_time": None}, "auth_time"),
        ({"auth_time": True}, "auth_time"),
        ({"auth_time": "yesterday"}, "auth_time"),
        ({"auth_time": "2026-11-22T12:00:00"}, "auth_time"),
        ({"auth_time": 1e300}, "auth_time"),
        ({"auth_time": -1}, "auth_time"),
        ({"idp": "mitid_erhverv"}, "idp"),
        ({"idp": ["mitid"]}, "idp"),
        ({"identity_type": "professional"}, "identity type"),
        ({"identity_type": None}, "identity type"),
        ({"loa": NSIS + "Low"}, "level"),
        ({"loa": "Substantial"}, "level"),
        ({"loa": [NSIS + "High"]}, "level"),
    ],
)
def test_s_30_an_id_token_that_says_something_else_is_refused(
    client: Client, provider: Provider, claims: dict[str, Any], reason: str
) -> None:
    provider.claims |= claims
    assert refusal(client) == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("iss", "iss"),
        ("sub", "sub"),
        ("aud", "aud"),
        ("exp", "exp"),
        ("iat", "iat"),
        ("nonce", "nonce"),
        ("auth_time", "auth_time"),
        ("identity_type", "identity type"),
    ],
)
def test_s_30_an_id_token_that_says_too_little_is_refused(
    client: Client, provider: Provider, name: str, reason: str
) -> None:
    del provider.claims[name]
    assert refusal(client) == reason


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"sub": "another"}, "sub of userinfo"),
        ({"sub": None}, "sub of userinfo"),
        ({"mitid.uuid": None}, "uuid"),
        ({"mitid.uuid": ""}, "uuid"),
        ({"mitid.uuid": 7}, "uuid"),
        ({"mitid.uuid": "x" * 201}, "uuid"),
        ({"dk.cpr": "010101-9995"}, "cpr"),
        ({"dk.cpr": "010101999"}, "cpr"),
        ({"dk.cpr": "01010199955"}, "cpr"),
        ({"dk.cpr": "01010199९५"}, "cpr"),
        ({"dk.cpr": "0101019995\n"}, "cpr"),
        ({"dk.cpr": ""}, "cpr"),
        ({"dk.cpr": 101019995}, "cpr"),
        ({"dk.cpr": [CPR]}, "cpr"),
    ],
)
def test_s_30_userinfo_of_another_or_in_no_shape_is_refused(
    client: Client, provider: Provider, told: dict[str, Any], reason: str
) -> None:
    provider.userinfo |= told
    assert refusal(client) == reason


@pytest.mark.parametrize(
    ("name", "claims", "reason"),
    [
        ("idura", {"loA": "LOW"}, "level"),
        ("idura", {"identityscheme": "sebankid"}, "idp"),
        ("idura", {"authenticationtype": "urn:grn:authn:dk:mitid:business"}, "identity type"),
        ("idura", {"authenticationtype": "urn:grn:authn:dk:mitid:low"}, "identity type"),
        ("idura", {"cvrNumberIdentifier": "12345678"}, "identity type"),
        ("idura", {"authenticationinstant": "2026-11-22T11:56:59.000Z"}, "auth_time"),
        ("idura", {"cprNumberIdentifier": "x"}, "cpr"),
        ("idura", {"uuid": None}, "uuid"),
        ("signicat", {"mitid_loa": "LOW"}, "level"),
        ("signicat", {"mitid_loa": None}, "level"),
        ("signicat", {"idp_issuer": "SwedishBankID"}, "idp"),
        ("signicat", {"mitid_employee_uuid": "4b3e"}, "identity type"),
        ("signicat", {"nin": "x"}, "cpr"),
        ("signicat", {"idp_id": ""}, "uuid"),
    ],
)
def test_s_30_the_other_brokers_are_held_to_the_same(name: str, claims: dict[str, Any], reason: str) -> None:
    provider = Provider(broker(name), name)
    (provider.claims if name == "idura" else provider.userinfo).update(claims)
    assert refusal(Client(provider.broker, RETURN, Wire(provider))) == reason


# The signature.


def unsigned(provider: Provider) -> str:
    """Return the token with `none` for an algorithm."""
    parts = ({"alg": "none", "kid": "a"}, provider.claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."
    )


def signed_with_what_all_know(provider: Provider) -> str:
    """Return the token signed by HS256 with the public key for a secret."""
    public = rsa_key("a").as_pem(private=False)
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "a"}).encode()).decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps(provider.claims).encode()).decode().rstrip("=")
    import hashlib
    import hmac

    mark = hmac.digest(public, f"{head}.{body}".encode(), hashlib.sha256)
    return f"{head}.{body}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"


def signed_with_our_secret(provider: Provider) -> str:
    """Return the token signed by HS256 with the secret that we share."""
    key = jwk.OctKey.import_key(SECRET)
    return jwt.encode({"alg": "HS256", "kid": "a"}, provider.claims, key, algorithms=["HS256"])


def signed_by_itself(provider: Provider) -> str:
    """Return a token that brings its own key along, and the address of one."""
    stranger = rsa_key("stranger")
    header = {
        "alg": "RS256",
        "kid": "a",
        "jwk": stranger.as_dict(private=False),
        "jku": "https://stranger.example/jwks",
        "x5u": "https://stranger.example/cert",
    }
    registry = jws.JWSRegistry(algorithms=["RS256"])
    return jwt.encode(header, provider.claims, stranger, registry=registry)


def changed_after_signing(provider: Provider) -> str:
    """Return a token whose claims are not those that were signed."""
    head, _, mark = provider.signed().split(".")
    body = base64.urlsafe_b64encode(json.dumps(provider.claims | {"x": 1}).encode()).decode().rstrip("=")
    return f"{head}.{body}.{mark}"


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (unsigned, "algorithm"),
        (signed_with_what_all_know, "algorithm"),
        (signed_with_our_secret, "algorithm"),
        (signed_by_itself, "signature"),
        (changed_after_signing, "signature"),
        (lambda provider: provider.signed()[:-8], "signature"),
        (lambda _: "not.a.token", "token"),
        (lambda _: "eyJhbGciOiJSUzI1NiJ9", "token"),
        (lambda _: "W10.e30.", "token"),
        (lambda _: "x" * 131_000, "token"),
    ],
)
def test_s_30_a_token_that_the_broker_did_not_sign_is_refused(
    client: Client, provider: Provider, forge: Callable[[Provider], str], reason: str
) -> None:
    provider.sign = lambda: forge(provider)
    assert refusal(client) == reason
    assert not [path for path in provider.asked if "stranger" in path]


def test_s_30_an_algorithm_that_is_not_on_the_list_is_refused(client: Client, provider: Provider) -> None:
    provider.header["alg"] = "RS384"
    assert refusal(client) == "algorithm"


def test_s_30_an_algorithm_that_is_not_the_keys_is_refused(client: Client, provider: Provider) -> None:
    provider.published = [jwk.ECKey.import_key(ec_key("e").as_dict() | {"kid": "a"})]
    assert refusal(client) == "algorithm"


def test_s_30_a_kid_that_is_no_text_is_refused(client: Client, provider: Provider) -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":7}').decode().rstrip("=")
    provider.sign = lambda: head + "." + provider.signed().split(".", 1)[1]
    assert refusal(client) in ("key", "token")


def test_s_30_a_token_without_kid_is_refused_where_there_are_several_keys(
    client: Client, provider: Provider
) -> None:
    provider.header = {"alg": "RS256"}
    provider.published.append(rsa_key("b"))
    assert refusal(client) == "key"


# The keys.


def test_s_34_an_unknown_key_is_searched_for_at_most_once_a_minute(
    client: Client, provider: Provider, ticks: Ticks
) -> None:
    client.redeem(ANSWER, TRIP, NOW)
    provider.key, provider.header["kid"] = rsa_key("b"), "b"
    for _ in range(3):
        assert refusal(client) == "key"
    assert provider.count("jwks") == 2
    ticks.seconds += 59.9
    assert refusal(client) == "key"
    assert provider.count("jwks") == 2
    ticks.seconds += 0.1
    provider.published = [rsa_key("b")]
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR
    assert provider.count("jwks") == 3


def test_s_34_a_new_key_is_found_at_once_and_the_withdrawn_one_forgotten(
    client: Client, provider: Provider
) -> None:
    client.redeem(ANSWER, TRIP, NOW)
    provider.key, provider.header["kid"], provider.published = rsa_key("b"), "b", [rsa_key("b")]
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR
    provider.key, provider.header["kid"] = rsa_key("a"), "a"
    assert refusal(client) == "key"


def test_s_34_the_first_search_counts_too(client: Client, provider: Provider) -> None:
    provider.header["kid"] = "b"
    assert refusal(client) == "key"
    assert refusal(client) == "key"
    assert provider.count("jwks") == 1


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{"kty": "oct", "kid": "a", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}],
        [{"kty": "RSA", "kid": "a", "n": "8fHx" * 42 + "8fE", "e": "AQAB"}],  # 1024 bits
        [{"kty": "RSA", "kid": "a"}, "key", 7, None, {"kid": "a"}],
        [rsa_key("a").as_dict(private=False) | {"use": "enc"}],
        [rsa_key("a").as_dict(private=True)],
        [jwk.ECKey.generate_key("P-384", {"kid": "a"}).as_dict(private=False)],
    ],
    ids=["none", "shared", "short", "broken", "for encryption", "given away", "another curve"],
)
def test_keys_that_cannot_be_trusted_are_as_good_as_none(
    client: Client, provider: Provider, keys: list[Any]
) -> None:
    provider.answers["/jwks"] = (200, {}, json.dumps({"keys": keys}).encode())
    assert fault(client) == (MitIdFault.UNREACHABLE, "keys")
    provider.answers.clear()
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR


# The answer in the address.


@pytest.mark.parametrize("state", [None, "", "another", TRIP.state[:-1], TRIP.state + "s"])
def test_s_30_an_answer_to_another_trip_is_refused_before_anything_is_asked(
    client: Client, provider: Provider, state: str | None
) -> None:
    answer = {"code": CODE} | ({} if state is None else {"state": state})
    assert refusal(client, answer) == "state"
    assert refusal(client, answer | {"error": "access_denied"}) == "state"
    assert provider.asked == []


def test_s_30_a_trip_without_a_state_takes_no_answer(client: Client) -> None:
    with pytest.raises(MitIdError, match="state"):
        client.redeem({"code": CODE, "state": ""}, replace(TRIP, state=""), NOW)


def test_s_30_an_announced_issuer_must_be_in_the_answer(client: Client, provider: Provider) -> None:
    """RFC 9207, 2.4."""
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    assert refusal(client) == "iss of the answer"
    assert provider.count("token") == 0


@pytest.mark.parametrize("is_announced", [True, False])
def test_s_30_an_answer_of_another_issuer_is_refused(
    client: Client, provider: Provider, is_announced: bool
) -> None:
    """RFC 9207, 2.4."""
    provider.metadata["authorization_response_iss_parameter_supported"] = is_announced
    assert refusal(client, ANSWER | {"iss": "https://stranger.example"}) == "iss of the answer"
    told = {"state": TRIP.state, "error": "access_denied", "iss": "https://stranger.example"}
    assert refusal(client, told) == "iss of the answer"
    assert provider.count("token") == 0


@pytest.mark.parametrize("code", [{}, {"code": ""}])
def test_an_answer_without_a_code_is_refused(client: Client, code: dict[str, str]) -> None:
    assert refusal(client, {"state": TRIP.state} | code) == "no code"


@pytest.mark.parametrize(
    ("error", "description", "expected"),
    [
        ("access_denied", "mitid_user_aborted", MitIdFault.CANCELLED),
        ("access_denied", "", MitIdFault.CANCELLED),
        ("access_denied", "mitid_timeout", MitIdFault.TIMED_OUT),
        ("access_denied", "The session timed out", MitIdFault.TIMED_OUT),
        ("login_required", "", MitIdFault.TIMED_OUT),
        ("interaction_required", "", MitIdFault.TIMED_OUT),
        ("server_error", "", MitIdFault.UNREACHABLE),
        ("temporarily_unavailable", "timeout", MitIdFault.UNREACHABLE),
        ("invalid_request", "timeout", MitIdFault.REFUSED),
        ("unauthorized_client", "", MitIdFault.REFUSED),
        ("", "", MitIdFault.REFUSED),
    ],
)
def test_an_error_in_the_answer_tells_what_happened(
    client: Client, provider: Provider, error: str, description: str, expected: MitIdFault
) -> None:
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    answer = {"state": TRIP.state, "error": error, "error_description": description}
    assert fault(client, answer) == (expected, f"error of the answer: {error or 'unknown'}")
    assert provider.asked == []


def test_s_72_an_error_that_is_no_word_is_not_repeated(client: Client) -> None:
    for error in (CPR, "x" * 41, "a b", "å", "<b>"):
        assert refusal(client, {"state": TRIP.state, "error": error}) == "error of the answer: unknown"


def test_s_30_an_error_beside_a_code_is_an_error(client: Client, provider: Provider) -> None:
    assert fault(client, ANSWER | {"error": "access_denied"})[0] is MitIdFault.CANCELLED
    assert provider.asked == []


# The token endpoint.


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, "invalid_grant", (MitIdFault.REFUSED, "code")),
        (401, "invalid_client", (MitIdFault.UNREACHABLE, "token endpoint: invalid_client")),
        (400, CPR, (MitIdFault.UNREACHABLE, "token endpoint: unknown")),
        (200, "server_error", (MitIdFault.UNREACHABLE, "token endpoint: server_error")),
        (503, "invalid_grant", (MitIdFault.UNREACHABLE, "token endpoint")),
    ],
)
def test_a_code_that_is_not_taken_proves_nobody(
    client: Client, provider: Provider, status: int, error: str, expected: tuple[MitIdFault, str]
) -> None:
    provider.token_error = (status, error)
    assert fault(client) == expected


def test_s_30_another_verifier_is_refused(client: Client) -> None:
    with pytest.raises(MitIdError, match="code"):
        client.redeem(ANSWER, replace(TRIP, code_verifier="w" * 43), NOW)


def test_s_30_a_login_from_before_the_trip_is_refused(client: Client, provider: Provider) -> None:
    """A session that the broker kept is no fresh login."""
    provider.claims["auth_time"] = int((TRIP.begun_at - timedelta(hours=1)).timestamp())
    assert refusal(client) == "auth_time"
