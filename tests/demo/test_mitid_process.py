"""The simulator of MitID as a process: beside the site, as long as that lives, never in production."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from app import config as configuration
from app import keys as keyring
from app.config import PROJECT, BrokerName, Config, ConfigError, MitIdSettings
from app.serve import has_simulator
from tests.conftest import Template

PATIENCE_SECONDS = 60.0
LONG_SECONDS = "300"
IDLE_KILOBYTES = 20_000
# What `app.serve` does: take the port, start the simulator, become something else.
PARENT = f"""
import os, sys
from app.demo.mitid_simulator import beside
from app.demo.mitid_simulator.identities import TestIdentity
dan = TestIdentity("1", "Dan Holm", {{"da": "far", "en": "father"}}, "Dan Holm", "1985-01-01", None)
process = beside.start(beside.listen(int(sys.argv[1])), [dan])
print(process.pid, flush=True)
os.execv("/bin/sleep", ["sleep", "{LONG_SECONDS}"])
"""


def wait_for(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be counted does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_it_looked(pid: int) -> None:
    """Wait until a process has woken a few times by itself: it looks whether its parent is there."""
    status = Path(f"/proc/{pid}/status")

    def woken() -> int:
        row = next(row for row in status.read_text().splitlines() if row.startswith("voluntary_"))
        return int(row.split()[1])

    before = woken()
    wait_for(lambda: woken() >= before + 3, "it never looks")


def listeners(port: int) -> int:
    """Return on how many sockets somebody listens at a port."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1] == f"0100007F:{port:04X}" and row[3] == "0A" for row in rows)


def free_ports() -> tuple[int, int]:
    """Return two ports that nobody has."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def get(address: str) -> str:
    with urlopen(address, timeout=PATIENCE_SECONDS) as answer:
        return str(answer.read().decode())


@pytest.fixture
def ports() -> tuple[int, int]:
    """Return a port for the site and one for the simulator."""
    return free_ports()


@pytest.fixture
def settings(tmp_path: Path, ports: tuple[int, int]) -> dict[str, str]:
    """Return the environment of a site on free ports."""
    mine = {"INSTANCE_DIR": str(tmp_path), "PORT": str(ports[0]), "MITID_PORT": str(ports[1])}
    return {**os.environ, **mine, "PUBLIC_URL": "", "MODE": "", "MITID_BROKER": ""}


@pytest.fixture
def parent(settings: dict[str, str], ports: tuple[int, int]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Return a process that has started the simulator and become another program, and the simulator's id."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(ports[1])],
        cwd=PROJECT,
        env=settings,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    simulator = int(process.stdout.readline())
    program = Path(f"/proc/{process.pid}/comm")
    wait_for(lambda: program.read_text() == "sleep\n", "it never became another program")
    yield process, simulator
    process.kill()
    process.wait()
    process.stdout.close()
    with suppress(ProcessLookupError):
        if is_running(simulator):
            os.kill(simulator, signal.SIGKILL)


@pytest.mark.parametrize("has_served", [False, True], ids=["before anybody came", "after it served"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_it_ends_with_its_parent_however_that_ends(
    parent: tuple[subprocess.Popen[str], int], ports: tuple[int, int], how: signal.Signals, has_served: bool
) -> None:
    process, simulator = parent
    if has_served:
        assert "Dan Holm" in get(f"http://127.0.0.1:{ports[1]}/")
    assert is_running(simulator)
    process.send_signal(how)
    process.wait(PATIENCE_SECONDS)
    wait_for(lambda: not is_running(simulator), "the simulator outlives its parent")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[1]))


def test_it_lives_while_its_parent_does(
    parent: tuple[subprocess.Popen[str], int], ports: tuple[int, int]
) -> None:
    told = json.loads(get(f"http://127.0.0.1:{ports[1]}/.well-known/openid-configuration"))
    assert told["issuer"] == f"http://127.0.0.1:{ports[1]}"
    wait_until_it_looked(parent[1])
    assert is_running(parent[1])


def test_it_waits_with_next_to_nothing_in_memory(parent: tuple[subprocess.Popen[str], int]) -> None:
    wait_until_it_looked(parent[1])
    rows = Path(f"/proc/{parent[1]}/smaps_rollup").read_text().splitlines()
    pss = next(int(row.split()[1]) for row in rows if row.startswith("Pss:"))
    assert pss < IDLE_KILOBYTES


def test_it_tells_no_version_and_logs_nothing_that_is_asked(
    settings: dict[str, str], ports: tuple[int, int]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "app.demo.mitid_simulator"],
        cwd=PROJECT,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"http://127.0.0.1:{ports[1]}")
        with urlopen(f"http://127.0.0.1:{ports[1]}/", timeout=PATIENCE_SECONDS) as answer:
            assert answer.headers["Server"] == "simulator"
            assert "Dan Holm" in answer.read().decode()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, said) == (0, ("", ""))
    finally:
        process.kill()
        process.communicate()


def run(*words: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words]
    return subprocess.run(
        command, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("module", ["app.serve", "app.demo.mitid_simulator"])
def test_a_busy_port_is_said_plainly(module: str, settings: dict[str, str], ports: tuple[int, int]) -> None:
    with socket.create_server(("127.0.0.1", ports[1])):
        said = run(module, environ=settings)
    assert said.returncode == 1
    assert said.stdout == ""
    first, second = said.stderr.splitlines()
    assert first == f"Port {ports[1]}, for the simulator of MitID, is in use by another program."
    advised = re.search(r"another port: PORT=(\d+) MITID_PORT=(\d+) ", second)
    assert advised is not None
    assert int(advised[1]) == ports[0]
    assert ports[1] < int(advised[2]) < ports[1] + 1000


def neighbours(count: int) -> list[socket.socket]:
    """Take so many ports that follow each other."""
    while True:
        taken = [socket.create_server(("127.0.0.1", 0))]
        try:
            for _ in range(count - 1):
                taken.append(socket.create_server(("127.0.0.1", taken[-1].getsockname()[1] + 1)))
        except (OSError, OverflowError):  # another program has the next one
            for one in taken:
                one.close()
            continue
        return taken


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ({"PORT": 0}, 0),
        ({"PORT": 0, "MITID_PORT": 2}, 0),
        ({"PORT": -1}, 0),
        ({"PORT": -1, "MITID_PORT": 1}, 1),
    ],
    ids=["site", "site and simulator", "neighbour", "simulator"],
)
def test_what_is_advised_for_a_busy_port_is_free_and_repeats_what_was_set(
    settings: dict[str, str], said: dict[str, int], first: int
) -> None:
    taken = neighbours(5)
    taken.pop(0).close()
    start = taken[0].getsockname()[1]
    environ = {name: value for name, value in settings.items() if name not in ("PORT", "MITID_PORT")}
    answer = run("app.serve", environ=environ | {name: str(start + offset) for name, offset in said.items()})
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"Port {start + first}")
    advised = re.search(r"another port: ((?:[A-Z_]+=\d+ )+)make run\n$", answer.stderr)
    assert advised is not None
    ports = {name: int(number) for name, number in re.findall(r"([A-Z_]+)=(\d+)", advised[1])}
    assert set(said) <= set(ports)
    both = {ports["PORT"], ports.get("MITID_PORT", ports["PORT"] + 1)}
    assert len(both) == 2
    for port in both:
        socket.create_server(("127.0.0.1", port)).close()
    for one in taken:
        one.close()


@pytest.mark.parametrize("folder", ["file", "file/below", "/proc/nowhere"])
@pytest.mark.parametrize("command", [["app.serve"], ["flask", "--app", "wsgi", "demo", "people"]])
def test_a_folder_that_cannot_be_is_one_line(
    settings: dict[str, str], tmp_path: Path, command: list[str], folder: str
) -> None:
    """S-83: said by the name of the setting, as of any other."""
    (tmp_path / "file").write_text("here")
    environ = {name: value for name, value in settings.items() if name not in ("KEYS_FILE", "DATABASE_URL")}
    said = run(*command, environ=environ | {"INSTANCE_DIR": str(tmp_path / folder)})
    assert (said.returncode, said.stdout) == (1, "")
    assert re.fullmatch(r"INSTANCE_DIR: .+\n", said.stderr)


def test_s_34_it_does_not_start_in_production(settings: dict[str, str], tmp_path: Path) -> None:
    keyring.new().write(tmp_path / "keys.json")
    production = {
        "MODE": "production",
        "PUBLIC_URL": "https://unilogin.example",
        "DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "KEYS_FILE": str(tmp_path / "keys.json"),
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    said = run("app.demo.mitid_simulator", environ=settings | production)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "The simulator of MitID is not for production.\n"


@pytest.mark.sqlite_only
def test_s_34_no_simulator_stands_beside_production_or_another_broker(config: Config) -> None:
    for broker in BrokerName:
        asked = replace(config, mitid=MitIdSettings(broker))
        assert has_simulator(asked) is (broker is BrokerName.SIMULATOR)
    with pytest.raises(ConfigError, match="MITID_BROKER: production refuses the simulator"):
        configuration.read({"MODE": "production", "MITID_BROKER": "simulator"})


@pytest.mark.sqlite_only
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_make_run_starts_it_and_takes_it_along(
    template: Template, config: Config, settings: dict[str, str], ports: tuple[int, int], how: signal.Signals
) -> None:
    loaded = {"DATABASE_URL": config.database_url, "KEYS_FILE": str(template.config.keys_file)}
    process = subprocess.Popen(
        [sys.executable, "-m", "app.serve"],
        cwd=PROJECT,
        env=settings | loaded,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        line = next(line for line in lines if "MitID:" in line)
        assert line.startswith(f"http://127.0.0.1:{ports[1]} ")
        assert "Dan Holm" in get(f"http://127.0.0.1:{ports[1]}/")
        of_server = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_for(lambda: listeners(ports[0]) == config.workers, "the site does not come up")
        children = [int(word) for word in of_server.read_text().split()]
        (simulator,) = [
            pid for pid in children if b"mitid_simulator" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        workers = [pid for pid in children if pid != simulator]
        for pid in (process.pid, *workers):
            assert b"MALLOC_ARENA_MAX=1\0" in Path(f"/proc/{pid}/environ").read_bytes()
        process.send_signal(how)
        process.wait(PATIENCE_SECONDS)
        wait_for(lambda: not is_running(simulator), "the simulator outlives the server")
    finally:
        # Whatever a killed server left: its workers are in its session.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
