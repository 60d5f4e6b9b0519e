"""People, the institutions they belong to, and who may help whom."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum, auto

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, UniqueConstraint, case, text
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import JSON

from app.db import Base


class PasswordType(StrEnum):
    """The three kinds of secret; which one a user has follows from the level."""

    PICTURES = auto()
    WORDS = auto()
    WORDS_DIGITS = auto()


class Category(StrEnum):
    """What an affiliation makes of a person; each affiliation is of one category."""

    PUPIL = auto()
    EMPLOYEE = auto()
    EXTERNAL = auto()
    CONTACT = auto()


class Role(StrEnum):
    """The roles a source system gives, in the schools' own words."""

    BARN = "Barn"
    ELEV = "Elev"
    STUDERENDE = "Studerende"
    LAERER = "Lærer"
    PAEDAGOG = "Pædagog"
    VIKAR = "Vikar"
    LEDER = "Leder"
    LEDELSE = "Ledelse"
    TAP = "TAP"
    KONSULENT = "Konsulent"
    PRAKTIKANT = "Praktikant"
    EKSTERN = "Ekstern"


class GroupType(StrEnum):
    """The types of group; a pupil's one main group is a `HOVEDGRUPPE`."""

    HOVEDGRUPPE = "Hovedgruppe"
    AARGANG = "Årgang"
    RETNING = "Retning"
    HOLD = "Hold"
    SFO = "SFO"
    TEAM = "Team"
    ANDET = "Andet"


class Relation(StrEnum):
    """What a contact is to a pupil."""

    MOR = "Mor"
    FAR = "Far"
    ANDET = "Andet"
    OFFICIEL = "Officielt tilknyttet person"


class CprStatus(StrEnum):
    """How sure the CPR number is."""

    VERIFIED = auto()
    UNVERIFIED = auto()
    REPLACEMENT = auto()
    UNKNOWN = auto()


class RightKind(StrEnum):
    """Rights that no source system gives."""

    USER_ADMINISTRATOR = auto()
    SUPPORTER = auto()


class Locality(StrEnum):
    """What an institution asks of a claim that comes from elsewhere (S-43)."""

    CONFIRM = auto()  # the teacher compares a picture
    WARN = auto()  # the teacher is told
    OFF = auto()


class User(Base):
    """A person with a Unilogin; one per CPR number."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    uni_id: Mapped[str] = mapped_column(String(10), unique=True)
    username: Mapped[str | None] = mapped_column(String(8), unique=True)
    given_name: Mapped[str] = mapped_column(String(100))
    family_name: Mapped[str] = mapped_column(String(100))
    is_protected: Mapped[bool] = mapped_column(default=False)
    alias_given_name: Mapped[str | None] = mapped_column(String(100))
    alias_family_name: Mapped[str | None] = mapped_column(String(100))
    cpr_lookup: Mapped[bytes | None] = mapped_column(unique=True)
    cpr_sealed: Mapped[str | None] = mapped_column(String(200))
    mitid_uuid: Mapped[str | None] = mapped_column(String(200))
    cpr_status: Mapped[CprStatus] = mapped_column(default=CprStatus.UNKNOWN)
    marked_password_type: Mapped[PasswordType | None]
    blocked_at: Mapped[datetime | None]
    # The institution whose administrator blocked, and alone may lift it again; none where the operator did.
    blocked_by_institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    created_at: Mapped[datetime]

    affiliations: Mapped[list[Affiliation]] = relationship(back_populates="user")

    __table_args__ = (
        CheckConstraint(
            "NOT is_protected OR (alias_given_name IS NOT NULL AND alias_family_name IS NOT NULL)",
            name="protected_has_alias",
        ),
        Index("uq_user_mitid_uuid", "mitid_uuid", unique=True),
    )

    @property
    def shown_name(self) -> str:
        """The full name others may see: the alias of a protected person."""
        if self.is_protected:
            return f"{self.alias_given_name} {self.alias_family_name}"
        return f"{self.given_name} {self.family_name}"

    @classmethod
    def shown_given_name_sql(cls) -> ColumnElement[str]:
        """The given name others may see, as an expression."""
        return case((cls.is_protected, cls.alias_given_name), else_=cls.given_name)

    @classmethod
    def shown_name_sql(cls) -> ColumnElement[str]:
        """The full name others may see, as an expression."""
        return case(
            (cls.is_protected, cls.alias_given_name + " " + cls.alias_family_name),
            else_=cls.given_name + " " + cls.family_name,
        )


class Institution(Base):
    """A school, daycare or authority."""

    __tablename__ = "institution"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(6), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    type: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(200), default="")
    postcode: Mapped[str] = mapped_column(String(4), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    mail: Mapped[str] = mapped_column(String(200), default="")
    www: Mapped[str] = mapped_column(String(200), default="")
    municipality: Mapped[str] = mapped_column(String(100), default="")
    region: Mapped[str] = mapped_column(String(100), default="")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    is_public_body: Mapped[bool] = mapped_column(default=True)
    locality: Mapped[Locality] = mapped_column(default=Locality.CONFIRM, server_default=text("'CONFIRM'"))


class Network(Base):
    """A network that an institution has registered as its own (S-13)."""

    __tablename__ = "network"

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"), index=True)
    cidr: Mapped[str] = mapped_column(String(43))
    label: Mapped[str] = mapped_column(String(100), default="")

    __table_args__ = (UniqueConstraint("institution_id", "cidr"),)


class Group(Base):
    """A class or another group; `code` is unique at its institution."""

    __tablename__ = "group"

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(100))
    type: Mapped[GroupType]
    level: Mapped[str | None] = mapped_column(String(5))
    line: Mapped[str | None] = mapped_column(String(10))
    from_on: Mapped[date | None]
    to_on: Mapped[date | None]

    __table_args__ = (
        UniqueConstraint("institution_id", "code"),
        CheckConstraint("(type = 'HOVEDGRUPPE') = (level IS NOT NULL)", name="main_group_has_level"),
    )


class Affiliation(Base):
    """A user at an institution, in one category (tilknytning)."""

    __tablename__ = "affiliation"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"), index=True)
    category: Mapped[Category]
    roles: Mapped[list[str]] = mapped_column(JSON, default=list)
    level: Mapped[str | None] = mapped_column(String(5))
    main_group_id: Mapped[int | None] = mapped_column(ForeignKey("group.id"), index=True)
    is_primary: Mapped[bool] = mapped_column(default=True)
    source: Mapped[str] = mapped_column(String(60), default="manual")
    local_person_id: Mapped[str | None] = mapped_column(String(60))
    from_on: Mapped[date]
    to_on: Mapped[date | None]

    user: Mapped[User] = relationship(back_populates="affiliations")
    institution: Mapped[Institution] = relationship()
    main_group: Mapped[Group | None] = relationship()

    __table_args__ = (
        CheckConstraint("main_group_id IS NULL OR category = 'PUPIL'", name="main_group_is_for_pupils"),
    )


class GroupMember(Base):
    """An affiliation's place in a group: a teacher's classes, a pupil's further groups."""

    __tablename__ = "group_member"

    affiliation_id: Mapped[int] = mapped_column(ForeignKey("affiliation.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("group.id"), primary_key=True, index=True)


class ContactRelation(Base):
    """An adult registered for a pupil at an institution."""

    __tablename__ = "contact_relation"

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    relation: Mapped[Relation]
    has_custody: Mapped[bool]
    may_help: Mapped[bool] = mapped_column(default=True)
    access_level: Mapped[str | None] = mapped_column(String(20))
    verification_level: Mapped[str | None] = mapped_column(String(20))
    from_on: Mapped[date]
    to_on: Mapped[date | None]

    __table_args__ = (UniqueConstraint("pupil_id", "contact_id", "institution_id"),)


class Right(Base):
    """A right given by hand: user administrator of one institution, or supporter."""

    __tablename__ = "right"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    kind: Mapped[RightKind]
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    given_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_right_current",
            "user_id",
            "kind",
            text("coalesce(institution_id, 0)"),
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
