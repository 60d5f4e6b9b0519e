"""Putting rows of the demo into the database, many at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app.config import Config
from app.demo.member import School
from app.domain import passwords
from app.domain.passwords import Hasher
from app.models.credentials import Authorisation, Credential
from app.models.people import Institution, PasswordType

Progress = Callable[[str], None]
Row = dict[str, Any]

HASHED_AT_ONCE = 100


class DemoRefusedError(Exception):
    """The demo has no place here; says why."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load came to: whether anything was added, and how many people there are now and were before."""

    is_new: bool
    people: int
    before: int = 0


@dataclass(frozen=True, slots=True)
class Unhashed:
    """A credential on its way to the store: the secret, and the row it goes into."""

    secret: str
    row: Row


def no_progress(_line: str) -> None:
    """Say nothing."""


def refuse_in_production(config: Config) -> None:
    """Stop where this is production.

    Raises:
        DemoRefusedError: it is.

    """
    if not config.is_demo:
        raise DemoRefusedError("the demo is not for production")


def insert_rows(db: Session, table: type[Any], rows: list[Row]) -> list[int]:
    """Insert rows and return their ids in the same order."""
    return list(db.scalars(insert(table).returning(table.id, sort_by_parameter_order=True), rows))


def insert_schools(db: Session, schools: Iterable[School]) -> dict[str, int]:
    """Insert institutions and return their ids by number."""
    rows: list[Row] = [
        {
            "number": school.number,
            "name": school.name,
            "type": school.type,
            "is_public_body": school.is_public_body,
            "address": school.address,
            "postcode": school.postcode,
            "city": school.city,
            "mail": school.mail,
            "municipality": "Prøve Kommune",
            "region": "Region Prøve",
        }
        for school in schools
    ]
    return {row["number"]: id for row, id in zip(rows, insert_rows(db, Institution, rows), strict=True)}


def credential_row(
    config: Config, user_id: int, password_type: PasswordType, set_at: datetime, by: Authorisation
) -> Row:
    """Return a credential's row as far as it is known before the hash."""
    expires_at, reason = passwords.expiry(
        password_type, config.password_profile, set_at, config.password_days
    )
    return {
        "user_id": user_id,
        "password_type": password_type,
        "sealed_hash": "",
        "authorisation": by,
        "authorised_by_id": None,
        "set_at": set_at,
        "expires_at": expires_at,
        "expiry_reason": reason,
        "ended_at": None,
    }


def insert_credentials(db: Session, hasher: Hasher, unhashed: Sequence[Unhashed]) -> None:
    """Hash in as many threads as there are cores, as libsodium lets go of Python's lock; then insert.

    A few at a time: the database throws out whoever is silent for long in a transaction.
    """

    def hashed(one: Unhashed) -> str:
        return hasher.hash(one.secret, one.row["user_id"], one.row["password_type"])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(unhashed), HASHED_AT_ONCE):
            some = unhashed[start : start + HASHED_AT_ONCE]
            hashes = list(pool.map(hashed, some))
            ids = insert_rows(db, Credential, [one.row for one in some])
            # A hash is sealed to its own row, whose number the insert gave.
            sealed = [
                {"id": id, "sealed_hash": hasher.seal(text, one.row["user_id"], id, one.row["password_type"])}
                for id, text, one in zip(ids, hashes, some, strict=True)
            ]
            db.execute(update(Credential), sealed)
