"""Starting the simulator beside the site's server: on a socket made here, and for as long as that lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable

from app.config import PROJECT, Config
from app.demo.mitid_simulator.identities import TestIdentity, written


def address(config: Config) -> str:
    """Return where the simulator stands; it is its issuer as well."""
    return f"http://127.0.0.1:{config.mitid.port}"


def busy(config: Config, command: str = " python -m app.demo.mitid_simulator") -> str:
    """Return what to tell of a port that another program has, with the command that takes another."""
    return (
        f"Port {config.mitid.port}, for the simulator of MitID, is in use by another program.\n"
        f"Stop that program, or choose another port: MITID_PORT={config.mitid.port + 1}{command}"
    )


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
