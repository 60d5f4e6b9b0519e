"""What we ask of the world outside: the time and chance. Everything else is handed values."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

T = TypeVar("T")


class Clock:
    """The one clock (S-07). The offset is zero but in tests."""

    offset = timedelta(0)

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC) + self.offset


class Dice:
    """Chance from the system's generator."""

    def below(self, limit: int) -> int:
        """Return a whole number from 0 up to, not including, `limit`; all equally likely."""
        return secrets.randbelow(limit)

    def token(self) -> str:
        """Return 256 random bits as 43 characters that are safe in a cookie."""
        return secrets.token_urlsafe(32)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of `choices`, all equally likely."""
        return choices[self.below(len(choices))]

    def deal(self, cards: Sequence[T], count: int) -> list[T]:
        """Return `count` different ones of `cards` in random order; all orders equally likely."""
        left = list(cards)
        return [left.pop(self.below(len(left))) for _ in range(count)]


@dataclass(slots=True)
class World:
    """All that comes from outside; tests make their own."""

    clock: Clock = field(default_factory=Clock)
    dice: Dice = field(default_factory=Dice)
