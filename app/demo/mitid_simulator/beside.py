"""Starting the simulator beside the site's server: on a socket made here, and for as long as that lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from itertools import chain

from app.config import PROJECT, Config
from app.demo.mitid_simulator.identities import TestIdentity, written

# Those below are for programs that the system itself starts.
FIRST_PORT, LAST_PORT = 1024, 65535


def address(config: Config) -> str:
    """Return where the simulator stands; it is its issuer as well."""
    return f"http://127.0.0.1:{config.mitid.port}"


def busy(config: Config, command: str = "python -m app.demo.mitid_simulator") -> str:
    """Return what to tell of a port that another program has, with the command that takes another."""
    mitid_port = _first_free(config.mitid.port + 1, lambda port: port != config.port)
    return (
        f"Port {config.mitid.port}, for the simulator of MitID, is in use by another program.\n"
        f"Stop that program, or choose another port: {_named(config, config.port, mitid_port)} {command}"
    )


def busy_site(config: Config, command: str, *, has_simulator: bool) -> str:
    """Return the same of the port of the site, whose simulator stands at the next one unless it is named."""
    mitid_port, is_named = config.mitid.port, bool(os.environ.get("MITID_PORT"))
    if is_named or not has_simulator:
        port = _first_free(config.port + 1, lambda port: port != mitid_port)
    else:
        port = _first_free(config.port + 1, lambda port: is_free(port + 1))
        mitid_port = port + 1
    if has_simulator and not is_free(mitid_port):
        mitid_port = _first_free(mitid_port + 1, lambda other: other != port)
    return (
        f"Port {config.port} is in use by another program.\n"
        f"Stop that program, or choose another port: {_named(config, port, mitid_port)} {command}"
    )


def is_free(port: int) -> bool:
    """Whether a port of this machine can be taken."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except (OSError, OverflowError):  # the last number but one has no neighbour
            return False
    return True


def _first_free(port: int, suits: Callable[[int], bool]) -> int:
    """Return the first port from one on that is free and suits; after the last, it begins from below."""
    numbers = chain(range(port, LAST_PORT + 1), range(FIRST_PORT, port))
    return next((number for number in numbers if suits(number) and is_free(number)), port)


def _named(config: Config, port: int, mitid_port: int) -> str:
    """Return these ports as settings: those that changed, and those that were set before."""
    words = []
    if port != config.port or os.environ.get("PORT"):
        words.append(f"PORT={port}")
    if os.environ.get("MITID_PORT") or mitid_port not in (config.mitid.port, port + 1):
        words.append(f"MITID_PORT={mitid_port}")
    return " ".join(words)


def listen(port: int) -> socket.socket:
    """Take the simulator's port on this machine; whoever connects before it serves waits.

    Raises:
        OSError: another program has the port.

    """
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def start(listener: socket.socket, identities: Iterable[TestIdentity]) -> subprocess.Popen[str]:
    """Start the simulator with these identities; it ends when this process does, whatever it has become."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [
            sys.executable,
            "-m",
            "app.demo.mitid_simulator",
            f"--socket={listener.fileno()}",
            f"--parent={os.getpid()}",
        ],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        text=True,
        pass_fds=(listener.fileno(),),
    )
    if process.stdin is not None:
        # Less than a pipe holds, so nobody waits for the other side.
        process.stdin.write(written(identities))
        process.stdin.close()
    listener.close()
    return process
