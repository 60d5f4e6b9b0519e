"""The brokers we know: where each one is, what it is asked for, and how it names what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from app.config import BrokerName, MitIdSettings

NSIS = "https://data.gov.dk/concept/core/nsis/"
NETS = {"test": "https://pp.netseidbroker.dk/op", "production": "https://netseidbroker.dk/op"}
# Signatures with a key that only the broker has: never `none`, never HS*, whose key is our own secret.
ALGORITHMS = ("RS256", "PS256", "ES256")


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """How a broker names what it tells of a person; None where it has no such claim."""

    mitid_uuid: str
    name: str
    level: str
    idp: str
    cpr: str | None = None
    identity_type: str | None = None
    authenticated_at: str = "auth_time"


@dataclass(frozen=True, slots=True)
class Broker:
    """The settings of one broker, and which of its answers are good enough (S-30)."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    parameters: Mapping[str, str]
    claims: ClaimNames
    levels: frozenset[str]
    idps: frozenset[str]
    identity_types: frozenset[str] = frozenset()
    # Whoever has one of these logs in for an organisation, not as a private person.
    business_claims: tuple[str, ...] = ()
    uses_userinfo: bool = True
    algorithms: tuple[str, ...] = ALGORITHMS


def for_settings(settings: MitIdSettings, *, is_demo: bool = False) -> Broker | None:
    """Return the broker that the settings name, with what they override; None without a broker."""
    if settings.broker is BrokerName.NONE:
        return None
    preset = {
        BrokerName.SIMULATOR: _netseidbroker,
        BrokerName.NETSEIDBROKER: _netseidbroker,
        BrokerName.IDURA: _idura,
        BrokerName.SIGNICAT: _signicat,
    }[settings.broker]
    issuer = settings.issuer or NETS["test" if is_demo else "production"]
    broker = preset(issuer, settings.client_id, settings.client_secret)
    accepted = dict(settings.accepted)
    return replace(
        broker,
        scopes=settings.scopes or broker.scopes,
        parameters=_frozen(dict(settings.parameters)) if settings.parameters else broker.parameters,
        claims=replace(broker.claims, **dict(settings.claims)),
        levels=accepted.get("level", broker.levels),
        idps=accepted.get("idp", broker.idps),
        identity_types=accepted.get("identity_type", broker.identity_types),
        uses_userinfo=broker.uses_userinfo if settings.uses_userinfo is None else settings.uses_userinfo,
    )


def _netseidbroker(issuer: str, client_id: str, client_secret: str) -> Broker:
    """Nets eID Broker: levels in the ID token, the person at userinfo. The simulator has its shape."""
    return Broker(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        scopes=("openid", "mitid", "ssn"),
        parameters=_frozen(
            {"idp_values": "mitid", "idp_params": '{"mitid":{"loa_value":"substantial"}}'},
        ),
        claims=ClaimNames(
            mitid_uuid="mitid.uuid",
            name="mitid.identity_name",
            level="loa",
            idp="idp",
            cpr="dk.cpr",
            identity_type="identity_type",
        ),
        levels=frozenset({NSIS + "Substantial", NSIS + "High"}),
        idps=frozenset({"mitid"}),
        identity_types=frozenset({"private"}),
    )


def _idura(issuer: str, client_id: str, client_secret: str) -> Broker:
    """Idura, once Criipto: everything in the ID token; the time of the login as an ISO 8601 text."""
    return Broker(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        scopes=("openid",),
        parameters=_frozen({"acr_values": "urn:grn:authn:dk:mitid:substantial"}),
        claims=ClaimNames(
            mitid_uuid="uuid",
            name="name",
            level="loA",
            idp="identityscheme",
            cpr="cprNumberIdentifier",
            identity_type="authenticationtype",
            authenticated_at="authenticationinstant",
        ),
        levels=frozenset({"SUBSTANTIAL", "HIGH"}),
        idps=frozenset({"dkmitid"}),
        identity_types=frozenset(
            {"urn:grn:authn:dk:mitid:substantial", "urn:grn:authn:dk:mitid:high"},
        ),
        business_claims=("cvrNumberIdentifier", "ridNumberIdentifier"),
        uses_userinfo=False,
    )


def _signicat(issuer: str, client_id: str, client_secret: str) -> Broker:
    """Signicat: levels and person at userinfo; a private person is one without claims of an employer."""
    return Broker(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        scopes=("openid", "profile", "idp-id", "nin", "mitid-extra"),
        parameters=_frozen({"acr_values": "idp:mitid loa:substantial"}),
        claims=ClaimNames(
            mitid_uuid="idp_id",
            name="name",
            level="mitid_loa",
            idp="idp_issuer",
            cpr="nin",
        ),
        levels=frozenset({"SUBSTANTIAL", "HIGH"}),
        idps=frozenset({"MitID"}),
        business_claims=("mitid_employee_uuid", "mitid_organisation_cvr"),
    )


def _frozen(parameters: dict[str, str]) -> Mapping[str, str]:
    return MappingProxyType(parameters)
