"""What another request does meanwhile: what is gone stays gone, nobody waits for ever (S-04, S-06)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from app.db import Instant
from app.domain import blocking, flows, recovery, sessions
from app.domain.login import Outcome
from app.domain.new_password import Practised
from app.domain.passwords import Hasher
from app.models.credentials import PendingPassword
from app.models.people import PasswordType
from app.models.sso import EndReason, LoginFlow, SsoSession
from tests.cast import ANNA, BO, CARLA
from tests.domain.acts import Acts
from tests.domain.helping import Helping, PupilBrowser

CHOICE = "RobinLampe47"
ON_POSTGRES = pytest.mark.parametrize("template", ["postgresql"], indirect=True)


class Meanwhile(Hasher):
    """Lets another request do something while a secret is hashed."""

    act: Callable[[], None]

    def verify(self, secret: str, user_id: int, password_type: PasswordType, hashed: str | None) -> bool:
        is_right = super().verify(secret, user_id, password_type, hashed)
        self.act()
        return is_right


def while_hashing(acts: Acts, act: Callable[[], None]) -> None:
    """Let `act` happen while the next secrets are hashed."""
    hasher = Meanwhile(acts.keys, slots=8, wait_seconds=30)
    hasher.act = act
    acts.hasher = hasher


@pytest.mark.parametrize("secret", [BO.secret, "HelterForkert12"])
def test_s_04_a_login_in_flight_touches_no_flow_that_came_after_its_own(acts: Acts, secret: str) -> None:
    """«S-06» Both databases have to leave the number of a row that is gone alone."""
    annas: list[str] = []

    def forget_and_begin() -> None:
        with acts.writing() as (db, _now):
            db.execute(delete(LoginFlow))
        annas.append(acts.begin(ANNA.username or ""))

    token = acts.begin(BO.username or "")
    while_hashing(acts, forget_and_begin)
    outcome = acts.check(token, secret).outcome
    assert outcome is (Outcome.GONE if secret == BO.secret else Outcome.WRONG)
    flow = acts.flow(annas[0])
    assert (flow.username, flow.proof, flow.is_finished, flow.wrong_tries) == (ANNA.username, None, False, 0)
    assert acts.count(SsoSession) == 0


def test_s_06_a_flow_that_is_logged_out_of_meanwhile_hands_its_number_to_no_other(acts: Acts) -> None:
    gone = acts.begin(BO.username or "")
    number = acts.flow(gone).id
    with acts.writing() as (db, _now):
        flows.forget(db, acts.keys, gone)
    assert acts.flow(acts.begin(ANNA.username or "")).id > number
    assert number not in acts.all(select(LoginFlow.id)), "what is kept of the name has a number of its own"


def beside(
    acts: Acts, held: int | str, then: Callable[[Session, Instant], None], act: Callable[[], object]
) -> object:
    """Hold a flow as a step of it does, let `act` begin beside it, `then` take what the step takes next.

    Returns what came of `act`. If it has taken that already, the two wait for each other, and PostgreSQL cuts
    one of them off.
    """
    number = held if isinstance(held, int) else acts.flow(held).id
    waiting = (
        select(func.count())
        .where(text("wait_event_type = 'Lock' AND datname = current_database()"))
        .select_from(text("pg_stat_activity"))
    )
    with ThreadPoolExecutor(1) as pool:
        with acts.writing() as (db, now):
            db.execute(update(LoginFlow).where(LoginFlow.id == number).values(wrong_tries=1))
            begun = pool.submit(act)
            while acts.one(waiting) == 0:
                assert not begun.done(), "it took no lock on the flow"
            then(db, now)
        return begun.result(30)


@ON_POSTGRES
@pytest.mark.parametrize("which", ["one", "others"])
def test_s_18_ending_logins_takes_flows_before_sessions_as_a_login_does(acts: Acts, which: str) -> None:
    bo, secret = BO.username or "", BO.secret or ""
    before, mine = (acts.login_of(acts.log_in(bo, secret)) for _ in range(2))
    assert before is not None
    assert mine is not None
    token = acts.begin(bo)
    acts.check(token, secret)

    def end() -> int:
        with acts.writing() as (db, now):
            if which == "one":
                return sessions.end_one(db, mine, before.id, now)
            return sessions.end_others(db, mine, now)

    assert beside(acts, token, lambda db, now: sessions.replace(db, before.id, now), end) == 0
    assert acts.find(token) is None
    assert acts.one(select(SsoSession.end_reason).where(SsoSession.id == before.id)) is EndReason.REPLACED


def give_more_time(db: Session, _now: Instant) -> None:
    """Take what `flows.extend` takes after the flow."""
    db.execute(update(PendingPassword).values(is_own_choice=True))


@ON_POSTGRES
def test_s_25_a_confirmation_takes_the_flow_before_what_waits_in_it(acts: Acts) -> None:
    token = acts.begin(BO.username or "", is_change=True)
    acts.check(token, BO.secret or "")
    assert acts.choose(token, CHOICE) == []
    practised = beside(acts, token, give_more_time, lambda: acts.confirm(token, CHOICE))
    assert practised is Practised.CONFIRMED
    assert acts.count(PendingPassword) == 0


@ON_POSTGRES
def test_s_25_a_proof_that_is_taken_back_takes_the_flow_before_what_waits_in_it(acts: Acts) -> None:
    token = acts.begin(BO.username or "", is_change=True)
    acts.check(token, BO.secret or "")
    acts.assign(token)
    flow = acts.flow(token)

    def withdraw() -> None:
        with acts.writing() as (db, _now):
            recovery.withdraw(db, flow)

    beside(acts, token, give_more_time, withdraw)
    assert not acts.flow(token).is_proved
    assert acts.count(PendingPassword) == 0


@ON_POSTGRES
def test_s_25_a_sweep_takes_the_flow_before_what_waits_in_it(acts: Acts) -> None:
    token = acts.begin(BO.username or "", is_change=True)
    acts.check(token, BO.secret or "")
    acts.assign(token)
    number = acts.flow(token).id
    acts.clock.forward(minutes=31)

    def sweep() -> int:
        with acts.writing() as (db, now):
            return flows.sweep(db, now)

    beside(acts, number, give_more_time, sweep)
    assert acts.count(LoginFlow) == acts.count(PendingPassword) == 0


@ON_POSTGRES
def test_s_46_a_window_that_is_closed_takes_the_flow_before_what_waits_in_it(helping: Helping) -> None:
    helping.press(helping.area(CARLA, "2.B"), ANNA)
    annas = PupilBrowser("annas")
    assert helping.ask(annas, ANNA.username or "")
    flow = helping.flow(annas)
    assert flow is not None
    anna = helping.id_of(ANNA)

    def block() -> bool:
        with helping.acts.writing() as (db, now):
            return blocking.block(db, anna, now)

    assert beside(helping.acts, flow.id, give_more_time, block)
    assert helping.acts.count(PendingPassword) == 0
    assert helping.flow(annas) is None
