"""What is told of a person of the cast, and of a school."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from app.domain.passwords import code
from app.models.credentials import Authorisation
from app.models.people import Category, PasswordType, Relation, RightKind, Role

MITID_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True, slots=True)
class School:
    """An institution of the demo."""

    number: str
    name: str
    type: str
    is_public_body: bool
    address: str
    postcode: str
    city: str
    mail: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """A password that a person had before."""

    password_type: PasswordType
    secret: str
    authorisation: Authorisation
    set_days_ago: int
    ended_days_ago: int


@dataclass(frozen=True, slots=True)
class Contact:
    """A relation of the cast: who the pupil is, by word, and what the adult is to the pupil."""

    pupil: str
    relation: Relation
    has_custody: bool


@dataclass(frozen=True, slots=True)
class Former:
    """What a person was at a school until so many days ago."""

    school: School
    roles: tuple[Role, ...]
    groups: tuple[str, ...]
    days_ago: int


@dataclass(frozen=True, slots=True)
class Member:
    """One person of the cast."""

    word: str
    given_name: str
    family_name: str
    username: str | None
    role: str
    described: str
    is_woman: bool
    age: int
    school: School | None = None
    class_name: str | None = None
    categories: tuple[Category, ...] = ()
    roles: tuple[Role, ...] = ()
    groups: tuple[str, ...] = ()
    former: Former | None = None
    right: RightKind | None = None
    contact_of: tuple[Contact, ...] = ()
    password: str | None = None
    pictures: tuple[str, ...] = ()
    marked: PasswordType | None = None
    set_days_ago: int = 40
    stage_days_left: int | None = None
    age_days_left: int | None = None
    authorisation: Authorisation = Authorisation.OWNER
    earlier: tuple[Earlier, ...] = ()
    alias: tuple[str, str] | None = None
    has_mitid: bool = False
    tells_cpr: bool = True
    note: str = ""
    # The same as `described`, for those at a terminal and at the simulator who do not read Danish.
    described_en: str = ""

    @property
    def shown_name(self) -> str:
        """The name others may see (S-72)."""
        return " ".join(self.alias or (self.given_name, self.family_name))

    @property
    def level(self) -> str | None:
        """The pupil's level, which for the cast is the class's."""
        return self.class_name.partition(".")[0] if self.class_name else None

    @property
    def secret(self) -> str | None:
        """What the person types or taps, as it is hashed."""
        return code(list(self.pictures)) if self.pictures else self.password

    @property
    def password_type(self) -> PasswordType | None:
        """The kind of password the person has now; None for who has none."""
        if self.pictures:
            return PasswordType.PICTURES
        if self.password is None:
            return None
        is_middle = self.level in ("4", "5", "6")
        return PasswordType.WORDS if is_middle else PasswordType.WORDS_DIGITS

    @property
    def mitid(self) -> dict[str, str] | None:
        """The person's test identity at the simulator of MitID, by the name it stands under there (S-72)."""
        if not self.has_mitid:
            return None
        return {
            "name": self.shown_name,
            "uuid": str(uuid.uuid5(MITID_NAMESPACE, self.word)),
        }
