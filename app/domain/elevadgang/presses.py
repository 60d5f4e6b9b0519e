"""A helper's acts: «Giv ny adgangskode», and what can be done with a window after that (S-40, S-41, S-45)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import Enum, auto
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.db import COPENHAGEN, Instant
from app.domain import audit, devices, flows, networks, people, sessions, throttling
from app.domain.audit import Event
from app.domain.elevadgang import areas, windows
from app.domain.elevadgang.areas import Area
from app.domain.elevadgang.claims import network_mark
from app.domain.login import Browser
from app.domain.throttling import Place
from app.keys import Keys
from app.models.credentials import Authorisation, Credential, KnownDevice
from app.models.elevadgang import Door, EndedBy, PasswordWindow, WindowState
from app.models.people import Affiliation, User
from app.models.sso import EndReason, LoginFlow

Found = Row[*tuple[Any, ...]]

MOST_A_PRESS = 40
MOST_AN_HOUR = 100
MOST_A_DAY = 3
EXTENSIONS = 2
DISOWN_SECONDS = 86400


class Press(Enum):
    """What came of a press, as a whole."""

    OPENED = auto()
    NOBODY = auto()  # nobody was ticked
    FOREIGN = auto()  # somebody among them is not the helper's: nothing was done
    TOO_MANY = auto()
    HOUR_IS_FULL = auto()


class Kept(Enum):
    """Why one of those ticked got no window."""

    DAY_IS_FULL = auto()
    BLOCKED = auto()
    NO_USERNAME = auto()


@dataclass(frozen=True, slots=True)
class Pressed:
    """The answer to a press: the windows by pupil, and who got none for what reason."""

    outcome: Press
    opened: dict[int, int] = field(default_factory=dict)
    kept: list[tuple[str, Kept]] = field(default_factory=list)


def press(
    db: Session, keys: Keys, area: Area, uni_ids: Sequence[str], browser: Browser, now: Instant
) -> Pressed:
    """Open five minutes for pupils of an area, who are named by their UniID.

    One that is not the helper's refuses all of it, without effect but an event that tells of it (S-40).
    """
    wanted = list(dict.fromkeys(uni_ids))
    if not wanted:
        return Pressed(Press.NOBODY)
    if len(wanted) > MOST_A_PRESS:
        return Pressed(Press.TOO_MANY)
    pupils = _held(db, area, wanted, now)
    if pupils is None:
        return Pressed(Press.FOREIGN)
    free, kept = _sorted_out(db, area, pupils, now)
    if area.door is Door.TEACHER and _pressed_in_an_hour(db, area.actor_id, now) + len(free) > MOST_AN_HOUR:
        _note_limit(db, area, area.actor_id, "hour", now)
        return Pressed(Press.HOUR_IS_FULL, kept=kept)
    opened = _open(db, keys, area.door, area.actor_id, area.institution_id, free, browser, now)
    _forget_tries(db, keys, [pupil.username for pupil in free], area.institution_id, browser)
    return Pressed(Press.OPENED, opened, kept)


def press_for_child(
    db: Session, keys: Keys, guardian_id: int, uni_id: str, browser: Browser, now: Instant
) -> Pressed:
    """Open five minutes for a parent's child, whom the parent named on the list that MitID showed (S-32)."""
    pupil = db.execute(
        select(User.id, User.username, User.blocked_at, User.shown_name_sql().label("name"))
        .where(User.uni_id == uni_id)
        .with_for_update(key_share=True)
    ).first()
    if pupil is None or not areas.holds(db, Door.GUARDIAN, guardian_id, None, pupil.id, now):
        return Pressed(Press.FOREIGN)
    kept = _why_not(pupil, _full_days(db, [pupil.id], now))
    if kept is not None:
        return Pressed(Press.OPENED, kept=[(pupil.name, kept)])
    opened = _open(db, keys, Door.GUARDIAN, guardian_id, None, [pupil], browser, now)
    _forget_tries(db, keys, [pupil.username], None, browser)
    return Pressed(Press.OPENED, opened)


def _held(db: Session, area: Area, uni_ids: list[str], now: Instant) -> list[Found] | None:
    """Return the pupils by these ids, held with what the authority over them rests on; None if one is not."""
    found = db.scalars(select(User.id).where(User.uni_id.in_(uni_ids))).all()
    people.hold(db, *found)
    standing = select(User.id).where(User.id == area.actor_id, User.blocked_at.is_(None))
    if db.scalar(standing.with_for_update(key_share=True)) is None:
        return None
    if area.door is Door.TEACHER:
        group_id = area.group_id or 0
        current = areas.find_class(db, area.actor_id, group_id, now.today, is_held=True)
    else:
        current = areas.find_institution(db, area.actor_id, area.institution_number, is_held=True)
    if current is None:
        return None
    pupils = db.execute(
        select(User.id, User.username, User.blocked_at, User.shown_name_sql().label("name"))
        .join(Affiliation, Affiliation.user_id == User.id)
        .where(User.uni_id.in_(uni_ids), areas.is_pupil_of(current, now.today))
        .order_by(User.id)
        .with_for_update(read=True, of=Affiliation)
    ).all()
    unique = {pupil.id: pupil for pupil in pupils}
    return list(unique.values()) if len(unique) == len(uni_ids) else None


def _sorted_out(
    db: Session, area: Area, pupils: list[Found], now: Instant
) -> tuple[list[Found], list[tuple[str, Kept]]]:
    is_limited = area.door is not Door.ADMINISTRATOR
    full = _full_days(db, [pupil.id for pupil in pupils], now) if is_limited else set()
    free, kept = [], []
    for pupil in pupils:
        why = _why_not(pupil, full)
        if why is None:
            free.append(pupil)
            continue
        kept.append((pupil.name, why))
        if why is Kept.DAY_IS_FULL:
            _note_limit(db, area, pupil.id, "day", now)
    return free, kept


def _why_not(pupil: Found, full: set[int]) -> Kept | None:
    if pupil.blocked_at is not None:
        return Kept.BLOCKED
    if pupil.username is None:
        return Kept.NO_USERNAME
    return Kept.DAY_IS_FULL if pupil.id in full else None


def _full_days(db: Session, pupil_ids: list[int], now: Instant) -> set[int]:
    """Return which pupils have had their windows of the day; the administrator's count for nobody."""
    midnight = datetime.combine(now.today, time(), COPENHAGEN)
    full = (
        select(PasswordWindow.pupil_id)
        .where(
            PasswordWindow.pupil_id.in_(pupil_ids),
            PasswordWindow.door != Door.ADMINISTRATOR,
            PasswordWindow.opened_at >= midnight,
        )
        .group_by(PasswordWindow.pupil_id)
        .having(func.count() >= MOST_A_DAY)
    )
    return set(db.scalars(full))


def _pressed_in_an_hour(db: Session, actor_id: int, now: Instant) -> int:
    recent = select(func.count(PasswordWindow.id)).where(
        PasswordWindow.opened_by_id == actor_id,
        PasswordWindow.door == Door.TEACHER,
        PasswordWindow.opened_at > now.after(-3600),
    )
    return db.scalar(recent) or 0


def _note_limit(db: Session, area: Area, subject_id: int, limit: str, now: Instant) -> None:
    audit.record(
        db,
        Event.WINDOW_LIMIT_REACHED,
        now,
        actor_id=area.actor_id,
        subject_id=subject_id,
        institution_id=area.institution_id,
        limit=limit,
    )


def _open(
    db: Session,
    keys: Keys,
    door: Door,
    actor_id: int,
    institution_id: int | None,
    pupils: list[Found],
    browser: Browser,
    now: Instant,
) -> dict[int, int]:
    """Open a window for each, in the place of one that is there; returns their numbers by pupil."""
    if not pupils:
        return {}
    theirs = PasswordWindow.pupil_id.in_([pupil.id for pupil in pupils])
    windows.expire(db, now, theirs)
    windows.close(db, theirs, EndedBy.REPLACED, now, actor_id=actor_id)
    values = {
        "opened_by_id": literal(actor_id),
        "door": literal(door, PasswordWindow.door.type),
        "institution_id": literal(institution_id, PasswordWindow.institution_id.type),
        "state": literal(WindowState.OPEN, PasswordWindow.state.type),
        "opened_at": now.sql,
        "ends_at": now.after(windows.WINDOW_SECONDS),
        "extensions": literal(0),
        "opener_network_mark": literal(network_mark(keys, browser)),
        "opener_device_mark": literal(keys.token_mark(devices.KIND, browser.device_token or "")),
    }
    whose = select(User.id, *values.values()).where(User.id.in_([pupil.id for pupil in pupils]))
    rows = db.execute(
        insert(PasswordWindow)
        .from_select(["pupil_id", *values], whose, include_defaults=False)
        .returning(PasswordWindow.id, PasswordWindow.pupil_id)
    ).all()
    for row in rows:
        audit.record(
            db,
            Event.WINDOW_OPENED,
            now,
            actor_id=actor_id,
            subject_id=row.pupil_id,
            institution_id=institution_id,
            network=browser.network,
        )
    return {row.pupil_id: row.id for row in rows}


def _forget_tries(
    db: Session, keys: Keys, usernames: list[str], institution_id: int | None, browser: Browser
) -> None:
    """Clear the waits of pupils who are being helped, at the school and from unknown devices (S-13)."""
    places = set(networks.list_ids(db, institution_id)) if institution_id else set()
    if browser.institution_network:
        places.add(browser.institution_network)
    for username in usernames:
        throttling.clear(db, throttling.bucket_name(keys, Place.OUTER, username))
        for place in places:
            throttling.clear(db, throttling.bucket_name(keys, Place.NETWORK, username, place))


# ---- Afterwards ----


def _window_of(
    db: Session, door: Door, actor_id: int, institution_id: int | None, window_id: int, now: Instant
) -> Found | None:
    """Return a window that a helper may act on now, with authority held; None where it is not theirs.

    A teacher may act on a colleague's too, as long as the pupil is in a class of both; a parent on the
    own alone.
    """
    window = db.execute(
        select(
            PasswordWindow.id,
            PasswordWindow.pupil_id,
            PasswordWindow.door,
            PasswordWindow.opened_by_id,
            PasswordWindow.institution_id,
            PasswordWindow.credential_id,
        ).where(
            PasswordWindow.id == window_id,
            PasswordWindow.institution_id.is_not_distinct_from(institution_id),
        )
    ).first()
    if window is None or (door is Door.GUARDIAN and window.opened_by_id != actor_id):
        return None
    # The pupil's row first, then the helper's, then the window: in this order everybody holds them.
    people.hold(db, window.pupil_id)
    if not areas.holds(db, door, actor_id, institution_id, window.pupil_id, now):
        return None
    return window


def _changed(
    db: Session, window: Found, still: tuple[ColumnElement[bool], ...], values: dict[str, Any]
) -> Found | None:
    """Change a window if all that must still hold does, in one statement; None where it does not (S-04)."""
    changed = db.execute(
        update(PasswordWindow)
        .where(PasswordWindow.id == window.id, *still)
        .values(values)
        .returning(PasswordWindow.id, PasswordWindow.done_at)
        .execution_options(synchronize_session=False)
    )
    return changed.first()


def cancel(
    db: Session, door: Door, actor_id: int, institution_id: int | None, window_id: int, now: Instant
) -> bool:
    """Take a window back; False where it is not the helper's, or over already."""
    window = _window_of(db, door, actor_id, institution_id, window_id, now)
    if window is None:
        return False
    closed = windows.close(db, PasswordWindow.id == window.id, EndedBy.HELPER, now, actor_id=actor_id)
    return bool(closed)


def extend(
    db: Session,
    door: Door,
    actor_id: int,
    institution_id: int | None,
    window_id: int,
    browser: Browser,
    now: Instant,
) -> bool:
    """Let an open window end five minutes from now; at most twice, and never one that is over (S-41)."""
    window = _window_of(db, door, actor_id, institution_id, window_id, now)
    if window is None:
        return False
    still = (
        PasswordWindow.state == WindowState.OPEN,
        PasswordWindow.ends_at > now.sql,
        PasswordWindow.extensions < EXTENSIONS,
    )
    more = {"ends_at": now.after(windows.WINDOW_SECONDS), "extensions": PasswordWindow.extensions + 1}
    if _changed(db, window, still, more) is None:
        return False
    _record(db, Event.WINDOW_EXTENDED, window, actor_id, browser, now)
    return True


def approve(
    db: Session,
    door: Door,
    actor_id: int,
    institution_id: int | None,
    window_id: int,
    picture: str,
    browser: Browser,
    now: Instant,
) -> bool:
    """Let a claim from elsewhere go on, after the picture was compared; False where it is not that one."""
    window = _window_of(db, door, actor_id, institution_id, window_id, now)
    if window is None:
        return False
    still = (
        windows.is_in_time(now),
        PasswordWindow.doubt.is_not(None),
        PasswordWindow.approved_at.is_(None),
        # The picture that was on the helper's screen, not that of a claim that came since.
        PasswordWindow.picture == picture,
    )
    if _changed(db, window, still, {"approved_at": now.sql}) is None:
        return False
    _record(db, Event.WINDOW_APPROVED, window, actor_id, browser, now)
    return True


def disown(
    db: Session,
    door: Door,
    actor_id: int,
    institution_id: int | None,
    window_id: int,
    browser: Browser,
    now: Instant,
) -> bool:
    """Void the password that somebody else got in a pupil's window; a day long (S-45).

    So is one that it was changed to since, by whoever knew it. Its sessions end, its devices are strangers
    again, and the pupil needs a new one.
    """
    window = _window_of(db, door, actor_id, institution_id, window_id, now)
    if window is None:
        return False
    still = (
        PasswordWindow.state == WindowState.DONE,
        PasswordWindow.disowned_at.is_(None),
        PasswordWindow.done_at > now.after(-DISOWN_SECONDS),
    )
    used = _changed(db, window, still, {"disowned_at": now.sql})
    if used is None:
        return False
    other = aliased(Credential)
    by_other_leave = (
        select(other.id)
        .where(
            other.user_id == window.pupil_id,
            other.id.is_distinct_from(window.credential_id),
            other.authorisation != Authorisation.OWNER,
            other.set_at > used.done_at,
        )
        .exists()
    )
    db.execute(
        update(Credential)
        .where(
            Credential.user_id == window.pupil_id,
            Credential.ended_at.is_(None),
            or_(Credential.id == window.credential_id, (Credential.set_at > used.done_at) & ~by_other_leave),
        )
        .values(ended_at=now.sql)
        .execution_options(synchronize_session=False)
    )
    _forget_logins(db, window.pupil_id, now)
    _record(db, Event.WINDOW_DISOWNED, window, actor_id, browser, now)
    return True


def _forget_logins(db: Session, pupil_id: int, now: Instant) -> None:
    db.execute(delete(LoginFlow).where(LoginFlow.user_id == pupil_id))
    flows.forget_proved(db, pupil_id)
    sessions.end_all(db, pupil_id, EndReason.DISOWNED, now)
    db.execute(delete(KnownDevice).where(KnownDevice.user_id == pupil_id))


def _record(db: Session, event: Event, window: Found, actor_id: int, browser: Browser, now: Instant) -> None:
    audit.record(
        db,
        event,
        now,
        actor_id=actor_id,
        subject_id=window.pupil_id,
        institution_id=window.institution_id,
        network=browser.network,
    )
