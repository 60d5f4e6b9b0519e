"""The networks that institutions have registered as their own (S-13)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.orm import Session

from app import addresses
from app.addresses import Network as Range
from app.db import Instant, is_too_long
from app.domain import audit, people
from app.domain.audit import Event
from app.models.people import Institution, Network

# Wider than any school's: a slip of the pen would give half the world a school's limits.
WIDEST = {4: 16, 6: 32}


class Outcome(Enum):
    """What came of a wish to add or remove a network."""

    DONE = auto()
    NO_INSTITUTION = auto()
    NO_NETWORK = auto()
    NO_IPV6 = auto()
    TOO_WIDE = auto()
    TOO_LONG = auto()
    THERE_ALREADY = auto()
    NOT_THERE = auto()


@dataclass(frozen=True, slots=True)
class Registered:
    """A network and whose it is."""

    institution_number: str
    institution_name: str
    cidr: str
    label: str


def list_ranges(db: Session) -> list[tuple[Range, str]]:
    """Return every registered range with its number as text, the narrowest first, then the oldest."""
    rows = db.execute(select(Network.cidr, Network.id).order_by(Network.id))
    ranges = [(ipaddress.ip_network(cidr), str(id)) for cidr, id in rows]
    return sorted(ranges, key=lambda pair: -pair[0].prefixlen)


def list_ids(db: Session, institution_id: int) -> list[str]:
    """Return the numbers, as text, that an institution's networks are known by; others may have them too."""
    own = db.scalars(select(Network.cidr).where(Network.institution_id == institution_id)).all()
    everybodys = db.execute(select(Network.id, Network.cidr))
    return [str(id) for id, cidr in everybodys if any(_lies_in(cidr, one) for one in own)]


def is_in_one_of(db: Session, number: str, institution_ids: Select[int] | Sequence[int]) -> bool:
    """Whether what this number names is, or lies in, a network of one of these institutions.

    Several schools may go out through one network, and one of them have a part of it as its own.
    """
    found = db.scalar(select(Network.cidr).where(Network.id == int(number)))
    theirs = db.scalars(select(Network.cidr).where(Network.institution_id.in_(institution_ids)))
    return found is not None and any(_lies_in(found, cidr) for cidr in theirs)


def list_all(db: Session) -> list[Registered]:
    """Return every registered network, by institution."""
    rows = db.execute(
        select(Institution.number, Institution.name, Network.cidr, Network.label)
        .join(Institution, Institution.id == Network.institution_id)
        .order_by(Institution.number, Network.id)
    )
    return [Registered(*row) for row in rows]


def add(db: Session, number: str, text: str, label: str, now: Instant, *, operator: str) -> Outcome:
    """Register a network, written as an address or a range, for the institution with this number."""
    institution = people.find_institution(db, number)
    if institution is None:
        return Outcome.NO_INSTITUTION
    network = _range(text)
    if network is None:
        return Outcome.NO_NETWORK
    if addresses.is_mapped(network):
        return Outcome.NO_IPV6
    if network.prefixlen < WIDEST[network.version]:
        return Outcome.TOO_WIDE
    if is_too_long(label, Network.label):
        return Outcome.TOO_LONG
    cidr = str(network)
    if db.scalar(select(Network.id).where(*_is_that(institution, cidr))) is not None:
        return Outcome.THERE_ALREADY
    db.add(Network(institution_id=institution.id, cidr=cidr, label=label))
    db.flush()
    audit.record(db, Event.NETWORK_ADDED, now, institution_id=institution.id, cidr=cidr, operator=operator)
    return Outcome.DONE


def remove(db: Session, number: str, text: str, now: Instant, *, operator: str) -> Outcome:
    """Let a network be an institution's own no more."""
    institution = people.find_institution(db, number)
    if institution is None:
        return Outcome.NO_INSTITUTION
    network = _range(text)
    if network is None:
        return Outcome.NO_NETWORK
    cidr = str(network)
    gone = db.execute(delete(Network).where(*_is_that(institution, cidr)).returning(Network.id))
    if gone.first() is None:
        return Outcome.NOT_THERE
    audit.record(db, Event.NETWORK_REMOVED, now, institution_id=institution.id, cidr=cidr, operator=operator)
    return Outcome.DONE


def _lies_in(inner: str, outer: str) -> bool:
    part, whole = ipaddress.ip_network(inner), ipaddress.ip_network(outer)
    return part.prefixlen >= whole.prefixlen and part.network_address in whole


def _is_that(institution: Institution, cidr: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Network.institution_id == institution.id, Network.cidr == cidr


def _range(text: str) -> Range | None:
    """Return the range a text names, or None; bits beyond the mask are a slip, not a range."""
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError:
        return None
