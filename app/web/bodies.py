"""Bodies come whole and in time, and whoever is slow holds nobody up (S-66).

The server gives a request a thread as soon as its head is there, and that thread then waits for the
body. So there are many threads to wait in and few places to work in: a body is read before a place is
taken. The server knows no time limit for bodies, and reading cannot be interrupted, so a connection
that takes too long is shut underneath it; reading then ends at once.
"""

from __future__ import annotations

import io
import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue

from app.web.gate import PLAIN, Environ, StartResponse, Wsgi

CHECK_EVERY_SECONDS = 1.0
# Nothing sent for so many times the limit of a body: someone who does not read the answer. (A
# connection without a request is closed by the server itself, after the time a head may take.)
STALLED_LIMITS = 4
# In Linux' struct tcp_info: the state, and for how many milliseconds nothing was sent.
TCP_INFO = struct.Struct("B43xI")
ESTABLISHED = 1


class Bodies:
    """Reads each body whole, then lets the request on when there is a place to work in."""

    def __init__(self, inside: Wsgi, *, places: int, seconds: float, patience: float) -> None:
        """Stand before `inside`, which at most `places` requests enter at a time.

        A body has `seconds` to come, and a request `patience` seconds to get a place.
        """
        self._inside = inside
        # A token for each; the library's semaphores are written in Python, and cost more than all else here.
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(places):
            self._places.put(None)
        self._seconds = seconds
        self._patience = patience
        self._deadlines: dict[int, float] = {}
        self._cutter: threading.Thread | None = None
        self._starting = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if self._cutter is None and environ.get("SERVER_SOFTWARE") == "Granian":
            self._start_cutter(int(environ["SERVER_PORT"]))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length:
            body = self._read(environ, length)
            if len(body) != length:
                # Cut off, by the client, the network or us: half a form is no form.
                start_response("400 Bad Request", [*PLAIN, ("Connection", "close"), ("Content-Length", "0")])
                return [b""]
            environ["wsgi.input"] = io.BytesIO(body)
        if not self._takes_place():
            # Told so at once, without a place: the page for it asks no database and computes no hash (S-16).
            environ["app.too_busy"] = True
            return self._answer(environ, start_response)
        try:
            return self._answer(environ, start_response)
        finally:
            self._places.put(None)

    def _takes_place(self) -> bool:
        try:
            self._places.get(timeout=self._patience)
        except Empty:
            return False
        return True

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        parts = self._inside(environ, start_response)
        if "app.is_streamed" in environ:
            return self._in_turns(parts)
        try:
            return [b"".join(parts)]
        finally:
            _close(parts)

    def _in_turns(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        """Make a long answer a part at a time: a place is held while one is made, never while it is sent."""
        making = iter(parts)
        try:
            while True:
                self._places.get()
                try:
                    part = next(making, None)
                finally:
                    self._places.put(None)
                if part is None:
                    return
                yield part
        finally:
            _close(parts)

    def _read(self, environ: Environ, length: int) -> bytes:
        me = threading.get_ident()
        self._deadlines[me] = time.monotonic() + self._seconds
        try:
            return bytes(environ["wsgi.input"].read(length))
        finally:
            del self._deadlines[me]

    def _start_cutter(self, port: int) -> None:
        # At the first request, not before: a server forks after the app is made, and forks lose threads.
        with self._starting:
            if self._cutter is None:
                self._cutter = threading.Thread(target=self._cut, args=(port,), name="cutter", daemon=True)
                self._cutter.start()

    def _cut(self, port: int) -> None:
        look_at = 0.0
        while True:
            time.sleep(min(CHECK_EVERY_SECONDS, self._seconds / 4))
            now = time.monotonic()
            with suppress(OSError):  # no file to be had just now; there is a next time
                if any(deadline < now for deadline in list(self._deadlines.values())):
                    shut_silent_connections(port, self._seconds)
                elif now > look_at:
                    look_at = now + self._seconds
                    shut_silent_connections(port, STALLED_LIMITS * self._seconds)


def _close(parts: Iterable[bytes]) -> None:
    close = getattr(parts, "close", None)
    if close is not None:
        close()


def shut_silent_connections(port: int, seconds: float) -> None:
    """Shut the connections this process took at `port` on which it sent nothing for so long.

    Only sockets are touched. To close any copy of a file's descriptor gives up all of the process's locks
    on that file (fcntl(2)), and SQLite's database, which stands on them, would lose what it has promised.
    """
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        try:
            if not _is_socket(number):
                continue
            # A copy: should the server close its own meanwhile, this still means the same connection.
            copy = os.dup(number)
        except OSError:
            continue  # closed meanwhile
        if not _is_socket(copy):  # closed, and its number given to a file, in between: never to be closed
            continue
        with socket.socket(fileno=copy) as connection, suppress(OSError):
            if _silent_seconds(connection, port) >= seconds:
                connection.shutdown(socket.SHUT_RDWR)


def _is_socket(number: int) -> bool:
    return stat.S_ISSOCK(os.fstat(number).st_mode)


def _silent_seconds(connection: socket.socket, port: int) -> float:
    """Return for how long nothing was sent; a negative number for what is no connection at `port`."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6) or connection.type != socket.SOCK_STREAM:
        return -1
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO.size)
    state, milliseconds = TCP_INFO.unpack(info)
    if state != ESTABLISHED or connection.getsockname()[1] != port:
        return -1
    return float(milliseconds) / 1000
