"""The latest time that was seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ClockMark(Base):
    """The latest time the clock has shown, in one row: a clock that shows less was set back (S-07)."""

    __tablename__ = "clock_mark"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
