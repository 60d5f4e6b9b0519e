"""A throw-away PostgreSQL server, for the tests and the figures.

The programs come with PyPI's pgserver, or from Debian's postgresql package where pgserver has
no build (Python 3.13). The server listens on a Unix socket in a directory of its own only.

It lives exactly as long as whoever started it: a keeper process (this file, run as a program)
starts PostgreSQL and waits for its own standard input to close. That happens at `stop()`, and
just as well when the process that called `start()` is killed; either way the server goes and
its directory with it.
"""

import importlib.util
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypedDict
from urllib.parse import quote

if TYPE_CHECKING:
    import psycopg2.extensions
    from psycopg2 import sql

USER = "postgres"
READY_WITHIN_SECONDS = 30.0
STOPPED_WITHIN_SECONDS = 10.0
LONGEST_DIRECTORY = 64  # the path of a socket in it may have 107 bytes

# A test may lose everything with the machine, so nothing waits for the disk; and nothing tidies up what is
# gone in a second.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class Identity(TypedDict, total=False):
    """Whom a program runs as, in the words of `subprocess`."""

    user: int
    group: int
    extra_groups: list[int]


class PostgresError(RuntimeError):
    """PostgreSQL is not to be had, or did not start."""


class Postgres:
    """One server with a directory and a socket of its own, from `start()` to `stop()`."""

    def __init__(self, *, durable: bool = False, settings: Mapping[str, str] | None = None) -> None:
        """Take the settings to run with; `durable` is for figures and for tests of a crash."""
        self._settings = (DURABLE if durable else FORGETFUL) | dict(settings or {})
        self._keeper: subprocess.Popen[bytes] | None = None
        self._directory: Path | None = None
        self._maintenance: psycopg2.extensions.connection | None = None

    @property
    def directory(self) -> Path:
        """The directory of the socket, the log and the data."""
        if self._directory is None:
            raise PostgresError("PostgreSQL is not started")
        return self._directory

    @property
    def pid(self) -> int:
        """The server's own process; its children are the connections."""
        return int((self.directory / "data/postmaster.pid").read_text().split()[0])

    def start(self) -> Self:
        """Make a new server and wait until it takes connections."""
        if self._keeper is not None:
            raise PostgresError("PostgreSQL is started already")
        self._directory = Path(tempfile.mkdtemp(prefix="postgres-", dir=_shared_directory()))
        try:
            identity = _identity()
            if identity:
                os.chown(self._directory, identity["user"], identity["group"])
            self._keeper = subprocess.Popen(
                [
                    sys.executable,
                    *("-I", "-S", __file__, str(self._directory), str(_programs(self._directory))),
                    *(f"{name}={value}" for name, value in self._settings.items()),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server and remove what it left; a second call does nothing."""
        keeper, directory, maintenance = self._keeper, self._directory, self._maintenance
        self._keeper = self._directory = self._maintenance = None
        if maintenance is not None:
            maintenance.close()
        if keeper is not None:
            assert keeper.stdin is not None
            keeper.stdin.close()
            keeper.wait()
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)

    def __enter__(self) -> Self:
        """Start the server."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def url(self, dbname: str = "postgres") -> str:
        """Give the address of a database, as SQLAlchemy writes it."""
        return f"postgresql+psycopg2://{USER}@/{quote(dbname)}?host={quote(str(self.directory))}"

    def create(self, dbname: str, template: str | None = None) -> str:
        """Make a database, as a copy of another one when named, and return its address."""
        from psycopg2 import sql

        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(dbname))
        if template is not None:
            # Copying files takes less than writing each page to the log first, which is meant for large ones.
            command += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
        self._execute(command)
        return self.url(dbname)

    def drop(self, dbname: str) -> None:
        """Remove a database, and throw out whoever is still connected to it."""
        from psycopg2 import sql

        command = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(dbname))
        self._execute(command)

    def _execute(self, command: "sql.Composable") -> None:
        # One connection for all: a new one takes as long as a copy, and tests make thousands.
        if self._maintenance is None:
            self._maintenance = self._connect()
        with self._maintenance.cursor() as cursor:
            cursor.execute(command)

    def _connect(self) -> "psycopg2.extensions.connection":
        # The keeper runs this file without installed packages, hence no import at the top.
        import psycopg2

        connection = psycopg2.connect(host=str(self.directory), user=USER, dbname="postgres")
        connection.autocommit = True
        return connection

    def _wait_until_ready(self) -> None:
        from psycopg2 import OperationalError

        assert self._keeper is not None
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        socket = self.directory / f".s.PGSQL.{os.environ.get('PGPORT', '5432')}"
        while True:
            if socket.exists():
                try:
                    self._connect().close()
                    return
                except OperationalError:
                    pass  # still starting
            if self._keeper.poll() is not None or time.monotonic() > deadline:
                log = self.directory / "log"
                said = log.read_text(errors="replace")[-2000:] if log.exists() else "(no log)"
                raise PostgresError(f"PostgreSQL did not start:\n{said}")
            time.sleep(0.01)


def _identity() -> Identity:
    """PostgreSQL refuses to run as root, so root lends it the user nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _open_to_others(path: Path) -> bool:
    """Whether a user of no standing may read this, and pass every directory on the way."""
    path = path.resolve()
    return bool(path.stat().st_mode & 0o004) and all(parent.stat().st_mode & 0o001 for parent in path.parents)


def _shared_directory() -> Path:
    """Find a place for temporary files that nobody reaches too, short enough for a socket."""
    for name in (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"):
        path = Path(name)
        short = len(bytes(path)) <= LONGEST_DIRECTORY
        if short and path.is_dir() and (not _identity() or _open_to_others(path)):
            return path
    raise PostgresError("no directory for temporary files is open to the user nobody")


def _programs(directory: Path) -> Path:
    """Find PostgreSQL's programs, and copy them where the user nobody cannot reach them."""
    package = importlib.util.find_spec("pgserver")  # found, not imported: it acts at exit
    if package is None or package.origin is None:
        return _debian_programs()
    home = Path(package.origin).parent
    programs = home / "pginstall/bin"
    reachable = _open_to_others(programs / "postgres") and _open_to_others(home / "pginstall/share")
    if reachable or not _identity():
        return programs
    copy = directory / "programs"
    for part in ("pgserver/pginstall/bin", "pgserver/pginstall/lib", "pgserver/pginstall/share"):
        shutil.copytree(home.parent / part, copy / part, symlinks=True)
    if (libraries := home.parent / "pgserver.libs").is_dir():
        shutil.copytree(libraries, copy / "pgserver.libs")
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    return copy / "pgserver/pginstall/bin"


def _debian_programs() -> Path:
    """Find the newest PostgreSQL that Debian's packages installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise PostgresError(
            "no PostgreSQL: neither pgserver nor Debian's package (apt-get install postgresql)"
        )
    return found[-1].parent


def _keep(directory: Path, programs: Path, settings: list[str]) -> None:
    """Run a server until standard input closes, SIGTERM comes, or it ends of itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    identity, data = _identity(), directory / "data"
    with (directory / "log").open("wb") as log:
        subprocess.run(
            [
                *(programs / "initdb", "-D", data, "--username", USER, "--auth", "trust"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
            ],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=directory,
            **identity,
        )
        server = subprocess.Popen(
            [
                *(programs / "postgres", "-D", data, "-k", directory, "-c", "listen_addresses="),
                *(word for setting in settings for word in ("-c", setting)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=directory,
            **identity,
        )
    ended = os.pidfd_open(server.pid)
    keep_the_log = False
    try:
        # When it ends of itself, the log says why; whoever waits for the server reads it.
        keep_the_log = ended in select.select([sys.stdin, ended], [], [])[0]
    finally:
        server.send_signal(signal.SIGINT)  # fast: cuts connections, rolls their work back
        try:
            server.wait(STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)  # the postmaster takes its children along
            server.wait()
        if not keep_the_log:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
