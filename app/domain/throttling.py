"""Counting tries at a secret, before they are made (S-11 to S-15).

A bucket holds the tries of one account from one kind of place. A try is counted in one statement that
also judges whether it may be made at all, so that a thousand at once cannot pass a limit of five.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import NOW, SKEW_SECONDS, Instant, after, later, swept, table
from app.direct import Bound, direct, executing, often
from app.keys import Keys, Purpose
from app.models.credentials import NetworkFailure, Throttle
from app.models.sso import SsoSession

SHARED_BUCKETS = 64
UNUSED_SECONDS = 90 * 86400

# A network from which so many accounts failed in so many seconds, with so small a share of successes, is
# slowed for as long again: one try in so many seconds (S-14).
CROWD = 25
CROWD_SECONDS = 600
CROWD_SUCCESS = 0.3
GAP_SECONDS = 3
INSTITUTION_GAP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How many tries are free, the first wait after them in seconds, the longest, and when it closes."""

    free: int
    first_wait: int
    longest_wait: int
    closes_at: int | None = None


class Place(Enum):
    """Where a try comes from, with the limits that hold there."""

    DEVICE = Limits(free=10, first_wait=15, longest_wait=300)
    NETWORK = Limits(free=20, first_wait=5, longest_wait=300)
    OUTER = Limits(free=5, first_wait=15, longest_wait=900, closes_at=50)


@dataclass(frozen=True, slots=True)
class Reserved:
    """The answer to a try: whether it may be made, and if not, how long to wait."""

    bucket: str
    is_allowed: bool
    wait_seconds: int = 0
    is_closed: bool = False


def bucket_name(keys: Keys, place: Place, username: str, detail: str = "") -> str:
    """Return the bucket's name: a keyed hash, so that the table tells no usernames.

    `username` is the normal form, or "" for what is no username at all: such share a fixed set of
    buckets by `detail` (S-11).
    """
    return keys.mark(Purpose.THROTTLE, "throttle", place.name, username, detail).hex()


def shared_detail(keys: Keys, text: str) -> str:
    """Return which of the shared buckets a text that is no username falls into."""
    return str(int.from_bytes(keys.mark(Purpose.THROTTLE, "shared", text)[:4], "big") % SHARED_BUCKETS)


def _counting(dialect: Any, limits: Limits) -> Any:
    """The statement that counts a try and judges it, for one database and one kind of place."""
    may_close = limits.closes_at is not None
    counted = {
        "bucket": bindparam("name"),
        "tries": 1,
        "last_at": NOW,
        "next_at": NOW,
        "may_close": may_close,
    }
    first = dialect.insert(table(Throttle)).values(counted)
    # A clock set back must not lengthen a wait, so a last try in the future holds nobody (S-07).
    is_open: ColumnElement[bool] = or_(Throttle.next_at <= NOW, Throttle.last_at > after(SKEW_SECONDS))
    if limits.closes_at is not None:
        is_open = is_open & (Throttle.tries < limits.closes_at)
    return first.on_conflict_do_update(
        index_elements=[Throttle.bucket],
        set_={
            "tries": Throttle.tries + 1,
            "last_at": NOW,
            "next_at": later(NOW, _wait_after(limits)),
            "may_close": may_close,
        },
        where=is_open,
    ).returning(Throttle.tries)


def _wait_after(limits: Limits) -> ColumnElement[int]:
    """The wait in seconds that follows the try being counted, which is number `tries + 1`."""
    steps = []
    wait, tries = limits.first_wait, limits.free
    while wait < limits.longest_wait:
        steps.append((Throttle.tries + 1 == tries, wait))
        wait, tries = wait * 2, tries + 1
    return case((Throttle.tries + 1 < limits.free, 0), *steps, else_=limits.longest_wait)


_COUNTING = {
    (name, place): often(_counting(dialect, place.value))
    for name, dialect in (("postgresql", postgresql), ("sqlite", sqlite))
    for place in Place
}


def reserve(db: Session, bucket: str, place: Place, now: Instant) -> Reserved:
    """Count a try before it is made, or refuse it."""
    limits = place.value
    counting = _COUNTING[db.get_bind().dialect.name, place]
    if direct(db, counting, {"name": bucket} | now.binds).scalar() is not None:
        return Reserved(bucket, is_allowed=True)
    row = db.execute(select(Throttle.tries, Throttle.next_at).where(Throttle.bucket == bucket)).first()
    if row is None:  # cleared by a success in the same breath
        return Reserved(bucket, is_allowed=False, wait_seconds=1)
    is_closed = limits.closes_at is not None and row.tries >= limits.closes_at
    wait = int((row.next_at - now.at).total_seconds()) + 1
    return Reserved(
        bucket,
        is_allowed=False,
        wait_seconds=max(1, min(wait, limits.longest_wait)),
        is_closed=is_closed,
    )


def give_back(db: Session, reserved: Reserved) -> None:
    """Take back a counted try that could not be made."""
    db.execute(
        update(Throttle)
        .where(Throttle.bucket == reserved.bucket, Throttle.tries > 0)
        .values(tries=Throttle.tries - 1, next_at=Throttle.last_at)
    )


_CLEAR = often(delete(table(Throttle)).where(Throttle.bucket == bindparam("name")))


def clearing(bucket: str) -> Bound:
    """Return what forgets the tries in a bucket after a success from it, when executed."""
    return _CLEAR, {"name": bucket}


clear = executing(clearing)


def reopen(db: Session, bucket: str) -> None:
    """Open the outer bucket again if it had closed; one that only waits is left to wait (S-12)."""
    closes_at = Place.OUTER.value.closes_at
    db.execute(delete(Throttle).where(Throttle.bucket == bucket, Throttle.tries >= closes_at))


def network_bucket(keys: Keys, network: str) -> str:
    """Return the bucket of a whole network, which is only there while the network is slowed."""
    return keys.mark(Purpose.THROTTLE, "throttle", "crowd", network).hex()


# Whether a network is slowed, as a condition for a statement that binds `network_bucket`.
IS_SLOWED = exists().where(
    Throttle.bucket == bindparam("network_bucket"),
    Throttle.last_at > after(-CROWD_SECONDS),
    Throttle.last_at <= after(SKEW_SECONDS),
)
_PASS = (
    update(table(Throttle))
    .where(Throttle.bucket == bindparam("name"), Throttle.next_at <= NOW)
    .values(next_at=later(NOW, bindparam("gap", type_=Integer())))
    .returning(Throttle.bucket)
)


def pass_slowed(db: Session, bucket: str, *, is_institution: bool, now: Instant) -> Reserved:
    """Let one try in a gap through from a slowed network; an institution's own waits least, never long."""
    gap = INSTITUTION_GAP_SECONDS if is_institution else GAP_SECONDS
    is_through = db.execute(_PASS, {"name": bucket, "gap": gap} | now.binds).first() is not None
    return Reserved(bucket, is_allowed=is_through, wait_seconds=0 if is_through else gap)


def note_failure(db: Session, keys: Keys, network: str, account: str, now: Instant) -> None:
    """Note a wrong try at an account from a network, and slow the network if it has been guessing."""
    is_postgres = db.get_bind().dialect.name == "postgresql"
    dialect: Any = postgresql if is_postgres else sqlite
    noted = dialect.insert(NetworkFailure).values(network=network, account=account, at=now.sql)
    keyed = [NetworkFailure.network, NetworkFailure.account]
    db.execute(noted.on_conflict_do_update(index_elements=keyed, set_={"at": now.sql}))
    # What is from the future was made by a clock that was set back since (S-07).
    since, until = now.after(-CROWD_SECONDS), now.after(SKEW_SECONDS)
    failed = db.scalar(
        select(func.count())
        .select_from(NetworkFailure)
        .where(NetworkFailure.network == network, NetworkFailure.at > since, NetworkFailure.at <= until)
    )
    if not failed or failed < CROWD:
        return
    succeeded = db.scalar(
        select(func.count(SsoSession.user_id.distinct())).where(
            SsoSession.network == network, SsoSession.created_at > since, SsoSession.created_at <= until
        )
    )
    if (succeeded or 0) / (failed + (succeeded or 0)) >= CROWD_SUCCESS:
        return
    slowed = dialect.insert(Throttle).values(
        bucket=network_bucket(keys, network),
        tries=failed,
        last_at=now.sql,
        next_at=now.sql,
        may_close=False,
    )
    values = {"tries": failed, "last_at": now.sql, "may_close": False}
    db.execute(slowed.on_conflict_do_update(index_elements=[Throttle.bucket], set_=values))


def sweep(db: Session, now: Instant) -> int:
    """Remove failures too old to tell of guessing, and open buckets long unused; returns how many.

    A closed one stays until somebody opens it; only those that can close do.
    """
    closes_at = Place.OUTER.value.closes_at
    unused = and_(
        Throttle.next_at < now.after(-UNUSED_SECONDS),
        # No more is counted in one that has closed.
        or_(Throttle.may_close.is_(False), Throttle.tries != closes_at),
    )
    failures = swept(db, NetworkFailure, NetworkFailure.at < now.after(-CROWD_SECONDS))
    return failures + swept(db, Throttle, unused)
