"""Settings: read once from the environment, refused when wrong, never shown when secret (S-08, S-83)."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import config as configuration
from app import keys as keyring
from app.config import Config, ConfigError, Mode, PasswordProfile

SECRET = "hemmeligt-kodeord"


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    """Return an environment that production starts in."""
    keyring.new().write(tmp_path / "keys.json")
    return {
        "MODE": "production",
        "PUBLIC_URL": "https://unilogin.example",
        "DATABASE_URL": f"postgresql://app:{SECRET}@db/unilogin",
        "KEYS_FILE": str(tmp_path / "keys.json"),
        "INSTANCE_DIR": str(tmp_path),
    }


def refusal(environ: dict[str, str]) -> str:
    """Return what a refused environment is told."""
    with pytest.raises(ConfigError) as caught:
        configuration.read(environ)
    return str(caught.value)


def test_nothing_set_is_the_demo_on_this_machine() -> None:
    config = configuration.read({})
    assert (config.mode, config.public_url, config.port) == (Mode.DEMO, "http://127.0.0.1:8000", 8000)
    assert config.database_url.startswith("sqlite:///")
    assert config.password_profile is PasswordProfile.UNILOGIN
    assert (config.session_hours, config.session_idle_minutes, config.flow_minutes) == (8, 60, 30)
    assert not config.is_https


def test_s_83_a_sound_production_environment_is_taken(production: dict[str, str]) -> None:
    config = configuration.read(production)
    assert config.mode is Mode.PRODUCTION
    assert config.is_https
    assert config.host == "unilogin.example"
    assert config.database_url == f"postgresql+psycopg2://app:{SECRET}@db/unilogin"


@pytest.mark.parametrize(
    "name", ["MODE", "PUBLIC_URL", "DATABASE_URL", "KEYS_FILE", "PORT", "WORKERS", "LOG_LEVEL"]
)
def test_an_empty_setting_is_one_that_is_not_set(name: str) -> None:
    assert configuration.read({name: ""}) == configuration.read({})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"PUBLIC_URL": "http://unilogin.example"}, "PUBLIC_URL"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"DATABASE_URL": f"mysql://app:{SECRET}@db/x"}, "DATABASE_URL"),
        ({"KEYS_FILE": ""}, "KEYS_FILE"),
        ({"KEYS_FILE": "/nowhere/keys.json"}, "KEYS_FILE"),
        ({"KEYS_FILE": "/"}, "KEYS_FILE"),
    ],
)
def test_s_83_production_does_not_start_with_what_is_missing_default_or_unsafe(
    production: dict[str, str], changes: dict[str, str], named: str
) -> None:
    told = refusal(production | changes)
    assert [line.partition(":")[0] for line in told.splitlines()] == [named]
    assert SECRET not in told


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o606, 0o610])
def test_s_83_production_refuses_keys_that_others_may_read(production: dict[str, str], mode: int) -> None:
    Path(production["KEYS_FILE"]).chmod(mode)
    assert refusal(production).startswith("KEYS_FILE: ")


@pytest.mark.parametrize("said", [{}, {"MODE": ""}], ids=["not said", "empty"])
def test_s_83_the_demo_does_not_open_to_the_world_unasked(said: dict[str, str]) -> None:
    """«S-83» Its passwords are known, so whoever shows it to others says so."""
    told = refusal({"PUBLIC_URL": "https://unilogin.example"} | said)
    assert told.startswith("MODE: ")
    assert configuration.read({"PUBLIC_URL": "https://unilogin.example", "MODE": "demo"}).is_demo


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:9", "http://[::1]:8000"])
def test_this_machine_needs_no_mode(url: str) -> None:
    assert configuration.read({"PUBLIC_URL": url}).public_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODE", "prod"),
        ("MODE", "PRODUCTION"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "http"),
        ("PORT", "8000.0"),
        ("PORT", "²"),
        ("PORT", "9" * 5000),
        ("WORKERS", "0"),
        ("WORKERS", "65"),
        ("THREADS", "many"),
        ("PASSWORD_PROFILE", "none"),
        ("LOG_LEVEL", "LOUD"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("DATABASE_URL", "unilogin.db"),
        ("DATABASE_URL", f"oracle://app:{SECRET}@db/x"),
        ("PUBLIC_URL", "unilogin.example"),
        ("PUBLIC_URL", "ftp://127.0.0.1"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "http://127.0.0.1/path"),
        ("PUBLIC_URL", "http://127.0.0.1?x=1"),
        ("PUBLIC_URL", "http://127.0.0.1#x"),
        ("PUBLIC_URL", f"http://app:{SECRET}@127.0.0.1"),
        ("PUBLIC_URL", "http://[127.0.0.1"),
        ("PUBLIC_URL", "http://127.0.0.1:port"),
        ("PUBLIC_URL", "http://127.0.0.1:99999"),
        ("PUBLIC_URL", "http://127.0.0.1 8000"),
    ],
)
def test_s_83_a_wrong_setting_is_named_and_no_secret_is_shown(name: str, value: str) -> None:
    told = refusal({"MODE": "demo"} | {name: value})
    assert [line.partition(":")[0] for line in told.splitlines()] == [name]
    assert SECRET not in told


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = refusal({"MODE": "production", "PORT": "x", "PUBLIC_URL": "http://unilogin.example"})
    named = {line.partition(":")[0] for line in told.splitlines()}
    assert named == {"PORT", "PUBLIC_URL", "DATABASE_URL", "KEYS_FILE"}


def test_s_08_only_named_proxies_are_trusted() -> None:
    assert configuration.read({}).trusted_proxies == ()
    found = configuration.read({"TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::/32 192.0.2.7"}).trusted_proxies
    assert [str(network) for network in found] == ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"]


@pytest.mark.parametrize("prefix", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_way_to_name_postgresql_is_known(prefix: str) -> None:
    assert (
        configuration.read({"DATABASE_URL": f"{prefix}://db/x"}).database_url == "postgresql+psycopg2://db/x"
    )


def test_s_16_hashes_at_once_are_twice_the_cores_over_all_workers() -> None:
    import os

    cores = os.cpu_count() or 1
    one, many = configuration.read({"WORKERS": "1"}), configuration.read({"WORKERS": "64"})
    assert one.hash_slots == 2 * cores
    assert many.hash_slots == max(1, 2 * cores // 64)
    assert isinstance(one, Config)
