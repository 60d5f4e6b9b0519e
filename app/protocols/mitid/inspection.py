"""What is right and what is wrong with the way to a broker, in words for its operator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from app.protocols.mitid import id_token, wire
from app.protocols.mitid.brokers import NETS, Broker
from app.world import MitIdError

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

# No broker gave us this code, so the answer tells only whether it knows us (RFC 6749, 5.2).
NOBODYS_CODE = "unilogin-asks-whether-you-know-it"
NOBODYS_VERIFIER = NOBODYS_CODE.ljust(43, "-")


class Verdict(StrEnum):
    """How a step went; only WRONG stands in the way."""

    RIGHT = "ok"
    DOUBTFUL = "note"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, and how it is."""

    verdict: Verdict
    text: str


def inspect(
    broker: Broker, redirect_uri: str, seconds: float, http: BaseAdapter | None = None
) -> Iterator[Finding]:
    """Look at one thing after the other, and stop where the next needs what is missing."""
    yield from _settings(broker)
    try:
        metadata = wire.run(broker, redirect_uri, seconds, http, wire.Errand.metadata)
    except MitIdError as error:
        yield _wrong(_metadata_fault(broker, error.reason, seconds))
        return
    yield _right(f"the broker answers within {seconds:g} seconds, and names itself {broker.issuer}")
    yield _right("its addresses for login, tokens and people are there, over https or on this machine")
    document = metadata.document
    offered = document.get("code_challenge_methods_supported")
    yield _judged(
        _has(offered, "S256"),
        "it offers PKCE with S256",
        "it does not offer PKCE with S256, which we ask for",
    )
    algorithms = [name for name in broker.algorithms if _has(_signing(document), name)]
    yield _judged(
        bool(algorithms),
        f"it signs with {', '.join(algorithms)}",
        f"it signs with none of {', '.join(broker.algorithms)}",
    )
    yield _keys(broker, redirect_uri, seconds, http, metadata)
    yield from _announced(broker, document)
    yield _knows_us(broker, redirect_uri, seconds, http, metadata)


def _settings(broker: Broker) -> Iterator[Finding]:
    yield _right(
        f"issuer {broker.issuer}, client id {broker.client_id}, a secret, scopes {_list(broker.scopes)}"
    )
    if broker.issuer == NETS["test"]:
        yield Finding(Verdict.DOUBTFUL, "this is the broker's test: people with test MitIDs get in")


def _metadata_fault(broker: Broker, reason: str, seconds: float) -> str:
    address = broker.issuer.rstrip("/") + "/.well-known/openid-configuration"
    if reason == "issuer of the metadata":
        return f"{address} names another issuer than MITID_ISSUER; they must be equal to the letter"
    if reason.endswith(" of the metadata"):
        return f"{address} gives no {reason.partition(' ')[0]}, or one without https"
    return f"{address} gives no readable answer within {seconds:g} seconds ({reason})"


def _keys(
    broker: Broker, redirect_uri: str, seconds: float, http: BaseAdapter | None, metadata: wire.Metadata
) -> Finding:
    def work(errand: wire.Errand) -> int:
        return len(id_token.usable_keys(errand.get_object(metadata.jwks_uri, "keys")))

    try:
        count = wire.run(broker, redirect_uri, seconds, http, work)
    except MitIdError as error:
        return _wrong(f"its keys at {metadata.jwks_uri} cannot be had ({error.reason})")
    return _judged(
        count > 0,
        f"it publishes {count} usable {'key' if count == 1 else 'keys'}",
        f"none of its keys at {metadata.jwks_uri} can be used: RSA of 2048 bits or more, or EC P-256",
    )


def _announced(broker: Broker, document: Any) -> Iterator[Finding]:
    names = broker.claims
    wanted = {
        "scopes_supported": broker.scopes,
        "claims_supported": tuple(
            name for name in (names.mitid_uuid, names.cpr, names.name, names.level, names.idp) if name
        ),
    }
    for key, asked in wanted.items():
        announced, what = document.get(key), key.partition("_")[0]
        if not isinstance(announced, list):
            yield Finding(Verdict.DOUBTFUL, f"it does not say which {what} it has; we use {_list(asked)}")
        elif missing := [name for name in asked if name not in announced]:
            yield Finding(Verdict.DOUBTFUL, f"it does not announce the {what} {_list(missing)}, which we use")
        else:
            yield _right(f"it announces all {what} we use")


def _knows_us(
    broker: Broker, redirect_uri: str, seconds: float, http: BaseAdapter | None, metadata: wire.Metadata
) -> Finding:
    try:
        wire.run(
            broker, redirect_uri, seconds, http, lambda e: e.redeem(metadata, NOBODYS_CODE, NOBODYS_VERIFIER)
        )
    except MitIdError as error:
        reason = error.reason
        if reason == "code":
            return _right("it knows our client id and our secret")
        if reason.endswith((": invalid_client", ": unauthorized_client")):
            return _wrong("it does not know our client id, or our secret is another than it has")
        return _wrong(f"asked with a code that nobody has, it gives an unexpected answer ({reason})")
    return _wrong("it gave tokens for a code that nobody has; do not trust it")


def _signing(document: Any) -> object:
    return document.get("id_token_signing_alg_values_supported")


def _has(values: object, value: str) -> bool:
    return isinstance(values, list) and value in values


def _list(names: Any) -> str:
    return ", ".join(names)


def _right(text: str) -> Finding:
    return Finding(Verdict.RIGHT, text)


def _wrong(text: str) -> Finding:
    return Finding(Verdict.WRONG, text)


def _judged(is_right: bool, right: str, wrong: str) -> Finding:
    return _right(right) if is_right else _wrong(wrong)
