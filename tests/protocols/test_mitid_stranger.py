"""The whole conversation with a provider that nobody here wrote: PyPI's oidc-provider-mock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from app import config as configuration
from app.protocols.mitid import Client, for_settings
from app.world import Clock, Dice, Identity, MitIdError, MitIdFault, Trip
from tests.protocols.provider import CPR, RETURN

# It is written with parts of Authlib that warn of their end.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

UUID = "32014f0c-6986-485e-af66-453ccece65ff"
FILE = """
scopes = ["openid", "profile"]
userinfo = true

[parameters]
login_hint = "dan"

[claims]
mitid_uuid = "person"
cpr = "personnummer"
name = "name"
level = "assurance"
idp = "through"
identity_type = "kind"
authenticated_at = "logged_in_at"

[accepted]
level = ["enough", "more"]
idp = ["mitid"]
identity_type = ["citizen"]
"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Return the address of the provider, on a port of this machine."""
    import logging
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import oidc_provider_mock

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        with oidc_provider_mock.run_server_in_thread() as server:
            yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def client(issuer: str, tmp_path: Path) -> Client:
    """Return a client that has learnt the provider's words from the settings alone."""
    (tmp_path / "mitid.toml").write_text(FILE)
    (tmp_path / "secret").write_text("hemmelig+/=noegle\n")
    (tmp_path / "secret").chmod(0o600)
    settings = configuration.read(
        {
            "MITID_BROKER": "signicat",
            "MITID_ISSUER": issuer,
            "MITID_CLIENT_ID": "unilogin",
            "MITID_CLIENT_SECRET_FILE": str(tmp_path / "secret"),
            "MITID_FILE": str(tmp_path / "mitid.toml"),
        }
    ).mitid
    broker = for_settings(settings)
    assert broker is not None
    return Client(broker, RETURN)


@pytest.fixture
def trip() -> Trip:
    """Return a trip that begins now."""
    dice = Dice()
    return Trip(dice.token(), dice.token(), dice.token(), Clock().now())


def person(issuer: str, trip: Trip, **changes: object) -> None:
    """Tell the provider of a person."""
    claims = {
        "person": UUID,
        "personnummer": CPR,
        "name": "Dan Dalgaard",
        "assurance": "enough",
        "through": "mitid",
        "kind": "citizen",
        "logged_in_at": int(trip.begun_at.timestamp()) + 1,
    }
    requests.put(f"{issuer}/users/dan", json=claims | changes, timeout=10).raise_for_status()


def sent_back(address: str, form: dict[str, str]) -> dict[str, str]:
    """Press a button of the provider's page, and return the parameters that a browser comes back with."""
    answer = requests.post(address, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    location = answer.headers["Location"]
    assert location.startswith(f"{RETURN}?")
    return dict(parse_qsl(urlsplit(location).query))


def test_s_30_a_stranger_who_keeps_to_the_standards_is_understood(
    client: Client, issuer: str, trip: Trip
) -> None:
    person(issuer, trip)
    address = client.address(trip, "da")
    assert requests.get(address, timeout=10).status_code == 200
    found = client.redeem(sent_back(address, {"sub": "dan"}), trip, Clock().now())
    at = found.authenticated_at
    assert found == Identity(UUID, CPR, "Dan Dalgaard", at)
    assert int(at.timestamp()) == int(trip.begun_at.timestamp()) + 1


def test_s_30_a_strangers_code_serves_once(client: Client, issuer: str, trip: Trip) -> None:
    person(issuer, trip)
    answer = sent_back(client.address(trip, "da"), {"sub": "dan"})
    client.redeem(answer, trip, Clock().now())
    with pytest.raises(MitIdError, match="code") as caught:
        client.redeem(answer, trip, Clock().now())
    assert caught.value.fault is MitIdFault.REFUSED


def test_s_30_a_strangers_answer_is_bound_to_its_trip(client: Client, issuer: str, trip: Trip) -> None:
    person(issuer, trip)
    answer = sent_back(client.address(trip, "da"), {"sub": "dan"})
    with pytest.raises(MitIdError, match="nonce"):
        client.redeem(answer, replace(trip, nonce="another"), Clock().now())


def test_s_30_a_stranger_who_proves_too_little_is_refused(client: Client, issuer: str, trip: Trip) -> None:
    for changes, reason in (
        ({"assurance": "little"}, "level"),
        ({"kind": "firm"}, "identity type"),
        ({"through": "password"}, "idp"),
        ({"personnummer": "1"}, "cpr"),
        ({"logged_in_at": 0}, "auth_time"),
    ):
        person(issuer, trip, **changes)
        answer = sent_back(client.address(trip, "da"), {"sub": "dan"})
        with pytest.raises(MitIdError) as caught:
            client.redeem(answer, trip, Clock().now())
        assert caught.value.reason == reason


def test_a_stranger_tells_that_somebody_cancelled(client: Client, trip: Trip) -> None:
    address = client.address(trip, "da")
    answer = sent_back(address, {"action": "deny"}) | {"state": trip.state}
    with pytest.raises(MitIdError) as caught:
        client.redeem(answer, trip, Clock().now())
    assert caught.value.fault is MitIdFault.CANCELLED
