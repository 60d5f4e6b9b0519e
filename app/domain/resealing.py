"""Sealing anew what stands under an older key, so that the older key can be thrown away (S-22, S-83)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.domain import cpr
from app.domain.passwords import Hasher
from app.keys import Keys, Purpose
from app.models.credentials import Credential
from app.models.people import User

BATCH = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """How far one batch came: the last row it saw, None where there are no more, and how many it sealed."""

    last_id: int | None
    sealed: int


def reseal_passwords(db: Session, hasher: Hasher, after_id: int) -> Batch:
    """Seal the next batch of stored hashes anew, history too; no password is needed for it."""
    rows = db.execute(
        select(Credential.id, Credential.user_id, Credential.password_type, Credential.sealed_hash)
        .where(Credential.id > after_id)
        .order_by(Credential.id)
        .limit(BATCH)
    ).all()
    sealed = 0
    for row in rows:
        if hasher.is_sealed_with_current_key(row.sealed_hash):
            continue
        bound = (row.user_id, row.id, row.password_type)
        fresh = hasher.seal(hasher.unseal(row.sealed_hash, *bound), *bound)
        changed = db.execute(
            update(Credential)
            .where(Credential.id == row.id, Credential.sealed_hash == row.sealed_hash)
            .values(sealed_hash=fresh)
            .returning(Credential.id)
        )
        sealed += changed.first() is not None
    return Batch(rows[-1].id if rows else None, sealed)


def reseal_cpr_numbers(db: Session, keys: Keys, after_id: int) -> Batch:
    """Seal the next batch of CPR numbers anew."""
    rows = db.execute(
        select(User.id, User.cpr_sealed)
        .where(User.id > after_id, User.cpr_sealed.is_not(None))
        .order_by(User.id)
        .limit(BATCH)
    ).all()
    sealed = 0
    for row in rows:
        if keys.is_current(Purpose.CPR_STORE, row.cpr_sealed):
            continue
        fresh = cpr.seal(keys, cpr.unseal(keys, row.cpr_sealed, row.id), row.id)
        changed = db.execute(
            update(User)
            .where(User.id == row.id, User.cpr_sealed == row.cpr_sealed)
            .values(cpr_sealed=fresh)
            .returning(User.id)
        )
        sealed += changed.first() is not None
    return Batch(rows[-1].id if rows else None, sealed)
