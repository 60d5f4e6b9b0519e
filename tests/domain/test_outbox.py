"""The outbox: every mail goes, once, by one sender at a time, whatever breaks in between."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app import jobs
from app.db import Database, instant
from app.domain import outbox
from app.domain.outbox import GIVE_UP_AFTER, LONGEST_WAIT, WAITS, Letter, Listed, State
from app.world import Mail, MailError, World
from tests.conftest import SetClock


class Post:
    """A mail server that takes mails, or does not."""

    def __init__(self) -> None:
        """Take all."""
        self.mails: list[Mail] = []
        self.fault: Exception | None = None

    def send(self, mail: Mail) -> None:
        """Take a mail."""
        if self.fault is not None:
            raise self.fault
        self.mails.append(mail)


@pytest.fixture
def post() -> Post:
    """Return a mail server."""
    return Post()


def write(db: Session, world: World, *subjects: str) -> None:
    """Write mails."""
    for subject in subjects:
        letter = Letter("dan@example.dk", subject, "Hej")
        outbox.write(db, world.dice, letter, "example.dk", instant(world.clock))
    db.commit()


def listed(database: Database) -> list[Listed]:
    """Return all mails, the oldest first."""
    with database.reading() as db:
        return outbox.list_newest(db, 100)[::-1]


def test_what_waits_is_sent_in_its_order_and_only_once(
    db: Session, database: Database, world: World, post: Post
) -> None:
    write(db, world, "en", "to", "tre")
    assert jobs.send_mails(database, world.clock, post) == 3
    assert jobs.send_mails(database, world.clock, post) == 0
    assert [mail.subject for mail in post.mails] == ["en", "to", "tre"]
    assert len({mail.message_id for mail in post.mails}) == 3
    assert {one.state for one in listed(database)} == {State.SENT}


def test_a_server_that_is_away_is_asked_again_after_growing_waits(
    db: Session, database: Database, world: World, clock: SetClock, post: Post
) -> None:
    write(db, world, "en", "to")
    post.fault = MailError("ConnectionRefusedError")
    assert jobs.send_mails(database, clock, post) == 0
    assert [one.tries for one in listed(database)] == [1, 0]
    waits = []
    for _time in range(len(WAITS) + 2):
        before = listed(database)[0]
        waits.append((before.next_at - clock.now()).total_seconds())
        clock.forward(seconds=waits[-1] + 1)
        for _mail in range(2):
            jobs.send_mails(database, clock, post)
    assert waits == pytest.approx([*WAITS, LONGEST_WAIT, LONGEST_WAIT], abs=30)
    assert listed(database)[0].fault == "ConnectionRefusedError"
    post.fault = None
    clock.forward(seconds=LONGEST_WAIT)
    assert jobs.send_mails(database, clock, post) == 2


def test_what_is_refused_for_good_is_given_up_and_the_next_goes(
    db: Session, database: Database, world: World, post: Post
) -> None:
    write(db, world, "en")
    post.fault = MailError("recipient refused: 550", is_final=True)
    jobs.send_mails(database, world.clock, post)
    post.fault = None
    write(db, world, "to")
    assert jobs.send_mails(database, world.clock, post) == 1
    assert [(one.state, one.fault) for one in listed(database)] == [
        (State.FAILED, "recipient refused: 550"),
        (State.SENT, ""),
    ]


def test_a_mail_that_does_not_go_for_days_is_given_up_until_the_operator_says_otherwise(
    db: Session, database: Database, world: World, clock: SetClock, post: Post
) -> None:
    write(db, world, "en")
    post.fault = MailError("timeout")
    clock.forward(seconds=(GIVE_UP_AFTER + timedelta(hours=1)).total_seconds())
    jobs.send_mails(database, clock, post)
    (one,) = listed(database)
    assert one.state is State.FAILED
    post.fault = None
    clock.forward(days=1)
    assert jobs.send_mails(database, clock, post) == 0
    assert outbox.retry(db, one.id, instant(clock))
    db.commit()
    assert jobs.send_mails(database, clock, post) == 1
    assert not outbox.retry(db, one.id, instant(clock))


def test_a_sender_that_dies_gives_its_mail_back(
    db: Session, database: Database, world: World, clock: SetClock, post: Post
) -> None:
    """S-02: also after a restart of everything."""
    write(db, world, "en", "to")
    post.fault = SystemExit()  # type: ignore[assignment]
    with pytest.raises(SystemExit):
        jobs.send_mails(database, clock, post)
    post.fault = None
    assert jobs.send_mails(database, clock, post) == 0
    clock.forward(seconds=WAITS[0] + 1)
    assert jobs.send_mails(database, clock, post) == 2
    assert sorted(mail.subject for mail in post.mails) == ["en", "to"]


def test_while_one_sends_no_other_does(
    db: Session, database: Database, world: World, clock: SetClock
) -> None:
    write(db, world, *map(str, range(4)))
    inside, most = 0, 0
    counting = threading.Lock()
    meeting = threading.Barrier(2)
    mails: list[str] = []

    class Slow:
        def send(self, mail: Mail) -> None:
            nonlocal inside, most
            with counting:
                inside += 1
                most = max(most, inside)
                mails.append(mail.subject)
            other = outbox_of_another()
            with counting:
                inside -= 1
            assert other is None

    def outbox_of_another() -> object:
        with database.writing() as session:
            found = outbox.take(session, instant(clock))
            session.commit()
            return found

    def run() -> None:
        meeting.wait(10)
        for _time in range(3):
            try:
                jobs.send_mails(database, clock, Slow())
            except SQLAlchemyError:  # the other had the turn
                continue

    threads = [threading.Thread(target=run) for _time in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    jobs.send_mails(database, clock, Slow())
    assert most == 1
    assert sorted(mails) == ["0", "1", "2", "3"]
