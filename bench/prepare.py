"""Fills the database of the environment with people who can log in, as a program of its own.

On its own so that what only this needs is neither in the memory nor in the CPU that is measured.
"""

from __future__ import annotations

import sys

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app import config as configuration
from app import keys as keyring
from app.config import Config
from app.db import Database, instant
from app.demo import drawing, storing
from app.demo.extra import CLASS, SOURCE, add_extra
from app.demo.storing import Unhashed
from app.domain.passwords import Hasher
from app.migrations import migrate
from app.models.credentials import Authorisation
from app.models.people import Affiliation, Category, Group, GroupMember, PasswordType, Role, User
from app.world import Clock
from bench.school import TEACHERS, teacher


def main(people: int, with_password: int, password: str) -> None:
    """Bring the tables up to date and the school up to so many people; without people there is no school."""
    config = configuration.read()
    database = Database(config.database_url)
    migrate(database)
    hasher = Hasher(keyring.for_mode(config), slots=config.hash_slots, wait_seconds=60)
    if people:
        add_extra(database, hasher, config, Clock(), people, password, with_password=with_password)
        with database.writing() as db:
            if db.scalar(select(User.id).where(User.username == teacher(0))) is None:
                add_teachers(db, hasher, config, password)
                db.commit()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if database.engine.dialect.name == "postgresql":
            # What autovacuum does within a minute; figures should not depend on whether it has.
            connection.exec_driver_sql("VACUUM ANALYZE")
        else:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()


def add_teachers(db: Session, hasher: Hasher, config: Config, password: str) -> None:
    """Add teachers of one class each, full ones only; several share a class where there are few."""
    now = instant(Clock())
    pupils = (
        select(Affiliation.main_group_id, Affiliation.institution_id)
        .where(Affiliation.source == SOURCE)
        .group_by(Affiliation.main_group_id, Affiliation.institution_id)
        .having(func.count() == CLASS)
    )
    classes = db.execute(pupils.join(Group, Group.id == Affiliation.main_group_id)).all()
    names = [teacher(index) for index in range(TEACHERS)]
    users = storing.insert_rows(
        db,
        User,
        [
            {
                "uni_id": f"3{index:09x}",
                "username": name,
                "given_name": "Lærer",
                "family_name": str(index),
                "created_at": now.at,
            }
            for index, name in enumerate(names)
        ],
    )
    places = storing.insert_rows(
        db,
        Affiliation,
        [
            {
                "user_id": user_id,
                "institution_id": classes[index % len(classes)].institution_id,
                "category": Category.EMPLOYEE,
                "roles": [str(Role.LAERER)],
                "source": "bench",
                "from_on": drawing.school_year_start(now.today),
            }
            for index, user_id in enumerate(users)
        ],
    )
    members = [
        {"affiliation_id": id, "group_id": classes[index % len(classes)].main_group_id}
        for index, id in enumerate(places)
    ]
    db.execute(insert(GroupMember), members)
    rows = [
        storing.credential_row(config, id, PasswordType.WORDS_DIGITS, now.at, Authorisation.OPERATOR)
        for id in users
    ]
    storing.insert_credentials(db, hasher, [Unhashed(password, row) for row in rows])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
