"""A pupil's side of the five minutes: the username, in one browser, once (S-42 to S-44)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db import SKEW_SECONDS, Instant
from app.domain import audit, devices, flows, networks
from app.domain.audit import Event
from app.domain.elevadgang import areas, windows
from app.domain.login import Browser
from app.domain.passwords import PICTURES
from app.domain.people import is_current
from app.keys import Keys
from app.models.credentials import Credential, KnownDevice
from app.models.elevadgang import Doubt, EndedBy, PasswordWindow, WindowState
from app.models.people import Affiliation, Category, Institution, Locality
from app.models.sso import LoginFlow, Proof
from app.world import Dice

Window = Row[*tuple[Any, ...]]

KIND = "window_claim"
# How long a second press of «Næste» is known by the form it came from.
ECHO_SECONDS = 10
# A source that sent the name so often, in so long before the press, without a try at a secret (S-44).
ASKED, ASKED_SECONDS = 3, 900
# A browser that has claimed for so many other pupils in so long.
CROWD, CROWD_SECONDS = 3, 600
# So many presses of one button at once, each of which takes the place of the one before, are enough.
PRESSES = 8


@dataclass(frozen=True, slots=True)
class Claimant:
    """The browser that sent a username: the secret of its forms, its device, where it is.

    `held` is what an earlier claim gave it, `given` what this one gives it: who copied the forms' secret at a
    shared machine before the claim has neither.
    """

    secret: str
    device_token: str
    browser: Browser
    held: str | None = None
    given: str | None = None


def network_mark(keys: Keys, browser: Browser) -> str:
    """Return the keyed hash of a browser's public address, to know the same place again."""
    return keys.token_mark("public_network", browser.public_network)


def marks(keys: Keys, browser: Browser, secret: str) -> tuple[str, str]:
    """Return the keyed hashes of where a name is sent from: the network, and the browser.

    The browser is known by its device, or by the secret of its forms before it has one (S-44).
    """
    return network_mark(keys, browser), _browser_mark(keys, browser.device_token, secret)


def _browser_mark(keys: Keys, device_token: str | None, secret: str) -> str:
    return keys.token_mark(devices.KIND, device_token) if device_token else keys.token_mark(KIND, secret)


def claim(
    db: Session, keys: Keys, dice: Dice, now: Instant, token: str, user_id: int, claimant: Claimant
) -> str | None:
    """Claim the open window of a user for the flow of a token; returns the flow's new token.

    None where there is nothing for this browser to claim: it gets the ordinary password page. The same
    browser may come again, by Back or a second press, and goes on where it was.
    """
    window = db.execute(
        select(
            PasswordWindow.id,
            PasswordWindow.opened_by_id,
            PasswordWindow.door,
            PasswordWindow.institution_id,
            PasswordWindow.opener_network_mark,
            PasswordWindow.opener_device_mark,
            PasswordWindow.opened_at,
            PasswordWindow.ends_at,
            _is_open(now).label("is_open"),
        ).where(
            PasswordWindow.pupil_id == user_id,
            PasswordWindow.state.in_((WindowState.OPEN, WindowState.PENDING)),
        )
    ).first()
    if window is None:
        return None
    is_mine = _is_mine(db, keys, window, claimant, now)
    if not is_mine and not window.is_open:
        return None
    if not areas.holds(db, window.door, window.opened_by_id, window.institution_id, user_id, now):
        windows.close(db, PasswordWindow.id == window.id, EndedBy.AUTHORITY, now)
        return None
    is_taken = is_mine or _take(db, keys, dice, now, user_id, claimant, window)
    # Another press of this browser may have come first, while this one waited for it.
    if not is_taken and not _is_mine(db, keys, window, claimant, now):
        return None
    _give(db, keys, window, claimant)
    return _bind(db, keys, now, token, user_id, window)


def _is_open(now: Instant) -> ColumnElement[bool]:
    """Whether a window may be claimed; one with more than its time has it of a clock set back since (S-07).

    Opening and «fem minutter mere» both end it five minutes on, so one bound holds for both.
    """
    return and_(
        PasswordWindow.state == WindowState.OPEN,
        PasswordWindow.ends_at > now.sql,
        PasswordWindow.ends_at <= now.after(windows.WINDOW_SECONDS + SKEW_SECONDS),
    )


def _take(
    db: Session,
    keys: Keys,
    dice: Dice,
    now: Instant,
    user_id: int,
    claimant: Claimant,
    window: Window,
) -> bool:
    """Move an open window to pending, for this browser alone; False where another was first (S-42)."""
    browser = claimant.browser
    device_mark = keys.token_mark(devices.KIND, claimant.device_token)
    is_near = _is_near(db, keys, now, window, user_id, claimant)
    doubt = _doubt(db, keys, now, window, user_id, claimant, device_mark, is_near=is_near)
    taken = db.execute(
        update(PasswordWindow)
        .where(PasswordWindow.id == window.id, _is_open(now))
        .values(
            state=WindowState.PENDING,
            claimed_at=now.sql,
            form_mark=keys.token_mark(KIND, claimant.secret),
            claim_device_mark=device_mark,
            claim_device=browser.device_words,
            claim_network=browser.network,
            claim_network_mark=network_mark(keys, browser),
            is_near=is_near,
            doubt=doubt,
            picture=dice.pick(PICTURES) if doubt else None,
        )
        .returning(PasswordWindow.id)
        .execution_options(synchronize_session=False)
    )
    if taken.first() is None:
        return False
    audit.record(
        db,
        Event.WINDOW_CLAIMED,
        now,
        subject_id=user_id,
        institution_id=window.institution_id,
        device=browser.device_words,
        network=browser.network,
        doubt=doubt.value if doubt else "",
    )
    return True


def _is_mine(db: Session, keys: Keys, window: Window, claimant: Claimant, now: Instant) -> bool:
    """Whether this very browser has claimed the window: by what the claim gave it, or a press ago (S-19)."""
    held = keys.token_mark(KIND, claimant.held or claimant.secret)
    form = keys.token_mark(KIND, claimant.secret)
    pressed = and_(PasswordWindow.form_mark == form, PasswordWindow.claimed_at > now.after(-ECHO_SECONDS))
    mine = select(PasswordWindow.id).where(
        PasswordWindow.id == window.id,
        windows.is_in_time(now),
        or_(PasswordWindow.claim_mark == held, pressed),
    )
    return db.scalar(mine) is not None


def _give(db: Session, keys: Keys, window: Window, claimant: Claimant) -> None:
    """Note the secret by which this browser is known from here on."""
    db.execute(
        update(PasswordWindow)
        .where(PasswordWindow.id == window.id)
        .values(claim_mark=keys.token_mark(KIND, claimant.given or claimant.secret))
        .execution_options(synchronize_session=False)
    )


def _bind(db: Session, keys: Keys, now: Instant, token: str, user_id: int, window: Window) -> str | None:
    """Bind the window to the flow of this browser, in the place of one that it had before (S-42)."""
    before = delete(LoginFlow).where(
        LoginFlow.password_window_id == window.id, LoginFlow.finished_at.is_(None)
    )
    proved = flows.proved_token(keys, token)
    current = select(Credential.id).where(Credential.user_id == user_id, Credential.ended_at.is_(None))
    binding = (
        update(LoginFlow)
        .where(LoginFlow.token_mark == keys.token_mark(flows.KIND, token))
        .values(
            password_window_id=window.id,
            proof=Proof.WINDOW,
            proof_at=now.sql,
            proved_mark=keys.token_mark(flows.KIND, proved),
            proved_credential_id=current.scalar_subquery(),
            is_change=True,
            expires_at=windows.pending_end(window.ends_at),
        )
        .execution_options(synchronize_session=False)
    )
    for _ in range(PRESSES):
        db.execute(before.execution_options(synchronize_session=False))
        try:
            with db.begin_nested():
                db.execute(binding)
        except IntegrityError:  # another press of this browser bound its flow since: take its place
            continue
        return proved
    return None


def _is_near(db: Session, keys: Keys, now: Instant, window: Window, user_id: int, claimant: Claimant) -> bool:
    """Whether a claim comes from where the helper is, from the school, or from the pupil's own device."""
    browser = claimant.browser
    if network_mark(keys, browser) == window.opener_network_mark:
        return True
    device_mark = keys.token_mark(devices.KIND, claimant.device_token)
    known = select(KnownDevice.user_id).where(
        KnownDevice.user_id == user_id, KnownDevice.device_mark == device_mark
    )
    if db.scalar(known) is not None:
        return True
    if browser.institution_network is None:
        return False
    # A parent opens it for no institution: then it is the pupil's own that count.
    schools = select(Affiliation.institution_id).where(
        Affiliation.user_id == user_id,
        Affiliation.category == Category.PUPIL,
        is_current(literal(now.today)),
    )
    whose = schools if window.institution_id is None else [window.institution_id]
    return networks.is_in_one_of(db, browser.institution_network, whose)


def _doubt(
    db: Session,
    keys: Keys,
    now: Instant,
    window: Window,
    user_id: int,
    claimant: Claimant,
    device_mark: str,
    *,
    is_near: bool,
) -> Doubt | None:
    """Return why somebody must compare a picture first, or None."""
    if device_mark == window.opener_device_mark:
        return Doubt.OWN_BROWSER
    if _has_asked(db, keys, window, user_id, claimant):
        return Doubt.ASKED_BEFORE
    place = None if is_near else network_mark(keys, claimant.browser)
    if _claims_for_many(db, now, user_id, device_mark, place):
        return Doubt.MANY_PUPILS
    if is_near:
        return None
    locality = select(Institution.locality).where(Institution.id == window.institution_id)
    is_asked = db.scalar(locality) in (None, Locality.CONFIRM)
    return Doubt.ELSEWHERE if is_asked else None


def _has_asked(db: Session, keys: Keys, window: Window, user_id: int, claimant: Claimant) -> bool:
    """Whether this place or browser sent the name again and again before the press, and tried no secret.

    The browser counts by its device and by its forms: it may have got the one after it had the other (S-44).
    """
    browsers = {_browser_mark(keys, token, claimant.secret) for token in (claimant.device_token, None)}
    asked = select(func.sum(LoginFlow.times_asked)).where(
        LoginFlow.user_id == user_id,
        or_(
            LoginFlow.asked_from_mark == network_mark(keys, claimant.browser),
            LoginFlow.asked_from_device_mark.in_(browsers),
        ),
        LoginFlow.created_at > window.opened_at - timedelta(seconds=ASKED_SECONDS),
        LoginFlow.created_at < window.opened_at,
        LoginFlow.wrong_tries == 0,
        LoginFlow.proof.is_(None),
    )
    return (db.scalar(asked) or 0) >= ASKED


def _claims_for_many(db: Session, now: Instant, user_id: int, device_mark: str, place: str | None) -> bool:
    """Whether this browser has claimed for others just now, or whoever is at the same place (S-44).

    Who throws the device's cookie away is still in the same place. `place` is None where that tells nothing:
    where the helper is, and in the school, a whole class comes from one address.
    """
    from_here = PasswordWindow.claim_device_mark == device_mark
    if place is not None:
        from_here = or_(from_here, PasswordWindow.claim_network_mark == place)
    others = select(func.count(PasswordWindow.pupil_id.distinct())).where(
        from_here,
        PasswordWindow.claimed_at > now.after(-CROWD_SECONDS),
        PasswordWindow.pupil_id != user_id,
    )
    return (db.scalar(others) or 0) >= CROWD
