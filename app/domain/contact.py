"""What people write to support: stored under a number, freed of CPR numbers, and told of by mail."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import Instant, swept, table
from app.domain import cpr, outbox, quota
from app.domain.outbox import Letter
from app.domain.quota import Quota
from app.keys import Keys
from app.models.contact import Case, Subject, Writer
from app.world import Dice

KEEP_DAYS = 365
# A case number has eight digits, and none is ever left out at the front.
NUMBERS = 90_000_000
FIRST_NUMBER = 10_000_000
LINE, BODY, ADDRESS = 120, 5000, 254
MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}")


class Outcome(Enum):
    """What became of a message."""

    TAKEN = auto()
    TOO_MANY = auto()


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody has written."""

    name: str
    mail: str
    writer: Writer
    institution: str
    subject: Subject
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of it, and the case's number where it was taken."""

    outcome: Outcome
    number: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A case as the operator sees it."""

    number: str
    received_at: datetime
    language: str
    draft: Draft


def line(text: str) -> tuple[str, bool]:
    """Return a text on one line, without CPR numbers, and whether there was one."""
    plain, had_number = body(text)
    return " ".join(plain.split()), had_number


def body(text: str) -> tuple[str, bool]:
    """Return a text without CPR numbers and what cannot be seen, and whether there was a number."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    # What is not seen could steer a mail's reader, or split a number.
    seen = "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    freed, count = cpr.without_numbers(seen)
    return freed.strip(), count > 0


def address(text: str) -> str | None:
    """Return a mail address in the form that every server takes, or None where it is none."""
    name, _, host = text.strip().rpartition("@")
    try:
        found = f"{name}@{host.encode('idna').decode('ascii').lower()}"
    except UnicodeError:
        return None
    has_number = cpr.without_numbers(found)[1] > 0
    return found if MAIL.fullmatch(found) and len(found) <= ADDRESS and not has_number else None


def freed(draft: Draft) -> Draft:
    """Return what somebody has written as it may be kept (S-72)."""
    return replace(
        draft,
        name=line(draft.name)[0][:LINE],
        institution=line(draft.institution)[0][:LINE],
        body=body(draft.body)[0][:BODY],
    )


def take(
    db: Session,
    keys: Keys,
    dice: Dice,
    draft: Draft,
    *,
    operation: str,
    network: str,
    language: str,
    host: str,
    letters: Callable[[str, Draft, bool], list[Letter]],
    now: Instant,
) -> Answer:
    """Store what somebody has written, with the mails that tell of it, or refuse one too many.

    `letters` writes the mails, told the case's number, what is kept, and whether a receipt may go out. The
    same operation again is answered the same, and has one effect (S-81).
    """
    operation_mark = keys.token_mark("contact", operation)
    known = db.scalar(select(Case.number).where(Case.operation_mark == operation_mark))
    if known is not None:
        return Answer(Outcome.TAKEN, known)
    if not quota.take(db, keys, Quota.CONTACT, network, now):
        return Answer(Outcome.TOO_MANY)
    kept = freed(draft)
    number = None
    while number is None:
        number = _stored(db, dice, kept, operation_mark, language, now)
        if number is None:
            # Either somebody has the number, or another press of the same button was first.
            known = db.scalar(select(Case.number).where(Case.operation_mark == operation_mark))
            if known is not None:
                return Answer(Outcome.TAKEN, known)
    may_receive = quota.take(db, keys, Quota.RECEIPT, kept.mail.casefold(), now)
    for letter in letters(number, kept, may_receive):
        outbox.write(db, dice, letter, host, now)
    return Answer(Outcome.TAKEN, number)


def _stored(
    db: Session, dice: Dice, kept: Draft, operation_mark: str, language: str, now: Instant
) -> str | None:
    dialect: Any = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    values = {
        "number": str(FIRST_NUMBER + dice.below(NUMBERS)),
        "operation_mark": operation_mark,
        "received_at": now.at,
        "language": language,
        "name": kept.name,
        "mail": kept.mail,
        "writer": kept.writer,
        "institution": kept.institution,
        "subject": kept.subject,
        "body": kept.body,
    }
    adding = dialect.insert(table(Case)).values(values).on_conflict_do_nothing()
    number: str | None = db.scalar(adding.returning(Case.number))
    return number


def list_newest(db: Session, limit: int) -> list[Listed]:
    """Return cases, the newest first."""
    return [_listed(one) for one in db.scalars(select(Case).order_by(Case.id.desc()).limit(limit))]


def find(db: Session, number: str) -> Listed | None:
    """Return a case by its number, however its digits are grouped, or None."""
    digits = re.sub(r"\D", "", number)
    one = db.scalar(select(Case).where(Case.number == digits))
    return _listed(one) if one else None


def _listed(one: Case) -> Listed:
    draft = Draft(one.name, one.mail, one.writer, one.institution, one.subject, one.body)
    return Listed(one.number, one.received_at, one.language, draft)


def grouped(number: str) -> str:
    """Return a case's number as it is read aloud: «1234 5678»."""
    return f"{number[:4]} {number[4:]}"


def sweep(db: Session, now: Instant) -> int:
    """Remove cases that are a year old; returns how many."""
    return swept(db, Case, Case.received_at < now.after(-KEEP_DAYS * 86400))
