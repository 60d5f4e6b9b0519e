"""The login: username, then password, then whatever stands between that and being logged in.

A flow is one half-done login. What it has shown of the person is written in its row, and each step asks
the row, never the page that was shown (S-01).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import Integer, and_, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.config import Config
from app.db import EPOCH, NOW, SKEW_SECONDS, Instant, after, direct, later, table
from app.domain import audit, people, sessions, throttling
from app.domain.audit import Event
from app.domain.passwords import Hasher, HashingBusyError, required_type
from app.domain.throttling import Place, Reserved
from app.keys import Keys, Purpose
from app.models.credentials import Credential, ExpiryReason, KnownDevice, PendingPassword
from app.models.people import PasswordType, User
from app.models.sso import LoginFlow, Proof, SsoSession
from app.world import Dice

KIND = "login_flow"
DEVICE_KIND = "known_device"
# The share of pictures among names nobody has, in 256ths: about that of pupils in DT and 0 to 3.
DECOY_PICTURES = 92
# How long a second press of the same button is still answered like the first.
ECHO_SECONDS = 120


class Outcome(Enum):
    """What came of a try at a password."""

    ACCEPTED = auto()
    WRONG = auto()
    WAIT = auto()
    CLOSED = auto()
    BLOCKED = auto()
    NO_AFFILIATION = auto()
    BUSY = auto()
    GONE = auto()


class Step(Enum):
    """Where a flow stands: what it needs next."""

    PASSWORD = auto()
    WARNING = auto()
    NEW_PASSWORD = auto()
    FINISH = auto()


@dataclass(frozen=True, slots=True)
class Browser:
    """What a request tells of where it comes from."""

    device_token: str | None
    device_words: str
    network: str
    institution_network: str | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """A half-done login, with what its next step is judged by."""

    id: int
    token: str
    username: str
    user_id: int | None
    password_type: PasswordType
    destination: str | None
    is_change: bool
    is_proved: bool
    has_postponed: bool
    wrong_tries: int
    picks: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    is_finished: bool
    credential_id: int | None
    credential_type: PasswordType | None
    sealed_hash: str | None
    credential_expires_at: datetime | None
    is_blocked: bool
    has_place: bool
    is_known_device: bool
    is_slowed: bool
    required: PasswordType

    def step(self, at: datetime, notice: timedelta) -> Step:
        """Return what this flow needs next, at an instant; the notice is how early a warning begins."""
        if not self.is_proved:
            return Step.PASSWORD
        if self.is_change:
            return Step.NEW_PASSWORD
        ends_at = self.credential_expires_at
        if self.has_run_out(at):
            return Step.WARNING
        is_near = self.credential_type is not self.required or (
            ends_at is not None and at >= ends_at - notice
        )
        return Step.WARNING if is_near and not self.has_postponed else Step.FINISH

    def has_run_out(self, at: datetime) -> bool:
        """Whether the password must be changed before anything else."""
        return self.credential_expires_at is not None and at >= self.credential_expires_at


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to a try: what came of it, the flow as it then stands, and the wait where there is one."""

    outcome: Outcome
    flow: Flow
    wait_seconds: int = 0


_LOOK_UP = (
    select(User.id, Credential.password_type)
    .outerjoin(Credential, and_(Credential.user_id == User.id, Credential.ended_at.is_(None)))
    .where(User.username == bindparam("name"))
)
_BEGIN = insert(table(LoginFlow)).values(
    token_mark=bindparam("token_mark"),
    username=bindparam("username"),
    user_id=bindparam("user_id"),
    password_type=bindparam("password_type"),
    destination=bindparam("destination"),
    is_change=bindparam("is_change"),
    has_postponed=False,
    wrong_tries=0,
    created_at=NOW,
    expires_at=later(NOW, bindparam("life_seconds", type_=Integer())),
)


def begin(
    db: Session,
    keys: Keys,
    dice: Dice,
    config: Config,
    now: Instant,
    typed: str,
    *,
    destination: str | None = None,
    is_change: bool = False,
    replaced_token: str | None = None,
) -> tuple[str, PasswordType]:
    """Begin a flow for a typed username; returns its token and the kind of password to ask for.

    The work and the answer are the same whether anybody has the name (S-10).
    """
    username = people.normal_username(typed)
    row = direct(db, _LOOK_UP, {"name": username or ""}).first()
    user_id = row.id if row else None
    shown = people.shown_username(typed)
    password_type = (row.password_type if row else None) or decoy_type(keys, shown)
    if replaced_token:
        db.execute(delete(LoginFlow).where(LoginFlow.token_mark == keys.token_mark(KIND, replaced_token)))
    token = dice.token()
    values = {
        "token_mark": keys.token_mark(KIND, token),
        "username": shown,
        "user_id": user_id,
        "password_type": password_type,
        "destination": destination,
        "is_change": is_change,
        "life_seconds": 60 * config.flow_minutes,
    }
    direct(db, _BEGIN, values | now.binds)
    return token, password_type


def decoy_type(keys: Keys, username: str) -> PasswordType:
    """Return the kind of password an unknown name seems to have: always the same for a name."""
    byte = keys.mark(Purpose.TOKEN, "decoy", username.casefold())[0]
    return PasswordType.PICTURES if byte < DECOY_PICTURES else PasswordType.WORDS


# Whether a flow still counts; a finished one answers a second press a little longer.
_IS_ALIVE = and_(
    LoginFlow.expires_at > NOW,
    LoginFlow.created_at <= after(SKEW_SECONDS),
    or_(LoginFlow.finished_at.is_(None), LoginFlow.finished_at > after(-ECHO_SECONDS)),
)
_FIND = (
    select(
        LoginFlow.id,
        LoginFlow.username,
        LoginFlow.user_id,
        LoginFlow.password_type,
        LoginFlow.destination,
        LoginFlow.is_change,
        LoginFlow.proof,
        LoginFlow.proved_credential_id,
        LoginFlow.has_postponed,
        LoginFlow.wrong_tries,
        LoginFlow.sealed_picks,
        LoginFlow.created_at,
        LoginFlow.expires_at,
        LoginFlow.finished_at,
        Credential.id.label("credential_id"),
        Credential.password_type.label("credential_type"),
        Credential.sealed_hash,
        Credential.expires_at.label("credential_expires_at"),
        User.blocked_at,
        User.marked_password_type,
        people.has_place(LoginFlow.user_id, people.TODAY).label("has_place"),
        people.pupil_level(LoginFlow.user_id, people.TODAY).label("level"),
        exists()
        .where(KnownDevice.user_id == LoginFlow.user_id, KnownDevice.device_mark == bindparam("device_mark"))
        .label("is_known_device"),
        throttling.IS_SLOWED.label("is_slowed"),
    )
    .outerjoin(User, User.id == LoginFlow.user_id)
    .outerjoin(Credential, and_(Credential.user_id == LoginFlow.user_id, Credential.ended_at.is_(None)))
    .where(LoginFlow.token_mark == bindparam("token_mark"), _IS_ALIVE)
)


def find_flow(
    db: Session,
    keys: Keys,
    token: str,
    now: Instant,
    *,
    device_token: str | None = None,
    network: str | None = None,
) -> Flow | None:
    """Return the flow of a cookie, or None where it has run out or never was.

    Device and network are needed where a secret is tried: they decide how the try is counted.
    """
    values = {
        "token_mark": keys.token_mark(KIND, token),
        "device_mark": keys.token_mark(DEVICE_KIND, device_token) if device_token else "",
        "network_bucket": throttling.network_bucket(keys, network) if network else "",
        "today": now.today,
    }
    row = direct(db, _FIND, values | now.binds).first()
    if row is None:
        return None
    # A proof by a password that has been changed since proves nothing, and answers no second press.
    is_proved = row.credential_id is not None and row.proved_credential_id == row.credential_id
    if row.finished_at is not None and not is_proved:
        return None
    return Flow(
        id=row.id,
        token=token,
        username=row.username,
        user_id=row.user_id,
        password_type=row.password_type,
        destination=row.destination,
        is_change=row.is_change,
        is_proved=row.proof is not None and is_proved,
        has_postponed=row.has_postponed,
        wrong_tries=row.wrong_tries,
        picks=_unsealed_picks(keys, row.sealed_picks, token),
        created_at=row.created_at,
        expires_at=row.expires_at,
        is_finished=row.finished_at is not None,
        credential_id=row.credential_id,
        credential_type=row.credential_type,
        sealed_hash=row.sealed_hash,
        credential_expires_at=row.credential_expires_at,
        is_blocked=row.blocked_at is not None,
        has_place=bool(row.has_place),
        is_known_device=bool(row.is_known_device),
        is_slowed=bool(row.is_slowed),
        required=required_type(row.level, row.marked_password_type),
    )


def stand_in(username: str, password_type: PasswordType) -> Flow:
    """Return a flow that exists nowhere, for showing the first step before the first post."""
    return Flow(
        id=0,
        token="",
        username=username,
        user_id=None,
        password_type=password_type,
        destination=None,
        is_change=True,
        is_proved=False,
        has_postponed=False,
        wrong_tries=0,
        picks=(),
        created_at=EPOCH,
        expires_at=EPOCH,
        is_finished=False,
        credential_id=None,
        credential_type=None,
        sealed_hash=None,
        credential_expires_at=None,
        is_blocked=False,
        has_place=False,
        is_known_device=False,
        is_slowed=False,
        required=password_type,
    )


def extend(db: Session, config: Config, flow: Flow, now: Instant) -> None:
    """Give a flow, and a password that waits in it, their full time again."""
    full = now.after(60 * config.flow_minutes)
    db.execute(
        update(LoginFlow)
        .where(LoginFlow.id == flow.id, LoginFlow.finished_at.is_(None))
        .values(expires_at=full)
    )
    db.execute(update(PendingPassword).where(PendingPassword.flow_id == flow.id).values(expires_at=full))


def keep_picks(db: Session, keys: Keys, flow: Flow, picks: tuple[str, ...]) -> None:
    """Keep the pictures picked so far where script is off, sealed to the flow."""
    sealed = keys.seal(Purpose.PASSWORD_STORE, " ".join(picks), KIND, flow.token) if picks else None
    db.execute(update(LoginFlow).where(LoginFlow.id == flow.id).values(sealed_picks=sealed))


def _unsealed_picks(keys: Keys, sealed: str | None, token: str) -> tuple[str, ...]:
    if sealed is None:
        return ()
    return tuple(keys.unseal(Purpose.PASSWORD_STORE, sealed, KIND, token).split())


def want_change(db: Session, flow: Flow) -> Flow:
    """Note that the person means to change the password, not only to log in; returns the flow so."""
    db.execute(update(LoginFlow).where(LoginFlow.id == flow.id).values(is_change=True))
    return replace(flow, is_change=True)


def check_password(
    db: Session,
    keys: Keys,
    hasher: Hasher,
    config: Config,
    flow: Flow,
    secret: str,
    browser: Browser,
    clock: Callable[[], Instant],
) -> Checked:
    """Try a secret in a flow.

    Ends the transaction once: the try is counted before the hash, and nothing is open while hashing, so
    that neither a crash nor a thousand tries at once gets one for free (S-12). `clock` is asked anew
    for each of the two transactions.
    """
    reserved, place = _reserve(db, keys, flow, browser, clock())
    if not reserved.is_allowed:
        outcome = Outcome.CLOSED if reserved.is_closed else Outcome.WAIT
        return Checked(outcome, flow, reserved.wait_seconds)
    db.commit()
    password_type = flow.credential_type or flow.password_type
    hashed = None
    if flow.user_id and flow.credential_id and flow.sealed_hash:
        hashed = hasher.unseal(flow.sealed_hash, flow.user_id, flow.credential_id, password_type)
    try:
        is_right = hasher.verify(secret, flow.user_id or 0, password_type, hashed)
        is_outdated = is_right and hashed is not None and hasher.is_outdated(hashed)
        rehashed = hasher.hash(secret, flow.user_id or 0, password_type) if is_outdated else hashed
    except HashingBusyError:
        throttling.give_back(db, reserved)
        return Checked(Outcome.BUSY, flow)
    now = clock()
    if not is_right:
        _note_refusal(db, flow, browser, "wrong", now)
        if place is not Place.DEVICE:
            throttling.note_failure(db, keys, browser.network, reserved.bucket, now)
        return Checked(Outcome.WRONG, replace(flow, wrong_tries=flow.wrong_tries + 1, picks=()))
    if flow.is_blocked or not flow.has_place:
        outcome = Outcome.BLOCKED if flow.is_blocked else Outcome.NO_AFFILIATION
        _note_refusal(db, flow, browser, outcome.name.lower(), now)
        return Checked(outcome, replace(flow, picks=()))
    if not _prove(db, flow, now):
        return Checked(Outcome.GONE, flow)
    throttling.clear(db, reserved.bucket)
    if place is not Place.OUTER:
        throttling.reopen(db, throttling.bucket_name(keys, Place.OUTER, flow.username))
    if is_outdated or not hasher.is_sealed_with_current_key(flow.sealed_hash or ""):
        _store_anew(db, hasher, flow, rehashed or "")
    if flow.credential_type is not flow.required and flow.credential_expires_at is None:
        _set_deadline(db, config, flow, now)
    return Checked(Outcome.ACCEPTED, replace(flow, is_proved=True, picks=()))


def _reserve(db: Session, keys: Keys, flow: Flow, browser: Browser, now: Instant) -> tuple[Reserved, Place]:
    username = people.normal_username(flow.username)
    if flow.is_known_device and browser.device_token:
        place, detail = Place.DEVICE, browser.device_token
    elif browser.institution_network:
        place, detail = Place.NETWORK, browser.institution_network
    else:
        place, detail = Place.OUTER, ""
    if flow.is_slowed and place is not Place.DEVICE:
        crowd = throttling.network_bucket(keys, browser.network)
        passed = throttling.pass_slowed(db, crowd, is_institution=place is Place.NETWORK, now=now)
        if not passed.is_allowed:
            return passed, place
    if username is None:
        detail = throttling.shared_detail(keys, flow.username)
    bucket = throttling.bucket_name(keys, place, username or "", detail)
    return throttling.reserve(db, bucket, place, now), place


# The password still stands, and its owner is not blocked; both rows are held until the commit, so that a
# change or a block beside this waits for it, and then ends what came of it (S-04).
_STANDING = (
    select(Credential.id)
    .join(User, User.id == Credential.user_id)
    .where(Credential.id == bindparam("proved_id"), Credential.ended_at.is_(None), User.blocked_at.is_(None))
    .with_for_update(key_share=True)
)
_PROVE = (
    update(table(LoginFlow))
    .where(LoginFlow.id == bindparam("flow_id"), _IS_ALIVE, _STANDING.exists())
    .values(
        proof=Proof.PASSWORD, proof_at=NOW, proved_credential_id=bindparam("proved_id"), sealed_picks=None
    )
    .returning(LoginFlow.id)
)


def _prove(db: Session, flow: Flow, now: Instant) -> bool:
    """Write the proof, if the flow, the user and the very credential still stand (S-04)."""
    values = {"flow_id": flow.id, "proved_id": flow.credential_id}
    return direct(db, _PROVE, values | now.binds).first() is not None


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
    if not flow.is_proved or flow.has_run_out(now.at):
        return False
    noted = db.execute(
        update(LoginFlow)
        .where(LoginFlow.id == flow.id, LoginFlow.has_postponed.is_(False))
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
        .where(Credential.id == flow.credential_id, Credential.expires_at.is_(None))
        .values(expires_at=now.after(config.change_notice_days * 86400), expiry_reason=ExpiryReason.STAGE)
    )


_FINISH = (
    update(table(LoginFlow))
    .where(
        LoginFlow.id == bindparam("flow_id"),
        LoginFlow.finished_at.is_(None),
        LoginFlow.proof.is_not(None),
        LoginFlow.proved_credential_id == bindparam("proved_id"),
        # One that has run out opens nothing but the choice of a new one.
        _STANDING.where(or_(Credential.expires_at.is_(None), Credential.expires_at > NOW)).exists(),
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
    db: Session,
    keys: Keys,
    config: Config,
    flow: Flow,
    browser: Browser,
    device_token: str,
    now: Instant,
    *,
    replaces: int | None = None,
) -> str | None:
    """Log in: end the flow, begin the session, know the device; returns the session's token.

    The token follows from the flow's, so the second of two presses gets the same session and no other.
    None where the flow is no longer proved. `replaces` is the session this browser was in before.
    """
    token = keys.token_mark("session_of_flow", flow.token)
    values = {"flow_id": flow.id, "proved_id": flow.credential_id}
    ended = direct(db, _FINISH, values | now.binds)
    if ended.first() is None:
        asked = {"flow_id": flow.id, "session_mark": keys.token_mark(sessions.KIND, token)}
        is_second_press = db.execute(_FINISHED, asked | now.binds).first() is not None
        return token if is_second_press else None
    user_id = flow.user_id
    if user_id is None:
        return None
    if replaces is not None:
        sessions.replace(db, replaces, now)
    sessions.begin(
        db,
        keys,
        config,
        now,
        user_id=user_id,
        token=token,
        device=browser.device_words,
        network=browser.network,
    )
    _know_device(db, keys, user_id, device_token, now)
    audit.record(
        db,
        Event.LOGGED_IN,
        now,
        actor_id=user_id,
        subject_id=user_id,
        device=browser.device_words,
        network=browser.network,
        method="password",
    )
    return token


_KNOW_DEVICE = {
    name: dialect.insert(table(KnownDevice))
    .values(user_id=bindparam("whose_id"), device_mark=bindparam("mark"), first_at=NOW, last_at=NOW)
    .on_conflict_do_update(
        index_elements=[KnownDevice.user_id, KnownDevice.device_mark], set_={"last_at": NOW}
    )
    for name, dialect in (("postgresql", postgresql), ("sqlite", sqlite))
}


def _know_device(db: Session, keys: Keys, user_id: int, device_token: str, now: Instant) -> None:
    values = {"whose_id": user_id, "mark": keys.token_mark(DEVICE_KIND, device_token)}
    direct(db, _KNOW_DEVICE[db.get_bind().dialect.name], values | now.binds)


def sweep(db: Session, now: Instant) -> None:
    """Remove flows that have run out or are done, and the secrets that waited in them (S-25)."""
    db.execute(delete(PendingPassword).where(PendingPassword.expires_at <= now.sql))
    db.execute(
        delete(LoginFlow).where(
            or_(LoginFlow.expires_at <= now.sql, LoginFlow.finished_at < now.after(-ECHO_SECONDS))
        )
    )
