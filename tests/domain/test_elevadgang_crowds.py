"""Two and fifty at once in Elevadgang: one order or the other, never a mixture (S-02, S-04, S-42)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from app.domain import audit, blocking, new_password
from app.domain.elevadgang import windows
from app.domain.elevadgang.presses import Press
from app.domain.new_password import Practised
from app.models.credentials import Credential, PendingPassword
from app.models.elevadgang import PasswordWindow, WindowState
from app.models.sso import LoginFlow, SsoSession
from tests.cast import ANNA, CARLA, EVA, IDA, PROTECTED, Member
from tests.domain.acts import STRANGER, at_once
from tests.domain.helping import Helping, PupilBrowser
from tests.hashing import QuickHasher

NAME = ANNA.username or ""


def beside(*acts: Callable[[], Any]) -> list[Any]:
    """Do different things that start together; returns what came of each."""
    return at_once(len(acts), lambda number: acts[number]())


def whole(helping: Helping, member: Member) -> None:
    """Assert that credential, windows, what waits, sessions and audit agree (S-02)."""
    whose = helping.id_of(member)
    mine = helping.acts.all(select(Credential).where(Credential.user_id == whose))
    live = (WindowState.OPEN, WindowState.PENDING)
    changed = len(helping.events("PASSWORD_CHANGED"))
    done = [window for window in helping.windows(member) if window.state is WindowState.DONE]
    assert len(done) == changed == len(helping.events("LOGGED_IN"))
    assert sum(credential.ended_at is None for credential in mine) == 1
    assert len([window for window in helping.windows(member) if window.state in live]) <= 1
    for window in done:
        assert window.credential_id in {credential.id for credential in mine}
    cancelled = [window for window in helping.windows(member) if window.state is WindowState.CANCELLED]
    assert len(cancelled) == len(helping.events("WINDOW_CANCELLED"))
    of_live = select(PasswordWindow.id).where(PasswordWindow.state == WindowState.PENDING)
    waiting = select(PendingPassword.flow_id).join(LoginFlow).where(LoginFlow.user_id == whose)
    assert helping.acts.all(waiting.where(LoginFlow.password_window_id.not_in(of_live))) == []
    with helping.reading() as db:
        assert audit.verify(db).faults == []


def test_s_42_of_fifty_claims_at_once_one_wins_and_it_can_come_again(helping: Helping) -> None:
    helping.press(helping.area(CARLA, "2.B"), ANNA)
    browsers = [PupilBrowser(f"number {number}") for number in range(50)]
    won = at_once(50, lambda number: helping.ask(browsers[number], NAME))
    assert Counter(won) == {True: 1, False: 49}
    assert len(helping.events("WINDOW_CLAIMED")) == 1
    winner = browsers[won.index(True)]
    for _ in range(2):
        assert helping.ask(winner, NAME)
    assert not helping.ask(browsers[won.index(False)], NAME)
    assert len(helping.events("WINDOW_CLAIMED")) == 1
    assert helping.confirm(winner, helping.dealt(winner))[0] is Practised.CONFIRMED
    whole(helping, ANNA)


def test_s_19_every_press_of_one_browser_at_once_gets_into_the_window(helping: Helping) -> None:
    """The browser shows the answer to its last press, whichever that is."""
    helping.press(helping.area(CARLA, "2.B"), ANNA)
    presses = [PupilBrowser("the same") for _ in range(6)]
    assert at_once(6, lambda number: helping.ask(presses[number], NAME)) == [True] * 6
    standing = [press for press in presses if helping.flow(press) is not None]
    assert len(standing) == 1, "of them one goes on"
    assert len(helping.events("WINDOW_CLAIMED")) == 1
    assert helping.confirm(standing[0], helping.dealt(standing[0]))[0] is Practised.CONFIRMED
    whole(helping, ANNA)


def test_two_teachers_press_for_the_same_pupils_at_once_and_one_window_each_stands(helping: Helping) -> None:
    areas = [helping.area(CARLA, "2.B"), helping.area(EVA, None)] * 3
    members = (ANNA, PROTECTED)

    def press(number: int) -> Press:
        ticked = members if number % 2 else members[::-1]
        return helping.press(areas[number], *ticked).outcome

    assert at_once(6, press) == [Press.OPENED] * 6
    for member in members:
        states = Counter(window.state for window in helping.windows(member))
        assert states[WindowState.OPEN] == 1
        assert sum(states.values()) == 6
    assert len(helping.events("WINDOW_CANCELLED")) == 10


def claimed(helping: Helping) -> tuple[Callable[[], Any], PupilBrowser]:
    """Press and claim for Anna; returns what confirms."""
    helping.press(helping.area(CARLA, "2.B"), ANNA)
    anna = PupilBrowser("anna")
    assert helping.ask(anna, NAME)
    secret, first = helping.dealt(anna), replace(anna)
    return lambda: helping.confirm(first, secret)[0], anna


def block(helping: Helping, member: Member) -> Callable[[], bool]:
    number = helping.id_of(member)

    def act() -> bool:
        with helping.acts.writing() as (db, now):
            return blocking.block(db, number, now)

    return act


@pytest.mark.parametrize("round_number", range(3))
def test_a_press_beside_a_confirmation_is_before_or_after_it(helping: Helping, round_number: int) -> None:
    confirm, _ = claimed(helping)
    carla = helping.area(CARLA, "2.B")
    confirmed, pressed = beside(confirm, lambda: helping.press(carla, ANNA))
    assert pressed.outcome is Press.OPENED
    first, second = helping.windows(ANNA)
    assert second.state is WindowState.OPEN
    is_done = confirmed is Practised.CONFIRMED
    assert first.state is (WindowState.DONE if is_done else WindowState.CANCELLED)
    whole(helping, ANNA)


@pytest.mark.parametrize("round_number", range(3))
def test_a_cancellation_beside_a_confirmation_is_before_or_after_it(
    helping: Helping, round_number: int
) -> None:
    confirm, _ = claimed(helping)
    carla, window = helping.area(CARLA, "2.B"), helping.window(ANNA)
    confirmed, cancelled = beside(confirm, lambda: helping.cancel(carla, window.id))
    assert cancelled is (confirmed is not Practised.CONFIRMED)
    state = WindowState.CANCELLED if cancelled else WindowState.DONE
    assert helping.window(ANNA).state is state
    whole(helping, ANNA)


@pytest.mark.parametrize("member", [ANNA, CARLA], ids=["the pupil", "the teacher"])
def test_a_block_beside_a_confirmation_leaves_nobody_logged_in_whom_it_should_not(
    helping: Helping, member: Member
) -> None:
    confirm, _ = claimed(helping)
    confirmed, blocked = beside(confirm, block(helping, member))
    assert blocked
    is_done = confirmed is Practised.CONFIRMED
    assert helping.window(ANNA).state is (WindowState.DONE if is_done else WindowState.CANCELLED)
    living = helping.acts.count(SsoSession, SsoSession.ended_at.is_(None))
    assert living == int(is_done and member is CARLA)
    whole(helping, ANNA)


@pytest.mark.parametrize("member", [ANNA, CARLA], ids=["the pupil", "the teacher"])
def test_a_block_beside_a_claim_leaves_no_window_and_no_claim(helping: Helping, member: Member) -> None:
    helping.press(helping.area(CARLA, "2.B"), ANNA)
    anna = PupilBrowser("anna")
    beside(lambda: helping.ask(anna, NAME), block(helping, member))
    assert helping.window(ANNA).state is WindowState.CANCELLED
    flow = helping.flow(anna)
    assert flow is None or not flow.is_proved
    whole(helping, ANNA)


def test_a_cancellation_beside_a_claim_leaves_no_way_in(helping: Helping) -> None:
    helping.press(helping.area(CARLA, "2.B"), ANNA)
    carla, window, anna = helping.area(CARLA, "2.B"), helping.window(ANNA), PupilBrowser("anna")
    _, cancelled = beside(lambda: helping.ask(anna, NAME), lambda: helping.cancel(carla, window.id))
    assert cancelled
    flow = helping.flow(anna)
    assert flow is None or not flow.is_proved
    whole(helping, ANNA)


def test_s_02_the_name_sent_again_while_the_password_is_hashed_uses_up_no_window(helping: Helping) -> None:
    """Back and «Næste» in the same browser: the first page is gone, and the window goes on in the second."""
    confirm, anna = claimed(helping)
    again = replace(anna)
    hasher = helping.acts.hasher

    class Slow(QuickHasher):
        def hash(self, *values: Any) -> str:
            assert helping.ask(again, NAME)
            return hasher.hash(*values)

    helping.acts.hasher = Slow(helping.acts.keys, slots=8, wait_seconds=30)
    assert confirm() is Practised.GONE
    helping.acts.hasher = hasher
    assert helping.window(ANNA).state is WindowState.PENDING
    assert helping.events("PASSWORD_CHANGED") == []
    assert helping.confirm(again, helping.dealt(again))[0] is Practised.CONFIRMED
    whole(helping, ANNA)


@pytest.mark.parametrize("round_number", range(3))
def test_the_name_sent_again_beside_the_confirmation_breaks_nothing(
    helping: Helping, round_number: int
) -> None:
    confirm, anna = claimed(helping)
    again = replace(anna)
    confirmed, _ = beside(confirm, lambda: helping.ask(again, NAME))
    done = helping.window(ANNA).state is WindowState.DONE
    assert len(helping.events("PASSWORD_CHANGED")) == int(done)
    assert confirmed in (Practised.CONFIRMED, Practised.GONE)
    assert len(helping.acts.all(current_of(helping.id_of(ANNA)))) == 1


def current_of(user_id: int) -> Any:
    return select(Credential).where(Credential.user_id == user_id, Credential.ended_at.is_(None))


@pytest.mark.parametrize("round_number", range(4))
def test_s_45_not_my_pupil_beside_the_thiefs_change_of_the_password_ends_it(
    helping: Helping, round_number: int
) -> None:
    acts, carla = helping.acts, helping.area(CARLA, "5.A")
    helping.press(carla, IDA)
    window = helping.window(IDA)
    secret = helping.go_through(PupilBrowser("thief"), IDA)
    changing = acts.begin(IDA.username or "", is_change=True)
    acts.check(changing, secret)
    assert acts.choose(changing, "lampehjul77") == []
    flow = acts.flow(changing)  # found before: the disowning may be done before the other has begun

    def change() -> Practised:
        with acts.writing() as (db, _now):
            return new_password.confirm(
                db, acts.keys, acts.hasher, acts.config, flow, "lampehjul77", STRANGER, acts.now
            )[0]

    _, disowned = beside(change, lambda: helping.disown(carla, window.id))
    assert disowned
    assert acts.all(current_of(helping.id_of(IDA))) == []
    assert acts.count(SsoSession, SsoSession.ended_at.is_(None)) == 0


def test_what_runs_out_is_swept_beside_presses_without_waiting_for_ever(helping: Helping) -> None:
    members = (ANNA, PROTECTED)
    carla, eva = helping.area(CARLA, "2.B"), helping.area(EVA, None)
    helping.press(carla, *members)
    helping.acts.clock.forward(seconds=301)

    def sweep() -> int:
        with helping.acts.writing() as (db, now):
            return windows.expire(db, now)

    acts: list[Callable[[], Any]] = [sweep, lambda: helping.press(eva, *members), sweep]
    _, pressed, _ = beside(*acts)
    assert pressed.outcome is Press.OPENED
    for member in members:
        first, second = helping.windows(member)
        assert first.state in (WindowState.EXPIRED, WindowState.CANCELLED)
        assert second.state is WindowState.OPEN
    ended = len(helping.events("WINDOW_EXPIRED")) + len(helping.events("WINDOW_CANCELLED"))
    assert ended == 2
    assert sweep() == 0


def test_a_sweep_waits_for_no_press_and_leaves_what_another_holds(helping: Helping) -> None:
    """Two who each hold some of the windows would wait for each other until one of them is cut off."""
    helping.press(helping.area(CARLA, "2.B"), ANNA, PROTECTED)
    helping.acts.clock.forward(seconds=301)
    held = select(PasswordWindow.id).where(PasswordWindow.id == helping.window(ANNA).id)
    is_postgres = helping.acts.database.engine.dialect.name == "postgresql"
    with helping.acts.database.reading() if not is_postgres else helping.acts.database.writing() as db:
        db.execute(held.with_for_update())
        with helping.acts.writing() as (other, now):
            assert windows.expire(other, now) == (1 if is_postgres else 2)
