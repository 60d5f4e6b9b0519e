"""The simulator of MitID as a client meets it: its page, its answers, and what it refuses."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask

from app.demo.mitid_simulator.identities import TestIdentity
from app.demo.mitid_simulator.pages import make_app
from app.demo.mitid_simulator.wrong import LABELS, Wrong
from tests.cast import ALIASED, DAN, WITHOUT_CPR
from tests.conftest import SetClock
from tests.demo.relying import ISSUER, LEVEL, RETURN, RelyingParty, came_back, identity_of, uuid_of

THE_TEN = ("loa", "auth_time", "nonce", "iss", "aud", "idp", "cpr", "alg", "state", "exp")


def shown(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


# What it tells of itself


def test_the_metadata_names_every_endpoint_and_what_a_client_must_do(party: RelyingParty) -> None:
    """«OpenID Connect Discovery 1.0 section 3; RFC 9207 section 3»."""
    told = party.client.get("/.well-known/openid-configuration", base_url=ISSUER).json
    assert told["issuer"] == ISSUER
    for name, path in [
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("userinfo_endpoint", "/userinfo"),
        ("jwks_uri", "/certs"),
    ]:
        assert told[name] == ISSUER + path
    assert told["response_types_supported"] == ["code"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["id_token_signing_alg_values_supported"] == ["RS256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert set(told["scopes_supported"]) == {"openid", "mitid", "ssn"}


def test_the_keys_are_public_ones_alone(party: RelyingParty) -> None:
    (key,) = party.client.get("/certs", base_url=ISSUER).json["keys"]
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)


def test_each_start_has_a_key_of_its_own(identities: list[TestIdentity], its_clock: SetClock) -> None:
    first, second = (RelyingParty(make_app(ISSUER, RETURN, identities, its_clock.now)) for _ in range(2))
    assert first.keys().keys[0].kid != second.keys().keys[0].kid


# The page


def test_the_page_says_that_it_is_a_test_and_lists_everybody(
    party: RelyingParty, identities: list[TestIdentity]
) -> None:
    page = party.look()
    assert page.status_code == 200
    text = shown(page.text)
    assert text.count("Test – ikke MitID") >= 2, "in the title and on the page"
    for identity in identities:
        assert f"{identity.label} {identity.good_for['da']}" in text
        assert f'name="identity" value="{identity.uuid}"' in page.text
    for words in ("Afbryd", "Lad tiden løbe ud", "Svar forkert (til test)"):
        assert words in text
    assert set(re.findall(r'name="wrong" value="(\w*)"', page.text)) == {"", *Wrong}
    assert set(THE_TEN) <= set(Wrong) == set(LABELS)


def test_the_page_has_no_script_and_no_style_of_its_own(party: RelyingParty) -> None:
    source = party.look().text
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", source)
    assert len(re.findall(r"<h1\b", source)) == 1
    ids = re.findall(r'\sid="([^"]+)"', source)
    assert len(ids) == len(set(ids))


def test_s_61_the_page_may_load_its_style_and_send_its_form_home_and_nothing_else(
    party: RelyingParty,
) -> None:
    for answer in (party.look(), RelyingParty(party.app, asked={"client_id": "x"}).look()):
        policy = dict(
            part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";")
        )
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["style-src"] == "'self'"
        assert policy["form-action"] == "'self' http://127.0.0.1:8000"
        assert "script-src" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
    style = party.client.get("/static/simulator.css", base_url=ISSUER)
    assert style.status_code == 200
    assert style.mimetype == "text/css"


def test_the_page_speaks_english_to_who_asks_for_it(simulator: Flask) -> None:
    page = RelyingParty(simulator, asked={"ui_locales": "de en-GB da"}).look().text
    assert '<html lang="en">' in page
    assert "Choose a test person" in page
    assert "Test – ikke MitID" in page
    assert "father of Anna" in page
    assert '<html lang="da">' in RelyingParty(simulator, asked={"ui_locales": "de fr"}).look().text


def test_what_is_shown_of_a_request_is_harmless_in_the_page(simulator: Flask) -> None:
    page = RelyingParty(simulator, asked={"state": '"><script>alert(1)</script>'}).look().text
    assert "<script" not in page


def test_the_front_says_what_it_is(party: RelyingParty) -> None:
    page = party.client.get("/", base_url=ISSUER)
    assert "Test – ikke MitID" in page.text
    assert "<form" not in page.text


def test_a_page_that_there_is_not_says_that_it_is_a_test_too(party: RelyingParty) -> None:
    for page, code in [
        (party.client.get("/mitid", base_url=ISSUER), 404),
        (party.client.get("/token", base_url=ISSUER), 405),
    ]:
        assert page.status_code == code
        assert "Test – ikke MitID" in page.text


# The way it should go


def test_a_login_proves_the_person_pressed(
    party: RelyingParty, identities: list[TestIdentity], its_clock: SetClock
) -> None:
    dan = identity_of(identities, DAN)
    back = party.come_back(identity=dan.uuid)
    assert set(back) == {"code", "state", "iss"}
    assert (back["state"], back["iss"]) == ("the-state", ISSUER)
    answer = party.redeem(back["code"])
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.json
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 300)
    claims = party.verified(tokens["id_token"])
    now = its_clock.now().timestamp()
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "unilogin", "the-nonce")
    assert abs(claims["auth_time"] - now) < 30
    assert claims["iat"] <= now < claims["exp"] <= claims["iat"] + 300
    assert (claims["idp"], claims["identity_type"], claims["amr"]) == ("mitid", "private", ["code_app"])
    assert claims["loa"] == claims["ial"] == claims["aal"] == LEVEL + "Substantial"
    told = party.userinfo(tokens["access_token"]).json
    assert told["sub"] == claims["sub"] != dan.uuid
    assert told["mitid.uuid"] == dan.uuid
    assert told["mitid.identity_name"] == "Dan Holm"
    assert told["mitid.date_of_birth"] == dan.born_on
    assert told["mitid.age"] == str(dan.age(its_clock.now().date()))
    assert told["mitid.has_cpr"] == "true"
    assert told["dk.cpr"] == dan.cpr


def test_the_secret_may_come_in_the_form_as_well(party: RelyingParty) -> None:
    code = party.come_back(identity=uuid_of(DAN))["code"]
    form = {
        **{"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN},
        **{"code_verifier": party.verifier, "client_id": "unilogin", "client_secret": "demo"},
    }
    assert "id_token" in party.client.post("/token", data=form, base_url=ISSUER).json


def test_s_72_a_protected_person_is_shown_by_alias_and_told_by_name(
    party: RelyingParty, identities: list[TestIdentity]
) -> None:
    assert identity_of(identities, ALIASED).label == ALIASED.shown_name == "Clara Berg"
    assert ALIASED.family_name not in party.look().text
    answer = party.log_in(identity=uuid_of(ALIASED))
    assert answer.userinfo["mitid.identity_name"] == f"{ALIASED.given_name} {ALIASED.family_name}"


def test_who_has_no_cpr_number_at_mitid_is_told_without_one(party: RelyingParty) -> None:
    told = party.log_in(identity=uuid_of(WITHOUT_CPR)).userinfo
    assert told["mitid.has_cpr"] == "false"
    assert "dk.cpr" not in told


def test_the_scopes_decide_what_is_told(simulator: Flask) -> None:
    bare = RelyingParty(simulator, asked={"scope": "openid"}).log_in(identity=uuid_of(DAN)).userinfo
    assert not [name for name in bare if name.startswith(("mitid.", "dk."))]
    some = RelyingParty(simulator, asked={"scope": "openid mitid"}).log_in(identity=uuid_of(DAN)).userinfo
    assert "mitid.uuid" in some
    assert "dk.cpr" not in some


# The ways out


@pytest.mark.parametrize("stop", ["access_denied", "login_required"])
def test_who_goes_away_or_waits_too_long_proves_nobody(party: RelyingParty, stop: str) -> None:
    back = party.come_back(stop=stop)
    assert (back["error"], back["state"], back["iss"]) == (stop, "the-state", ISSUER)
    assert "code" not in back


def test_a_form_that_names_nobody_is_a_cancelled_one(party: RelyingParty) -> None:
    assert party.come_back(identity="00000000-0000-0000-0000-000000000000")["error"] == "access_denied"


# Requests that are wrong


@pytest.mark.parametrize(
    "asked",
    [
        {"client_id": "another"},
        {"client_id": ""},
        {"redirect_uri": RETURN + "/"},
        {"redirect_uri": RETURN + "?x=1"},
        {"redirect_uri": "https://evil.example/mitid/retur"},
        {"redirect_uri": ""},
    ],
    ids=str,
)
def test_an_unknown_client_or_address_gets_a_page_and_no_redirect(
    simulator: Flask, asked: dict[str, str]
) -> None:
    party = RelyingParty(simulator, asked=asked)
    for page in (party.look(), party.client.post(party.address, data={"stop": "access_denied"})):
        assert page.status_code == 400
        assert "Location" not in page.headers
        assert "Test – ikke MitID" in page.text
        assert len(re.findall(r"<h1\b", page.text)) == 1


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "mitid"}, "invalid_scope"),
        ({"nonce": ""}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"idp_params": "{"}, "invalid_request"),
        ({"idp_values": "nemid"}, "invalid_request"),
    ],
    ids=str,
)
def test_a_known_client_is_told_what_is_wrong_with_its_request(
    simulator: Flask, asked: dict[str, str], error: str
) -> None:
    back = came_back(RelyingParty(simulator, asked=asked).look())
    assert (back["error"], back["state"], back["iss"]) == (error, "the-state", ISSUER)


def test_another_verifier_gets_nothing(party: RelyingParty) -> None:
    """«RFC 7636 section 4.6»."""
    code = party.come_back(identity=uuid_of(DAN))["code"]
    answer = party.redeem(code, code_verifier="w" * 43)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
    assert party.redeem(code).json["error"] == "invalid_grant", "the code was spent on the wrong try"


def test_no_verifier_gets_nothing(party: RelyingParty) -> None:
    code = party.come_back(identity=uuid_of(DAN))["code"]
    assert party.redeem(code, code_verifier="").status_code == 400


def test_a_code_works_once_and_a_second_try_takes_the_token_back(party: RelyingParty) -> None:
    """«RFC 6749 section 4.1.2»."""
    code = party.come_back(identity=uuid_of(DAN))["code"]
    token = party.redeem(code).json["access_token"]
    assert party.userinfo(token).status_code == 200
    assert party.redeem(code).json == {
        "error": "invalid_grant",
        "error_description": "Invalid 'code' in request.",
    }
    assert party.userinfo(token).status_code == 401


def test_a_code_works_for_a_minute_and_a_token_for_five(party: RelyingParty, its_clock: SetClock) -> None:
    late, timely = (party.come_back(identity=uuid_of(DAN))["code"] for _ in range(2))
    its_clock.forward(seconds=55)
    token = party.redeem(timely).json["access_token"]
    its_clock.forward(seconds=6)
    assert party.redeem(late).json["error"] == "invalid_grant"
    its_clock.forward(seconds=230)
    assert party.userinfo(token).status_code == 200
    its_clock.forward(seconds=65)
    assert party.userinfo(token).status_code == 401


def test_a_wrong_secret_is_no_client(party: RelyingParty) -> None:
    code = party.come_back(identity=uuid_of(DAN))["code"]
    answer = party.redeem(code, secret="another")
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert "id_token" in party.redeem(code).json, "whoever guesses a secret spends no code"


def test_a_code_is_redeemed_with_the_address_it_was_sent_to(party: RelyingParty) -> None:
    code = party.come_back(identity=uuid_of(DAN))["code"]
    assert party.redeem(code, redirect_uri=RETURN + "/x").json["error"] == "invalid_grant"


def test_userinfo_is_for_who_has_a_token(party: RelyingParty) -> None:
    assert party.userinfo("made-up").status_code == 401
    assert party.client.get("/userinfo", base_url=ISSUER).status_code == 401
