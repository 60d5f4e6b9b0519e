"""`make run`: a database, the demo school, the people to try, and a production server.

In production start the server the same way (`python -m app.serve`): it then only checks the settings,
brings the tables up to date and serves.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from app import config as configuration
from app.config import BrokerName, Config, ConfigError
from app.demo.mitid_simulator import beside
from app.demo.mitid_simulator.identities import TestIdentity
from app.demo.storing import DemoRefusedError
from app.domain.site import SiteError
from app.keys import KeysError

# What the server is started with, unless the operator says otherwise. Of many threads few work at a time, so
# a heap for each would only be memory to look after.
ENVIRON = {"MALLOC_ARENA_MAX": "1"}
CONNECTIONS = 512  # of one worker at a time; further ones wait in the system's queue


def main() -> int:
    """Run the command; returns its exit code."""
    words = argparse.ArgumentParser(prog="python -m app.serve", description=__doc__)
    words.add_argument("--fresh", action="store_true", help="throw the demo's data away first")
    words.add_argument("--reload", action="store_true", help="start again when a file changes")
    options = words.parse_args()
    try:
        config = configuration.read()
    except ConfigError as error:
        return _fail(str(error))
    if not beside.is_free(config.port):
        return _fail(beside.busy_site(config, "make run", has_simulator=has_simulator(config)))
    listener = None
    if has_simulator(config):
        try:
            listener = beside.listen(config.mitid.port)
        except OSError:
            return _fail(beside.busy(config, "make run"))
    try:
        config.instance.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _fail(f"INSTANCE_DIR: the folder cannot be made: {error.strerror}")
    try:
        identities = _prepare(config, is_fresh=options.fresh)
    except (ConfigError, KeysError, SiteError, DemoRefusedError) as error:
        return _fail(str(error))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        return _fail(f"DATABASE_URL: the database says: {reason}")
    if listener is not None:
        beside.start(listener, identities)
        print(f"{beside.address(config)}  (test MitID: there you choose who you are)")
    print(f"{config.public_url}  (Ctrl-C: stop)\n")
    command = [*granian_command(config), *(["--reload"] if options.reload else []), "wsgi:app"]
    sys.stdout.flush()
    # The server takes this process's place; only a failure to start it comes back.
    os.execve(command[0], command, ENVIRON | os.environ)  # noqa: S606 - our own interpreter's own server
    return 1


def granian_command(config: Config) -> list[str]:
    """Return the server's command without the app: the limits of S-66, and workers that are replaced."""
    found = Path(sys.executable).with_name("granian")
    return [
        str(found if found.exists() else shutil.which("granian") or "granian"),
        "--interface=wsgi",
        "--host=127.0.0.1",
        f"--port={config.port}",
        f"--workers={config.workers}",
        # A thread for each connection, as each may wait for a slow body; few work at a time (web/bodies.py).
        f"--blocking-threads={CONNECTIONS}",
        f"--backpressure={CONNECTIONS}",
        "--runtime-mode=st",
        "--runtime-blocking-threads=1",
        "--http=1",
        "--no-ws",
        "--http1-buffer-size=16384",
        "--http1-header-read-timeout=10000",
        "--respawn-failed-workers",
        # One told to stop while it starts does not hear it; without this the server waits for it for ever.
        "--workers-kill-timeout=10",
        "--log-level=error",
    ]


def has_simulator(config: Config) -> bool:
    """Whether the simulator of MitID runs beside the site: in the demo, unless another broker is named."""
    return config.mitid.broker is BrokerName.SIMULATOR


def _prepare(config: Config, *, is_fresh: bool) -> list[TestIdentity]:
    """Bring the tables up to date, and in the demo load the school and show whom to log in as.

    Returns whom the simulator of MitID knows; nobody outside the demo.

    Raises:
        ConfigError: the data is to be thrown away, and is not the demo's alone, or somebody is using it.
        DemoRefusedError: the demo has no place in this database, or production is given the demo's.

    """
    from app import create_app, jobs
    from app.demo import school
    from app.demo.mitid_simulator import drawn
    from app.migrations import empty, migrate

    app = create_app(config)
    database, loaded_on = app.extensions["database"], None
    if is_fresh:
        if not config.is_demo:
            raise ConfigError("--fresh throws everything away: it is for the demo only")
        if not school.may_be_thrown_away(database):
            raise ConfigError("this database holds other people than the demo's, so it is not thrown away")
        if not empty(database):
            raise ConfigError("another process has this database open, so it stays; stop that first")
    school.keep_out_of_production(database, config)
    migrate(database)
    jobs.make_good(database, app.extensions["world"].clock)
    if config.is_demo:
        with app.app_context():
            school.load_and_show(app.extensions)
        with database.reading() as db:
            loaded_on = school.loaded_on(db)
    database.dispose()
    return drawn.identities(loaded_on) if loaded_on else []


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
