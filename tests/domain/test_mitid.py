"""Trips to MitID without a web: taken once, and what one person may do for another (S-30 to S-33)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from app.domain import blocking, mitid, recovery, usernames
from app.domain.flows import Flow
from app.domain.new_password import Practised
from app.domain.recovery import Authority
from app.models.credentials import Credential, PendingPassword
from app.models.people import ContactRelation, User
from app.models.recovery import Errand, MitIdTrip, RecoveryFlow
from app.models.sso import LoginFlow, Proof, SsoSession
from tests.cast import ALBA, ANNA, BO, CARLA, DAN, FINN, IDA, NAMELESS, OTTO, PARENT, Member, user_of
from tests.domain.acts import Acts, at_once


def begin(acts: Acts, errand: Errand = Errand.USERNAME, replaced: str | None = None) -> str:
    """Begin a trip; returns its token."""
    with acts.writing() as (db, now):
        return mitid.begin(db, acts.keys, acts.dice, now, errand, replaced_token=replaced)


def take(acts: Acts, token: str) -> mitid.Underway | None:
    """Come back."""
    with acts.writing() as (db, now):
        return mitid.take(db, acts.keys, token, now)


def id_of(acts: Acts, member: Member) -> int:
    """Return a person's number."""
    with acts.database.reading() as db:
        return user_of(db, member).id


def prove(acts: Acts, flow: Flow, member: Member) -> Flow | None:
    """Stand behind a flow as one whom MitID proved."""
    with acts.writing() as (db, now):
        return recovery.prove(db, acts.keys, acts.config, flow, user_of(db, member).id, now)


def proved(acts: Acts, whose: Member, by: Member) -> str:
    """Begin a login as one, proved by another; returns the first token."""
    token = acts.begin(whose.username or "")
    flow = prove(acts, acts.flow(token), by)
    assert flow is not None
    acts.held[token] = flow.token
    return token


def test_s_30_of_many_that_come_back_at_once_one_does(acts: Acts) -> None:
    """«S-30», S-04."""
    token = begin(acts)
    taken = at_once(8, lambda _: take(acts, token))
    assert len([one for one in taken if one is not None]) == 1
    assert take(acts, token) is None


def test_s_30_a_trip_has_ten_minutes_and_is_not_of_the_future(acts: Acts) -> None:
    """«S-30», S-07."""
    token = begin(acts)
    acts.clock.forward(minutes=9, seconds=58)
    assert take(acts, token) is not None
    token = begin(acts)
    acts.clock.forward(minutes=10, seconds=1)
    assert take(acts, token) is None
    token = begin(acts)
    acts.clock.forward(seconds=-70)
    assert take(acts, token) is None


def test_s_06_a_token_of_another_kind_is_no_trip(acts: Acts) -> None:
    """«S-06»."""
    flow = acts.begin(BO.username or "")
    assert take(acts, flow) is None
    token = begin(acts)
    assert acts.find(token) is None
    with acts.database.reading() as db:
        assert mitid.find(db, acts.keys, flow, acts.now()) is None
        assert usernames.find(db, acts.keys, token, acts.now()) is None


def test_a_new_trip_takes_the_place_of_the_one_before(acts: Acts) -> None:
    first = begin(acts)
    second = begin(acts, replaced=first)
    assert take(acts, first) is None
    assert take(acts, second) is not None


def test_what_has_run_out_is_swept(acts: Acts) -> None:
    begin(acts)
    with acts.writing() as (db, now):
        usernames.begin(db, acts.keys, acts.dice, now, user_of(db, DAN).id)
        mitid.sweep(db, now)
    assert (acts.count(MitIdTrip), acts.count(RecoveryFlow)) == (1, 1)
    acts.clock.forward(minutes=11)
    with acts.writing() as (db, now):
        mitid.sweep(db, now)
    assert (acts.count(MitIdTrip), acts.count(RecoveryFlow)) == (0, 0)


@pytest.mark.parametrize(
    ("adult", "child", "authority"),
    [
        (BO, BO, Authority.OWN),
        (DAN, ANNA, Authority.GUARDIAN),
        (PARENT, ALBA, Authority.GUARDIAN),
        (PARENT, OTTO, Authority.GUARDIAN),
        (DAN, IDA, Authority.NO_CUSTODY),
        (DAN, ALBA, Authority.NONE),
        (CARLA, ANNA, Authority.NONE),
        (FINN, ANNA, Authority.NONE),
        (ANNA, DAN, Authority.NONE),
    ],
    ids=lambda one: one.word if isinstance(one, Member) else one.name,
)
def test_s_32_who_may_help_whom(acts: Acts, adult: Member, child: Member, authority: Authority) -> None:
    """«S-32» Never a teacher in this way, and no child a parent."""
    with acts.writing() as (db, now):
        found = recovery.find_authority(db, user_of(db, adult).id, user_of(db, child).id, now)
        assert recovery.find_authority(db, user_of(db, adult).id, None, now) is Authority.NONE
    assert found is authority
    if authority not in recovery.PROOFS:
        flow = acts.flow(acts.begin(child.username or ""))
        with pytest.raises(PermissionError):
            prove(acts, flow, adult)
        assert acts.count(LoginFlow, LoginFlow.proof.is_not(None)) == 0


@pytest.mark.parametrize("days", [-1, 1])
def test_s_32_a_relation_holds_from_its_first_day_to_its_last(acts: Acts, days: int) -> None:
    """«S-32»."""
    anna = id_of(acts, ANNA)
    with acts.writing() as (db, now):
        day = now.today + timedelta(days=days)
        values = {"to_on": day} if days < 0 else {"from_on": day}
        db.execute(update(ContactRelation).where(ContactRelation.pupil_id == anna).values(**values))
    with acts.database.reading() as db:
        assert recovery.find_authority(db, user_of(db, DAN).id, anna, acts.now()) is Authority.NONE
        acts.clock.forward(days=days)
        assert recovery.find_authority(db, user_of(db, DAN).id, anna, acts.now()) is Authority.GUARDIAN


def test_s_31_a_proof_by_mitid_opens_no_session_without_a_new_password(quick: Acts) -> None:
    """«S-31» Whatever a step forgets, the last statement asks."""
    token = proved(quick, BO, BO)
    flow = quick.flow(token)
    assert flow.is_proved
    assert flow.proof is Proof.MITID
    assert quick.finish(token) is None
    assert quick.count(SsoSession) == 0
    pending = quick.assign(token)
    assert quick.confirm_and_finish(token, pending.secret) is not None


def test_a_proof_ends_when_the_password_changes_meanwhile(quick: Acts) -> None:
    """S-26: and so does what waits in it."""
    first, second = proved(quick, BO, BO), proved(quick, BO, BO)
    secret = quick.assign(second).secret
    waiting = quick.assign(first).secret
    assert quick.confirm_and_finish(second, secret) is not None
    assert quick.find(first) is None
    assert waiting not in (secret, None)


def test_a_first_password_ends_every_other_first_one(quick: Acts) -> None:
    bo = id_of(quick, BO)
    with quick.writing() as (db, _now):
        db.execute(delete(Credential).where(Credential.user_id == bo))
    first, second = proved(quick, BO, BO), proved(quick, BO, BO)
    quick.assign(first)
    stale = quick.flow(first)
    with quick.writing() as (db, _now):
        assert recovery.prove(db, quick.keys, quick.config, stale, bo, quick.now()) is not None
    assert quick.confirm_and_finish(second, quick.assign(second).secret) is not None
    assert quick.count(Credential, Credential.user_id == bo, Credential.ended_at.is_(None)) == 1
    assert prove(quick, stale, BO) is None


@pytest.mark.parametrize("kind", ["blocked", "run out", "finished"])
def test_nothing_is_proved_in_a_flow_that_is_over(quick: Acts, kind: str) -> None:
    """S-04."""
    token = quick.begin(BO.username or "")
    flow = quick.flow(token)
    if kind == "blocked":
        with quick.writing() as (db, now):
            blocking.block(db, user_of(db, BO).id, now)
    elif kind == "run out":
        quick.clock.forward(minutes=31)
    else:
        with quick.writing() as (db, now):
            db.execute(update(LoginFlow).values(finished_at=now.sql))
    assert prove(quick, flow, BO) is None


def test_s_32_custody_is_read_again_in_the_last_transaction(quick: Acts) -> None:
    """«S-32» And the flow is left as it was before MitID."""
    token = proved(quick, ANNA, DAN)
    secret = quick.assign(token).secret
    with quick.writing() as (db, _now):
        whose = ContactRelation.pupil_id == user_of(db, ANNA).id
        db.execute(update(ContactRelation).where(whose).values(has_custody=False))
    assert quick.confirm(token, secret) is Practised.NO_AUTHORITY
    assert quick.count(PendingPassword) == 0
    flow = quick.flow(token)
    assert not flow.is_proved
    assert flow.proof is None
    assert quick.count(Credential, Credential.user_id == flow.user_id, Credential.ended_at.is_not(None)) == 0


def test_blocking_a_parent_ends_what_the_parent_began(quick: Acts) -> None:
    """S-18."""
    token = proved(quick, ANNA, DAN)
    with quick.writing() as (db, now):
        blocking.block(db, user_of(db, DAN).id, now)
    assert quick.find(token) is None


def test_a_password_tried_right_takes_the_place_of_the_proof_by_mitid(acts: Acts) -> None:
    """S-01: what stands in the flow is the last proof, and no parent behind it."""
    token = proved(acts, BO, BO)
    checked = acts.check(token, BO.password or "")
    assert checked.outcome.name == "ACCEPTED"
    flow = acts.flow(token)
    assert (flow.proof, flow.authorised_by_id) == (Proof.PASSWORD, None)


def test_s_33_a_proof_is_of_the_future_or_of_nobody(acts: Acts) -> None:
    """«S-33», S-07."""
    with acts.writing() as (db, now):
        token = usernames.begin(db, acts.keys, acts.dice, now, user_of(db, DAN).id)
    with acts.database.reading() as db:
        assert usernames.find(db, acts.keys, token, acts.now()) is not None
        acts.clock.forward(seconds=-70)
        assert usernames.find(db, acts.keys, token, acts.now()) is None


def test_of_many_presses_one_gives_a_username(acts: Acts) -> None:
    """S-04."""
    with acts.writing() as (db, _now):
        yusuf, dan = user_of(db, NAMELESS), user_of(db, DAN).id
        anna = db.scalars(
            select(ContactRelation).where(
                ContactRelation.pupil_id == user_of(db, ANNA).id, ContactRelation.contact_id == dan
            )
        ).one()
        anna.pupil_id = yusuf.id
        uni_id = yusuf.uni_id

    def press(_number: int) -> bool:
        with acts.writing() as (db, now):
            return usernames.activate(db, acts.dice, dan, uni_id, now)

    assert sorted(at_once(6, press)) == [False] * 5 + [True]
    with acts.writing() as (db, now):
        assert not usernames.activate(db, acts.dice, dan, "nobody", now)


class Loaded:
    """Dice that always fall the same way."""

    def below(self, limit: int) -> int:
        return 3 % limit

    def pick(self, choices: str) -> str:
        return choices[0]


@pytest.mark.parametrize(("taken", "given"), [(1, "blin1003"), (2, "lind1003"), (3, "aaaa1003"), (4, None)])
def test_when_the_numbers_of_a_name_are_taken_other_letters_are_given(
    acts: Acts, taken: int, given: str | None
) -> None:
    """With these dice there is one number."""
    dice = Loaded()
    with acts.writing() as (db, now):
        bo, others = user_of(db, BO), [ANNA, IDA, DAN, CARLA]
        names = dict.fromkeys(usernames.propose(dice, bo.shown_name))  # type: ignore[arg-type]
        assert list(names) == ["boli1003", "blin1003", "lind1003", "aaaa1003"]
        ids = [user_of(db, other).id for other in others]
        db.execute(update(User).where(User.id == bo.id).values(username=None))
        for user_id, username in zip(ids[:taken], names, strict=False):
            db.execute(update(User).where(User.id == user_id).values(username=username))
        if given is None:
            with pytest.raises(LookupError):
                usernames.activate(db, dice, bo.id, bo.uni_id, now)  # type: ignore[arg-type]
            return
        assert usernames.activate(db, dice, bo.id, bo.uni_id, now)  # type: ignore[arg-type]
        assert db.scalar(select(User.username).where(User.id == bo.id)) == given


class Counting(Loaded):
    """Dice that fall one higher each time."""

    def __init__(self) -> None:
        self.fallen = 0

    def below(self, limit: int) -> int:
        self.fallen += 1
        return self.fallen % limit


def test_of_many_who_are_given_the_same_name_at_once_each_gets_one(acts: Acts) -> None:
    """S-04: the name was free when it was looked for, and another takes it before it is written."""
    with acts.writing() as (db, _now):
        whose = [user_of(db, member).id for member in (BO, CARLA, DAN, FINN, ANNA, IDA)]
        values = {"username": None, "given_name": "Bo", "family_name": "Lind"}
        db.execute(update(User).where(User.id.in_(whose)).values(**values))
        uni_ids = {id: db.get_one(User, id).uni_id for id in whose}

    def press(number: int) -> bool:
        with acts.writing() as (db, now):
            return usernames.activate(db, Counting(), whose[number], uni_ids[whose[number]], now)  # type: ignore[arg-type]

    assert at_once(len(whose), press) == [True] * len(whose)
    names = acts.all(select(User.username).where(User.id.in_(whose)).order_by(User.username))
    assert names == [f"boli{1001 + number}" for number in range(len(whose))]


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Yusuf Al-Khatib", "yusu"),
        ("Bo Lind", "boli"),
        ("Åse Ø", "aase"),
        ("Zoë Ng", "zoen"),
        ("=Emil Gram", "emil"),
        ("李 王", "aaaa"),
        ("Dick Svane", "dics"),
        ("Shital Patel", "ship"),
        ("Homo Sapiens", "homs"),
        ("Nazi Nazi", "nazn"),
        ("Bastian Hassan", "bast"),
        ("Hassan Bast", "hass"),
    ],
)
def test_a_username_is_four_letters_and_four_digits(name: str, letters: str) -> None:
    assert next(usernames.propose(Loaded(), name)) == f"{letters}1003"  # type: ignore[arg-type]


def test_a_block_between_the_last_two_steps_is_named(quick: Acts) -> None:
    """S-32."""
    flow = quick.flow(proved(quick, ANNA, DAN))
    with quick.writing() as (db, now):
        db.execute(update(User).where(User.id == user_of(db, DAN).id).values(blocked_at=now.sql))
        assert recovery.find_standing(db, flow, now) is Authority.BLOCKED
        assert not recovery.still_holds(db, flow, now)


def test_unproved_flows_stay_as_they_were(acts: Acts) -> None:
    flow = acts.flow(acts.begin(BO.username or ""))
    with acts.database.reading() as db:
        assert recovery.still_holds(db, flow, acts.now())
        orphan = replace(flow, proof=Proof.GUARDIAN, authorised_by_id=None)
        assert not recovery.still_holds(db, orphan, acts.now())
