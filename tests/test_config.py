"""Settings: read once from the environment, refused when wrong, never shown when secret (S-08, S-83)."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import config as configuration
from app import create_app
from app import keys as keyring
from app.config import BrokerName, ConfigError, MitIdSettings, Mode, PasswordProfile
from app.protocols.mitid import for_settings

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
        "TRUSTED_PROXIES": "127.0.0.1",
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


def test_the_simulator_of_mitid_stands_at_the_next_port_unless_another_is_named() -> None:
    assert configuration.read({}).mitid.port == 8001
    assert configuration.read({"PORT": "9000"}).mitid.port == 9001
    assert configuration.read({"PORT": "65535"}).mitid.port == 65534
    assert configuration.read({"MITID_PORT": "9005"}).mitid.port == 9005
    assert refusal({"PORT": "9000", "MITID_PORT": "9000"}).startswith("MITID_PORT:")


def test_s_83_a_sound_production_environment_is_taken(production: dict[str, str]) -> None:
    config = configuration.read(production)
    assert config.mode is Mode.PRODUCTION
    assert config.is_https
    assert config.host == "unilogin.example"
    assert config.database_url == f"postgresql+psycopg2://app:{SECRET}@db/unilogin"


@pytest.mark.parametrize(
    "name", ["MODE", "PUBLIC_URL", "DATABASE_URL", "KEYS_FILE", "PORT", "MITID_PORT", "WORKERS", "LOG_LEVEL"]
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
        ({"TRUSTED_PROXIES": ""}, "TRUSTED_PROXIES"),
        ({"PUBLIC_URL": "https://unilogin.example:443"}, "PUBLIC_URL"),
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


def test_s_34_production_refuses_a_brokers_test_environment(
    production: dict[str, str], tmp_path: Path
) -> None:
    """«S-34» Its identities are made by whoever wants one, so it proves as little as the simulator."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    broker = {
        "MITID_BROKER": "netseidbroker",
        "MITID_ISSUER": "https://pp.netseidbroker.dk/op",
        "MITID_CLIENT_ID": "a",
        "MITID_CLIENT_SECRET_FILE": str(secret),
    }
    assert refusal(production | broker).startswith("MITID_ISSUER: production refuses a test broker")
    configuration.read(production | broker | {"MITID_ISSUER": ""})


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
        ("MITID_PORT", "0"),
        ("MITID_PORT", "65536"),
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
        ("PUBLIC_URL", "https://..."),
        ("PUBLIC_URL", "https://unilogin..example"),
        ("PUBLIC_URL", "https://-"),
    ],
)
def test_s_83_a_wrong_setting_is_named_and_no_secret_is_shown(name: str, value: str) -> None:
    told = refusal({"MODE": "demo"} | {name: value})
    assert [line.partition(":")[0] for line in told.splitlines()] == [name]
    assert SECRET not in told


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = refusal({"MODE": "production", "PORT": "x", "PUBLIC_URL": "http://unilogin.example"})
    named = {line.partition(":")[0] for line in told.splitlines()}
    assert named == {"PORT", "PUBLIC_URL", "DATABASE_URL", "KEYS_FILE", "TRUSTED_PROXIES"}


def test_s_08_only_named_proxies_are_trusted() -> None:
    assert configuration.read({}).trusted_proxies == ()
    found = configuration.read({"TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::/32 192.0.2.7"}).trusted_proxies
    assert [str(network) for network in found] == ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"]


@pytest.mark.parametrize("prefix", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_way_to_name_postgresql_is_known(prefix: str) -> None:
    assert (
        configuration.read({"DATABASE_URL": f"{prefix}://db/x"}).database_url == "postgresql+psycopg2://db/x"
    )


# MitID


@pytest.fixture
def mitid(production: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Return an environment of production with a broker."""
    (tmp_path / "broker-secret").write_text(f"{SECRET}\n")
    (tmp_path / "broker-secret").chmod(0o600)
    return production | {
        "MITID_BROKER": "idura",
        "MITID_ISSUER": "https://unilogin.idura.broker",
        "MITID_CLIENT_ID": "urn:unilogin",
        "MITID_CLIENT_SECRET_FILE": str(tmp_path / "broker-secret"),
    }


def test_the_demo_asks_the_simulator_on_the_next_port() -> None:
    config = configuration.read({"PORT": "9000"})
    assert config.mitid == MitIdSettings(
        BrokerName.SIMULATOR, "http://127.0.0.1:9001", "unilogin", "demo", 9001
    )
    assert config.mitid_return == "http://127.0.0.1:9000/mitid/retur"
    assert configuration.read({"MITID_PORT": "9100"}).mitid.issuer == "http://127.0.0.1:9100"
    assert configuration.read({"PORT": "65535"}).mitid.port == 65534


def test_s_34_production_asks_nobody_until_it_is_told_whom(production: dict[str, str]) -> None:
    assert configuration.read(production).mitid.broker is BrokerName.NONE
    assert configuration.read({"MITID_BROKER": "none"}).mitid.broker is BrokerName.NONE


def test_s_34_production_refuses_the_simulator(production: dict[str, str]) -> None:
    told = refusal(production | {"MITID_BROKER": "simulator"})
    assert told.startswith("MITID_BROKER: production refuses the simulator")


def test_s_83_a_broker_is_read_with_its_secret_and_the_secret_is_never_shown(mitid: dict[str, str]) -> None:
    config = configuration.read(mitid)
    assert config.mitid == MitIdSettings(
        BrokerName.IDURA, "https://unilogin.idura.broker", "urn:unilogin", SECRET
    )
    assert config.mitid_return == "https://unilogin.example/mitid/retur"
    assert SECRET not in repr(config.mitid)


@pytest.mark.parametrize(("threads", "calls"), [("1", 1), ("4", 2), ("7", 3)])
def test_s_34_half_of_the_places_to_work_in_may_wait_for_the_broker(
    tmp_path: Path, threads: str, calls: int
) -> None:
    """«S-34» And that is what the site's own way to MitID is made with."""
    config = configuration.read({"THREADS": threads, "INSTANCE_DIR": str(tmp_path), "LOG_LEVEL": "ERROR"})
    assert config.mitid_calls == calls
    broker = create_app(config).extensions["world"].mitid
    assert broker.calls == calls


def test_nets_needs_no_issuer_as_it_has_the_same_for_all(mitid: dict[str, str]) -> None:
    del mitid["MITID_ISSUER"]
    assert configuration.read(mitid | {"MITID_BROKER": "netseidbroker"}).mitid.issuer == ""


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"MITID_BROKER": "criipto"}, "MITID_BROKER"),
        ({"MITID_PORT": "0"}, "MITID_PORT"),
        ({"MITID_ISSUER": ""}, "MITID_ISSUER"),
        ({"MITID_ISSUER": "http://unilogin.idura.broker"}, "MITID_ISSUER"),
        ({"MITID_ISSUER": "http://127.0.0.1:8001"}, "MITID_ISSUER"),
        ({"MITID_ISSUER": f"https://us:{SECRET}@idura.broker"}, "MITID_ISSUER"),
        ({"MITID_ISSUER": "https://idura.broker?x=1"}, "MITID_ISSUER"),
        ({"MITID_ISSUER": "https://idura.broker#x"}, "MITID_ISSUER"),
        ({"MITID_ISSUER": "idura.broker"}, "MITID_ISSUER"),
        ({"MITID_CLIENT_ID": ""}, "MITID_CLIENT_ID"),
        ({"MITID_CLIENT_ID": "a b"}, "MITID_CLIENT_ID"),
        ({"MITID_CLIENT_SECRET_FILE": ""}, "MITID_CLIENT_SECRET_FILE"),
        ({"MITID_CLIENT_SECRET_FILE": "/nowhere"}, "MITID_CLIENT_SECRET_FILE"),
        ({"MITID_CLIENT_SECRET_FILE": "/"}, "MITID_CLIENT_SECRET_FILE"),
        ({"MITID_FILE": "/nowhere"}, "MITID_FILE"),
    ],
)
def test_s_83_production_does_not_start_with_half_a_broker(
    mitid: dict[str, str], changes: dict[str, str], named: str
) -> None:
    told = refusal(mitid | changes)
    assert [line.partition(":")[0] for line in told.splitlines()] == [named]
    assert SECRET not in told


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_s_83_a_brokers_secret_that_others_may_read_is_refused(mitid: dict[str, str], mode: int) -> None:
    Path(mitid["MITID_CLIENT_SECRET_FILE"]).chmod(mode)
    assert refusal(mitid).startswith("MITID_CLIENT_SECRET_FILE: others may read the file")


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo", b"with space", b"\xff"])
def test_s_83_a_file_that_holds_no_secret_is_refused(mitid: dict[str, str], content: bytes) -> None:
    Path(mitid["MITID_CLIENT_SECRET_FILE"]).write_bytes(content)
    assert refusal(mitid) == "MITID_CLIENT_SECRET_FILE: expected one line, the secret"


def test_the_demo_may_ask_a_broker_on_this_machine(mitid: dict[str, str]) -> None:
    here = {"MODE": "demo", "PUBLIC_URL": "", "MITID_ISSUER": "http://127.0.0.1:9001/op"}
    assert configuration.read(mitid | here).mitid.issuer == "http://127.0.0.1:9001/op"
    assert refusal(mitid | here | {"MITID_ISSUER": "http://idura.broker"}).startswith("MITID_ISSUER: needs")


def test_a_file_says_where_a_broker_differs(mitid: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "mitid.toml").write_text(
        """
        scopes = ["openid", "x"]
        userinfo = true
        [parameters]
        acr_values = "y"
        [claims]
        mitid_uuid = "sub"
        [accepted]
        level = ["HIGH"]
        """
    )
    found = configuration.read(mitid | {"MITID_FILE": str(tmp_path / "mitid.toml")}).mitid
    assert (found.scopes, found.uses_userinfo) == (("openid", "x"), True)
    assert (found.parameters, found.claims) == ((("acr_values", "y"),), (("mitid_uuid", "sub"),))
    assert found.accepted == (("level", frozenset({"HIGH"})),)


@pytest.mark.parametrize(
    "level",
    ["https://data.gov.dk/concept/core/nsis/Low", "LOW", "low", "mitid:low", "insubstantial", "any"],
)
def test_s_30_production_takes_no_level_below_substantial(
    mitid: dict[str, str], tmp_path: Path, level: str
) -> None:
    """«S-30» Whatever a file says; the demo may, for a broker's test."""
    (tmp_path / "mitid.toml").write_text(f'[accepted]\nlevel = ["HIGH", "{level}"]')
    environ = mitid | {"MITID_FILE": str(tmp_path / "mitid.toml")}
    assert refusal(environ).startswith("MITID_FILE: accepted: production takes no level but")
    demo = environ | {"MODE": "demo", "PUBLIC_URL": ""}
    assert configuration.read(demo).mitid.accepted == (("level", frozenset({"HIGH", level})),)


def test_s_30_every_level_that_our_own_brokers_accept_is_one_that_production_takes(
    mitid: dict[str, str], tmp_path: Path
) -> None:
    for name in ("netseidbroker", "idura", "signicat"):
        found = for_settings(MitIdSettings(BrokerName(name), "https://x.example", "a", "b"))
        assert found is not None
        levels = [*sorted(found.levels), "urn:grn:authn:dk:mitid:substantial"]
        (tmp_path / "mitid.toml").write_text(f"[accepted]\nlevel = {levels}")
        configuration.read(mitid | {"MITID_FILE": str(tmp_path / "mitid.toml")})


@pytest.mark.parametrize(
    "line",
    [
        "scopes = []",
        'scopes = ["mitid"]',
        'scopes = "openid"',
        'scopes = ["openid", 1]',
        'userinfo = "yes"',
        "parameters = 1",
        "parameters = {max_age = 0}",
        'parameters = {state = "x"}',
        'parameters = {redirect_uri = "https://stranger.example"}',
        'claims = {uuid = "sub"}',
        'claims = {cpr = ""}',
        "accepted = {level = []}",
        'accepted = {level = "HIGH"}',
        'accepted = {cpr = ["1"]}',
        "accepted = []",
        'algorithms = ["none"]',
        "scopes = [",
    ],
)
def test_s_30_a_file_that_nobody_can_follow_is_refused(
    mitid: dict[str, str], tmp_path: Path, line: str
) -> None:
    (tmp_path / "mitid.toml").write_text(line)
    told = refusal(mitid | {"MITID_FILE": str(tmp_path / "mitid.toml")})
    assert [line.partition(":")[0] for line in told.splitlines()] == ["MITID_FILE"]


SMTP = {"SMTP_HOST": "mail.example.dk", "MAIL_FROM": "unilogin@example.dk", "MAIL_TO": "support@example.dk"}


def test_nothing_leaves_the_demo_by_mail() -> None:
    mail = configuration.read(SMTP).mail
    assert (mail.host, mail.recipient) == ("", "support@example.dk")
    assert configuration.read({}).mail.is_written


def test_production_writes_mails_where_there_is_a_server(production: dict[str, str], tmp_path: Path) -> None:
    assert not configuration.read(production).mail.is_written
    secret = tmp_path / "smtp"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    known = {"SMTP_USER": "unilogin", "SMTP_PASSWORD_FILE": str(secret), "SMTP_PORT": "465"}
    mail = configuration.read(production | SMTP | known).mail
    assert mail.is_written
    assert (mail.host, mail.port, mail.user, mail.password) == ("mail.example.dk", 465, "unilogin", SECRET)
    assert SECRET not in repr(mail)
    secret.chmod(0o644)
    assert "SMTP_PASSWORD_FILE: others may read the file" in refusal(production | SMTP | known)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"MAIL_FROM": ""}, "SMTP_HOST needs both"),
        ({"MAIL_TO": "support"}, "MAIL_TO: expected an address"),
        ({"MAIL_TO": "a@b.dk\nBcc: c@d.dk"}, "MAIL_TO: expected an address"),
        ({"SMTP_HOST": ""}, "MAIL_TO: without SMTP_HOST nothing is sent there"),
        ({"SMTP_HOST": "https://mail"}, "SMTP_HOST: expected the name of a host"),
        ({"SMTP_PORT": "x"}, "SMTP_PORT: expected a whole number"),
        ({"SMTP_USER": "unilogin"}, "one needs the other"),
    ],
)
def test_what_is_wrong_with_the_mails_is_named(
    production: dict[str, str], changed: dict[str, str], said: str
) -> None:
    assert said in refusal(production | SMTP | changed)
