"""Loading the demo schools: everybody in one transaction, or nobody.

`load` stores what `drawing` drew; `add_extra` adds plain people by the hundred thousand for load runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Database, Instant, instant
from app.demo import cast, drawing
from app.demo.cast import BOEGESKOLEN, EGESKOLEN, PROEVESKOLEN, School
from app.demo.drawing import EXTRA_PREFIX
from app.demo.population import Class, Person, Place, Population
from app.domain import audit, cpr, passwords, people
from app.domain.audit import Event
from app.domain.passwords import Hasher
from app.keys import Keys
from app.models.credentials import Authorisation, Credential, ExpiryReason
from app.models.people import (
    Affiliation,
    Category,
    ContactRelation,
    CprStatus,
    Group,
    GroupMember,
    GroupType,
    Institution,
    PasswordType,
    Right,
    RightKind,
    Role,
    User,
)
from app.world import Clock

SOURCE = "demo"
EXTRA = "demo-extra"
SCHOOL_NETWORK = "192.0.2.1"  # of RFC 5737's addresses for examples
# The extra people: ben, a letter, four digits.
EXTRA_MOST = 260_000
EXTRA_WITH_PASSWORD = 1_000
EXTRA_CHUNK = 5_000
EXTRA_CLASS = 25
EXTRA_LEVEL = "8"

Progress = Callable[[str], None]
Row = dict[str, Any]


class DemoRefusedError(Exception):
    """The demo has no place here; says why."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load came to: whether anything was added, and how many people there are now."""

    is_new: bool
    people: int


@dataclass(slots=True)
class _Hashing:
    """A credential on its way to the store."""

    user_id: int
    secret: str
    row: Row


def is_loaded(db: Session) -> bool:
    """Whether the demo schools are in the database."""
    return db.scalar(select(Institution.id).where(Institution.number == EGESKOLEN.number)) is not None


def load(
    db: Session,
    keys: Keys,
    hasher: Hasher,
    config: Config,
    now: Instant,
    progress: Progress = lambda _line: None,
) -> Loaded:
    """Put the demo schools into the transaction at hand, unless they are there already.

    Raises:
        DemoRefusedError: this is production.

    """
    _refuse_in_production(config)
    if is_loaded(db):
        return Loaded(is_new=False, people=people.count(db))
    population = drawing.draw(now.today)
    schools = _insert_schools(db, (EGESKOLEN, BOEGESKOLEN))
    groups = _insert_groups(db, schools, population.classes, now.today)
    users = _insert_people(db, keys, population.people, now)
    _insert_places(db, schools, groups, users, population, now)
    _insert_credentials(db, hasher, config, users, population, now, progress)
    _record_history(db, users, population, now)
    audit.record(db, Event.DEMO_LOADED, now, people=len(population.people))
    return Loaded(is_new=True, people=people.count(db))


def add_extra(
    database: Database,
    hasher: Hasher,
    config: Config,
    clock: Clock,
    count: int,
    password: str,
    progress: Progress = lambda _line: None,
) -> Loaded:
    """Bring «Prøveskolen» up to `count` plain people for load runs, a chunk a transaction.

    They are bena0000 to benz9999; the first thousand have `password`, each hashed for itself, and the
    others none. Whoever is there already stays as they are.

    Raises:
        DemoRefusedError: this is production, or there are not so many names.

    """
    _refuse_in_production(config)
    if not 1 <= count <= EXTRA_MOST:
        raise DemoRefusedError(f"there are names for 1 to {EXTRA_MOST} extra people")
    is_new = False
    while True:
        with database.writing() as db:
            now = instant(clock)
            school_id = _extra_school(db)
            there = _count_extra(db, school_id)
            if there >= count:
                db.commit()
                return Loaded(is_new, there)
            until = min(count, there + EXTRA_CHUNK)
            _insert_extra(db, hasher, config, school_id, range(there, until), password, now)
            audit.record(db, Event.DEMO_LOADED, now, institution_id=school_id, people=until - there)
            db.commit()
        is_new = True
        progress(f"{PROEVESKOLEN.name}: {until} of {count} people")


def load_and_show(extensions: Mapping[str, Any]) -> None:
    """Load the demo schools with the app's own parts, and print progress and whom to log in as."""
    database: Database = extensions["database"]
    with database.writing() as db:
        db.connection()  # SQLite may wait here for its turn; the instant comes after
        now = instant(extensions["world"].clock)
        load(db, extensions["keys"], extensions["hasher"], extensions["config"], now, _print)
        db.commit()
    for line in ["", *cast.table(), ""]:
        _print(line)


def _print(line: str) -> None:
    print(line, flush=True)


def _refuse_in_production(config: Config) -> None:
    if not config.is_demo:
        raise DemoRefusedError("the demo is not for production")


# The steps of a load


def _insert_schools(db: Session, schools: Iterable[School]) -> dict[str, int]:
    rows = [
        {
            "number": school.number,
            "name": school.name,
            "type": school.type,
            "is_public_body": school.is_public_body,
            "address": school.address,
            "postcode": school.postcode,
            "city": school.city,
            "mail": school.mail,
            "municipality": "Prøve Kommune",
            "region": "Region Prøve",
        }
        for school in schools
    ]
    return dict(zip([row["number"] for row in rows], _insert(db, Institution, rows), strict=True))


def _insert_groups(
    db: Session, schools: dict[str, int], classes: Sequence[Class], today: date
) -> dict[tuple[str, str], int]:
    starts = drawing.school_year_start(today)
    rows = [
        {
            "institution_id": schools[group.school.number],
            "code": group.code,
            "name": group.name,
            "type": group.type,
            "level": group.level,
            "line": group.line,
            "from_on": starts,
            "to_on": starts.replace(year=starts.year + 1) - timedelta(days=1),
        }
        for group in classes
    ]
    names = [(group.school.number, group.name) for group in classes]
    return dict(zip(names, _insert(db, Group, rows), strict=True))


def _insert_people(db: Session, keys: Keys, persons: Sequence[Person], now: Instant) -> dict[str, int]:
    rows = [
        {
            "uni_id": person.uni_id,
            "username": person.username,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "is_protected": person.alias is not None,
            "alias_given_name": person.alias[0] if person.alias else None,
            "alias_family_name": person.alias[1] if person.alias else None,
            "cpr_lookup": cpr.mark(keys, person.cpr),
            "cpr_status": CprStatus.REPLACEMENT,
            "marked_password_type": person.marked,
            "created_at": now.at,
        }
        for person in persons
    ]
    users = dict(zip([person.uni_id for person in persons], _insert(db, User, rows), strict=True))
    # The number is sealed to its own row, which the insert gave its id.
    sealed = [
        {"id": users[person.uni_id], "cpr_sealed": cpr.seal(keys, person.cpr, users[person.uni_id])}
        for person in persons
    ]
    db.execute(update(User), sealed)
    return users


def _insert_places(
    db: Session,
    schools: dict[str, int],
    groups: dict[tuple[str, str], int],
    users: dict[str, int],
    population: Population,
    now: Instant,
) -> None:
    """Insert affiliations with their groups, contact relations and rights."""
    today = now.today
    starts = drawing.school_year_start(today)

    def began(years: int) -> date:
        return starts.replace(year=starts.year - years)

    places = [(person, place) for person in population.people for place in person.places]
    rows = [
        {
            "user_id": users[person.uni_id],
            "institution_id": schools[place.school.number],
            "category": place.category,
            "roles": [str(role) for role in place.roles],
            "level": place.level,
            "main_group_id": groups[place.school.number, place.class_name] if place.class_name else None,
            "is_primary": place is person.places[0],
            "source": SOURCE,
            "local_person_id": person.uni_id,
            "from_on": began(person.years_here(place)),
        }
        for person, place in places
    ]
    affiliations = _insert(db, Affiliation, rows)
    members = [
        {"affiliation_id": affiliation_id, "group_id": groups[place.school.number, name]}
        for affiliation_id, (_person, place) in zip(affiliations, places, strict=True)
        for name in place.groups
    ]
    db.execute(insert(GroupMember), members)
    relations = [
        {
            "pupil_id": users[link.pupil.uni_id],
            "contact_id": users[link.contact.uni_id],
            "institution_id": schools[link.school.number],
            "relation": link.relation,
            "has_custody": link.has_custody,
            "may_help": True,
            "from_on": began(link.pupil.years_here(link.pupil.places[0])),
        }
        for link in population.links
    ]
    db.execute(insert(ContactRelation), relations)
    rights = [
        {
            "user_id": users[person.uni_id],
            "kind": person.right,
            "institution_id": schools[person.places[0].school.number] if person.places else None,
            "given_at": now.at,
        }
        for person in population.people
        if person.right
    ]
    db.execute(insert(Right), rights)


def _insert_credentials(
    db: Session,
    hasher: Hasher,
    config: Config,
    users: dict[str, int],
    population: Population,
    now: Instant,
    progress: Progress,
) -> None:
    """Hash and store everybody's password, a class at a time."""
    teachers, guardians = population.teachers(), population.guardians()

    def authoriser(person: Person, by: Authorisation) -> int | None:
        place = person.places[0] if person.places else None
        teacher = teachers.get((place.school.number, place.class_name or "")) if place else None
        helper = {Authorisation.TEACHER: teacher, Authorisation.GUARDIAN: guardians.get(person.uni_id)}
        whose = helper.get(by, person)
        return users[whose.uni_id] if whose else None

    def hashings(persons: Iterable[Person]) -> list[_Hashing]:
        found = []
        for person in persons:
            user_id = users[person.uni_id]
            for old in person.earlier:
                set_at = now.at - timedelta(days=old.set_days_ago)
                row = _credential(config, user_id, old.password_type, set_at, old.authorisation)
                row["authorised_by_id"] = authoriser(person, old.authorisation)
                row["ended_at"] = now.at - timedelta(days=old.ended_days_ago)
                found.append(_Hashing(user_id, old.secret, row))
            if person.secret:
                secret = person.secret
                set_at = now.at - timedelta(days=secret.set_days_ago)
                if secret.age_days_left is not None:
                    set_at = now.at - timedelta(days=config.password_days - secret.age_days_left)
                row = _credential(config, user_id, secret.type, set_at, secret.authorisation)
                row["authorised_by_id"] = authoriser(person, secret.authorisation)
                if secret.stage_days_left is not None:
                    row["expires_at"] = now.at + timedelta(days=secret.stage_days_left)
                    row["expiry_reason"] = ExpiryReason.STAGE
                found.append(_Hashing(user_id, secret.text, row))
        return found

    done: set[str] = set()
    with_pupils = [group for group in population.classes if group.pupils]
    for number, group in enumerate(with_pupils, 1):
        _store(db, hasher, hashings(group.pupils))
        done.update(person.uni_id for person in group.pupils)
        progress(
            f"{group.school.name} {group.name}: {len(group.pupils)} pupils"
            f" ({number} of {len(with_pupils)} classes)"
        )
    adults = [person for person in population.people if person.uni_id not in done]
    _store(db, hasher, hashings(adults))
    progress(f"Staff and contacts: {len(adults)} people")


def _credential(
    config: Config, user_id: int, password_type: PasswordType, set_at: datetime, by: Authorisation
) -> Row:
    expires_at, reason = passwords.expiry(
        password_type, config.password_profile, set_at, config.password_days
    )
    return {
        "user_id": user_id,
        "password_type": password_type,
        "sealed_hash": "",
        "authorisation": by,
        "authorised_by_id": None,
        "set_at": set_at,
        "expires_at": expires_at,
        "expiry_reason": reason,
        "is_change_seen": True,
        "ended_at": None,
    }


def _store(db: Session, hasher: Hasher, hashings: list[_Hashing]) -> None:
    """Hash in as many threads as there are cores, as libsodium lets go of Python's lock; then insert."""
    if not hashings:
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hashes = list(pool.map(lambda h: hasher.hash(h.secret, h.user_id, h.row["password_type"]), hashings))
    ids = _insert(db, Credential, [hashing.row for hashing in hashings])
    sealed = [
        {"id": id_, "sealed_hash": hasher.seal(hashed, h.user_id, id_, h.row["password_type"])}
        for id_, hashed, h in zip(ids, hashes, hashings, strict=True)
    ]
    db.execute(update(Credential), sealed)


def _record_history(db: Session, users: dict[str, int], population: Population, now: Instant) -> None:
    """Record the changes of password that brought the cast where it is, at their own times."""
    teachers, guardians = population.teachers(), population.guardians()
    for person in population.people:
        if not person.earlier or person.secret is None:
            continue
        place = person.places[0]
        changes = [(old.password_type, old.authorisation, old.set_days_ago) for old in person.earlier]
        current = person.secret
        for password_type, by, days_ago in [
            *changes,
            (current.type, current.authorisation, current.set_days_ago),
        ]:
            actors = {
                Authorisation.TEACHER: teachers.get((place.school.number, place.class_name or "")),
                Authorisation.GUARDIAN: guardians.get(person.uni_id),
            }
            actor = actors.get(by, person)
            ago = timedelta(days=days_ago)
            audit.record(
                db,
                Event.PASSWORD_CHANGED,
                Instant(now.at - ago, now.offset - ago),
                actor_id=users[actor.uni_id] if actor else None,
                subject_id=users[person.uni_id],
                password_type=password_type.name,
                authorisation=by.name,
                network=SCHOOL_NETWORK,
            )


def _insert(db: Session, table: type[Any], rows: list[Row]) -> list[int]:
    """Insert rows and return their ids in the same order."""
    return list(db.scalars(insert(table).returning(table.id, sort_by_parameter_order=True), rows))


# The extra people


def extra_username(index: int) -> str:
    """Return the username of extra person number `index`: bena0000 is the first, benz9999 the last."""
    return f"{EXTRA_PREFIX}{chr(ord('a') + index // 10_000)}{index % 10_000:04}"


def _extra_school(db: Session) -> int:
    """Return the id of the extra people's school, made where it is missing."""
    found = db.scalar(select(Institution.id).where(Institution.number == PROEVESKOLEN.number))
    return found or _insert_schools(db, (PROEVESKOLEN,))[PROEVESKOLEN.number]


def _count_extra(db: Session, school_id: int) -> int:
    counted = select(func.count()).where(Affiliation.institution_id == school_id, Affiliation.source == EXTRA)
    return db.scalar(counted) or 0


def _insert_extra(
    db: Session,
    hasher: Hasher,
    config: Config,
    school_id: int,
    indexes: range,
    password: str,
    now: Instant,
) -> None:
    kind = drawing.kinds()[0]
    given_names, family_names = [*kind["girls"], *kind["boys"]], kind["families"]
    people_rows = [
        {
            "uni_id": f"2{index:09x}",
            "username": extra_username(index),
            "given_name": given_names[index % len(given_names)],
            "family_name": family_names[index // len(given_names) % len(family_names)],
            "created_at": now.at,
        }
        for index in indexes
    ]
    user_ids = _insert(db, User, people_rows)
    starts = drawing.school_year_start(now.today)
    groups = _extra_groups(db, school_id, indexes, starts)
    affiliations = [
        {
            "user_id": user_id,
            "institution_id": school_id,
            "category": Category.PUPIL,
            "roles": [str(Role.ELEV)],
            "level": EXTRA_LEVEL,
            "main_group_id": groups[_extra_class(index)],
            "source": EXTRA,
            "from_on": starts,
        }
        for user_id, index in zip(user_ids, indexes, strict=True)
    ]
    db.execute(insert(Affiliation), affiliations)
    with_password = [id for id, index in zip(user_ids, indexes, strict=True) if index < EXTRA_WITH_PASSWORD]
    password_type = passwords.required_type(EXTRA_LEVEL, None)
    rows = [
        _credential(config, user_id, password_type, now.at, Authorisation.OPERATOR)
        for user_id in with_password
    ]
    _store(db, hasher, [_Hashing(row["user_id"], password, row) for row in rows])


def _extra_class(index: int) -> str:
    return f"{EXTRA_LEVEL}.{index // EXTRA_CLASS + 1:05}"


def _extra_groups(db: Session, school_id: int, indexes: range, starts: date) -> dict[str, int]:
    """Return the ids of the classes of these people by name; a chunk may begin in the middle of one."""
    names = sorted({_extra_class(index) for index in indexes})
    there = select(Group.name, Group.id).where(Group.institution_id == school_id, Group.name.in_(names))
    groups = {name: id for name, id in db.execute(there)}
    missing = [name for name in names if name not in groups]
    rows = [
        {
            "institution_id": school_id,
            "code": name.replace(".", "-"),
            "name": name,
            "type": GroupType.HOVEDGRUPPE,
            "level": EXTRA_LEVEL,
            "line": name.partition(".")[2],
            "from_on": starts,
        }
        for name in missing
    ]
    if rows:
        groups.update(zip(missing, _insert(db, Group, rows), strict=True))
    return groups
