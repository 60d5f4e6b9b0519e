"""`flask mitid check`: what it tells an operator, and that it never tells the secret (S-34, S-83)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from app.config import BrokerName, Config, MitIdSettings
from app.protocols.mitid import inspection
from tests.cli.terminal import Run, done
from tests.protocols.provider import RETURN, SECRET, Provider, Wire, broker, on_loopback

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def provider(app: Flask, config: Config) -> Iterator[Provider]:
    """Return a broker on this machine that the site is set to ask."""
    with on_loopback(Provider(broker())) as serving:
        settings = MitIdSettings(
            BrokerName.NETSEIDBROKER, serving.broker.issuer, serving.broker.client_id, SECRET
        )
        app.extensions["config"] = replace(config, mitid=settings)
        yield serving


def faults(run: Run) -> list[str]:
    """Return what is wrong, after looking that the command said so with its exit code."""
    result = run("mitid", "check")
    assert SECRET not in result.output
    lines = [line for line in result.stdout.splitlines() if line.startswith("WRONG")]
    assert result.exit_code == (1 if lines else 0), result.output
    assert ("does not work" in result.stderr) is bool(lines)
    return lines


def test_a_sound_way_is_told_step_by_step(run: Run, provider: Provider) -> None:
    lines = done(run("mitid", "check")).splitlines()
    assert lines[0] == "MitID through netseidbroker"
    assert [line[:5] for line in lines[1:-2]] == ["   ok"] * 7 + [" note", "   ok"]
    told = "\n".join(lines)
    for word in ("unilogin-test", provider.broker.issuer, "S256", "RS256", "1 usable key", "all scopes"):
        assert word in told
    assert "it knows our client id and our secret" in told
    assert lines[-2].endswith(": http://127.0.0.1:8000/mitid/retur")
    assert SECRET not in told


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda p: p.metadata.update(issuer="https://x"), "to the letter"),
        (lambda p: p.metadata.pop("token_endpoint"), "token_endpoint"),
        (lambda p: p.metadata.update(jwks_uri="http://x.dk/jwks"), "jwks_uri"),
        (lambda p: p.answers.update({"openid-configuration": (500, {}, b"")}), "no readable answer"),
        (lambda p: p.metadata.update(code_challenge_methods_supported=["plain"]), "S256"),
        (lambda p: p.metadata.pop("code_challenge_methods_supported"), "S256"),
        (lambda p: p.metadata.update(id_token_signing_alg_values_supported=["HS256"]), "none of RS256"),
        (lambda p: p.answers.update({"/jwks": (404, {}, b"")}), "cannot be had"),
        (lambda p: p.answers.update({"/jwks": (200, {}, b'{"keys":[]}')}), "none of its keys"),
        (lambda p: setattr(p, "token_error", (401, "invalid_client")), "client id"),
        (lambda p: setattr(p, "token_error", (400, "unauthorized_client")), "client id"),
        (lambda p: setattr(p, "token_error", (400, "invalid_request")), "unexpected answer"),
        (lambda p: p.answers.update({"/token": (502, {}, b"")}), "unexpected answer"),
        (
            lambda p: p.answers.update({"/token": (200, {}, b'{"access_token":"a","id_token":"b"}')}),
            "do not trust it",
        ),
    ],
)
def test_each_fault_is_told_in_words(
    run: Run, provider: Provider, spoil: Callable[[Provider], object], word: str
) -> None:
    spoil(provider)
    (line,) = faults(run)
    assert word in line


def test_a_wrong_secret_is_told_as_one(run: Run, app: Flask, provider: Provider) -> None:
    config = app.extensions["config"]
    app.extensions["config"] = replace(config, mitid=replace(config.mitid, client_secret="another"))
    (line,) = faults(run)
    assert "our secret is another than it has" in line
    assert "another\n" not in run("mitid", "check").output.replace("is another than", "")


def test_what_is_not_announced_is_only_noted(run: Run, provider: Provider) -> None:
    provider.metadata["scopes_supported"] = ["openid"]
    provider.metadata["claims_supported"] = ["mitid.uuid", "mitid.identity_name", "loa", "idp", "dk.cpr"]
    assert faults(run) == []
    told = run("mitid", "check").stdout
    assert " note  it does not announce the scopes mitid, ssn, which we use" in told
    assert "it announces all claims we use" in told


def test_a_broker_that_is_down_is_told(run: Run, app: Flask, config: Config) -> None:
    settings = MitIdSettings(BrokerName.IDURA, "http://127.0.0.1:9", "x", SECRET)
    app.extensions["config"] = replace(config, mitid=settings)
    (line,) = faults(run)
    assert "no readable answer within 5 seconds" in line


def test_what_a_broker_says_cannot_steer_the_terminal(run: Run, provider: Provider) -> None:
    """«S-75» Not even where its own address has to be told."""
    provider.metadata["jwks_uri"] = f"{provider.broker.issuer}/\x1b[31mjwks"
    provider.answers["jwks"] = (404, {}, json.dumps({}).encode())
    result = run("mitid", "check")
    assert "\x1b" not in result.output


def test_without_a_broker_the_check_says_so(run: Run, app: Flask, config: Config) -> None:
    app.extensions["config"] = replace(config, mitid=MitIdSettings())
    result = run("mitid", "check")
    assert result.exit_code == 1
    assert "MITID_BROKER is none" in result.stderr


def test_the_brokers_test_is_noted() -> None:
    issuer = "https://pp.netseidbroker.dk/op"
    provider = Provider(broker(issuer=issuer))
    told = [
        finding.text
        for finding in inspection.inspect(provider.broker, RETURN, 5.0, Wire(provider))
        if finding.verdict is inspection.Verdict.DOUBTFUL
    ]
    assert "people with test MitIDs" in told[0]
