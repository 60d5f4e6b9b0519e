"""The real server before the real site: what it refuses, for whom it waits, and who is replaced (S-66)."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app import config as configuration
from app.config import PROJECT
from app.db import Database
from app.migrations import migrate
from app.serve import granian_command
from app.web.bodies import Bodies

HEAD_SECONDS = 1
BODY_SECONDS = 2
LATE_SECONDS = 5  # how much later than that a busy machine may be
PATIENCE_SECONDS = 20.0
LOCKED = 7
WRITE_AT_ONCE = f"""
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")
except sqlite3.OperationalError:
    sys.exit({LOCKED})
"""
SLOW_CLIENTS = 40  # five times what works at a time over both workers


@dataclass(frozen=True)
class Server:
    """A running server and where it listens."""

    process: subprocess.Popen[bytes]
    port: int

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)

    def said(self, text: str) -> bytes:
        """Return a request as it goes over the line, with this server's name for HOST."""
        return text.replace("HOST", f"Host: 127.0.0.1:{self.port}").encode("latin-1")

    def send(self, text: str) -> tuple[list[str], bool]:
        """Send this, and return the first line of each answer and whether the server then hung up."""
        with self.connect() as connection:
            connection.sendall(self.said(text))
            return read(connection)

    def get(self, path: str = "/healthz") -> str:
        """Ask for a page over a new connection, and return the first line of the answer."""
        lines, _ = self.send(f"GET {path} HTTP/1.1\r\nHOST\r\nConnection: close\r\n\r\n")
        return lines[0] if lines else ""

    def workers(self) -> set[int]:
        """Return the worker processes."""
        pid = self.process.pid
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def listeners(self) -> int:
        """Return on how many sockets it listens: one a worker, once that is ready."""
        words = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(word[1] == f"0100007F:{self.port:04X}" and word[3] == "0A" for word in words)

    def wait_until_whole(self) -> None:
        """Wait until every worker listens and answers: one told to stop before that does not hear it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.listeners() != 2 or len(self.workers()) != 2:
            assert self.process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server is not ready"
            time.sleep(0.01)
        # The system deals connections out by chance: of so many each worker gets one.
        assert {self.get() for _ in range(20)} == {"HTTP/1.1 200 OK"}


def read(connection: socket.socket, seconds: float = 1.0) -> tuple[list[str], bool]:
    """Return the first line of each answer, and whether the other side then closed."""
    said, is_closed = heard(connection, seconds)
    return [line for line in said.decode("latin-1").splitlines() if line.startswith("HTTP/")], is_closed


def heard(connection: socket.socket, seconds: float = 1.0) -> tuple[bytes, bool]:
    """Read until the other side closes, or says nothing for so long."""
    said, is_closed = b"", False
    connection.settimeout(seconds)
    try:
        while more := connection.recv(65536):
            said += more
        is_closed = True
    except ConnectionResetError:
        is_closed = True
    except TimeoutError:
        pass
    return said, is_closed


def drip(connection: socket.socket) -> float:
    """Send a byte ten times a second until the other side hangs up, and return after how long it did."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_SECONDS:
        try:
            if select.select([connection], [], [], 0.1)[0] and not connection.recv(4096):
                break
            connection.sendall(b"a")
        except OSError:
            break
    return time.monotonic() - began


def start(folder: Path) -> Server:
    """Start the site over an empty database, with short limits."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"INSTANCE_DIR": str(folder), "PORT": str(port), "BODY_SECONDS": str(BODY_SECONDS)}
    config = configuration.read(settings)
    database = Database(config.database_url)
    migrate(database)
    database.dispose()
    command = [
        f"--http1-header-read-timeout={HEAD_SECONDS * 1000}" if "header-read-timeout" in word else word
        for word in granian_command(config)
    ]
    process = subprocess.Popen(
        [*command, "wsgi:app"], cwd=PROJECT, env=os.environ | settings, start_new_session=True
    )
    server = Server(process, port)
    try:
        server.wait_until_whole()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return server


def stop(server: Server) -> None:
    """Stop the server, if need be by force."""
    server.process.terminate()
    try:
        server.process.wait(PATIENCE_SECONDS)
    finally:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("server"))
    yield running
    stop(running)


SMUGGLED = "GET /healthz HTTP/1.1\r\nHOST\r\n\r\n"
POST = "POST /login/brugernavn HTTP/1.1\r\nHOST\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"
AMBIGUOUS = {
    "length and chunks": POST + "Content-Length: 5\r\n" + CHUNKED + "0\r\n\r\n",
    "chunks and length": POST + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a list of lengths": POST + "Content-Length: 5, 5\r\n\r\nhello",
    "a signed length": POST + "Content-Length: +5\r\n\r\nhello",
    "an empty length": POST + "Content-Length: \r\n\r\nhello",
    "chunks": POST + CHUNKED + "5\r\nhello\r\n0\r\n\r\n",
    "another coding": POST + "Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "no coding": POST + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
    "two codings": POST + "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunks inside": POST + "Transfer-Encoding: chunked, gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a coding twice": POST + "Transfer-Encoding: chunked\r\n" + CHUNKED + "5\r\nhello\r\n0\r\n\r\n",
    "a space before the colon": POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a coding over two lines": POST + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": POST.replace("1.1", "1.0") + CHUNKED + "0\r\n\r\n",
    "a line feed in a chunk's head": POST + CHUNKED + "5\nhello\r\n0\r\n\r\n",
    "a line feed in a chunk's extension": POST + CHUNKED + "5;a\nb\r\nhello\r\n0\r\n\r\n",
    "a bare carriage return": POST + "X-A: b\rContent-Length: 5\r\n\r\nhello",
    "a null": POST + "X-A: b\0c\r\nContent-Length: 5\r\n\r\nhello",
    "no host": POST.replace("HOST\r\n", "") + "Content-Length: 5\r\n\r\nhello",
    "two hosts": POST + "HOST\r\nContent-Length: 5\r\n\r\nhello",
}


def test_s_67_the_server_tells_its_name_and_no_version(server: Server) -> None:
    for request in ("GET /healthz HTTP/1.1\r\nHOST\r\n", "GET / HTTP/1.1\r\nHost: x\r\n", "BAD\r\n"):
        with server.connect() as connection:
            connection.sendall(server.said(f"{request}Connection: close\r\n\r\n"))
            head = heard(connection)[0].split(b"\r\n\r\n")[0].decode("latin-1").lower()
        told = [line for line in head.split("\r\n") if line.startswith(("server:", "x-powered-by:", "via:"))]
        assert head.startswith("http/1.1"), request
        assert told in ([], ["server: granian"]), request


@pytest.mark.parametrize("text", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_an_ambiguous_request_is_refused_and_the_connection_closed(server: Server, text: str) -> None:
    lines, is_closed = server.send(text + SMUGGLED)
    assert [line.split()[1] for line in lines] == ["400"], "S-66"
    assert is_closed


def test_a_bare_line_feed_hides_no_second_request(server: Server) -> None:
    """S-66: the server ends a line at a bare line feed, as RFC 9112 2.2 allows; so it is one request."""
    lines, _ = server.send("GET /healthz HTTP/1.1\nHOST\nX-A: b\nGET /mit HTTP/1.1\n\n")
    assert [line.split()[1] for line in lines] == ["400"]
    lines, _ = server.send("GET /healthz HTTP/1.1\nHOST\n\n")
    assert [line.split()[1] for line in lines] == ["200"]


@pytest.mark.parametrize(
    "head",
    [
        f"GET /healthz HTTP/1.1\r\nHOST\r\nX-A: {'a' * 16_384}\r\n\r\n",
        f"GET /{'a' * 16_384} HTTP/1.1\r\nHOST\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHOST\r\n" + "".join(f"X-{n}: a\r\n" for n in range(200)) + "\r\n",
    ],
    ids=["one long header", "a long address", "many headers"],
)
def test_a_head_of_more_than_16_kib_is_refused(server: Server, head: str) -> None:
    lines, is_closed = server.send(head)
    assert [line.split()[1] for line in lines] == ["431"], "S-66"
    assert is_closed


def test_a_long_head_within_16_kib_is_read(server: Server) -> None:
    lines, _ = server.send(
        f"GET /healthz HTTP/1.1\r\nHOST\r\nX-A: {'a' * 15_000}\r\nConnection: close\r\n\r\n"
    )
    assert lines == ["HTTP/1.1 200 OK"]


@pytest.mark.parametrize(
    "begun",
    ["", "PRI * HT", "GET /healthz HTTP/1.1\r\nHo", "GET /healthz HTTP/1.1\r\nHOST\r\n\r\n"],
    ids=["nothing", "half of HTTP/2", "half a head", "a request, and no other"],
)
def test_a_head_that_does_not_come_is_not_waited_for(server: Server, begun: str) -> None:
    with server.connect() as connection:
        connection.sendall(server.said(begun))
        began = time.monotonic()
        _, is_closed = read(connection, PATIENCE_SECONDS)
    assert is_closed, "S-66"
    assert HEAD_SECONDS * 0.9 < time.monotonic() - began < HEAD_SECONDS + LATE_SECONDS


def test_a_head_that_drips_is_cut(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX-A: ")
        assert HEAD_SECONDS * 0.9 < drip(connection) < HEAD_SECONDS + LATE_SECONDS, "S-66"


def test_slow_bodies_hold_nobody_up_and_are_cut(server: Server) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connect()) for _ in range(SLOW_CLIENTS)]
        for connection in slow:
            connection.sendall(server.said(f"{POST}Content-Length: 50\r\n\r\na"))
        began = time.monotonic()
        assert {server.get() for _ in range(10)} == {"HTTP/1.1 200 OK"}, "S-66"
        assert time.monotonic() - began < BODY_SECONDS * 0.9, "others waited for the slow"
        for connection in slow:
            lines, is_closed = read(connection, PATIENCE_SECONDS)
            assert is_closed
            assert not any(" 200 " in line for line in lines)
    assert server.get() == "HTTP/1.1 200 OK"


def test_a_body_that_drips_is_cut(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(server.said(f"{POST}Content-Length: 500\r\n\r\n"))
        assert BODY_SECONDS * 0.9 < drip(connection) < BODY_SECONDS + LATE_SECONDS, "S-66"


def test_half_a_body_is_no_body(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(server.said(f"{POST}Content-Length: 100\r\n\r\nusername=anna1001"))
        connection.shutdown(socket.SHUT_WR)
        lines, is_closed = read(connection)
    assert [line.split()[1] for line in lines] == ["400"], "S-66"
    assert is_closed


def test_a_body_of_more_than_64_kib_is_not_read(server: Server) -> None:
    lines, is_closed = server.send(f"{POST}Content-Length: {64 * 1024 + 1}\r\n\r\na")
    assert [line.split()[1] for line in lines] == ["413"], "S-66"
    assert is_closed


def test_only_silent_connections_of_this_server_are_shut() -> None:
    from app.web.bodies import shut_silent_connections

    with ExitStack() as stack:
        ours, other = (stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        clients = [
            stack.enter_context(socket.create_connection(each.getsockname())) for each in (ours, other)
        ]
        taken = [stack.enter_context(each.accept()[0]) for each in (ours, other)]
        files = set(os.listdir("/proc/self/fd"))

        shut_silent_connections(ours.getsockname()[1], 3600)
        assert not select.select(clients, [], [], 0)[0]

        shut_silent_connections(ours.getsockname()[1], 0)
        assert select.select(clients, [], [], 0)[0] == clients[:1], "S-66"
        taken[1].sendall(b"still here")
        assert clients[1].recv(20) == b"still here"
        with socket.create_connection(ours.getsockname(), 1):
            pass  # who listens is not silent
        assert set(os.listdir("/proc/self/fd")) == files, "a file is left open"


def test_who_gets_no_place_in_time_is_told_so_without_one() -> None:
    """S-16."""
    inside, go_on = threading.Event(), threading.Event()

    def site(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if "app.too_busy" in environ:
            return [b"busy"]
        inside.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return [b"done"]

    def ask() -> bytes:
        return b"".join(bodies({"CONTENT_LENGTH": ""}, lambda *_: None))

    bodies = Bodies(site, places=1, seconds=1, patience=0.01)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask)
        assert inside.wait(PATIENCE_SECONDS)
        assert ask() == b"busy"
        go_on.set()
        assert first.result() == b"done"
    assert ask() == b"done"


def test_looking_for_silent_connections_gives_up_no_lock_of_the_database(tmp_path: Path) -> None:
    """S-03: closing any copy of a file's descriptor would drop SQLite's locks on that file."""
    from app.db import Database
    from app.web.bodies import shut_silent_connections

    url = f"sqlite:///{tmp_path}/x.db"
    ours = Database(url)
    with ours.writing() as db, socket.create_server(("127.0.0.1", 0)) as listening:
        db.execute(text("CREATE TABLE pupil (name text)"))
        shut_silent_connections(listening.getsockname()[1], 0)
        other = subprocess.run([sys.executable, "-c", WRITE_AT_ONCE, str(tmp_path / "x.db")], check=False)
        assert other.returncode == LOCKED
        db.commit()
        shut_silent_connections(listening.getsockname()[1], 0)
        other = subprocess.run([sys.executable, "-c", WRITE_AT_ONCE, str(tmp_path / "x.db")], check=False)
        assert other.returncode == 0
        assert (tmp_path / "x.db-wal").exists(), "the other took itself for the last one"
    ours.dispose()


def test_a_killed_worker_is_replaced_and_the_other_serves_meanwhile(server: Server) -> None:
    # Once a server only: one that loses the same worker twice within 5.5 seconds gives up.
    before = server.workers()
    killed = min(before)
    ended = os.pidfd_open(killed)
    try:
        os.kill(killed, signal.SIGKILL)
        assert select.select([ended], [], [], PATIENCE_SECONDS)[0]
    finally:
        os.close(ended)
    assert {server.get() for _ in range(5)} == {"HTTP/1.1 200 OK"}, "S-66"
    server.wait_until_whole()
    assert killed not in server.workers()
    assert len(server.workers() - before) == 1
    assert server.get() == "HTTP/1.1 200 OK"


@pytest.mark.parametrize("is_ctrl_c", [False, True], ids=["SIGTERM", "Ctrl-C"])
def test_it_stops_cleanly_with_slow_clients_on_the_line(tmp_path: Path, is_ctrl_c: bool) -> None:
    server = start(tmp_path)
    workers = [os.pidfd_open(pid) for pid in server.workers()]
    try:
        with server.connect() as idle, server.connect() as slow:
            idle.sendall(b"GET /healthz HTTP/1.1\r\n")
            slow.sendall(server.said(f"{POST}Content-Length: 50\r\n\r\na"))
            began = time.monotonic()
            if is_ctrl_c:
                os.killpg(server.process.pid, signal.SIGINT)
            else:
                server.process.terminate()
            assert server.process.wait(PATIENCE_SECONDS) == 0
            assert time.monotonic() - began < BODY_SECONDS + LATE_SECONDS, "a worker had to be killed"
            assert len(select.select(workers, [], [], 0)[0]) == len(workers), "a worker is left"
    finally:
        stop(server)
        for worker in workers:
            os.close(worker)


def test_a_busy_port_is_said_plainly(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = subprocess.run(
            [sys.executable, "-m", "app.serve"],
            check=False,
            cwd=PROJECT,
            env=os.environ | {"PORT": str(port), "INSTANCE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert said.returncode == 1
    assert said.stderr.startswith(f"Port {port} is in use")
    assert "Traceback" not in said.stderr
