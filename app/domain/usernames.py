"""The username of the one whom MitID proved, and those of the children: found, and activated (S-33)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sqlalchemy import bindparam, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from app.db import SKEW_SECONDS, Instant, table
from app.direct import Bound, executing
from app.domain import audit, people, recovery
from app.domain.audit import Event
from app.domain.passwords import WORDLISTS
from app.domain.people import Place
from app.domain.recovery import Authority
from app.keys import Keys
from app.models.people import ContactRelation, User
from app.models.recovery import RecoveryFlow
from app.world import Dice

KIND = "recovery_flow"
LIFE_SECONDS = 600
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# What no accent can be taken off.
SPELLED = {"æ": "ae", "ø": "oe", "å": "aa", "ð": "d", "þ": "th", "ł": "l", "ß": "ss"}
# Of nine thousand names with the same letters most must be taken before so many tries find none.
TRIES = 20
# How often any letters are tried, when no name with letters of one's own was free.
STRANGE = 30


@dataclass(frozen=True, slots=True)
class Found:
    """One person on the list, by the name others may see; the rest is empty without authority."""

    uni_id: str
    name: str
    authority: Authority
    username: str | None
    places: list[Place]

    @property
    def is_shown(self) -> bool:
        """Whether the list may tell this person's username."""
        return self.authority in (Authority.OWN, Authority.GUARDIAN)


def begin(db: Session, keys: Keys, dice: Dice, now: Instant, person_id: int) -> str:
    """Keep whom MitID proved for ten minutes, and record whose usernames are told; returns a token."""
    token = dice.token()
    db.execute(
        insert(RecoveryFlow).values(
            token_mark=keys.token_mark(KIND, token),
            user_id=person_id,
            proof_at=now.sql,
            expires_at=now.after(LIFE_SECONDS),
        )
    )
    for user_id, authority in _whose(db, person_id, now):
        if authority in (Authority.OWN, Authority.GUARDIAN):
            audit.record(db, Event.USERNAME_SHOWN, now, actor_id=person_id, subject_id=user_id)
    return token


def find(db: Session, keys: Keys, token: str, now: Instant) -> int | None:
    """Return whom MitID proved to the browser with this token, or None; a blocked person is nobody."""
    return db.scalar(
        select(RecoveryFlow.user_id)
        .join(User, User.id == RecoveryFlow.user_id)
        .where(
            RecoveryFlow.token_mark == keys.token_mark(KIND, token),
            RecoveryFlow.expires_at > now.sql,
            RecoveryFlow.proof_at <= now.after(SKEW_SECONDS),
            User.blocked_at.is_(None),
        )
    )


_FORGET = delete(table(RecoveryFlow)).where(RecoveryFlow.token_mark == bindparam("token_mark"))


def forgetting(keys: Keys, token: str) -> Bound:
    """Return what ends a proof before its time, when executed."""
    return _FORGET, {"token_mark": keys.token_mark(KIND, token)}


forget = executing(forgetting)


def list_found(db: Session, person_id: int, now: Instant) -> list[Found]:
    """Return the person and the children that the person is a contact of today (S-33)."""
    listed = []
    for user_id, authority in _whose(db, person_id, now):
        user = people.get_user(db, user_id)
        is_shown = authority in (Authority.OWN, Authority.GUARDIAN)
        if user.is_protected and not is_shown:
            continue  # the name a protected child goes under is not for whoever has no part in it
        places = people.list_places(db, user_id, now.today) if is_shown else []
        username = user.username if is_shown else None
        listed.append(Found(user.uni_id, user.shown_name, authority, username, places))
    return listed


def _whose(db: Session, person_id: int, now: Instant) -> list[tuple[int, Authority]]:
    """Return the person, then the children by name, each with what the person may do for them."""
    children = db.scalars(
        select(User.id)
        .where(
            exists().where(
                ContactRelation.pupil_id == User.id,
                ContactRelation.contact_id == person_id,
                *recovery.is_current(now),
            ),
            User.id != person_id,
        )
        .order_by(User.shown_name_sql(), User.id)
    )
    return [(id, recovery.find_authority(db, person_id, id, now)) for id in (person_id, *children)]


def activate(db: Session, dice: Dice, person_id: int, uni_id: str, now: Instant) -> bool:
    """Give somebody who has none a username; False where the person may not, or it is done already.

    Raises:
        LookupError: every name that was tried is taken.

    """
    user = db.scalar(select(User).where(User.uni_id == uni_id))
    if user is None:
        return False
    authority = recovery.find_authority(db, person_id, user.id, now, is_held=True)
    if authority not in (Authority.OWN, Authority.GUARDIAN):
        return False
    return give(db, dice, user.id, now, actor_id=person_id)


def give(
    db: Session,
    dice: Dice,
    user_id: int,
    now: Instant,
    *,
    actor_id: int,
    institution_id: int | None = None,
) -> bool:
    """Give a user who has none a username, by somebody who may; False where it is done already.

    Raises:
        LookupError: every name that was tried is taken.

    """
    user = people.get_user(db, user_id)
    for username in propose(dice, user.shown_name):
        if _give(db, user.id, username):
            audit.record(
                db,
                Event.USERNAME_ACTIVATED,
                now,
                actor_id=actor_id,
                subject_id=user.id,
                institution_id=institution_id,
            )
            return True
        if db.scalar(select(User.username).where(User.id == user.id)) is not None:
            return False
    raise LookupError("no username is free")


def _give(db: Session, user_id: int, username: str) -> bool:
    """Give a username to one who has none; False where it is taken, if only by another at this moment."""
    other = aliased(User)
    try:
        with db.begin_nested():
            given = db.execute(
                update(User)
                .where(
                    User.id == user_id,
                    User.username.is_(None),
                    ~select(other.id).where(other.username == username).exists(),
                )
                .values(username=username)
                .returning(User.id)
                .execution_options(synchronize_session=False)
            )
            return given.first() is not None
    except IntegrityError:
        return False


def propose(dice: Dice, name: str) -> Iterator[str]:
    """Yield usernames for a name: four letters and four digits, the letters its own as long as may be."""
    for letters in _letters(dice, name):
        for _ in range(TRIES):
            yield f"{letters}{1000 + dice.below(9000)}"


def _letters(dice: Dice, name: str) -> Iterator[str]:
    """Yield four letters again and again: those the name begins with, others of it, at last any."""
    given, _, rest = (_plain(part) for part in name.casefold().partition(" "))
    own = [given[:length] + rest for length in (4, 3, 2, 1, 0)]
    for start in (*dict.fromkeys(one[:4] for one in own), *[""] * STRANGE):
        letters = start + "".join(dice.pick(LETTERS) for _ in range(4 - len(start)))
        if not is_rude(letters):
            yield letters


@cache
def _refused() -> frozenset[str]:
    lines = (WORDLISTS / "refused_letters.txt").read_text("ascii").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def is_rude(letters: str) -> bool:
    """Whether letters hold what nobody wants to be called."""
    return any(word in letters for word in _refused())


def _plain(text: str) -> str:
    spelled = "".join(SPELLED.get(c, c) for c in text)
    return "".join(c for c in unicodedata.normalize("NFKD", spelled) if c in LETTERS)
