"""The figures: what a round came to, the middle of several, and the table of what is to be reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from bench.load import Took
from bench.server import Usage


@dataclass(frozen=True, slots=True)
class Round:
    """One round: so many logins or reads, what they used, and how long each took."""

    clients: int
    count: int
    usage: Usage
    took: Took

    @property
    def server_ms(self) -> float:
        """The server's CPU for each, in milliseconds."""
        return 1000 * self.usage.server / self.count

    @property
    def hash_ms(self) -> float:
        """The hash's part of that."""
        return 1000 * self.usage.hashing / self.count

    @property
    def rest_ms(self) -> float:
        """The server's CPU beside the hash."""
        return self.server_ms - self.hash_ms

    @property
    def rest_to_hash(self) -> float:
        """The CPU beside the hash, by the hash's own in the same round."""
        return self.rest_ms / self.hash_ms

    @property
    def database_ms(self) -> float:
        """The database server's CPU for each."""
        return 1000 * self.usage.database / self.count

    @property
    def both_ms(self) -> float:
        """Server and database together."""
        return self.server_ms + self.database_ms

    @property
    def load_ms(self) -> float:
        """The load generator's own CPU for each."""
        return 1000 * self.took.own_cpu / self.count

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.took.seconds


def middle(rounds: Sequence[Round], figure: Callable[[Round], float]) -> float:
    """Return the median of a figure over several rounds."""
    return median(figure(one) for one in rounds)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to reach."""

    what: str
    figure: float
    bound: float
    is_at_most: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the figure is on the right side of the bound."""
        return self.figure <= self.bound if self.is_at_most else self.figure >= self.bound

    @property
    def line(self) -> str:
        """The target as a line of the table."""
        bound = f"{'≤' if self.is_at_most else '≥'} {self.bound:g}"
        return f"{self.what:<58}{self.figure:>8.2f}   {bound:>7}   {'met' if self.is_met else 'NOT MET'}"
