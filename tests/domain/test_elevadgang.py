"""The five minutes: how long, how often, for whom, and when somebody compares a picture (S-40 to S-46)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.domain.elevadgang.presses import Kept, Press
from app.domain.login import Outcome
from app.domain.new_password import Practised
from app.models.credentials import Authorisation, Credential
from app.models.elevadgang import Door, EndedBy, PasswordWindow, WindowState
from app.models.people import (
    Affiliation,
    ContactRelation,
    GroupMember,
    Right,
    User,
)
from app.models.sso import SsoSession
from tests.cast import ALBA, ANNA, BO, CARLA, DAN, EVA, IDA, NAMELESS, PARENT, PROTECTED, Member
from tests.domain.helping import Helping, PupilBrowser

NAME = ANNA.username or ""


def opened(helping: Helping, *members: Member) -> PasswordWindow:
    """Let Carla press for pupils of 2.B; returns the window of the first."""
    pressed = helping.press(helping.area(CARLA, "2.B"), *members)
    assert pressed.outcome is Press.OPENED
    assert pressed.kept == []
    return helping.window(members[0])


# ---- How long (S-07, S-41) ----


def at_second(helping: Helping, window: PasswordWindow, seconds: int) -> None:
    """Set the clock to so many seconds after a press, however long it took to come here."""
    clock = helping.acts.clock
    clock.offset += window.opened_at + timedelta(seconds=seconds) - clock.now()


@pytest.mark.parametrize(("seconds", "is_open"), [(299, True), (301, False)])
def test_s_41_at_4_59_a_window_can_be_claimed_and_at_5_01_not(
    helping: Helping, seconds: int, is_open: bool
) -> None:
    at_second(helping, opened(helping, ANNA), seconds)
    assert helping.ask(PupilBrowser("anna"), NAME) is is_open


@pytest.mark.parametrize(("seconds", "is_open"), [(599, True), (601, False)])
def test_s_42_whoever_claimed_in_time_may_confirm_five_minutes_after_the_window(
    helping: Helping, seconds: int, is_open: bool
) -> None:
    window = opened(helping, ANNA)
    anna = PupilBrowser("anna")
    helping.ask(anna, NAME)
    secret, flow = helping.dealt(anna), helping.flow(anna)
    at_second(helping, window, seconds)
    outcome, session = helping.confirm(anna, secret, flow=flow)
    assert (outcome is Practised.CONFIRMED) is (session is not None) is is_open
    assert (helping.window(ANNA).state is WindowState.DONE) is is_open
    assert len(helping.events("PASSWORD_CHANGED")) == int(is_open)


@pytest.mark.parametrize("hours", [1, 24])
def test_s_07_a_clock_set_back_opens_no_window_for_longer(helping: Helping, hours: int) -> None:
    opened(helping, ANNA)
    helping.acts.clock.forward(hours=-hours)
    assert not helping.ask(PupilBrowser("anna"), NAME)


def test_s_07_a_clock_set_back_after_five_minutes_more_does_not_make_them_nine(helping: Helping) -> None:
    window = opened(helping, ANNA)
    helping.acts.clock.forward(seconds=240)
    assert helping.extend(helping.area(CARLA, "2.B"), window.id)
    helping.acts.clock.forward(seconds=-230)
    assert not helping.ask(PupilBrowser("anna"), NAME)


def test_s_07_a_clock_set_back_gives_who_claimed_no_more_time(helping: Helping) -> None:
    opened(helping, ANNA)
    anna = PupilBrowser("anna")
    helping.ask(anna, NAME)
    secret, flow = helping.dealt(anna), helping.flow(anna)
    helping.acts.clock.forward(hours=-1)
    assert helping.confirm(anna, secret, flow=flow) == (Practised.GONE, None)
    assert helping.events("PASSWORD_CHANGED") == []


def test_s_41_five_minutes_more_begin_at_the_press_twice_and_only_while_it_is_open(helping: Helping) -> None:
    carla, clock = helping.area(CARLA, "2.B"), helping.acts.clock
    window = opened(helping, ANNA)
    for _ in range(2):
        clock.forward(seconds=200)
        before = helping.acts.now().at
        assert helping.extend(carla, window.id)
        left = (helping.window(ANNA).ends_at - before).total_seconds()
        assert 300 <= left < 330
    assert not helping.extend(carla, window.id)
    assert [event.event for event in helping.events()].count("WINDOW_EXTENDED") == 2
    assert len(helping.windows(ANNA)) == 1
    other = opened(helping, PROTECTED)
    clock.forward(seconds=301)
    assert not helping.extend(carla, other.id), "one that is over is not revived"
    claimed = opened(helping, ANNA)
    helping.ask(PupilBrowser("anna"), NAME)
    assert not helping.extend(carla, claimed.id), "one that is claimed has its own five minutes"


# ---- How often (S-41) ----


def test_s_41_forty_a_press_and_a_hundred_an_hour_for_a_teacher(helping: Helping) -> None:
    carla = helping.area(CARLA, "2.B")
    class_ids = add_pupils(helping, "2.B", 105)
    assert helping.press_ids(carla, class_ids[:41]).outcome is Press.TOO_MANY
    assert helping.events() == []
    for start in (0, 40):
        assert len(helping.press_ids(carla, class_ids[start : start + 40]).opened) == 40
    assert helping.press_ids(carla, class_ids[80:101]).outcome is Press.HOUR_IS_FULL
    assert len(helping.press_ids(carla, class_ids[80:100]).opened) == 20
    assert helping.press_ids(carla, class_ids[100:101]).outcome is Press.HOUR_IS_FULL
    limits = helping.events("WINDOW_LIMIT_REACHED")
    assert [event.details for event in limits] == [{"limit": "hour"}] * 2
    eva = helping.area(EVA, None)
    assert len(helping.press_ids(eva, class_ids[100:105]).opened) == 5
    helping.acts.clock.forward(seconds=3601)
    assert len(helping.press_ids(carla, class_ids[100:101]).opened) == 1


def add_pupils(helping: Helping, class_name: str, count: int) -> list[str]:
    """Add pupils to a class of Egeskolen; returns their UniIDs."""
    group_id = helping.area(CARLA, class_name).group_id
    uni_ids = [f"c{number:09}" for number in range(count)]

    def act(db: Session) -> None:
        model = db.scalars(select(Affiliation).where(Affiliation.main_group_id == group_id)).first()
        assert model is not None
        for number, uni_id in enumerate(uni_ids):
            user = User(
                uni_id=uni_id,
                username=f"crow{number:04}",
                given_name="Kim",
                family_name=f"Nr{number}",
                created_at=helping.acts.now().at,
            )
            db.add(user)
            db.flush()
            db.add(
                Affiliation(
                    user_id=user.id,
                    institution_id=model.institution_id,
                    category=model.category,
                    roles=model.roles,
                    level=model.level,
                    main_group_id=group_id,
                    from_on=model.from_on,
                )
            )

    helping.change(act)
    return uni_ids


def test_s_41_three_a_day_for_a_pupil_and_then_the_administrator_alone(helping: Helping) -> None:
    carla = helping.area(CARLA, "2.B")
    for _ in range(3):
        opened(helping, ANNA)
    fourth = helping.press(carla, ANNA, PROTECTED)
    assert fourth.kept == [("Anna Holm", Kept.DAY_IS_FULL)]
    assert list(fourth.opened) == [helping.id_of(PROTECTED)]
    assert helping.window(ANNA).state is WindowState.OPEN, "the third is still there"
    (event,) = helping.events("WINDOW_LIMIT_REACHED")
    assert (event.subject_id, event.details) == (helping.id_of(ANNA), {"limit": "day"})
    assert helping.press_for_child(DAN, ANNA).kept == [("Anna Holm", Kept.DAY_IS_FULL)]
    assert helping.press(helping.area(EVA, None), ANNA).opened
    helping.acts.clock.forward(hours=24)
    assert helping.press(carla, ANNA).opened


def test_an_administrators_windows_count_for_nobody(helping: Helping) -> None:
    eva = helping.area(EVA, None)
    for _ in range(4):
        assert helping.press(eva, ANNA).opened
    opened(helping, ANNA)


def test_who_is_blocked_or_has_no_username_gets_no_window_and_the_others_do(helping: Helping) -> None:
    blocked = update(User).where(User.username == NAME).values(blocked_at=helping.acts.now().at)
    helping.change(lambda db: db.execute(blocked))
    pressed = helping.press(helping.area(EVA, None), ANNA, PROTECTED, IDA)
    assert pressed.kept == [("Anna Holm", Kept.BLOCKED)]
    assert len(pressed.opened) == 2
    named = helping.press(helping.area(EVA, None), NAMELESS)
    assert [why for _, why in named.kept] == [Kept.NO_USERNAME]
    assert named.opened == {}


def test_s_41_a_new_press_takes_the_place_of_the_one_before_and_voids_its_claim(helping: Helping) -> None:
    opened(helping, ANNA)
    first = PupilBrowser("first")
    helping.ask(first, NAME)
    secret, flow = helping.dealt(first), helping.flow(first)
    opened(helping, ANNA)
    old, new = helping.windows(ANNA)
    assert (old.state, old.ended_by, new.state) == (WindowState.CANCELLED, EndedBy.REPLACED, WindowState.OPEN)
    assert helping.confirm(first, secret, flow=flow)[0] is Practised.GONE
    assert helping.ask(PupilBrowser("second"), NAME)


# ---- «Det var ikke min elev» (S-45) ----


def current(helping: Helping, member: Member) -> list[Credential]:
    whose = helping.id_of(member)
    return helping.acts.all(
        select(Credential).where(Credential.user_id == whose, Credential.ended_at.is_(None))
    )


@pytest.mark.parametrize(("hours", "may"), [(23.99, True), (24.01, False)])
def test_s_45_not_my_pupil_can_be_said_for_a_day(helping: Helping, hours: float, may: bool) -> None:
    window = opened(helping, ANNA)
    helping.go_through(PupilBrowser("thief"), ANNA)
    helping.acts.clock.forward(hours=hours)
    assert helping.disown(helping.area(CARLA, "2.B"), window.id) is may
    assert (current(helping, ANNA) == []) is may
    living = helping.acts.count(SsoSession, SsoSession.ended_at.is_(None))
    assert (living == 0) is may
    assert len(helping.events("WINDOW_DISOWNED")) == int(may)


def test_s_45_what_the_thief_changed_the_password_to_is_void_too(helping: Helping) -> None:
    helping.press(helping.area(CARLA, "5.A"), IDA)
    window = helping.window(IDA)
    secret = helping.go_through(PupilBrowser("thief"), IDA)
    helping.acts.change(IDA.username or "", secret, "lampehjul77")
    assert helping.disown(helping.area(CARLA, "5.A"), window.id)
    assert current(helping, IDA) == []
    assert helping.acts.tries(IDA.username or "", "lampehjul77").outcome is Outcome.WRONG


def test_s_45_a_password_that_the_pupil_got_in_another_window_stays(helping: Helping) -> None:
    carla = helping.area(CARLA, "2.B")
    first = opened(helping, ANNA)
    helping.go_through(PupilBrowser("thief"), ANNA)
    opened(helping, ANNA)
    helping.go_through(PupilBrowser("anna"), ANNA)
    assert helping.disown(carla, first.id)
    (kept,) = current(helping, ANNA)
    assert kept.authorisation is Authorisation.TEACHER
    assert kept.id == helping.window(ANNA).credential_id


def test_a_window_that_came_to_nothing_cannot_be_disowned(helping: Helping) -> None:
    window = opened(helping, ANNA)
    carla = helping.area(CARLA, "2.B")
    assert not helping.disown(carla, window.id)
    assert helping.cancel(carla, window.id)
    assert not helping.disown(carla, window.id)
    assert len(current(helping, ANNA)) == 1


# ---- Who has lost what it rested on (S-40, S-46) ----


def lose_group(db: Session) -> None:
    whose = select(Affiliation.id).join(User).where(User.username == CARLA.username)
    db.execute(delete(GroupMember).where(GroupMember.affiliation_id.in_(whose)))


def lose_role(db: Session) -> None:
    whose = select(User.id).where(User.username == CARLA.username).scalar_subquery()
    db.execute(update(Affiliation).where(Affiliation.user_id == whose).values(roles=["Pædagog"]))


def lose_place(db: Session) -> None:
    whose = select(User.id).where(User.username == CARLA.username).scalar_subquery()
    db.execute(update(Affiliation).where(Affiliation.user_id == whose).values(to_on=Affiliation.from_on))


def pupil_moves(db: Session) -> None:
    whose = select(User.id).where(User.username == NAME).scalar_subquery()
    db.execute(update(Affiliation).where(Affiliation.user_id == whose).values(main_group_id=None))


@pytest.mark.parametrize("lose", [lose_group, lose_role, lose_place, pupil_moves])
@pytest.mark.parametrize("is_claimed", [False, True], ids=["at the claim", "at the confirmation"])
def test_s_46_who_may_help_no_more_has_helped_nobody(
    helping: Helping, lose: Callable[[Session], Any], is_claimed: bool
) -> None:
    opened(helping, ANNA)
    anna = PupilBrowser("anna")
    if is_claimed:
        helping.ask(anna, NAME)
        secret = helping.dealt(anna)
        helping.change(lose)
        assert helping.confirm(anna, secret)[0] is Practised.GONE
    else:
        helping.change(lose)
        assert not helping.ask(anna, NAME)
    window = helping.window(ANNA)
    assert (window.state, window.ended_by) == (WindowState.CANCELLED, EndedBy.AUTHORITY)
    assert helping.events("PASSWORD_CHANGED") == []
    assert len(helping.events("WINDOW_CANCELLED")) == 1


def test_s_46_an_ended_right_closes_an_administrators_window(helping: Helping) -> None:
    assert helping.press(helping.area(EVA, None), ANNA).opened
    whose = helping.id_of(EVA)
    helping.change(
        lambda db: db.execute(
            update(Right).where(Right.user_id == whose).values(ended_at=helping.acts.now().at)
        )
    )
    assert not helping.ask(PupilBrowser("anna"), NAME)
    assert helping.window(ANNA).ended_by is EndedBy.AUTHORITY


# ---- A parent (S-32) ----


def test_a_parents_window_is_used_like_a_teachers_and_is_told_as_the_parents(helping: Helping) -> None:
    assert helping.press_for_child(DAN, ANNA).outcome is Press.OPENED
    window = helping.window(ANNA)
    assert (window.door, window.institution_id) == (Door.GUARDIAN, None)
    helping.go_through(PupilBrowser("anna"), ANNA)
    (credential,) = current(helping, ANNA)
    assert credential.authorisation is Authorisation.GUARDIAN
    assert credential.authorised_by_id == helping.id_of(DAN)


def test_s_40_a_parent_helps_a_child_in_custody_and_nobody_else(helping: Helping) -> None:
    for child in (IDA, ALBA, BO, DAN):
        assert helping.press_for_child(DAN, child).outcome is Press.FOREIGN
    assert helping.press_for_child(CARLA, ANNA).outcome is Press.FOREIGN
    assert helping.acts.count(PasswordWindow) == 0
    assert helping.events() == []


def test_s_46_custody_lost_closes_the_parents_window(helping: Helping) -> None:
    helping.press_for_child(PARENT, ALBA)
    whose = helping.id_of(PARENT)
    helping.change(
        lambda db: db.execute(
            update(ContactRelation).where(ContactRelation.contact_id == whose).values(has_custody=False)
        )
    )
    assert not helping.ask(PupilBrowser("alba"), ALBA.username or "")
    assert helping.window(ALBA).ended_by is EndedBy.AUTHORITY


def test_s_40_a_parents_window_is_nobody_elses_to_act_on(helping: Helping) -> None:
    helping.press_for_child(DAN, ANNA)
    window = helping.window(ANNA)
    for area in (helping.area(CARLA, "2.B"), helping.area(EVA, None)):
        assert not helping.cancel(area, window.id)
        assert not helping.extend(area, window.id)
    assert helping.window(ANNA).state is WindowState.OPEN
