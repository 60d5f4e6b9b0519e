"""Any steps in any order: what must hold of a login whatever people do (S-01, S-02, S-04, S-25, S-26)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from app.domain import blocking, flows, new_password, sessions
from app.domain.login import Outcome
from app.domain.new_password import Practised
from app.models.audit import AuditEvent
from app.models.credentials import Authorisation, Credential, PendingPassword
from app.models.people import Affiliation, Category, CprStatus, Institution, PasswordType, User
from app.models.sso import LoginFlow, SsoSession
from tests.domain.acts import Acts

FIRST = "KanelTrappe58"
CHOICES = ("RobinLampe47", "KastanjeBold52", "ViolinKasse64")
ANY = st.integers(0, 2)


@dataclass
class Half:
    """A half-done login as the machine expects it to stand."""

    token: str
    begun_at: int
    proved_by: str | None = None
    has_postponed: bool = False
    waiting: str | None = None
    finished_at: int | None = None
    session: str | None = None


@dataclass
class Living:
    """A session as the machine expects it to stand."""

    token: str
    begun_at: int
    is_ended: bool = False


@dataclass
class Expected:
    """The whole of it."""

    secret: str = FIRST
    is_blocked: bool = False
    minutes: int = 0
    tries: int = 0
    events: list[str] = field(default_factory=list)
    halves: list[Half] = field(default_factory=list)
    sessions: list[Living] = field(default_factory=list)


def add_teacher(acts: Acts, number: int) -> tuple[int, str]:
    """Add a person of their own for one run; returns number and username."""
    username = f"quil{number:04}"
    with acts.writing() as (db, now):
        user = User(
            uni_id=f"q{number:09}",
            username=username,
            given_name="Ove",
            family_name="Quist",
            cpr_status=CprStatus.UNKNOWN,
            created_at=now.at,
        )
        db.add(user)
        db.flush()
        place = db.scalars(select(Institution.id).limit(1)).one()
        db.add(
            Affiliation(
                user_id=user.id,
                institution_id=place,
                category=Category.EMPLOYEE,
                from_on=now.today - timedelta(days=99),
            )
        )
        kind = PasswordType.WORDS_DIGITS
        hashed = acts.hasher.hash(FIRST, user.id, kind)
        new_password.store(
            db, acts.hasher, acts.config, user.id, hashed, kind, Authorisation.OWNER, user.id, now
        )
        return user.id, username


class LoginMachine(RuleBasedStateMachine):
    """One person and up to three half-done logins at a time."""

    acts: Acts
    runs = 0

    def __init__(self) -> None:
        super().__init__()
        LoginMachine.runs += 1
        self.user_id, self.username = add_teacher(self.acts, LoginMachine.runs)
        self.expected = Expected()

    # What is expected to be there.

    def is_there(self, half: Half) -> bool:
        if half.finished_at is not None:
            echoes = self.expected.minutes == half.finished_at
            return echoes and half.proved_by == self.expected.secret
        return self.expected.minutes - half.begun_at < 30

    def half(self, which: int) -> Half | None:
        there = [half for half in self.expected.halves if self.is_there(half)]
        return there[which % len(there)] if there else None

    def is_living(self, session: Living) -> bool:
        return not session.is_ended and self.expected.minutes - session.begun_at < 60

    # What people do.

    @precondition(lambda self: len(self.expected.halves) < 12)
    @rule()
    def begin(self) -> None:
        self.expected.halves.append(Half(self.acts.begin(self.username), self.expected.minutes))

    @rule(which=ANY)
    def check_right(self, which: int) -> None:
        self._check(which, self.expected.secret)

    @rule(which=ANY, wrong=st.sampled_from(["", "HelterForkert12", "the waiting one", "an old one"]))
    def check_wrong(self, which: int, wrong: str) -> None:
        half = self.half(which)
        if wrong == "the waiting one":
            wrong = (half.waiting if half else None) or ""
        if wrong == "an old one":
            wrong = next(secret for secret in (FIRST, *CHOICES) if secret != self.expected.secret)
        if wrong != self.expected.secret:
            self._check(which, wrong)

    def _check(self, which: int, secret: str) -> None:
        half = self.half(which)
        if half is None:
            return
        outcome = self.acts.check(half.token, secret).outcome
        if self.expected.tries < 5:
            assert outcome is not Outcome.WAIT
        if outcome is Outcome.WAIT:
            return
        if not secret:
            assert outcome is Outcome.EMPTY  # and nothing has happened
            return
        self.expected.tries += 1
        if secret != self.expected.secret:
            assert outcome is Outcome.WRONG
            self.expected.events.append("LOGIN_REFUSED")
        else:
            assert outcome is Outcome.BLOCKED if self.expected.is_blocked else outcome is Outcome.ACCEPTED
            if self.expected.is_blocked:
                self.expected.events.append("LOGIN_REFUSED")
            else:
                half.proved_by = secret
                self.expected.tries = 0

    @rule(which=ANY)
    def postpone(self, which: int) -> None:
        half = self.half(which)
        if half is None:
            return
        is_proved = half.proved_by == self.expected.secret
        assert self.acts.postpone(half.token) is is_proved
        if is_proved and not half.has_postponed:
            half.has_postponed = True
            self.expected.events.append("PASSWORD_CHANGE_POSTPONED")

    @rule(which=ANY)
    def assign(self, which: int) -> None:
        half = self.half(which)
        if half is None or half.finished_at is not None:
            return
        try:
            waiting = self.acts.assign(half.token).secret
        except PermissionError:
            assert half.proved_by != self.expected.secret
            return
        assert half.proved_by == self.expected.secret
        if half.waiting is not None:
            assert waiting == half.waiting
        half.waiting = waiting

    @rule(which=ANY, secret=st.sampled_from((*CHOICES, "kort", FIRST)))
    def choose(self, which: int, secret: str) -> None:
        half = self.half(which)
        if half is None or half.finished_at is not None:
            return
        try:
            chosen = self.acts.chooses(half.token, secret)
        except PermissionError:
            assert half.proved_by != self.expected.secret
            return
        assert half.proved_by == self.expected.secret
        if chosen.wait_seconds or chosen.is_closed:
            assert self.expected.tries >= 5
            return
        if secret != "kort":  # else nothing was compared
            self.expected.tries += 1
        assert chosen.broken or secret != self.expected.secret
        if not chosen.broken:
            half.waiting = secret

    @rule(which=ANY)
    def confirm_right(self, which: int) -> None:
        half = self.half(which)
        if half is None or half.waiting is None or half.proved_by != self.expected.secret:
            return
        assert self.acts.confirm(half.token, half.waiting) is Practised.CONFIRMED
        self.expected.secret = half.proved_by = half.waiting
        half.waiting = None
        self.expected.tries = 0
        self.expected.events.append("PASSWORD_CHANGED")
        for session in self.expected.sessions:
            session.is_ended = True
        self.expected.halves = [h for h in self.expected.halves if h is half or h.finished_at is not None]

    @rule(which=ANY)
    def confirm_wrong(self, which: int) -> None:
        half = self.half(which)
        if half is None or half.proved_by != self.expected.secret or half.finished_at is not None:
            return
        outcome = self.acts.confirm(half.token, "NogetAndet99")
        assert outcome is (Practised.DIFFERENT if half.waiting else Practised.GONE)

    @rule(which=ANY)
    def finish(self, which: int) -> None:
        half = self.half(which)
        if half is None:
            return
        session = self.acts.finish(half.token)
        if half.finished_at is not None:
            assert session in (half.session, None)
            is_living = any(s.token == half.session and not s.is_ended for s in self.expected.sessions)
            assert (session is not None) is is_living
            return
        assert (session is not None) is (half.proved_by == self.expected.secret)
        if session is None:
            return
        half.finished_at, half.session = self.expected.minutes, session
        self.expected.sessions.append(Living(session, self.expected.minutes))
        self.expected.events.append("LOGGED_IN")

    @rule(minutes=st.sampled_from([7, 13, 31]))
    def go_on(self, minutes: int) -> None:
        self.acts.clock.forward(minutes=minutes)
        self.expected.minutes += minutes

    @rule(which=ANY)
    def log_out(self, which: int) -> None:
        living = [session for session in self.expected.sessions if self.is_living(session)]
        if not living:
            return
        session = living[which % len(living)]
        found = self.acts.login_of(session.token)
        assert found is not None
        with self.acts.writing() as (db, now):
            sessions.log_out(db, found, now)
        session.is_ended = True
        self.expected.events.append("LOGGED_OUT")

    @rule()
    def block_or_let_in(self) -> None:
        act = blocking.unblock if self.expected.is_blocked else blocking.block
        with self.acts.writing() as (db, now):
            assert act(db, self.user_id, now)
        self.expected.is_blocked = not self.expected.is_blocked
        self.expected.events.append("BLOCKED" if self.expected.is_blocked else "UNBLOCKED")
        if self.expected.is_blocked:
            self.expected.halves.clear()
            for session in self.expected.sessions:
                session.is_ended = True

    @rule()
    def sweep(self) -> None:
        with self.acts.writing() as (db, now):
            flows.sweep(db, now)

    # What must hold.

    def rows(self, table: Any) -> list[Any]:
        return self.acts.all(select(table).where(table.user_id == self.user_id).order_by(table.id))

    @invariant()
    def there_is_one_password_and_it_is_the_one_last_confirmed(self) -> None:
        (current,) = [row for row in self.rows(Credential) if row.ended_at is None]
        hasher = self.acts.hasher
        hashed = hasher.unseal(current.sealed_hash, self.user_id, current.id, current.password_type)
        assert hasher.verify(self.expected.secret, self.user_id, current.password_type, hashed)
        assert len(self.rows(Credential)) <= 5

    @invariant()
    def every_change_has_its_event_and_there_is_no_other(self) -> None:
        about = select(AuditEvent.event).where(AuditEvent.subject_id == self.user_id)
        assert self.acts.all(about.order_by(AuditEvent.id)) == self.expected.events

    @invariant()
    def those_are_logged_in_who_should_be(self) -> None:
        assert len(self.rows(SsoSession)) == len(self.expected.sessions)
        for session in self.expected.sessions:
            found = self.acts.login_of(session.token)
            assert (found is not None) is self.is_living(session)

    @invariant()
    def a_flow_is_proved_by_the_password_in_force_alone(self) -> None:
        for half in self.expected.halves:
            found = self.acts.find(half.token)
            assert (found is not None) is self.is_there(half)
            if found is not None:
                assert found.is_proved is (half.proved_by == self.expected.secret)

    @invariant()
    def what_waits_waits_in_a_flow_that_is_there(self) -> None:
        flows = {row.id for row in self.rows(LoginFlow)}
        mine = self.acts.all(select(PendingPassword.flow_id).join(LoginFlow).where(LoginFlow.id.in_(flows)))
        expected = sum(half.waiting is not None for half in self.expected.halves)
        assert len(mine) <= expected


def test_s_01_s_02_s_04_s_25_s_26_hold_whatever_people_do_in_whatever_order(quick: Acts) -> None:
    """«S-01» «S-02» «S-04» «S-25» «S-26» The invariants above, on both databases."""
    is_sqlite = quick.database.engine.dialect.name == "sqlite"
    machine = type("Machine", (LoginMachine,), {"acts": quick})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40 if is_sqlite else 10,
            stateful_step_count=40,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
