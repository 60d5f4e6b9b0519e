"""Elevadgang: the five minutes in which a pupil gets a new password, and the hands that pupils raise."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

# Of the windows that something may still come of; an index holds those alone.
LIVE = "state IN ('OPEN', 'PENDING')"


class Door(StrEnum):
    """As what somebody helps: each has an authority of its own (S-40)."""

    TEACHER = auto()
    ADMINISTRATOR = auto()
    GUARDIAN = auto()


class WindowState(StrEnum):
    """Where a window stands; one that ran out is so by the clock before its row says it."""

    OPEN = auto()
    PENDING = auto()
    DONE = auto()
    EXPIRED = auto()
    CANCELLED = auto()


class EndedBy(StrEnum):
    """Why a window ended before it was used."""

    HELPER = auto()  # «Afbryd»
    REPLACED = auto()  # pressed again
    AUTHORITY = auto()  # whoever opened it may no longer help
    BLOCKED = auto()
    CHANGED = auto()  # the password was changed in another way


class Doubt(StrEnum):
    """Why a claim waits for a grown-up to compare a picture (S-43, S-44)."""

    ELSEWHERE = auto()  # neither the helper's network, the school's, nor a device the pupil uses
    ASKED_BEFORE = auto()  # the name was sent from there again and again before the press
    MANY_PUPILS = auto()  # the same browser or network has claimed for others just now
    OWN_BROWSER = auto()  # the very browser in which the helper pressed


class PasswordWindow(Base):
    """Five minutes in which a pupil's username alone leads to a new password (S-41, S-42)."""

    __tablename__ = "password_window"

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    door: Mapped[Door]
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    state: Mapped[WindowState] = mapped_column(default=WindowState.OPEN)
    opened_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    extensions: Mapped[int] = mapped_column(default=0)
    # Keyed hashes: where the helper pressed, to know the same place and the same browser again.
    opener_network_mark: Mapped[str] = mapped_column(String(64))
    opener_device_mark: Mapped[str] = mapped_column(String(64))
    claimed_at: Mapped[datetime | None]
    # Of the secret that this claim gave its browser, and of the form's, which counts a moment longer.
    claim_mark: Mapped[str | None] = mapped_column(String(64))
    form_mark: Mapped[str | None] = mapped_column(String(64))
    claim_device_mark: Mapped[str | None] = mapped_column(String(64))
    claim_device: Mapped[str | None] = mapped_column(String(80))
    claim_network: Mapped[str | None] = mapped_column(String(45))
    # The keyed hash of the one address, where the line above tells a school and no desk (S-44).
    claim_network_mark: Mapped[str | None] = mapped_column(String(64))
    is_near: Mapped[bool | None]
    doubt: Mapped[Doubt | None]
    picture: Mapped[str | None] = mapped_column(String(20))
    approved_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    credential_id: Mapped[int | None] = mapped_column(ForeignKey("credential.id", ondelete="SET NULL"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[EndedBy | None]
    disowned_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_password_window_live",
            "pupil_id",
            unique=True,
            sqlite_where=text(LIVE),
            postgresql_where=text(LIVE),
        ),
        Index("ix_password_window_opened_by_id_opened_at", "opened_by_id", "opened_at"),
        Index("ix_password_window_claim_device_mark_claimed_at", "claim_device_mark", "claimed_at"),
        Index("ix_password_window_claim_network_mark_claimed_at", "claim_network_mark", "claimed_at"),
        Index(
            "ix_password_window_live_ends_at",
            "ends_at",
            sqlite_where=text(LIVE),
            postgresql_where=text(LIVE),
        ),
    )


class HelpRequest(Base):
    """A pupil's raised hand; one for a name that nobody has is kept too, so that both cost the same."""

    __tablename__ = "help_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    name_mark: Mapped[str] = mapped_column(String(64), index=True)
    device_mark: Mapped[str] = mapped_column(String(64), index=True)
    network_mark: Mapped[str] = mapped_column(String(64), index=True)
    raised_at: Mapped[datetime] = mapped_column(index=True)
