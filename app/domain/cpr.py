"""CPR numbers: one form, found by a keyed mark, kept sealed, shown masked (S-72)."""

from __future__ import annotations

import re

from stdnum.dk import cpr
from stdnum.exceptions import ValidationError

from app.keys import Keys, Purpose
from app.models.people import CprStatus

# A replacement number (erstatnings-CPR) has sixty added to its day, or letters in places 7 to 9.
REPLACEMENT_DAYS = 60
DIGITS = re.compile(r"[0-9]{10}")
WITH_LETTERS = re.compile(r"[0-9]{6}[A-Z]{3}[0-9]")
HIDDEN = "••••"
# What a text may hold that is meant as a number, however it is written: 010203-1234, 01.02.03 1234 …
WRITTEN = re.compile(
    r"(?<!\d)(\d\d)[\s./–—-]?(\d\d)[\s./–—-]?\d\d[\s./–—-]{0,3}(?:\d{4}|[^\W\d_]{3}\d)(?!\d)"
)
REMOVED = "••••••-••••"


def normal(text: str) -> str | None:
    """Return a CPR number in its one form, ten characters, or None where it cannot be one.

    An ordinary number needs a date only: since 2007 not all of them meet modulus 11. A replacement
    number by its day must meet it.
    """
    number = cpr.compact(text).upper()
    if DIGITS.fullmatch(number):
        if int(number[:2]) <= REPLACEMENT_DAYS:
            return number if _has_date(number) else None
        is_sound = cpr.checksum(number) == 0 and _has_date(_with_plain_day(number))
        return number if is_sound else None
    if WITH_LETTERS.fullmatch(number):
        # The letters stand where the century would, so either will do.
        return number if any(_has_date(number[:6] + seventh + "000") for seventh in "04") else None
    return None


def is_replacement(number: str) -> bool:
    """Whether a number, in its normal form, was given in place of a real one."""
    return not number.isdigit() or int(number[:2]) > REPLACEMENT_DAYS


def status(number: str, *, is_verified: bool) -> CprStatus:
    """Return how sure a number in its normal form is; a replacement is one whoever vouches for it."""
    if is_replacement(number):
        return CprStatus.REPLACEMENT
    return CprStatus.VERIFIED if is_verified else CprStatus.UNVERIFIED


def masked(number: str) -> str:
    """Return a number as it may stand on a screen: the date alone."""
    return f"{number[:6]}-{HIDDEN}"


def without_numbers(text: str) -> tuple[str, int]:
    """Return a text without anything like a CPR number, and how many there were.

    A day and a month are enough to be like one: whoever mistypes a number has written one all the same.
    """
    count = 0

    def hidden(found: re.Match[str]) -> str:
        nonlocal count
        day = int(found[1])
        day -= REPLACEMENT_DAYS if day > REPLACEMENT_DAYS else 0
        if not (1 <= day <= 31 and 1 <= int(found[2]) <= 12):
            return found[0]
        count += 1
        return REMOVED

    return WRITTEN.sub(hidden, text), count


def mark(keys: Keys, number: str) -> bytes:
    """Return what a person is found by: a keyed hash of a number in its normal form."""
    return keys.mark(Purpose.CPR_LOOKUP, number)


def seal(keys: Keys, number: str, user_id: int) -> str:
    """Encrypt a number for the store, bound to its user."""
    return keys.seal(Purpose.CPR_STORE, number, str(user_id))


def unseal(keys: Keys, sealed: str, user_id: int) -> str:
    """Decrypt what `seal` made.

    Raises:
        KeysError: the key is gone, or the row was moved.

    """
    return keys.unseal(Purpose.CPR_STORE, sealed, str(user_id))


def _with_plain_day(number: str) -> str:
    day = int(number[:2])
    return f"{day - REPLACEMENT_DAYS:02}{number[2:]}" if day > REPLACEMENT_DAYS else number


def _has_date(number: str) -> bool:
    try:
        cpr.get_birth_date(number)
    except ValidationError:
        return False
    return True
