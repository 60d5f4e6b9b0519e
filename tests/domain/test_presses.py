"""Two at once: presses of one button, a login beside a change or a block (S-02, S-04, S-19, S-26)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from app.domain import blocking, flows, login, new_password
from app.domain.flows import Flow, Step
from app.domain.login import Checked, Entrance, Outcome
from app.domain.new_password import Practised
from app.keys import Purpose
from app.models.audit import AuditEvent
from app.models.credentials import Credential, PendingPassword
from app.models.people import PasswordType, User
from app.models.sso import SsoSession
from tests.cast import BO, EXPIRING, STAGE, Member, user_of
from tests.domain.acts import STRANGER, Acts, CountingHasher, at_once, device

USERNAME, SECRET, NEW = BO.username or "", BO.secret or "", "RobinLampe47"


def events(acts: Acts, name: str, member: Member = BO) -> int:
    """Return how often something was done to Bo, or to another, in the last hour.

    The demo school has a history before that; and on some days somebody of it changed a password in the very
    hour of the load.
    """
    with acts.database.reading() as db:
        whose = user_of(db, member).id
    lately = AuditEvent.at > acts.now().at - timedelta(hours=1)
    return acts.count(AuditEvent, AuditEvent.event == name, AuditEvent.subject_id == whose, lately)


def current(acts: Acts) -> int:
    """Return how many current passwords Bo has."""
    with acts.database.reading() as db:
        whose = user_of(db, BO).id
    return acts.count(Credential, Credential.user_id == whose, Credential.ended_at.is_(None))


def whole(acts: Acts, flow: Flow, secret: str) -> Checked:
    """Try a secret and log in at once where nothing else is needed, as the wizard does."""
    with acts.writing() as (db, _now):
        return login.check_password(
            db, acts.keys, acts.hasher, acts.config, flow, secret, STRANGER, acts.now, Entrance("d")
        )


def press(acts: Acts, token: str, secret: str, *, is_whole: bool = True) -> tuple[Outcome, str | None]:
    """Try a secret and log in, in one or in the two steps that a request may take for it."""
    checked = whole(acts, acts.flow(token), secret) if is_whole else acts.check(token, secret)
    session = checked.session_token
    if checked.outcome is Outcome.ACCEPTED and session is None:
        with acts.writing() as (db, now):
            session = login.finish(db, acts.keys, acts.config, checked.flow, STRANGER, Entrance("d"), now)
    return checked.outcome, session


def wait_for(acts: Acts, thread: threading.Thread) -> None:
    """Wait until a thread has ended or waits for somebody's lock."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while thread.is_alive():
        if acts.database.engine.dialect.name == "postgresql":
            with acts.database.reading() as db:
                if db.scalar(waiting):
                    return
        thread.join(0.02)


@pytest.mark.parametrize("whole_ones", [(True, True), (True, False), (False, False)])
def test_s_19_two_presses_of_log_in_at_once_make_one_session_and_both_get_it(
    acts: Acts, whole_ones: tuple[bool, bool]
) -> None:
    """«S-19» The browser shows the answer to the second press, so that one must be in as well."""
    token = acts.begin(USERNAME)
    answers = at_once(2, lambda number: press(acts, token, SECRET, is_whole=whole_ones[number]))
    assert [outcome for outcome, _ in answers] == [Outcome.ACCEPTED] * 2
    assert len({session for _, session in answers}) == 1
    assert acts.count(SsoSession) == events(acts, "LOGGED_IN") == 1
    assert acts.login_of(answers[0][1] or "") is not None


def test_s_19_a_press_after_the_first_is_in_gets_the_same_session(acts: Acts) -> None:
    token = acts.begin(USERNAME)
    first, second = (press(acts, token, SECRET) for _ in range(2))
    assert first == second
    assert acts.count(SsoSession) == events(acts, "LOGGED_IN") == 1


def test_a_login_that_became_a_change_in_another_tab_is_not_ended_by_its_password(acts: Acts) -> None:
    token = acts.begin(USERNAME)
    flow = acts.flow(token)
    with acts.writing() as (db, _now):
        flows.want_change(db, flow)
    checked = whole(acts, flow, SECRET)
    assert checked.outcome is Outcome.ACCEPTED
    assert checked.session_token is None
    assert acts.flow(checked.flow.token).step(acts.now().at, timedelta(30)) is Step.NEW_PASSWORD
    assert acts.count(SsoSession) == 0


@pytest.mark.parametrize("member", [STAGE, EXPIRING])
def test_a_password_that_must_be_changed_soon_lets_nobody_in_unasked(acts: Acts, member: Member) -> None:
    flow = acts.flow(acts.begin(member.username or ""))
    checked = whole(acts, flow, member.secret or "")
    assert checked.outcome is Outcome.ACCEPTED
    assert checked.session_token is None
    assert acts.flow(checked.flow.token).step(acts.now().at, timedelta(30)) is Step.WARNING
    assert acts.count(SsoSession) == 0


def test_s_19_two_finish_at_once_and_both_get_the_one_session(acts: Acts) -> None:
    token = acts.begin(USERNAME)
    acts.check(token, SECRET)
    flow = acts.flow(token)

    def finish(_number: int) -> str | None:
        with acts.writing() as (db, now):
            return login.finish(db, acts.keys, acts.config, flow, STRANGER, Entrance("d"), now)

    tokens = at_once(8, finish)
    assert len(set(tokens)) == 1
    assert tokens[0] is not None
    assert acts.count(SsoSession) == events(acts, "LOGGED_IN") == 1


def test_s_19_a_second_press_long_after_gets_nothing(acts: Acts) -> None:
    token = acts.begin(USERNAME)
    acts.check(token, SECRET)
    flow = acts.flow(token)
    assert acts.finish(token)
    acts.clock.forward(seconds=flows.ECHO_SECONDS + 1)
    assert acts.find(token) is None
    with acts.writing() as (db, now):
        assert login.finish(db, acts.keys, acts.config, flow, STRANGER, Entrance("d"), now) is None


def test_s_02_two_confirm_the_same_pending_at_once_and_one_password_comes_of_it(acts: Acts) -> None:
    token = acts.begin(USERNAME, is_change=True)
    acts.check(token, SECRET)
    assert acts.choose(token, NEW) == []
    outcomes = Counter(at_once(4, lambda _: acts.confirm_and_finish(token, NEW)))
    assert len(outcomes) == 1, "every press gets the one session"
    assert None not in outcomes
    assert current(acts) == 1
    assert events(acts, "PASSWORD_CHANGED") == events(acts, "LOGGED_IN") == 1
    assert acts.count(PendingPassword) == 0
    assert acts.tries(USERNAME, NEW).outcome is Outcome.ACCEPTED


def test_s_04_two_flows_of_one_person_cannot_both_change_the_password(acts: Acts) -> None:
    tokens = [acts.begin(USERNAME, is_change=True) for _ in range(2)]
    for number, token in enumerate(tokens):
        acts.check(token, SECRET)
        assert acts.choose(token, f"RobinLampe{number}7") == []

    def confirm(number: int) -> Practised:
        flow = flows[number]
        with acts.writing() as (db, _now):
            return new_password.confirm(
                db, acts.keys, acts.hasher, acts.config, flow, f"RobinLampe{number}7", STRANGER, acts.now
            )[0]

    flows = [acts.flow(token) for token in tokens]
    assert Counter(at_once(2, confirm)) == {Practised.CONFIRMED: 1, Practised.GONE: 1}
    assert current(acts) == 1
    assert events(acts, "PASSWORD_CHANGED") == 1


class Interrupted(CountingHasher):
    """Lets something else happen after a secret was found right and before anything is made of that."""

    between: Callable[[], None] | None = None

    def verify(self, secret: str, user_id: int, password_type: PasswordType, hashed: str | None) -> bool:
        is_right = super().verify(secret, user_id, password_type, hashed)
        between, self.between = self.between, None
        if between is not None:
            assert is_right
            between()
        return is_right


def test_s_26_a_password_that_is_changed_while_its_hash_is_computed_logs_nobody_in(acts: Acts) -> None:
    """«S-26» «S-04» On either database: no transaction is open then."""
    changing = acts.begin(USERNAME, is_change=True)
    acts.check(changing, SECRET)
    assert acts.choose(changing, NEW) == []
    late = acts.begin(USERNAME)
    hasher = acts.hasher = Interrupted(acts.keys, slots=8, wait_seconds=30)
    changed: list[Practised] = []
    hasher.between = lambda: changed.append(acts.confirm(changing, NEW))
    assert press(acts, late, SECRET) == (Outcome.GONE, None)
    assert changed == [Practised.CONFIRMED]
    assert acts.count(SsoSession) == 0
    assert acts.tries(USERNAME, SECRET).outcome is Outcome.WRONG


@pytest.mark.postgres_only
def test_s_26_a_login_by_the_old_password_beside_its_change_leaves_no_session(acts: Acts) -> None:
    """«S-26» «S-04» Whoever logs in while the change is being stored is out when it is.

    On SQLite nobody writes beside another.
    """
    changing = acts.begin(USERNAME, is_change=True)
    acts.check(changing, SECRET)
    assert acts.choose(changing, NEW) == []
    flow = acts.flow(changing)
    late = threading.Thread(target=lambda: press(acts, acts.begin(USERNAME), SECRET))
    with acts.writing() as (db, _now):
        outcome, _ = new_password.confirm(
            db, acts.keys, acts.hasher, acts.config, flow, NEW, STRANGER, acts.now
        )
        assert outcome is Practised.CONFIRMED
        late.start()
        wait_for(acts, late)
        assert late.is_alive(), "it waits for the change"
    late.join(30)
    assert not late.is_alive()
    assert acts.count(SsoSession, SsoSession.ended_at.is_(None)) == 0


def test_s_18_a_login_beside_a_block_leaves_no_session_for_after_the_block(acts: Acts) -> None:
    """«S-18» «S-04» Blocked ends at once, also what was begun in the same moment."""
    token = acts.begin(USERNAME)
    acts.check(token, SECRET)
    flow = acts.flow(token)

    def block() -> None:
        with acts.writing() as (db, now):
            assert blocking.block(db, flow.user_id or 0, now)

    blocking_thread = threading.Thread(target=block)
    with acts.writing() as (db, now):
        session = login.finish(db, acts.keys, acts.config, flow, STRANGER, Entrance("d"), now)
        if acts.database.engine.dialect.name == "postgresql":
            blocking_thread.start()
            wait_for(acts, blocking_thread)
    if not blocking_thread.ident:
        blocking_thread.start()
    blocking_thread.join(30)
    assert acts.login_of(session or "") is None
    with acts.writing() as (db, now):
        assert blocking.unblock(db, flow.user_id or 0, now)
    assert acts.login_of(session or "") is None
    assert acts.count(SsoSession, SsoSession.ended_at.is_(None)) == 0


def test_s_18_a_block_between_a_change_and_its_login_waits_and_then_ends_both(acts: Acts) -> None:
    """«S-18» «S-04» In one order of locks, or the two would wait for each other and the block could lose."""
    token = acts.begin(USERNAME, is_change=True)
    acts.check(token, SECRET)
    assert acts.choose(token, NEW) == []
    flow = acts.flow(token)
    done: list[bool] = []

    def block() -> None:
        with acts.writing() as (db, now):
            done.append(blocking.block(db, flow.user_id or 0, now))

    blocking_thread = threading.Thread(target=block)
    with acts.writing() as (db, now):
        outcome, changed = new_password.confirm(
            db, acts.keys, acts.hasher, acts.config, flow, NEW, STRANGER, acts.now
        )
        assert outcome is Practised.CONFIRMED
        if acts.database.engine.dialect.name == "postgresql":
            blocking_thread.start()
            wait_for(acts, blocking_thread)
        assert login.finish(db, acts.keys, acts.config, changed, STRANGER, Entrance("d"), now)
    if not blocking_thread.ident:
        blocking_thread.start()
    blocking_thread.join(30)
    assert done == [True]
    assert acts.count(SsoSession, SsoSession.ended_at.is_(None)) == 0


def test_s_18_a_login_begun_beside_a_block_leaves_no_session_either(acts: Acts) -> None:
    with acts.database.reading() as db:
        whose = user_of(db, BO).id
    late = threading.Thread(target=lambda: press(acts, acts.begin(USERNAME), SECRET))
    is_postgres = acts.database.engine.dialect.name == "postgresql"
    with acts.writing() as (db, now):
        assert blocking.block(db, whose, now)
        if is_postgres:
            late.start()
            wait_for(acts, late)
    if is_postgres:
        late.join(30)
    with acts.writing() as (db, now):
        assert blocking.unblock(db, whose, now)
    assert acts.count(SsoSession, SsoSession.ended_at.is_(None)) == 0


def test_s_19_logins_of_one_person_at_once_on_many_devices_all_get_in(acts: Acts) -> None:
    """«S-19» Also where the stored hash is renewed by each of them: nobody waits in a circle."""
    acts.keys = acts.keys.with_new(Purpose.PASSWORD_STORE)
    acts.hasher = type(acts.hasher)(acts.keys, slots=8, wait_seconds=30)
    tokens = [acts.begin(USERNAME) for _ in range(5)]
    answers = at_once(5, lambda number: press(acts, tokens[number], SECRET))
    assert [outcome for outcome, _ in answers] == [Outcome.ACCEPTED] * 5
    with acts.database.reading() as db:
        assert db.scalar(select(func.count(SsoSession.id)).where(SsoSession.ended_at.is_(None))) == 5
    assert acts.log_in(USERNAME, SECRET, device("later"))


def test_s_19_two_presses_of_later_at_once_are_one_postponement(acts: Acts) -> None:
    token = acts.begin(STAGE.username or "")
    acts.check(token, STAGE.secret or "")
    flow = acts.flow(token)

    def postpone(_number: int) -> bool:
        with acts.writing() as (db, now):
            return login.postpone(db, flow, now)

    assert at_once(4, postpone) == [True] * 4
    assert events(acts, "PASSWORD_CHANGE_POSTPONED", STAGE) == 1


@pytest.mark.parametrize("template", ["postgresql"], indirect=True)
def test_a_login_holds_the_user_before_the_password_as_a_block_does(quick: Acts) -> None:
    """S-04: in another order the two could wait for each other."""
    flow = quick.flow(quick.begin(BO.username or ""))
    waiting = (
        select(func.count()).where(text("wait_event_type = 'Lock'")).select_from(text("pg_stat_activity"))
    )

    def hold() -> bool:
        with quick.writing() as (db, _now):
            return login.holds_standing(db, flow)

    with ThreadPoolExecutor(1) as pool:
        with quick.writing() as (db, _now):
            db.execute(select(User.id).where(User.id == flow.user_id).with_for_update())
            held = pool.submit(hold)
            while quick.one(waiting) == 0:
                assert not held.done()
            free = select(Credential.id).where(Credential.id == flow.credential_id)
            assert db.scalar(free.with_for_update(skip_locked=True)) == flow.credential_id
        assert held.result(30)
