"""The networks that institutions have registered as their own (S-13)."""

from __future__ import annotations

import ipaddress

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.people import Network

Range = ipaddress.IPv4Network | ipaddress.IPv6Network


def list_ranges(db: Session) -> list[tuple[Range, str]]:
    """Return every registered range with its number as text, the narrowest first."""
    rows = db.execute(select(Network.cidr, Network.id))
    ranges = [(ipaddress.ip_network(cidr), str(id)) for cidr, id in rows]
    return sorted(ranges, key=lambda pair: -pair[0].prefixlen)
