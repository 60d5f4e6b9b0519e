"""The ways back in: trips to MitID, and what a person has proved with one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Errand(StrEnum):
    """What somebody goes to MitID for."""

    PASSWORD = auto()
    USERNAME = auto()
    LOGIN = auto()


class MitIdTrip(Base):
    """One trip to MitID (S-30), found by the cookie of the browser that went; it comes back once."""

    __tablename__ = "mitid_trip"

    id: Mapped[int] = mapped_column(primary_key=True)
    # State, nonce and code verifier follow from the cookie's token, so none of them is stored.
    token_mark: Mapped[str] = mapped_column(String(64), unique=True)
    errand: Mapped[Errand]
    login_flow_id: Mapped[int | None] = mapped_column(
        ForeignKey("login_flow.id", ondelete="CASCADE"), index=True
    )
    destination: Mapped[str | None] = mapped_column(String(200))
    begun_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class RecoveryFlow(Base):
    """Whom MitID proved to a browser that asks for usernames (S-33), found by that browser's cookie."""

    __tablename__ = "recovery_flow"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_mark: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    proof_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
