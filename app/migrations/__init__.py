"""The history of the tables, and bringing a database up to date."""

import sqlite3
from contextlib import closing
from pathlib import Path

from app.db import Database

LOCK = 2026112201


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the tables up to `revision`; several starting at once take turns."""
    # Alembic, with Mako and Pygments, is twelve megabytes that no worker needs.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    settings = Config()
    settings.set_main_option("script_location", "app:migrations")
    with database.engine.execution_options(is_writing=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            # Changing a large table takes longer than a request may, and so does waiting for who does it.
            for limit in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
                connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)


def empty(database: Database) -> bool:
    """Remove every table and what is in it, for the demo's fresh start only; False where a file is in use."""
    if database.engine.dialect.name == "postgresql":
        with database.engine.execution_options(is_writing=True).begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        return True
    database.dispose()
    path = database.engine.url.database or ""
    with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as alone:
        try:
            # Only whoever is alone with a file may do without the log beside it. A site that had it open
            # would write on into what nobody finds again.
            alone.execute("PRAGMA journal_mode=DELETE")
            alone.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    return True
