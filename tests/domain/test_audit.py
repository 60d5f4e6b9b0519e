"""The audit: exact, append-only by the database itself, sealed in a chain that shows what is gone (S-75)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app import jobs
from app.domain import audit
from app.domain.audit import Event
from app.models.audit import AuditAnchor, AuditEvent, AuditSeal, AuditSealed
from tests.cast import BO, user_of
from tests.domain.acts import Acts, at_once

TABLES = {"audit_event": AuditEvent, "audit_seal": AuditSeal, "audit_sealed": AuditSealed}


def record(acts: Acts, count: int = 1) -> None:
    """Record so many events, in one transaction."""
    with acts.writing() as (db, now):
        for _ in range(count):
            audit.record(db, Event.BLOCKED, now, subject_id=user_of(db, BO).id)


def seal(acts: Acts) -> int:
    """Seal what can be sealed."""
    return jobs.seal(acts.database, acts.clock)


def verify(acts: Acts) -> audit.Verdict:
    """Check the chain."""
    with acts.database.reading() as db:
        return audit.verify(db)


def drop_triggers(db: Session) -> None:
    """Do what whoever owns the database can: take away what keeps the audit from being changed."""
    if db.get_bind().dialect.name == "sqlite":
        for name in db.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            db.execute(text(f"DROP TRIGGER {name}"))
        return
    for table in TABLES:
        db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


@pytest.fixture
def sealed(acts: Acts) -> Acts:
    """Return acts with events under three seals, and no fault."""
    seal(acts)
    for _ in range(2):
        record(acts, 3)
        assert seal(acts) == 3
    assert verify(acts).faults == []
    return acts


@pytest.mark.parametrize(
    "details",
    [{}, {"device": "x", "network": "y"}, {"device": "x", "network": "y", "method": "z", "password": "s"}],
    ids=["none", "too few", "too many"],
)
def test_s_75_an_event_takes_exactly_its_details(acts: Acts, details: dict[str, str]) -> None:
    before = acts.count(AuditEvent)
    with acts.writing() as (db, now), pytest.raises(ValueError, match="LOGGED_IN takes"):
        audit.record(db, Event.LOGGED_IN, now, **details)
    assert acts.count(AuditEvent) == before


def test_s_75_every_event_is_recorded_under_its_own_name(acts: Acts) -> None:
    """«S-75» Also those that take the same details, which an enumeration would make one."""
    with acts.writing() as (db, now):
        for name, event in Event.__members__.items():
            audit.record(db, event, now, **dict.fromkeys(event.details, "x"))
            assert db.scalar(select(AuditEvent.event).order_by(AuditEvent.id.desc()).limit(1)) == name


@pytest.mark.parametrize("event", audit.ALSO_OPERATORS)
def test_s_75_what_others_do_too_names_the_operator_where_it_was_one(acts: Acts, event: Event) -> None:
    told = dict.fromkeys(event.details, "x")
    with acts.writing() as (db, now):
        audit.record(db, event, now, **told)
        audit.record(db, event, now, **told, operator="drift")
        with pytest.raises(ValueError, match="takes the details"):
            audit.record(db, event, now, **told, operator="drift", more="x")
        assert [one.details for one in audit.list_all(db, most=2)] == [told, told | {"operator": "drift"}]


def test_s_75_events_from_before_operators_were_named_are_read_and_proved(acts: Acts) -> None:
    for event in ("NETWORK_ADDED", "TRIES_FORGOTTEN"):
        with acts.writing() as (db, now):
            db.execute(insert(AuditEvent).values(at=now.at, event=event, details={}))
            audit.seal(db, now)
    with acts.database.reading() as db:
        assert [one.details for one in audit.list_all(db, most=2)] == [{}, {}]
        assert audit.verify(db).faults == []


def test_s_24_no_event_has_room_for_a_secret() -> None:
    names = {name for event in Event for name in event.details}
    assert not {name for name in names if any(word in name for word in ("secret", "cpr", "token", "hash"))}
    assert {name for name in names if "password" in name} == {"password_type"}


@pytest.mark.parametrize("table", TABLES)
def test_s_75_the_database_itself_refuses_to_change_what_was_done(sealed: Acts, table: str) -> None:
    model = TABLES[table]
    column = next(iter(model.__table__.columns))
    changes = [
        update(model).values({column.name: column}),
        delete(model),
        delete(model).where(column == sealed.all(select(column))[-1]),
    ]
    before = sealed.count(model)
    for change in changes:
        with sealed.database.writing() as db, pytest.raises(DBAPIError, match="append-only"):
            db.execute(change)
    assert sealed.count(model) == before > 0


@pytest.mark.parametrize("table", TABLES)
def test_s_75_postgresql_refuses_to_empty_a_table_of_the_audit(sealed: Acts, table: str) -> None:
    """«S-75» SQLite's only way to empty a table is DELETE, which it refuses."""
    word = "TRUNCATE" if sealed.database.engine.dialect.name == "postgresql" else "DELETE FROM"
    cascade = " CASCADE" if word == "TRUNCATE" else ""
    with sealed.database.writing() as db, pytest.raises(DBAPIError, match="append-only"):
        db.execute(text(f"{word} {table}{cascade}"))
    assert sealed.count(TABLES[table]) > 0


def test_s_75_unsealed_events_cannot_be_removed_either(acts: Acts) -> None:
    record(acts)
    newest = acts.all(select(AuditEvent.id).order_by(AuditEvent.id))[-1]
    with acts.database.writing() as db, pytest.raises(DBAPIError, match="append-only"):
        db.execute(delete(AuditEvent).where(AuditEvent.id == newest))


def test_s_75_every_event_is_sealed_once_and_a_second_round_finds_nothing(acts: Acts) -> None:
    record(acts, 4)
    total = acts.count(AuditEvent)
    assert seal(acts) == total
    assert seal(acts) == 0
    verdict = verify(acts)
    assert (verdict.events, verdict.sealed, verdict.seals, verdict.faults) == (total, total, 1, [])


@pytest.mark.parametrize(
    "values",
    [
        {"event": "UNBLOCKED"},
        {"subject_id": 1},
        {"actor_id": 1},
        {"details": {"x": 1}},
        {"institution_id": 1},
    ],
    ids=lambda values: next(iter(values)),
)
def test_s_75_an_event_that_was_changed_is_found(sealed: Acts, values: dict[str, object]) -> None:
    with sealed.writing() as (db, _now):
        drop_triggers(db)
        newest = select(AuditEvent.id).order_by(AuditEvent.id.desc()).limit(1).scalar_subquery()
        db.execute(update(AuditEvent).where(AuditEvent.id == newest).values(values))
    assert verify(sealed).faults == ["seal 3 does not fit its events and the seal before it"]


def test_s_75_an_event_that_was_moved_in_time_is_found(sealed: Acts) -> None:
    with sealed.writing() as (db, _now):
        drop_triggers(db)
        newest = db.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
        newest.at -= timedelta(seconds=1)
    assert len(verify(sealed).faults) == 1


@pytest.mark.parametrize("with_link", [False, True])
def test_s_75_an_event_that_was_removed_is_found(sealed: Acts, with_link: bool) -> None:
    with sealed.writing() as (db, _now):
        drop_triggers(db)
        gone = db.scalar(select(AuditSealed.event_id).where(AuditSealed.seal_id == 2).limit(1))
        db.execute(delete(AuditEvent).where(AuditEvent.id == gone))
        if with_link:
            db.execute(delete(AuditSealed).where(AuditSealed.event_id == gone))
    assert verify(sealed).faults == ["seal 2 covers 3 events, 2 are left"]


def test_s_75_an_event_that_was_put_in_is_found(sealed: Acts) -> None:
    record(sealed)
    with sealed.writing() as (db, _now):
        newest = db.scalar(select(AuditEvent.id).order_by(AuditEvent.id.desc()).limit(1))
        db.execute(insert(AuditSealed).values(event_id=newest, seal_id=2))
    assert verify(sealed).faults == ["seal 2 covers 3 events, 4 are left"]


@pytest.mark.parametrize("number", [1, 2])
def test_s_75_a_seal_that_was_removed_with_its_events_is_found(sealed: Acts, number: int) -> None:
    with sealed.writing() as (db, _now):
        drop_triggers(db)
        covered = select(AuditSealed.event_id).where(AuditSealed.seal_id == number)
        db.execute(delete(AuditEvent).where(AuditEvent.id.in_(covered)))
        db.execute(delete(AuditSealed).where(AuditSealed.seal_id == number))
        db.execute(delete(AuditSeal).where(AuditSeal.id == number))
    assert f"seal {number} is missing" in verify(sealed).faults


def test_s_75_a_seal_made_anew_after_a_change_does_not_fit_the_next(sealed: Acts) -> None:
    with sealed.writing() as (db, _now):
        drop_triggers(db)
        db.execute(update(AuditSeal).where(AuditSeal.id == 2).values(hash="0" * 64))
    faults = verify(sealed).faults
    assert [fault.split()[1] for fault in faults] == ["2", "3"]


def test_s_75_an_event_waits_for_older_transactions_and_is_sealed_after_them(acts: Acts) -> None:
    """«S-75» Recording never waits; on SQLite nobody else writes while an event is being written."""
    seal(acts)
    if acts.database.engine.dialect.name == "sqlite":
        record(acts)
        assert seal(acts) == 1
        return
    with acts.database.writing() as slow:
        audit.record(slow, Event.BLOCKED, acts.now())
        record(acts, 2)
        assert seal(acts) == 0, "an older transaction still runs; it may commit an event with a lower number"
        slow.commit()
    assert seal(acts) == 3
    assert verify(acts).faults == []


def test_s_75_an_older_event_that_is_committed_late_is_sealed_later(acts: Acts) -> None:
    """«S-75» Also where a younger one, of a transaction that began later, was sealed before it."""
    seal(acts)
    record(acts)
    assert seal(acts) == 1
    if acts.database.engine.dialect.name == "postgresql":
        with acts.database.writing() as slow:
            slow.execute(text("SELECT nextval(pg_get_serial_sequence('audit_event', 'id'))"))
            record(acts)
            assert seal(acts) == 1
            audit.record(slow, Event.BLOCKED, acts.now())
            slow.commit()
    else:
        record(acts)
    assert seal(acts) == 1
    assert verify(acts).faults == []


def test_s_75_sealers_at_once_cannot_fork_the_chain(acts: Acts) -> None:
    record(acts, 5)

    def try_to_seal(_number: int) -> int:
        try:
            with acts.writing() as (db, now):
                return audit.seal(db, now)
        except IntegrityError:
            return 0

    counts = at_once(6, try_to_seal)
    total = acts.count(AuditEvent)
    assert sum(counts) == total
    verdict = verify(acts)
    assert (verdict.sealed, verdict.seals, verdict.faults) == (total, 1, [])


def test_s_75_retention_removes_the_start_and_leaves_an_anchor_that_fits(acts: Acts) -> None:
    seal(acts)
    old = acts.count(AuditEvent)
    acts.clock.forward(days=410)
    record(acts, 3)
    seal(acts)
    with acts.writing() as (db, now):
        assert audit.remove_start(db, now, audit.last_removable(now), operator="drift") == old
        assert audit.remove_start(db, now, audit.last_removable(now), operator="drift") == 0
    assert acts.count(AuditEvent) == 3 + 1
    assert acts.one(select(AuditAnchor.seal_id)) == 1
    newest = acts.all(select(AuditEvent).order_by(AuditEvent.id))[-1]
    assert (newest.event, newest.details) == (
        "START_REMOVED",
        {"seal": 1, "events": old, "operator": "drift"},
    )
    assert seal(acts) == 1
    verdict = verify(acts)
    assert (verdict.sealed, verdict.seals, verdict.faults) == (4, 2, [])
    with acts.database.writing() as db, pytest.raises(DBAPIError, match="append-only"):
        db.execute(delete(AuditEvent))


def test_s_75_after_an_anchor_a_tampered_chain_is_still_found(acts: Acts) -> None:
    seal(acts)
    acts.clock.forward(days=410)
    record(acts, 3)
    seal(acts)
    with acts.writing() as (db, now):
        audit.remove_start(db, now, audit.last_removable(now), operator="drift")
    with acts.writing() as (db, _now):
        drop_triggers(db)
        db.execute(update(AuditAnchor).values(hash="0" * 64))
    assert len(verify(acts).faults) == 1


def test_s_75_removing_all_that_is_sealed_leaves_a_chain_that_goes_on(acts: Acts) -> None:
    seal(acts)
    acts.clock.forward(days=410)
    with acts.writing() as (db, now):
        audit.remove_start(db, now, audit.last_removable(now), operator="drift")
    assert seal(acts) == 1
    assert acts.one(select(AuditSeal.id)) == 2
    assert verify(acts).faults == []


def test_s_75_an_anchor_that_retention_did_not_write_is_found(sealed: Acts) -> None:
    """«S-75» An anchor lets the triggers go; one without its event hides what was removed under it."""
    with sealed.writing() as (db, now):
        link = db.scalars(select(AuditSeal).where(AuditSeal.id == 2)).one()
        db.execute(insert(AuditAnchor).values(seal_id=2, hash=link.hash, anchored_at=now.at))
        covered = select(AuditSealed.event_id).where(AuditSealed.seal_id <= 2)
        db.execute(delete(AuditEvent).where(AuditEvent.id.in_(covered)))
        db.execute(delete(AuditSealed).where(AuditSealed.seal_id <= 2))
        db.execute(delete(AuditSeal).where(AuditSeal.id <= 2))
    assert verify(sealed).faults == ["the start was removed up to seal 2 without an event that says so"]


def test_what_was_done_to_a_person_is_paged_newest_first(acts: Acts) -> None:
    record(acts, 7)
    with acts.database.reading() as db:
        bo = user_of(db, BO).id
        first = audit.list_about(db, bo, most=3)
        second = audit.list_about(db, bo, most=3, before=first[-1].id)
        assert len(audit.list_all(db, most=5)) == 5
    ids = [event.id for event in [*first, *second]]
    assert ids == sorted(set(ids), reverse=True)
    assert {event.subject_id for event in [*first, *second]} == {bo}
