"""HTTP to the broker: a call ends by one deadline, follows nowhere and reads no more than it must (S-34)."""

from __future__ import annotations

import io
import queue
import re
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlsplit

import requests
import urllib3
from authlib.common.urls import add_params_to_uri
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from requests.adapters import BaseAdapter, HTTPAdapter

from app.config import LOOPBACK_HOSTS
from app.protocols.mitid.brokers import Broker
from app.world import MitIdError, MitIdFault

MOST_BYTES = 256 * 1024
PIECE_BYTES = 16 * 1024
# What a broker can make the libraries raise; the last by JSON that is nested without end.
UNREADABLE = (requests.RequestException, ValueError, TypeError, ArithmeticError, RecursionError)
TOKEN = re.compile(r"[!-~]{1,131072}")
T = TypeVar("T")


class Line(HTTPAdapter):
    """Connections that can be cut from another thread, and that send nothing after the deadline."""

    def __init__(self, deadline: float) -> None:
        """Begin without connections; they may be used until `deadline`, on the monotonic clock."""
        super().__init__()
        self._deadline = deadline
        self._connections: list[Any] = []

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pool for a request; it tells us of every connection it makes."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        kind = type(pool).ConnectionCls

        def opened(*args: Any, **kwargs: Any) -> Any:
            connection = kind(*args, **kwargs)
            # A name that is looked up too late leads to a connection that nobody waits for any more, and
            # over which the code would still go out.
            connection.connect = self._in_time(connection.connect)
            connection.send = self._in_time(connection.send)
            self._connections.append(connection)
            return connection

        pool.ConnectionCls = opened
        return pool

    def _in_time(self, act: Callable[..., None]) -> Callable[..., None]:
        def acted(*args: Any) -> None:
            self._stop_late()
            act(*args)
            self._stop_late()

        return acted

    def _stop_late(self) -> None:
        if time.monotonic() >= self._deadline:
            raise TimeoutError("deadline")

    def cut(self) -> None:
        """End what is being read or written now; whoever waits for it hears of an error."""
        for connection in list(self._connections):
            # One without a socket is not open yet, or its answer holds it and minds the deadline itself.
            if connection.sock is not None:
                with suppress(OSError):
                    # Not an SSLSocket's own: that would take the ground from under whoever reads.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


class Bounded(BaseAdapter):
    """An adapter's answers, read whole: no redirect, no more than a size, all by one deadline (S-34)."""

    def __init__(self, inner: BaseAdapter, deadline: float) -> None:
        """Take the adapter that asks, and until when, on the monotonic clock."""
        super().__init__()
        self._inner, self._deadline = inner, deadline

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the whole answer; raises `RequestException`."""
        answer = self._inner.send(
            request, stream=True, timeout=self._left(), verify=verify, cert=cert, proxies=proxies
        )
        try:
            if answer.is_redirect:
                raise requests.TooManyRedirects("redirect")
            body = bytearray()
            # One piece is what has come, never waiting for more: a trickle is seen at every byte.
            while piece := answer.raw.read1(PIECE_BYTES, decode_content=True):
                body += piece
                if len(body) > MOST_BYTES:
                    raise requests.RequestException("size")
                self._left()
        except (urllib3.exceptions.HTTPError, HTTPException) as error:
            raise requests.ConnectionError(type(error).__name__) from None
        finally:
            answer.raw.close()
        answer.raw = io.BytesIO(bytes(body))
        return answer

    def close(self) -> None:
        """Close what is open."""
        self._inner.close()

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise requests.Timeout("deadline")
        return left


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a broker publishes of itself (OpenID Connect Discovery 1.0, 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    auth_methods: tuple[str, ...]
    announces_iss: bool
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a code was exchanged for."""

    id_token: str
    access_token: str


class Errand:
    """The requests of one call to a broker."""

    def __init__(self, broker: Broker, redirect_uri: str, deadline: float, adapter: BaseAdapter) -> None:
        """Take whom to ask, where people come back, until when, and what asks."""
        self.deadline = deadline
        self._broker = broker
        self._session = OAuth2Session(
            broker.client_id,
            broker.client_secret,
            scope=" ".join(broker.scopes),
            redirect_uri=redirect_uri,
        )
        # A proxy that the environment names stands between us and the internet, not before this machine.
        self._session.trust_env = not is_loopback(broker.issuer)
        self._session.headers["Accept-Encoding"] = "identity"
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, Bounded(adapter, deadline))
        self._session.register_client_auth_method(("client_secret_basic", _basic))

    def metadata(self) -> Metadata:
        """Return the published metadata of the configured issuer (OpenID Connect Discovery 1.0, 4)."""
        issuer = self._broker.issuer
        found = self.get_object(issuer.rstrip("/") + "/.well-known/openid-configuration", "metadata")
        if found.get("issuer") != issuer:
            raise unreachable("issuer of the metadata")
        addresses: dict[str, Any] = {
            name: found.get(name)
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
        }
        for name, address in addresses.items():
            is_needed = name != "userinfo_endpoint" or self._broker.uses_userinfo
            if (is_needed or address is not None) and not is_safe(address, issuer):
                raise unreachable(f"{name} of the metadata")
        methods = found.get("token_endpoint_auth_methods_supported")
        return Metadata(
            **addresses,
            # RFC 8414, 2: Basic is what a server that says nothing takes.
            auth_methods=tuple(methods) if isinstance(methods, list) else ("client_secret_basic",),
            announces_iss=found.get("authorization_response_iss_parameter_supported") is True,
            document=found,
        )

    def redeem(self, metadata: Metadata, code: str, code_verifier: str) -> Tokens:
        """Exchange a code for tokens (RFC 6749, 4.1.3; RFC 7636, 4.5)."""
        # Both forms are as safe; the form fields are read alike by everybody, Basic is not.
        offered = metadata.auth_methods
        method = "client_secret_post" if "client_secret_post" in offered else "client_secret_basic"
        self._session.token_endpoint_auth_method = method
        try:
            answer = self._session.fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=code_verifier,
            )
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise MitIdError(MitIdFault.REFUSED, "code") from None
            raise unreachable(f"token endpoint: {shown(error.error)}") from None
        except UNREADABLE:
            raise unreachable("token endpoint") from None
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not (_is_token(id_token) and _is_token(access_token)):
            raise unreachable("token endpoint: no tokens")
        return Tokens(id_token, access_token)

    def userinfo(self, metadata: Metadata, tokens: Tokens) -> dict[str, Any]:
        """Return what the broker tells of the person (OpenID Connect Core 1.0, 5.3)."""
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        return self.get_object(str(metadata.userinfo_endpoint), "userinfo", headers)

    def get_object(self, url: str, what: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return a JSON object; raises `MitIdError` (UNREACHABLE) that says what could not be had."""
        try:
            answer = self._session.get(url, withhold_token=True, headers=headers, auth=_none)
            found = answer.json() if answer.status_code == 200 else None
        except UNREADABLE:
            raise unreachable(what) from None
        if not isinstance(found, dict):
            raise unreachable(what)
        return found

    def close(self) -> None:
        """Close what is open."""
        self._session.close()


def run(
    broker: Broker,
    redirect_uri: str,
    seconds: float,
    adapter: BaseAdapter | None,
    work: Callable[[Errand], T],
) -> T:
    """Do `work` and return what it returns, or give it up when the time has passed (S-34).

    A thread of its own does it, as looking up a name and reading a head that trickles wait for nobody's
    clock. What is given up is cut off, so that the thread ends too.
    """
    deadline = time.monotonic() + seconds
    line = Line(deadline) if adapter is None else adapter
    told: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def go() -> None:
        errand = Errand(broker, redirect_uri, deadline, line)
        try:
            told.put((work(errand), None))
        except BaseException as error:  # handed to whoever waits
            told.put((None, error))
        finally:
            errand.close()

    threading.Thread(target=go, name="mitid", daemon=True).start()
    try:
        result, error = told.get(timeout=seconds)
    except queue.Empty:
        if isinstance(line, Line):
            line.cut()
        raise unreachable("deadline") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def authorization_url(
    broker: Broker, redirect_uri: str, metadata: Metadata, code_verifier: str, **parameters: str
) -> str:
    """Return the address a browser is sent to (OpenID Connect Core 1.0, 3.1.2.1; RFC 7636, 4.3)."""
    url = prepare_grant_uri(
        metadata.authorization_endpoint,
        broker.client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=" ".join(broker.scopes),
        code_challenge=create_s256_code_challenge(code_verifier),
        code_challenge_method="S256",
        **parameters,
    )
    whole: str = add_params_to_uri(url, broker.parameters.items())
    return whole


def unreachable(reason: str) -> MitIdError:
    """Return the error for a broker that is down, slow or cannot be understood."""
    return MitIdError(MitIdFault.UNREACHABLE, reason)


def is_loopback(address: str) -> bool:
    """Whether an address is on this machine."""
    return urlsplit(address).hostname in LOOPBACK_HOSTS


def is_safe(address: object, issuer: str) -> bool:
    """Whether an address of the metadata may be asked: https, or on this machine like its issuer."""
    if not isinstance(address, str):
        return False
    if address.startswith("https://"):
        return True
    return address.startswith("http://") and is_loopback(address) and is_loopback(issuer)


def shown(error: object) -> str:
    """Return an error code of OAuth for the log, and nothing else that a broker may have put there."""
    text = str(error)
    return text if text.isascii() and text.replace("_", "").isalpha() and len(text) <= 40 else "unknown"


def _is_token(value: object) -> bool:
    return isinstance(value, str) and TOKEN.fullmatch(value) is not None


def _none(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add nothing to a request: what a file of passwords on this machine says must not go along."""
    return request


def _basic(client: Any, _method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, Any]:
    """Authenticate us by Basic with both parts encoded first, as RFC 6749, 2.3.1 has it."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return uri, headers, body
