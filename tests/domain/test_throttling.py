"""Tries are counted before they are made: limits, waits and whose they are (S-07, S-11 to S-13, S-15)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from app import jobs
from app.domain import login, people, throttling
from app.domain.login import Outcome
from app.domain.throttling import Place, Reserved
from app.keys import Keys, Purpose
from app.models.credentials import Throttle
from tests.cast import ANNA, BO, IDA
from tests.domain.acts import AT_SCHOOL, STRANGER, Acts, at_once, device

OUTER_WAITS = [0, 0, 0, 0, 15, 30, 60, 120, 240, 480, 900, 900, 900]
DEVICE_WAITS = [0] * 9 + [15, 30, 60, 120, 240, 300, 300]
NETWORK_WAITS = [0] * 19 + [5, 10, 20, 40, 80, 160, 300, 300]
WRONG = "HelterForkert12"


def reserve(acts: Acts, place: Place = Place.OUTER, bucket: str = "b") -> Reserved:
    """Count one try, in a transaction of its own."""
    with acts.writing() as (db, now):
        return throttling.reserve(db, bucket, place, now)


def exhaust(acts: Acts, tries: int, place: Place = Place.OUTER, bucket: str = "b") -> None:
    """Count so many tries, each as soon as it may be made."""
    for _ in range(tries):
        assert reserve(acts, place, bucket).is_allowed
        acts.clock.forward(seconds=place.value.longest_wait)


def test_s_12_of_fifty_tries_at_once_exactly_five_are_made(acts: Acts) -> None:
    answers = at_once(50, lambda _: reserve(acts))
    assert sum(answer.is_allowed for answer in answers) == 5
    # One more than fifteen: a wait is rounded up, and reckoned from before the turn in the queue.
    assert all(1 <= a.wait_seconds <= 16 for a in answers if not a.is_allowed)
    assert acts.one(select(Throttle.tries)) == 5


def test_s_12_of_twelve_logins_at_once_exactly_five_are_hashed(acts: Acts) -> None:
    tokens = [acts.begin(BO.username or "") for _ in range(12)]
    outcomes = Counter(at_once(12, lambda i: acts.check(tokens[i], WRONG).outcome))
    assert outcomes == {Outcome.WRONG: 5, Outcome.WAIT: 7}


@pytest.mark.parametrize(
    ("place", "waits"),
    [(Place.OUTER, OUTER_WAITS), (Place.DEVICE, DEVICE_WAITS), (Place.NETWORK, NETWORK_WAITS)],
    ids=lambda value: value.name if isinstance(value, Place) else "",
)
def test_s_13_free_tries_then_waits_that_double_to_the_longest(
    acts: Acts, place: Place, waits: list[int]
) -> None:
    for wait in waits:
        assert reserve(acts, place).is_allowed
        if wait:
            refused = reserve(acts, place)
            assert not refused.is_allowed
            assert not refused.is_closed
            assert wait - 2 <= refused.wait_seconds <= wait
            acts.clock.forward(seconds=wait - 3)
            assert not reserve(acts, place).is_allowed
            acts.clock.forward(seconds=3)


def test_s_15_a_new_key_for_tokens_opens_no_closed_account(quick: Acts) -> None:
    """«S-23» Nor is anything else that was counted forgotten."""
    for username in (BO.username or "", "zzzz9999"):
        exhaust(quick, 50, bucket=throttling.bucket_name(quick.keys, Place.OUTER, username))
        exhaust(quick, 50, bucket=throttling.bucket_name(quick.keys, Place.OUTER, "", shared(quick)))
        before, quick.keys = quick.keys, quick.keys.with_new(Purpose.TOKEN)
        assert before.token_mark("x", "y") != quick.keys.token_mark("x", "y")
        assert quick.tries(username, WRONG).outcome is Outcome.CLOSED
        assert quick.tries(ODD, WRONG).outcome is Outcome.CLOSED
        quick.clock.forward(days=1)
        with quick.writing() as (db, _now):
            db.execute(delete(Throttle))


ODD = "no username at all"


def shared(acts: Acts) -> str:
    return throttling.shared_detail(acts.keys, ODD)


@pytest.mark.parametrize("tries", [49, 50, 51])
@pytest.mark.parametrize("place", Place)
def test_s_15_of_what_is_long_unused_only_what_has_closed_is_kept(
    acts: Acts, place: Place, tries: int
) -> None:
    exhaust(acts, min(tries, place.value.closes_at or tries), place)
    crowd = {"bucket": "crowd", "tries": tries, "last_at": acts.now().at, "next_at": acts.now().at}
    with acts.writing() as (db, _now):
        db.add(Throttle(**crowd, may_close=False))
    acts.clock.forward(seconds=throttling.UNUSED_SECONDS - 60)
    jobs.sweep(acts.database, acts.clock)
    assert acts.count(Throttle) == 2
    acts.clock.forward(seconds=1000)
    jobs.sweep(acts.database, acts.clock)
    is_closed = place is Place.OUTER and tries >= 50
    assert acts.count(Throttle) == is_closed
    assert reserve(acts, place).is_closed is is_closed


def test_s_13_a_refused_try_is_not_counted_and_lengthens_nothing(acts: Acts) -> None:
    for _ in range(5):
        assert reserve(acts).is_allowed
    first = reserve(acts).wait_seconds
    for _ in range(20):
        assert reserve(acts).wait_seconds <= first
    assert acts.one(select(Throttle.tries)) == 5


def test_s_13_at_fifty_failures_the_outer_bucket_closes_until_it_is_reopened(acts: Acts) -> None:
    exhaust(acts, 50)
    acts.clock.forward(days=30)
    answer = reserve(acts)
    assert (answer.is_allowed, answer.is_closed) == (False, True)
    with acts.writing() as (db, _now):
        throttling.reopen(db, "b")
    assert reserve(acts).is_allowed


@pytest.mark.parametrize("place", [Place.DEVICE, Place.NETWORK], ids=lambda place: place.name)
def test_s_13_no_number_of_failures_closes_the_usual_device_or_school(acts: Acts, place: Place) -> None:
    exhaust(acts, 55, place)
    assert reserve(acts, place).is_allowed


def test_s_12_one_that_only_waits_is_left_to_wait(acts: Acts) -> None:
    for _ in range(5):
        reserve(acts)
    with acts.writing() as (db, _now):
        throttling.reopen(db, "b")
    assert not reserve(acts).is_allowed


def test_s_07_a_clock_set_back_an_hour_lengthens_no_wait(acts: Acts) -> None:
    exhaust(acts, 12)
    acts.clock.forward(seconds=-900)
    assert not reserve(acts).is_allowed
    acts.clock.forward(hours=-1)
    assert reserve(acts).is_allowed
    assert not reserve(acts).is_allowed
    acts.clock.forward(seconds=900)
    assert reserve(acts).is_allowed


def test_s_07_a_clock_set_back_an_hour_opens_nothing_that_closed(acts: Acts) -> None:
    exhaust(acts, 50)
    acts.clock.forward(hours=-20)
    assert reserve(acts).is_closed


def test_s_16_a_try_that_could_not_be_made_is_given_back(acts: Acts) -> None:
    for _ in range(4):
        reserve(acts)
    fifth = reserve(acts)
    with acts.writing() as (db, _now):
        throttling.give_back(db, fifth)
    assert reserve(acts).is_allowed
    assert not reserve(acts).is_allowed


def test_s_12_success_clears_its_own_bucket_only(acts: Acts) -> None:
    """«S-12» Anna's known device, the school's network and the world outside count apart, and so does Bo."""
    bo, secret, mine = BO.username or "", BO.secret or "", device("mine")
    acts.log_in(bo, secret, mine)
    for browser in (STRANGER, AT_SCHOOL, mine):
        assert acts.tries(bo, WRONG, browser).outcome is Outcome.WRONG
    assert acts.tries(IDA.username or "", WRONG).outcome is Outcome.WRONG
    assert acts.count(Throttle) == 4
    acts.log_in(bo, secret, mine)
    assert acts.count(Throttle) == 3
    acts.log_in(bo, secret, AT_SCHOOL)
    assert acts.count(Throttle) == 2
    acts.log_in(bo, secret)
    assert acts.count(Throttle) == 1


def outer_bucket(acts: Acts, username: str) -> str:
    """Return the bucket that all unknown devices share for a username."""
    return throttling.bucket_name(acts.keys, Place.OUTER, username)


@pytest.mark.parametrize("browser", [device("mine"), AT_SCHOOL], ids=["known device", "school"])
def test_s_13_a_success_in_the_usual_place_reopens_the_closed_outer_bucket(
    acts: Acts, browser: login.Browser
) -> None:
    bo, secret = BO.username or "", BO.secret or ""
    acts.log_in(bo, secret, device("mine"))
    exhaust(acts, 50, bucket=outer_bucket(acts, bo))
    assert acts.tries(bo, secret).outcome is Outcome.CLOSED
    acts.log_in(bo, secret, browser)
    assert acts.tries(bo, secret).outcome is Outcome.ACCEPTED


def test_s_13_a_success_on_a_known_device_leaves_strangers_to_wait(acts: Acts) -> None:
    bo, secret, mine = BO.username or "", BO.secret or "", device("mine")
    acts.log_in(bo, secret, mine)
    for _ in range(5):
        acts.tries(bo, WRONG)
    acts.log_in(bo, secret, mine)
    assert acts.tries(bo, secret).outcome is Outcome.WAIT


def test_s_13_no_stranger_locks_a_pupil_out_of_the_usual_device_or_school(acts: Acts) -> None:
    bo, secret, mine = BO.username or "", BO.secret or "", device("mine")
    acts.log_in(bo, secret, mine)
    exhaust(acts, 50, bucket=outer_bucket(acts, bo))
    assert acts.tries(bo, secret, device("made up")).outcome is Outcome.CLOSED
    assert acts.tries(bo, secret, mine).outcome is Outcome.ACCEPTED
    assert acts.tries(bo, secret, AT_SCHOOL).outcome is Outcome.ACCEPTED


def test_s_13_a_device_is_known_to_its_own_account_alone(acts: Acts) -> None:
    acts.log_in(BO.username or "", BO.secret or "", device("bo's"))
    token = acts.begin(ANNA.username or "")
    assert not acts.flow(token, device("bo's")).is_known_device
    assert acts.flow(acts.begin(BO.username or ""), device("bo's")).is_known_device


def test_s_15_a_change_of_password_shares_the_counters_of_the_login(acts: Acts) -> None:
    for number in range(5):
        token = acts.begin(BO.username or "", is_change=bool(number % 2))
        assert acts.check(token, WRONG).outcome is Outcome.WRONG
    for is_change in (False, True):
        token = acts.begin(BO.username or "", is_change=is_change)
        assert acts.check(token, BO.secret or "").outcome is Outcome.WAIT


def test_s_11_the_table_tells_no_usernames(ring: Keys) -> None:
    names = {
        throttling.bucket_name(ring, place, username, detail)
        for place in Place
        for username in ("anna1001", "boli1003", "")
        for detail in ("", "7")
    }
    assert len(names) == 18
    assert not any("anna" in name or "1001" in name for name in names)


FULL_WIDTH = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)}
SPACES = st.text(st.sampled_from(" \t\n\r\u00a0\u2003\u3000"), max_size=250)
VARIANTS = st.tuples(
    SPACES,
    st.lists(st.sampled_from(["plain", "upper", "wide", "wide upper"]), min_size=8, max_size=8),
    SPACES,
)


def written(username: str, variant: tuple[str, list[str], str]) -> str:
    """Write a username in another way."""
    before, ways, after = variant
    letters = [
        letter.upper() if "upper" in way else letter for letter, way in zip(username, ways, strict=True)
    ]
    wide = [FULL_WIDTH[c] if "wide" in way else c for c, way in zip(letters, ways, strict=True)]
    return before + "".join(wide) + after


@settings(derandomize=True, deadline=None, max_examples=300)
@given(variant=VARIANTS)
@example(variant=(" " * 250, ["plain"] * 8, ""))
def test_s_11_every_way_to_write_a_username_is_the_same_username(
    variant: tuple[str, list[str], str],
) -> None:
    assert people.normal_username(written("anna1001", variant)) == "anna1001"
    assert people.normal_username(written("henr276q", variant)) == "henr276q"


def test_s_11_every_way_to_write_a_username_is_one_flow_and_one_bucket(quick: Acts) -> None:
    for number, typed in enumerate(
        ("boli1003", "  BOLI-1003\n", "ｂｏｌｉ１００３", " " * 300 + "Boli１003")
    ):
        flow = quick.flow(quick.begin(typed))
        assert (flow.username, flow.user_id is None) == ("boli1003", False)
        assert acts_tries(quick, typed) == number + 1


def acts_tries(acts: Acts, typed: str) -> int:
    """Try a wrong password; returns how many tries the one bucket there is holds then."""
    acts.tries(typed, WRONG)
    return int(acts.one(select(Throttle.tries)))


@settings(derandomize=True, deadline=None, max_examples=200)
@given(junk=st.text(min_size=1, max_size=60))
@example(junk=" " * 40 + "x")
@example(junk="\u3000" * 40 + "x")
@example(junk="-" * 40 + "x")
@example(junk=" -" * 16)
def test_s_11_what_is_no_username_is_kept_as_what_is_no_username(junk: str) -> None:
    typed = f"anna1001{junk}"
    if people.normal_username(typed) is None:
        assert people.normal_username(people.shown_username(typed)) is None


def test_s_11_what_is_no_username_shares_64_buckets_and_fails_neutrally(quick: Acts) -> None:
    texts = [f"nobody {number}" for number in range(120)]
    texts += ["", "a' OR 1=1 --", "æøå", "anna1001x", "1001anna", "an\x00na", "\ud800"]
    for number, text in enumerate(texts):
        browser = replace(STRANGER, network=f"198.51.{number}.0/24")
        assert quick.tries(text, WRONG, browser).outcome in (Outcome.WRONG, Outcome.WAIT)
    assert 32 < quick.count(Throttle) <= throttling.SHARED_BUCKETS == 64


def test_s_11_a_text_that_begins_like_a_username_counts_nothing_against_it(quick: Acts) -> None:
    for _ in range(5):
        quick.tries("boli1003" + " " * 40 + "x", WRONG)
    assert quick.tries("boli1003", WRONG).outcome is Outcome.WRONG
