"""Secrets, the count of tries at them, and the devices that have got one right."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto

from sqlalchemy import ForeignKey, Index, String, text, true
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.models.people import PasswordType


class Authorisation(StrEnum):
    """By whose leave a password was set; shown to its owner."""

    OWNER = auto()  # knew the old one
    MITID = auto()
    GUARDIAN = auto()
    TEACHER = auto()
    ADMINISTRATOR = auto()
    OPERATOR = auto()


class ExpiryReason(StrEnum):
    """Why a password has a last day."""

    STAGE = auto()
    AGE = auto()
    ONE_TIME = auto()  # the operator dealt it, to be changed at the first login


class Credential(Base):
    """The stored password hash: one current a user, the ended ones are history (S-22)."""

    __tablename__ = "credential"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    password_type: Mapped[PasswordType]
    sealed_hash: Mapped[str] = mapped_column(String(300))
    authorisation: Mapped[Authorisation]
    authorised_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    set_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    expiry_reason: Mapped[ExpiryReason | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_credential_current",
            "user_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )


class PendingPassword(Base):
    """An assigned or chosen password not yet practised, bound to one flow (S-25)."""

    __tablename__ = "pending_password"

    flow_id: Mapped[int] = mapped_column(ForeignKey("login_flow.id", ondelete="CASCADE"), primary_key=True)
    password_type: Mapped[PasswordType]
    sealed_secret: Mapped[str] = mapped_column(String(900))
    is_own_choice: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime]


class Throttle(Base):
    """One bucket of tries (S-12, S-13); the name tells nothing, it is a keyed hash."""

    __tablename__ = "throttle"

    bucket: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    last_at: Mapped[datetime]
    next_at: Mapped[datetime] = mapped_column(index=True)
    # Whether it is of the kind that closes; of those from before nobody knows.
    may_close: Mapped[bool] = mapped_column(server_default=true())


class NetworkFailure(Base):
    """The last wrong try at an account from a network: many accounts tell of guessing (S-14)."""

    __tablename__ = "network_failure"

    network: Mapped[str] = mapped_column(String(45), primary_key=True)
    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


class KnownDevice(Base):
    """A device that has logged in to this account; the browser holds the id in a signed cookie."""

    __tablename__ = "known_device"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    device_mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
