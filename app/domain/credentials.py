"""The password in force, as far as anybody may know of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Instant
from app.direct import direct, often
from app.domain import people
from app.domain.passwords import counts
from app.models.credentials import Authorisation, Credential, ExpiryReason
from app.models.people import PasswordType
from app.models.sso import SsoSession

NEWS_DAYS = 30
# How sure a login by password is: who came by a password has such sessions, and no others.
ONE_FACTOR = "EnFaktor"


@dataclass(frozen=True, slots=True)
class Current:
    """A user's password in force: its kind, and when and by whose leave it was set."""

    password_type: PasswordType
    set_at: datetime
    authorisation: Authorisation
    expires_at: datetime | None
    is_news: bool


def find_type(db: Session, user_id: int) -> PasswordType:
    """Return the kind of password a user has now; words where there is none."""
    found = db.scalar(
        select(Credential.password_type).where(Credential.user_id == user_id, Credential.ended_at.is_(None))
    )
    return found or PasswordType.WORDS


def forget_stage_end(db: Session, user_id: int, required: PasswordType) -> None:
    """Forget the last day that a password got for its type, where it is the required one again.

    Should the type not fit once more, its days begin anew; where nobody logged in meanwhile they go on.
    """
    db.execute(
        update(Credential)
        .where(
            Credential.user_id == user_id,
            Credential.ended_at.is_(None),
            Credential.expiry_reason == ExpiryReason.STAGE,
            Credential.password_type == required,
        )
        .values(expires_at=None, expiry_reason=None)
        .execution_options(synchronize_session=False)
    )


_CURRENT = often(
    select(
        Credential.password_type,
        Credential.set_at,
        Credential.authorisation,
        Credential.expires_at,
        Credential.expiry_reason,
        select(func.count(SsoSession.id))
        .where(
            SsoSession.user_id == Credential.user_id,
            SsoSession.id < bindparam("session_id"),
            SsoSession.assurance_level == bindparam("assurance_level"),
            SsoSession.created_at >= Credential.set_at,
        )
        .scalar_subquery()
        .label("earlier"),
    ).where(Credential.user_id == bindparam("user_id"), Credential.ended_at.is_(None))
)


def find_current(
    db: Session,
    config: Config,
    user_id: int,
    session_id: int,
    at: datetime,
    *,
    assurance_level: str = ONE_FACTOR,
) -> Current | None:
    """Return a user's password in force as seen from one of the user's sessions.

    It is news in the first session after the change that is not the change's own (S-26), and in the first by
    MitID: had somebody else changed the password, and logged in by it again, the owner comes that way.
    """
    values = {"user_id": user_id, "session_id": session_id, "assurance_level": assurance_level}
    row = direct(db, _CURRENT, values).first()
    if row is None:
        return None
    # The operator sets a password without a login; everybody else's is set in one, which then is by password.
    is_set_in_one = row.authorisation is not Authorisation.OPERATOR and assurance_level == ONE_FACTOR
    own_sessions = 1 if is_set_in_one else 0
    is_news = row.earlier == own_sessions and at - row.set_at < timedelta(days=NEWS_DAYS)
    # Asked only where it matters.
    fits = row.expiry_reason is ExpiryReason.STAGE and (
        row.password_type is people.get_required_type(db, user_id, Instant(at).today)
    )
    has_end = counts(row.expiry_reason, config.password_profile, fits=fits)
    expires_at = row.expires_at if has_end else None
    return Current(row.password_type, row.set_at, row.authorisation, expires_at, is_news)
