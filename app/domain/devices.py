"""The devices that have logged in to an account; the browser holds the id in a signed cookie (S-13)."""

from __future__ import annotations

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import NOW, Instant, swept, table
from app.direct import Bound, often
from app.keys import Keys
from app.models.credentials import KnownDevice

KIND = "known_device"

_KNOW = {
    name: often(
        dialect.insert(table(KnownDevice))
        .values(user_id=bindparam("whose_id"), device_mark=bindparam("mark"), first_at=NOW, last_at=NOW)
        .on_conflict_do_update(
            index_elements=[KnownDevice.user_id, KnownDevice.device_mark], set_={"last_at": NOW}
        )
    )
    for name, dialect in (("postgresql", postgresql), ("sqlite", sqlite))
}


# The browser's cookie lives as long.
KNOWN_DAYS = 400


def sweep(db: Session, now: Instant) -> int:
    """Remove devices that nobody has logged in from for as long as their cookie lives; returns how many."""
    return swept(db, KnownDevice, KnownDevice.last_at < now.after(-KNOWN_DAYS * 86400))


def forget_others(db: Session, keys: Keys, user_id: int, device_token: str | None) -> None:
    """Forget the devices of an account but the one at hand: somebody may have had the old password."""
    mark = keys.token_mark(KIND, device_token) if device_token else ""
    db.execute(delete(KnownDevice).where(KnownDevice.user_id == user_id, KnownDevice.device_mark != mark))


def knowing(db: Session, keys: Keys, user_id: int, device_token: str, now: Instant) -> Bound:
    """Return what notes that a device has logged in to an account, when executed."""
    values = {"whose_id": user_id, "mark": keys.token_mark(KIND, device_token)}
    return _KNOW[db.get_bind().dialect.name], values | now.binds
