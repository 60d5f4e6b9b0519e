"""The login: a password tried in a flow, and what stands between that and being logged in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from app.config import Config
from app.db import NOW, Instant, after, table
from app.direct import Bound, direct, direct_together, often
from app.domain import audit, credentials, devices, flows, people, sessions, throttling
from app.domain.audit import Event
from app.domain.flows import ECHO_SECONDS, IS_ALIVE, Flow, Step
from app.domain.passwords import Hasher, HashingBusyError, switched_off
from app.domain.throttling import Place, Reserved
from app.keys import Keys
from app.models.credentials import Credential, ExpiryReason, PendingPassword
from app.models.people import User
from app.models.sso import LoginFlow, Proof, SsoSession

# What a session's token is made for, from the token of its flow.
SESSION_OF_FLOW = "session_of_flow"


class Outcome(Enum):
    """What came of a try at a password."""

    ACCEPTED = auto()
    WRONG = auto()
    EMPTY = auto()
    WAIT = auto()
    CLOSED = auto()
    BLOCKED = auto()
    NO_AFFILIATION = auto()
    BUSY = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class Browser:
    """What a request tells of where it comes from."""

    device_token: str | None
    device_words: str
    network: str
    institution_network: str | None = None
    # The address as others see it: never stored but as a keyed hash.
    public_network: str = ""


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where a login goes in: the device it makes known, and the session whose place it takes, if any.

    `forgets` is what else this browser has half done, and ends with it: taken before the session is.
    """

    device_token: str
    replaces: int | None = None
    forgets: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to a try: what came of it, the flow as it then stands, and the wait where there is one.

    `session_token` is there where the person is logged in by it already.
    """

    outcome: Outcome
    flow: Flow
    wait_seconds: int = 0
    session_token: str | None = None


def check_password(
    db: Session,
    keys: Keys,
    hasher: Hasher,
    config: Config,
    flow: Flow,
    secret: str,
    browser: Browser,
    clock: Callable[[], Instant],
    entrance: Entrance | None = None,
) -> Checked:
    """Try a secret in a flow; by an `entrance` the person is logged in at once where nothing else is needed.

    Ends the transaction once: the try is counted before the hash, and nothing is open while hashing, so
    that neither a crash nor a thousand tries at once gets one for free (S-12). `clock` is asked anew
    for each of the two transactions. An empty secret, which stands for all that can be none, costs and waits
    like any other (S-10), but is no guess: it is not counted in the end.
    """
    reserved, place = reserve_try(db, keys, flow, browser, clock())
    if not reserved.is_allowed:
        outcome = Outcome.CLOSED if reserved.is_closed else Outcome.WAIT
        return Checked(outcome, flow, reserved.wait_seconds)
    db.commit()
    password_type = flow.credential_type or flow.password_type
    hashed = None
    if flow.user_id and flow.credential_id and flow.sealed_hash:
        hashed = hasher.find_stored(flow.sealed_hash, flow.user_id, flow.credential_id, password_type)
    try:
        is_right = hasher.verify(secret, flow.user_id or 0, password_type, hashed)
        is_outdated = is_right and hashed is not None and hasher.is_outdated(hashed)
        rehashed = hasher.hash(secret, flow.user_id or 0, password_type) if is_outdated else hashed
    except HashingBusyError:
        throttling.give_back(db, reserved)
        return Checked(Outcome.BUSY, flow)
    if not secret:
        throttling.give_back(db, reserved)
        return Checked(Outcome.EMPTY, flow)
    now = clock()
    if not is_right:
        # Counted like any other: a name whose tries were never used up would tell that somebody has it.
        is_unreadable = hashed is None and flow.sealed_hash is not None
        _note_refusal(db, flow, browser, "unreadable" if is_unreadable else "wrong", now)
        if place is not Place.DEVICE:
            throttling.note_failure(db, keys, browser.network, reserved.bucket, now)
        return Checked(Outcome.WRONG, replace(flow, wrong_tries=flow.wrong_tries + 1, picks=()))
    if flow.is_blocked or not flow.has_place:
        outcome = Outcome.BLOCKED if flow.is_blocked else Outcome.NO_AFFILIATION
        _note_refusal(db, flow, browser, outcome.name.lower(), now)
        return Checked(outcome, replace(flow, picks=()))
    proved = _prove(db, keys, config, flow, now, may_finish=entrance is not None)
    if proved is None:
        return Checked(Outcome.GONE, flow)
    if flow.proof not in (None, Proof.PASSWORD):
        # What waits was dealt to whoever proved it before, by MitID.
        db.execute(delete(PendingPassword).where(PendingPassword.flow_id == flow.id))
    if place is not Place.OUTER:
        throttling.reopen(db, throttling.bucket_name(keys, Place.OUTER, flow.username))
    if is_outdated or not hasher.is_sealed_with_current_key(flow.sealed_hash or ""):
        _store_anew(db, hasher, flow, rehashed or "")
    if flow.credential_type is not flow.required and flow.credential_expires_at is None:
        _set_deadline(db, config, flow, now)
    elif flow.user_id and flow.expiry_reason is ExpiryReason.STAGE and flow.credential_expires_at is None:
        credentials.forget_stage_end(db, flow.user_id, flow.required)
    cleared = throttling.clearing(reserved.bucket)
    is_over = proved.is_finished and not flow.is_finished
    if entrance is None or proved.user_id is None or not is_over:
        direct(db, *cleared)
        return Checked(Outcome.ACCEPTED, proved)
    token = keys.token_mark(SESSION_OF_FLOW, proved.token)
    enter(db, keys, config, proved.user_id, token, browser, entrance, now, also=[cleared])
    return Checked(Outcome.ACCEPTED, proved, session_token=token)


def reserve_try(
    db: Session, keys: Keys, flow: Flow, browser: Browser, now: Instant
) -> tuple[Reserved, Place]:
    """Count a try at a secret of a flow's person before it is made, or refuse it; also says where it counts.

    Whatever tells of a password whether it is the right one, or was, asks here first (S-12, S-15).
    """
    username = people.normal_username(flow.username)
    if flow.is_known_device and browser.device_token:
        place, detail = Place.DEVICE, browser.device_token
    elif browser.institution_network:
        place, detail = Place.NETWORK, browser.institution_network
    else:
        place, detail = Place.OUTER, ""
    if username is None:
        detail = throttling.shared_detail(keys, flow.username)
    bucket = throttling.bucket_name(keys, place, username or "", detail)
    reserved = throttling.reserve(db, bucket, place, now)
    if reserved.is_allowed and flow.is_slowed and place is not Place.DEVICE:
        # After the account's own bucket: one that waits anyway must not use up the network's one try.
        crowd = throttling.network_bucket(keys, browser.network)
        passed = throttling.pass_slowed(db, crowd, is_institution=place is Place.NETWORK, now=now)
        if not passed.is_allowed:
            throttling.give_back(db, reserved)
            return passed, place
    return reserved, place


# The password still stands, and its owner is not blocked; both rows are held until the commit, so that a
# change or a block beside this waits for it, and then ends what came of it (S-04). Rows are locked in the
# order of FROM: the user first, as a block does, or the two could wait for each other.
_STANDING = (
    select(Credential.id)
    .select_from(User)
    .join(Credential, Credential.user_id == User.id)
    .where(Credential.id == bindparam("proved_id"), Credential.ended_at.is_(None), User.blocked_at.is_(None))
    .with_for_update(key_share=True)
)


# The user is not blocked and has no password yet.
_STANDING_WITHOUT = (
    select(User.id)
    .where(
        User.id == bindparam("whose_id"),
        User.blocked_at.is_(None),
        ~exists().where(Credential.user_id == User.id, Credential.ended_at.is_(None)),
    )
    .with_for_update(key_share=True)
)


def holds_standing(db: Session, flow: Flow) -> bool:
    """Hold user and password until the commit, in the order that a block does; False where one has gone."""
    if flow.credential_id is None:
        return direct(db, _STANDING_WITHOUT, {"whose_id": flow.user_id}).first() is not None
    return direct(db, _STANDING, {"proved_id": flow.credential_id}).first() is not None


_PROVED: dict[str, Any] = {
    "proof": Proof.PASSWORD,
    "proof_at": NOW,
    "proved_mark": bindparam("proved_mark"),
    "proved_credential_id": bindparam("proved_id"),
    "authorised_by_id": None,
    "password_window_id": None,
    "sealed_picks": None,
}
_PROVE = often(
    update(table(LoginFlow))
    .where(LoginFlow.id == bindparam("flow_id"), IS_ALIVE, _STANDING.exists())
    .values(_PROVED)
    .returning(LoginFlow.id)
)
# A password that has run out opens nothing but the choice of a new one.
_STANDING_NOW = _STANDING.where(
    or_(
        Credential.expires_at.is_(None),
        Credential.expires_at > NOW,
        Credential.expiry_reason == bindparam("switched_off"),
        and_(
            Credential.expiry_reason == ExpiryReason.STAGE,
            Credential.password_type == bindparam("required"),
        ),
    )
)
# Where nothing else is needed: the proof and the end in one.
_PROVE_AND_FINISH = often(
    update(table(LoginFlow))
    .where(
        LoginFlow.id == bindparam("flow_id"),
        IS_ALIVE,
        LoginFlow.finished_at.is_(None),
        LoginFlow.is_change.is_(False),
        _STANDING_NOW.exists(),
    )
    .values(_PROVED | {"finished_at": NOW})
    .returning(LoginFlow.id)
)


def _prove(
    db: Session, keys: Keys, config: Config, flow: Flow, now: Instant, *, may_finish: bool
) -> Flow | None:
    """Write the proof, if the flow, the user and the very credential still stand (S-04).

    Returns the flow as it then stands, with the token that the browser holds from here on (S-17); finished,
    where it may be and nothing else is needed.
    """
    token = flows.proved_token(keys, flow.token)
    proved = replace(flow, token=token, is_proved=True, proof=Proof.PASSWORD, picks=())
    mark = keys.token_mark(flows.KIND, token)
    off = switched_off(config.password_profile)
    values = {"flow_id": flow.id, "proved_id": flow.credential_id, "proved_mark": mark} | now.binds
    step = proved.step(now.at, timedelta(days=config.change_notice_days))
    if (
        may_finish
        and step is Step.FINISH
        and not flow.is_finished
        and direct(db, _PROVE_AND_FINISH, values | {"switched_off": off, "required": flow.required}).first()
        is not None
    ):
        return replace(proved, is_finished=True)
    # The second of two presses finds the flow finished, and proves it once more: `finish` knows it.
    return proved if direct(db, _PROVE, values).first() is not None else None


def _note_refusal(db: Session, flow: Flow, browser: Browser, reason: str, now: Instant) -> None:
    db.execute(
        update(LoginFlow)
        .where(LoginFlow.id == flow.id)
        .values(wrong_tries=LoginFlow.wrong_tries + 1, sealed_picks=None)
    )
    audit.record(
        db,
        Event.LOGIN_REFUSED,
        now,
        subject_id=flow.user_id,
        device=browser.device_words,
        network=browser.network,
        reason=reason,
    )


def _store_anew(db: Session, hasher: Hasher, flow: Flow, hashed: str) -> None:
    """Store a hash under today's parameters and key, if it is still the one that was checked (S-21)."""
    if flow.user_id is None or flow.credential_id is None or flow.credential_type is None:
        return
    sealed = hasher.seal(hashed, flow.user_id, flow.credential_id, flow.credential_type)
    db.execute(
        update(Credential)
        .where(Credential.id == flow.credential_id, Credential.sealed_hash == flow.sealed_hash)
        .values(sealed_hash=sealed)
    )


def postpone(db: Session, flow: Flow, now: Instant) -> bool:
    """Note that the person changes the password later; False where there is no more later."""
    if not flow.is_proved or flow.has_run_out(now.at) or not holds_standing(db, flow):
        return False
    noted = db.execute(
        update(LoginFlow)
        .where(LoginFlow.id == flow.id, LoginFlow.proof == Proof.PASSWORD, LoginFlow.has_postponed.is_(False))
        .values(has_postponed=True)
        .returning(LoginFlow.id)
    )
    if noted.first() is not None:  # else the first of two presses has done it
        audit.record(db, Event.PASSWORD_CHANGE_POSTPONED, now, actor_id=flow.user_id, subject_id=flow.user_id)
    return True


def _set_deadline(db: Session, config: Config, flow: Flow, now: Instant) -> None:
    """Begin the days in which a password of the wrong type for the level must be changed."""
    db.execute(
        update(Credential)
        .where(
            Credential.id == flow.credential_id,
            or_(
                Credential.expires_at.is_(None),
                Credential.expiry_reason == switched_off(config.password_profile),
            ),
        )
        .values(expires_at=now.after(config.change_notice_days * 86400), expiry_reason=ExpiryReason.STAGE)
    )


_FINISH = (
    update(table(LoginFlow))
    .where(
        LoginFlow.id == bindparam("flow_id"),
        LoginFlow.finished_at.is_(None),
        LoginFlow.proof.is_not(None),
        LoginFlow.proved_credential_id == bindparam("proved_id"),
        # MitID opens nothing but a new password; once that is in force, it is no change any more (S-31).
        or_(LoginFlow.proof == Proof.PASSWORD, LoginFlow.is_change.is_(False)),
        _STANDING_NOW.exists(),
    )
    .values(finished_at=NOW)
    .returning(LoginFlow.id)
)
# Whether the first of two presses did it, and what it began still lives.
_FINISHED = select(LoginFlow.id).where(
    LoginFlow.id == bindparam("flow_id"),
    LoginFlow.finished_at > after(-ECHO_SECONDS),
    exists().where(SsoSession.token_mark == bindparam("session_mark"), SsoSession.ended_at.is_(None)),
)


def finish(
    db: Session, keys: Keys, config: Config, flow: Flow, browser: Browser, entrance: Entrance, now: Instant
) -> str | None:
    """Log in: end the flow, begin the session, know the device; returns the session's token.

    The token follows from the flow's, so the second of two presses gets the same session and no other.
    None where the flow is no longer proved.
    """
    token = keys.token_mark(SESSION_OF_FLOW, flow.token)
    off = switched_off(config.password_profile)
    values = {
        "flow_id": flow.id,
        "proved_id": flow.credential_id,
        "switched_off": off,
        "required": flow.required,
    }
    if direct(db, _FINISH, values | now.binds).first() is None:
        asked = {"flow_id": flow.id, "session_mark": keys.token_mark(sessions.KIND, token)}
        is_second_press = db.execute(_FINISHED, asked | now.binds).first() is not None
        return token if is_second_press else None
    if flow.user_id is None:
        return None
    enter(db, keys, config, flow.user_id, token, browser, entrance, now)
    return token


def enter(
    db: Session,
    keys: Keys,
    config: Config,
    user_id: int,
    token: str,
    browser: Browser,
    entrance: Entrance,
    now: Instant,
    *,
    method: str = "password",
    amr: str = "pwd",
    assurance_level: str = "EnFaktor",
    also: Sequence[Bound] = (),
) -> None:
    """Begin the session of a proved person in the place of the one before, and know the device (S-17).

    `also` is executed with it.
    """
    for forgotten in entrance.forgets:
        direct(db, *forgotten)
    if entrance.replaces is not None:
        sessions.replace(db, entrance.replaces, now)
    device, network = browser.device_words, browser.network
    begun = sessions.beginning(
        keys,
        config,
        now,
        user_id=user_id,
        token=token,
        device=device,
        network=network,
        amr=amr,
        assurance_level=assurance_level,
    )
    known = devices.knowing(db, keys, user_id, entrance.device_token, now)
    recorded = audit.recording(
        Event.LOGGED_IN,
        now,
        actor_id=user_id,
        subject_id=user_id,
        device=device,
        network=network,
        method=method,
    )
    direct_together(db, *also, begun, known, recorded)
