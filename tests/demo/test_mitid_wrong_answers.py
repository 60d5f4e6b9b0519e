"""The wrong answers of the simulator of MitID: each is wrong in the one thing that was asked for."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hmac import digest
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.errors import BadSignatureError

from app.demo.mitid_simulator.identities import TestIdentity
from app.demo.mitid_simulator.wrong import Wrong
from app.domain import cpr
from tests.cast import DAN, EVA
from tests.conftest import SetClock
from tests.demo.relying import LEVEL, RelyingParty, uuid_of


def difference(sound: dict[str, Any], spoilt: dict[str, Any]) -> set[str]:
    return {name for name in sound | spoilt if sound.get(name) != spoilt.get(name)}


SPOILT = {
    **{
        name: (set(), {name}, set(), set())
        for name in ("loa", "auth_time", "nonce", "iss", "aud", "idp", "exp")
    },
    "identity_type": (set(), {"identity_type"}, set(), set()),
    "cpr": (set(), set(), set(), {"dk.cpr"}),
    "cpr_other": (set(), set(), set(), {"dk.cpr"}),
    "alg": (set(), set(), {"alg", "kid"}, set()),
    "alg_hs256": (set(), set(), {"alg"}, set()),
    "key": (set(), set(), {"kid"}, set()),
    "state": ({"state"}, set(), set(), set()),
    "iss_response": ({"iss"}, set(), set(), set()),
}
# What differs from login to login, however sound.
ONE_TIME = {"code", "at_hash"}


@pytest.mark.parametrize("wrong", SPOILT)
def test_a_wrong_answer_is_wrong_in_one_thing(simulator: Flask, its_clock: SetClock, wrong: str) -> None:
    instant = its_clock.now()
    its_clock.now = lambda: instant  # type: ignore[method-assign]
    sound = RelyingParty(simulator).log_in(identity=uuid_of(DAN))
    spoilt = RelyingParty(simulator).log_in(identity=uuid_of(DAN), wrong=wrong)
    back, claims, header, userinfo = SPOILT[wrong]
    assert difference(sound.back, spoilt.back) - ONE_TIME == back
    assert difference(sound.claims, spoilt.claims) - ONE_TIME == claims
    assert difference(sound.header, spoilt.header) == header
    assert difference(sound.userinfo, spoilt.userinfo) == userinfo


def test_every_wrong_answer_is_tried_here() -> None:
    assert {*SPOILT, "slow", "down"} == set(Wrong)


@pytest.mark.parametrize("wrong", ["loa", "auth_time", "exp"])
def test_a_wrong_value_is_one_that_must_be_refused(
    party: RelyingParty, its_clock: SetClock, wrong: str
) -> None:
    claims = party.log_in(identity=uuid_of(DAN), wrong=wrong).claims
    now = its_clock.now().timestamp()
    if wrong == "loa":
        assert claims["loa"] == LEVEL + "Low"
    else:
        assert now - 3700 < claims[wrong] < now - 3500


def test_a_spoilt_token_is_still_signed_by_the_real_key(party: RelyingParty) -> None:
    for wrong in ("loa", "auth_time", "nonce", "iss", "aud", "idp", "exp", "identity_type", "cpr", "state"):
        party.verified(party.log_in(identity=uuid_of(DAN), wrong=wrong).id_token)


def test_a_token_without_a_signature_says_so_itself(party: RelyingParty) -> None:
    answer = party.log_in(identity=uuid_of(DAN), wrong="alg")
    assert answer.header["alg"] == "none"
    assert answer.id_token.endswith(".")


def test_the_public_key_has_been_taken_for_a_secret(party: RelyingParty) -> None:
    answer = party.log_in(identity=uuid_of(DAN), wrong="alg_hs256")
    assert answer.header["alg"] == "HS256"
    signed, _, signature = answer.id_token.rpartition(".")
    public = party.keys().keys[0].as_pem(private=False)
    mac = urlsafe_b64encode(digest(public, signed.encode(), "sha256")).rstrip(b"=").decode()
    assert signature == mac


def test_the_unknown_key_is_not_among_the_keys(party: RelyingParty) -> None:
    answer = party.log_in(identity=uuid_of(DAN), wrong="key")
    assert answer.header["kid"] not in [key.kid for key in party.keys().keys]
    known = party.keys().keys[0]
    with pytest.raises(BadSignatureError):
        jwt.decode(answer.id_token, known, algorithms=["RS256"])


def test_the_wrong_cpr_number_can_be_nobodys_and_the_other_is_somebody_elses(
    party: RelyingParty, identities: list[TestIdentity]
) -> None:
    unsound = party.log_in(identity=uuid_of(DAN), wrong="cpr").userinfo["dk.cpr"]
    assert re.fullmatch("[0-9]{10}", unsound)
    assert cpr.normal(unsound) is None
    for identity in identities:
        if identity.cpr:
            other = party.log_in(identity=identity.uuid, wrong="cpr_other").userinfo["dk.cpr"]
            assert other != identity.cpr
            assert other in [one.cpr for one in identities]


def test_a_wrong_state_comes_back_with_who_goes_away_too(party: RelyingParty) -> None:
    assert party.come_back(stop="access_denied", wrong="state")["state"] != "the-state"


def test_s_34_the_broker_can_be_slow_and_can_be_gone(party: RelyingParty, slept: list[float]) -> None:
    slow = party.come_back(identity=uuid_of(DAN), wrong="slow")["code"]
    assert "id_token" in party.redeem(slow).json
    assert slept == [7]
    down = party.come_back(identity=uuid_of(EVA), wrong="down")["code"]
    assert party.redeem(down).status_code == 503


def test_a_wrong_answer_that_there_is_not_is_a_sound_one(party: RelyingParty) -> None:
    assert party.log_in(identity=uuid_of(DAN), wrong="everything").back["state"] == "the-state"
