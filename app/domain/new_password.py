"""A new password: dealt or chosen, practised once, and only then in force (S-25, S-26)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from sqlalchemy import delete, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Instant
from app.domain import audit, devices, flows, login, passwords, people, recovery, sessions, throttling
from app.domain.audit import Event
from app.domain.elevadgang import windows
from app.domain.flows import KIND as FLOW_KIND
from app.domain.flows import Flow
from app.domain.login import Browser
from app.domain.passwords import Hasher, HashingBusyError, Rule
from app.domain.throttling import Place
from app.keys import Keys, Purpose
from app.models.credentials import Authorisation, Credential, PendingPassword
from app.models.elevadgang import Door, EndedBy, PasswordWindow
from app.models.people import PasswordType
from app.models.sso import EndReason, LoginFlow, Proof
from app.world import Dice

AUTHORISATIONS = {
    Proof.PASSWORD: Authorisation.OWNER,
    Proof.MITID: Authorisation.MITID,
    Proof.GUARDIAN: Authorisation.GUARDIAN,
}
BY_DOOR = {
    Door.TEACHER: Authorisation.TEACHER,
    Door.ADMINISTRATOR: Authorisation.ADMINISTRATOR,
    Door.GUARDIAN: Authorisation.GUARDIAN,
}


class Practised(Enum):
    """What came of typing the new password once."""

    CONFIRMED = auto()
    DIFFERENT = auto()
    GONE = auto()
    NO_AUTHORITY = auto()  # a parent who may no longer help


@dataclass(frozen=True, slots=True)
class Pending:
    """The password that waits in a flow."""

    secret: str
    password_type: PasswordType
    is_own_choice: bool


def find_pending(db: Session, keys: Keys, flow: Flow, now: Instant) -> Pending | None:
    """Return the password waiting in a flow, or None."""
    row = db.execute(
        select(
            PendingPassword.sealed_secret, PendingPassword.password_type, PendingPassword.is_own_choice
        ).where(PendingPassword.flow_id == flow.id, PendingPassword.expires_at > now.sql)
    ).first()
    if row is None:
        return None
    secret = keys.unseal(Purpose.PASSWORD_STORE, row.sealed_secret, FLOW_KIND, flow.token)
    return Pending(secret, row.password_type, row.is_own_choice)


def assign(db: Session, keys: Keys, dice: Dice, config: Config, flow: Flow, now: Instant) -> Pending | None:
    """Deal a password for a proved flow, or return the one that waits already (S-25).

    None where the flow has gone meanwhile.

    Raises:
        PermissionError: the flow has proved nobody.

    """
    user_id = _proved_user(flow)
    waiting = find_pending(db, keys, flow, now)
    if waiting is not None:
        return waiting
    about = people.about(db, user_id, now.today)
    secret = passwords.deal(flow.required, dice, about)
    pending = Pending(secret, flow.required, is_own_choice=False)
    if _keep(db, keys, config, flow, now, pending, is_dealt=True):
        return pending
    return find_pending(db, keys, flow, now)  # another press of this browser dealt one at the same moment


@dataclass(frozen=True, slots=True)
class Chosen:
    """The answer to an own choice: the rules it breaks, or what else keeps it from being taken."""

    broken: tuple[Rule, ...] = ()
    is_gone: bool = False  # the flow, meanwhile
    # Too many were compared with the last passwords: how long to wait, or that it is closed.
    wait_seconds: int = 0
    is_closed: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether the choice waits to be practised."""
        return not (self.broken or self.is_gone or self.wait_seconds or self.is_closed)


def choose(
    db: Session,
    keys: Keys,
    hasher: Hasher,
    config: Config,
    flow: Flow,
    secret: str,
    browser: Browser,
    clock: Callable[[], Instant],
) -> Chosen:
    """Take an own password for a proved flow, and keep it if it breaks no rule.

    Ends the transaction while it compares with the last passwords, which are hashes. Each choice counts
    as one try before it is compared: who came by a window is told of no password whether it was the
    owner's as often as they like (S-15). What the other rules refuse is compared with nothing.

    Raises:
        PermissionError: the flow has proved nobody, or its level deals pictures.
        HashingBusyError: no hash could be computed in time.

    """
    user_id = _proved_user(flow)
    if not passwords.may_choose(flow.required):
        raise PermissionError("pictures are dealt, never chosen")
    about = people.about(db, user_id, clock().today)
    broken = passwords.failures(secret, flow.required, config.password_profile, about)
    if broken:
        return Chosen(tuple(broken))
    reserved, _place = login.reserve_try(db, keys, flow, browser, clock())
    if not reserved.is_allowed:
        return Chosen(wait_seconds=reserved.wait_seconds, is_closed=reserved.is_closed)
    try:
        is_recent = _is_recent(db, hasher, user_id, secret)
    except HashingBusyError:
        throttling.give_back(db, reserved)
        db.commit()  # the exception undoes the rest
        raise
    if is_recent:
        return Chosen((Rule.RECENT,))
    pending = Pending(passwords.normal(secret), flow.required, is_own_choice=True)
    return Chosen(is_gone=not _keep(db, keys, config, flow, clock(), pending))


def confirm(
    db: Session,
    keys: Keys,
    hasher: Hasher,
    config: Config,
    flow: Flow,
    typed: str,
    browser: Browser,
    clock: Callable[[], Instant],
) -> tuple[Practised, Flow]:
    """Put the waiting password in force if it was typed right; returns the flow as it then stands.

    Ends the transaction while it hashes. Everything that follows from a new password is done in the
    one transaction that stores it (S-02): the old one is history, every session of the person ends, so
    do other half-done logins, and the owner's own waits are over.

    Raises:
        PermissionError: the flow has proved nobody.
        HashingBusyError: no hash could be computed in time.

    """
    user_id = _proved_user(flow)
    pending = find_pending(db, keys, flow, clock())
    if pending is None:
        return _done_already(db, keys, config, flow, clock())
    if not passwords.is_same(typed, pending.secret):
        return Practised.DIFFERENT, flow
    db.commit()
    hashed = hasher.hash(pending.secret, user_id, pending.password_type)
    now = clock()
    if not login.holds_standing(db, flow):
        return _done_already(db, keys, config, flow, now)
    claim = flow.claim
    if claim is not None:
        if not windows.use_up(db, claim, user_id, now):
            # What its pupil is told next stands in the window: it has run out, or was taken back.
            return _done_already(db, keys, config, flow, now)
    elif not recovery.still_holds(db, flow, now):
        recovery.withdraw(db, flow)
        return Practised.NO_AUTHORITY, flow
    if not _end_old(db, keys, flow, now):
        db.rollback()  # a window is used up by a password that is stored, and by nothing less (S-02)
        return _done_already(db, keys, config, flow, now)
    if claim is not None:
        authorisation, actor_id = BY_DOOR[claim.door], claim.opened_by_id
    else:
        authorisation = AUTHORISATIONS[flow.proof or Proof.PASSWORD]
        actor_id = flow.authorised_by_id or user_id
    windows.close(db, PasswordWindow.pupil_id == user_id, EndedBy.CHANGED, now, actor_id=user_id)
    credential_id = store(
        db, hasher, config, user_id, hashed, pending.password_type, authorisation, actor_id, now
    )
    if claim is not None:
        windows.note_credential(db, claim, credential_id)
    # The flow before what waits in it, as `flows.extend` and `keep_old` do.
    db.execute(
        update(LoginFlow)
        .where(LoginFlow.id == flow.id)
        .values(proved_credential_id=credential_id, is_change=False)
    )
    db.execute(delete(PendingPassword).where(PendingPassword.flow_id == flow.id))
    db.execute(
        delete(LoginFlow).where(
            or_(LoginFlow.user_id == user_id, LoginFlow.authorised_by_id == user_id),
            LoginFlow.id != flow.id,
            LoginFlow.finished_at.is_(None),
        )
    )
    recovery.end_proofs(db, user_id)
    sessions.end_all(db, user_id, EndReason.PASSWORD_CHANGED, now)
    devices.forget_others(db, keys, user_id, browser.device_token)
    _forget_tries(db, keys, flow.username, browser)
    audit.record(
        db,
        Event.PASSWORD_CHANGED,
        now,
        actor_id=actor_id,
        subject_id=user_id,
        institution_id=claim.institution_id if claim else None,
        password_type=pending.password_type.name,
        authorisation=authorisation.name,
        network=browser.network,
    )
    if flow.proof is Proof.GUARDIAN or (claim is not None and claim.door is Door.GUARDIAN):
        recovery.tell_other_contacts(db, actor_id, user_id, now)
    return Practised.CONFIRMED, replace(
        flow,
        credential_id=credential_id,
        credential_type=pending.password_type,
        credential_expires_at=None,
        expiry_reason=None,
        is_change=False,
    )


def _forget_tries(db: Session, keys: Keys, username: str, browser: Browser) -> None:
    """Forget the wrong tries of before, from unknown devices and from where the owner is now."""
    throttling.clear(db, throttling.bucket_name(keys, Place.OUTER, username))
    if browser.device_token:
        throttling.clear(db, throttling.bucket_name(keys, Place.DEVICE, username, browser.device_token))
    if browser.institution_network:
        network = browser.institution_network
        throttling.clear(db, throttling.bucket_name(keys, Place.NETWORK, username, network))


def keep_old(db: Session, flow: Flow, now: Instant) -> Flow | None:
    """Throw away the password that waits; returns the flow as the login that it then is.

    None where the old password has run out, or was not what proved the flow, or stands no more.
    """
    if not flow.may_keep_old(now.at) or not login.holds_standing(db, flow):
        return None
    kept = db.execute(
        update(LoginFlow)
        .where(LoginFlow.id == flow.id, LoginFlow.proof == Proof.PASSWORD, LoginFlow.finished_at.is_(None))
        .values(is_change=False)
        .returning(LoginFlow.id)
    )
    if kept.first() is None:
        return None
    db.execute(delete(PendingPassword).where(PendingPassword.flow_id == flow.id))
    return replace(flow, is_change=False)


def _end_old(db: Session, keys: Keys, flow: Flow, now: Instant) -> bool:
    """End the password that was proved, or see that there is still none; False where another came (S-04)."""
    is_proved = (
        select(LoginFlow.id)
        .where(
            LoginFlow.id == flow.id,
            # By the token that this browser holds from the proof on (S-17).
            LoginFlow.proved_mark == keys.token_mark(FLOW_KIND, flow.token),
            LoginFlow.finished_at.is_(None),
            # By the same proof, of the same person, as was judged before the hash.
            LoginFlow.proof == flow.proof,
            LoginFlow.authorised_by_id.is_not_distinct_from(flow.authorised_by_id),
            LoginFlow.expires_at > now.sql,
            LoginFlow.proved_credential_id.is_not_distinct_from(flow.credential_id),
        )
        .exists()
    )
    if flow.credential_id is None:
        another = (Credential.user_id == flow.user_id) & Credential.ended_at.is_(None)
        return bool(db.scalar(select(is_proved & ~select(Credential.id).where(another).exists())))
    ended = db.execute(
        update(Credential)
        .where(
            Credential.id == flow.credential_id,
            Credential.user_id == flow.user_id,
            Credential.ended_at.is_(None),
            is_proved,
        )
        .values(ended_at=now.sql)
        .returning(Credential.id)
    )
    return ended.first() is not None


def store(
    db: Session,
    hasher: Hasher,
    config: Config,
    user_id: int,
    hashed: str,
    password_type: PasswordType,
    authorisation: Authorisation,
    authorised_by_id: int | None,
    now: Instant,
) -> int:
    """Store a hash as a user's current credential; returns its number. The one before must have ended."""
    ends_at, reason = passwords.expiry(password_type, config.password_profile, now.at, config.password_days)
    credential = Credential(
        user_id=user_id,
        password_type=password_type,
        sealed_hash="",
        authorisation=authorisation,
        authorised_by_id=authorised_by_id,
        set_at=now.sql,
        expires_at=ends_at,
        expiry_reason=reason,
    )
    db.add(credential)
    db.flush()
    # The hash is sealed to its own row, whose number the insert gave.
    credential.sealed_hash = hasher.seal(hashed, user_id, credential.id, password_type)
    db.flush()
    _forget_old(db, user_id)
    return credential.id


def _done_already(
    db: Session, keys: Keys, config: Config, flow: Flow, now: Instant
) -> tuple[Practised, Flow]:
    """Return what the second of two presses gets: what the first has done, if it has (S-19)."""
    again = flows.find(db, keys, config, flow.token, now)
    if again is None or not again.is_finished:
        return Practised.GONE, flow
    return Practised.CONFIRMED, again


def _proved_user(flow: Flow) -> int:
    if not flow.is_proved or flow.user_id is None:
        raise PermissionError("this flow has proved nobody")
    return flow.user_id


def _keep(
    db: Session,
    keys: Keys,
    config: Config,
    flow: Flow,
    now: Instant,
    pending: Pending,
    *,
    is_dealt: bool = False,
) -> bool:
    """Let a password wait in a flow, if that is still there, and proved by the same password (S-04).

    One that was dealt takes the place of no other that waits: that may be on the screen already (S-25).
    """
    sealed = keys.seal(Purpose.PASSWORD_STORE, pending.secret, FLOW_KIND, flow.token)
    values = {
        "password_type": literal(pending.password_type, PendingPassword.password_type.type),
        "sealed_secret": literal(sealed),
        "is_own_choice": literal(pending.is_own_choice),
        "expires_at": now.after(60 * config.flow_minutes),
    }
    standing = (
        select(LoginFlow.id, *values.values())
        .where(
            LoginFlow.id == flow.id,
            LoginFlow.finished_at.is_(None),
            LoginFlow.proof.is_not(None),
            LoginFlow.expires_at > now.sql,
            LoginFlow.proved_credential_id == flow.credential_id,
        )
        .with_for_update(key_share=True)
    )
    insert_or = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    kept = db.execute(
        insert_or(PendingPassword)
        .from_select(["flow_id", *values], standing)
        .on_conflict_do_update(
            index_elements=[PendingPassword.flow_id],
            set_=values,
            where=PendingPassword.expires_at <= now.sql if is_dealt else None,
        )
        .returning(PendingPassword.flow_id)
    )
    return kept.first() is not None


def _is_recent(db: Session, hasher: Hasher, user_id: int, secret: str) -> bool:
    """Whether a secret is one of the user's last five, of any type."""
    rows = db.execute(
        select(Credential.id, Credential.password_type, Credential.sealed_hash)
        .where(Credential.user_id == user_id)
        .order_by(Credential.id.desc())
        .limit(passwords.HISTORY)
    ).all()
    db.commit()
    return any(
        hasher.verify(
            secret,
            user_id,
            row.password_type,
            hasher.find_stored(row.sealed_hash, user_id, row.id, row.password_type),
        )
        for row in rows
    )


def _forget_old(db: Session, user_id: int) -> None:
    """Remove what no rule needs any more: passwords before the last five."""
    kept = (
        select(Credential.id)
        .where(Credential.user_id == user_id)
        .order_by(Credential.id.desc())
        .limit(passwords.HISTORY)
        .subquery()
    )
    db.execute(
        delete(Credential).where(Credential.user_id == user_id, Credential.id.not_in(select(kept.c.id)))
    )
