"""What was done, by whom, to whom; and the seals that prove nothing was taken out (S-75)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from app.db import Base


class AuditEvent(Base):
    """One act. Rows are only ever added; triggers in the database refuse all else."""

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # PostgreSQL fills in the writing transaction, so that sealing can stay behind those still running.
    xid: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_audit_event_subject_id_at", "subject_id", "at"),
        Index("ix_audit_event_institution_id_id", "institution_id", "id"),
    )


class AuditSeal(Base):
    """A batch of events, closed: its hash covers the events and the seal before it."""

    __tablename__ = "audit_seal"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    events: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[datetime]


class AuditSealed(Base):
    """Which seal covers an event; an event without a row here is not yet sealed."""

    __tablename__ = "audit_sealed"

    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seal_id: Mapped[int] = mapped_column(ForeignKey("audit_seal.id"), index=True)


class AuditAnchor(Base):
    """Where the chain begins after retention removed its start: the last removed seal's hash."""

    __tablename__ = "audit_anchor"

    seal_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))
    anchored_at: Mapped[datetime]
