"""One browser without script, that speaks just enough HTTP: a raw socket kept alive, minimal parsing."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

WAIT_SECONDS = 30.0
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
TOKEN = b'name="csrf_token" value="'


class FaultError(Exception):
    """An answer that is not what the step leads to."""


class Visitor:
    """One connection and the cookies of one browser."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._cookies: dict[str, str] = {}

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def forget(self) -> None:
        """Be a stranger again."""
        self._cookies.clear()

    def be(self, cookies: dict[str, str]) -> None:
        """Go on as the browser that had these cookies."""
        self._cookies = dict(cookies)

    @property
    def cookies(self) -> dict[str, str]:
        """What this browser keeps."""
        return dict(self._cookies)

    def get(self, path: str, *headers: str) -> bytes:
        """Open a page; returns its body."""
        status, _location, body = self._ask("GET", path, None, headers)
        if status != 200:
            raise FaultError(f"GET {path}: {status}")
        return body

    def follow(self, path: str) -> str:
        """Open an address that leads to another; returns that."""
        status, location, _body = self._ask("GET", path)
        if status != 303:
            raise FaultError(f"GET {path}: {status}")
        return location

    def log_in(self, username: str, password: str) -> float:
        """Walk the wizard as a browser without script does; returns the seconds that the password took."""
        self.get("/login")
        page = self.get("/login/brugernavn")
        form = {"csrf_token": token(page), "destination": "", "username": username}
        page = self.get(self.post("/login/brugernavn", form))
        form = {"csrf_token": token(page), "username": username, "password": password}
        sent = time.perf_counter()
        landing = self.post("/login/adgangskode", form)
        answered = time.perf_counter()
        page = self.get(landing)
        if landing != "/mit" or username.encode() not in page:
            raise FaultError(f"{username} landed on {landing}")
        return answered - sent

    def post(self, path: str, form: Mapping[str, str | list[str]]) -> str:
        """Send a form; returns where it leads."""
        status, location, _body = self._ask("POST", path, urlencode(form, doseq=True).encode())
        if status != 303:
            raise FaultError(f"POST {path}: {status}")
        return location

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Sequence[str] = ()
    ) -> tuple[int, str, bytes]:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", f"User-Agent: {AGENT}"]
        lines += ["Accept: text/html", "Accept-Language: da", "Accept-Encoding: gzip, br"]
        lines += headers
        if self._cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self._cookies.items()))
        if body is not None:
            lines += [f"Origin: http://{self._host}", "Sec-Fetch-Site: same-origin"]
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + (body or b""))
        return self._answer()

    def _answer(self) -> tuple[int, str, bytes]:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        length, location = 0, ""
        for line in received[:end].decode("latin-1").split("\r\n")[1:]:
            name, _, value = line.partition(": ")
            name = name.lower()
            if name == "content-length":
                length = int(value)
            elif name == "location":
                location = value
            elif name == "set-cookie":
                self._keep(value)
        body = received[end + 4 :]
        while len(body) < length:
            body += self._receive()
        return int(received[9:12]), location, body

    def _receive(self) -> bytes:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise FaultError("the server hung up")
        return chunk

    def _keep(self, line: str) -> None:
        name, _, value = line.partition(";")[0].partition("=")
        if "Max-Age=0" in line or not value:
            self._cookies.pop(name, None)
        else:
            self._cookies[name] = value


def token(page: bytes) -> str:
    """Return what the page's forms prove themselves with."""
    begin = page.index(TOKEN) + len(TOKEN)
    return page[begin : page.index(b'"', begin)].decode()
