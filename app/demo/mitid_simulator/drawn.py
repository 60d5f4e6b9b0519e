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
from app.demo.member import MITID_NAMESPACE, Member
from app.demo.mitid_simulator.identities import TestIdentity

# In the order of the page, with what the Danish line says for those who do not read Danish.
LISTED: tuple[tuple[Member, str], ...] = (
    (DAN, "father of Anna; contact of Ida, without custody"),
    (PARENT, "mother of Alba in 1.B and Otto in 6.A at Egeskolen"),
    (BO, "pupil in 8.A at Egeskolen, has MitID"),
    (ALIASED, "pupil in 9.A at Egeskolen, name protected; MitID tells the real name"),
    (BOTH, "teacher of 6.B at Egeskolen and mother of Marius in 1.A"),
    (CARLA, "teacher of 2.B and 5.A at Egeskolen"),
    (EVA, "user administrator at Egeskolen"),
    (FINN, "teacher of 2.B and 5.A at Bøgeskolen"),
    (EXPIRING, "pedagogue at Egeskolen, must soon change password"),
    (GRY, "support"),
    (WITHOUT_CPR, "substitute teacher at Egeskolen; MitID has no CPR number"),
)


def identities(loaded_on: date) -> list[TestIdentity]:
    """Return the identities of a demo school that was loaded on a day; the last one it does not know.

    The day matters: whoever is in level 8 was born so many years before.
    """
    people = {person.member.word: person for person in drawing.draw_cast(loaded_on) if person.member}
    listed = []
    for member, english in LISTED:
        person, mitid = people[member.word], member.mitid
        if mitid is None:
            raise ValueError(f"{member.word} has no MitID")
        listed.append(
            TestIdentity(
                uuid=mitid["uuid"],
                label=mitid["name"],
                good_for={"da": member.described, "en": english},
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
