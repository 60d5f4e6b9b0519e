"""Plain people by the hundred thousand, for load runs: bena0000 to benz9999 at «Prøveskolen»."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Database, Instant, instant
from app.demo import drawing, storing
from app.demo.drawing import EXTRA_PREFIX
from app.demo.schools import PROEVESKOLEN
from app.demo.storing import DemoRefusedError, Loaded, Progress, Row, Unhashed
from app.domain import audit, passwords
from app.domain.audit import Event
from app.domain.passwords import Hasher
from app.models.credentials import Authorisation
from app.models.people import Affiliation, Category, Group, GroupType, Institution, Role, User
from app.world import Clock

SOURCE = "demo-extra"
MOST = 260_000
WITH_PASSWORD = 1_000
CHUNK = 5_000
CLASS = 28
LEVEL = "8"


def add_extra(
    database: Database,
    hasher: Hasher,
    config: Config,
    clock: Clock,
    count: int,
    password: str,
    progress: Progress = storing.no_progress,
    *,
    with_password: int = WITH_PASSWORD,
    chunk: int = CHUNK,
) -> Loaded:
    """Bring «Prøveskolen» up to `count` people, a chunk a transaction.

    The first ones have `password`, each hashed for itself, and the others none. Whoever is there
    already stays as they are, with the password of then; `Loaded.before` says how many those are.

    Raises:
        DemoRefusedError: this is production, there are not so many names, or the password is none.

    """
    storing.refuse_in_production(config)
    if not 1 <= count <= MOST:
        raise DemoRefusedError(f"there are names for 1 to {MOST} extra people")
    if not password.strip():
        raise DemoRefusedError("nobody can log in with an empty password")
    before: int | None = None
    while True:
        with database.writing() as db:
            db.connection()  # SQLite may wait here for its turn; the instant comes after
            now = instant(clock)
            school_id = _school(db)
            there = _count(db, school_id)
            before = there if before is None else before
            if there >= count:
                return Loaded(there > before, there, before)
            until = min(count, there + chunk)
            indexes = range(there, until)
            user_ids = _insert_people(db, school_id, indexes, now)
            with_one = [user_ids[index] for index in indexes if index < with_password]
            _insert_passwords(db, hasher, config, with_one, password, now)
            audit.record(db, Event.DEMO_LOADED, now, institution_id=school_id, people=until - there)
            db.commit()
        progress(f"{PROEVESKOLEN.name}: {until} of {count} people")


def username(index: int) -> str:
    """Return the username of extra person number `index`: ben, a letter, four digits."""
    return f"{EXTRA_PREFIX}{chr(ord('a') + index // 10_000)}{index % 10_000:04}"


def _school(db: Session) -> int:
    """Return the id of the extra people's school, made where it is missing."""
    found = db.scalar(select(Institution.id).where(Institution.number == PROEVESKOLEN.number))
    return found or storing.insert_schools(db, (PROEVESKOLEN,))[PROEVESKOLEN.number]


def _count(db: Session, school_id: int) -> int:
    counted = select(func.count()).where(
        Affiliation.institution_id == school_id, Affiliation.source == SOURCE
    )
    return db.scalar(counted) or 0


def _insert_people(db: Session, school_id: int, indexes: range, now: Instant) -> dict[int, int]:
    """Insert these people with their affiliations; returns their ids by number."""
    kind = drawing.kinds()[0]
    given_names, family_names = [*kind["girls"], *kind["boys"]], kind["families"]
    people: list[Row] = [
        {
            "uni_id": f"2{index:09x}",
            "username": username(index),
            "given_name": given_names[index % len(given_names)],
            "family_name": family_names[index // len(given_names) % len(family_names)],
            "created_at": now.at,
        }
        for index in indexes
    ]
    user_ids = dict(zip(indexes, storing.insert_rows(db, User, people), strict=True))
    starts = drawing.school_year_start(now.today)
    classes = _classes(db, school_id, indexes, starts)
    affiliations: list[Row] = [
        {
            "user_id": user_ids[index],
            "institution_id": school_id,
            "category": Category.PUPIL,
            "roles": [str(Role.ELEV)],
            "level": LEVEL,
            "main_group_id": classes[_class(index)],
            "source": SOURCE,
            "from_on": starts,
        }
        for index in indexes
    ]
    db.execute(insert(Affiliation), affiliations)
    return user_ids


def _insert_passwords(
    db: Session, hasher: Hasher, config: Config, user_ids: list[int], password: str, now: Instant
) -> None:
    password_type, by = passwords.required_type(LEVEL, None), Authorisation.OPERATOR
    rows = [storing.credential_row(config, user_id, password_type, now.at, by) for user_id in user_ids]
    storing.insert_credentials(db, hasher, [Unhashed(password, row) for row in rows])


def _class(index: int) -> str:
    return f"{LEVEL}.{index // CLASS + 1:05}"


def _classes(db: Session, school_id: int, indexes: range, starts: date) -> dict[str, int]:
    """Return the ids of the classes of these people by name; a chunk may begin in the middle of one."""
    names = sorted({_class(index) for index in indexes})
    there = select(Group.name, Group.id).where(Group.institution_id == school_id, Group.name.in_(names))
    ids = {row.name: row.id for row in db.execute(there)}
    missing = [name for name in names if name not in ids]
    rows: list[Row] = [
        {
            "institution_id": school_id,
            "code": name.replace(".", "-"),
            "name": name,
            "type": GroupType.HOVEDGRUPPE,
            "level": LEVEL,
            "line": name.partition(".")[2],
            "from_on": starts,
        }
        for name in missing
    ]
    if rows:
        ids.update(zip(missing, storing.insert_rows(db, Group, rows), strict=True))
    return ids
