"""Chance that is the same each time."""

from __future__ import annotations

import hashlib

from app.world import Dice

SEED = "2026"


class SeededDice(Dice):
    """Chance that follows from a seed: the same throws each time, on every machine."""

    def __init__(self, *seed: str) -> None:
        """Begin the throws of this seed."""
        self._seed = "/".join((SEED, *seed))
        self._throws = 0

    def below(self, limit: int) -> int:
        """Return the next number from 0 up to, not including, `limit`."""
        return int.from_bytes(self._throw()[:8], "big") % limit

    def token(self) -> str:
        """Return the next text; of use for names only, as anybody can reckon it."""
        return self._throw().hex()

    def is_one_in(self, count: int) -> bool:
        """Whether a thing happens that happens once in `count` times."""
        return self.below(count) == 0

    def _throw(self) -> bytes:
        self._throws += 1
        return hashlib.sha256(f"{self._seed}/{self._throws}".encode()).digest()
