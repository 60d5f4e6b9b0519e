"""What we ask of the world outside: the time, chance and MitID. Everything else is handed values."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Protocol, TypeVar

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


class MitIdFault(Enum):
    """Why a trip to MitID proved nobody."""

    CANCELLED = auto()  # the person stopped it
    TIMED_OUT = auto()  # the person took too long there
    UNREACHABLE = auto()  # the broker is down, slow, or answers what nobody can read
    REFUSED = auto()  # an answer that must not be trusted


class MitIdError(Exception):
    """A trip to MitID ended without proof."""

    def __init__(self, fault: MitIdFault, reason: str) -> None:
        """Take what happened, and why in a few words for the log: never a token, a code or a CPR number."""
        super().__init__(reason)
        self.fault = fault
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom MitID proved: its own id of the person, and what the broker tells of them."""

    mitid_uuid: str
    cpr: str | None = field(repr=False)
    name: str
    authenticated_at: datetime


@dataclass(frozen=True, slots=True)
class Trip:
    """The secrets of one trip to MitID (S-30), kept between its way out and its way back."""

    state: str
    nonce: str
    code_verifier: str = field(repr=False)
    begun_at: datetime


class MitIdBroker(Protocol):
    """Who asks MitID for us: an OpenID provider, reached over HTTP."""

    def address(self, trip: Trip, language: str) -> str:
        """Return where a browser is sent to; raises `MitIdError` (UNREACHABLE)."""

    def redeem(self, answer: Mapping[str, str], trip: Trip, now: datetime) -> Identity:
        """Return who came back, from the parameters of the redirect; raises `MitIdError`."""


class MailError(Exception):
    """A mail did not go; `is_final` where it never will."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        """Take why in a few words for the operator: never an address or a word of the mail."""
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it goes out."""

    message_id: str
    recipient: str
    reply_to: str | None
    subject: str
    body: str
    written_at: datetime


class MailServer(Protocol):
    """Who takes our mails over: the operator's SMTP server."""

    def send(self, mail: Mail) -> None:
        """Hand a mail over; raises `MailError`."""


@dataclass(slots=True)
class World:
    """All that comes from outside; tests make their own. Without a broker nobody is offered MitID.

    Without a mail server mails are written and stay where they are.
    """

    clock: Clock = field(default_factory=Clock)
    dice: Dice = field(default_factory=Dice)
    mitid: MitIdBroker | None = None
    mail: MailServer | None = None
