"""What people search for in vain."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class SearchMiss(Base):
    """Words that nothing was found by, freed of numbers and usernames; nothing tells who typed them."""

    __tablename__ = "search_miss"

    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    words: Mapped[str] = mapped_column(String(80), primary_key=True)
    times: Mapped[int]
    last_at: Mapped[datetime]

    __table_args__ = (Index("ix_search_miss_last_at", "last_at"),)
