"""The steps of a login without a web: each in a transaction of its own, as a request has it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Database, Instant, instant
from app.domain import flows, login, new_password, sessions
from app.domain.flows import Flow
from app.domain.login import Browser, Checked, Entrance
from app.domain.new_password import Chosen, Pending, Practised
from app.domain.passwords import Hasher, Rule
from app.domain.sessions import Login
from app.keys import Keys
from app.models.credentials import Credential
from app.models.people import PasswordType, User
from app.world import Dice
from tests.cast import Member
from tests.conftest import SetClock

T = TypeVar("T")

STRANGER = Browser(None, "Firefox, Linux", "192.0.2.0/24")
AT_SCHOOL = replace(STRANGER, institution_network="7")


def device(token: str) -> Browser:
    """Return a browser that holds a device's token."""
    return replace(STRANGER, device_token=token)


class CountingHasher(Hasher):
    """Counts the hashes computed, by what asked for them."""

    hashed = 0
    verified = 0

    def hash(self, secret: str, user_id: int, password_type: PasswordType) -> str:
        self.hashed += 1
        return super().hash(secret, user_id, password_type)

    def verify(self, secret: str, user_id: int, password_type: PasswordType, hashed: str | None) -> bool:
        self.verified += 1
        return super().verify(secret, user_id, password_type, hashed)


@dataclass
class Acts:
    """What there is to do in a half-done login."""

    database: Database
    keys: Keys
    hasher: Hasher
    config: Config
    clock: SetClock
    dice: Dice
    # What the browser holds of a flow now, by its first token: a proof gives another one.
    held: dict[str, str] = field(default_factory=dict)

    def now(self) -> Instant:
        """Return the present by the test's clock."""
        return instant(self.clock)

    @contextmanager
    def writing(self) -> Iterator[tuple[Session, Instant]]:
        """Open a transaction that is committed at the end."""
        with self.database.writing() as db:
            db.connection()
            yield db, self.now()
            db.commit()

    def begin(self, typed: str, *, is_change: bool = False) -> str:
        """Type a username; returns the flow's token."""
        with self.writing() as (db, now):
            begun = flows.begin(db, self.keys, self.dice, self.config, now, typed, is_change=is_change)
        return begun.token

    def find(self, token: str, browser: Browser = STRANGER) -> Flow | None:
        """Return the flow of a token, or None."""
        held = self.held.get(token, token)
        with self.database.reading() as db:
            return flows.find(db, self.keys, self.config, held, self.now(), device_token=browser.device_token)

    def flow(self, token: str, browser: Browser = STRANGER) -> Flow:
        """Return the flow of a token, which is there."""
        found = self.find(token, browser)
        assert found is not None
        return found

    def check(self, token: str, secret: str, browser: Browser = STRANGER) -> Checked:
        """Try a secret."""
        held = self.held.get(token, token)
        with self.writing() as (db, now):
            flow = flows.find(db, self.keys, self.config, held, now, device_token=browser.device_token)
            assert flow is not None
            checked = login.check_password(
                db, self.keys, self.hasher, self.config, flow, secret, browser, self.now
            )
        if checked.outcome is login.Outcome.ACCEPTED:
            self.held[token] = checked.flow.token
        return checked

    def tries(self, username: str, secret: str, browser: Browser = STRANGER) -> Checked:
        """Type a username and try a secret."""
        return self.check(self.begin(username), secret, browser)

    def postpone(self, token: str) -> bool:
        """Answer the warning with «later»."""
        with self.writing() as (db, now):
            return login.postpone(db, self.flow(token), now)

    def assign(self, token: str) -> Pending:
        """Ask for a new password."""
        with self.writing() as (db, now):
            changing = flows.want_change(db, self.flow(token))
            pending = new_password.assign(db, self.keys, self.dice, self.config, changing, now)
        assert pending is not None
        return pending

    def choose(self, token: str, secret: str) -> list[Rule] | None:
        """Choose a new password; returns the rules it breaks, or None where the flow is gone by then."""
        chosen = self.chooses(token, secret)
        assert chosen.is_kept or chosen.broken or chosen.is_gone
        return None if chosen.is_gone else list(chosen.broken)

    def chooses(self, token: str, secret: str, browser: Browser = STRANGER) -> Chosen:
        """Choose a new password; returns all of the answer."""
        flow = self.flow(token, browser)
        with self.writing() as (db, _now):
            return new_password.choose(
                db, self.keys, self.hasher, self.config, flow, secret, browser, self.now
            )

    def pending(self, token: str) -> Pending | None:
        """Return the password that waits."""
        with self.database.reading() as db:
            return new_password.find_pending(db, self.keys, self.flow(token), self.now())

    def confirm(self, token: str, typed: str) -> Practised:
        """Type the new password once."""
        flow = self.flow(token)
        with self.writing() as (db, _now):
            outcome, _ = new_password.confirm(
                db, self.keys, self.hasher, self.config, flow, typed, STRANGER, self.now
            )
        return outcome

    def confirm_and_finish(self, token: str, typed: str) -> str | None:
        """Type the new password once and log in, in one request; returns the session's token."""
        flow = self.flow(token)
        with self.writing() as (db, _now):
            outcome, flow = new_password.confirm(
                db, self.keys, self.hasher, self.config, flow, typed, STRANGER, self.now
            )
            assert outcome is not Practised.DIFFERENT
            return login.finish(db, self.keys, self.config, flow, STRANGER, Entrance("d"), self.now())

    def finish(self, token: str, browser: Browser = STRANGER) -> str | None:
        """Log in; returns the session's token."""
        flow = self.flow(token)
        with self.writing() as (db, now):
            place = browser.device_token or self.dice.token()
            return login.finish(db, self.keys, self.config, flow, browser, Entrance(place), now)

    def log_in(self, username: str, secret: str, browser: Browser = STRANGER) -> str:
        """Log in from the username on; returns the session's token."""
        token = self.begin(username)
        checked = self.check(token, secret, browser)
        assert checked.outcome is login.Outcome.ACCEPTED
        session = self.finish(token, browser)
        assert session is not None
        return session

    def change(self, username: str, old: str, new: str) -> str:
        """Change a password from the username on; returns the session's token."""
        token = self.begin(username, is_change=True)
        assert self.check(token, old).outcome is login.Outcome.ACCEPTED
        assert self.choose(token, new) == []
        assert self.confirm(token, new) is Practised.CONFIRMED
        session = self.finish(token)
        assert session is not None
        return session

    def login_of(self, session: str) -> Login | None:
        """Return the living session of a token."""
        with self.database.reading() as db:
            return sessions.find(db, self.keys, self.config, session, self.now())

    def password(self, member: Member) -> Credential:
        """Return a member's password in force."""
        whose = select(User.id).where(User.username == member.username).scalar_subquery()
        in_force = Credential.user_id == whose, Credential.ended_at.is_(None)
        found = self.one(select(Credential).where(*in_force))
        assert isinstance(found, Credential)
        return found

    def all(self, query: Any) -> list[Any]:
        """Return what the store holds."""
        with self.database.reading() as db:
            return list(db.scalars(query))

    def one(self, query: Any) -> Any:
        """Return the one thing that the store holds."""
        (found,) = self.all(query)
        return found

    def count(self, table: type[Any], *conditions: Any) -> int:
        """Return how many rows there are."""
        return int(self.one(select(func.count()).select_from(table).where(*conditions)))


def at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """Do the same in many threads that start together; returns what came of each."""
    gate = threading.Barrier(count)

    def run(number: int) -> T:
        gate.wait(30)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
