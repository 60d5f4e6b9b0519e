"""The pupils of an area, as the list shows them: name, username, type, last login, and what goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Row, Select, and_, bindparam, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.db import Instant, UtcTime
from app.direct import direct
from app.domain import alphabet, audit
from app.domain.audit import Event
from app.domain.elevadgang import areas, windows
from app.domain.elevadgang.areas import Area
from app.domain.elevadgang.hands import RAISED_SECONDS
from app.domain.elevadgang.presses import DISOWN_SECONDS, EXTENSIONS
from app.domain.elevadgang.windows import Standing
from app.domain.passwords import required_type
from app.domain.people import TODAY, is_current
from app.domain.site import SOURCE
from app.models.credentials import Credential
from app.models.elevadgang import Door, Doubt, HelpRequest, PasswordWindow, WindowState
from app.models.people import Affiliation, Category, Group, PasswordType, User
from app.models.sso import SsoSession

# How long a window that came to nothing is still told of; one that was used, for a day.
TOLD_SECONDS = 1800
PAGE = 50
Named = TypeVar("Named")


@dataclass(frozen=True, slots=True)
class Window:
    """What the list shows of a pupil's newest window, and what may be done with it."""

    id: int
    standing: Standing
    ends_at: datetime
    picture: str | None
    doubt: Doubt | None
    is_near: bool
    device: str
    may_extend: bool
    may_disown: bool
    # The newest one that was used in the last day, which a later press does not hide.
    used_id: int | None = None

    @property
    def is_live(self) -> bool:
        """Whether something may still come of it."""
        return self.standing in (Standing.WAITING, Standing.APPROVAL, Standing.UNDER_WAY)


@dataclass(frozen=True, slots=True)
class Pupil:
    """One row of the list; the name is the one others may see."""

    uni_id: str
    given_name: str
    name: str
    username: str | None
    group_name: str
    # The type the pupil is to have, and that of the password there is; None where there is none.
    password_type: PasswordType
    current_type: PasswordType | None
    is_marked: bool
    is_blocked: bool
    may_unblock: bool
    last_login_at: datetime | None
    asks_for_help: bool
    window: Window | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list, how many fit the search in all, and how many there are without it."""

    pupils: list[Pupil]
    found: int
    total: int


_NEWEST = (
    select(PasswordWindow.id)
    .where(PasswordWindow.pupil_id == User.id, PasswordWindow.door != Door.GUARDIAN)
    .order_by(PasswordWindow.id.desc())
    .limit(1)
    .correlate(User)
    .scalar_subquery()
)
_other = aliased(PasswordWindow)
_USED = (
    select(func.max(_other.id))
    .where(
        _other.pupil_id == User.id,
        _other.door != Door.GUARDIAN,
        _other.state == WindowState.DONE,
        _other.disowned_at.is_(None),
        _other.done_at > bindparam("used_after", type_=UtcTime()),
    )
    .correlate(User)
    .scalar_subquery()
)
_LAST_LOGIN = (
    select(func.max(SsoSession.created_at, type_=UtcTime()))
    .where(SsoSession.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
)
_IS_UP = (
    HelpRequest.raised_at > bindparam("raised_after", type_=UtcTime()),
    # A press answers the hand.
    or_(PasswordWindow.id.is_(None), PasswordWindow.opened_at < HelpRequest.raised_at),
)
_ASKS = (
    select(HelpRequest.id)
    .where(HelpRequest.pupil_id == User.id, *_IS_UP)
    .correlate(User, PasswordWindow)
    .exists()
)
_WHERE = (bindparam("institution_id", type_=BigInteger()), bindparam("actor_id", type_=BigInteger()), TODAY)
_IS_PUPIL = areas.is_pupil(*_WHERE)
_IS_IN_CLASS = areas.is_pupil(*_WHERE, bindparam("group_id", type_=BigInteger()))
# The same on every database, and before the pupils are put in the order of the alphabet: of two who have one
# name, and of two rows of one pupil, it is always the same that comes first.
_ORDER = (Group.name, User.shown_given_name_sql(), User.shown_name_sql(), User.id)


# What a window is told of by.
_WINDOW: tuple[Any, ...] = (
    PasswordWindow.id.label("window_id"),
    PasswordWindow.state,
    PasswordWindow.ends_at,
    PasswordWindow.extensions,
    PasswordWindow.doubt,
    PasswordWindow.approved_at,
    PasswordWindow.picture,
    PasswordWindow.is_near,
    PasswordWindow.claim_device,
    PasswordWindow.done_at,
    PasswordWindow.ended_at,
    PasswordWindow.disowned_at,
)


def _rows(*columns: Any) -> Select[*tuple[Any, ...]]:
    return (
        select(
            User.uni_id,
            User.shown_given_name_sql().label("given_name"),
            User.shown_name_sql().label("name"),
            User.username,
            Group.name.label("group_name"),
            Affiliation.level,
            User.marked_password_type,
            User.blocked_at,
            User.blocked_by_institution_id,
            _ASKS.label("asks"),
            _USED.label("used_id"),
            *_WINDOW,
            *columns,
        )
        .select_from(User)
        .join(Affiliation, Affiliation.user_id == User.id)
        .outerjoin(Group, Group.id == Affiliation.main_group_id)
        .outerjoin(PasswordWindow, PasswordWindow.id == _NEWEST)
    )


_WHOLE = _rows(_LAST_LOGIN.label("last_login_at"), Credential.password_type.label("current_type")).outerjoin(
    Credential, and_(Credential.user_id == User.id, Credential.ended_at.is_(None))
)
_CLASS = _WHOLE.where(_IS_IN_CLASS).order_by(*_ORDER)
_IS_NAMED = User.uni_id.in_(bindparam("uni_ids", expanding=True))
_SOME = _WHOLE.where(_IS_PUPIL, _IS_NAMED).order_by(*_ORDER)
_HAPPENING = or_(_ASKS, PasswordWindow.opened_at > bindparam("told_after", type_=UtcTime()))
_CLASS_NOW = _rows().where(_IS_IN_CLASS, _HAPPENING).order_by(*_ORDER)
_SOME_NOW = _rows().where(_IS_PUPIL, _IS_NAMED, _HAPPENING).order_by(*_ORDER)
_ASKING = (
    select(Affiliation.main_group_id.label("group_id"), func.count(User.id.distinct()).label("asking"))
    .select_from(HelpRequest)
    .join(User, User.id == HelpRequest.pupil_id)
    .join(Affiliation, Affiliation.user_id == User.id)
    .join(Group, Group.id == Affiliation.main_group_id)
    .outerjoin(PasswordWindow, PasswordWindow.id == _NEWEST)
    .where(
        *_IS_UP,
        areas.is_pupil(Group.institution_id, bindparam("actor_id", type_=BigInteger()), TODAY),
        Affiliation.main_group_id.in_(bindparam("group_ids", expanding=True)),
    )
    .group_by(Affiliation.main_group_id)
)
_NAMES = (
    select(
        User.uni_id,
        User.shown_given_name_sql().label("given_name"),
        User.shown_name_sql().label("name"),
        User.username,
        Group.id.label("group_id"),
        Group.name.label("group_name"),
    )
    .join(Affiliation, Affiliation.user_id == User.id)
    .outerjoin(Group, Group.id == Affiliation.main_group_id)
    .where(_IS_PUPIL)
    .order_by(*_ORDER)
)


def _binds(area: Area, now: Instant) -> dict[str, Any]:
    return {
        "institution_id": area.institution_id,
        "actor_id": area.actor_id,
        "today": now.today,
        "raised_after": now.at - timedelta(seconds=RAISED_SECONDS),
        "used_after": now.at - timedelta(seconds=DISOWN_SECONDS),
    }


def list_class(db: Session, area: Area, now: Instant, search: str = "") -> Listed:
    """Return the pupils of a class by first name, or those of them that a search fits."""
    rows = direct(db, _CLASS, _binds(area, now) | {"group_id": area.group_id})
    pupils = _in_order({row.uni_id: _pupil(row, now, area.institution_id) for row in rows}.values())
    found = [pupil for pupil in pupils if fits(search, pupil.name, pupil.username)]
    return Listed(found, len(found), len(pupils))


def list_institution(
    db: Session, area: Area, now: Instant, search: str = "", group_id: int | None = None, page: int = 1
) -> Listed:
    """Return a page of an institution's pupils by class and first name, all or those that fit."""
    rows = {row.uni_id: row for row in direct(db, _NAMES, _binds(area, now))}
    found = _in_order(
        row
        for row in rows.values()
        if (group_id is None or row.group_id == group_id) and fits(search, row.name, row.username)
    )
    shown = [row.uni_id for row in found[(page - 1) * PAGE : page * PAGE]]
    whole = direct(db, _SOME, _binds(area, now) | {"uni_ids": shown})
    pupils = _in_order({row.uni_id: _pupil(row, now, area.institution_id) for row in whole}.values())
    return Listed(pupils, len(found), len(rows))


def list_happening(db: Session, area: Area, now: Instant, uni_ids: list[str] | None = None) -> list[Pupil]:
    """Return the pupils for whom something goes on or has just ended, for the live status.

    Those of a class, or of an institution those that are named: a page shows few of them.
    """
    binds = _binds(area, now) | {"told_after": now.at - timedelta(seconds=DISOWN_SECONDS)}
    if area.group_id is None:
        rows = direct(db, _SOME_NOW, binds | {"uni_ids": uni_ids or []})
    else:
        rows = direct(db, _CLASS_NOW, binds | {"group_id": area.group_id})
    return _in_order({row.uni_id: _pupil(row, now, area.institution_id) for row in rows}.values())


def count_asking(db: Session, classes: list[Area], now: Instant) -> dict[int, int]:
    """Return how many pupils have a hand up in each of a teacher's classes, by number; none is left out."""
    if not classes:
        return {}
    binds = {
        "actor_id": classes[0].actor_id,
        "today": now.today,
        "raised_after": now.at - timedelta(seconds=RAISED_SECONDS),
        "group_ids": [area.group_id for area in classes],
    }
    return {row.group_id: row.asking for row in direct(db, _ASKING, binds)}


def _in_order(pupils: Iterable[Named]) -> list[Named]:
    """Return pupils by class, first name and whole name, as the Danish alphabet has them.

    Each database has an order of its own, and most have å before b or wherever its byte falls.
    """
    return sorted(pupils, key=_place)


def _place(pupil: Any) -> tuple[tuple[str, str], ...]:
    names = (pupil.group_name or "", pupil.given_name, pupil.name)
    return tuple(alphabet.place(name, SOURCE) for name in names)


def fits(search: str, name: str, username: str | None) -> bool:
    """Whether every word of a search begins a word of the name, or the username."""
    words = _words(name)
    if username:
        words.append(username)
    return all(any(word.startswith(part) for word in words) for part in _words(search))


def _words(text: str) -> list[str]:
    return text.casefold().replace("-", " ").split()


def list_main_groups(db: Session, area: Area, now: Instant) -> list[tuple[int, str]]:
    """Return number and name of every class that has pupils at an institution, by name."""
    rows = db.execute(
        select(Group.id, Group.name)
        .where(
            Group.id.in_(
                select(Affiliation.main_group_id).where(
                    Affiliation.category == Category.PUPIL,
                    Affiliation.institution_id == area.institution_id,
                    is_current(literal(now.today)),
                )
            )
        )
        .order_by(Group.name, Group.id)
    )
    return [(row.id, row.name) for row in rows]


def record_shown(
    db: Session,
    area: Area,
    now: Instant,
    *,
    is_printed: bool = False,
) -> None:
    """Record that the list of an area was seen, or made for paper."""
    audit.record(
        db,
        Event.PUPILS_PRINTED if is_printed else Event.PUPILS_SHOWN,
        now,
        actor_id=area.actor_id,
        institution_id=area.institution_id,
        where=area.group_name or area.institution_name,
    )


def _pupil(row: Row[*tuple[Any, ...]], now: Instant, institution_id: int) -> Pupil:
    return Pupil(
        uni_id=row.uni_id,
        given_name=row.given_name,
        name=row.name,
        username=row.username,
        group_name=row.group_name or "",
        password_type=required_type(row.level, row.marked_password_type),
        current_type=getattr(row, "current_type", None),
        is_marked=row.marked_password_type is not None,
        is_blocked=row.blocked_at is not None,
        may_unblock=row.blocked_at is not None and row.blocked_by_institution_id == institution_id,
        last_login_at=getattr(row, "last_login_at", None),
        asks_for_help=bool(row.asks),
        window=_window(row, now),
    )


def _window(row: Row[*tuple[Any, ...]], now: Instant) -> Window | None:
    """Return the newest window as it is told of at this moment; None where it was too long ago."""
    if row.window_id is None:
        return None
    standing = windows.standing(row.state, row.ends_at, row.doubt, row.approved_at, row.disowned_at, now.at)
    may_disown = standing is Standing.DONE and now.at - row.done_at < timedelta(seconds=DISOWN_SECONDS)
    if standing in (Standing.EXPIRED, Standing.CANCELLED):
        if now.at - (row.ended_at or row.ends_at) > timedelta(seconds=TOLD_SECONDS):
            return None
    elif standing in (Standing.DONE, Standing.DISOWNED) and not (
        may_disown or now.at - (row.disowned_at or row.done_at) < timedelta(seconds=DISOWN_SECONDS)
    ):
        return None
    return Window(
        id=row.window_id,
        standing=standing,
        ends_at=row.ends_at,
        picture=row.picture,
        doubt=row.doubt,
        is_near=row.is_near is not False,
        device=row.claim_device or "",
        may_extend=standing is Standing.WAITING and row.extensions < EXTENSIONS,
        may_disown=may_disown,
        used_id=getattr(row, "used_id", None),
    )


def find_one(db: Session, area: Area, uni_id: str, now: Instant) -> Pupil | None:
    """Return one pupil of an institution, or None."""
    row = direct(db, _SOME, _binds(area, now) | {"uni_ids": [uni_id]}).first()
    return _pupil(row, now, area.institution_id) if row else None


def has_had_password(db: Session, uni_id: str) -> bool:
    """Whether a pupil has a password, or had one that is no longer good."""
    had = select(Credential.id).join(User, User.id == Credential.user_id).where(User.uni_id == uni_id)
    return db.scalar(had.limit(1)) is not None


def list_guardian_windows(db: Session, guardian_id: int, now: Instant) -> dict[str, Window]:
    """Return the newest window that a parent opened for each child, by the child's UniID."""
    rows = db.execute(
        select(User.uni_id, *_WINDOW)
        .join(User, User.id == PasswordWindow.pupil_id)
        .where(PasswordWindow.opened_by_id == guardian_id, PasswordWindow.door == Door.GUARDIAN)
        .order_by(PasswordWindow.id)
    )
    found = {row.uni_id: _window(row, now) for row in rows}
    return {uni_id: window for uni_id, window in found.items() if window is not None}
