"""Fills the database of the environment with people who can log in, as a program of its own.

On its own so that what only this needs is neither in the memory nor in the CPU that is measured.
"""

from __future__ import annotations

import sys

from app import config as configuration
from app import keys as keyring
from app.db import Database
from app.demo.extra import add_extra
from app.domain.passwords import Hasher
from app.migrations import migrate
from app.world import Clock


def main(people: int, with_password: int, password: str) -> None:
    """Bring the tables up to date and the school up to so many people."""
    config = configuration.read()
    database = Database(config.database_url)
    migrate(database)
    hasher = Hasher(keyring.for_mode(config), slots=config.hash_slots, wait_seconds=60)
    add_extra(database, hasher, config, Clock(), people, password, with_password=with_password)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if database.engine.dialect.name == "postgresql":
            # What autovacuum does within a minute; figures should not depend on whether it has.
            connection.exec_driver_sql("VACUUM ANALYZE")
        else:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.engine.dispose()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
