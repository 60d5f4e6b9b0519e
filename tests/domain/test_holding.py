"""Rows are held in one order, the user first: nobody waits for one who waits for them (S-04, S-19)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.db import Instant
from app.domain import blocking, login, mitid, new_password, operating, sessions, usernames
from app.domain.flows import Flow
from app.domain.login import Entrance
from app.domain.sessions import Login
from app.models.audit import AuditEvent
from app.models.credentials import Credential
from app.models.people import Affiliation, User
from app.models.sso import EndReason, LoginFlow, SsoSession
from app.world import Identity
from tests import store
from tests.cast import ANNA, BO, DAN, STAGE, Member, user_of
from tests.domain.acts import STRANGER, Acts

BOS, SECRET = BO.username or "", BO.secret or ""
NEW = "RobinLampe47"
ON_POSTGRES = pytest.mark.parametrize("template", ["postgresql"], indirect=True)
Act = Callable[[Session, Instant], Any]


def meanwhile(acts: Acts, first: Act, beside: Act, then: Act) -> tuple[Any, Any]:
    """Do `first` and `then` in one transaction, and `beside` in another that begins between the two.

    It has to wait. Returns what came of `then` and of `beside`. On SQLite whoever writes is alone, so the
    two follow each other. Should they wait for each other, PostgreSQL cuts one of them off.
    """
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")

    def run() -> Any:
        with acts.writing() as (db, now):
            return beside(db, now)

    with ThreadPoolExecutor(1) as pool:
        with acts.writing() as (db, now):
            first(db, now)
            begun = pool.submit(run)
            while acts.database.engine.dialect.name == "postgresql":
                with acts.database.reading() as looking:
                    if looking.scalar(waiting):
                        break
                assert not begun.done(), f"it waited for nobody: {begun.result()}"
            came = then(db, now)
        return came, begun.result(30)


def hold(*members: Member) -> Act:
    """Return what holds people as whoever begins or ends something of theirs does."""
    usernames = [member.username for member in members]
    return lambda db, _now: db.execute(
        select(User.id).where(User.username.in_(usernames)).with_for_update(key_share=True)
    ).all()


def is_free(db: Session, *rows: Any) -> list[bool]:
    """Return of each row whether nobody holds it; only PostgreSQL knows."""
    return [
        db.scalar(select(row.id).where(row.id == id).with_for_update(key_share=True, skip_locked=True)) == id
        for row, id in rows
    ]


def living(acts: Acts) -> Login:
    """Log Bo in."""
    found = acts.login_of(acts.log_in(BOS, SECRET))
    assert found is not None
    return found


@pytest.mark.parametrize("which", ["one", "others"])
def test_s_18_of_two_browsers_that_end_each_other_at_once_one_stays_and_none_fails(
    acts: Acts, which: str
) -> None:
    here, there = living(acts), living(acts)
    third = living(acts) if which == "others" else None

    def end(mine: Login, other: Login) -> Act:
        def act(db: Session, now: Instant) -> Any:
            if which == "one":
                return sessions.end_one(db, mine, other.id, now)
            return sessions.end_others(db, mine, now)

        return act

    def end_and_stamp(db: Session, now: Instant) -> Any:
        ended = end(there, here)(db, now)
        sessions.stamp(db, there.id, now)
        return ended

    def stamp(db: Session, now: Instant) -> list[bool]:
        free = is_free(db, (SsoSession, here.id))
        sessions.stamp(db, here.id, now)
        return free

    free, ended = meanwhile(acts, end(here, there), end_and_stamp, stamp)
    assert free == [True], "nothing is taken of a person whom somebody else holds"
    assert not ended, "whose login was ended meanwhile ends no other (S-04)"
    assert acts.all(select(SsoSession.id).where(SsoSession.ended_at.is_(None))) == [here.id]
    event = acts.all(select(AuditEvent.event).order_by(AuditEvent.id))[-1]
    assert event == ("SESSION_ENDED" if third is None else "SESSIONS_ENDED")


@ON_POSTGRES
def test_s_18_the_stamp_of_a_session_waits_for_nobody(acts: Acts) -> None:
    """It is the last that a request writes, after rows that come later than a session."""
    mine = living(acts)
    acts.clock.forward(minutes=2)

    def stamp() -> None:
        with acts.writing() as (db, now):
            sessions.stamp(db, mine.id, now)

    with ThreadPoolExecutor(1) as pool, acts.writing() as (db, now):
        sessions.replace(db, mine.id, now)
        pool.submit(stamp).result(30)
    assert acts.one(select(SsoSession.end_reason)) is EndReason.REPLACED
    assert acts.one(select(SsoSession.seen_at)) == mine.seen_at


@pytest.mark.parametrize("press", ["keep", "later"])
def test_s_18_a_block_beside_a_press_that_keeps_the_old_password_waits_and_ends_what_came_of_it(
    acts: Acts, press: str
) -> None:
    member = STAGE if press == "later" else BO
    token = acts.begin(member.username or "", is_change=press == "keep")
    acts.check(token, member.secret or "")
    flow = acts.flow(token)
    pressed: list[Flow] = []

    def answer(db: Session, now: Instant) -> None:
        kept = flow if press == "later" else new_password.keep_old(db, flow, now)
        assert kept is not None
        if press == "later":
            assert login.postpone(db, flow, now)
        pressed.append(kept)

    def finish(db: Session, now: Instant) -> str | None:
        return login.finish(db, acts.keys, acts.config, pressed[0], STRANGER, Entrance("d"), now)

    def block(db: Session, now: Instant) -> bool:
        return blocking.block(db, flow.user_id or 0, now, operator="gry")

    assert meanwhile(acts, answer, block, finish)[1] is True
    assert acts.all(select(SsoSession.end_reason)) == [EndReason.BLOCKED]
    assert acts.find(token) is None


@pytest.mark.parametrize("press", ["keep", "later"])
def test_s_04_a_press_beside_a_block_is_too_late(acts: Acts, press: str) -> None:
    member = STAGE if press == "later" else BO
    token = acts.begin(member.username or "", is_change=press == "keep")
    acts.check(token, member.secret or "")
    flow = acts.flow(token)

    def answer(db: Session, now: Instant) -> bool:
        if press == "later":
            return login.postpone(db, flow, now)
        return new_password.keep_old(db, flow, now) is not None

    def block(db: Session, now: Instant) -> bool:
        return blocking.block(db, flow.user_id or 0, now, operator="gry")

    assert meanwhile(acts, block, answer, lambda _db, _now: None)[1] is False
    assert acts.count(AuditEvent, AuditEvent.event == "PASSWORD_CHANGE_POSTPONED") == 0


def end_one(acts: Acts, mine: Login, other: Login) -> Act:
    """Return what ends one other login."""
    return lambda db, now: sessions.end_one(db, mine, other.id, now)


def end_others(acts: Acts, mine: Login, _other: Login) -> Act:
    """Return what ends all others."""
    return lambda db, now: sessions.end_others(db, mine, now)


def end_lost(acts: Acts, mine: Login, _other: Login) -> Act:
    """Return what ends the logins of who belongs nowhere."""
    with acts.writing() as (db, now):
        db.execute(update(Affiliation).where(Affiliation.user_id == mine.user_id).values(to_on=now.today))
    acts.clock.forward(days=1)
    with acts.writing() as (db, _now):
        db.execute(update(SsoSession).values(expires_at=acts.now().after(3600)))
    return lambda db, now: sessions.end_lost(db, mine.user_id, now)


@ON_POSTGRES
@pytest.mark.parametrize("way", [end_one, end_others, end_lost])
def test_s_18_whoever_ends_logins_holds_the_user_before_flows_and_sessions(
    acts: Acts, way: Callable[[Acts, Login, Login], Act]
) -> None:
    mine, other = living(acts), living(acts)
    half_done = acts.begin(BOS)
    acts.check(half_done, SECRET)
    number = acts.flow(half_done).id

    def taken(db: Session, _now: Instant) -> list[bool]:
        return is_free(db, (LoginFlow, number), (SsoSession, mine.id), (SsoSession, other.id))

    free, ended = meanwhile(acts, hold(BO), way(acts, mine, other), taken)
    assert free == [True] * 3
    assert ended
    assert acts.count(LoginFlow, LoginFlow.id == number) == 0


@ON_POSTGRES
def test_s_23_whoever_voids_pictures_holds_the_pupils_before_their_passwords(acts: Acts) -> None:
    with acts.database.reading() as db:
        anna = user_of(db, ANNA).id
    credential_id = acts.one(select(Credential.id).where(Credential.user_id == anna))

    def void(db: Session, now: Instant) -> int:
        return operating.void_pictures(db, now, operator="gry")

    free, count = meanwhile(acts, hold(ANNA), void, lambda db, _now: is_free(db, (Credential, credential_id)))
    assert free == [True]
    assert count > 1
    assert acts.count(Credential, Credential.id == credential_id, Credential.ended_at.is_(None)) == 0


def known_by(acts: Acts, member: Member) -> Identity:
    """Return what MitID tells of somebody who has come that way before."""
    with acts.writing() as (db, _now):
        user_of(db, member).mitid_uuid = "known"
    return Identity("known", None, member.shown_name, acts.now().at)


@ON_POSTGRES
def test_s_32_who_comes_back_from_mitid_for_a_child_holds_the_child_first(acts: Acts) -> None:
    """As whoever practises the child's password does, or the two could wait for each other."""
    with acts.database.reading() as db:
        anna, dan = user_of(db, ANNA).id, user_of(db, DAN).id
    identity = known_by(acts, DAN)

    def come_back(db: Session, now: Instant) -> Any:
        return mitid.identify(db, acts.keys, identity, STRANGER.network, now, user_id=anna)

    def stand_behind(db: Session, _now: Instant) -> Any:
        standing = select(User.id).where(User.id == dan)
        return db.scalar(standing.with_for_update(read=True, skip_locked=True))

    held, (match, person) = meanwhile(acts, hold(ANNA), come_back, stand_behind)
    assert held == dan, "the parent is taken after the child"
    assert (match, person.id) == (mitid.Match.FOUND, dan)


@ON_POSTGRES
def test_a_stranger_who_comes_back_from_mitid_holds_nobody_elses_row(acts: Acts) -> None:
    with acts.database.reading() as db:
        anna = user_of(db, ANNA).id
    identity = known_by(acts, BO)
    with acts.writing() as (db, now):
        match, _bo = mitid.identify(db, acts.keys, identity, STRANGER.network, now, user_id=anna)
        assert match is mitid.Match.FOUND
        with acts.writing() as (other, _now):
            assert is_free(other, (User, anna)) == [True]


def test_s_26_a_new_password_ends_what_was_proved_before_it_ends_logins(acts: Acts) -> None:
    """As a block, and whoever logs in, take the two."""
    living(acts)
    token = acts.begin(BOS, is_change=True)
    acts.check(token, SECRET)
    assert acts.choose(token, NEW) == []
    with store.heard(acts.database) as asked:
        acts.confirm(token, NEW)
    assert store.of_kinds(asked, "DELETE FROM recovery_flow", "UPDATE sso_session") == [
        "DELETE FROM recovery_flow",
        "UPDATE sso_session",
    ]


def test_s_33_a_login_ends_what_its_browser_had_looked_up_before_the_session_it_replaces(acts: Acts) -> None:
    before = living(acts)
    with acts.writing() as (db, now):
        looked_up = usernames.begin(db, acts.keys, acts.dice, now, before.user_id)
    token = acts.begin(BOS)
    flow = acts.check(token, SECRET).flow
    entrance = Entrance("d", before.id, (usernames.forgetting(acts.keys, looked_up),))

    with store.heard(acts.database) as asked, acts.writing() as (db, now):
        assert login.finish(db, acts.keys, acts.config, flow, STRANGER, entrance, now)
    assert store.of_kinds(asked, "UPDATE login_flow", "DELETE FROM recovery_flow", "UPDATE sso_session") == [
        "UPDATE login_flow",
        "DELETE FROM recovery_flow",
        "UPDATE sso_session",
    ]
