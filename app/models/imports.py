"""What came from the schools' own systems."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ImportOutcome(StrEnum):
    """What became of a delivery."""

    LOADED = auto()
    REJECTED = auto()


class ImportRun(Base):
    """One delivery of an institution's people by one source system."""

    __tablename__ = "import_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    source: Mapped[str] = mapped_column(String(60))
    received_at: Mapped[datetime]
    outcome: Mapped[ImportOutcome]

    __table_args__ = (Index("ix_import_run_institution_id_received_at", "institution_id", "received_at"),)
