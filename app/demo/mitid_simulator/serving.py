"""The simulator over HTTP: a thread for each connection, quiet, and without a name (S-67)."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from app.demo.mitid_simulator.identities import TestIdentity
from app.demo.mitid_simulator.pages import make_app
from app.world import Clock

PATIENCE_SECONDS = 10.0  # for a connection on which nothing comes


def serve(
    issuer: str,
    redirect_uri: str,
    listener: socket.socket,
    identities: list[TestIdentity],
    is_left: Callable[[], bool],
    look_seconds: float,
) -> None:
    """Serve on an open socket until this process is told to stop or `is_left` says so."""
    app = make_app(issuer, redirect_uri, identities, Clock().now)
    server = _Server("127.0.0.1", listener.getsockname()[1], app, _Requests, fd=listener.fileno())
    server.is_left = is_left
    server.serve_forever(poll_interval=look_seconds)


class _Requests(WSGIRequestHandler):
    """One connection: nothing is logged, and no version told."""

    timeout = PATIENCE_SECONDS
    # A connection a request: a browser that keeps one open would hold a thread.
    protocol_version = "HTTP/1.0"

    def version_string(self) -> str:
        return "simulator"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class _Server(ThreadedWSGIServer):
    """Threads end with the process, which ends when nobody wants it any more."""

    daemon_threads = True
    is_left: Callable[[], bool]

    def service_actions(self) -> None:
        """Look, between two connections and while there are none, whether it is time to go."""
        if self.is_left():
            os._exit(0)
