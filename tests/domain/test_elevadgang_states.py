"""Any steps in any order: what must hold of a password window (S-02, S-40 to S-46)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
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
from sqlalchemy import delete, insert, select

from app.domain import blocking, new_password
from app.domain.elevadgang import revoking, windows
from app.domain.elevadgang.areas import Area
from app.domain.elevadgang.presses import EXTENSIONS, MOST_A_DAY, Press
from app.domain.new_password import Practised
from app.models.audit import AuditEvent
from app.models.credentials import Authorisation, Credential, PendingPassword
from app.models.elevadgang import Door, PasswordWindow, WindowState
from app.models.people import Affiliation, Category, Group, GroupMember, GroupType, PasswordType, User
from app.models.sso import LoginFlow, SsoSession
from tests.domain.acts import Acts
from tests.domain.helping import HERE, HOME, Helping, PupilBrowser

ADDRESSES = (HERE, HERE, HOME)
WHICH = st.integers(0, len(ADDRESSES) - 1)


@dataclass
class Expected:
    """A window as the machine expects it to stand; the times are seconds since the start."""

    id: int
    ends_at: int
    opened_on: date
    extensions: int = 0
    state: WindowState = WindowState.OPEN
    claimed_by: int | None = None
    is_approved: bool = True
    has_flow: bool = True
    secret: str | None = None
    done_at: int = 0
    is_disowned: bool = False

    def stands(self, at: int) -> WindowState:
        """Return the state by the clock."""
        is_over = (self.state is WindowState.OPEN and at >= self.ends_at) or (
            self.state is WindowState.PENDING and at >= self.ends_at + 300
        )
        return WindowState.EXPIRED if is_over else self.state


@dataclass
class School:
    """A class of one pupil and one teacher, made for one run."""

    pupil_id: int
    username: str
    uni_id: str
    member_of: dict[str, int]
    area: Area


def found(acts: Acts, helping: Helping, number: int) -> School:
    """Add pupil, teacher and class for one run."""
    with acts.writing() as (db, now):
        place, school_id = now.today, helping.school_id()
        group = Group(
            institution_id=school_id,
            code=f"q{number}",
            name=f"9.{number}",
            type=GroupType.HOVEDGRUPPE,
            level="9",
        )
        people = [
            User(
                uni_id=f"{letter}{number:09}",
                username=f"{letter}uil{number:04}",
                given_name="Ove",
                family_name="Quist",
                created_at=now.at,
            )
            for letter in "pt"
        ]
        db.add_all([group, *people])
        db.flush()
        pupil, teacher = people
        main = {"main_group_id": group.id, "level": "9", "roles": ["Elev"]}
        db.add(_place(pupil, school_id, Category.PUPIL, place, **main))
        taught = _place(teacher, school_id, Category.EMPLOYEE, place, roles=["Lærer"])
        db.add(taught)
        db.flush()
        member = {"affiliation_id": taught.id, "group_id": group.id}
        db.execute(insert(GroupMember).values(**member))
        kind = PasswordType.WORDS_DIGITS
        hashed = acts.hasher.hash("KanelTrappe58", pupil.id, kind)
        by = Authorisation.OWNER
        new_password.store(db, acts.hasher, acts.config, pupil.id, hashed, kind, by, pupil.id, now)
        area = Area(Door.TEACHER, teacher.id, school_id, "999001", "", group.id, group.name)
        return School(pupil.id, pupil.username or "", pupil.uni_id, member, area)


def _place(user: User, school_id: int, category: Category, from_on: Any, **values: Any) -> Affiliation:
    return Affiliation(
        user_id=user.id, institution_id=school_id, category=category, from_on=from_on, **values
    )


class WindowMachine(RuleBasedStateMachine):
    """One pupil with three browsers, one of them at home, and one teacher."""

    acts: Acts
    runs = 0

    def __init__(self) -> None:
        super().__init__()
        WindowMachine.runs += 1
        self.helping = Helping(self.acts)
        self.school = found(self.acts, self.helping, WindowMachine.runs)
        self.area: Area = self.school.area
        self.browsers = [
            PupilBrowser(f"run {WindowMachine.runs} browser {number}", address)
            for number, address in enumerate(ADDRESSES)
        ]
        self.at = 0
        self.windows: list[Expected] = []
        self.events: Counter[str] = Counter()
        self.known = dict.fromkeys(range(len(ADDRESSES)), False)
        self.secret: str | None = "KanelTrappe58"
        self.is_blocked = self.is_teacher_blocked = False
        self.has_group = True
        self.living = 0

    # What is expected to be there.

    @property
    def may_help(self) -> bool:
        return self.has_group and not self.is_teacher_blocked

    @property
    def newest(self) -> Expected | None:
        return self.windows[-1] if self.windows else None

    @property
    def day_is_full(self) -> bool:
        today = self.acts.now().today
        return sum(window.opened_on == today for window in self.windows) >= MOST_A_DAY

    def live(self) -> Expected | None:
        """Return the window that the store has as live, in time or not."""
        states = (WindowState.OPEN, WindowState.PENDING)
        newest = self.newest
        return newest if newest is not None and newest.state in states else None

    def end(self, state: WindowState) -> None:
        window = self.live()
        if window is not None:
            window.state, window.secret = state, None
            self.events[f"WINDOW_{state.name}"] += 1

    @rule(is_free=st.sampled_from([True, True, False]))
    def press(self, is_free: bool) -> None:
        if is_free:
            self._set_right()
        today = self.acts.now().today
        pressed = self.helping.press_ids(self.area, [self.school.uni_id])
        if not self.may_help:
            assert pressed.outcome is Press.FOREIGN
            return
        assert pressed.outcome is Press.OPENED
        if self.is_blocked or self.day_is_full:
            assert pressed.opened == {}
            if not self.is_blocked:
                self.events["WINDOW_LIMIT_REACHED"] += 1
            return
        live = self.live()
        if live is not None:
            is_over = live.stands(self.at) is WindowState.EXPIRED
            self.end(WindowState.EXPIRED if is_over else WindowState.CANCELLED)
        self.windows.append(Expected(pressed.opened[self.school.pupil_id], self.at + 300, today))
        self.events["WINDOW_OPENED"] += 1

    def _set_right(self) -> None:
        """Let in whoever is blocked, and give the group back: else most steps would be refusals."""
        if self.is_blocked:
            self._turn_pupil()
        if self.is_teacher_blocked:
            self._turn_teacher()
        if not self.has_group:
            self._turn_group()

    @rule(which=WHICH, is_far=st.booleans())
    def press_claim_and_confirm(self, which: int, is_far: bool) -> None:
        if not self.day_is_full:
            self._set_right()
            self.press(is_free=True)
            self.claim(which=2 if is_far else which)
            self.approve(is_right=True)
            self.confirm(is_right=True)

    @rule(which=WHICH)
    def claim(self, which: int) -> None:
        browser, window = self.browsers[which], self.live()
        standing = window.stands(self.at) if window else None
        claimed = self.helping.ask(browser, self.school.username)
        if window is not None and standing is WindowState.PENDING and window.claimed_by == which:
            assert claimed, "the same browser comes again"
            window.has_flow, window.secret = True, None
        elif window is None or standing is not WindowState.OPEN:
            assert not claimed
            return
        elif not self.may_help:
            assert not claimed
            self.end(WindowState.CANCELLED)
            return
        else:
            assert claimed
            window.state, window.claimed_by, window.has_flow = WindowState.PENDING, which, True
            row = self.row(window)
            # Also for having asked before: what holds then is told by tests of their own.
            window.is_approved = row.doubt is None
            if ADDRESSES[which] == HOME and not self.known[which]:
                assert row.doubt is not None
            self.events["WINDOW_CLAIMED"] += 1

    @precondition(lambda self: self.live() and self.live().claimed_by is not None)
    @rule(is_right=st.booleans())
    def confirm(self, is_right: bool) -> None:
        window = self.live()
        assert window is not None
        assert window.claimed_by is not None
        browser = self.browsers[window.claimed_by]
        flow = self.helping.flow(browser)
        is_in_time = window.stands(self.at) is WindowState.PENDING
        is_usable = is_in_time and window.is_approved and window.has_flow
        assert (flow is not None and flow.is_proved) is is_usable
        if not is_usable:
            assert self.helping.confirm(browser, "x") == (Practised.GONE, None)
            return
        secret = self.helping.dealt(browser)
        if window.secret is not None:
            assert secret == window.secret, "what is dealt stays"
        window.secret = secret
        outcome, session = self.helping.confirm(browser, secret if is_right else "NogetAndet99")
        if not is_right:
            assert outcome is Practised.DIFFERENT
            return
        if not self.may_help:
            assert outcome is Practised.GONE
            self.end(WindowState.CANCELLED)
            return
        assert (outcome, session is not None) == (Practised.CONFIRMED, True)
        window.state, window.done_at = WindowState.DONE, self.at
        self.secret, window.secret = secret, None
        self.living = 1
        self.known = {number: number == window.claimed_by for number in self.known}
        self.events["PASSWORD_CHANGED"] += 1
        self.events["LOGGED_IN"] += 1

    @precondition(lambda self: self.windows)
    @rule()
    def cancel(self) -> None:
        window = self.newest
        assert window is not None
        cancelled = self.helping.cancel(self.area, window.id)
        assert cancelled is (self.may_help and self.live() is not None)
        if cancelled:
            self.end(WindowState.CANCELLED)

    @precondition(lambda self: self.windows)
    @rule()
    def extend(self) -> None:
        window = self.newest
        assert window is not None
        is_open = window.stands(self.at) is WindowState.OPEN
        may = self.may_help and is_open and window.extensions < EXTENSIONS
        assert self.helping.extend(self.area, window.id) is may
        if may:
            window.ends_at, window.extensions = self.at + 300, window.extensions + 1
            self.events["WINDOW_EXTENDED"] += 1

    @precondition(lambda self: self.windows)
    @rule(is_right=st.booleans())
    def approve(self, is_right: bool) -> None:
        window = self.newest
        assert window is not None
        picture = self.row(window).picture or "ugle"
        if not is_right:
            picture = "ugle" if picture != "ugle" else "kage"
        waits = window.stands(self.at) is WindowState.PENDING and not window.is_approved
        may = self.may_help and waits and is_right
        assert self.helping.approve(self.area, window.id, picture) is may
        if may:
            window.is_approved = True
            self.events["WINDOW_APPROVED"] += 1

    @precondition(lambda self: any(window.state is WindowState.DONE for window in self.windows))
    @rule()
    def disown(self) -> None:
        window = [window for window in self.windows if window.state is WindowState.DONE][-1]
        may = self.may_help and not window.is_disowned and self.at - window.done_at < 86400
        assert self.helping.disown(self.area, window.id) is may
        if may:
            window.is_disowned = True
            self.secret, self.living = None, 0
            self.known = dict.fromkeys(self.known, False)
            self.events["WINDOW_DISOWNED"] += 1
            live = self.live()
            if live is not None:
                live.has_flow, live.secret = False, None  # until that browser comes again

    @precondition(lambda self: self.windows)
    @rule(is_kept=st.booleans())
    def block_the_pupil(self, is_kept: bool) -> None:
        self._turn_pupil()
        if self.is_blocked and not is_kept:
            self._turn_pupil()

    def _turn_pupil(self) -> None:
        act = blocking.unblock if self.is_blocked else blocking.block
        with self.acts.writing() as (db, now):
            assert act(db, self.school.pupil_id, now)
        self.is_blocked = not self.is_blocked
        self.events["BLOCKED" if self.is_blocked else "UNBLOCKED"] += 1
        if self.is_blocked:
            self.living = 0
            self.end(WindowState.CANCELLED)

    @precondition(lambda self: self.windows)
    @rule(is_kept=st.booleans())
    def block_the_teacher(self, is_kept: bool) -> None:
        self._turn_teacher()
        if self.is_teacher_blocked and not is_kept:
            self._turn_teacher()

    def _turn_teacher(self) -> None:
        act = blocking.unblock if self.is_teacher_blocked else blocking.block
        with self.acts.writing() as (db, now):
            assert act(db, self.area.actor_id, now)
        self.is_teacher_blocked = not self.is_teacher_blocked
        if self.is_teacher_blocked:
            self.end(WindowState.CANCELLED)

    @precondition(lambda self: self.windows)
    @rule(is_kept=st.booleans())
    def lose_the_group(self, is_kept: bool) -> None:
        self._turn_group()
        if not self.has_group and not is_kept:
            self._turn_group()

    def _turn_group(self) -> None:
        mine = GroupMember.affiliation_id == self.school.member_of["affiliation_id"]
        lost = delete(GroupMember).where(mine)
        got = insert(GroupMember).values(**self.school.member_of)
        with self.acts.writing() as (db, _now):
            db.execute(lost if self.has_group else got)
        self.has_group = not self.has_group

    @rule(seconds=st.sampled_from([20, 200, 290, 310, 86000]))
    def go_on(self, seconds: int) -> None:
        self.acts.clock.forward(seconds=seconds)
        self.at += seconds

    @rule()
    def sweep(self) -> None:
        with self.acts.writing() as (db, now):
            windows.expire(db, now)
            revoking.revoke(db, now)
        live = self.live()
        if live is not None and live.stands(self.at) is WindowState.EXPIRED:
            self.end(WindowState.EXPIRED)
        if not self.may_help:
            self.end(WindowState.CANCELLED)

    def row(self, window: Expected) -> PasswordWindow:
        row: PasswordWindow = self.acts.one(select(PasswordWindow).where(PasswordWindow.id == window.id))
        return row

    @invariant()
    def the_windows_stand_as_expected_and_one_at_most_is_live(self) -> None:
        query = select(PasswordWindow).where(PasswordWindow.pupil_id == self.school.pupil_id)
        rows = self.acts.all(query.order_by(PasswordWindow.id))
        assert [(row.id, row.state) for row in rows] == [(one.id, one.state) for one in self.windows]
        for row, one in zip(rows, self.windows, strict=True):
            if one is self.newest or one.state is not WindowState.DONE:  # of older ones it may be forgotten
                assert (row.credential_id is not None) is (one.state is WindowState.DONE)
            assert (row.done_at is not None) is (one.state is WindowState.DONE)
            assert (row.disowned_at is not None) is one.is_disowned
            assert row.extensions == one.extensions <= EXTENSIONS

    @invariant()
    def there_is_one_password_and_it_is_the_one_last_confirmed(self) -> None:
        whose = Credential.user_id == self.school.pupil_id
        current = self.acts.all(select(Credential).where(whose, Credential.ended_at.is_(None)))
        assert len(current) == int(self.secret is not None)
        for row in current:
            hasher, pupil_id = self.acts.hasher, self.school.pupil_id
            hashed = hasher.unseal(row.sealed_hash, pupil_id, row.id, row.password_type)
            assert hasher.verify(self.secret or "", pupil_id, row.password_type, hashed)

    @invariant()
    def every_change_has_its_event_and_there_is_no_other(self) -> None:
        about = select(AuditEvent.event).where(AuditEvent.subject_id == self.school.pupil_id)
        assert Counter(self.acts.all(about)) == +self.events

    @invariant()
    def only_who_came_through_a_window_is_logged_in(self) -> None:
        mine = SsoSession.user_id == self.school.pupil_id
        assert self.acts.count(SsoSession, mine, SsoSession.ended_at.is_(None)) == self.living

    @invariant()
    def a_password_waits_in_a_claimed_window_alone_and_no_other_browser_is_proved(self) -> None:
        live, mine = self.live(), LoginFlow.user_id == self.school.pupil_id
        waiting = self.acts.all(select(PendingPassword.flow_id).join(LoginFlow).where(mine))
        holder = live.claimed_by if live is not None and live.state is WindowState.PENDING else None
        assert len(waiting) <= int(holder is not None)
        for number, browser in enumerate(self.browsers):
            flow = self.helping.flow(browser)
            if flow is not None and flow.is_proved and not flow.is_finished:
                assert number == holder
                assert live is not None
                assert live.is_approved
                assert live.stands(self.at) is WindowState.PENDING


def test_s_02_s_40_to_s_46_hold_whatever_people_do_in_whatever_order(quick: Acts) -> None:
    """«S-02» «S-40» «S-41» «S-42» «S-45» «S-46» The invariants above, on both databases."""
    is_sqlite = quick.database.engine.dialect.name == "sqlite"
    machine = type("Machine", (WindowMachine,), {"acts": quick})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20 if is_sqlite else 12,
            stateful_step_count=40,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
