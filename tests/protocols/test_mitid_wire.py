"""A broker that is down, slow, trickles, talks without end or makes no sense ends in time (S-34)."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from app.protocols.mitid import SECONDS, Client
from app.protocols.mitid.wire import MOST_BYTES
from app.world import MitIdError, MitIdFault
from tests.protocols.provider import (
    CPR,
    NOW,
    RETURN,
    TRIP,
    Answer,
    Provider,
    Wire,
    broker,
    on_loopback,
)
from tests.protocols.test_mitid import ANSWER

SHORT = 0.3  # a test's deadline; the real one is five seconds
LATE = 3.0  # so much more than it that only waiting for the broker could take it


def unreachable(act: Callable[[], object]) -> str:
    """Return the reason for which a broker counts as unreachable."""
    with pytest.raises(MitIdError) as caught:
        act()
    assert caught.value.fault is MitIdFault.UNREACHABLE
    return caught.value.reason


@contextmanager
def speaking(speak: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Give the address of a server on this machine that hears a request and then does `speak`."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(10)

    def serve() -> None:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(10)
            try:
                connection.recv(65536)
                speak(connection, over)
            except OSError:
                pass  # the client has gone, as it should
            else:
                over.wait(10)
            gone.set()

    gone = threading.Event()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        listening.close()
        thread.join(10)
        assert not thread.is_alive()


def silence(_connection: socket.socket, _over: threading.Event) -> None:
    """Say nothing at all."""


def trickling(start: bytes, drop: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Say something at once, and then a little again and again, never ending."""

    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.wait(0.02):
            connection.sendall(drop)

    return speak


def asking() -> set[threading.Thread]:
    """Return the threads that ask a broker now."""
    return {thread for thread in threading.enumerate() if thread.name == "mitid"}


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "speak",
    [
        silence,
        trickling(b"", b"H"),
        trickling(OK, b"X-Drop: 1\r\n"),
        trickling(OK + b"X-Long: ", b"x"),
        trickling(OK + b"Content-Length: 100000\r\n\r\n{", b" "),
        trickling(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        trickling(OK + b"\r\n{", b" "),
    ],
    ids=["silent", "status", "heads", "head", "body", "chunks", "endless"],
)
def test_s_34_a_broker_that_trickles_is_given_up_in_time(
    speak: Callable[[socket.socket, threading.Event], None],
) -> None:
    with speaking(speak) as issuer:
        client = Client(broker(issuer=issuer), RETURN, seconds=SHORT)
        began = time.monotonic()
        assert unreachable(lambda: client.address(TRIP, "da")) in ("deadline", "metadata")
        assert time.monotonic() - began < LATE
        # What was given up is cut off too: no thread goes on listening.
        for thread in asking():
            thread.join(LATE)
        assert asking() == set()


def test_s_34_all_that_a_call_asks_shares_one_deadline(provider: Provider) -> None:
    """Each answer alone would be in time."""

    class Slow(Wire):
        def send(self, *arguments: Any, **options: Any) -> Any:
            left.append(options["timeout"])
            return super().send(*arguments, **options)

    left: list[float] = []
    Client(provider.broker, RETURN, Slow(provider)).redeem(ANSWER, TRIP, NOW)
    assert len(left) == 4
    assert left == sorted(left, reverse=True)
    assert len(set(left)) == 4
    assert SECONDS == 5 >= left[0]


def test_s_34_whatever_does_the_asking_is_given_up_in_time(provider: Provider) -> None:
    """Looking up a name, say, which minds no clock."""
    over = threading.Event()

    class Stuck(Wire):
        def send(self, *arguments: Any, **options: Any) -> Any:
            over.wait(10)
            return super().send(*arguments, **options)

    client = Client(provider.broker, RETURN, Stuck(provider), seconds=SHORT)
    began = time.monotonic()
    assert unreachable(lambda: client.address(TRIP, "da")) == "deadline"
    (stuck,) = asking()
    assert unreachable(lambda: client.address(TRIP, "da")) == "deadline"
    assert time.monotonic() - began < LATE
    # Only the first goes on until what it is stuck in ends; whoever waited behind it does not.
    for thread in asking() - {stuck}:
        thread.join(LATE)
    assert asking() == {stuck}
    over.set()
    stuck.join(LATE)
    assert asking() == set()


def test_s_34_a_name_that_is_looked_up_too_late_gets_no_code(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """«S-34» What was given up sends nothing any more, though nothing could cut it off."""
    over = threading.Event()
    look_up = socket.getaddrinfo

    def slow(*arguments: Any, **options: Any) -> Any:
        over.wait(10)
        return look_up(*arguments, **options)

    with on_loopback(provider):
        client = Client(provider.broker, RETURN, seconds=SHORT)
        client.address(TRIP, "da")
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        assert unreachable(lambda: client.redeem(ANSWER, TRIP, NOW)) == "deadline"
        (stuck,) = asking()
        over.set()
        stuck.join(LATE)
        assert asking() == set()
    assert (provider.count("openid-configuration"), provider.count("token")) == (1, 0)


def test_s_34_no_more_ask_at_once_than_may_and_the_next_is_told_at_once(provider: Provider) -> None:
    """«S-34» A broker that hangs must not take every place to work in."""
    over = threading.Event()
    inside = threading.Barrier(3)

    class Stuck(Wire):
        def send(self, *arguments: Any, **options: Any) -> Any:
            if over.is_set():
                return super().send(*arguments, **options)
            inside.wait(10)
            over.wait(10)
            raise requests.ConnectionError("gone")

    client = Client(provider.broker, RETURN, Stuck(provider), calls=2)
    over.set()
    client.address(TRIP, "da")  # what is published is kept from here on
    over.clear()
    reasons: list[str] = []
    stuck = [
        threading.Thread(target=lambda: reasons.append(unreachable(lambda: client.redeem(ANSWER, TRIP, NOW))))
        for _ in range(2)
    ]
    for thread in stuck:
        thread.start()
    inside.wait(10)
    began = time.monotonic()
    assert unreachable(lambda: client.redeem(ANSWER, TRIP, NOW)) == "no turn"
    assert client.address(TRIP, "da").startswith(provider.broker.issuer)
    assert time.monotonic() - began < LATE
    over.set()
    for thread in stuck:
        thread.join(10)
    assert reasons == ["token endpoint"] * 2
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR


def test_s_34_whoever_waits_for_another_waits_no_longer_than_the_deadline() -> None:
    with speaking(silence) as issuer:
        client = Client(broker(issuer=issuer), RETURN, seconds=SHORT, calls=4)
        reasons: list[str] = []
        crowd = [
            threading.Thread(target=lambda: reasons.append(unreachable(lambda: client.address(TRIP, "da"))))
            for _ in range(4)
        ]
        began = time.monotonic()
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join(10)
        assert time.monotonic() - began < LATE
        assert len(reasons) == 4


def test_s_34_a_crowd_asks_for_what_is_published_once(provider: Provider) -> None:
    client = Client(provider.broker, RETURN, Wire(provider), calls=8)
    found: list[str | None] = []
    crowd = [
        threading.Thread(target=lambda: found.append(client.redeem(ANSWER, TRIP, NOW).cpr)) for _ in range(8)
    ]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(10)
    assert found == [CPR] * 8
    assert (provider.count("openid-configuration"), provider.count("jwks")) == (1, 1)


def test_s_34_a_broker_that_is_down_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    client = Client(broker(issuer=f"http://127.0.0.1:{port}"), RETURN)
    assert unreachable(lambda: client.address(TRIP, "da")) == "metadata"
    assert unreachable(lambda: client.redeem(ANSWER, TRIP, NOW)) == "metadata"


ENDPOINTS = {
    "openid-configuration": "metadata",
    "token": "token endpoint",
    "jwks": "keys",
    "userinfo": "userinfo",
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "said",
    [
        (500, {}, b"{}"),
        (404, {}, b"not here"),
        (200, {}, b"<html>"),
        (200, {}, b"[]"),
        (200, {}, b"\xff\xfe"),
        (200, {}, b""),
        (200, {}, b"[" * 100_000),
        (200, {}, b" " * MOST_BYTES + b"{}"),
        (200, {"Content-Encoding": "gzip"}, b"not gzip"),
        (302, {"Location": "https://stranger.example/"}, b""),
        (307, {"Location": "https://stranger.example/"}, b""),
    ],
    ids=["500", "404", "html", "list", "bytes", "empty", "deep", "long", "gzip", "302", "307"],
)
def test_s_34_an_answer_that_makes_no_sense_is_as_good_as_none(
    client: Client, provider: Provider, endpoint: str, said: Answer
) -> None:
    provider.answers[f"/{endpoint}"] = said
    assert unreachable(lambda: client.redeem(ANSWER, TRIP, NOW)) == ENDPOINTS[endpoint]
    assert all("stranger" not in path and path != "/" for path in provider.asked)
    provider.answers.clear()
    assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR


@pytest.mark.parametrize(
    "tokens",
    [
        {},
        {"access_token": "x"},
        {"id_token": "x"},
        {"access_token": 1, "id_token": "x"},
        {"access_token": "å", "id_token": "x"},
        {"access_token": "x\r\nHost: y", "id_token": "x"},
        {"access_token": "\ud800", "id_token": "x"},
    ],
)
def test_tokens_that_are_none_are_not_used(
    client: Client, provider: Provider, tokens: dict[str, object]
) -> None:
    provider.answers["/token"] = (200, {}, json.dumps(tokens).encode())
    assert unreachable(lambda: client.redeem(ANSWER, TRIP, NOW)) == "token endpoint: no tokens"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": "https://broker.example"}, "issuer of the metadata"),
        ({"issuer": "https://broker.example/op/"}, "issuer of the metadata"),
        ({"issuer": None}, "issuer of the metadata"),
        ({"authorization_endpoint": "http://broker.example/a"}, "authorization_endpoint of the metadata"),
        ({"authorization_endpoint": "javascript:x"}, "authorization_endpoint of the metadata"),
        ({"token_endpoint": None}, "token_endpoint of the metadata"),
        ({"token_endpoint": "http://127.0.0.1/token"}, "token_endpoint of the metadata"),
        ({"jwks_uri": 7}, "jwks_uri of the metadata"),
        ({"userinfo_endpoint": None}, "userinfo_endpoint of the metadata"),
        ({"userinfo_endpoint": "file:///etc/passwd"}, "userinfo_endpoint of the metadata"),
    ],
)
def test_s_34_metadata_of_another_or_without_https_is_not_used(
    client: Client, provider: Provider, changes: dict[str, object], reason: str
) -> None:
    provider.metadata |= changes
    assert unreachable(lambda: client.address(TRIP, "da")) == reason


def test_a_broker_that_tells_all_in_the_id_token_needs_no_userinfo() -> None:
    provider = Provider(broker("idura"), "idura")
    del provider.metadata["userinfo_endpoint"]
    assert Client(provider.broker, RETURN, Wire(provider)).redeem(ANSWER, TRIP, NOW).cpr == CPR


def test_the_whole_conversation_goes_over_a_real_connection(provider: Provider) -> None:
    with on_loopback(provider):
        client = Client(provider.broker, RETURN)
        assert client.address(TRIP, "da").startswith(provider.broker.issuer)
        assert client.redeem(ANSWER, TRIP, NOW).cpr == CPR
    assert all("cookie" not in head for head in provider.heads)


def test_no_proxy_stands_before_this_machine(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with on_loopback(provider):
        assert Client(provider.broker, RETURN).redeem(ANSWER, TRIP, NOW).cpr == CPR


def test_no_password_of_this_machine_goes_along(
    client: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine broker.example login us password ours\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client.redeem(ANSWER, TRIP, NOW)
    assert [head.get("authorization", "")[:7] for head in provider.heads] == ["", "", "", "Bearer "]


def test_s_34_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard: list[bytes] = []

    def serve() -> None:
        try:
            connection, _ = listening.accept()
            with context.wrap_socket(connection, server_side=True) as secure:
                heard.append(secure.recv(100))
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        asked = replace(broker(), issuer=f"https://127.0.0.1:{listening.getsockname()[1]}")
        assert unreachable(lambda: Client(asked, RETURN).address(TRIP, "da")) == "metadata"
        thread.join(10)
    assert heard == []


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for this machine that only itself vouches for, and its key."""
    import ipaddress
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)  # noqa: TID251 - TLS reads the real clock
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
