"""Searches without a hit, counted so that editors see what is missing; nothing tells who made them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import Instant, swept
from app.domain.vocabulary import words_of
from app.models.searches import SearchMiss

LONGEST, MOST_WORDS = 80, 8
# A machine that types at random fills no more than this; what is there goes on being counted.
MOST_ROWS = 2000
KEPT_SECONDS = 180 * 86400


def kept_words(text: str) -> str:
    """Return what is kept of a search: no word with a digit in it, so no number and no username."""
    words = [word for word in words_of(text) if word.isalpha()]
    return " ".join(words[:MOST_WORDS])[:LONGEST]


def note(db: Session, language: str, text: str, now: Instant) -> None:
    """Count a search that nothing was found by."""
    words = kept_words(text)
    is_there = SearchMiss.language == language, SearchMiss.words == words
    is_new = db.scalar(select(SearchMiss.times).where(*is_there)) is None
    if not words or (is_new and (db.scalar(select(func.count()).select_from(SearchMiss)) or 0) >= MOST_ROWS):
        return
    dialect: Any = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    noted = dialect.insert(SearchMiss).values(language=language, words=words, times=1, last_at=now.sql)
    counted = {"times": SearchMiss.times + 1, "last_at": now.sql}
    keys = [SearchMiss.language, SearchMiss.words]
    db.execute(noted.on_conflict_do_update(index_elements=keys, set_=counted))


def list_misses(db: Session) -> list[SearchMiss]:
    """Return the searches without a hit, the most frequent first."""
    ordered = SearchMiss.times.desc(), SearchMiss.last_at.desc(), SearchMiss.words
    return list(db.scalars(select(SearchMiss).order_by(*ordered)))


def sweep(db: Session, now: Instant) -> int:
    """Forget what nobody has searched for in half a year; returns how many, or `SWEPT_AT_ONCE`."""
    return swept(db, SearchMiss, SearchMiss.last_at < now.after(-KEPT_SECONDS))
