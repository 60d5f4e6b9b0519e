"""The file of an institution's log: whole, or said not to be, and nobody's burden while it is sent."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from flask import Flask
from sqlalchemy import event, func, select, update

from app.db import Database, instant
from app.domain import audit, blocking
from app.domain.audit import Event
from app.domain.elevadgang import oversight
from app.models.audit import AuditEvent
from app.models.people import Right
from app.models.sso import SsoSession
from app.world import Clock
from tests.cast import ANNA, EGESKOLEN, EVA, institution, user_of
from tests.pages import Browser
from tests.web.trips import Wire, visit

SCHOOL = "/elevadgang/skole-999001"
CUT = "Filen er ikke hel. Hent den igen."


@pytest.fixture
def eva(browser: Browser, wire: Wire) -> Browser:
    """Return Eva's browser, in which she came in by the grey button and MitID."""
    browser.open("/elevadgang")
    visit(browser, wire, EVA, "Log på som brugeradministrator")
    return browser


def fill_log(database: Database, count: int) -> None:
    """Let an institution have a long history."""
    with database.writing() as db:
        where, whose = institution(db, EGESKOLEN).id, user_of(db, ANNA).id
        for number in range(count):
            audit.record(
                db,
                Event.PUPILS_SHOWN,
                instant(Clock()),
                actor_id=whose,
                institution_id=where,
                where=f"nr. {number}",
            )
        db.commit()


def test_the_export_holds_the_whole_log_in_order_however_long_it_is(eva: Browser, database: Database) -> None:
    count = 2 * oversight.EXPORTED_AT_ONCE + 7
    fill_log(database, count)
    eva.open(f"{SCHOOL}/log")
    answer = eva.send(*eva.form("Hent som fil"))
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert rows[0] == ["Hvornår", "Hvad", "Hvem", "Elev", "Mere"]
    assert rows[1][1] == "Hentede loggen", "the export is in it"
    numbered = [row[4] for row in rows if row[4].startswith("nr. ")]
    assert numbered == [f"nr. {number}" for number in reversed(range(count))]
    with database.reading() as db:
        where = AuditEvent.institution_id == institution(db, EGESKOLEN).id
        events = db.scalar(select(func.count(AuditEvent.id)).where(where))
    assert rows[-1] == ["Slut på loggen", "", "", "", ""]
    assert len(rows) - 2 == events, "the headings and the last line are none"


@contextmanager
def receiving(eva: Browser, language: str = "da") -> Iterator[Iterator[bytes]]:
    """Ask for the file and receive no more of it than is asked for; the last opened must end first."""
    path, data = eva.form("Hent som fil")
    asked = {"Accept-Language": language}
    answer = eva.client.post(path, data=data, base_url=eva.host, buffered=False, headers=asked)
    assert answer.status_code == 200
    with closing(answer):
        yield iter(answer.response)


@pytest.mark.sqlite_only
def test_the_export_is_made_while_it_is_sent_and_holds_no_place_to_work_in_meanwhile(
    eva: Browser, app: Flask, database: Database
) -> None:
    """S-66: whoever receives it slowly holds nobody up, and nothing of it is kept."""
    fill_log(database, 2 * oversight.EXPORTED_AT_ONCE)
    eva.open(f"{SCHOOL}/log")
    with ExitStack() as slow:
        # As many as there are places: were one held by each, none would be left.
        for _ in range(app.extensions["config"].threads):
            parts = slow.enter_context(receiving(eva))
            first = next(parts)
        second = next(parts)
        assert len(second) > 100 * len(first)
        assert Browser(app).open("/elevadgang").status == 200
        with database.writing() as db:  # nor a transaction
            db.connection()
            db.rollback()
        assert sum(1 for _ in parts) >= 1


def last_row(parts: Iterator[bytes]) -> list[str]:
    """Receive the rest, and return its last row."""
    rest = b"".join(parts).decode()
    return list(csv.reader(io.StringIO(rest), delimiter=";"))[-1]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("language", ["da", "en"])
def test_an_export_that_fails_half_way_says_that_it_is_not_whole_and_is_logged(
    eva: Browser, database: Database, log_lines: list[str], language: str
) -> None:
    """Its status was sent long before."""
    fill_log(database, oversight.EXPORTED_AT_ONCE + 1)
    eva.open(f"{SCHOOL}/log")

    def fail(*_statement: object) -> None:
        raise OSError("the disk is gone: Anna Holm")

    with receiving(eva, language) as parts:
        assert len(next(parts)) < len(next(parts))
        event.listen(database.engine, "before_cursor_execute", fail)
        row = last_row(parts)
        event.remove(database.engine, "before_cursor_execute", fail)
    assert row == [CUT if language == "da" else "The file is not whole. Download it again.", "", "", "", ""]
    told = [line for line in map(json.loads, log_lines) if line["level"] == "error"]
    assert [(line["event"], line["error"]) for line in told] == [("unforeseen", "OSError")]
    requests = [line for line in map(json.loads, log_lines) if line["event"] == "request"]
    assert told[0]["request_id"] in [line["request_id"] for line in requests if "log.csv" in line["path"]]
    assert "Anna Holm" not in "".join(log_lines)


@pytest.mark.parametrize("what", ["right", "session", "block"])
def test_s_40_an_export_goes_no_further_than_the_right_and_the_login(
    eva: Browser, database: Database, what: str
) -> None:
    """«S-40» Asked again at every piece: an export may be received for hours."""
    fill_log(database, oversight.EXPORTED_AT_ONCE + 1)
    eva.open(f"{SCHOOL}/log")
    with receiving(eva) as parts:
        next(parts)
        next(parts)
        with database.writing() as db:
            whose = user_of(db, EVA)
            if what == "right":
                db.execute(update(Right).where(Right.user_id == whose.id).values(ended_at=whose.created_at))
            elif what == "session":
                ended = update(SsoSession).where(SsoSession.user_id == whose.id)
                db.execute(ended.values(ended_at=SsoSession.seen_at))
            else:
                assert blocking.block(db, whose.id, instant(Clock()))
            db.commit()
        rest = b"".join(parts).decode()
    assert list(csv.reader(io.StringIO(rest), delimiter=";")) == [[CUT, "", "", "", ""]]
