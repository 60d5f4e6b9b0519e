"""Serve the simulator on this machine: `python -m app.demo.mitid_simulator`, or beside the site (`beside`).

It costs next to nothing before somebody asks: what it serves with is loaded at the first connection.
"""

from __future__ import annotations

import argparse
import os
import select
import socket
import sys
from collections.abc import Callable

from app import config as configuration
from app.config import Config, ConfigError
from app.demo.mitid_simulator import beside, identities
from app.demo.mitid_simulator.identities import TestIdentity
from app.world import Clock

LOOK_SECONDS = 0.5  # how often it looks whether it is still wanted


def main() -> int:
    """Run the command; returns its exit code."""
    words = argparse.ArgumentParser(prog="python -m app.demo.mitid_simulator", description=__doc__)
    words.add_argument("--socket", type=int, help="serve on this open socket; identities come on stdin")
    words.add_argument("--parent", type=int, help="end when this process does")
    options = words.parse_args()
    try:
        config = configuration.read()
    except ConfigError as error:
        return _fail(str(error))
    if not config.is_demo:
        return _fail("The simulator of MitID is not for production.")
    try:
        if options.socket is None:
            try:
                listener = beside.listen(config.mitid.port)
            except OSError:
                return _fail(beside.busy(config))
            print(f"{beside.address(config)}  (Ctrl-C: stop)", flush=True)
            known = _drawn()
        else:
            listener, known = socket.socket(fileno=options.socket), identities.read(sys.stdin.read())
        _serve(config, listener, known, lambda: options.parent not in (None, os.getppid()))
    except KeyboardInterrupt:
        pass
    return 0


def _drawn() -> list[TestIdentity]:
    """Return the identities of a demo school that was loaded today."""
    from app.db import instant  # noqa: PLC0415 - heavy, and not needed beside the site
    from app.demo.mitid_simulator import drawn  # noqa: PLC0415

    return drawn.identities(instant(Clock()).today)


def _serve(
    config: Config, listener: socket.socket, known: list[TestIdentity], is_left: Callable[[], bool]
) -> None:
    """Wait for somebody to connect, then load what serves and serve until left alone."""
    while not select.select([listener], [], [], LOOK_SECONDS)[0]:
        if is_left():
            return
    from app.demo.mitid_simulator.serving import serve  # noqa: PLC0415

    serve(beside.address(config), f"{config.public_url}/mitid/retur", listener, known, is_left, LOOK_SECONDS)


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
