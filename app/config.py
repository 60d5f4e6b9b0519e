"""Every setting, its default and the environment variable it is read from."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parent.parent
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(:(?P<port>[0-9]{1,5}))?")

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
    trusted_proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    password_profile: PasswordProfile = PasswordProfile.UNILOGIN
    has_school_login: bool = False
    session_hours: int = 8
    session_idle_minutes: int = 60
    flow_minutes: int = 30
    change_notice_days: int = 30
    password_days: int = 365
    hash_wait_seconds: float = 2.0
    form_bytes: int = 64 * 1024
    form_fields: int = 200
    body_seconds: float = 30.0

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
    def hash_slots(self) -> int:
        """How many password hashes one worker computes at once: 2 x cores over all workers (S-16)."""
        return max(1, 2 * (os.cpu_count() or 1) // self.workers)


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
    port = number("PORT", 8000, 1, 65535)
    instance = Path(environ.get("INSTANCE_DIR", "") or PROJECT / "instance")
    public_url = (environ.get("PUBLIC_URL", "") or f"http://127.0.0.1:{port}").rstrip("/").lower()
    database_url = environ.get("DATABASE_URL", "") or f"sqlite:///{instance / 'unilogin.db'}"
    for prefix in ("postgres://", "postgresql://"):
        if database_url.startswith(prefix):
            database_url = "postgresql+psycopg2://" + database_url.removeprefix(prefix)
    if not database_url.startswith(("sqlite:///", "postgresql+psycopg2://")):
        wrong.append("DATABASE_URL: expected sqlite:///… or postgresql://…")
    keys_file = Path(environ.get("KEYS_FILE", "") or instance / "keys.json")

    address = ADDRESS.fullmatch(public_url)
    if address is None or int(address["port"] or 0) > 65535:
        wrong.append("PUBLIC_URL: expected https://host, without a path")
    elif not environ.get("MODE") and address["host"].strip("[]") not in LOOPBACK_HOSTS:
        wrong.append("MODE: say MODE=production (or MODE=demo) when PUBLIC_URL is not this machine")
    if mode is Mode.PRODUCTION:
        if address is not None and address["scheme"] != "https":
            wrong.append("PUBLIC_URL: production needs https")
        if not environ.get("DATABASE_URL"):
            wrong.append("DATABASE_URL: production needs one")
        if not environ.get("KEYS_FILE"):
            wrong.append("KEYS_FILE: production needs one (make it with: python -m app.cli keys new FILE)")
        wrong.extend(_unsafe_keys_file(keys_file))

    proxies = []
    for text in environ.get("TRUSTED_PROXIES", "").replace(",", " ").split():
        try:
            proxies.append(ipaddress.ip_network(text))
        except ValueError:
            wrong.append(f"TRUSTED_PROXIES: {text!r} is no address or network")

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
        workers=number("WORKERS", 2, 1, 64),
        threads=number("THREADS", 4, 1, 64),
        body_seconds=number("BODY_SECONDS", 30, 1, 600),
        trusted_proxies=tuple(proxies),
        password_profile=choice("PASSWORD_PROFILE", PasswordProfile, PasswordProfile.UNILOGIN),
    )
    if wrong:
        raise ConfigError("\n".join(wrong))
    return config


def _unsafe_keys_file(path: Path) -> list[str]:
    """What is wrong with a file of keys as a file: missing, or readable by others (S-83)."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ["KEYS_FILE: the file is missing or cannot be reached"]
    if not stat.S_ISREG(mode):
        return ["KEYS_FILE: is not a file"]
    if mode & 0o077:
        return ["KEYS_FILE: others may read it; chmod 600 it"]
    return []
