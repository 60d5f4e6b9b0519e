"""A pupil's raised hand: the teachers of the class see it for ten minutes; whoever asks learns nothing."""

from __future__ import annotations

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.db import Instant, swept
from app.domain import audit, devices, people
from app.domain.audit import Event
from app.domain.elevadgang.claims import network_mark
from app.domain.flows import Flow
from app.domain.login import Browser
from app.keys import Keys
from app.models.elevadgang import HelpRequest
from app.models.people import Category

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
    limits = {"name_mark": MOST_A_NAME, "device_mark": MOST_A_DEVICE, "network_mark": MOST_A_NETWORK}
    recent = HelpRequest.raised_at > now.after(-RAISED_SECONDS)
    counts = [
        select(func.count()).where(getattr(HelpRequest, column) == row[column], recent).scalar_subquery()
        for column in limits
    ]
    asked = db.execute(select(*counts)).one()
    if any(count >= most for count, most in zip(asked, limits.values(), strict=True)):
        return
    places = people.list_places(db, flow.user_id or 0, now.today)
    is_pupil = any(place.category is Category.PUPIL for place in places) and not flow.is_blocked
    pupil_id = flow.user_id if is_pupil else None
    db.execute(insert(HelpRequest).values(**row, pupil_id=pupil_id, raised_at=now.sql))
    if pupil_id is not None:
        audit.record(db, Event.HELP_ASKED, now, subject_id=pupil_id, network=browser.network)


def sweep(db: Session, now: Instant) -> int:
    """Remove hands that are down again; returns how many, or `SWEPT_AT_ONCE`."""
    return swept(db, HelpRequest, HelpRequest.raised_at < now.after(-RAISED_SECONDS))
