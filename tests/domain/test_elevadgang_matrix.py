"""Who may do what to whom in Elevadgang: every role, every act, every kind of target (S-40)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import Instant
from app.domain.elevadgang import areas, oversight, presses
from app.domain.elevadgang.areas import Area
from app.domain.elevadgang.oversight import Deed
from app.domain.elevadgang.presses import Press
from app.models.audit import AuditEvent
from app.models.elevadgang import Door, Doubt, PasswordWindow, WindowState
from app.models.people import Affiliation, Group, Institution, PasswordType, User
from tests.cast import (
    ALBA,
    ANNA,
    BO,
    BOEGESKOLEN,
    BOTH,
    CARLA,
    CHILD_OF_BOTH,
    DAN,
    EGESKOLEN,
    EVA,
    EXPIRING,
    FINN,
    GRY,
    IDA,
    OTTO,
    PARENT,
    WITHOUT_CPR,
    Member,
    School,
)
from tests.domain.helping import GROWN_UP, Helping

pytestmark = pytest.mark.sqlite_only

ACTORS = (ANNA, IDA, BO, CARLA, DAN, EVA, FINN, GRY, EXPIRING, BOTH, PARENT, WITHOUT_CPR)
# Pupils of two schools, and people who are none; Finn's 2.B and 5.A are called like Carla's.
PUPILS = (ANNA, IDA, BO, OTTO, ALBA, CHILD_OF_BOTH)
NO_PUPILS = (CARLA, DAN, EVA, FINN, GRY, BOTH)
TEACHES = {CARLA.word: {"anna", "ida"}, BOTH.word: set(), FINN.word: {"theirs"}}
PARENT_OF = {DAN.word: {"anna"}, PARENT.word: {"alba", "otto"}, BOTH.word: {"child_of_both"}}
ADMINISTERS = {EVA.word: {member.word for member in PUPILS}}


class Target:
    """Somebody whom one may or may not help: their number, class and school."""

    def __init__(self, db: Session, word: str, user: User, school: School) -> None:
        self.word, self.id, self.uni_id, self.school = word, user.id, user.uni_id, school
        main = select(Affiliation.main_group_id).where(
            Affiliation.user_id == user.id, Affiliation.main_group_id.is_not(None)
        )
        self.school_id = db.scalars(select(Institution.id).where(Institution.number == school.number)).one()
        group_id = db.scalar(main)
        if group_id is None:  # an employee or a parent: try as if they were in 2.B
            group_id = db.scalars(
                select(Group.id).where(Group.institution_id == self.school_id, Group.name == "2.B")
            ).one()
        self.group_id = group_id
        self.class_name = db.scalars(select(Group.name).where(Group.id == group_id)).one()


def targets(db: Session) -> list[Target]:
    """Return pupils of each kind, one of Bøgeskolen's 2.B, and people who are no pupils."""
    found = []
    for member in (*PUPILS, *NO_PUPILS):
        user = db.scalars(select(User).where(User.username == member.username)).one()
        found.append(Target(db, member.word, user, member.school or EGESKOLEN))
    theirs = (
        select(User)
        .join(Affiliation, Affiliation.user_id == User.id)
        .join(Group, Group.id == Affiliation.main_group_id)
        .join(Institution, Institution.id == Group.institution_id)
        .where(Institution.number == BOEGESKOLEN.number, Group.name == "2.B", User.username.is_not(None))
        .limit(1)
    )
    found.append(Target(db, "theirs", db.scalars(theirs).one(), BOEGESKOLEN))
    return found


def forged(actor_id: int, target: Target) -> list[Area]:
    """Return the areas of a target, as a request made by hand would name them for anybody."""
    school = (target.school_id, target.school.number, target.school.name)
    return [
        Area(Door.TEACHER, actor_id, *school, target.group_id, target.class_name),
        Area(Door.ADMINISTRATOR, actor_id, *school),
    ]


def may(actor: Member, door: Door, target: Target) -> bool:
    """Whether the cast's own roles allow it; the table above, and nothing that the app says."""
    if actor.word == target.word:
        return False
    table = {Door.TEACHER: TEACHES, Door.ADMINISTRATOR: ADMINISTERS, Door.GUARDIAN: PARENT_OF}[door]
    return target.word in table.get(actor.word, set())


def window_of(db: Session, door: Door, opener_id: int, target: Target, now: Instant, state: str) -> int:
    """Put a window in place that stands as an act needs it."""
    window = PasswordWindow(
        pupil_id=target.id,
        opened_by_id=opener_id,
        door=door,
        institution_id=None if door is Door.GUARDIAN else target.school_id,
        opened_at=now.at - timedelta(seconds=30),
        ends_at=now.at + timedelta(seconds=270),
        opener_network_mark="n",
        opener_device_mark="d",
    )
    if state != "open":
        window.claimed_at, window.claim_mark = now.at, "c"
        window.state, window.doubt, window.picture = WindowState.PENDING, Doubt.ELSEWHERE, "ugle"
    if state == "done":
        window.state, window.done_at = WindowState.DONE, now.at
    db.add(window)
    db.flush()
    return window.id


def window_acts() -> dict[str, tuple[str, Any]]:
    """Return each act on a window, and how the window must stand for it."""
    return {
        "cancel": ("open", lambda db, w, number, now: presses.cancel(db, *w, number, now)),
        "extend": ("open", lambda db, w, number, now: presses.extend(db, *w, number, GROWN_UP, now)),
        "approve": (
            "pending",
            lambda db, w, number, now: presses.approve(db, *w, number, "ugle", GROWN_UP, now),
        ),
        "disown": ("done", lambda db, w, number, now: presses.disown(db, *w, number, GROWN_UP, now)),
    }


def count(db: Session) -> tuple[int, int]:
    return (
        db.scalar(select(func.count()).select_from(AuditEvent)) or 0,
        db.scalar(select(func.count()).where(PasswordWindow.state == WindowState.OPEN)) or 0,
    )


@pytest.mark.parametrize("actor", ACTORS, ids=[actor.word for actor in ACTORS])
def test_s_40_who_may_do_what_to_whom(helping: Helping, actor: Member) -> None:
    """Every act is done and undone again; whoever may not has no effect at all."""
    acts, actor_id = helping.acts, helping.id_of(actor)
    allowed = 0
    with acts.database.writing() as db:
        everybody = targets(db)
        for target in everybody:
            doors = [*((area.door, area) for area in forged(actor_id, target)), (Door.GUARDIAN, None)]
            for door, area in doors:
                expected = may(actor, door, target)
                for name, (is_done, before, after) in tried(helping, db, actor_id, door, area, target):
                    what = f"{actor.word} as {door} does «{name}» to {target.word}"
                    only_hers = name in ("mark", "block", "activate") and door is not Door.ADMINISTRATOR
                    assert is_done is (expected and not only_hers), what
                    if not is_done:
                        assert after == before, what
                    allowed += is_done
    table = (TEACHES, ADMINISTERS, PARENT_OF)
    assert (allowed > 0) is any(rights.get(actor.word) for rights in table)


def tried(
    helping: Helping, db: Session, actor_id: int, door: Door, area: Area | None, target: Target
) -> list[tuple[str, tuple[bool, Any, Any]]]:
    """Do each act there is through one door, undoing it; returns what came of it, and the store's counts."""
    acts, found = helping.acts, []
    now = acts.now()

    def tell(name: str, act: Callable[[], bool]) -> None:
        before = count(db)
        is_done = act()
        found.append((name, (is_done, before, count(db))))
        db.rollback()

    if area is None:
        tell(
            "press",
            lambda: bool(
                presses.press_for_child(db, acts.keys, actor_id, target.uni_id, GROWN_UP, now).opened
            ),
        )
    else:
        tell(
            "press",
            lambda: bool(presses.press(db, acts.keys, area, [target.uni_id], GROWN_UP, now).opened),
        )
        tell("block", lambda: oversight.block(db, area, target.uni_id, now) is not Deed.FOREIGN)
        for kind in (PasswordType.PICTURES, PasswordType.WORDS):
            tell("mark", lambda kind=kind: oversight.mark(db, area, target.uni_id, kind, now) is Deed.DONE)
        tell(
            "activate",
            lambda: oversight.activate(db, acts.dice, area, target.uni_id, now) is not Deed.FOREIGN,
        )
    institution_id = None if area is None else area.institution_id
    for name, (state, act) in window_acts().items():
        window_id = window_of(db, door, actor_id, target, now, state)
        whose = (door, actor_id, institution_id)
        tell(name, lambda act=act, w=whose, number=window_id: act(db, w, number, now))
    return found


def test_s_40_one_foreign_pupil_among_forty_refuses_all_of_them(helping: Helping) -> None:
    carla, own = helping.area(CARLA, "2.B"), []
    with helping.reading() as db:
        query = select(User).join(Affiliation, Affiliation.user_id == User.id)
        mine = areas.is_pupil_of(carla, helping.acts.now().today)
        own = [user.uni_id for user in db.scalars(query.where(mine))]
        strangers = {target.word: target.uni_id for target in targets(db)}
    for word in ("theirs", "otto", "carla", "dan", "ida"):
        assert helping.press_ids(carla, [*own[:27], strangers[word]]).outcome is Press.FOREIGN
    assert helping.press_ids(carla, [*own[:27], "ffffffffff"]).outcome is Press.FOREIGN
    assert helping.acts.count(PasswordWindow) == 0
    assert helping.events() == []


def test_s_40_a_window_of_another_school_is_out_of_reach_by_its_number(helping: Helping) -> None:
    finn = helping.area(FINN, "2.B", BOEGESKOLEN)
    with helping.reading() as db:
        uni_id = next(target.uni_id for target in targets(db) if target.word == "theirs")
    (window_id,) = helping.press_ids(finn, [uni_id]).opened.values()
    for area in (helping.area(CARLA, "2.B"), helping.area(EVA, None)):
        for tried_as in (area, helping.as_administrator(area.actor_id, BOEGESKOLEN)):
            assert not helping.cancel(tried_as, window_id)
            assert not helping.extend(tried_as, window_id)
    assert helping.cancel(finn, window_id)
