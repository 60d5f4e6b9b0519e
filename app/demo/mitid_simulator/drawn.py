"""Who has a test MitID: the cast of the demo school with the CPR numbers the school is loaded with."""

from __future__ import annotations

import uuid
from datetime import date

from app.demo import drawing
from app.demo.cast import (
    ALIASED,
    BO,
    BOTH,
    CARLA,
    DAN,
    EVA,
    EXPIRING,
    FINN,
    GRY,
    PARENT,
    WITHOUT_CPR,
)
from app.demo.member import MITID_NAMESPACE
from app.demo.mitid_simulator.identities import TestIdentity

# In the order of the page.
LISTED = (DAN, PARENT, BO, ALIASED, BOTH, CARLA, EVA, FINN, EXPIRING, GRY, WITHOUT_CPR)


def identities(loaded_on: date) -> list[TestIdentity]:
    """Return the identities of a demo school that was loaded on a day; the last one it does not know.

    The day matters: whoever is in level 8 was born so many years before.
    """
    people = {person.member.word: person for person in drawing.draw_cast(loaded_on) if person.member}
    listed = []
    for member in LISTED:
        person, mitid = people[member.word], member.mitid
        if mitid is None:
            raise ValueError(f"{member.word} has no MitID")
        listed.append(
            TestIdentity(
                uuid=mitid["uuid"],
                label=mitid["name"],
                good_for={"da": member.described, "en": member.described_en},
                name=f"{member.given_name} {member.family_name}",
                born_on=person.born_on.isoformat(),
                cpr=person.cpr if member.tells_cpr else None,
            )
        )
    return [*listed, _stranger(loaded_on)]


def _stranger(loaded_on: date) -> TestIdentity:
    """Return somebody whose number no register has: nobody drawn is as old."""
    born_on, cpr = drawing.draw_stranger(loaded_on)
    return TestIdentity(
        uuid=str(uuid.uuid5(MITID_NAMESPACE, "stranger")),
        label="Ulla Ukendt",
        good_for={
            "da": "voksen, som ingen skole kender",
            "en": "an adult whom no school knows",
        },
        name="Ulla Ukendt",
        born_on=born_on.isoformat(),
        cpr=cpr,
    )
