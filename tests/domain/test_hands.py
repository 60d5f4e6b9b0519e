"""Raised hands: so many and no more, also at once, and each school of the pupil has it in its log (S-10)."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from app.domain.elevadgang import hands
from app.domain.elevadgang.claims import network_mark
from app.models.elevadgang import HelpRequest
from app.models.people import Affiliation, Category, User
from tests.cast import ANNA, BO, EGESKOLEN, IDA, LINDESKOLEN
from tests.domain.acts import at_once
from tests.domain.helping import HERE, Helping, at

NAME = ANNA.username or ""
NOBODY = "zzzz9999"


def raise_hand(helping: Helping, username: str, device: str, address: str = HERE) -> None:
    """Send the name and raise the hand, in the transactions of two requests."""
    acts = helping.acts
    flow = acts.flow(acts.begin(username))
    with acts.writing() as (db, now):
        hands.raise_hand(db, acts.keys, flow, device, at(address), now)


def raised(helping: Helping) -> int:
    return helping.acts.count(HelpRequest)


@pytest.mark.parametrize("name", [NAME, NOBODY])
def test_of_twenty_hands_of_one_name_at_once_one_is_raised(helping: Helping, name: str) -> None:
    at_once(20, lambda number: raise_hand(helping, name, f"device {number}", f"203.0.113.{number}"))
    assert raised(helping) == 1
    assert len(helping.events("HELP_ASKED")) == int(name == NAME)


def test_of_twenty_hands_from_one_device_at_once_three_are_raised(helping: Helping) -> None:
    at_once(20, lambda number: raise_hand(helping, f"zzzz99{number:02}", "shared", f"203.0.113.{number}"))
    assert raised(helping) == hands.MOST_A_DEVICE


def test_hands_from_one_network_at_once_stop_at_its_limit(helping: Helping) -> None:
    mark = network_mark(helping.acts.keys, at(HERE))
    there = [
        {
            "name_mark": f"n{n}",
            "device_mark": f"d{n}",
            "network_mark": mark,
            "raised_at": helping.acts.now().at,
        }
        for n in range(hands.MOST_A_NETWORK - 4)
    ]
    helping.change(lambda db: db.execute(insert(HelpRequest), there))
    at_once(12, lambda number: raise_hand(helping, f"zzzz99{number:02}", f"device {number}"))
    assert raised(helping) == hands.MOST_A_NETWORK


def test_a_hand_that_was_refused_uses_up_nobody_elses(helping: Helping) -> None:
    for _ in range(5):
        raise_hand(helping, NAME, "shared")
    for member in (BO, IDA):
        raise_hand(helping, member.username or "", "shared")
    assert raised(helping) == 3
    raise_hand(helping, NOBODY, "shared")
    assert raised(helping) == 3, "three from one device"
    helping.acts.clock.forward(seconds=hands.RAISED_SECONDS + 1)
    raise_hand(helping, NAME, "shared")
    assert raised(helping) == 4


def test_a_hand_is_told_to_each_school_where_the_pupil_is_today(helping: Helping) -> None:
    other = helping.school_id(LINDESKOLEN)
    with helping.acts.writing() as (db, now):
        whose = db.scalars(select(User.id).where(User.username == NAME)).one()
        at_other = {"user_id": whose, "category": Category.PUPIL, "roles": ["Elev"], "level": "2"}
        db.add(Affiliation(institution_id=other, from_on=now.today, **at_other))
    raise_hand(helping, NAME, "device")
    told = helping.events("HELP_ASKED")
    assert {event.institution_id for event in told} == {helping.school_id(EGESKOLEN), other}
    assert {event.subject_id for event in told} == {whose}
    assert raised(helping) == 1


def test_the_hand_of_one_who_is_blocked_or_no_pupil_any_more_is_nobodys(helping: Helping) -> None:
    today = helping.acts.now().at
    helping.change(lambda db: db.execute(update(User).where(User.username == NAME).values(blocked_at=today)))
    raise_hand(helping, NAME, "one")
    left = select(User.id).where(User.username == IDA.username).scalar_subquery()
    helping.change(
        lambda db: db.execute(
            update(Affiliation).where(Affiliation.user_id == left).values(to_on=Affiliation.from_on)
        )
    )
    raise_hand(helping, IDA.username or "", "two")
    assert helping.acts.all(select(HelpRequest.pupil_id)) == [None, None]
    assert helping.events("HELP_ASKED") == []
