"""Who the demo schools are made of: people, their places, their relations. Nothing here is stored yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from app.demo.member import Member, School
from app.models.credentials import Authorisation
from app.models.people import Category, GroupType, PasswordType, Relation, RightKind, Role


@dataclass(slots=True)
class Place:
    """What a person is at a school."""

    school: School
    category: Category
    roles: tuple[Role, ...] = ()
    class_name: str | None = None
    level: str | None = None
    groups: tuple[str, ...] = ()
    ended_days_ago: int | None = None


@dataclass(slots=True)
class Secret:
    """A password to be hashed, and how it came to be."""

    text: str
    type: PasswordType
    authorisation: Authorisation
    set_days_ago: int
    stage_days_left: int | None = None
    age_days_left: int | None = None
    ended_days_ago: int | None = None


@dataclass(slots=True)
class Person:
    """Somebody at the demo schools."""

    given_name: str
    family_name: str
    is_woman: bool
    born_on: date
    username: str | None
    uni_id: str
    cpr: str
    places: list[Place]
    # The last one is in force, those before it have ended.
    secrets: list[Secret] = field(default_factory=list)
    alias: tuple[str, str] | None = None
    marked: PasswordType | None = None
    right: RightKind | None = None
    member: Member | None = None

    @property
    def level(self) -> str | None:
        """The level as a pupil, or None."""
        return next((place.level for place in self.places if place.level is not None), None)

    def years_here(self, place: Place) -> int:
        """Return how many school years before this one a place began: a pupil's own, others' one to nine."""
        return int(place.level) if place.level is not None else int(self.cpr[6:]) % 9 + 1


@dataclass(slots=True)
class Link:
    """An adult registered for a pupil."""

    pupil: Person
    contact: Person
    school: School
    relation: Relation
    has_custody: bool


@dataclass(slots=True)
class Class:
    """A class or another group of a school."""

    school: School
    name: str
    type: GroupType = GroupType.HOVEDGRUPPE
    level: str | None = None
    line: str | None = None
    pupils: list[Person] = field(default_factory=list)

    @property
    def code(self) -> str:
        """What the group is called in the exports of source systems: 2b for 2.B."""
        return self.name.replace(".", "").lower()


@dataclass
class Population:
    """Everybody, with their classes and relations."""

    classes: list[Class]
    people: list[Person]
    links: list[Link]

    def helper(self, person: Person, by: Authorisation) -> Person | None:
        """Return by whom a person's password was set: a teacher of the class, a guardian, or the person."""
        if by is Authorisation.TEACHER:
            place = person.places[0]
            return self._teachers.get((place.school.number, place.class_name))
        if by is Authorisation.GUARDIAN:
            return self._guardians.get(person.uni_id)
        return person

    def __post_init__(self) -> None:
        """Note who may help whom: the cast comes first, so theirs are the classes they teach."""
        self._teachers: dict[tuple[str, str | None], Person] = {}
        for person in self.people:
            for place in person.places:
                if Role.LAERER in place.roles and place.ended_days_ago is None:
                    for name in place.groups:
                        self._teachers.setdefault((place.school.number, name), person)
        self._guardians: dict[str, Person] = {}
        for link in self.links:
            if link.has_custody:
                self._guardians.setdefault(link.pupil.uni_id, link.contact)
