"""What people write to support: kept once, without CPR numbers, with the mails that tell of it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import jobs
from app.db import Database, instant
from app.domain import contact, cpr, feedback, outbox, quota
from app.domain.contact import Answer, Draft, Outcome
from app.domain.outbox import Letter
from app.domain.quota import Quota
from app.keys import Keys
from app.models.contact import Case, Feedback, OutgoingMail, SendingQuota, Subject, Writer
from app.world import World
from tests import store
from tests.conftest import SetClock

DRAFT = Draft(
    "Dan Holm", "dan@example.dk", Writer.GUARDIAN, "Egeskolen", Subject.LOGIN, "Anna kan ikke logge ind."
)


def letters(number: str, kept: Draft, may_receive: bool) -> list[Letter]:
    """Write a mail to support, and a receipt where one may go out."""
    found = [Letter("support@example.dk", f"Sag {number}", kept.body, kept.mail)]
    return [*found, Letter(kept.mail, "Kvittering", number)] if may_receive else found


def send(
    db: Session,
    keys: Keys,
    world: World,
    draft: Draft = DRAFT,
    *,
    operation: str = "one",
    network: str = "192.0.2.1/32",
) -> Answer:
    """Send a message."""
    now = instant(world.clock)
    return contact.take(
        db,
        keys,
        world.dice,
        draft,
        operation=operation,
        network=network,
        language="da",
        host="example.dk",
        letters=letters,
        now=now,
    )


def count(db: Session, model: type) -> int:
    """Return how many rows there are."""
    return db.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "written",
    [
        "010203-1234",
        "0102031234",
        "010203 1234",
        "01.02.03 1234",
        "01 02 03 - 1234",
        "010203–1234",
        "310299/4321",
        "610203-1234",
        "010203ABC1",
        "cpr010203-1234",
    ],
)
def test_s_72_what_is_like_a_cpr_number_is_taken_out(written: str) -> None:
    text, count = cpr.without_numbers(f"Hun har {written}, og hun hedder Anna.")
    assert count == 1
    assert "1234" not in text
    assert "0102" not in text
    assert text.endswith(", og hun hedder Anna.")


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "written",
    ["35878550", "+45 35 87 85 50", "4535878550", "2026-11-22", "22.11.2026 kl. 10.35", "999001", "anna1001"],
)
def test_other_numbers_stay(written: str) -> None:
    assert cpr.without_numbers(f"Ring {written} nu") == (f"Ring {written} nu", 0)


@pytest.mark.sqlite_only
def test_a_number_is_not_hidden_by_what_cannot_be_seen() -> None:
    """S-72."""
    text, had_number = contact.body("01\u200b0203\u00ad-12\u200d34\x00 ja")
    assert had_number
    assert "34" not in text
    assert contact.line("Dan\r\nBcc: alle@example.dk")[0] == "Dan Bcc: alle@example.dk"


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (" dan@example.dk ", "dan@example.dk"),
        ("Dan.Holm+skole@Example.DK", "Dan.Holm+skole@example.dk"),
        ("dan@blåbær.dk", "dan@xn--blbr-roah.dk"),
        ("dan", None),
        ("dan@skole", None),
        ("dan@@skole.dk", None),
        ("dan holm@skole.dk", None),
        ("dan@skole.dk\nBcc: alle@skole.dk", None),
        ("<dan@skole.dk>", None),
        ("0102031234@skole.dk", None),
        (f"{'a' * 65}@skole.dk", None),
    ],
)
def test_a_mail_address_is_one_that_every_server_takes(typed: str, found: str | None) -> None:
    assert contact.address(typed) == found


def test_a_message_is_kept_with_its_mails_or_not_at_all(db: Session, keys: Keys, world: World) -> None:
    """S-02."""
    answer = send(db, keys, world)
    assert answer.outcome is Outcome.TAKEN
    assert len(answer.number) == 8
    assert (count(db, Case), count(db, OutgoingMail)) == (1, 2)
    db.rollback()
    assert (count(db, Case), count(db, OutgoingMail)) == (0, 0)


def test_s_72_no_number_reaches_the_store_or_a_mail(
    db: Session, database: Database, keys: Keys, world: World
) -> None:
    draft = Draft(
        "Dan 010203-1234", DRAFT.mail, DRAFT.writer, "Skole 0102031234", DRAFT.subject, "Om 010203 1234."
    )
    send(db, keys, world, draft)
    db.commit()
    kept = str(store.content(database, "support_case", "outgoing_mail"))
    assert "Om" in kept
    assert "1234" not in kept


def test_s_81_the_same_form_sent_again_is_one_case(db: Session, keys: Keys, world: World) -> None:
    first, again, other = (send(db, keys, world, operation=one) for one in ("one", "one", "two"))
    assert first == again
    assert first.number != other.number
    assert (count(db, Case), count(db, OutgoingMail)) == (2, 4)


def test_one_place_sends_so_much_an_hour_and_no_mailbox_is_filled(
    db: Session, keys: Keys, world: World, clock: SetClock
) -> None:
    answers = [send(db, keys, world, operation=str(number)) for number in range(Quota.CONTACT.value + 1)]
    assert [one.outcome for one in answers] == [Outcome.TAKEN] * Quota.CONTACT.value + [Outcome.TOO_MANY]
    receipts = select(func.count()).select_from(OutgoingMail).where(OutgoingMail.recipient == DRAFT.mail)
    assert db.scalar(receipts) == Quota.RECEIPT.value
    assert send(db, keys, world, operation="elsewhere", network="192.0.2.2/32").outcome is Outcome.TAKEN
    clock.forward(minutes=61)
    assert send(db, keys, world, operation="later").outcome is Outcome.TAKEN


def test_a_clock_set_back_locks_nobody_out(db: Session, keys: Keys, world: World, clock: SetClock) -> None:
    """S-07."""
    clock.forward(days=2)
    while quota.take(db, keys, Quota.RECEIPT, "x", instant(world.clock)):
        pass
    clock.forward(days=-2)
    assert quota.take(db, keys, Quota.RECEIPT, "x", instant(world.clock))


def test_an_answer_is_kept_once_without_numbers_and_counted(db: Session, keys: Keys, world: World) -> None:
    """S-81, S-72."""
    for operation, has_helped in (("one", False), ("one", False), ("two", True)):
        feedback.take(
            db,
            keys,
            kind="guides",
            slug="log-ind-med-billeder",
            language="da",
            has_helped=has_helped,
            text="Jeg er 010203-1234",
            operation=operation,
            network="192.0.2.1/32",
            now=instant(world.clock),
        )
    assert feedback.counts(db) == [feedback.Count("guides", "log-ind-med-billeder", 1, 1)]
    assert [one.body for one in feedback.list_written(db, 9)] == ["Jeg er ••••••-••••"] * 2


def test_all_of_it_goes_when_its_time_is_over(
    db: Session, database: Database, keys: Keys, world: World, clock: SetClock
) -> None:
    send(db, keys, world)
    feedback.take(
        db,
        keys,
        kind="guides",
        slug="x",
        language="da",
        has_helped=True,
        text="",
        operation="one",
        network="192.0.2.1/32",
        now=instant(clock),
    )
    db.commit()
    left = []
    for days in (1, outbox.KEEP_DAYS, contact.KEEP_DAYS, feedback.KEEP_DAYS):
        clock.forward(days=days)
        jobs.sweep(database, clock)
        with database.reading() as reading:
            left.append([count(reading, one) for one in (SendingQuota, OutgoingMail, Case, Feedback)])
    assert left == [[0, 2, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
