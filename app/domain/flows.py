"""Half-done logins: begun, found, extended, and what stands in them.

A flow is one half-done login. What it has shown of the person is written in its row, and each step asks
the row, never the page that was shown (S-01).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import (
    Integer,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from app.config import Config
from app.db import EPOCH, NOW, SKEW_SECONDS, Instant, after, later, swept, table
from app.direct import direct, often
from app.domain import devices, passwords, people, throttling
from app.domain.elevadgang import windows
from app.domain.elevadgang.windows import Claim, Standing
from app.keys import Keys, Purpose
from app.models.credentials import Credential, ExpiryReason, KnownDevice, PendingPassword
from app.models.elevadgang import PasswordWindow, WindowState
from app.models.people import PasswordType, User
from app.models.recovery import RecoveryFlow
from app.models.sso import LoginFlow, Proof
from app.world import Dice

KIND = "login_flow"
# What the token of a proved flow begins with; the first one never does, it has no dot.
PROVED = "proved."
EXTENSIONS = 10  # how often a flow may be given its full time again (WCAG 2.2.1)
ECHO_SECONDS = 120  # how long a second press of a button is answered like the first


class Step(Enum):
    """Where a flow stands: what it needs next."""

    PASSWORD = auto()
    WARNING = auto()
    APPROVAL = auto()
    WINDOW_OVER = auto()
    NEW_PASSWORD = auto()
    FINISH = auto()


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
    expiry_reason: ExpiryReason | None
    is_blocked: bool
    has_place: bool
    is_known_device: bool
    is_slowed: bool
    required: PasswordType
    is_marked: bool = False  # whether `required` is the school's choice
    proof: Proof | None = None
    authorised_by_id: int | None = None
    claim: Claim | None = None
    times_asked: int = 1

    def step(self, at: datetime, notice: timedelta) -> Step:
        """Return what this flow needs next, at an instant; the notice is how early a warning begins."""
        if self.claim is not None and not self.is_proved:
            is_waiting = self.claim.standing is Standing.APPROVAL
            return Step.APPROVAL if is_waiting else Step.WINDOW_OVER
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

    def may_keep_old(self, at: datetime) -> bool:
        """Whether its owner, who has shown to know the old password, may go on with that."""
        return self.is_proved and self.proof is Proof.PASSWORD and not self.has_run_out(at)


_WHOSE = select(User.id).where(User.username == bindparam("name"))
# The newest, also one that was voided: its owner is asked for the same kind until there is another.
_ITS_TYPE = (
    select(Credential.password_type)
    .where(Credential.user_id == _WHOSE.scalar_subquery())
    .order_by(Credential.id.desc())
    .limit(1)
)
# One statement, which looks the name up as well.
_BEGIN = often(
    insert(table(LoginFlow))
    .values(
        token_mark=bindparam("token_mark"),
        username=bindparam("username"),
        user_id=_WHOSE.scalar_subquery(),
        password_type=func.coalesce(
            _ITS_TYPE.scalar_subquery(), bindparam("decoy", type_=LoginFlow.password_type.type)
        ),
        destination=bindparam("destination"),
        is_change=bindparam("is_change"),
        asked_from_mark=bindparam("asked_from_mark"),
        asked_from_device_mark=bindparam("asked_from_device_mark"),
        times_asked=bindparam("times_asked"),
        has_postponed=False,
        wrong_tries=0,
        created_at=NOW,
        expires_at=later(NOW, bindparam("life_seconds", type_=Integer())),
    )
    .returning(
        LoginFlow.password_type,
        LoginFlow.user_id,
        exists()
        .where(
            PasswordWindow.pupil_id == _WHOSE.scalar_subquery(),
            PasswordWindow.state.in_((WindowState.OPEN, WindowState.PENDING)),
        )
        .label("has_window"),
    )
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A new flow: its token, the kind of password to ask for, and whose window may be claimed, if any."""

    token: str
    password_type: PasswordType
    claimable_user_id: int | None = None


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
    asked_from: tuple[str, str] = ("", ""),
    times_asked: int = 1,
) -> Begun:
    """Begin a flow for a typed username.

    The work and the answer are the same whether anybody has the name (S-10). From where it was sent (the
    marks of network and browser), and how often in a row, is kept for whoever opens a window for it (S-44).
    The replaced flow is forgotten here, unless there is a window to claim: then by the caller, once that
    is tried.
    """
    shown = people.shown_username(typed)
    token = dice.token()
    values = {
        "token_mark": keys.token_mark(KIND, token),
        "name": people.normal_username(typed) or "",
        "username": shown,
        "decoy": passwords.decoy_type(keys, shown),
        "destination": destination,
        "is_change": is_change,
        "asked_from_mark": asked_from[0],
        "asked_from_device_mark": asked_from[1],
        "times_asked": times_asked,
        "life_seconds": 60 * config.flow_minutes,
    }
    row = direct(db, _BEGIN, values | now.binds).one()
    # Whoever confirms or blocks holds the window before the flow, too.
    if replaced_token and not row.has_window:
        forget(db, keys, replaced_token, is_carried_on=times_asked > 1)
    return Begun(token, row.password_type, row.user_id if row.has_window else None)


def forget(db: Session, keys: Keys, token: str, *, is_carried_on: bool = False) -> None:
    """Remove a flow, and what waits in it, by either of its tokens.

    That a name was sent and nothing tried stays in a row that no token finds, so that sending other names
    in between hides nothing (S-44); where the flow is carried on, the next one counts it.
    """
    mark, rows = keys.token_mark(KIND, token), table(LoginFlow)
    which = or_(LoginFlow.token_mark == mark, LoginFlow.proved_mark == mark)
    gone = db.execute(delete(rows).where(which).returning(*rows.columns)).mappings().first()
    if gone is None or is_carried_on or gone["proof"] is not None or gone["wrong_tries"]:
        return
    left = {name: gone[name] for name in gone if name not in ("id", "destination", "sealed_picks")}
    db.execute(insert(rows).values(left | {"token_mark": keys.token_mark("left_login_flow", token)}))


def forget_proved(db: Session, user_id: int) -> None:
    """Remove what a person has proved and not finished, also for a child, in every browser (S-18)."""
    db.execute(
        delete(LoginFlow).where(
            or_(LoginFlow.user_id == user_id, LoginFlow.authorised_by_id == user_id),
            LoginFlow.proof.is_not(None),
            LoginFlow.finished_at.is_(None),
        )
    )
    db.execute(delete(RecoveryFlow).where(RecoveryFlow.user_id == user_id))


def proved_token(keys: Keys, token: str) -> str:
    """Return the token of a flow from its proof on, which follows from the first, for us alone.

    Two presses of one button get the same. Who knew the first one before the proof cannot go on with it:
    it opens nothing but the question for the password (S-17).
    """
    return token if token.startswith(PROVED) else PROVED + keys.token_mark("proved_login_flow", token)


# Whether a flow still counts; a finished one answers a second press a little longer.
IS_ALIVE = and_(
    LoginFlow.expires_at > NOW,
    LoginFlow.created_at <= after(SKEW_SECONDS),
    or_(LoginFlow.finished_at.is_(None), LoginFlow.finished_at > after(-ECHO_SECONDS)),
)
_FIND = often(
    select(
        LoginFlow.id,
        LoginFlow.username,
        LoginFlow.user_id,
        LoginFlow.password_type,
        LoginFlow.destination,
        LoginFlow.is_change,
        LoginFlow.proof,
        LoginFlow.proved_mark,
        LoginFlow.proved_credential_id,
        LoginFlow.authorised_by_id,
        LoginFlow.password_window_id,
        LoginFlow.times_asked,
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
        Credential.expiry_reason,
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
    .where(
        or_(
            LoginFlow.token_mark == bindparam("token_mark"), LoginFlow.proved_mark == bindparam("token_mark")
        ),
        IS_ALIVE,
    )
)


def find(
    db: Session,
    keys: Keys,
    config: Config,
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
        "device_mark": keys.token_mark(devices.KIND, device_token) if device_token else "",
        "network_bucket": throttling.network_bucket(keys, network) if network else "",
        "today": now.today,
    }
    row = direct(db, _FIND, values | now.binds).first()
    if row is None:
        return None
    # A proof by a password that has been changed since proves nothing, and answers no second press.
    # At MitID or in a window one may have no password yet; that ends when there is one.
    may_be_first = row.proof in (Proof.MITID, Proof.GUARDIAN, Proof.WINDOW)
    still_holds = row.proved_credential_id == row.credential_id and (
        row.credential_id is not None or may_be_first
    )
    if row.finished_at is not None and not still_holds:
        return None
    is_proved = row.proof is not None and still_holds and row.proved_mark == values["token_mark"]
    claim = None
    if row.proof is Proof.WINDOW:
        claim = windows.get_claim(db, row.password_window_id, now)
        # Used up, it still lets the very flow that used it finish.
        is_proved = is_proved and claim.standing in (Standing.UNDER_WAY, Standing.DONE)
    required = passwords.required_type(row.level, row.marked_password_type)
    profile, fits = config.password_profile, row.credential_type is required
    has_end = passwords.counts(row.expiry_reason, profile, fits=fits)
    return Flow(
        id=row.id,
        token=token,
        username=row.username,
        user_id=row.user_id,
        password_type=row.password_type,
        destination=row.destination,
        is_change=row.is_change,
        is_proved=is_proved,
        has_postponed=row.has_postponed,
        wrong_tries=row.wrong_tries,
        picks=_unsealed_picks(keys, row.sealed_picks, token),
        created_at=row.created_at,
        expires_at=row.expires_at,
        is_finished=row.finished_at is not None,
        credential_id=row.credential_id,
        credential_type=row.credential_type,
        sealed_hash=row.sealed_hash,
        credential_expires_at=row.credential_expires_at if has_end else None,
        expiry_reason=row.expiry_reason,
        is_blocked=row.blocked_at is not None,
        has_place=bool(row.has_place),
        is_known_device=bool(row.is_known_device),
        is_slowed=bool(row.is_slowed),
        required=required,
        is_marked=row.marked_password_type is not None,
        proof=row.proof,
        authorised_by_id=row.authorised_by_id,
        claim=claim,
        times_asked=row.times_asked,
    )


_DESTINATION = select(LoginFlow.destination).where(
    or_(LoginFlow.token_mark == bindparam("token_mark"), LoginFlow.proved_mark == bindparam("token_mark")),
    LoginFlow.finished_at.is_(None),
)


def find_destination(db: Session, keys: Keys, token: str) -> str | None:
    """Return where a flow was going, also one that has run out, as long as its row is there."""
    return direct(db, _DESTINATION, {"token_mark": keys.token_mark(KIND, token)}).scalar()


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
        expiry_reason=None,
        is_blocked=False,
        has_place=False,
        is_known_device=False,
        is_slowed=False,
        required=password_type,
    )


def extend(db: Session, config: Config, flow: Flow, now: Instant) -> None:
    """Give a flow, and a password that waits in it, their full time again; ten times in all (S-25)."""
    full = now.after(60 * config.flow_minutes)
    last = later(LoginFlow.created_at, literal(60 * config.flow_minutes * (1 + EXTENSIONS)))
    given = db.scalar(
        update(LoginFlow)
        .where(LoginFlow.id == flow.id, LoginFlow.finished_at.is_(None))
        .values(expires_at=case((last < full, last), else_=full))
        .returning(LoginFlow.expires_at)
    )
    if given is not None:
        db.execute(update(PendingPassword).where(PendingPassword.flow_id == flow.id).values(expires_at=given))


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


def sweep(db: Session, now: Instant) -> int:
    """Remove flows that are over, and the secrets in them (S-25); returns how many, or `SWEPT_AT_ONCE`."""
    is_over = or_(LoginFlow.expires_at <= now.sql, LoginFlow.finished_at < now.after(-ECHO_SECONDS))
    return swept(db, LoginFlow, is_over) + swept(db, PendingPassword, PendingPassword.expires_at <= now.sql)
