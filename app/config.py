"""Every setting, its default and the environment variable it is read from."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from app import addresses

PROJECT = Path(__file__).resolve().parent.parent
CORES = os.cpu_count() or 1
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9a-f:]+")
MAIL = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+")
# Where the demo's mails are from and to: a name that nobody can have.
DEMO_MAIL = "support@unilogin.example"
# What `MITID_FILE` may hold, and what is expected of each.
MITID_CLAIMS = {"mitid_uuid", "cpr", "name", "level", "idp", "identity_type", "authenticated_at"}
MITID_ACCEPTED = {"level", "idp", "identity_type"}
MITID_FILE = {
    "userinfo": "expected true or false",
    "scopes": "expected a list of texts with openid among them",
    "parameters": "expected texts, and none that the conversation itself sends",
    "claims": f"expected names of claims, as texts, for {', '.join(sorted(MITID_CLAIMS))}",
    "accepted": f"expected lists of values for {', '.join(sorted(MITID_ACCEPTED))}",
}
# What production says itself. Without proxies all the world would be one client, slowed by one guesser.
NEEDED = (
    ("DATABASE_URL", "one"),
    ("KEYS_FILE", "one (make it with: python -m app.cli keys new FILE)"),
    ("TRUSTED_PROXIES", "the address of the proxy before it (127.0.0.1 on the same machine)"),
)
TEST_ISSUERS = ("https://pp.netseidbroker.dk/op",)
# The last word of a level that is good enough (S-30), whatever a broker puts before it.
SURE_LEVEL = re.compile(r"(.*[^a-z])?(substantial|high)", re.IGNORECASE)
RESERVED_PARAMETERS = {
    *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt"),
    *("code_challenge", "code_challenge_method", "code_verifier", "ui_locales", "request", "request_uri"),
}

E = TypeVar("E", bound=StrEnum)


class ConfigError(Exception):
    """The environment holds settings that nobody should start with; says which, one a line."""


class Mode(StrEnum):
    """What the process is for. Production refuses everything that is only for show."""

    DEMO = "demo"
    PRODUCTION = "production"


class PasswordProfile(StrEnum):
    """Which rules an own password meets: the schools' (`unilogin`) or NIST SP 800-63B's (`nist`)."""

    UNILOGIN = "unilogin"
    NIST = "nist"


class BrokerName(StrEnum):
    """Who asks MitID for us. The simulator knows only the demo's people; without one nobody is asked."""

    SIMULATOR = "simulator"
    NETSEIDBROKER = "netseidbroker"
    IDURA = "idura"
    SIGNICAT = "signicat"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MitIdSettings:
    """Which broker, what it knows us by, and what differs from what we know of it."""

    broker: BrokerName = BrokerName.NONE
    issuer: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    port: int = 8001
    scopes: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    claims: tuple[tuple[str, str], ...] = ()
    accepted: tuple[tuple[str, frozenset[str]], ...] = ()
    uses_userinfo: bool | None = None


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The operator's SMTP server, and whom mails are from and to."""

    host: str = ""
    port: int = 587
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    recipient: str = ""

    @property
    def is_written(self) -> bool:
        """Whether mails are written at all: in the demo to be looked at, else to be sent."""
        return bool(self.recipient)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one process, read once; durations carry their unit in the name."""

    mode: Mode
    public_url: str
    port: int
    instance: Path
    database_url: str
    keys_file: Path
    log_level: str = "INFO"
    workers: int = 2
    threads: int = 4
    trusted_proxies: tuple[addresses.Network, ...] = ()
    password_profile: PasswordProfile = PasswordProfile.UNILOGIN
    session_hours: int = 8
    session_idle_minutes: int = 60
    flow_minutes: int = 30
    change_notice_days: int = 30
    password_days: int = 365
    hash_wait_seconds: float = 2.0
    place_wait_seconds: float = 4.0
    form_bytes: int = 64 * 1024
    form_fields: int = 200
    body_seconds: float = 30.0
    mitid: MitIdSettings = MitIdSettings()
    mail: MailSettings = MailSettings()

    @property
    def is_demo(self) -> bool:
        """Whether this process shows the demo school."""
        return self.mode is Mode.DEMO

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the site over TLS."""
        return self.public_url.startswith("https://")

    @property
    def host(self) -> str:
        """The one host, with port where it is not the scheme's own, that the site answers to (S-08)."""
        return urlsplit(self.public_url).netloc

    @property
    def mitid_return(self) -> str:
        """The address where people come back from MitID; the broker must know it."""
        return f"{self.public_url}/mitid/retur"

    @property
    def hash_slots(self) -> int:
        """How many password hashes a worker computes at once: one a core over all workers (S-16)."""
        return -(-CORES // self.workers)

    @property
    def mitid_calls(self) -> int:
        """How many of a worker's places to work in may wait for the MitID broker at once (S-34)."""
        return max(1, self.threads // 2)


def read(environ: Mapping[str, str] = os.environ) -> Config:
    """Read the settings from the environment.

    Raises:
        ConfigError: naming every setting that is wrong, never the value of a secret.

    """
    wrong: list[str] = []

    def number(name: str, default: int, least: int, most: int) -> int:
        text = environ.get(name, "") or str(default)
        if re.fullmatch("[0-9]{1,9}", text) and least <= int(text) <= most:
            return int(text)
        wrong.append(f"{name}: expected a whole number from {least} to {most}")
        return default

    def choice(name: str, kind: type[E], default: E) -> E:
        text = environ.get(name, "") or default
        if text in set(kind):
            return kind(text)
        wrong.append(f"{name}: expected one of {', '.join(kind)}")
        return default

    mode = choice("MODE", Mode, Mode.DEMO)
    is_demo = mode is Mode.DEMO
    port = number("PORT", 8000, 1, 65535)
    mitid_port = number("MITID_PORT", port + 1 if port < 65535 else port - 1, 1, 65535)
    if mitid_port == port:
        wrong.append("MITID_PORT: must be another one than PORT")
    instance = Path(environ.get("INSTANCE_DIR", "") or PROJECT / "instance")
    public_url = (environ.get("PUBLIC_URL", "") or f"http://127.0.0.1:{port}").rstrip("/").lower()
    database_url = environ.get("DATABASE_URL", "") or f"sqlite:///{instance / 'unilogin.db'}"
    for prefix in ("postgres://", "postgresql://"):
        if database_url.startswith(prefix):
            database_url = "postgresql+psycopg2://" + database_url.removeprefix(prefix)
    wrong.extend(addresses.wrong_database(database_url))
    keys_file = Path(environ.get("KEYS_FILE", "") or instance / "keys.json")

    address = addresses.parts(addresses.SITE, public_url)
    if address is None:
        wrong.append("PUBLIC_URL: expected https://host as browsers write it, without a path")
    elif (address["scheme"], address["port"]) in (("https", "443"), ("http", "80")):
        # Browsers leave it out, and we answer to exactly one host.
        wrong.append("PUBLIC_URL: leave out the port that goes without saying")
    elif not environ.get("MODE") and address["host"].strip("[]") not in LOOPBACK_HOSTS:
        wrong.append("MODE: say MODE=production (or MODE=demo) when PUBLIC_URL is not this machine")
    if mode is Mode.PRODUCTION:
        if address is not None and address["scheme"] != "https":
            wrong.append("PUBLIC_URL: production needs https")
        wrong.extend(
            f"{name}: production needs {what}"
            for name, what in NEEDED
            if not environ.get(name, "").replace(",", " ").strip()
        )
    # The demo makes its own at the first start, for its owner alone.
    if mode is Mode.PRODUCTION or keys_file.exists():
        wrong.extend(_unsafe_file("KEYS_FILE", keys_file))

    # In the demo the terminal shows whom to log in as; requests would bury it.
    log_level = (environ.get("LOG_LEVEL", "") or ("WARNING" if mode is Mode.DEMO else "INFO")).upper()
    if log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        wrong.append("LOG_LEVEL: expected DEBUG, INFO, WARNING or ERROR")

    config = Config(
        mode=mode,
        public_url=public_url,
        port=port,
        instance=instance,
        database_url=database_url,
        keys_file=keys_file,
        log_level=log_level,
        workers=_workers(number("WORKERS", 2, 1, 64), wrong),
        threads=number("THREADS", 4, 1, 64),
        body_seconds=number("BODY_SECONDS", 30, 1, 600),
        trusted_proxies=addresses.proxies(
            environ.get("TRUSTED_PROXIES", ""), wrong, is_strict=mode is Mode.PRODUCTION
        ),
        password_profile=choice("PASSWORD_PROFILE", PasswordProfile, PasswordProfile.UNILOGIN),
        mitid=_mitid(
            environ,
            mode,
            choice("MITID_BROKER", BrokerName, BrokerName.SIMULATOR if is_demo else BrokerName.NONE),
            mitid_port,
            wrong,
        ),
        mail=_mail(environ, mode, number("SMTP_PORT", 587, 1, 65535), wrong),
    )
    if wrong:
        raise ConfigError("\n".join(wrong))
    return config


def _workers(workers: int, wrong: list[str]) -> int:
    """Return how many processes there are to be: each hashes one password at a time at least (S-16)."""
    if workers > 2 * CORES:
        wrong.append(
            f"WORKERS: at most {2 * CORES} on this machine, as each computes a password hash at a time"
            " and more than two a core would be too many at once"
        )
    return workers


def _unsafe_file(name: str, path: Path) -> list[str]:
    """What is wrong with a file of secrets as a file: missing, or readable by others (S-83)."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return [f"{name}: the file is missing or cannot be reached"]
    if not stat.S_ISREG(mode):
        return [f"{name}: is not a file"]
    if mode & 0o077:
        return [f"{name}: others may read the file: chmod 600 {path}"]
    return []


def _mitid(
    environ: Mapping[str, str], mode: Mode, broker: BrokerName, port: int, wrong: list[str]
) -> MitIdSettings:
    """Read the settings of the MitID broker; what is wrong is added to `wrong`."""
    if broker is BrokerName.NONE:
        return MitIdSettings(broker, port=port)
    if broker is BrokerName.SIMULATOR:
        if mode is Mode.PRODUCTION:  # S-34
            wrong.append("MITID_BROKER: production refuses the simulator, which proves nobody")
        return MitIdSettings(broker, f"http://127.0.0.1:{port}", "unilogin", "demo", port)
    issuer = environ.get("MITID_ISSUER", "")
    address = addresses.parts(addresses.ISSUER, issuer)
    if not issuer and broker is not BrokerName.NETSEIDBROKER:
        wrong.append(f"MITID_ISSUER: {broker} needs one: the address of your domain there")
    elif issuer and address is None:
        wrong.append("MITID_ISSUER: expected https://host, and a path where the broker has one")
    elif address is not None and not _may_be_issuer(address, mode):
        wrong.append("MITID_ISSUER: needs https")
    elif issuer in TEST_ISSUERS and mode is Mode.PRODUCTION:
        wrong.append("MITID_ISSUER: production refuses a test broker, where anybody is whom they like")
    client_id = environ.get("MITID_CLIENT_ID", "")
    if not re.fullmatch(r"[!-~]{1,200}", client_id):
        wrong.append("MITID_CLIENT_ID: expected what the broker calls us, without spaces")
    overrides = _mitid_file(environ.get("MITID_FILE", ""), wrong)
    levels = dict(overrides.get("accepted", ())).get("level", ())
    if mode is Mode.PRODUCTION and not all(SURE_LEVEL.fullmatch(level) for level in levels):
        wrong.append("MITID_FILE: accepted: production takes no level but Substantial and High")
    secret = _mitid_secret(environ.get("MITID_CLIENT_SECRET_FILE", ""), wrong)
    return MitIdSettings(broker, issuer, client_id, secret, port, **overrides)


def _may_be_issuer(address: re.Match[str], mode: Mode) -> bool:
    """Whether it is https, or in the demo this machine; the secret and the people go there."""
    is_here = address["host"].strip("[]") in LOOPBACK_HOSTS
    return address["scheme"] == "https" or (is_here and mode is Mode.DEMO)


def _mitid_secret(name: str, wrong: list[str]) -> str:
    if not name:
        wrong.append("MITID_CLIENT_SECRET_FILE: name the file that holds the broker's secret")
        return ""
    return _secret("MITID_CLIENT_SECRET_FILE", name, wrong)


def _secret(variable: str, name: str, wrong: list[str]) -> str:
    """Read a secret, one line, from the file that a variable names (S-83)."""
    if faults := _unsafe_file(variable, Path(name)):
        wrong.extend(faults)
        return ""
    try:
        secret = Path(name).read_text("utf-8").strip()
    except (OSError, ValueError):
        secret = ""
    if not re.fullmatch(r"[!-~]{1,4096}", secret):
        wrong.append(f"{variable}: expected one line, the secret")
    return secret


def _mail(environ: Mapping[str, str], mode: Mode, port: int, wrong: list[str]) -> MailSettings:
    """Read the settings of the mail server; what is wrong is added to `wrong`."""
    host = environ.get("SMTP_HOST", "")
    sender, recipient = environ.get("MAIL_FROM", ""), environ.get("MAIL_TO", "")
    for name, address in (("MAIL_FROM", sender), ("MAIL_TO", recipient)):
        if address and not MAIL.fullmatch(address):
            wrong.append(f"{name}: expected an address like support@example.dk")
    if mode is Mode.DEMO:
        # Nothing leaves the demo, whatever else is set; mails are there to be looked at.
        return MailSettings(sender=sender or DEMO_MAIL, recipient=recipient or DEMO_MAIL)
    if not host:
        if recipient:
            wrong.append("MAIL_TO: without SMTP_HOST nothing is sent there")
        return MailSettings()
    if not HOST.fullmatch(host):
        wrong.append("SMTP_HOST: expected the name of a host")
    if not sender or not recipient:
        wrong.append("MAIL_FROM, MAIL_TO: SMTP_HOST needs both")
    user, file = environ.get("SMTP_USER", ""), environ.get("SMTP_PASSWORD_FILE", "")
    if bool(user) != bool(file):
        wrong.append("SMTP_USER, SMTP_PASSWORD_FILE: one needs the other")
    password = _secret("SMTP_PASSWORD_FILE", file, wrong) if file else ""
    return MailSettings(host, port, user, password, sender, recipient)


def _mitid_file(name: str, wrong: list[str]) -> dict[str, Any]:
    """Read the TOML file that says where a broker differs from what we know of it."""
    if not name:
        return {}
    try:
        document = tomllib.loads(Path(name).read_text("utf-8"))
    except OSError:
        wrong.append("MITID_FILE: the file is missing or cannot be read")
        return {}
    except ValueError as error:
        wrong.append(f"MITID_FILE: is not TOML: {error}")
        return {}
    found: dict[str, Any] = {}
    for key, value in document.items():
        if key == "userinfo" and isinstance(value, bool):
            found["uses_userinfo"] = value
        elif key == "scopes" and _is_texts(value) and "openid" in value:
            found["scopes"] = tuple(value)
        elif key == "parameters" and _is_pairs(value) and not RESERVED_PARAMETERS & set(value):
            found["parameters"] = tuple(value.items())
        elif key == "claims" and _is_pairs(value) and set(value) <= MITID_CLAIMS:
            found["claims"] = tuple(value.items())
        elif key == "accepted" and isinstance(value, dict) and set(value) <= MITID_ACCEPTED:
            if all(_is_texts(accepted) for accepted in value.values()):
                found["accepted"] = tuple((claim, frozenset(texts)) for claim, texts in value.items())
                continue
            wrong.append(f"MITID_FILE: {key}: expected lists of texts")
        else:
            wrong.append(f"MITID_FILE: {key}: {MITID_FILE.get(key, 'nobody knows that')}")
    return found


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) and v for v in value)


def _is_pairs(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(v, str) and v for v in value.values())
