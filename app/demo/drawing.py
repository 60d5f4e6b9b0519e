"""Who there is at the demo schools: drawn from a seed, so that the same people come out each time.

Nothing here touches the database. Dates are reckoned from the day of the load.
"""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TypedDict

from stdnum.dk import cpr as cpr_rules

from app.demo.cast import CAST
from app.demo.chance import SeededDice
from app.demo.empty_lists import HOLD, WITHOUT_PUPILS
from app.demo.member import Member, School
from app.demo.population import Class, Link, Person, Place, Population, Secret
from app.demo.schools import BOEGESKOLEN, EGESKOLEN, LINDESKOLEN
from app.domain import passwords
from app.domain.cpr import REPLACEMENT_DAYS
from app.domain.passwords import About
from app.models.credentials import Authorisation
from app.models.people import Category, GroupType, PasswordType, Relation, Role

SCHOOLS = (EGESKOLEN, BOEGESKOLEN)
LEVELS = tuple(str(level) for level in range(10))
LINES = ("A", "B")
SMALLEST, LARGEST = 20, 26
STRANGER_AGE = 80
SFO = "SFO"
SFO_LEVELS = ("0", "1", "2", "3")
STAGE_STARTS = ("4", "7")
LARGEST_FAMILY = 3
TEACHERS = 30
# Who else works at a school, and how many of each.
OTHERS = (
    (Category.EMPLOYEE, Role.PAEDAGOG, 7),
    (Category.EMPLOYEE, Role.VIKAR, 3),
    (Category.EMPLOYEE, Role.LEDER, 1),
    (Category.EMPLOYEE, Role.LEDELSE, 2),
    (Category.EMPLOYEE, Role.TAP, 4),
    (Category.EMPLOYEE, Role.KONSULENT, 1),
    (Category.EXTERNAL, Role.PRAKTIKANT, 2),
)
# The usernames of `flask demo load --extra` begin so; nobody else's may.
EXTRA_PREFIX = "ben"
LETTERS = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "ı": "i", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})


class Kind(TypedDict):
    """The names of one kind of family."""

    share: int
    girls: list[str]
    boys: list[str]
    women: list[str]
    men: list[str]
    families: list[str]
    middles: list[str]


@cache
def kinds() -> list[Kind]:
    """Return the names there are to draw from, by kind of family."""
    loaded: list[Kind] = tomllib.loads((Path(__file__).with_name("names.toml")).read_text("utf-8"))["kinds"]
    return loaded


@dataclass(slots=True)
class Family:
    """Children of the same adults."""

    kind: Kind
    family_name: str
    adults: list[tuple[Person, Relation, bool]]
    levels: set[str] = field(default_factory=set)


def draw(today: date) -> Population:
    """Draw both schools as they stand on a day."""
    return _Draw(today).population()


def draw_cast(today: date) -> list[Person]:
    """Draw the cast alone, each with the number that `draw` gives them."""
    return _Draw(today).cast()


def draw_stranger(today: date) -> tuple[date, str]:
    """Return birthday and number of a woman whom `draw` never draws: she is older than everybody."""
    drawing, dice = _Draw(today), SeededDice("stranger")
    born_on = date(drawing.start.year - STRANGER_AGE, 1, 1) + timedelta(days=dice.below(365))
    return born_on, drawing.number(dice, born_on, is_woman=True)


def school_year_start(today: date) -> date:
    """Return the first of August that began the school year of a day."""
    return date(today.year if today.month >= 8 else today.year - 1, 8, 1)


class _Draw:
    """One drawing: what is taken already, and what has been made so far."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.start = school_year_start(today)
        self.usernames = {member.username for member in CAST if member.username}
        self.uni_ids: set[str] = set()
        self.numbers: set[str] = set()
        self.people: list[Person] = []
        self.links: list[Link] = []
        self.classes: list[Class] = []

    def population(self) -> Population:
        members = {person.member.word: person for person in self.cast() if person.member}
        self.link_members(members)
        for school in SCHOOLS:
            self.school(school, list(members.values()))
        self.classes.append(Class(EGESKOLEN, HOLD, GroupType.HOLD))
        self.classes.append(Class(LINDESKOLEN, "1.A", level="1", line="A"))
        return Population(self.classes, self.people, self.links)

    def cast(self) -> list[Person]:
        """Draw the cast, before anybody else so that theirs are the numbers no other drawing changes."""
        self.people.extend(self.member(member) for member in CAST)
        return [*self.people]

    def school(self, school: School, members: list[Person]) -> None:
        """Draw one school: its classes, their pupils and families, and who works there."""
        families: list[Family] = []
        for level in LEVELS:
            for line in LINES:
                group = Class(school, f"{level}.{line}", level=level, line=line)
                here = [p for p in members if _is_pupil_of(p, group)]
                dice = SeededDice(school.number, group.name)
                size = SMALLEST + dice.below(LARGEST - SMALLEST + 1)
                group.pupils = [*here]
                for person in here:
                    self.fill_in_contacts(person, school, dice)
                while len(group.pupils) < size:
                    group.pupils.append(self.pupil(group, families, dice))
                self.classes.append(group)
        self.classes.append(Class(school, SFO, GroupType.SFO))
        self.staff(school, [p for p in members if any(place.school is school for place in p.places)])

    # People

    def member(self, member: Member) -> Person:
        """Return a person of the cast."""
        dice = SeededDice("cast", member.word)
        # The age is the one reached in the calendar year, as that decides a child's level.
        year = self.start.year - int(member.level) - 6 if member.level else self.start.year - member.age
        places = []
        if member.school:
            for category in member.categories:
                is_pupil, is_contact = category is Category.PUPIL, category is Category.CONTACT
                groups = () if is_contact else member.groups
                if is_pupil and member.level in SFO_LEVELS:
                    groups = (SFO,)
                places.append(
                    Place(
                        member.school,
                        category,
                        roles=(Role.ELEV,) if is_pupil else () if is_contact else member.roles,
                        class_name=member.class_name if is_pupil else None,
                        level=member.level if is_pupil else None,
                        groups=groups,
                    )
                )
        if member.former:
            was = member.former
            places.append(
                Place(
                    was.school, Category.EMPLOYEE, was.roles, groups=was.groups, ended_days_ago=was.days_ago
                )
            )
        person = self.person(
            dice, member.given_name, member.family_name, member.is_woman, year, places, member.username
        )
        person.secrets = [
            Secret(
                old.secret,
                old.password_type,
                old.authorisation,
                old.set_days_ago,
                ended_days_ago=old.ended_days_ago,
            )
            for old in member.earlier
        ]
        if member.secret and member.password_type:
            current = Secret(member.secret, member.password_type, member.authorisation, member.set_days_ago)
            current.stage_days_left = member.stage_days_left
            current.age_days_left = member.age_days_left
            person.secrets.append(current)
        person.alias = member.alias
        person.marked = member.marked
        person.right = member.right
        person.member = member
        return person

    def person(
        self,
        dice: SeededDice,
        given_name: str,
        family_name: str,
        is_woman: bool,
        birth_year: int,
        places: list[Place],
        username: str | None,
    ) -> Person:
        """Return a person with a number and a key of their own."""
        born_on = date(birth_year, 1, 1) + timedelta(days=dice.below(365))
        # The oldest usernames end in a character that need not be a digit, and are the key as well.
        is_old = username is not None and not username[4:].isdigit()
        uni_id = username if is_old and username else self.uni_id(dice)
        number = self.number(dice, born_on, is_woman)
        return Person(given_name, family_name, is_woman, born_on, username, uni_id, number, places)

    def uni_id(self, dice: SeededDice) -> str:
        while True:
            uni_id = f"1000{dice.below(16**6):06x}"
            if uni_id not in self.uni_ids:
                self.uni_ids.add(uni_id)
                return uni_id

    def username(self, dice: SeededDice, given_name: str, family_name: str, *, is_old: bool) -> str:
        """Return a username nobody has: four letters of the name, then four digits; old ones differ."""
        letters = (_plain(given_name) + _plain(family_name) + "xxxx")[:4]
        if letters.startswith(EXTRA_PREFIX):
            letters = letters[:1] + (_plain(family_name) + "xxx")[:3]
        while True:
            end = (
                f"{dice.below(1000):03}{dice.pick('abcdefghjkmnpqrstvwxyz')}"
                if is_old
                else f"{dice.below(10000):04}"
            )
            if letters + end not in self.usernames:
                self.usernames.add(letters + end)
                return letters + end

    def number(self, dice: SeededDice, born_on: date, is_woman: bool) -> str:
        """Return a replacement CPR number: sixty added to the day, so that no living person has it."""
        seventh = dice.pick("0123" if born_on.year < 2000 else "4567")
        head = f"{born_on.day + REPLACEMENT_DAYS:02}{born_on:%m%y}{seventh}"
        first = dice.below(1000)
        for step in range(1000):
            number = f"{head}{(first + step) % 1000:03}"
            is_odd = int(number[-1]) % 2 == 1
            if is_odd is not is_woman and cpr_rules.checksum(number) == 0 and number not in self.numbers:
                self.numbers.add(number)
                return number
        return self.number(dice, born_on, is_woman)

    # Pupils and their families

    def pupil(self, group: Class, families: list[Family], dice: SeededDice) -> Person:
        level = group.level or ""
        family = self.family(level, families, group.school, dice)
        is_girl = dice.is_one_in(2)
        names = family.kind["girls" if is_girl else "boys"]
        # Every class has its two Emmas.
        known = [p.given_name for p in group.pupils if p.is_woman is is_girl and p.member is None]
        given_name = dice.pick(known) if known and dice.is_one_in(12) else dice.pick(names)
        middles = family.kind["middles"]
        family_name = family.family_name
        if middles and dice.is_one_in(5):
            middle = dice.pick(middles)
            family_name = family_name if middle == family_name else f"{middle} {family_name}"
        groups = (SFO,) if level in SFO_LEVELS and not dice.is_one_in(3) else ()
        place = Place(group.school, Category.PUPIL, (Role.ELEV,), group.name, level, groups)
        has_username = not dice.is_one_in(25)
        is_old = level in ("8", "9") and dice.is_one_in(6)
        username = self.username(dice, given_name, family_name, is_old=is_old) if has_username else None
        year = self.start.year - 6 - int(level)
        person = self.person(dice, given_name, family_name, is_girl, year, [place], username)
        if username:
            person.secrets = [self.pupil_secret(person, level, group.school, dice)]
        self.people.append(person)
        for adult, relation, has_custody in family.adults:
            self.links.append(Link(person, adult, group.school, relation, has_custody))
        return person

    def family(self, level: str, families: list[Family], school: School, dice: SeededDice) -> Family:
        """Return the family of the next pupil: one with a child at another level, or a new one."""
        open_ones = [f for f in families[-160:] if len(f.levels) < LARGEST_FAMILY and level not in f.levels]
        if open_ones and dice.below(100) < 35:
            family = dice.pick(open_ones)
        else:
            family = self.new_family(school, dice)
            families.append(family)
        family.levels.add(level)
        return family

    def new_family(self, school: School, dice: SeededDice) -> Family:
        kind = _kind(dice)
        other_kind = _kind(dice) if dice.is_one_in(8) else kind
        name = dice.pick(kind["families"])
        other = dice.pick(other_kind["families"]) if dice.is_one_in(3) else name
        joint = f"{other}-{name}" if dice.is_one_in(3) else f"{other} {name}"
        family = Family(kind, joint if other != name and dice.is_one_in(3) else name, [])
        adults = [(kind, name), (other_kind, other)]
        women = [True, dice.is_one_in(30)]
        if dice.is_one_in(2):
            women.reverse()
        count = 1 if dice.is_one_in(4) else 2
        for number, ((its_kind, its_name), is_woman) in enumerate(zip(adults, women, strict=True)):
            if number == count:
                break
            # A second adult is now and then a step-parent, without custody.
            is_step = number == 1 and dice.is_one_in(8)
            relation = Relation.ANDET if is_step else Relation.MOR if is_woman else Relation.FAR
            if count == 1 and dice.is_one_in(40):
                relation = Relation.OFFICIEL
            family.adults.append(
                (self.adult(its_kind, its_name, is_woman, school, dice), relation, not is_step)
            )
        return family

    def adult(self, kind: Kind, family_name: str, is_woman: bool, school: School, dice: SeededDice) -> Person:
        """Return a contact; few have a username, as nobody has one before it is activated."""
        given_name = dice.pick(kind["women" if is_woman else "men"])
        has_username = dice.is_one_in(25)
        username = self.username(dice, given_name, family_name, is_old=False) if has_username else None
        year = self.start.year - 30 - dice.below(25)
        place = Place(school, Category.CONTACT)
        person = self.person(dice, given_name, family_name, is_woman, year, [place], username)
        if username:
            person.secrets = [self.adult_secret(person, school, dice, Authorisation.MITID)]
        self.people.append(person)
        return person

    def fill_in_contacts(self, child: Person, school: School, dice: SeededDice) -> None:
        """Give a pupil of the cast two contacts, beside the cast's own; both have custody."""
        kind = kinds()[0]
        # The family name of a protected child must not be found with the parents.
        name = dice.pick(kind["families"]) if child.alias else child.family_name
        has = [link.relation for link in self.links if link.pupil is child]
        for relation in [r for r in (Relation.MOR, Relation.FAR) if r not in has][: 2 - len(has)]:
            adult = self.adult(kind, name, relation is Relation.MOR, school, dice)
            self.links.append(Link(child, adult, school, relation, True))

    def link_members(self, members: dict[str, Person]) -> None:
        for member in CAST:
            for contact in member.contact_of:
                pupil, adult = members[contact.pupil], members[member.word]
                school = pupil.places[0].school
                self.links.append(Link(pupil, adult, school, contact.relation, contact.has_custody))

    # Staff

    def staff(self, school: School, members: list[Person]) -> None:
        """Draw the teachers of every class and the others; two teach each class, the cast aside."""
        dice = SeededDice(school.number, "staff")
        taught: list[list[str]] = [[] for _ in range(TEACHERS)]
        for index, name in enumerate(f"{level}.{line}" for level in LEVELS for line in LINES):
            taught[index].append(name)
            for _ in range(2):
                other = dice.below(TEACHERS)
                if name not in taught[other] and len(taught[other]) < 4:
                    taught[other].append(name)
        for names in taught:
            self.employee(school, Category.EMPLOYEE, Role.LAERER, tuple(sorted(names)), dice)
        # Those without pupils work here beside the others, who are drawn as if they did not.
        counted = [person for person in members if person.member not in WITHOUT_PUPILS]
        has = [role for person in counted for place in person.places for role in place.roles]
        for category, role, count in OTHERS:
            for _ in range(count - has.count(role)):
                groups = (SFO,) if role is Role.PAEDAGOG else ()
                self.employee(school, category, role, groups, dice)

    def employee(
        self, school: School, category: Category, role: Role, groups: tuple[str, ...], dice: SeededDice
    ) -> None:
        kind = _kind(dice)
        is_woman = dice.below(100) < 68
        given_name = dice.pick(kind["women" if is_woman else "men"])
        family_name = dice.pick(kind["families"])
        has_username = not dice.is_one_in(10)
        is_old = dice.is_one_in(5)
        username = self.username(dice, given_name, family_name, is_old=is_old) if has_username else None
        year = self.start.year - 26 - dice.below(38)
        place = Place(school, category, (role,), groups=groups)
        person = self.person(dice, given_name, family_name, is_woman, year, [place], username)
        if username:
            person.secrets = [self.adult_secret(person, school, dice, Authorisation.OWNER)]
        self.people.append(person)

    # Passwords

    def pupil_secret(self, person: Person, level: str, school: School, dice: SeededDice) -> Secret:
        days_ago = 3 + dice.below(300)
        if level in STAGE_STARTS:
            days_ago = min(days_ago, dice.below((self.today - self.start).days + 1))
        password_type = passwords.required_type(level, None)
        if password_type is PasswordType.PICTURES:
            by = dice.pick((Authorisation.TEACHER, Authorisation.TEACHER, Authorisation.GUARDIAN))
        else:
            by = dice.pick(
                (Authorisation.OWNER, Authorisation.OWNER, Authorisation.TEACHER, Authorisation.GUARDIAN)
            )
        return self.secret(person, password_type, school, by, days_ago)

    def adult_secret(self, person: Person, school: School, dice: SeededDice, by: Authorisation) -> Secret:
        return self.secret(person, PasswordType.WORDS_DIGITS, school, by, 3 + dice.below(300))

    def secret(
        self, person: Person, password_type: PasswordType, school: School, by: Authorisation, days_ago: int
    ) -> Secret:
        """Deal a password from the person's own seed, so that it follows from who it is for."""
        dice = SeededDice("password", person.uni_id)
        about = About((person.given_name, person.family_name), person.username or "", (school.name,))
        return Secret(passwords.deal(password_type, dice, about), password_type, by, days_ago)


def _is_pupil_of(person: Person, group: Class) -> bool:
    return any(place.school is group.school and place.class_name == group.name for place in person.places)


def _kind(dice: SeededDice) -> Kind:
    return dice.pick([kind for kind in kinds() for _ in range(kind["share"])])


def _plain(name: str) -> str:
    """Return a name's letters from a to z."""
    spelt = unicodedata.normalize("NFKD", name.casefold().translate(LETTERS))
    return "".join(letter for letter in spelt if "a" <= letter <= "z")
