"""The other commands: what they print, what they leave in the store, and how they refuse."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click import ClickException
from flask import Flask
from sqlalchemy import func, inspect, select, update
from sqlalchemy.exc import DataError

from app import keys as keyring
from app.cli import terminal
from app.cli.terminal import operator
from app.config import PROJECT, Config
from app.db import Database, instant
from app.demo import school
from app.domain import audit, cpr, people
from app.domain.passwords import Hasher
from app.keys import Keys, Purpose
from app.models.audit import AuditEvent
from app.models.credentials import Credential
from app.models.people import (
    Network,
    PasswordType,
    User,
)
from app.world import World
from tests import store
from tests.cast import BO, CARLA, CAST, EGESKOLEN, user_of
from tests.cli.terminal import Run, done, events, refused
from tests.conftest import SetClock
from tests.hashing import QuickHasher
from tests.pages import Browser

# db


def test_db_upgrade_makes_the_tables_and_may_be_repeated(app: Flask, run: Run, tmp_path: Path) -> None:
    fresh = Database(f"sqlite:///{tmp_path}/empty.db")
    app.extensions["database"] = fresh
    for _ in range(2):
        assert done(run("db", "upgrade")) == "The tables are up to date.\n"
    assert "user" in inspect(fresh.engine).get_table_names()
    fresh.dispose()


def test_a_command_on_a_database_without_tables_says_so_in_one_line(
    app: Flask, run: Run, tmp_path: Path
) -> None:
    fresh = Database(f"sqlite:///{tmp_path}/empty.db")
    app.extensions["database"] = fresh
    assert "flask db upgrade" in refused(run("networks", "list"))
    fresh.dispose()


# demo


def test_demo_load_says_that_it_is_there_already(run: Run) -> None:
    assert "nothing changed" in done(run("demo", "load"))


def test_demo_load_tells_its_progress_a_line_a_class(app: Flask, run: Run, tmp_path: Path) -> None:
    fresh = Database(f"sqlite:///{tmp_path}/empty.db")
    app.extensions["database"] = fresh
    app.extensions["hasher"] = QuickHasher(app.extensions["keys"], slots=2, wait_seconds=30)
    run("db", "upgrade")
    lines = done(run("demo", "load")).splitlines()
    assert lines[0].startswith("Egeskolen 0.A: ")
    assert lines[0].endswith("(1 of 40 classes)")
    assert lines[39].endswith("(40 of 40 classes)")
    assert not any("\r" in line or "\x1b" in line for line in lines)
    with fresh.reading() as db:
        assert people.find_by_username(db, "anna1001") is not None
    fresh.dispose()


def test_demo_load_extra_adds_people_for_load_runs(run: Run, database: Database) -> None:
    assert "Prøveskolen: 3 of 3 people" in done(
        run("demo", "load", "--extra", "3", "--password", "Blaaregn47")
    )
    with database.reading() as db:
        assert people.find_by_username(db, "bena0002") is not None
        assert people.find_by_username(db, "bena0003") is None


def test_who_was_loaded_before_is_said_to_keep_the_password_of_then(run: Run) -> None:
    first = done(run("demo", "load", "--extra", "3", "--password", "Blaaregn47"))
    assert "keep the password" not in first
    told = "bena0000 to bena0002 were there before: they keep the password of then."
    for count in ("5", "3"):
        said = done(run("demo", "load", "--extra", count, "--password", "Syrenbusk82"))
        assert said.splitlines()[-1] == told
        told = told.replace("bena0002", "bena0004")


def test_demo_load_extra_needs_its_password(run: Run) -> None:
    assert run("demo", "load", "--extra", "3").exit_code == 2
    assert "names for 1 to 260000" in refused(
        run("demo", "load", "--extra", "260001", "--password", "Blaaregn47")
    )


@pytest.mark.parametrize("password", ["", "  "])
def test_demo_load_extra_makes_nobody_who_can_never_log_in(
    run: Run, database: Database, password: str
) -> None:
    assert "empty password" in refused(run("demo", "load", "--extra", "5", "--password", password))
    with database.reading() as db:
        assert people.find_by_username(db, "bena0000") is None


def test_demo_people_prints_the_cast_for_machines_and_for_people(run: Run) -> None:
    rows = json.loads(done(run("demo", "people", "--json")))
    assert [row["username"] for row in rows] == [member.username for member in CAST]
    anna = next(row for row in rows if row["username"] == "anna1001")
    assert set(anna) >= {"username", "name", "role", "institution", "class", "password", "pictures", "mitid"}
    table = done(run("demo", "people"))
    assert "ugle, kage, sol, bamse" in table
    assert "changed" not in table
    assert table.endswith("Use a second browser or a private window for the pupil.\n")


def test_demo_people_shows_no_password_that_holds_no_more(
    app: Flask, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = Browser(app)
    browser.log_in(BO.username or "", BO.password or "")
    browser.open("/ny-adgangskode/skift")
    browser.press("Næste", filled={"Den adgangskode, du har nu": BO.password or ""})
    browser.open("/login/ny-kode/selv")
    browser.press("Næste", filled={"Ny adgangskode": "GraesTromle27"})
    assert browser.press("Næste", filled={"Ny adgangskode": "GraesTromle27"}).path == "/mit"
    said = [done(run("demo", "people"))]
    with app.app_context():
        school.load_and_show(app.extensions)
    said.append(capsys.readouterr().out)
    for table in said:
        assert re.search(r"^Bo Lind +boli1003 +\(changed since\) ", table, re.MULTILINE)
        assert (BO.password or "") not in table
        assert (CARLA.password or "") in table
        assert table.count("(changed since)") == 2, "of the others nobody's has"
        assert "(changed since): the password does not hold any more; make fresh starts over." in table


@pytest.mark.parametrize("words", [("load",), ("people",), ("people", "--json")])
def test_s_83_production_refuses_every_demo_command(production: Flask, words: tuple[str, ...]) -> None:
    result = production.test_cli_runner().invoke(args=["demo", *words])
    assert "not for production" in refused(result)
    assert result.stdout == ""


# networks


def test_networks_are_added_listed_and_removed_with_an_event_each(run: Run, database: Database) -> None:
    done(run("networks", "add", "999001", "192.0.2.0/24", "--label", "Kontoret"))
    done(run("networks", "add", "999001", "2001:db8:1::/48"))
    done(run("networks", "add", "999002", "198.51.100.7"))
    lines = done(run("networks", "list")).splitlines()
    assert lines == [
        "999001  192.0.2.0/24  Egeskolen Kontoret",
        "999001  2001:db8:1::/48  Egeskolen",
        "999002  198.51.100.7/32  Bøgeskolen",
    ]
    done(run("networks", "remove", "999001", "192.0.2.0/24"))
    with database.reading() as db:
        assert set(db.scalars(select(Network.cidr))) == {"2001:db8:1::/48", "198.51.100.7/32"}
        egeskolen = people.find_institution(db, EGESKOLEN.number)
        assert egeskolen is not None
    added, removed = events(database, "NETWORK_ADDED"), events(database, "NETWORK_REMOVED")
    assert len(added) == 3
    told = {"cidr": "192.0.2.0/24", "operator": operator()}
    assert [(e.institution_id, e.details) for e in removed] == [(egeskolen.id, told)]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("add", "000000", "192.0.2.0/24"), "no institution"),
        (("add", "999001", "192.0.2.1/24"), "no network"),
        (("add", "999001", "school"), "no network"),
        (("add", "999001", "0.0.0.0/0"), "wider"),
        (("add", "999001", "2001::/16"), "wider"),
        (("add", "999001", "::ffff:192.0.2.0/120"), "IPv4"),
        (("add", "999001", "192.0.2.0/24", "--label", "L" * 101), "100 characters"),
        (("remove", "999001", "192.0.2.0/24"), "no such network"),
        (("remove", "999001", "x"), "no network"),
        (("remove", "000000", "192.0.2.0/24"), "no institution"),
    ],
)
def test_networks_refuses_in_one_line(
    run: Run, database: Database, words: tuple[str, ...], reason: str
) -> None:
    assert reason in refused(run("networks", *words))
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Network)) == 0


def test_a_network_is_not_added_twice(run: Run) -> None:
    done(run("networks", "add", "999001", "192.0.2.0/24"))
    assert "already" in refused(run("networks", "add", "999001", "192.0.2.0/24"))


def test_an_institutions_number_is_taken_as_people_type_it(run: Run) -> None:
    done(run("networks", "add", " 999001 ", "192.0.2.0/24", "--label", "L" * 100))
    assert done(run("networks", "list")).startswith("999001  192.0.2.0/24  Egeskolen LLL")
    done(run("networks", "remove", "999001 ", "192.0.2.0/24"))
    assert done(run("networks", "list")) == ""


# audit


def test_audit_list_names_people_and_takes_the_sting_out_of_control_characters(
    run: Run, database: Database, world: World
) -> None:
    with database.writing() as db:
        db.execute(update(User).where(User.username == CARLA.username).values(given_name="Car\x1b[31mla\n"))
        audit.record(db, audit.Event.BLOCKED, instant(world.clock), subject_id=user_of(db, CARLA).id)
        db.commit()
    done(run("networks", "add", "999001", "192.0.2.0/24"))
    lines = done(run("audit", "list", "--most", "2")).splitlines()
    assert len(lines) == 2
    assert "BLOCKED  to=Car\\u001b[31mla\\u000a Juhl" in lines[0]
    assert "NETWORK_ADDED  at=999001  cidr=192.0.2.0/24" in lines[1]
    about = done(run("audit", "list", "--about", "carl2001")).splitlines()
    assert [line.split()[2] for line in about] == ["PASSWORD_CHANGED", "BLOCKED"]
    assert "nobody" in refused(run("audit", "list", "--about", "nobo0000"))


def test_s_75_every_event_is_recorded_under_its_own_name() -> None:
    assert len(audit.Event) == len(audit.Event.__members__)
    assert [event.name for event in audit.Event] == list(audit.Event.__members__)


def test_s_75_the_audit_is_sealed_and_verified(run: Run, database: Database) -> None:
    assert ", 0 sealed" in done(run("audit", "verify"))
    assert done(run("audit", "seal")) == f"Sealed {store.count(database, 'audit_event')} events.\n"
    assert done(run("audit", "verify")).endswith("The audit holds.\n")
    assert done(run("audit", "seal")) == "Sealed 0 events.\n"


def test_s_75_verify_tells_of_a_tampered_event(run: Run, database: Database) -> None:
    done(run("audit", "seal"))
    with database.engine.execution_options(is_writing=True).begin() as connection:
        is_postgres = connection.dialect.name == "postgresql"
        drop = (
            "DROP TRIGGER audit_event_is_kept ON audit_event"
            if is_postgres
            else "DROP TRIGGER audit_event_stays"
        )
        connection.exec_driver_sql(drop)
        connection.execute(update(AuditEvent).values(event="LOGGED_OUT"))
    result = run("audit", "verify")
    assert result.exit_code == 1
    assert "seal 1 does not fit" in result.stderr


def test_s_75_trim_removes_only_with_yes_and_leaves_a_chain_that_holds(
    run: Run, database: Database, world: World, clock: SetClock
) -> None:
    done(run("audit", "seal"))
    before = (instant(world.clock).at + timedelta(days=2)).strftime("%Y-%m-%d")
    clock.forward(days=410)
    count = store.count(database, "audit_event")
    assert f"{count} events would go" in done(run("audit", "trim", "--before", before))
    assert len(events(database, "DEMO_LOADED")) == 1
    assert done(run("audit", "trim", "--before", before, "--yes")) == f"Removed {count} events.\n"
    assert events(database, "DEMO_LOADED") == []
    assert len(events(database, "START_REMOVED")) == 1
    done(run("audit", "seal"))
    assert "The audit holds." in done(run("audit", "verify"))


def test_s_74_trim_keeps_thirteen_months(run: Run, database: Database, clock: SetClock) -> None:
    """«S-74» Whatever day is said, and also where nothing would be done yet."""
    done(run("audit", "seal"))
    clock.forward(days=(datetime(2033, 3, 31, 12, tzinfo=UTC) - clock.now()).total_seconds() / 86400)
    count = store.count(database, "audit_event")
    for day in ("2032-02-29", "2033-03-31", "2100-01-01"):
        for words in ((), ("--yes",)):
            told = refused(run("audit", "trim", "--before", day, *words))
            assert told == "Error: events are kept for 13 months: say 2032-02-28, or a day before it"
    assert store.count(database, "audit_event") == count
    assert f"{count} events would go" in done(run("audit", "trim", "--before", "2032-02-28"))


# every command


def test_what_a_database_refuses_is_one_line(app: Flask) -> None:
    error = DataError("INSERT", {}, Exception("value too long\nDETAIL: hemmeligt"))
    with pytest.raises(ClickException) as caught, terminal.answering():
        raise error
    assert caught.value.message == "the database says: value too long"


# keys


def test_s_83_keys_new_writes_a_file_for_its_owner_alone_and_prints_no_key(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.json"
    printed = done(run("keys", "new", str(path)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not keyring.read(path).is_demo
    written = path.read_text()
    assert not any(
        ring[0]["key"] in printed for ring in json.loads(written).values() if isinstance(ring, list)
    )
    assert "there already" in refused(run("keys", "new", str(path)))
    assert path.read_text() == written


def test_s_83_keys_new_works_before_production_can_start(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    environ = os.environ | {"MODE": "production", "KEYS_FILE": str(path)}
    command = [sys.executable, "-m", "app.cli", "keys", "new", str(path)]
    subprocess.run(command, cwd=PROJECT, env=environ, check=True, capture_output=True)
    assert not keyring.read(path).is_demo


@pytest.fixture
def own_keys(app: Flask, config: Config, keys: Keys, tmp_path: Path) -> Path:
    """Let the site keep its keys in a file that no other test reads."""
    path = tmp_path / "own.json"
    keys.write(path)
    app.extensions["config"] = replace(config, keys_file=path)
    return path


@pytest.mark.parametrize("purpose", ["password_store", "cpr_store", "token", "cookie"])
def test_s_83_rotating_puts_a_fresh_key_first_and_keeps_the_old(
    run: Run, own_keys: Path, database: Database, purpose: str
) -> None:
    before = json.loads(own_keys.read_text())
    printed = done(run("keys", "rotate", purpose))
    after = json.loads(own_keys.read_text())
    assert after[purpose][1:] == before[purpose]
    assert {name: ring for name, ring in after.items() if name != purpose} == {
        name: ring for name, ring in before.items() if name != purpose
    }
    assert "Restart" in printed
    told = [{"purpose": purpose, "operator": operator()}]
    assert [event.details for event in events(database, "KEY_ROTATED")] == told
    assert after[purpose][0]["key"] not in printed
    assert stat.S_IMODE(own_keys.stat().st_mode) == 0o600


@pytest.mark.parametrize("purpose", ["password_input", "cpr_lookup", "decoy", "throttle"])
def test_what_cannot_rotate_is_refused(run: Run, own_keys: Path, database: Database, purpose: str) -> None:
    before = own_keys.read_text()
    assert "cannot rotate" in refused(run("keys", "rotate", purpose))
    assert own_keys.read_text() == before
    assert events(database, "KEY_ROTATED") == []


def test_s_83_a_key_that_cannot_be_written_is_no_event(
    run: Run, own_keys: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(ring: Keys, path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Keys, "write", write)
    assert "No space left" in refused(run("keys", "rotate", "token"))
    assert events(database, "KEY_ROTATED") == []


def test_s_22_resealing_leaves_nothing_under_the_old_keys_and_every_password_works(
    app: Flask, run: Run, own_keys: Path, database: Database, hasher: Hasher, config: Config
) -> None:
    for purpose in ("password_store", "cpr_store"):
        done(run("keys", "rotate", purpose))
    ring = keyring.read(own_keys)
    app.extensions.update(keys=ring, hasher=Hasher(ring, slots=2, wait_seconds=10))  # the restart
    printed = done(run("keys", "reseal"))
    with database.reading() as db:
        credentials = db.scalars(select(Credential)).all()
        users = db.scalars(select(User).where(User.cpr_sealed.is_not(None))).all()
    assert f"{len(credentials)} passwords" in printed
    assert f"{len(users)} CPR numbers" in printed
    # A ring without the old keys reads everything: they may be thrown away.
    document = json.loads(own_keys.read_text())
    for purpose in ("password_store", "cpr_store"):
        document[purpose] = document[purpose][:1]
    own_keys.write_text(json.dumps(document))
    bare = keyring.read(own_keys)
    opener = Hasher(bare, slots=2, wait_seconds=10)
    for user in users:
        assert cpr.normal(cpr.unseal(bare, user.cpr_sealed or "", user.id))
    hashes = {
        (c.user_id, c.ended_at is None): opener.unseal(c.sealed_hash, c.user_id, c.id, c.password_type)
        for c in credentials
    }
    bo = next(user for user in users if user.username == BO.username)
    assert opener.verify(BO.password or "", bo.id, PasswordType.WORDS_DIGITS, hashes[bo.id, True])
    assert not bare.is_current(Purpose.CPR_STORE, "other.x")
    assert "0 passwords" in done(run("keys", "reseal"))
