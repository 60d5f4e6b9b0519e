"""Whose login a person whom MitID proved may help back: one's own, and one's children's (S-32, S-33)."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

from sqlalchemy import ColumnElement, delete, literal, or_, select, update
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Instant
from app.domain import audit, flows, login
from app.domain.audit import Event
from app.domain.flows import Flow
from app.keys import Keys
from app.models.credentials import PendingPassword
from app.models.people import ContactRelation, User
from app.models.recovery import RecoveryFlow
from app.models.sso import LoginFlow, Proof


class Authority(Enum):
    """What one person may do for the login of another."""

    OWN = auto()
    GUARDIAN = auto()
    MAY_NOT_HELP = auto()  # custody, but the school has not given leave
    NO_CUSTODY = auto()
    NONE = auto()
    BLOCKED = auto()


PROOFS = {Authority.OWN: Proof.MITID, Authority.GUARDIAN: Proof.GUARDIAN}


def find_authority(
    db: Session, person_id: int, user_id: int | None, now: Instant, *, is_held: bool = False
) -> Authority:
    """Return what a person may do for a user's login today, or for that of nobody (S-32).

    `is_held`: what it rests on stays so until the commit.
    """
    query = select(ContactRelation.has_custody, ContactRelation.may_help).where(
        ContactRelation.contact_id == person_id,
        ContactRelation.pupil_id == user_id,
        *is_current(now),
    )
    if is_held:
        query = query.with_for_update(read=True)
    rows = db.execute(query).all()
    if person_id == user_id:
        return Authority.OWN
    if any(row.has_custody and row.may_help for row in rows):
        return Authority.GUARDIAN
    if any(row.has_custody for row in rows):
        return Authority.MAY_NOT_HELP
    return Authority.NO_CUSTODY if rows else Authority.NONE


def is_current(now: Instant) -> tuple[ColumnElement[bool], ...]:
    """Whether a contact relation holds today, as conditions."""
    today = literal(now.today)
    return (
        ContactRelation.from_on <= today,
        or_(ContactRelation.to_on.is_(None), ContactRelation.to_on >= today),
    )


def prove(db: Session, keys: Keys, config: Config, flow: Flow, person_id: int, now: Instant) -> Flow | None:
    """Write into a flow that its owner, or a parent, stands behind it; None where it has gone meanwhile.

    What follows is a new password and nothing else: MitID never stands in for the old one (S-31). The
    flow has another token from here on (S-17).

    Raises:
        PermissionError: this person may not do that for this user.

    """
    proof = PROOFS.get(find_authority(db, person_id, flow.user_id, now))
    if proof is None or flow.user_id is None:
        raise PermissionError("no authority over this login")
    if not login.holds_standing(db, flow):
        return None
    token = flows.proved_token(keys, flow.token)
    proved = db.execute(
        update(LoginFlow)
        .where(LoginFlow.id == flow.id, LoginFlow.finished_at.is_(None), LoginFlow.expires_at > now.sql)
        .values(
            proof=proof,
            proof_at=now.sql,
            proved_mark=keys.token_mark(flows.KIND, token),
            proved_credential_id=flow.credential_id,
            authorised_by_id=person_id,
            password_window_id=None,
            is_change=True,
            sealed_picks=None,
            expires_at=now.after(60 * config.flow_minutes),
        )
        .returning(LoginFlow.id)
    )
    if proved.first() is None:
        return None
    # What waited was dealt to, or chosen by, whoever proved it before.
    db.execute(delete(PendingPassword).where(PendingPassword.flow_id == flow.id))
    return replace(
        flow, token=token, is_proved=True, is_change=True, picks=(), proof=proof, authorised_by_id=person_id
    )


def still_holds(db: Session, flow: Flow, now: Instant) -> bool:
    """Whether whoever stands behind a flow may still do so; holds it until the commit (S-32)."""
    return flow.proof is not Proof.GUARDIAN or find_standing(db, flow, now) is Authority.GUARDIAN


def find_standing(db: Session, flow: Flow, now: Instant) -> Authority:
    """Return what the adult behind a flow may do for it now; holds what that rests on until the commit."""
    adult_id = flow.authorised_by_id
    may_help = (
        select(User.id).where(User.id == adult_id, User.blocked_at.is_(None)).with_for_update(read=True)
    )
    if adult_id is None or db.scalar(may_help) is None:
        return Authority.BLOCKED
    return find_authority(db, adult_id, flow.user_id, now, is_held=True)


def withdraw(db: Session, flow: Flow) -> None:
    """Take back the proof of a flow, and the password that waits in it."""
    db.execute(
        update(LoginFlow)
        .where(LoginFlow.id == flow.id)
        .values(proof=None, proof_at=None, proved_credential_id=None, authorised_by_id=None, is_change=False)
    )
    db.execute(delete(PendingPassword).where(PendingPassword.flow_id == flow.id))


def tell_other_contacts(db: Session, adult_id: int, child_id: int, now: Instant) -> None:
    """Record for each other contact with custody that this one gave the child a new password."""
    others = db.scalars(
        select(ContactRelation.contact_id)
        .where(
            ContactRelation.pupil_id == child_id,
            ContactRelation.contact_id != adult_id,
            ContactRelation.has_custody,
            *is_current(now),
        )
        .distinct()
        .order_by(ContactRelation.contact_id)
    ).all()
    for other_id in others:
        audit.record(
            db, Event.CHILD_PASSWORD_CHANGED, now, actor_id=adult_id, subject_id=other_id, child=child_id
        )


def end_proofs(db: Session, user_id: int) -> None:
    """Forget what a person proved to ask for usernames, in every browser (S-26)."""
    db.execute(delete(RecoveryFlow).where(RecoveryFlow.user_id == user_id))
