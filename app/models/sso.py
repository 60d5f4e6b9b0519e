"""Logins: the half-done and the living ones."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.models.people import PasswordType


class Proof(StrEnum):
    """What a flow has shown of the person so far (S-01)."""

    PASSWORD = auto()
    MITID = auto()  # the owner, at MitID
    GUARDIAN = auto()  # a parent, at MitID
    WINDOW = auto()  # a password window, opened by somebody who may help


class EndReason(StrEnum):
    """Why a session ended."""

    LOGGED_OUT = auto()
    ENDED_BY_USER = auto()
    PASSWORD_CHANGED = auto()
    DISOWNED = auto()  # the helper says that it was another pupil
    BLOCKED = auto()
    REPLACED = auto()
    OPERATOR = auto()
    NO_PLACE = auto()  # its user belonged nowhere any more


class LoginFlow(Base):
    """A half-done login, found by the cookie of the browser that began it."""

    __tablename__ = "login_flow"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_mark: Mapped[str] = mapped_column(String(64), unique=True)
    # From the proof on the browser holds another token: who saw the first one has no part in it (S-17).
    proved_mark: Mapped[str | None] = mapped_column(String(64), unique=True)
    username: Mapped[str] = mapped_column(String(80))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    password_type: Mapped[PasswordType]
    destination: Mapped[str | None] = mapped_column(String(200))
    is_change: Mapped[bool] = mapped_column(default=False)
    proof: Mapped[Proof | None]
    proof_at: Mapped[datetime | None]
    proved_credential_id: Mapped[int | None] = mapped_column(ForeignKey("credential.id", ondelete="SET NULL"))
    # Whom MitID proved, where it is by MitID; a parent where it is for a child.
    authorised_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    # The window that this browser claimed (S-42).
    password_window_id: Mapped[int | None] = mapped_column(ForeignKey("password_window.id"))
    # From which network and browser the name was sent, and how often in a row without a try (S-44).
    asked_from_mark: Mapped[str | None] = mapped_column(String(64))
    asked_from_device_mark: Mapped[str | None] = mapped_column(String(64))
    times_asked: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    has_postponed: Mapped[bool] = mapped_column(default=False)
    wrong_tries: Mapped[int] = mapped_column(default=0)
    sealed_picks: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_login_flow_password_window_id", "password_window_id", unique=True),
        Index("ix_login_flow_username_created_at", "username", "created_at"),
        # A request that is hashing may outlive its flow: SQLite would give the number to the next one (S-04).
        {"sqlite_autoincrement": True},
    )


class SsoSession(Base):
    """A login across services; the cookie's token is stored only as a keyed hash."""

    __tablename__ = "sso_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_mark: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    device: Mapped[str] = mapped_column(String(80))
    network: Mapped[str] = mapped_column(String(45))
    amr: Mapped[str] = mapped_column(String(20))
    assurance_level: Mapped[str] = mapped_column(String(20))
    actor_group: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[EndReason | None]

    __table_args__ = (Index("ix_sso_session_network_created_at", "network", "created_at"),)
