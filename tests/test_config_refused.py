"""Settings that would hurt later are refused at the start, each by its name and with what to write (S-83)."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import config as configuration
from app import keys as keyring
from tests.test_config import SECRET, refusal


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    """Return an environment that production starts in."""
    keyring.new().write(tmp_path / "keys.json")
    return {
        "MODE": "production",
        "PUBLIC_URL": "https://unilogin.example",
        "DATABASE_URL": "postgresql://db/unilogin",
        "KEYS_FILE": str(tmp_path / "keys.json"),
        "TRUSTED_PROXIES": "127.0.0.1",
        "INSTANCE_DIR": str(tmp_path),
    }


@pytest.mark.parametrize("cores", [1, 2, 3, 8])
def test_s_16_hashes_at_once_are_one_a_core_over_all_workers(
    monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    """«S-16» Two a core may be, and are where there are so many workers; more workers are refused."""
    monkeypatch.setattr(configuration, "CORES", cores)
    for workers in range(1, 2 * cores + 1):
        at_once = workers * configuration.read({"WORKERS": str(workers)}).hash_slots
        assert cores <= at_once < cores + workers
        assert at_once <= 2 * cores
    told = refusal({"WORKERS": f"{2 * cores + 1}"})
    assert told.startswith(f"WORKERS: at most {2 * cores} on this machine")


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "10.0.0.1 0.0.0.0/0", "0.0.0.0/1,128.0.0.0/1", "::/3"])
def test_s_08_production_trusts_no_half_of_the_world(production: dict[str, str], text: str) -> None:
    """«S-08» Whoever is trusted as a proxy writes the address that counts."""
    told = refusal(production | {"TRUSTED_PROXIES": text}).splitlines()
    assert all(line.startswith("TRUSTED_PROXIES: ") and "127.0.0.1" in line for line in told)
    private = {"TRUSTED_PROXIES": "10.0.0.0/8 fc00::/7"}
    assert len(configuration.read(production | private).trusted_proxies) == 2


@pytest.mark.parametrize("text", [" ", ",", " , ", ",,"])
def test_s_08_no_proxy_is_no_answer_in_production(production: dict[str, str], text: str) -> None:
    assert refusal(production | {"TRUSTED_PROXIES": text}).startswith("TRUSTED_PROXIES: production needs ")


@pytest.mark.parametrize("text", ["::ffff:10.0.0.1", "::ffff:0:0/96"])
def test_a_proxy_is_named_by_its_own_form(text: str) -> None:
    assert refusal({"TRUSTED_PROXIES": text}).startswith(f"TRUSTED_PROXIES: write {text} as the IPv4 address")


@pytest.mark.parametrize(
    ("url", "wish"),
    [
        ("sqlite:///", "name the file"),
        ("sqlite:///:memory:", "name the file"),
        ("sqlite:///?timeout=5", "name the file"),
        ("sqlite:///%3Amemory%3A", "name the file"),
        ("sqlite:///file::memory:?cache=shared&uri=true", "name the file"),
        ("sqlite:///file:x?mode=memory&uri=1", "name the file"),
        ("postgresql://", "name the database"),
        ("postgres://db", "name the database"),
        (f"postgresql+psycopg2://app:{SECRET}/x@db/", "name the database"),
        ("postgresql:///?host=/tmp", "name the database"),
        ("https://db/unilogin", "expected sqlite:///"),
    ],
)
def test_a_database_without_a_name_is_refused(production: dict[str, str], url: str, wish: str) -> None:
    for environ in ({}, production):
        told = refusal(environ | {"DATABASE_URL": url})
        assert told.startswith(f"DATABASE_URL: {wish}")
        assert SECRET not in told


@pytest.mark.parametrize(
    ("url", "wish"),
    [
        (f"postgresql://app:topp@{SECRET}@127.0.0.1:5432/db", "one @ stands before the host"),
        (f"postgresql://app:topp@{SECRET}/x@127.0.0.1/db", "one @ stands before the host"),
        (f"postgresql://app:topp@{SECRET}?x@127.0.0.1/db", "one @ stands before the host"),
        (f"postgresql://app/x:{SECRET}@db/x", "expected postgresql://"),
        (f"postgresql://app:{SECRET}@127.0.0.1:54x/db", "expected a port"),
        (f"postgresql://app:{SECRET}@127.0.0.1:0/db", "expected a port"),
        (f"postgresql://app:{SECRET}@127.0.0.1:/db", "expected a port"),
        (f"postgresql://app:{SECRET}@[::1]:65536/db", "expected a port"),
        (f"postgresql://app:{SECRET}/db", "expected a port"),
        ("postgresql://app:12345678/db", "expected a port"),
        (f"postgresql://app:{SECRET}@db:²/db", "expected a port"),
    ],
)
def test_s_83_an_address_that_would_show_the_databases_password_in_an_error_is_refused(
    production: dict[str, str], url: str, wish: str
) -> None:
    """«S-83» Of what stands where host, port or name are read, the database's own errors tell."""
    for environ in ({}, production):
        told = refusal(environ | {"DATABASE_URL": url})
        assert told.startswith(f"DATABASE_URL: {wish}")
        assert SECRET not in told
        assert "12345678" not in told


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:to%40pp@db:5432/unilogin",
        "postgresql://app:a:b/c?d#e@db/unilogin?sslmode=require",
        "postgresql://app@[2001:db8::1]:5433/unilogin",
        "postgresql://app@[2001:db8::1]/unilogin",
        "postgresql://@:5432/unilogin",
        "sqlite:////var/lib/a@b/unilogin.db",
        "sqlite:///unilogin.db",
    ],
)
def test_every_address_of_a_database_that_says_one_thing_is_taken(url: str) -> None:
    assert configuration.read({"DATABASE_URL": url}).database_url.endswith(url.partition(":")[2])


@pytest.mark.parametrize(
    "url",
    [
        "http://[1]:8000",
        "http://[::1%25lo]:8000",
        "http://[0:0:0:0:0:0:0:1]:8000",
        "http://[::ffff:7f00:1]:8000",
        "http://[:::]",
        "http://127.0.0.1:0",
        "http://127.0.0.1:08000",
        "http://127.1:8000",
        "http://2130706433:8000",
        "http://0x7f000001:8000",
        "http://127.0.0.0x1:8000",
        "http://127.0.0.256:8000",
        "https://unilogin.example:0443",
        "https://unilogin.example:65536",
    ],
)
def test_s_08_an_address_that_no_browser_sends_is_refused(url: str) -> None:
    """«S-08» The site answers to one host as it is written, so nobody would get in."""
    told = refusal({"MODE": "demo", "PUBLIC_URL": url})
    assert told == "PUBLIC_URL: expected https://host as browsers write it, without a path"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://[2001:db8::1]:8000", "[2001:db8::1]:8000"),
        ("http://192.0.2.7:8000", "192.0.2.7:8000"),
        ("https://1a.unilogin.example:8443/", "1a.unilogin.example:8443"),
        ("https://UNILOGIN.example", "unilogin.example"),
        ("http://x:65535", "x:65535"),
    ],
)
def test_s_08_an_address_that_browsers_send_names_the_host(url: str, host: str) -> None:
    assert configuration.read({"MODE": "demo", "PUBLIC_URL": url}).host == host


def test_a_database_may_be_named_beside_its_socket() -> None:
    url = "postgresql:///unilogin?host=/var/run/postgresql"
    assert configuration.read({"DATABASE_URL": url}).database_url.endswith(
        "/unilogin?host=/var/run/postgresql"
    )


def test_s_83_the_demo_refuses_keys_that_others_may_read(tmp_path: Path) -> None:
    """«S-83» They open what is sealed there as in production; the demo makes its own for its owner alone."""
    environ = {"INSTANCE_DIR": str(tmp_path)}
    keys_file = tmp_path / "keys.json"
    keyring.for_mode(configuration.read(environ))
    configuration.read(environ)
    keys_file.chmod(0o644)
    assert refusal(environ) == f"KEYS_FILE: others may read the file: chmod 600 {keys_file}"
