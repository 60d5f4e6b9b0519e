"""How much one place may send to us: so much within an hour, counted as it is let in (S-04)."""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import bindparam, case, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import NOW, SKEW_SECONDS, Instant, after, swept, table
from app.direct import direct
from app.keys import Keys, Purpose
from app.models.contact import SendingQuota

SECONDS = 3600


class Quota(Enum):
    """What is sent, and how often within the hour; a whole school may be behind one address."""

    CONTACT = 20
    # Receipts go to whatever address is given: nobody's mailbox is to be filled by us.
    RECEIPT = 5
    FEEDBACK = 120


def _taking(dialect: Any) -> Any:
    """The statement that counts one, or refuses it, for one database."""
    counted = {"bucket": bindparam("name"), "began_at": NOW, "count": 1}
    # An hour from ahead of us was begun by a clock that has been set back (S-07).
    is_over = or_(SendingQuota.began_at <= after(-SECONDS), SendingQuota.began_at > after(SKEW_SECONDS))
    return (
        dialect.insert(table(SendingQuota))
        .values(counted)
        .on_conflict_do_update(
            index_elements=[SendingQuota.bucket],
            set_={
                "count": case((is_over, 1), else_=SendingQuota.count + 1),
                "began_at": case((is_over, NOW), else_=SendingQuota.began_at),
            },
            where=or_(is_over, SendingQuota.count < bindparam("most")),
        )
        .returning(SendingQuota.count)
    )


_TAKING = {name: _taking(dialect) for name, dialect in (("postgresql", postgresql), ("sqlite", sqlite))}


def take(db: Session, keys: Keys, quota: Quota, who: str, now: Instant) -> bool:
    """Count one more from a place, or return False where the hour's are used."""
    name = keys.mark(Purpose.THROTTLE, "quota", quota.name, who).hex()
    taking = _TAKING[db.get_bind().dialect.name]
    return direct(db, taking, {"name": name, "most": quota.value} | now.binds).scalar() is not None


def sweep(db: Session, now: Instant) -> int:
    """Remove the counts of hours that are over; returns how many."""
    return swept(db, SendingQuota, SendingQuota.began_at <= now.after(-SECONDS))
