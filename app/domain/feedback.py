"""The answers to «Hjalp det dig?»: of which page, never whose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import Instant, swept, table
from app.domain import contact, quota
from app.domain.quota import Quota
from app.keys import Keys
from app.models.contact import Feedback

KEEP_DAYS = 730
LONGEST = 1000


class Outcome(Enum):
    """What became of an answer."""

    TAKEN = auto()
    TOO_MANY = auto()


@dataclass(frozen=True, slots=True)
class Count:
    """How many a page has helped, and how many not."""

    kind: str
    slug: str
    helped: int
    not_helped: int


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody added to an answer."""

    kind: str
    slug: str
    language: str
    has_helped: bool
    body: str
    answered_at: datetime


def take(
    db: Session,
    keys: Keys,
    *,
    kind: str,
    slug: str,
    language: str,
    has_helped: bool,
    text: str,
    operation: str,
    network: str,
    now: Instant,
) -> Outcome:
    """Store an answer without CPR numbers (S-72), or refuse one too many; the same again changes nothing."""
    operation_mark = keys.token_mark("feedback", operation)
    if db.scalar(select(Feedback.id).where(Feedback.operation_mark == operation_mark)) is not None:
        return Outcome.TAKEN
    if not quota.take(db, keys, Quota.FEEDBACK, network, now):
        return Outcome.TOO_MANY
    dialect: Any = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    values = {
        "operation_mark": operation_mark,
        "kind": kind,
        "slug": slug,
        "language": language,
        "has_helped": has_helped,
        "body": contact.body(text)[0][:LONGEST],
        "answered_at": now.at,
    }
    db.execute(dialect.insert(table(Feedback)).values(values).on_conflict_do_nothing())
    return Outcome.TAKEN


def counts(db: Session) -> list[Count]:
    """Return the answers in numbers, the page that helps least first."""
    helped = func.sum(case((Feedback.has_helped, 1), else_=0))
    not_helped = func.sum(case((Feedback.has_helped, 0), else_=1))
    asked = (
        select(Feedback.kind, Feedback.slug, helped, not_helped)
        .group_by(Feedback.kind, Feedback.slug)
        .order_by(not_helped.desc(), Feedback.kind, Feedback.slug)
    )
    return [Count(kind, slug, int(yes), int(no)) for kind, slug, yes, no in db.execute(asked)]


def list_written(db: Session, limit: int) -> list[Written]:
    """Return the answers with words, the newest first."""
    newest = select(Feedback).where(Feedback.body != "").order_by(Feedback.id.desc()).limit(limit)
    return [
        Written(one.kind, one.slug, one.language, one.has_helped, one.body, one.answered_at)
        for one in db.scalars(newest)
    ]


def sweep(db: Session, now: Instant) -> int:
    """Remove answers that are two years old; returns how many."""
    return swept(db, Feedback, Feedback.answered_at < now.after(-KEEP_DAYS * 86400))
