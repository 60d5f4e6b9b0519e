"""Sessions: how long they live, who may end them, and what ends them at once (S-07, S-17, S-18)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from app import jobs
from app.db import SWEPT_AT_ONCE
from app.direct import direct
from app.domain import blocking, devices, sessions, throttling
from app.domain.sessions import Login
from app.models.audit import AuditEvent
from app.models.credentials import KnownDevice, Throttle
from app.models.people import Affiliation, Right, User
from app.models.sso import EndReason, LoginFlow, SsoSession
from tests.cast import BO, CARLA, EVA, GRY, Member, user_of
from tests.domain.acts import Acts, device


def log_in(acts: Acts, member: Member = BO, place: str = "d") -> str:
    """Log a member in; returns the session's token."""
    return acts.log_in(member.username or "", member.secret or "", device(place))


def living(acts: Acts, token: str) -> Login:
    """Return a session that lives."""
    found = acts.login_of(token)
    assert found is not None
    return found


def use(acts: Acts, token: str) -> bool:
    """Use a session as a page does: find it, and stamp it where that is due; tells whether it was stamped."""
    found = living(acts, token)
    is_due = found.needs_stamp(acts.now().at)
    if is_due:
        with acts.writing() as (db, now):
            sessions.stamp(db, found.id, now)
    return is_due


def newest_event(acts: Acts) -> AuditEvent:
    """Return what was done last."""
    found = acts.all(select(AuditEvent).order_by(AuditEvent.id))[-1]
    assert isinstance(found, AuditEvent)
    return found


def test_s_18_a_session_that_is_used_lives_eight_hours_and_no_longer(acts: Acts) -> None:
    token = log_in(acts)
    for _ in range(9):
        acts.clock.forward(minutes=53)
        use(acts, token)
    acts.clock.forward(minutes=2)
    assert acts.login_of(token) is not None
    acts.clock.forward(minutes=2)
    assert acts.login_of(token) is None


def test_s_18_a_session_that_is_not_used_ends_after_an_hour(acts: Acts) -> None:
    token = log_in(acts)
    acts.clock.forward(minutes=59)
    assert acts.login_of(token) is not None
    acts.clock.forward(minutes=1, seconds=5)
    assert acts.login_of(token) is None


def test_s_18_looking_does_not_extend_only_the_stamp_does(acts: Acts) -> None:
    token = log_in(acts)
    for _ in range(7):
        acts.clock.forward(minutes=8)
        living(acts, token)
    acts.clock.forward(minutes=8)
    assert acts.login_of(token) is None


def test_s_18_the_stamp_is_renewed_once_a_minute_at_most(acts: Acts) -> None:
    token = log_in(acts)
    stamped = []
    for _ in range(10):
        acts.clock.forward(seconds=25)
        stamped.append(use(acts, token))
    assert stamped == [False, False, True] * 3 + [False]


@pytest.mark.parametrize("hours", [-1, -24])
def test_s_07_a_session_from_the_future_is_refused_so_a_clock_set_back_lengthens_nothing(
    acts: Acts, hours: int
) -> None:
    token = log_in(acts)
    acts.clock.forward(hours=hours)
    assert acts.login_of(token) is None
    with acts.writing() as (db, now):
        assert sessions.list_living(db, acts.config, user_of(db, BO).id, now) == []


def test_s_07_clocks_a_minute_apart_are_put_up_with(acts: Acts) -> None:
    token = log_in(acts)
    acts.clock.forward(seconds=-50)
    assert acts.login_of(token) is not None


def test_s_18_ones_own_sessions_are_listed_the_last_used_first(acts: Acts) -> None:
    tokens = [log_in(acts, place=place) for place in ("one", "two", "three")]
    log_in(acts, CARLA)
    acts.clock.forward(minutes=2)
    use(acts, tokens[1])
    ids = [living(acts, token).id for token in tokens]
    with acts.writing() as (db, now):
        listed = sessions.list_living(db, acts.config, user_of(db, BO).id, now)
    assert [row.id for row in listed] == [ids[1], ids[2], ids[0]]


def test_s_18_logging_out_ends_the_session_at_once_and_only_once(acts: Acts) -> None:
    token = log_in(acts)
    found = living(acts, token)
    before = acts.count(AuditEvent)
    for _ in range(2):
        with acts.writing() as (db, now):
            sessions.log_out(db, found, now)
    assert acts.login_of(token) is None
    assert acts.count(AuditEvent) == before + 1
    assert newest_event(acts).event == "LOGGED_OUT"
    assert acts.one(select(SsoSession.end_reason)) is EndReason.LOGGED_OUT


def test_s_18_one_of_ones_sessions_is_ended_from_another(acts: Acts) -> None:
    here, there = log_in(acts, place="here"), log_in(acts, place="there")
    me, other = living(acts, here), living(acts, there)
    with acts.writing() as (db, now):
        assert sessions.end_one(db, me, other.id, now)
        assert not sessions.end_one(db, me, other.id, now), "it has ended"
    assert acts.login_of(there) is None
    assert acts.login_of(here) is not None
    assert newest_event(acts).details == {"session": other.id}


def test_s_18_nobody_ends_another_users_session(acts: Acts) -> None:
    mine, theirs = log_in(acts), log_in(acts, CARLA)
    before = acts.count(AuditEvent)
    with acts.writing() as (db, now):
        assert not sessions.end_one(db, living(acts, mine), living(acts, theirs).id, now)
        assert not sessions.end_one(db, living(acts, mine), 10**9, now)
    assert acts.login_of(theirs) is not None
    assert acts.count(AuditEvent) == before


def test_s_18_all_others_are_ended_and_the_one_at_hand_stays(acts: Acts) -> None:
    here, *others = (log_in(acts, place=place) for place in ("here", "a", "b"))
    carlas = log_in(acts, CARLA)
    with acts.writing() as (db, now):
        assert sessions.end_others(db, living(acts, here), now) == 2
        assert sessions.end_others(db, living(acts, here), now) == 0
    assert [acts.login_of(token) for token in others] == [None, None]
    assert acts.login_of(here) is not None
    assert acts.login_of(carlas) is not None
    assert (newest_event(acts).event, newest_event(acts).details) == ("SESSIONS_ENDED", {"count": 2})


def test_s_18_whoever_is_blocked_is_out_at_once_and_not_in_again_when_let_in(acts: Acts) -> None:
    token, half_done = log_in(acts), acts.begin(BO.username or "")
    with acts.writing() as (db, now):
        bo = user_of(db, BO).id
        assert blocking.block(db, bo, now, actor_id=user_of(db, EVA).id)
        assert not blocking.block(db, bo, now)
    assert acts.login_of(token) is None
    assert acts.find(half_done) is None
    assert newest_event(acts).event == "BLOCKED"
    with acts.writing() as (db, now):
        assert blocking.unblock(db, bo, now)
        assert not blocking.unblock(db, bo, now)
    assert acts.login_of(token) is None
    assert acts.one(select(SsoSession.end_reason)) is EndReason.BLOCKED
    assert log_in(acts)


def test_s_18_a_block_counts_however_it_came_to_be_written(acts: Acts) -> None:
    token = log_in(acts)
    with acts.writing() as (db, now):
        user_of(db, BO).blocked_at = now.at
    assert acts.login_of(token) is None


def test_s_18_whoever_belongs_nowhere_any_more_is_out_at_once(acts: Acts) -> None:
    token = log_in(acts)
    with acts.writing() as (db, now):
        whose = Affiliation.user_id == user_of(db, BO).id
        db.execute(update(Affiliation).where(whose).values(to_on=now.today))
    assert acts.login_of(token) is not None, "the last day counts"
    with acts.writing() as (db, now):
        yesterday = now.today - timedelta(days=1)
        db.execute(update(Affiliation).where(whose).values(to_on=yesterday))
    assert acts.login_of(token) is None


def test_s_18_a_right_by_hand_is_a_place_until_it_ends(acts: Acts) -> None:
    token = log_in(acts, GRY)
    with acts.writing() as (db, now):
        db.execute(update(Right).where(Right.user_id == user_of(db, GRY).id).values(ended_at=now.at))
    assert acts.login_of(token) is None


def set_last_day(acts: Acts, days: int | None) -> None:
    """Let Bo belong to his school until so many days from now, or on and on."""
    with acts.writing() as (db, now):
        last = None if days is None else now.today + timedelta(days=days)
        whose = Affiliation.user_id == user_of(db, BO).id
        db.execute(update(Affiliation).where(whose).values(to_on=last))


def test_s_18_a_session_that_was_lost_with_the_school_lives_not_again_when_the_school_is_back(
    acts: Acts,
) -> None:
    token, other = log_in(acts), log_in(acts, CARLA)
    half_done = acts.begin(BO.username or "")
    acts.check(half_done, BO.secret or "")
    set_last_day(acts, -1)
    before = acts.count(AuditEvent)
    assert jobs.end_lost(acts.database, acts.clock) == 1
    assert jobs.end_lost(acts.database, acts.clock) == 0
    assert acts.count(AuditEvent) == before + 1
    session_id = acts.one(select(SsoSession.id).where(SsoSession.end_reason == EndReason.NO_PLACE))
    assert (newest_event(acts).event, newest_event(acts).details) == (
        "SESSION_ENDED",
        {"session": session_id},
    )
    set_last_day(acts, None)
    assert acts.login_of(token) is None
    assert acts.find(half_done) is None, "what was proved is over too"
    assert acts.login_of(other) is not None
    assert log_in(acts)


def test_s_18_a_session_that_was_lost_with_the_last_right_lives_not_again(acts: Acts) -> None:
    token = log_in(acts, GRY)
    with acts.writing() as (db, now):
        gry = user_of(db, GRY).id
        db.execute(update(Right).where(Right.user_id == gry).values(ended_at=now.at))
    assert jobs.end_lost(acts.database, acts.clock) == 1
    with acts.writing() as (db, _now):
        db.execute(update(Right).where(Right.user_id == gry).values(ended_at=None))
    assert acts.login_of(token) is None


def test_s_04_a_place_that_is_back_before_the_session_is_ended_keeps_it(acts: Acts) -> None:
    token = log_in(acts)
    set_last_day(acts, -1)
    with acts.writing() as (db, now):
        (bo,) = sessions.list_lost(db, now)
        assert sessions.find_lost(db, acts.keys, token, now) == bo
    set_last_day(acts, 0)
    with acts.writing() as (db, now):
        assert sessions.end_lost(db, bo, now) == 0
    assert acts.login_of(token) is not None


def test_what_is_long_unused_is_swept_and_what_is_closed_is_not(acts: Acts) -> None:
    log_in(acts, place="a")
    log_in(acts, CARLA, place="a")
    with acts.writing() as (db, now):
        for name, tries in (("old", 7), ("closed", 50)):
            db.add(Throttle(bucket=name, tries=tries, last_at=now.at, next_at=now.at))
    acts.clock.forward(days=399)
    with acts.writing() as (db, now):
        direct(db, *devices.knowing(db, acts.keys, user_of(db, CARLA).id, "a", now))
        db.add(Throttle(bucket="new", tries=7, last_at=now.at, next_at=now.at))
    acts.clock.forward(days=2)
    jobs.sweep(acts.database, acts.clock)
    assert set(acts.all(select(Throttle.bucket))) == {"closed", "new"}
    assert acts.all(select(KnownDevice.user_id)) == acts.all(
        select(User.id).where(User.username == CARLA.username)
    )


def test_a_sweep_takes_as_many_rounds_as_there_is_to_sweep(acts: Acts) -> None:
    with acts.writing() as (db, now):
        rows = [
            {"bucket": str(n), "tries": 1, "last_at": now.at, "next_at": now.at}
            for n in range(SWEPT_AT_ONCE + 5)
        ]
        db.execute(insert(Throttle), rows)
    acts.clock.forward(days=91)
    with acts.writing() as (db, now):
        assert throttling.sweep(db, now) == SWEPT_AT_ONCE
    jobs.sweep(acts.database, acts.clock)
    assert acts.count(Throttle) == 0


def test_what_ended_long_ago_is_swept_and_what_lives_is_not(acts: Acts) -> None:
    ended, lives = log_in(acts, place="a"), log_in(acts, CARLA)
    with acts.writing() as (db, now):
        sessions.log_out(db, living(acts, ended), now)
    acts.clock.forward(days=44)
    jobs.sweep(acts.database, acts.clock)
    assert acts.count(SsoSession) == 2
    acts.clock.forward(days=2)
    again = log_in(acts, CARLA)
    jobs.sweep(acts.database, acts.clock)
    assert acts.count(SsoSession) == 1
    assert acts.login_of(again) is not None
    assert acts.login_of(lives) is None
    assert acts.count(LoginFlow) == 1
