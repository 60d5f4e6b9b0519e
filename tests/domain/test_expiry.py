"""When a password must be changed: at a new stage, by its age, and after one login (S-01, S-20)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.config import PasswordProfile
from app.domain import credentials, flows, login, passwords, people
from app.domain.elevadgang import areas, oversight
from app.domain.elevadgang.oversight import Deed
from app.domain.flows import Step
from app.domain.login import Entrance
from app.domain.new_password import Practised
from app.models.credentials import Credential, ExpiryReason
from app.models.people import Affiliation, PasswordType
from app.models.sso import SsoSession
from tests.cast import ANNA, BO, EVA, EXPIRING, IDA, STAGE, Member, user_of
from tests.domain.acts import STRANGER, Acts

NEW = "RobinLampe47"
BOS, SECRET = BO.username or "", BO.secret or ""


def step(acts: Acts, token: str) -> Step:
    """Return what a flow needs next."""
    return acts.flow(token).step(acts.now().at, timedelta(days=acts.config.change_notice_days))


def move_to_level(acts: Acts, member: Member, level: str) -> None:
    """Let the source system move a pupil up."""
    with acts.writing() as (db, _now):
        whose = Affiliation.user_id == user_of(db, member).id
        db.execute(update(Affiliation).where(whose).values(level=level))


@pytest.mark.parametrize(
    ("level", "marked", "required"),
    [
        *((level, None, PasswordType.PICTURES) for level in ("DT", "0", "1", "2", "3")),
        *((level, None, PasswordType.WORDS) for level in ("4", "5", "6")),
        *(
            (level, None, PasswordType.WORDS_DIGITS)
            for level in ("7", "8", "9", "10", "U1", "U4", "VU", "Andet")
        ),
        (None, None, PasswordType.WORDS_DIGITS),
        ("8", PasswordType.PICTURES, PasswordType.PICTURES),
        ("2", PasswordType.WORDS, PasswordType.WORDS),
    ],
)
def test_the_level_or_the_schools_mark_gives_the_type(
    level: str | None, marked: PasswordType | None, required: PasswordType
) -> None:
    assert passwords.required_type(level, marked) is required


@pytest.mark.parametrize(("member", "level"), [(ANNA, "4"), (IDA, "7")], ids=["3 to 4", "6 to 7"])
def test_a_move_to_the_next_stage_warns_for_thirty_days_and_then_forces(
    acts: Acts, member: Member, level: str
) -> None:
    username, secret = member.username or "", member.secret or ""
    move_to_level(acts, member, level)
    token = acts.begin(username)
    acts.check(token, secret)
    assert step(acts, token) is Step.WARNING
    ends_at = acts.password(member).expires_at
    assert ends_at is not None
    assert abs(ends_at - acts.now().at - timedelta(days=30)) < timedelta(minutes=1)
    assert acts.password(member).expiry_reason is ExpiryReason.STAGE
    assert acts.postpone(token)
    assert step(acts, token) is Step.FINISH
    assert acts.finish(token)
    acts.clock.forward(days=29)
    again = acts.begin(username)
    acts.check(again, secret)
    assert acts.password(member).expires_at == ends_at, "the thirty days do not begin anew"
    assert step(acts, again) is Step.WARNING
    assert acts.postpone(again)
    acts.clock.forward(days=2)
    late = acts.begin(username)
    acts.check(late, secret)
    assert step(acts, late) is Step.WARNING
    assert not acts.postpone(late)
    assert step(acts, late) is Step.WARNING
    dealt = acts.assign(late)
    assert dealt.password_type is passwords.required_type(level, None)
    assert step(acts, late) is Step.NEW_PASSWORD
    assert acts.confirm(late, dealt.secret) is Practised.CONFIRMED
    after = acts.begin(username)
    acts.check(after, dealt.secret)
    assert step(acts, after) is Step.FINISH


def mark(acts: Acts, member: Member, password_type: PasswordType | None) -> None:
    """Let the school mark a pupil for another type of password, or take that back."""
    with acts.database.reading() as db:
        eva = user_of(db, EVA).id
        (area,) = areas.list_institutions(db, eva)
        uni_id = user_of(db, member).uni_id
    with acts.writing() as (db, now):
        assert oversight.mark(db, area, uni_id, password_type, now) is Deed.DONE


def found(acts: Acts, member: Member) -> credentials.Current:
    """Return the password in force as «Mit Unilogin» shows it."""
    whose = acts.password(member).user_id
    with acts.database.reading() as db:
        current = credentials.find_current(db, acts.config, whose, 0, acts.now().at)
    assert current is not None
    return current


@pytest.mark.parametrize("way", ["mark", "level"])
def test_a_type_that_fits_again_has_no_last_day_any_more(acts: Acts, way: str) -> None:
    """Also where nobody logs in until that day is past."""
    username, secret = IDA.username or "", IDA.secret or ""

    def change(*, is_other: bool) -> None:
        if way == "mark":
            mark(acts, IDA, PasswordType.PICTURES if is_other else None)
        else:
            move_to_level(acts, IDA, "7" if is_other else "5")

    change(is_other=True)
    warned = acts.begin(username)
    acts.check(warned, secret)
    assert step(acts, warned) is Step.WARNING
    last_day = acts.password(IDA).expires_at
    assert last_day is not None
    assert found(acts, IDA).expires_at == last_day
    change(is_other=False)
    assert step(acts, warned) is Step.FINISH
    assert found(acts, IDA).expires_at is None
    acts.clock.forward(days=31)
    late = acts.begin(username)
    assert not acts.flow(late).has_run_out(acts.now().at)
    assert entered(acts, late, secret), "the proof and the end in one statement"
    slow = acts.begin(username)
    acts.check(slow, secret)
    assert step(acts, slow) is Step.FINISH
    assert acts.flow(slow).may_keep_old(acts.now().at)
    assert acts.finish(slow)
    change(is_other=True)
    again = acts.begin(username)
    acts.check(again, secret)
    assert step(acts, again) is Step.WARNING
    assert acts.postpone(again), "the days begin anew"
    ends_at = acts.password(IDA).expires_at
    assert ends_at is not None
    assert abs(ends_at - acts.now().at - timedelta(days=30)) < timedelta(minutes=1)


def test_a_last_day_that_is_past_lets_nobody_in_whose_type_fits_no_more_at_that_moment(acts: Acts) -> None:
    """S-04: it is asked of the statement that logs in, not of the page before."""
    token = acts.begin(STAGE.username or "")
    acts.check(token, STAGE.secret or "")
    assert acts.postpone(token)
    with acts.writing() as (db, now):
        whose = Credential.user_id == user_of(db, STAGE).id
        db.execute(update(Credential).where(whose).values(expires_at=now.at - timedelta(seconds=1)))
    assert acts.finish(token) is None
    move_to_level(acts, STAGE, "3")
    assert acts.finish(token)


def test_a_mark_that_is_taken_back_before_the_next_login_takes_its_days_with_it(acts: Acts) -> None:
    mark(acts, IDA, PasswordType.PICTURES)
    acts.tries(IDA.username or "", IDA.secret or "")
    mark(acts, IDA, None)
    assert (acts.password(IDA).expires_at, acts.password(IDA).expiry_reason) == (None, None)
    acts.clock.forward(days=31)
    mark(acts, IDA, PasswordType.PICTURES)
    token = acts.begin(IDA.username or "")
    acts.check(token, IDA.secret or "")
    assert acts.postpone(token)


def test_s_20_the_years_end_is_no_matter_of_the_type(acts: Acts) -> None:
    ends_at = acts.password(BO).expires_at
    mark(acts, BO, PasswordType.PICTURES)
    mark(acts, BO, None)
    assert acts.password(BO).expires_at == ends_at
    assert found(acts, BO).expires_at == ends_at


def test_s_01_a_password_that_has_run_out_opens_nothing_but_the_choice_of_a_new_one(acts: Acts) -> None:
    """«S-01» Not even where the page that was shown allowed «later»."""
    token = acts.begin(STAGE.username or "")
    acts.check(token, STAGE.secret or "")
    acts.clock.forward(days=21)
    token = acts.begin(STAGE.username or "")
    acts.check(token, STAGE.secret or "")
    assert not acts.postpone(token)
    assert acts.finish(token) is None
    assert acts.count(SsoSession) == 0


def test_the_years_end_warns_a_month_before_and_then_forces(acts: Acts) -> None:
    username, secret = EXPIRING.username or "", EXPIRING.secret or ""
    token = acts.begin(username)
    acts.check(token, secret)
    assert step(acts, token) is Step.WARNING
    assert acts.postpone(token)
    acts.clock.forward(days=11)
    token = acts.begin(username)
    acts.check(token, secret)
    assert not acts.postpone(token)


@pytest.mark.parametrize(("profile", "days"), [(PasswordProfile.UNILOGIN, 365), (PasswordProfile.NIST, None)])
def test_s_20_the_years_end_is_of_the_schools_profile_alone(
    acts: Acts, profile: PasswordProfile, days: int | None
) -> None:
    acts.config = replace(acts.config, password_profile=profile)
    acts.change(BOS, SECRET, NEW)
    ends_at = acts.password(BO).expires_at
    if days is None:
        assert ends_at is None
    else:
        assert ends_at is not None
        assert abs(ends_at - acts.now().at - timedelta(days=days)) < timedelta(minutes=1)
        assert acts.password(BO).expiry_reason is ExpiryReason.AGE
    with acts.writing() as (db, now):
        assert people.about(db, acts.password(BO).user_id, now.today).username == BOS


def test_s_20_a_profile_without_a_years_end_has_none_for_what_was_set_before_either(acts: Acts) -> None:
    assert acts.password(BO).expiry_reason is ExpiryReason.AGE
    schools = acts.config
    nist = replace(schools, password_profile=PasswordProfile.NIST)
    acts.clock.forward(days=400)
    late = acts.begin(BOS)
    acts.check(late, SECRET)
    assert step(acts, late) is Step.WARNING
    assert acts.finish(late) is None
    acts.config = nist
    assert step(acts, late) is Step.FINISH
    assert acts.flow(late).may_keep_old(acts.now().at)
    assert acts.finish(late)
    at_once_in = acts.begin(BOS)
    assert entered(acts, at_once_in), "the proof and the end in one statement"
    acts.config = schools
    again = acts.begin(BOS)
    assert not entered(acts, again)
    assert step(acts, again) is Step.WARNING, "the last day is still written down"


def entered(acts: Acts, token: str, secret: str = SECRET) -> bool:
    """Whether a password logs in by itself, as on the page."""
    with acts.writing() as (db, now):
        flow = flows.find(db, acts.keys, acts.config, token, now)
        assert flow is not None
        checked = login.check_password(
            db, acts.keys, acts.hasher, acts.config, flow, secret, STRANGER, acts.now, Entrance("d")
        )
    acts.held[token] = checked.flow.token
    return checked.session_token is not None


def test_s_20_a_move_to_another_stage_forces_whatever_the_years_end_was(acts: Acts) -> None:
    acts.config = replace(acts.config, password_profile=PasswordProfile.NIST)
    acts.clock.forward(days=400)
    move_to_level(acts, BO, "4")
    token = acts.begin(BOS)
    acts.check(token, SECRET)
    assert acts.password(BO).expiry_reason is ExpiryReason.STAGE
    assert acts.postpone(token)
    acts.clock.forward(days=31)
    late = acts.begin(BOS)
    acts.check(late, SECRET)
    assert not acts.postpone(late)
    assert acts.finish(late) is None
