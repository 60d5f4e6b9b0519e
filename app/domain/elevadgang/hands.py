"""A pupil's raised hand: the teachers of the class see it for ten minutes; whoever asks learns nothing."""

from __future__ import annotations

from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from app.db import Instant, swept, take_turns
from app.domain import audit, devices
from app.domain.audit import Event
from app.domain.elevadgang.claims import network_mark
from app.domain.flows import Flow
from app.domain.login import Browser
from app.domain.people import is_current
from app.keys import Keys
from app.models.elevadgang import HelpRequest
from app.models.people import Affiliation, Category

RAISED_SECONDS = 600
# How many hands in that time: of one name, from one device, and from one network (a class has thirty).
MOST_A_NAME, MOST_A_DEVICE, MOST_A_NETWORK = 1, 3, 60


def raise_hand(
    db: Session, keys: Keys, flow: Flow, device_token: str, browser: Browser, now: Instant
) -> None:
    """Raise the hand of whoever a flow is about, if that is a pupil of today and the limits allow.

    The work is the same for a name that nobody has, and nothing is told of it (S-10).
    """
    row = {
        "name_mark": keys.token_mark("help_request", flow.username),
        "device_mark": keys.token_mark(devices.KIND, device_token),
        "network_mark": network_mark(keys, browser),
    }
    take_turns(db, *row.values())  # or two at once would each count before the other is there
    limits = {"name_mark": MOST_A_NAME, "device_mark": MOST_A_DEVICE, "network_mark": MOST_A_NETWORK}
    recent = HelpRequest.raised_at > now.after(-RAISED_SECONDS)
    counts = [
        select(func.count()).where(getattr(HelpRequest, column) == row[column], recent).scalar_subquery()
        for column in limits
    ]
    asked = db.execute(select(*counts)).one()
    if any(count >= most for count, most in zip(asked, limits.values(), strict=True)):
        return
    institution_ids = db.scalars(
        select(Affiliation.institution_id)
        .where(
            Affiliation.user_id == (flow.user_id or 0),
            Affiliation.category == Category.PUPIL,
            is_current(literal(now.today)),
        )
        .distinct()
        .order_by(Affiliation.institution_id)
    ).all()
    is_seen = bool(institution_ids) and not flow.is_blocked
    pupil_id = flow.user_id if is_seen else None
    db.execute(insert(HelpRequest).values(**row, pupil_id=pupil_id, raised_at=now.sql))
    if pupil_id is None:
        return
    for institution_id in institution_ids:  # each has a log of its own
        audit.record(
            db,
            Event.HELP_ASKED,
            now,
            subject_id=pupil_id,
            institution_id=institution_id,
            network=browser.network,
        )


def sweep(db: Session, now: Instant) -> int:
    """Remove hands that are down again; returns how many, or `SWEPT_AT_ONCE`."""
    return swept(db, HelpRequest, HelpRequest.raised_at < now.after(-RAISED_SECONDS))
