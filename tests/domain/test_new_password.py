"""A new password waits, is practised, and only then counts (S-02, S-25, S-26)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import delete, select, update

from app.config import PasswordProfile
from app.domain import flows, new_password, passwords
from app.domain.login import Outcome
from app.domain.new_password import Practised
from app.domain.passwords import HashingBusyError, Rule
from app.keys import KeysError
from app.models.audit import AuditEvent
from app.models.credentials import Authorisation, Credential, PendingPassword, Throttle
from app.models.sso import EndReason, LoginFlow, SsoSession
from tests.cast import ANNA, BO, CARLA, IDA, MARKED, Member
from tests.conftest import SetClock
from tests.domain.acts import Acts, CountingHasher, at_once, device

NEW = "RobinLampe47"
BOS, SECRET = BO.username or "", BO.secret or ""


def proved(acts: Acts, member: Member = BO) -> str:
    """Return a flow of a member that has shown the password and is changing it."""
    token = acts.begin(member.username or "", is_change=True)
    assert acts.check(token, member.secret or "").outcome is Outcome.ACCEPTED
    return token


def test_s_25_a_reload_shows_the_same_password(acts: Acts) -> None:
    token = proved(acts)
    first = acts.assign(token)
    assert acts.assign(token) == first == acts.pending(token)
    assert acts.count(PendingPassword) == 1


@pytest.mark.parametrize("member", [ANNA, IDA, BO, MARKED, CARLA], ids=lambda member: member.word)
def test_s_25_the_old_password_works_until_the_new_one_is_practised(acts: Acts, member: Member) -> None:
    username, secret = member.username or "", member.secret or ""
    token = proved(acts, member)
    waiting = acts.assign(token)
    assert waiting.password_type is member.password_type
    assert acts.tries(username, waiting.secret).outcome is Outcome.WRONG
    assert acts.tries(username, secret).outcome is Outcome.ACCEPTED
    assert acts.confirm(token, waiting.secret + "x") is Practised.DIFFERENT
    assert acts.tries(username, secret).outcome is Outcome.ACCEPTED
    assert acts.confirm(token, waiting.secret) is Practised.CONFIRMED
    assert acts.tries(username, secret).outcome is Outcome.WRONG
    assert acts.tries(username, waiting.secret).outcome is Outcome.ACCEPTED


def test_s_25_an_own_choice_takes_the_place_of_the_dealt_one(acts: Acts) -> None:
    token = proved(acts)
    dealt = acts.assign(token)
    assert acts.choose(token, NEW) == []
    waiting = acts.pending(token)
    assert waiting is not None
    assert (waiting.secret, waiting.is_own_choice) == (NEW, True)
    assert acts.assign(token) == waiting
    assert acts.confirm(token, dealt.secret) is Practised.DIFFERENT
    assert acts.confirm(token, NEW) is Practised.CONFIRMED


def test_s_25_a_choice_that_breaks_a_rule_leaves_what_waits(acts: Acts) -> None:
    token = proved(acts)
    dealt = acts.assign(token)
    assert Rule.USERNAME in acts.choose(token, "Xx9boli1003")
    assert acts.pending(token) == dealt


def test_s_25_what_waits_is_sealed_to_its_flow_and_hides_in_no_column(acts: Acts) -> None:
    token, other = proved(acts), proved(acts)
    acts.choose(token, NEW)
    acts.assign(other)
    rows = {row.flow_id: row.sealed_secret for row in acts.all(select(PendingPassword))}
    assert not any(NEW in sealed for sealed in rows.values())
    mine, theirs = acts.flow(token).id, acts.flow(other).id
    with acts.writing() as (db, _now):
        moved = update(PendingPassword).where(PendingPassword.flow_id == theirs)
        db.execute(moved.values(sealed_secret=rows[mine]))
    with pytest.raises(KeysError):
        acts.pending(other)


def test_s_25_what_waits_is_erased_when_it_counts(acts: Acts) -> None:
    token = proved(acts)
    acts.confirm(token, acts.assign(token).secret)
    assert acts.count(PendingPassword) == 0


@pytest.mark.parametrize("minutes", [29, 31])
def test_s_25_what_waits_is_erased_when_its_time_is_up(acts: Acts, minutes: int) -> None:
    token = proved(acts)
    secret = acts.assign(token).secret
    acts.clock.forward(minutes=minutes)
    is_alive = minutes < acts.config.flow_minutes
    assert (acts.find(token) is not None) is is_alive
    with acts.writing() as (db, now):
        flows.sweep(db, now)
    assert acts.count(PendingPassword) == acts.count(LoginFlow) == int(is_alive)
    if is_alive:
        assert acts.confirm(token, secret) is Practised.CONFIRMED


def test_s_25_more_time_is_more_time_for_what_waits_too(acts: Acts) -> None:
    token = proved(acts)
    secret = acts.assign(token).secret
    acts.clock.forward(minutes=25)
    with acts.writing() as (db, now):
        flows.extend(db, acts.config, acts.flow(token), now)
    acts.clock.forward(minutes=25)
    assert acts.confirm(token, secret) is Practised.CONFIRMED


def test_s_25_a_flow_that_runs_out_while_the_hash_is_made_changes_nothing(acts: Acts) -> None:
    class Slow(CountingHasher):
        def hash(self, *values: object) -> str:
            acts.clock.forward(minutes=31)
            return super().hash(*values)  # type: ignore[arg-type]

    token = proved(acts)
    secret = acts.assign(token).secret
    acts.hasher = Slow(acts.keys, slots=1, wait_seconds=1)
    assert acts.confirm(token, secret) is Practised.GONE
    assert acts.tries(BOS, SECRET).outcome is Outcome.ACCEPTED


def test_s_26_a_change_ends_every_session_and_every_other_flow(acts: Acts) -> None:
    sessions = [acts.log_in(BOS, SECRET, device(place)) for place in ("tablet", "phone")]
    others = acts.log_in(CARLA.username or "", CARLA.secret or "")
    half_done = proved(acts)
    acts.assign(half_done)
    new = acts.change(BOS, SECRET, NEW)
    assert [acts.login_of(session) for session in sessions] == [None, None]
    assert acts.find(half_done) is None
    assert acts.count(PendingPassword) == 0
    assert acts.login_of(new) is not None
    assert acts.login_of(others) is not None
    ended = acts.all(select(SsoSession.end_reason).where(SsoSession.ended_at.is_not(None)))
    assert ended == [EndReason.PASSWORD_CHANGED] * 2


def test_s_02_a_change_is_one_event_that_tells_by_whose_leave_and_no_secret(acts: Acts) -> None:
    before = acts.count(AuditEvent)
    token = proved(acts)
    acts.choose(token, NEW)
    acts.confirm(token, NEW)
    assert acts.count(AuditEvent) == before + 1
    event = acts.all(select(AuditEvent).order_by(AuditEvent.id))[-1]
    bo = acts.password(BO).user_id
    assert (event.event, event.actor_id, event.subject_id) == ("PASSWORD_CHANGED", bo, bo)
    assert event.details == {
        "password_type": "WORDS_DIGITS",
        "authorisation": "OWNER",
        "network": "192.0.2.0/24",
    }
    assert acts.password(BO).authorisation is Authorisation.OWNER


def test_s_02_what_is_not_committed_is_not_done_at_all(acts: Acts) -> None:
    session = acts.log_in(BOS, SECRET)
    token = proved(acts)
    acts.choose(token, NEW)
    before = acts.count(AuditEvent), acts.count(Credential)
    with acts.database.writing() as db:
        flow = acts.flow(token)
        outcome, _ = new_password.confirm(
            db, acts.keys, acts.hasher, acts.config, flow, NEW, device("x"), acts.now
        )
        assert outcome is Practised.CONFIRMED
        db.rollback()
    assert (acts.count(AuditEvent), acts.count(Credential)) == before
    assert acts.login_of(session) is not None
    assert acts.pending(token) is not None
    assert acts.tries(BOS, SECRET).outcome is Outcome.ACCEPTED


def test_s_26_the_owner_has_no_wait_left_after_a_change(acts: Acts) -> None:
    token = proved(acts)
    acts.choose(token, NEW)
    for _ in range(6):
        acts.tries(BOS, "HelterForkert12")
    acts.confirm(token, NEW)
    assert acts.count(Throttle) == 0
    assert acts.tries(BOS, NEW).outcome is Outcome.ACCEPTED


def test_s_20_none_of_the_last_five_is_taken_and_the_sixth_is(acts: Acts) -> None:
    """«S-20» The current one counts among the five."""
    had = [SECRET, "RobinLampe47", "KastanjeBold52", "GulerodsTog83", "ViolinKasse64", "TunnelMuffin35"]
    for old, new in pairwise(had):
        acts.change(BOS, old, new)
    token = acts.begin(BOS, is_change=True)
    acts.check(token, had[-1])
    for recent in had[1:]:
        assert acts.choose(token, recent) == [Rule.RECENT]
    acts.clock.forward(seconds=16)  # each of them counted as a try
    assert acts.choose(token, had[0]) == []
    assert acts.count(Credential, Credential.user_id == acts.password(BO).user_id) == passwords.HISTORY


def test_s_15_what_is_compared_with_the_last_five_counts_as_a_try_at_the_password(acts: Acts) -> None:
    """«S-15» Whoever has come by a window is not told of word after word whether it was the owner's."""
    token = proved(acts)
    for number in range(4):
        assert acts.chooses(token, f"RobinLampe{number}7").is_kept
    assert acts.chooses(token, SECRET).broken == (Rule.RECENT,)
    waits = acts.chooses(token, NEW)
    assert (waits.is_kept, waits.broken) == (False, ())
    assert 1 <= waits.wait_seconds <= 16
    assert acts.tries(BOS, "HelterForkert12").outcome is Outcome.WAIT, "one counter for both"
    assert Rule.LENGTH in acts.chooses(token, "kort").broken, "compared with nothing"
    pending = acts.pending(token)
    assert pending is not None
    assert acts.confirm(token, pending.secret) is Practised.CONFIRMED, "what was kept is still good"
    assert acts.count(Throttle) == 0


def test_s_12_of_twelve_choices_at_once_no_more_are_compared_than_there_are_tries(acts: Acts) -> None:
    token = proved(acts)
    secrets = [f"RobinLampe{number}7" for number in range(10, 22)]
    answers = at_once(12, lambda number: acts.chooses(token, secrets[number]))
    assert sum(answer.is_kept for answer in answers) == 5
    assert all(answer.wait_seconds for answer in answers if not answer.is_kept)


def test_s_16_a_choice_that_could_not_be_compared_does_not_count(acts: Acts) -> None:
    token = proved(acts)

    class Busy(CountingHasher):
        def verify(self, *_values: object) -> bool:
            raise HashingBusyError

    hasher, acts.hasher = acts.hasher, Busy(acts.keys, slots=1, wait_seconds=1)
    for _ in range(7):
        with pytest.raises(HashingBusyError):
            acts.chooses(token, NEW)
    acts.hasher = hasher
    assert acts.chooses(token, NEW).is_kept


def test_s_20_a_password_of_another_type_counts_among_the_last_five(acts: Acts) -> None:
    """«S-20» Bo had «fjerkompas» as words before he was in the upper stage."""
    acts.config = replace(acts.config, password_profile=PasswordProfile.NIST)
    token = proved(acts)
    assert acts.choose(token, "fjerkompas") == [Rule.RECENT]
    assert acts.choose(token, "PudeKanin31") == [Rule.RECENT]


def test_s_23_pictures_are_dealt_and_never_chosen(acts: Acts) -> None:
    token = proved(acts, ANNA)
    with pytest.raises(PermissionError):
        acts.choose(token, "ugle kage sol bamse")
    waiting = acts.assign(token)
    assert len(set(waiting.secret.split())) == passwords.CODE_LENGTH
    assert not waiting.is_own_choice


def test_s_02_a_flow_that_is_gone_while_the_last_five_are_compared_keeps_nothing(acts: Acts) -> None:
    """«S-02» «S-04» Nothing is done by halves."""

    class Meanwhile(CountingHasher):
        def verify(self, *values: object) -> bool:
            with acts.writing() as (db, _now):
                db.execute(delete(LoginFlow))
            return super().verify(*values)  # type: ignore[arg-type]

    token = proved(acts)
    acts.hasher = Meanwhile(acts.keys, slots=1, wait_seconds=1)
    assert acts.choose(token, NEW) is None
    assert acts.count(PendingPassword) == 0


def test_s_25_a_password_that_waits_can_be_kept_waiting_ten_times_and_no_longer(
    acts: Acts, clock: SetClock
) -> None:
    token = proved(acts)
    acts.assign(token)
    for _ in range(11):
        clock.forward(minutes=acts.config.flow_minutes - 1)
        flow = acts.find(token)
        if flow is None:
            break
        with acts.writing() as (db, now):
            flows.extend(db, acts.config, flow, now)
    clock.forward(minutes=12)
    assert acts.find(token) is None
