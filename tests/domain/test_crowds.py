"""A network from which many accounts fail is slowed (S-14)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Instant, instant
from app.demo.cast import BO
from app.direct import direct
from app.domain import flows, login, sessions
from app.domain.login import Browser, Checked, Entrance, Outcome
from app.domain.passwords import Hasher
from app.domain.throttling import CROWD, CROWD_SECONDS, GAP_SECONDS
from app.keys import Keys
from app.models.people import User
from app.world import World
from tests.conftest import SetClock

GUESSING = "198.51.100.0/24"
ELSEWHERE = "203.0.113.0/24"


class Guesser:
    """Somebody who tries one password at many names."""

    def __init__(self, db: Session, keys: Keys, hasher: Hasher, config: Config, world: World) -> None:
        self.db, self.keys, self.hasher, self.config, self.world = db, keys, hasher, config, world

    def attempt(
        self,
        username: str,
        secret: str,
        network: str,
        *,
        device: str | None = None,
        school: str | None = None,
    ) -> Checked:
        def now() -> Instant:
            return instant(self.world.clock)

        token = flows.begin(self.db, self.keys, self.world.dice, self.config, now(), username).token
        flow = flows.find(self.db, self.keys, self.config, token, now(), device_token=device, network=network)
        assert flow is not None
        browser = Browser(device, "", network, school)
        return login.check_password(self.db, self.keys, self.hasher, self.config, flow, secret, browser, now)

    def fail_at_many(self, count: int, *, school: str | None = None) -> None:
        for number in range(count):
            checked = self.attempt(f"abcd{number:04}", "wrong", GUESSING, school=school)
            assert checked.outcome is Outcome.WRONG


def _guesser(db: Session, keys: Keys, hasher: Hasher, config: Config, world: World) -> Guesser:
    return Guesser(db, keys, hasher, config, world)


def test_the_25th_account_that_fails_slows_its_network_and_no_other(
    db: Session, keys: Keys, hasher: Hasher, config: Config, world: World, clock: SetClock
) -> None:
    guesser = _guesser(db, keys, hasher, config, world)
    guesser.fail_at_many(CROWD)
    assert guesser.attempt("efgh0001", "wrong", GUESSING).outcome is Outcome.WRONG
    slowed = guesser.attempt("efgh0002", "wrong", GUESSING)
    assert (slowed.outcome, slowed.wait_seconds) == (Outcome.WAIT, GAP_SECONDS)
    assert guesser.attempt("efgh0003", "wrong", ELSEWHERE).outcome is Outcome.WRONG
    clock.forward(seconds=GAP_SECONDS)
    assert guesser.attempt("efgh0002", "wrong", GUESSING).outcome is Outcome.WRONG
    clock.forward(seconds=CROWD_SECONDS + 1)
    for name in ("efgh0004", "efgh0005"):
        assert guesser.attempt(name, "wrong", GUESSING).outcome is Outcome.WRONG


def test_a_network_where_most_succeed_is_not_slowed(
    db: Session, keys: Keys, hasher: Hasher, config: Config, world: World
) -> None:
    guesser = _guesser(db, keys, hasher, config, world)
    for user_id in db.scalars(select(User.id).limit(15)).all():
        begun = sessions.beginning(
            keys,
            config,
            instant(world.clock),
            user_id=user_id,
            token=world.dice.token(),
            device="",
            network=GUESSING,
        )
        direct(db, *begun)
    guesser.fail_at_many(CROWD + 5)


def test_one_account_that_succeeds_again_and_again_hides_no_guessing(
    db: Session, keys: Keys, hasher: Hasher, config: Config, world: World
) -> None:
    guesser = _guesser(db, keys, hasher, config, world)
    for _ in range(15):
        checked = guesser.attempt(BO.username or "", BO.secret or "", GUESSING)
        browser = Browser(None, "", GUESSING)
        entrance = Entrance(world.dice.token())
        assert login.finish(db, keys, config, checked.flow, browser, entrance, instant(world.clock))
    guesser.fail_at_many(CROWD)
    guesser.attempt("efgh0001", "wrong", GUESSING)
    assert guesser.attempt("efgh0002", "wrong", GUESSING).outcome is Outcome.WAIT


def test_a_schools_own_network_waits_a_second_at_most_and_a_known_device_not_at_all(
    db: Session, keys: Keys, hasher: Hasher, config: Config, world: World
) -> None:
    guesser = _guesser(db, keys, hasher, config, world)
    device = world.dice.token()
    checked = guesser.attempt(BO.username or "", BO.secret or "", GUESSING)
    login.finish(
        db, keys, config, checked.flow, Browser(None, "", GUESSING), Entrance(device), instant(world.clock)
    )
    guesser.fail_at_many(CROWD, school="1")
    guesser.attempt("efgh0001", "wrong", GUESSING, school="1")
    assert guesser.attempt("efgh0002", "wrong", GUESSING, school="1").wait_seconds == 1
    known = guesser.attempt(BO.username or "", BO.secret or "", GUESSING, device=device)
    assert known.outcome is Outcome.ACCEPTED
