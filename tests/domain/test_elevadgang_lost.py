"""Who may help no more: their windows end at once, by themselves, and nobody else's do (S-46)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from app import jobs
from app.domain.elevadgang import revoking, windows
from app.models.credentials import PendingPassword
from app.models.elevadgang import Door, EndedBy, PasswordWindow, WindowState
from app.models.people import Affiliation, ContactRelation, Right, User
from tests import store
from tests.cast import ALBA, ANNA, BO, CARLA, DAN, EVA, IDA, PARENT, PROTECTED
from tests.domain.acts import at_once
from tests.domain.helping import Helping, PupilBrowser
from tests.domain.test_elevadgang import NAME, lose_group, lose_place, lose_role, opened, pupil_moves

Loss = Callable[[Session], Any]


def round_of(helping: Helping) -> int:
    """Let one worker's jobs take their turn."""
    return jobs.revoke(helping.acts.database, helping.acts.clock)


def pupil_leaves(db: Session) -> None:
    whose = select(User.id).where(User.username == NAME).scalar_subquery()
    db.execute(update(Affiliation).where(Affiliation.user_id == whose).values(to_on=Affiliation.from_on))


LOSSES = [lose_group, lose_role, lose_place, pupil_moves, pupil_leaves]


@pytest.mark.parametrize("lose", LOSSES)
def test_s_46_the_next_round_closes_what_rested_on_what_is_lost(helping: Helping, lose: Loss) -> None:
    opened(helping, ANNA)
    assert helping.press(helping.area(EVA, None), BO).opened
    anna = PupilBrowser("anna")
    helping.ask(anna, NAME)
    helping.dealt(anna)
    assert helping.acts.count(PendingPassword) == 1
    assert round_of(helping) == 0
    helping.change(lose)
    assert round_of(helping) == 1
    window = helping.window(ANNA)
    assert (window.state, window.ended_by) == (WindowState.CANCELLED, EndedBy.AUTHORITY)
    (told,) = helping.events("WINDOW_CANCELLED")
    assert (told.subject_id, told.actor_id) == (helping.id_of(ANNA), None)
    assert (told.institution_id, told.details) == (helping.school_id(), {"reason": "authority"})
    assert helping.acts.count(PendingPassword) == 0, "what waited is erased"
    assert helping.window(BO).state is WindowState.OPEN, "another's stays"
    assert round_of(helping) == 0


@pytest.mark.parametrize("lose", LOSSES)
def test_s_46_whoever_takes_it_away_closes_the_window_in_the_same_transaction(
    helping: Helping, lose: Loss
) -> None:
    """As an import will: what the authority rested on is held already, and other people's windows stay."""
    opened(helping, ANNA, PROTECTED)
    assert helping.press(helping.area(EVA, None), BO).opened
    person = ANNA if lose in (pupil_moves, pupil_leaves) else CARLA
    number = helping.id_of(person)
    with helping.acts.writing() as (db, now):
        lose(db)
        closed = revoking.revoke(db, now, windows.of_person(number))
    members = (ANNA, PROTECTED) if person is CARLA else (ANNA,)
    assert closed == len(members)
    assert [helping.window(member).ended_by for member in members] == [EndedBy.AUTHORITY] * closed
    assert helping.window(BO).state is WindowState.OPEN
    assert round_of(helping) == 0


def end_right(helping: Helping) -> Loss:
    whose, at = helping.id_of(EVA), helping.acts.now().at
    return lambda db: db.execute(update(Right).where(Right.user_id == whose).values(ended_at=at))


def test_s_46_an_ended_right_closes_an_administrators_windows_and_a_teachers_stay(helping: Helping) -> None:
    assert helping.press(helping.area(EVA, None), IDA, BO).opened
    opened(helping, ANNA)
    helping.change(end_right(helping))
    assert round_of(helping) == 2
    assert [helping.window(one).ended_by for one in (IDA, BO)] == [EndedBy.AUTHORITY] * 2
    assert helping.window(ANNA).state is WindowState.OPEN


@pytest.mark.parametrize("lost", ["has_custody", "may_help"])
def test_s_46_custody_or_leave_lost_closes_a_parents_window_and_no_other_parents(
    helping: Helping, lost: str
) -> None:
    helping.press_for_child(PARENT, ALBA)
    helping.press_for_child(DAN, ANNA)
    whose = helping.id_of(PARENT)
    none_left = update(ContactRelation).where(ContactRelation.contact_id == whose).values({lost: False})
    helping.change(lambda db: db.execute(none_left))
    assert round_of(helping) == 1
    assert (helping.window(ALBA).ended_by, helping.window(ALBA).door) == (EndedBy.AUTHORITY, Door.GUARDIAN)
    assert helping.window(ANNA).state is WindowState.OPEN


def test_s_46_a_pupil_who_gets_a_job_at_the_school_is_helped_as_a_pupil_no_more(helping: Helping) -> None:
    opened(helping, ANNA)

    def employ(db: Session) -> None:
        model = db.scalars(select(Affiliation).join(User).where(User.username == CARLA.username)).first()
        assert model is not None
        whose = db.scalars(select(User.id).where(User.username == NAME)).one()
        at = {"institution_id": model.institution_id, "category": model.category}
        db.add(Affiliation(user_id=whose, roles=["TAP"], from_on=model.from_on, **at))

    helping.change(employ)
    assert round_of(helping) == 1


def test_a_window_whose_time_is_up_is_told_to_have_run_out_whatever_was_lost_since(helping: Helping) -> None:
    opened(helping, ANNA)
    helping.acts.clock.forward(seconds=301)
    helping.change(lose_group)
    assert round_of(helping) == 0
    jobs.sweep(helping.acts.database, helping.acts.clock)
    assert helping.window(ANNA).state is WindowState.EXPIRED


def test_a_round_asks_once_a_door_however_many_the_helpers_and_their_pupils(helping: Helping) -> None:
    opened(helping, ANNA, PROTECTED)
    helping.press(helping.area(CARLA, "5.A"), IDA)
    helping.press(helping.area(EVA, None), BO)
    helping.press_for_child(PARENT, ALBA)
    with store.heard(helping.acts.database) as asked:
        assert round_of(helping) == 0
    assert sum(one.startswith("SELECT") for one, _values in asked) == 1 + len(Door)


@pytest.mark.parametrize("round_number", range(3))
def test_the_jobs_of_many_workers_at_once_close_each_window_once(helping: Helping, round_number: int) -> None:
    """Beside a press for the same pupils, too: nobody waits for ever, and nothing is told twice."""
    members = (ANNA, PROTECTED)
    eva = helping.area(EVA, None)
    opened(helping, *members)
    helping.change(lose_group)
    ticked = members if round_number % 2 else members[::-1]

    def act(number: int) -> int:
        return round_of(helping) if number else len(helping.press(eva, *ticked).opened)

    pressed, *closed = at_once(5, act)
    assert pressed == 2
    assert [helping.window(member).door for member in members] == [Door.ADMINISTRATOR] * 2
    assert [helping.window(member).state for member in members] == [WindowState.OPEN] * 2
    ended = [told.details["reason"] for told in helping.events("WINDOW_CANCELLED")]
    assert len(ended) == 2
    assert ended.count("authority") == sum(closed)


@pytest.mark.parametrize("beside", ["confirmation", "claim", "press"])
@pytest.mark.parametrize("lose", [lose_group, lose_role, pupil_moves])
def test_what_takes_authority_away_beside_its_use_is_before_or_after_it(
    helping: Helping, lose: Loss, beside: str
) -> None:
    """As an import will: it holds what the authority rests on before it comes to people and windows."""
    carla = helping.area(CARLA, "2.B")
    opened(helping, ANNA, PROTECTED)
    anna = PupilBrowser("anna")
    secret = ""
    if beside == "confirmation":
        helping.ask(anna, NAME)
        secret = helping.dealt(anna)

    def take_away() -> None:
        with helping.acts.writing() as (db, now):
            lose(db)
            revoking.revoke(db, now)

    def use() -> object:
        if beside == "press":
            return helping.press(carla, PROTECTED, ANNA)
        return helping.confirm(anna, secret) if secret else helping.ask(anna, NAME)

    at_once(2, lambda number: use() if number else take_away())
    assert round_of(helping) == 0, "nothing was left behind"
    window = helping.window(ANNA)
    if window.state is not WindowState.DONE:
        assert (window.state, window.ended_by) == (WindowState.CANCELLED, EndedBy.AUTHORITY)
    changed = len(helping.events("PASSWORD_CHANGED"))
    assert changed == int(window.state is WindowState.DONE)
    assert helping.acts.count(PendingPassword) == 0


def test_a_round_leaves_a_window_that_another_changes_just_now_to_the_next(helping: Helping) -> None:
    """Whoever holds what the authority rested on must not wait for who holds the window."""
    opened(helping, ANNA, PROTECTED)
    helping.change(lose_group)
    is_postgres = helping.acts.database.engine.dialect.name == "postgresql"
    held = select(PasswordWindow.id).where(PasswordWindow.id == helping.window(ANNA).id)
    with helping.acts.database.writing() if is_postgres else helping.acts.database.reading() as db:
        db.execute(held.with_for_update())
        assert round_of(helping) == (1 if is_postgres else 2)
    assert round_of(helping) == (1 if is_postgres else 0)
    for member in (ANNA, PROTECTED):
        assert helping.window(member).ended_by is EndedBy.AUTHORITY


def test_what_looks_for_live_windows_reads_no_others(helping: Helping) -> None:
    """Ended ones are kept for a month: the jobs of each worker must not read them all every few seconds."""
    acts = helping.acts
    ended = {
        "pupil_id": helping.id_of(ANNA),
        "opened_by_id": helping.id_of(CARLA),
        "door": Door.TEACHER,
        "institution_id": helping.school_id(),
        "state": WindowState.DONE,
        "opened_at": acts.now().at,
        "ends_at": acts.now().at,
        "extensions": 0,
        "opener_network_mark": "n",
        "opener_device_mark": "d",
    }
    helping.change(lambda db: db.execute(insert(PasswordWindow), [ended] * 2000))
    is_postgres = acts.database.engine.dialect.name == "postgresql"
    if is_postgres:
        helping.change(lambda db: db.execute(text("ANALYZE password_window")))
    with store.heard(acts.database) as asked:
        round_of(helping)
        with acts.writing() as (db, now):
            windows.expire(db, now)
    told = [(statement, values) for statement, values in asked if "password_window" in statement]
    assert len(told) == 2
    with helping.reading() as db:
        for statement, values in told:
            explain = "EXPLAIN " if is_postgres else "EXPLAIN QUERY PLAN "
            plan = [str(row[-1]) for row in db.connection().exec_driver_sql(explain + statement, values)]
            assert any("ix_password_window_live_ends_at" in line for line in plan), plan
            assert not any(line.strip().startswith(("SCAN", "->  Seq Scan")) for line in plan), plan
