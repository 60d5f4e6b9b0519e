"""Trips to MitID: begun in one browser, back once, and whom they prove (S-30, S-31)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from sqlalchemy import ColumnElement, delete, false, insert, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.config import Config
from app.db import SKEW_SECONDS, Instant, swept
from app.domain import audit, cpr, flows, login, people
from app.domain.audit import Event
from app.domain.login import Browser, Entrance
from app.keys import Keys
from app.models.people import ContactRelation, User
from app.models.recovery import Errand, MitIdTrip, RecoveryFlow
from app.world import Dice, Identity, Trip

KIND = "mitid_trip"
LIFE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Underway:
    """A trip, and what it is made for."""

    trip: Trip
    errand: Errand
    login_flow_id: int | None
    destination: str | None


class Match(Enum):
    """What came of looking for the person whom MitID proved."""

    FOUND = auto()
    UNKNOWN = auto()
    NO_CPR = auto()
    UNSOUND = auto()  # a number that nobody can have
    CONFLICT = auto()  # the CPR number and the MitID belong to two people


@dataclass(frozen=True, slots=True)
class Person:
    """Who stands behind a MitID here."""

    id: int
    username: str | None
    is_blocked: bool
    has_place: bool
    has_private_place: bool


def begin(
    db: Session,
    keys: Keys,
    dice: Dice,
    now: Instant,
    errand: Errand,
    *,
    login_flow_id: int | None = None,
    destination: str | None = None,
    replaced_token: str | None = None,
) -> str:
    """Begin a trip in the place of the one this browser is on; returns its token for a cookie."""
    if replaced_token:
        db.execute(
            delete(MitIdTrip).where(MitIdTrip.token_mark == keys.token_mark(KIND, replaced_token)),
        )
    token = dice.token()
    db.execute(
        insert(MitIdTrip).values(
            token_mark=keys.token_mark(KIND, token),
            errand=errand,
            login_flow_id=login_flow_id,
            destination=destination,
            begun_at=now.sql,
            expires_at=now.after(LIFE_SECONDS),
        )
    )
    return token


def trip_of(keys: Keys, token: str, begun_at: datetime) -> Trip:
    """Return the secrets of a trip (RFC 6749, 10.12; RFC 7636, 4.1; OpenID Connect Core 1.0, 15.5.2).

    They follow from the browser's token under our key: whoever has another cookie, or reads the store,
    has none of them.
    """
    return Trip(
        state=keys.token_mark("mitid_state", token),
        nonce=keys.token_mark("mitid_nonce", token),
        code_verifier=keys.token_mark("mitid_code_verifier", token),
        begun_at=begun_at,
    )


def find(db: Session, keys: Keys, token: str, now: Instant) -> Underway | None:
    """Return the trip of a browser that has not come back from it, or None."""
    row = db.execute(
        select(MitIdTrip.begun_at, MitIdTrip.errand, MitIdTrip.login_flow_id, MitIdTrip.destination).where(
            *_under_way(keys, token, now)
        )
    ).first()
    if row is None:
        return None
    return Underway(trip_of(keys, token, row.begun_at), row.errand, row.login_flow_id, row.destination)


def take(db: Session, keys: Keys, token: str, now: Instant) -> Underway | None:
    """Take a trip back, once (S-04, S-30); None where it was used, has run out or was never begun here."""
    row = db.execute(
        update(MitIdTrip)
        .where(*_under_way(keys, token, now))
        .values(used_at=now.sql)
        .returning(MitIdTrip.begun_at, MitIdTrip.errand, MitIdTrip.login_flow_id, MitIdTrip.destination)
    ).first()
    if row is None:
        return None
    return Underway(trip_of(keys, token, row.begun_at), row.errand, row.login_flow_id, row.destination)


def _under_way(keys: Keys, token: str, now: Instant) -> tuple[ColumnElement[bool], ...]:
    return (
        MitIdTrip.token_mark == keys.token_mark(KIND, token),
        MitIdTrip.used_at.is_(None),
        MitIdTrip.expires_at > now.sql,
        MitIdTrip.begun_at <= now.after(SKEW_SECONDS),
    )


def identify(
    db: Session, keys: Keys, identity: Identity, network: str, now: Instant, *, user_id: int | None = None
) -> tuple[Match, Person | None]:
    """Find whom MitID proved: by the CPR number, then by the MitID (S-31).

    A match by the number is kept, so that the MitID alone finds the person the next time. Where the two
    belong to different people nobody is found, and both are told. `user_id` is whose password they came for.
    """
    number = cpr.normal(identity.cpr) if identity.cpr else None
    if identity.cpr and number is None:
        return Match.UNSOUND, None
    mark = cpr.mark(keys, number) if number else None

    def is_proved(user: type[User]) -> ColumnElement[bool]:
        by_number = user.cpr_lookup == mark if mark is not None else false()
        return or_(user.mitid_uuid == identity.mitid_uuid, by_number)

    # A child is held before whoever may help it, as by everybody else: the two could wait for each other.
    if user_id is not None:
        adult = aliased(User)
        children = select(ContactRelation.pupil_id).join(adult, adult.id == ContactRelation.contact_id)
        child = select(User.id).where(User.id == user_id, User.id.in_(children.where(is_proved(adult))))
        db.execute(child.with_for_update(key_share=True)).all()
    # Held until the commit: a block, or another return, beside this waits for it (S-04).
    found = list(
        db.scalars(select(User).where(is_proved(User)).order_by(User.id).with_for_update(key_share=True))
    )
    if not found:
        return (Match.UNKNOWN if number else Match.NO_CPR), None
    person = found[0]
    is_other_number = mark is not None and person.cpr_lookup != mark
    is_other_mitid = person.mitid_uuid not in (None, identity.mitid_uuid)
    if len(found) > 1 or is_other_number or is_other_mitid:
        for user in found:
            audit.record(db, Event.MITID_CONFLICT, now, subject_id=user.id, network=network)
        return Match.CONFLICT, None
    db.execute(
        update(User)
        .where(User.id == person.id, User.mitid_uuid.is_(None))
        .values(mitid_uuid=identity.mitid_uuid)
    )
    today = literal(now.today)
    places = db.execute(
        select(people.has_place(User.id, today), people.has_private_place(User.id, today)).where(
            User.id == person.id
        )
    ).one()
    is_blocked = person.blocked_at is not None
    return Match.FOUND, Person(person.id, person.username, is_blocked, bool(places[0]), bool(places[1]))


def log_in(
    db: Session,
    keys: Keys,
    dice: Dice,
    config: Config,
    person: Person,
    browser: Browser,
    entrance: Entrance,
    now: Instant,
    *,
    half_done: str | None = None,
) -> str | None:
    """Log a person in by MitID; returns the session's token (S-17).

    The half-done login of this browser, by its token, is over then: it goes before a session is ended.
    None for whoever belongs to an institution that is no public body, where MitID may not be used.
    """
    if person.has_private_place:
        return None
    if half_done is not None:
        flows.forget(db, keys, half_done)
    token = dice.token()
    login.enter(
        db,
        keys,
        config,
        person.id,
        token,
        browser,
        entrance,
        now,
        method="mitid",
        amr="mitid",
        assurance_level="ToFaktor",
    )
    return token


def note_refusal(db: Session, user_id: int | None, browser: Browser, reason: str, now: Instant) -> None:
    """Record that a trip led nowhere, for whom it was about and never for who came back instead (S-75)."""
    device, network = browser.device_words, browser.network
    audit.record(
        db, Event.LOGIN_REFUSED, now, subject_id=user_id, device=device, network=network, reason=reason
    )


def sweep(db: Session, now: Instant) -> int:
    """Remove trips and proofs that have run out; returns how many."""
    trips = swept(db, MitIdTrip, MitIdTrip.expires_at <= now.sql)
    return trips + swept(db, RecoveryFlow, RecoveryFlow.expires_at <= now.sql)
