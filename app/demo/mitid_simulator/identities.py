"""The people to pick from at the simulator, and how they travel from one process to another."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class TestIdentity:
    """Somebody with a test MitID: the name on the button, and what MitID tells of them."""

    __test__ = False  # for pytest, which takes the name for a test

    uuid: str
    label: str
    good_for: dict[str, str]  # by language: one line on what the identity shows
    name: str
    born_on: str  # a date in ISO 8601, as the broker sends it
    cpr: str | None = field(repr=False)

    def age(self, today: date) -> int:
        """Return how many years old the person is on a day."""
        born_on = date.fromisoformat(self.born_on)
        return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))


def written(identities: Iterable[TestIdentity]) -> str:
    """Return identities as JSON, for `read`."""
    return json.dumps([asdict(identity) for identity in identities])


def read(text: str) -> list[TestIdentity]:
    """Return the identities that `written` wrote."""
    return [TestIdentity(**row) for row in json.loads(text)]
