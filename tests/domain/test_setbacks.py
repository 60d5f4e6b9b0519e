"""A clock that was set back makes nothing live or wait longer (S-07), also by less than a thing is old."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import jobs, serve
from app.domain import quota, throttling
from app.domain.quota import Quota
from app.domain.throttling import Place
from app.models.clock import ClockMark
from app.models.credentials import PendingPassword, Throttle
from app.models.elevadgang import PasswordWindow
from app.models.sso import SsoSession
from tests.cast import ANNA, BO, CARLA
from tests.domain.acts import STRANGER, Acts
from tests.domain.helping import Helping

BOS, SECRET = BO.username or "", BO.secret or ""


def pass_by(acts: Acts, *, minutes: float) -> None:
    """Let so much time pass; the jobs have their round at its end."""
    acts.clock.forward(minutes=minutes)
    jobs.make_good(acts.database, acts.clock)


def set_back(acts: Acts, *, minutes: float) -> int:
    """Set the clock back and have the jobs' next round; returns how many seconds they noticed."""
    acts.clock.forward(minutes=-minutes)
    return jobs.make_good(acts.database, acts.clock)


@pytest.mark.parametrize("steps", [1, 4])
def test_s_07_a_half_done_login_lives_no_longer_for_a_clock_set_back(quick: Acts, steps: int) -> None:
    life = quick.config.flow_minutes
    token = quick.begin(BOS)
    for _ in range(steps):
        pass_by(quick, minutes=(life - 1) / steps)
        assert set_back(quick, minutes=(life - 1) / steps) > 0
        assert quick.find(token) is not None
    pass_by(quick, minutes=2)
    assert quick.find(token) is None


def test_s_07_nor_does_a_login_though_it_is_used(acts: Acts) -> None:
    idle, whole = acts.config.session_idle_minutes, acts.config.session_hours * 60
    pass_by(acts, minutes=0)
    left, used = acts.log_in(BOS, SECRET), acts.log_in(BOS, SECRET)
    for minutes in range(0, whole - 30, 30):
        login = acts.login_of(used)
        assert login is not None, minutes
        assert (acts.login_of(left) is not None) is (minutes < idle)
        with acts.writing() as (db, now):
            jobs.sessions.stamp(db, login.id, now)
        pass_by(acts, minutes=30)
        assert set_back(acts, minutes=29) == 29 * 60
    pass_by(acts, minutes=31)
    assert acts.login_of(used) is None


def test_s_07_what_the_clock_lost_is_lost_to_the_wait_as_well(acts: Acts) -> None:
    for _ in range(12):
        with acts.writing() as (db, now):
            assert throttling.reserve(db, "b", Place.OUTER, now).is_allowed
        acts.clock.forward(seconds=901)
    with acts.writing() as (db, now):
        assert throttling.reserve(db, "b", Place.OUTER, now).is_allowed
    pass_by(acts, minutes=14.5)
    set_back(acts, minutes=14)
    acts.clock.forward(minutes=0.6)
    with acts.writing() as (db, now):
        assert throttling.reserve(db, "b", Place.OUTER, now).is_allowed


def fail(acts: Acts, count: int) -> None:
    """Let so many accounts fail from one network, as somebody does who guesses."""
    for number in range(count):
        with acts.writing() as (db, now):
            throttling.note_failure(db, acts.keys, STRANGER.network, f"account {number}", now)


def is_slowed(acts: Acts) -> bool:
    """Whether that network is slowed."""
    bucket = throttling.network_bucket(acts.keys, STRANGER.network)
    with acts.database.reading() as db:
        return bool(db.scalar(select(throttling.IS_SLOWED), {"network_bucket": bucket} | acts.now().binds))


@pytest.mark.parametrize("is_noticed", [True, False])
def test_s_07_a_network_is_slowed_no_longer_for_failures_from_before(quick: Acts, is_noticed: bool) -> None:
    """«S-14» Ten minutes after the last of many, one slip of one pupil's is a slip again."""
    pass_by(quick, minutes=0)
    pass_by(quick, minutes=60)
    fail(quick, throttling.CROWD)
    assert is_slowed(quick)
    quick.clock.forward(minutes=-60)
    if is_noticed:
        jobs.make_good(quick.database, quick.clock)
    quick.clock.forward(minutes=11)
    assert not is_slowed(quick)
    fail(quick, 1)
    assert not is_slowed(quick)


def test_s_07_failures_keep_their_age_when_the_clock_is_set_back(quick: Acts) -> None:
    pass_by(quick, minutes=0)
    pass_by(quick, minutes=60)
    fail(quick, throttling.CROWD - 1)
    set_back(quick, minutes=60)
    with quick.writing() as (db, now):
        throttling.note_failure(db, quick.keys, STRANGER.network, "one more", now)
    assert is_slowed(quick), "who guesses gains nothing by it"


def test_s_07_a_window_ends_after_its_five_minutes(helping: Helping) -> None:
    acts = helping.acts
    pass_by(acts, minutes=0)
    helping.press(helping.area(CARLA, "2.B"), ANNA)
    ends_at = acts.one(select(PasswordWindow.ends_at))
    pass_by(acts, minutes=4)
    assert set_back(acts, minutes=3) == 180
    assert ends_at - acts.one(select(PasswordWindow.ends_at)) == timedelta(minutes=3)


def test_s_07_a_password_waits_no_longer_than_its_flow(acts: Acts) -> None:
    token = acts.begin(BOS)
    acts.check(token, SECRET)
    acts.assign(token)
    pass_by(acts, minutes=acts.config.flow_minutes - 1)
    set_back(acts, minutes=20)
    assert acts.pending(token) is not None
    pass_by(acts, minutes=2)
    assert acts.find(token) is None
    assert acts.one(select(PendingPassword.expires_at)) <= acts.now().at


def test_s_07_an_hours_quota_is_given_again_after_an_hour(acts: Acts) -> None:
    def take() -> bool:
        with acts.writing() as (db, now):
            return quota.take(db, acts.keys, Quota.RECEIPT, "x", now)

    pass_by(acts, minutes=0)
    assert [take() for _ in range(6)] == [True] * 5 + [False]
    pass_by(acts, minutes=50)
    set_back(acts, minutes=45)
    pass_by(acts, minutes=9)
    assert not take()
    pass_by(acts, minutes=2)
    assert take()


def test_s_07_what_the_clock_made_before_it_was_set_back_counts_again_at_its_true_age(acts: Acts) -> None:
    pass_by(acts, minutes=0)
    pass_by(acts, minutes=120)
    session = acts.log_in(BOS, SECRET)
    acts.clock.forward(minutes=-120)
    assert acts.login_of(session) is None, "from the future"
    jobs.make_good(acts.database, acts.clock)
    assert acts.login_of(session) is not None
    pass_by(acts, minutes=acts.config.session_idle_minutes + 1)
    assert acts.login_of(session) is None


def test_s_07_a_clock_that_goes_on_moves_nothing_and_its_latest_time_is_kept(
    acts: Acts, caplog: pytest.LogCaptureFixture
) -> None:
    acts.log_in(BOS, SECRET)
    made_at = acts.one(select(SsoSession.created_at))
    for minutes in (0, 0.01, 1, 60):
        pass_by(acts, minutes=minutes)
    assert abs(acts.one(select(ClockMark.at)) - acts.now().at) < timedelta(minutes=1)
    assert acts.one(select(SsoSession.created_at)) == made_at
    assert caplog.records == []
    assert set_back(acts, minutes=0.005) == 0, "a clock that is held in step"
    assert 60 <= set_back(acts, minutes=1) <= 61
    assert set_back(acts, minutes=0) == 0, "once"
    told = [(one.levelno, one.getMessage()) for one in caplog.records]
    assert told == [(logging.ERROR, "the clock was set back")]


def test_s_07_what_is_over_stays_as_it_was(quick: Acts) -> None:
    pass_by(quick, minutes=0)
    with quick.writing() as (db, now):
        throttling.reserve(db, "b", Place.OUTER, now)
    before = quick.one(select(Throttle.last_at))
    pass_by(quick, minutes=600)
    set_back(quick, minutes=10)
    assert quick.one(select(Throttle.last_at)) == before


def test_s_07_a_clock_set_back_while_nothing_ran_is_noticed_before_the_server_starts(quick: Acts) -> None:
    token = quick.begin(BOS)
    made_at = quick.flow(token).created_at
    with quick.writing() as (db, now):
        db.add(ClockMark(id=1, at=now.at + timedelta(minutes=7)))
    serve._prepare(quick.config, is_fresh=False)
    lost = made_at - quick.flow(token).created_at
    assert timedelta(minutes=6) < lost <= timedelta(minutes=7)
