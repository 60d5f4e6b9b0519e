"""The throw-away PostgreSQL: it starts, copies databases, and leaves nothing behind."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.postgres import Postgres, PostgresError

STARTED_AND_ABANDONED = """
import os, signal
from tests.postgres import Postgres
server = Postgres().start()
print(server.pid, server.directory, flush=True)
os.kill(os.getpid(), signal.{signal})
"""


def test_a_database_is_made_from_a_template_and_dropped_under_a_connection() -> None:
    with Postgres() as server:
        engine = create_engine(server.create("school"))
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE pupil (name text)"))
            connection.execute(text("INSERT INTO pupil VALUES ('Anna')"))
        engine.dispose()

        copy = server.create("copy of school", template="school")
        connected = create_engine(copy).connect()
        assert connected.scalar(text("SELECT name FROM pupil")) == "Anna"
        server.drop("copy of school")
        connected.invalidate()
        with pytest.raises(OperationalError, match="does not exist"):
            create_engine(copy).connect()


@pytest.mark.parametrize("durable", [False, True])
def test_only_the_durable_one_waits_for_the_disk(durable: bool) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes")
    with (
        Postgres(durable=durable, settings={"work_mem": "1MB"}) as server,
        closing(psycopg2.connect(host=str(server.directory), user="postgres")) as connection,
        connection.cursor() as cursor,
    ):

        def shown(name: str) -> object:
            cursor.execute(f"SHOW {name}")
            return cursor.fetchone()

        assert {shown(name) for name in names} == {("on" if durable else "off",)}
        assert shown("work_mem") == ("1MB",)


def test_stopping_leaves_no_process_and_no_file() -> None:
    server = Postgres().start()
    pid, directory = server.pid, server.directory
    server.stop()
    assert not is_running(pid)
    assert not directory.exists()
    server.stop()


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGKILL"])
def test_it_goes_with_whoever_started_it(signal: str) -> None:
    # The keeper has this pipe for its error output, so reading ends when the keeper has ended.
    user = subprocess.run(
        [sys.executable, "-c", STARTED_AND_ABANDONED.format(signal=signal)],
        check=False,
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=30,
    )
    pid, directory = user.stdout.split()
    assert not is_running(int(pid))
    assert not Path(directory).exists()


def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(PostgresError, match="unrecognized configuration parameter"):
        Postgres(settings={"no_such_setting": "1"}).start()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
