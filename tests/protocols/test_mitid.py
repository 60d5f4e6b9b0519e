"""The conversation with each broker as it goes when all is well (S-30)."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from app import config as configuration
from app import create_app
from app import keys as keyring
from app.config import PROJECT, BrokerName, MitIdSettings
from app.protocols.mitid import Broker, Client, for_settings
from app.world import Identity
from tests.protocols.conftest import Ticks
from tests.protocols.provider import (
    CODE,
    CPR,
    NOW,
    RETURN,
    SECRET,
    SEEN_AT,
    SHAPES,
    TRIP,
    Provider,
    Wire,
    broker,
    ec_key,
    rsa_key,
    s256,
)

ANSWER = {"code": CODE, "state": TRIP.state}


def asked(client: Client) -> dict[str, str]:
    """Return the parameters of the address a browser is sent to."""
    address = urlsplit(client.address(TRIP, "da"))
    assert address.geturl().startswith("https://broker.example/op/connect/authorize?")
    fields = parse_qs(address.query, strict_parsing=True)
    assert all(len(values) == 1 for values in fields.values())
    return {name: values[0] for name, values in fields.items()}


def test_s_30_a_browser_goes_out_with_pkce_state_nonce_and_a_wish_for_a_fresh_login(client: Client) -> None:
    assert asked(client) == {
        "response_type": "code",
        "client_id": "unilogin-test",
        "redirect_uri": RETURN,
        "scope": "openid mitid ssn",
        "state": TRIP.state,
        "nonce": TRIP.nonce,
        "code_challenge": s256(TRIP.code_verifier),
        "code_challenge_method": "S256",
        "prompt": "login",
        "ui_locales": "da",
        "idp_values": "mitid",
        "idp_params": '{"mitid":{"loa_value":"substantial"}}',
    }


def test_s_30_the_challenge_is_that_of_rfc_7636_appendix_b(provider: Provider) -> None:
    trip = replace(TRIP, code_verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    address = Client(provider.broker, RETURN, Wire(provider)).address(trip, "en")
    assert parse_qs(urlsplit(address).query)["code_challenge"] == [
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    ]
    assert "dBjftJeZ4CVP" not in address


@pytest.mark.parametrize("name", SHAPES)
def test_s_30_each_broker_proves_the_same_person_in_its_own_words(name: str) -> None:
    provider = Provider(broker(name), name)
    client = Client(provider.broker, RETURN, Wire(provider))
    assert client.redeem(ANSWER, TRIP, NOW) == Identity(
        "32014f0c-6986-485e-af66-453ccece65ff", CPR, "Dan Dalgaard", SEEN_AT
    )
    assert provider.forms == [
        {
            "grant_type": "authorization_code",
            "code": CODE,
            "code_verifier": TRIP.code_verifier,
            "redirect_uri": RETURN,
            "client_id": "unilogin-test",
            "client_secret": SECRET,
        }
    ]
    assert provider.count("userinfo") == (0 if name == "idura" else 1)


@pytest.mark.parametrize(
    ("name", "scope", "parameters"),
    [
        ("idura", "openid", {"acr_values": "urn:grn:authn:dk:mitid:substantial"}),
        (
            "signicat",
            "openid profile idp-id nin mitid-extra",
            {"acr_values": "idp:mitid loa:substantial"},
        ),
    ],
)
def test_s_30_each_broker_is_asked_for_mitid_at_substantial(
    name: str, scope: str, parameters: dict[str, str]
) -> None:
    provider = Provider(broker(name), name)
    sent = asked(Client(provider.broker, RETURN, Wire(provider)))
    assert sent["scope"] == scope
    assert parameters.items() <= sent.items()
    assert sent["prompt"] == "login"


@pytest.mark.parametrize("name", SHAPES)
def test_a_person_without_cpr_number_is_a_person_still(name: str) -> None:
    provider = Provider(broker(name), name)
    claim = provider.broker.claims.cpr
    provider.claims.pop(claim, None)
    provider.userinfo.pop(claim, None)
    found = Client(provider.broker, RETURN, Wire(provider)).redeem(ANSWER, TRIP, NOW)
    assert found.cpr is None
    assert found.mitid_uuid == "32014f0c-6986-485e-af66-453ccece65ff"


def test_a_protected_name_may_be_missing(client: Client, provider: Provider) -> None:
    del provider.userinfo["mitid.identity_name"]
    assert client.redeem(ANSWER, TRIP, NOW).name == ""


@pytest.mark.parametrize("level", ["Substantial", "High"])
def test_s_30_substantial_and_high_are_enough(client: Client, provider: Provider, level: str) -> None:
    provider.claims["loa"] = f"https://data.gov.dk/concept/core/nsis/{level}"
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_s_30_the_algorithms_of_the_list_are_taken(
    client: Client, provider: Provider, algorithm: str
) -> None:
    provider.key = ec_key("e") if algorithm == "ES256" else rsa_key("a")
    provider.published = [provider.key, rsa_key("b")]
    provider.header = {"alg": algorithm, "kid": provider.key.kid, "x5t": "wapp", "new": 1}
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR


def test_a_token_without_kid_is_read_with_the_only_key(client: Client, provider: Provider) -> None:
    provider.header = {"alg": "RS256"}
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR


def test_a_token_for_several_that_names_us_as_its_holder_is_ours(client: Client, provider: Provider) -> None:
    provider.claims |= {"aud": ["unilogin-test", "other"], "azp": "unilogin-test"}
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR


def test_clocks_may_differ_by_a_minute(client: Client, provider: Provider) -> None:
    now, begun = int(NOW.timestamp()), int(TRIP.begun_at.timestamp())
    provider.claims |= {"exp": now - 59, "iat": now + 60, "nbf": now + 60, "auth_time": begun - 60}
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR
    provider.claims["auth_time"] = now + 60
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR


@pytest.mark.parametrize(
    "told", [str(int(SEEN_AT.timestamp())), SEEN_AT.timestamp(), "2026-11-22T12:59:30+01:00"]
)
def test_the_time_of_the_login_is_read_as_brokers_write_it(
    client: Client, provider: Provider, told: object
) -> None:
    provider.claims["auth_time"] = told
    found = client.redeem(ANSWER, TRIP, NOW).authenticated_at
    assert (found, found.utcoffset()) == (SEEN_AT, timedelta(0))


@pytest.mark.parametrize(
    "methods", [["client_secret_basic"], None, ["private_key_jwt", "client_secret_basic"]]
)
def test_a_secret_with_signs_is_understood_by_a_broker_that_takes_basic_alone(
    client: Client, provider: Provider, methods: list[str] | None
) -> None:
    """RFC 6749, 2.3.1: both parts are encoded before they are put together."""
    provider.metadata["token_endpoint_auth_methods_supported"] = methods
    if methods is None:
        del provider.metadata["token_endpoint_auth_methods_supported"]
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR
    assert "client_secret" not in provider.forms[0]


def test_s_30_the_issuer_of_the_answer_is_taken_when_it_is_the_broker(
    client: Client, provider: Provider
) -> None:
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    assert client.redeem(ANSWER | {"iss": provider.broker.issuer}, TRIP, NOW).cpr == CPR


def test_what_is_signed_counts_more_than_what_is_told(client: Client, provider: Provider) -> None:
    provider.userinfo["loa"] = "https://data.gov.dk/concept/core/nsis/Low"
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR


def test_what_a_broker_publishes_is_asked_for_once_an_hour(
    client: Client, provider: Provider, ticks: Ticks
) -> None:
    for _ in range(3):
        client.address(TRIP, "da")
        client.redeem(ANSWER, TRIP, NOW)
    assert (provider.count("openid-configuration"), provider.count("jwks")) == (1, 1)
    ticks.seconds += 3600
    client.redeem(ANSWER, TRIP, NOW)
    assert (provider.count("openid-configuration"), provider.count("jwks")) == (2, 2)


def test_s_72_nothing_shown_of_a_broker_a_trip_or_a_person_is_secret(
    client: Client, provider: Provider
) -> None:
    shown = repr((provider.broker, TRIP, client.redeem(ANSWER, TRIP, NOW)))
    assert not [secret for secret in (SECRET, CPR, TRIP.code_verifier, CODE) if secret in shown]


def test_importing_the_client_loads_neither_http_nor_jose() -> None:
    heavy = ("authlib", "requests", "urllib3", "joserfc")
    ask = f"import sys, app.protocols.mitid; print(*(name for name in {heavy} if name in sys.modules))"
    command = [sys.executable, "-W", "error", "-c", ask]
    assert subprocess.check_output(command, cwd=PROJECT, text=True, timeout=60).split() == []


def preset(name: BrokerName, *, is_demo: bool = False, **overrides: object) -> Broker:
    """Return the broker of some settings."""
    settings = replace(MitIdSettings(name, "", "id", "secret"), **overrides)  # type: ignore[arg-type]
    found = for_settings(settings, is_demo=is_demo)
    assert found is not None
    return found


def test_without_a_broker_nobody_is_asked() -> None:
    assert for_settings(MitIdSettings()) is None


def test_nets_has_a_test_and_a_production_of_its_own() -> None:
    assert preset(BrokerName.NETSEIDBROKER).issuer == "https://netseidbroker.dk/op"
    assert preset(BrokerName.NETSEIDBROKER, is_demo=True).issuer == "https://pp.netseidbroker.dk/op"
    assert preset(BrokerName.NETSEIDBROKER, issuer="https://x.dk").issuer == "https://x.dk"


def test_the_simulator_has_the_shape_of_nets() -> None:
    simulated = preset(BrokerName.SIMULATOR, issuer="http://127.0.0.1:8001")
    nets = preset(BrokerName.NETSEIDBROKER)
    assert replace(simulated, issuer=nets.issuer) == nets
    assert json.loads(simulated.parameters["idp_params"]) == {"mitid": {"loa_value": "substantial"}}


def test_a_brokers_own_parameter_may_have_any_name(provider: Provider) -> None:
    own = {"url": "a", "uri": "b", "metadata": "c", "max_age": "0"}
    asking = replace(provider.broker, parameters=own)
    assert own.items() <= asked(Client(asking, RETURN, Wire(provider))).items()


def test_settings_put_other_words_in_place_of_a_brokers_own() -> None:
    found = preset(
        BrokerName.SIGNICAT,
        issuer="https://x.dk",
        scopes=("openid", "x"),
        parameters=(("acr_values", "y"),),
        claims=(("mitid_uuid", "mitid_uuid"), ("identity_type", "nin_type")),
        accepted=(("level", frozenset({"HIGH"})), ("identity_type", frozenset({"PERSON"}))),
        uses_userinfo=False,
    )
    assert (found.scopes, dict(found.parameters)) == (("openid", "x"), {"acr_values": "y"})
    assert (found.claims.mitid_uuid, found.claims.identity_type, found.claims.cpr) == (
        "mitid_uuid",
        "nin_type",
        "nin",
    )
    assert (found.levels, found.idps, found.identity_types) == ({"HIGH"}, {"MitID"}, {"PERSON"})
    assert not found.uses_userinfo


def test_a_name_is_one_line_of_what_can_be_shown(client: Client, provider: Provider) -> None:
    provider.userinfo["mitid.identity_name"] = " Dan\n\x1b[31m\u202eDalgaard\ud800\x00 "
    assert client.redeem(ANSWER, TRIP, NOW).name == "Dan [31m Dalgaard"
    provider.userinfo["mitid.identity_name"] = "x" * 300
    assert client.redeem(ANSWER, TRIP, NOW).name == "x" * 200
    provider.userinfo["mitid.identity_name"] = {"first": "Dan"}
    assert client.redeem(ANSWER, TRIP, NOW).name == ""


def test_s_34_the_site_asks_the_broker_of_its_settings(tmp_path: Path) -> None:
    keyring.new().write(tmp_path / "keys.json")
    environ = {"INSTANCE_DIR": str(tmp_path), "LOG_LEVEL": "ERROR"}
    production = environ | {
        "MODE": "production",
        "PUBLIC_URL": "https://unilogin.example",
        "DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "KEYS_FILE": str(tmp_path / "keys.json"),
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    own = tmp_path / "own"
    own.mkdir()
    for told, issuer in (
        (environ | {"INSTANCE_DIR": str(own)}, "http://127.0.0.1:8001"),
        (production, None),
    ):
        app = create_app(configuration.read(told))
        client = app.extensions["world"].mitid
        app.extensions["database"].dispose()
        assert (client.broker.issuer if client else None) == issuer
        assert client is None or client.redirect_uri == "http://127.0.0.1:8000/mitid/retur"
