"""The login: neutral to the curious, proved on the server, one step after the other (S-01, S-06, S-10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from app.domain import blocking, flows, login, passwords, throttling
from app.domain.flows import Step
from app.domain.login import Entrance, Outcome
from app.domain.passwords import Hasher
from app.keys import Keys, KeysError
from app.models.audit import AuditEvent
from app.models.credentials import Credential, KnownDevice, PendingPassword, Throttle
from app.models.people import Affiliation, PasswordType
from app.models.sso import EndReason, LoginFlow, SsoSession
from tests.cast import ANNA, BO, CARLA, EXPIRING, IDA, MARKED, STAGE, Member, user_of
from tests.domain.acts import STRANGER, Acts, CountingHasher, device

NOBODY = "idax9002"
WRONG = "HelterForkert12"


def block(acts: Acts, member: Member) -> None:
    """Block one of the cast."""
    with acts.writing() as (db, now):
        assert blocking.block(db, user_of(db, member).id, now)


def end_affiliations(acts: Acts, member: Member) -> None:
    """Let one of the cast belong nowhere since yesterday."""
    with acts.writing() as (db, now):
        yesterday = now.today - timedelta(days=1)
        whose = Affiliation.user_id == user_of(db, member).id
        db.execute(update(Affiliation).where(whose).values(to_on=yesterday))


@pytest.mark.parametrize("kind", ["unknown", "blocked", "without affiliation"])
def test_s_10_a_name_that_cannot_log_in_answers_counts_and_works_like_one_that_can(
    acts: Acts, kind: str
) -> None:
    """«S-10» The same outcomes, waits, counters, events and hashes, try for try."""
    other = NOBODY if kind == "unknown" else CARLA.username or ""
    if kind == "blocked":
        block(acts, CARLA)
    if kind == "without affiliation":
        end_affiliations(acts, CARLA)
    seen = []
    for username in (BO.username or "", other):
        acts.hasher = CountingHasher(acts.keys, slots=8, wait_seconds=30)
        bucket = throttling.bucket_name(acts.keys, throttling.Place.OUTER, username)
        tries, answers = [], []
        for _ in range(7):
            checked = acts.tries(username, WRONG)
            answers.append((checked.outcome, checked.wait_seconds in range(14, 17), checked.flow.wrong_tries))
            tries.append(acts.one(select(Throttle.tries).where(Throttle.bucket == bucket)))
        refusals = AuditEvent.event == "LOGIN_REFUSED", AuditEvent.details["reason"].as_string() == "wrong"
        seen.append(
            (answers, tries, acts.hasher.verified, acts.hasher.hashed, acts.count(AuditEvent, *refusals))
        )
    (known, one), (unknown, two) = ((row[:4], row[4]) for row in seen)
    assert known == unknown
    assert [answer[0] for answer in known[0]] == [Outcome.WRONG] * 5 + [Outcome.WAIT] * 2
    assert known[2] == 5
    assert two == 2 * one


def test_s_10_the_right_password_of_a_throttled_name_is_not_even_looked_at(acts: Acts) -> None:
    for _ in range(5):
        acts.tries(BO.username or "", WRONG)
    before = acts.hasher.verified  # type: ignore[attr-defined]
    assert acts.tries(BO.username or "", BO.secret or "").outcome is Outcome.WAIT
    assert acts.hasher.verified == before  # type: ignore[attr-defined]


@pytest.mark.parametrize("username", [BO.username, NOBODY, "no username"])
@pytest.mark.parametrize(
    "secret", ["", " ", "x" * 60_000, "\x00", "ß" * 2000], ids=["", "1", "big", "nul", "ß"]
)
def test_s_10_every_try_past_the_throttle_costs_one_full_hash(acts: Acts, username: str, secret: str) -> None:
    assert acts.tries(username, secret).outcome is (Outcome.WRONG if secret else Outcome.EMPTY)
    assert isinstance(acts.hasher, CountingHasher)
    assert (acts.hasher.verified, acts.hasher.hashed) == (1, 0)


@pytest.mark.parametrize("username", [BO.username, NOBODY, "no username"])
def test_s_10_an_empty_password_waits_like_any_other_and_is_not_counted(acts: Acts, username: str) -> None:
    for _ in range(7):
        assert acts.tries(username, "").outcome is Outcome.EMPTY
    for _ in range(5):
        assert acts.tries(username, WRONG).outcome is Outcome.WRONG
        assert acts.tries(username, "").outcome in (Outcome.EMPTY, Outcome.WAIT)
    assert acts.tries(username, "").outcome is Outcome.WAIT


def test_s_10_what_stands_in_for_a_missing_hash_costs_what_a_real_one_does(ring: Keys) -> None:
    """«S-10» The decoy has the parameters of S-21; that of a user nobody has never fits."""
    hasher = Hasher(ring, slots=1, wait_seconds=1)
    parameters = hasher.hash("x", 1, PasswordType.WORDS).split("$")[1:4]
    assert hasher._decoy.decode().split("$")[1:4] == parameters
    assert not hasher.verify("nobody", 0, PasswordType.WORDS, None)


def test_s_10_blocked_is_said_after_the_right_password_only(acts: Acts) -> None:
    block(acts, BO)
    assert acts.tries(BO.username or "", WRONG).outcome is Outcome.WRONG
    token = acts.begin(BO.username or "")
    assert acts.check(token, BO.secret or "").outcome is Outcome.BLOCKED
    assert not acts.flow(token).is_proved
    assert acts.finish(token) is None


def test_s_10_no_affiliation_is_said_after_the_right_password_only(acts: Acts) -> None:
    end_affiliations(acts, BO)
    assert acts.tries(BO.username or "", WRONG).outcome is Outcome.WRONG
    token = acts.begin(BO.username or "")
    assert acts.check(token, BO.secret or "").outcome is Outcome.NO_AFFILIATION
    assert not acts.flow(token).is_proved
    assert acts.finish(token) is None


def test_s_10_an_unknown_name_always_seems_to_have_the_same_kind_of_password(ring: Keys) -> None:
    names = [f"{a}{b}xy{number}" for a in "abcdefgh" for b in "ijklmnop" for number in range(1000, 1040)]
    kinds = [passwords.decoy_type(ring, name) for name in names]
    assert kinds == [passwords.decoy_type(ring, name.upper()) for name in names]
    assert 0.3 < kinds.count(PasswordType.PICTURES) / len(kinds) < 0.42
    assert set(kinds) == {PasswordType.PICTURES, PasswordType.WORDS}


def test_s_10_the_kind_that_is_shown_for_an_unknown_name_is_its_decoy(quick: Acts) -> None:
    for number in range(9000, 9020):
        name = f"idax{number}"
        flow = quick.flow(quick.begin(name.upper()))
        assert (flow.user_id, flow.password_type) == (None, passwords.decoy_type(quick.keys, name))


@pytest.mark.parametrize("member", [ANNA, IDA, BO, MARKED], ids=lambda member: member.word)
def test_a_known_name_is_asked_for_the_kind_of_password_it_has(acts: Acts, member: Member) -> None:
    assert acts.flow(acts.begin(member.username or "")).password_type is member.password_type


@pytest.mark.parametrize("member", [ANNA, IDA, BO, CARLA, MARKED], ids=lambda member: member.word)
def test_s_02_a_login_is_a_session_a_known_device_and_one_event(acts: Acts, member: Member) -> None:
    before = acts.count(AuditEvent), acts.count(SsoSession)
    token = acts.log_in(member.username or "", member.secret or "", device("mine"))
    assert (acts.count(AuditEvent), acts.count(SsoSession)) == (before[0] + 1, before[1] + 1)
    found = acts.login_of(token)
    assert found is not None
    assert found.username == member.username
    assert acts.count(KnownDevice, KnownDevice.user_id == found.user_id) == 1
    event = acts.all(select(AuditEvent).order_by(AuditEvent.id))[-1]
    assert (event.event, event.actor_id, event.subject_id) == ("LOGGED_IN", found.user_id, found.user_id)
    assert event.details == {"device": "Firefox, Linux", "network": "192.0.2.0/24", "method": "password"}


def test_s_01_without_a_proof_there_is_no_session_and_no_new_password(acts: Acts) -> None:
    token = acts.begin(BO.username or "")
    acts.check(token, WRONG)
    assert acts.flow(token).step(acts.now().at, timedelta(30)) is Step.PASSWORD
    assert acts.finish(token) is None
    with pytest.raises(PermissionError):
        acts.assign(token)
    with pytest.raises(PermissionError):
        acts.choose(token, "RobinLampe47")
    with pytest.raises(PermissionError):
        acts.confirm(token, "RobinLampe47")
    assert acts.count(SsoSession) == acts.count(PendingPassword) == 0


def test_s_01_a_proof_by_a_password_that_has_been_changed_since_proves_nothing(acts: Acts) -> None:
    bo, secret = BO.username or "", BO.secret or ""
    finished, waiting = acts.begin(bo), acts.begin(bo)
    for token in (finished, waiting):
        assert acts.check(token, secret).outcome is Outcome.ACCEPTED
    before = [acts.flow(finished), acts.flow(waiting)]
    assert acts.finish(finished)
    acts.change(bo, secret, "RobinLampe47")
    assert acts.find(waiting) is None
    assert acts.find(finished) is None
    for stale in before:
        with acts.writing() as (db, now):
            assert login.finish(db, acts.keys, acts.config, stale, STRANGER, Entrance("d"), now) is None


def test_s_05_a_flow_whose_user_has_no_password_any_more_is_proved_by_nothing(acts: Acts) -> None:
    token = acts.begin(BO.username or "")
    assert acts.check(token, BO.secret or "").outcome is Outcome.ACCEPTED
    with acts.writing() as (db, _now):
        db.execute(delete(Credential).where(Credential.user_id == user_of(db, BO).id))
    assert not acts.flow(token).is_proved
    assert acts.finish(token) is None


class Meanwhile(CountingHasher):
    """Lets something happen while a hash is being computed."""

    act: Callable[[], object]

    def verify(self, *values: Any) -> bool:
        self.act()
        return super().verify(*values)


def change(acts: Acts) -> None:
    """Change Bo's password in another browser."""
    meanwhile, acts.hasher = acts.hasher, CountingHasher(acts.keys, slots=2, wait_seconds=5)
    acts.change(BO.username or "", BO.secret or "", "RobinLampe47")
    acts.hasher = meanwhile


def end_password(acts: Acts) -> None:
    """End Bo's password, and nothing with it."""
    with acts.writing() as (db, now):
        whose = Credential.user_id == user_of(db, BO).id
        db.execute(update(Credential).where(whose).values(ended_at=now.at))


def mark_blocked(acts: Acts) -> None:
    """Write that Bo is blocked, and end nothing with it."""
    with acts.writing() as (db, now):
        user_of(db, BO).blocked_at = now.at


@pytest.mark.parametrize("act", [change, end_password, lambda acts: block(acts, BO), mark_blocked])
def test_s_04_what_changes_while_the_hash_is_computed_counts(acts: Acts, act: Callable[[Acts], None]) -> None:
    """«S-04» Flow, password and person are judged again where the proof is written."""
    token = acts.begin(BO.username or "")
    hasher = Meanwhile(acts.keys, slots=2, wait_seconds=5)
    hasher.act = lambda: act(acts)
    acts.hasher = hasher
    assert acts.check(token, BO.secret or "").outcome is Outcome.GONE
    assert acts.count(LoginFlow, LoginFlow.proof.is_not(None), LoginFlow.finished_at.is_(None)) == 0


@pytest.mark.parametrize("act", [end_password, mark_blocked])
def test_s_04_what_changes_between_the_proof_and_the_end_counts(
    acts: Acts, act: Callable[[Acts], None]
) -> None:
    token = acts.begin(BO.username or "")
    assert acts.check(token, BO.secret or "").outcome is Outcome.ACCEPTED
    flow = acts.flow(token)
    act(acts)
    with acts.writing() as (db, now):
        assert login.finish(db, acts.keys, acts.config, flow, STRANGER, Entrance("d"), now) is None
    assert acts.count(SsoSession) == 0


def test_s_06_no_token_is_accepted_in_anothers_place(acts: Acts) -> None:
    token = acts.begin(BO.username or "")
    acts.check(token, BO.secret or "", device("mine"))
    session = acts.finish(token, device("mine"))
    assert session is not None
    assert acts.login_of(session) is not None
    assert acts.login_of(token) is None
    assert acts.login_of("mine") is None
    assert acts.find(session) is None
    stored = [
        *acts.all(select(LoginFlow.token_mark)),
        *acts.all(select(SsoSession.token_mark)),
        *acts.all(select(KnownDevice.device_mark)),
    ]
    assert not {token, session, "mine"} & set(stored)
    other = acts.begin(BO.username or "")
    assert not acts.flow(other, device(session)).is_known_device
    assert not acts.flow(other, device(token)).is_known_device
    assert acts.flow(other, device("mine")).is_known_device


def test_s_17_each_login_has_a_new_session_and_a_planted_id_is_never_adopted(acts: Acts) -> None:
    bo, secret = BO.username or "", BO.secret or ""
    tokens = {acts.log_in(bo, secret, device("planted")) for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 43 for token in tokens)
    assert acts.login_of("planted") is None


def test_s_17_a_login_in_a_browser_takes_the_place_of_the_one_before(acts: Acts) -> None:
    before = acts.login_of(acts.log_in(BO.username or "", BO.secret or ""))
    assert before is not None
    token = acts.begin(BO.username or "")
    acts.check(token, BO.secret or "")
    flow = acts.flow(token)
    with acts.writing() as (db, now):
        login.finish(db, acts.keys, acts.config, flow, STRANGER, Entrance("d", before.id), now)
    assert acts.one(select(SsoSession.end_reason).where(SsoSession.id == before.id)) is EndReason.REPLACED


@pytest.mark.parametrize(("minutes", "is_there"), [(29, True), (31, False), (-61, False)])
def test_s_07_a_flow_lives_half_an_hour_and_a_clock_set_back_does_not_lengthen_it(
    quick: Acts, minutes: int, is_there: bool
) -> None:
    token = quick.begin(BO.username or "")
    quick.clock.forward(minutes=minutes)
    assert (quick.find(token) is not None) is is_there


def test_a_flow_that_is_begun_anew_takes_the_place_of_the_one_before(quick: Acts) -> None:
    first = quick.begin(BO.username or "")
    with quick.writing() as (db, now):
        second = flows.begin(
            db, quick.keys, quick.dice, quick.config, now, "anna1001", replaced_token=first
        ).token
    assert quick.find(first) is None
    assert quick.flow(second).username == "anna1001"


def test_s_16_more_hashes_than_the_machine_computes_are_refused_and_cost_no_try(acts: Acts) -> None:
    acts.hasher = Hasher(acts.keys, slots=1, wait_seconds=0.01)
    with acts.hasher._slot():
        for _ in range(7):
            assert acts.tries(BO.username or "", BO.secret or "").outcome is Outcome.BUSY
    assert acts.one(select(Throttle.tries)) == 0
    assert acts.tries(BO.username or "", BO.secret or "").outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("member", "step"),
    [
        (BO, Step.FINISH),
        (ANNA, Step.FINISH),
        (MARKED, Step.FINISH),
        (STAGE, Step.WARNING),
        (EXPIRING, Step.WARNING),
    ],
    ids=lambda value: getattr(value, "word", ""),
)
def test_what_comes_after_the_password_follows_from_type_and_age(
    acts: Acts, member: Member, step: Step
) -> None:
    token = acts.begin(member.username or "")
    checked = acts.check(token, member.secret or "")
    notice = timedelta(days=acts.config.change_notice_days)
    assert checked.flow.step(acts.now().at, notice) is step
    assert acts.flow(token).step(acts.now().at, notice) is step
    changing = replace(acts.flow(token), is_change=True)
    assert changing.step(acts.now().at, notice) is Step.NEW_PASSWORD


def test_s_25_pictures_tapped_without_script_are_sealed_to_their_flow(acts: Acts) -> None:
    token, other = acts.begin(ANNA.username or ""), acts.begin(ANNA.username or "")
    with acts.writing() as (db, _now):
        flows.keep_picks(db, acts.keys, acts.flow(token), ("ugle", "kage"))
    assert acts.flow(token).picks == ("ugle", "kage")
    sealed = acts.one(select(LoginFlow.sealed_picks).where(LoginFlow.sealed_picks.is_not(None)))
    assert "ugle" not in sealed
    with acts.writing() as (db, _now):
        db.execute(update(LoginFlow).values(sealed_picks=sealed))
    with pytest.raises(KeysError):
        acts.flow(other)
    acts.check(token, passwords.code(["ugle"]))
    assert acts.flow(token).picks == ()
