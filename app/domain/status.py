"""What the operator tells of the running: information, disturbances and outages, now and lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.db import Instant, after
from app.direct import direct
from app.domain import audit
from app.domain.audit import Event
from app.models.contact import OperationsNotice, Severity

LATELY_DAYS = 90
LONGEST = 300
# No operator has more to tell in so many days; a page is not to grow without end.
MOST = 200


class Outcome(Enum):
    """What became of a change."""

    DONE = auto()
    NOT_THERE = auto()
    ENDED_ALREADY = auto()
    ENDS_BEFORE_IT_STARTS = auto()
    NO_TEXT = auto()
    TOO_LONG = auto()


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that the operator tells."""

    id: int
    severity: Severity
    texts: tuple[tuple[str, str], ...]
    starts_at: datetime
    ends_at: datetime | None

    def is_on(self, at: datetime) -> bool:
        """Whether it holds at an instant: from its start, and no longer at its end."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def text(self, language: str) -> tuple[str, str]:
        """Return the language and the words for a reader; where theirs are missing, the Danish."""
        found = dict(self.texts)
        code = language if found.get(language) else "da"
        return code, found[code]


def add(
    db: Session,
    severity: Severity,
    danish: str,
    english: str,
    starts_at: datetime,
    ends_at: datetime | None,
    *,
    operator: str,
    now: Instant,
) -> tuple[Outcome, int | None]:
    """Tell something in the name of an operator; returns its number."""
    danish, english = " ".join(danish.split()), " ".join(english.split())
    if not danish or not english:
        return Outcome.NO_TEXT, None
    if max(len(danish), len(english)) > LONGEST:
        return Outcome.TOO_LONG, None
    if ends_at is not None and ends_at <= starts_at:
        return Outcome.ENDS_BEFORE_IT_STARTS, None
    notice = OperationsNotice(
        severity=severity, text_da=danish, text_en=english, starts_at=starts_at, ends_at=ends_at
    )
    db.add(notice)
    db.flush()
    audit.record(
        db,
        Event.NOTICE_TOLD,
        now,
        notice=notice.id,
        severity=severity.value,
        starts_at=_told(starts_at),
        ends_at=_told(ends_at),
        operator=operator,
    )
    return Outcome.DONE, notice.id


def end(db: Session, id: int, at: datetime, *, operator: str, now: Instant) -> Outcome:
    """Let something end, now or at another time; one that has not begun is taken back."""
    notice = db.get(OperationsNotice, id)
    if notice is None:
        return Outcome.NOT_THERE
    if notice.ends_at is not None and notice.ends_at <= now.at:
        # What readers were told of the past stays as it was.
        return Outcome.ENDED_ALREADY
    if notice.starts_at >= at:
        db.delete(notice)
        audit.record(db, Event.NOTICE_TAKEN_BACK, now, notice=id, operator=operator)
    else:
        notice.ends_at = at
        audit.record(db, Event.NOTICE_ENDED, now, notice=id, ends_at=_told(at), operator=operator)
    return Outcome.DONE


def _told(at: datetime | None) -> str:
    """Return an instant as the audit holds it; nothing where there is no end."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""


_LATELY = (
    select(
        OperationsNotice.id,
        OperationsNotice.severity,
        OperationsNotice.text_da,
        OperationsNotice.text_en,
        OperationsNotice.starts_at,
        OperationsNotice.ends_at,
    )
    .where(or_(OperationsNotice.ends_at.is_(None), OperationsNotice.ends_at > after(-LATELY_DAYS * 86400)))
    .order_by(OperationsNotice.starts_at.desc(), OperationsNotice.id.desc())
    .limit(MOST)
)


def list_lately(db: Session, now: Instant) -> list[Notice]:
    """Return what holds, is to come, or has ended within the last 90 days; the newest first."""
    return [
        Notice(
            one.id,
            one.severity,
            (("da", one.text_da), ("en", one.text_en)),
            one.starts_at,
            one.ends_at,
        )
        for one in direct(db, _LATELY, now.binds)
    ]
