"""Loading the demo schools: everybody in one transaction, or nobody. Who they are, `drawing` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zlib import crc32

from sqlalchemy import exists, insert, inspect, select, text, update
from sqlalchemy.orm import Session

from app.config import Config
from app.db import COPENHAGEN, NOW, Database, Instant, instant
from app.demo import drawing, listing, storing
from app.demo.cast import EVA, SUGGESTED
from app.demo.population import Person, Population, Secret
from app.demo.schools import BOEGESKOLEN, EGESKOLEN, LINDESKOLEN
from app.demo.storing import DemoRefusedError, Loaded, Progress, Row, Unhashed
from app.domain import audit, cpr, people
from app.domain.audit import Event
from app.domain.passwords import Hasher
from app.keys import Keys
from app.models.credentials import Credential, ExpiryReason
from app.models.imports import ImportOutcome, ImportRun
from app.models.people import (
    Affiliation,
    ContactRelation,
    CprStatus,
    Group,
    GroupMember,
    Right,
    User,
)

SOURCE = "demo"
# The deliveries there have been: of which school, how many hours ago, and what became of them.
DELIVERIES = (
    (EGESKOLEN, 30, ImportOutcome.LOADED),
    (EGESKOLEN, 6, ImportOutcome.LOADED),
    (BOEGESKOLEN, 30, ImportOutcome.REJECTED),
    (BOEGESKOLEN, 6, ImportOutcome.LOADED),
    (LINDESKOLEN, 30, ImportOutcome.LOADED),
    (LINDESKOLEN, 6, ImportOutcome.REJECTED),
)
SCHOOL_DAY_STARTS, SCHOOL_DAY_MINUTES = time(8, 10), 6 * 60
SCHOOL_NETWORK = "192.0.2.0/24"  # of RFC 5737's addresses for examples


def is_loaded(db: Session) -> bool:
    """Whether the demo schools are in the database."""
    return people.find_institution(db, EGESKOLEN.number) is not None


def is_in(database: Database) -> bool:
    """Whether a database holds the demo schools; its tables may be of any age, or missing."""
    if not inspect(database.engine).has_table("institution"):
        return False
    with database.reading() as db:
        there = text("SELECT count(*) FROM institution WHERE number = :number")
        return bool(db.scalar(there, {"number": EGESKOLEN.number}))


def keep_out_of_production(database: Database, config: Config) -> None:
    """Stop production where it is given the demo's database: everybody's password there is in the open.

    Raises:
        DemoRefusedError: it is.

    """
    if not config.is_demo and is_in(database):
        raise DemoRefusedError(
            "DATABASE_URL: this database holds the demo school, whose passwords are known: name another one"
        )


def loaded_on(db: Session) -> date | None:
    """Return the day, in Denmark, that the demo schools were loaded on, or None while they are not."""
    eva = people.find_by_username(db, EVA.username or "")
    return Instant(eva.created_at).today if eva else None


def load(
    db: Session,
    keys: Keys,
    hasher: Hasher,
    config: Config,
    now: Instant,
    progress: Progress = storing.no_progress,
) -> Loaded:
    """Put the demo schools into the transaction at hand, unless they are there already.

    Raises:
        DemoRefusedError: this is production.

    """
    storing.refuse_in_production(config)
    if not is_loaded(db):
        if people.count(db):
            raise DemoRefusedError("this database holds other people than the demo's: name another one")
        _Load(db, keys, hasher, config, now, progress).run()
        return Loaded(is_new=True, people=people.count(db))
    return Loaded(is_new=False, people=people.count(db))


def may_be_thrown_away(database: Database) -> bool:
    """Whether a database holds the demo alone, or nothing at all; its tables may be of any age."""
    if not inspect(database.engine).has_table("audit_event"):
        return not inspect(database.engine).get_table_names()
    with database.reading() as db:
        is_demo = db.scalar(text("SELECT count(*) FROM audit_event WHERE event = 'DEMO_LOADED'"))
        return bool(is_demo or not db.scalar(text('SELECT count(*) FROM "user"')))


def list_changed(db: Session) -> list[str]:
    """Return the usernames in the table of those whose password of the load is in force no more."""
    still = exists().where(
        Credential.user_id == User.id,
        Credential.ended_at.is_(None),
        Credential.set_at <= User.created_at,
    )
    names = [member.username for member in SUGGESTED]
    found = db.scalars(select(User.username).where(User.username.in_(names), ~still))
    return [name for name in found if name]


def load_and_show(extensions: Mapping[str, Any]) -> None:
    """Load the demo schools with the app's own parts, and print progress and whom to log in as."""
    database: Database = extensions["database"]
    with database.writing() as db:
        db.connection()  # SQLite may wait here for its turn; the instant comes after
        now = instant(extensions["world"].clock)
        load(db, extensions["keys"], extensions["hasher"], extensions["config"], now, _print)
        db.commit()
        changed = list_changed(db)
    for line in ["", *listing.table(changed), ""]:
        _print(line)


def _print(line: str) -> None:
    print(line, flush=True)


@dataclass(slots=True)
class _Load:
    """One load at work: what it stores with, and the ids given so far."""

    db: Session
    keys: Keys
    hasher: Hasher
    config: Config
    now: Instant
    progress: Progress

    def run(self) -> None:
        population = drawing.draw(self.now.today)
        schools = storing.insert_schools(self.db, (EGESKOLEN, BOEGESKOLEN, LINDESKOLEN))
        self.insert_deliveries(schools)
        groups = self.insert_groups(schools, population)
        users = self.insert_people(population)
        self.insert_places(schools, groups, users, population)
        self.insert_relations(schools, users, population)
        self.insert_passwords(users, population)
        self.record_history(users, population)
        audit.record(self.db, Event.DEMO_LOADED, self.now, people=len(population.people))

    def began(self, years: int) -> date:
        """Return the first day of the school year so many years before this one."""
        starts = drawing.school_year_start(self.now.today)
        return starts.replace(year=starts.year - years)

    def insert_deliveries(self, schools: dict[str, int]) -> None:
        rows: list[Row] = [
            {
                "institution_id": schools[school.number],
                "source": SOURCE,
                "received_at": self.now.at - timedelta(hours=hours),
                "outcome": outcome,
            }
            for school, hours, outcome in DELIVERIES
        ]
        self.db.execute(insert(ImportRun), rows)

    def insert_groups(self, schools: dict[str, int], population: Population) -> dict[tuple[str, str], int]:
        rows: list[Row] = [
            {
                "institution_id": schools[group.school.number],
                "code": group.code,
                "name": group.name,
                "type": group.type,
                "level": group.level,
                "line": group.line,
                "from_on": self.began(0),
                "to_on": self.began(-1) - timedelta(days=1),
            }
            for group in population.classes
        ]
        names = [(group.school.number, group.name) for group in population.classes]
        return dict(zip(names, storing.insert_rows(self.db, Group, rows), strict=True))

    def insert_people(self, population: Population) -> dict[str, int]:
        """Insert everybody and return their ids by key."""
        rows: list[Row] = [
            {
                "uni_id": person.uni_id,
                "username": person.username,
                "given_name": person.given_name,
                "family_name": person.family_name,
                "is_protected": person.alias is not None,
                "alias_given_name": person.alias[0] if person.alias else None,
                "alias_family_name": person.alias[1] if person.alias else None,
                "cpr_lookup": cpr.mark(self.keys, person.cpr),
                "cpr_status": CprStatus.REPLACEMENT,
                "marked_password_type": person.marked,
                "created_at": self.now.at,
            }
            for person in population.people
        ]
        ids = storing.insert_rows(self.db, User, rows)
        # A number is sealed to its own row, which the insert gave its id.
        sealed = [
            {"id": id, "cpr_sealed": cpr.seal(self.keys, person.cpr, id)}
            for id, person in zip(ids, population.people, strict=True)
        ]
        self.db.execute(update(User), sealed)
        return {person.uni_id: id for id, person in zip(ids, population.people, strict=True)}

    def insert_places(
        self,
        schools: dict[str, int],
        groups: dict[tuple[str, str], int],
        users: dict[str, int],
        population: Population,
    ) -> None:
        """Insert affiliations with their further groups, and rights."""
        places = [(person, place) for person in population.people for place in person.places]
        rows: list[Row] = [
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
                "from_on": self.began(person.years_here(place)),
                "to_on": None
                if place.ended_days_ago is None
                else self.now.today - timedelta(days=place.ended_days_ago),
            }
            for person, place in places
        ]
        ids = storing.insert_rows(self.db, Affiliation, rows)
        members: list[Row] = [
            {"affiliation_id": id, "group_id": groups[place.school.number, name]}
            for id, (_person, place) in zip(ids, places, strict=True)
            for name in place.groups
        ]
        self.db.execute(insert(GroupMember), members)
        rights: list[Row] = [
            {
                "user_id": users[person.uni_id],
                "kind": person.right,
                "institution_id": schools[person.places[0].school.number] if person.places else None,
                "given_at": self.now.at,
            }
            for person in population.people
            if person.right
        ]
        self.db.execute(insert(Right), rights)

    def insert_relations(
        self, schools: dict[str, int], users: dict[str, int], population: Population
    ) -> None:
        rows: list[Row] = [
            {
                "pupil_id": users[link.pupil.uni_id],
                "contact_id": users[link.contact.uni_id],
                "institution_id": schools[link.school.number],
                "relation": link.relation,
                "has_custody": link.has_custody,
                "may_help": True,
                "from_on": self.began(link.pupil.years_here(link.pupil.places[0])),
            }
            for link in population.links
        ]
        self.db.execute(insert(ContactRelation), rows)

    def insert_passwords(self, users: dict[str, int], population: Population) -> None:
        """Hash and store everybody's passwords, a class at a time."""
        classes = [group for group in population.classes if group.pupils]
        done: set[str] = set()
        for number, group in enumerate(classes, 1):
            storing.insert_credentials(self.db, self.hasher, self.unhashed(users, population, group.pupils))
            done.update(person.uni_id for person in group.pupils)
            self.progress(
                f"{group.school.name} {group.name}: {len(group.pupils)} pupils"
                f" ({number} of {len(classes)} classes)"
            )
        adults = [person for person in population.people if person.uni_id not in done]
        storing.insert_credentials(self.db, self.hasher, self.unhashed(users, population, adults))
        self.progress(f"Staff and contacts: {len(adults)} people")

    def unhashed(
        self, users: dict[str, int], population: Population, persons: Iterable[Person]
    ) -> list[Unhashed]:
        return [
            Unhashed(secret.text, self.credential(users, population, person, secret))
            for person in persons
            for secret in person.secrets
        ]

    def credential(
        self, users: dict[str, int], population: Population, person: Person, secret: Secret
    ) -> Row:
        set_at = self.set_at(person, secret)
        row = storing.credential_row(
            self.config, users[person.uni_id], secret.type, set_at, secret.authorisation
        )
        helper = population.helper(person, secret.authorisation)
        row["authorised_by_id"] = users[helper.uni_id] if helper else None
        if secret.stage_days_left is not None:
            row["expires_at"] = self.now.at + timedelta(days=secret.stage_days_left)
            row["expiry_reason"] = ExpiryReason.STAGE
        if secret.ended_days_ago is not None:
            row["ended_at"] = self.at_school(person, secret.ended_days_ago)
        return row

    def set_at(self, person: Person, secret: Secret) -> datetime:
        """Return when a password was set: its row and its event say the same."""
        if secret.age_days_left is not None:
            return self.at_school(person, self.config.password_days - secret.age_days_left)
        return self.at_school(person, secret.set_days_ago)

    def at_school(self, person: Person, days_ago: int) -> datetime:
        """Return an instant so many days ago, at a time of day when a school is open, the person's own."""
        minutes = crc32(person.uni_id.encode()) % SCHOOL_DAY_MINUTES
        day = datetime.combine(self.now.today - timedelta(days=days_ago), SCHOOL_DAY_STARTS, COPENHAGEN)
        return min((day + timedelta(minutes=minutes)).astimezone(UTC), self.now.at)

    def record_history(self, users: dict[str, int], population: Population) -> None:
        """Record every change of password at the time when it was made."""
        # PostgreSQL writes its own clock's time, which went on while the passwords were hashed.
        present = self.db.scalar(select(NOW), self.now.binds) or self.now.at
        for person in population.people:
            for secret in person.secrets:
                set_at = self.set_at(person, secret)
                helper = population.helper(person, secret.authorisation)
                audit.record(
                    self.db,
                    Event.PASSWORD_CHANGED,
                    Instant(set_at, self.now.offset + (set_at - present)),
                    actor_id=users[helper.uni_id] if helper else None,
                    subject_id=users[person.uni_id],
                    password_type=secret.type.name,
                    authorisation=secret.authorisation.name,
                    network=SCHOOL_NETWORK,
                )
