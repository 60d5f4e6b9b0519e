"""The devices that have logged in to an account; the browser holds the id in a signed cookie (S-13)."""

from __future__ import annotations

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import NOW, Instant, direct, table
from app.keys import Keys
from app.models.credentials import KnownDevice

KIND = "known_device"

_KNOW = {
    name: dialect.insert(table(KnownDevice))
    .values(user_id=bindparam("whose_id"), device_mark=bindparam("mark"), first_at=NOW, last_at=NOW)
    .on_conflict_do_update(
        index_elements=[KnownDevice.user_id, KnownDevice.device_mark], set_={"last_at": NOW}
    )
    for name, dialect in (("postgresql", postgresql), ("sqlite", sqlite))
}


def know(db: Session, keys: Keys, user_id: int, device_token: str, now: Instant) -> None:
    """Note that a device has logged in to an account."""
    values = {"whose_id": user_id, "mark": keys.token_mark(KIND, device_token)}
    direct(db, _KNOW[db.get_bind().dialect.name], values | now.binds)
