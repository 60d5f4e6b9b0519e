"""Elevadgang without a web: grown-ups press, pupils claim, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import flows, login, new_password
from app.domain.elevadgang import areas, claims, presses
from app.domain.elevadgang.areas import Area
from app.domain.elevadgang.claims import Claimant
from app.domain.elevadgang.presses import Pressed
from app.domain.flows import Flow
from app.domain.login import Browser, Entrance
from app.domain.new_password import Practised
from app.models.audit import AuditEvent
from app.models.elevadgang import Door, PasswordWindow
from app.models.people import Group, Institution, User
from tests.cast import EGESKOLEN, Member, School, user_of
from tests.domain.acts import Acts

HERE, HOME = "192.0.2.7", "203.0.113.7"


def at(address: str, device: str | None = None, institution_network: str | None = None) -> Browser:
    """Return a browser at a public address."""
    return Browser(device, "Firefox, Linux", "192.0.2.0/24", institution_network, address)


GROWN_UP = at(HERE, "the grown-up's device")


@dataclass
class PupilBrowser:
    """One browser of a pupil: its secret, its device, where it is, and the flow in its cookie."""

    name: str
    address: str = HERE
    institution_network: str | None = None
    token: str | None = None
    times_asked: int = 0

    @property
    def browser(self) -> Browser:
        """What a request of it tells."""
        return at(self.address, f"device of {self.name}", self.institution_network)


@dataclass
class Helping:
    """What people do in Elevadgang, over the demo school."""

    acts: Acts

    def __post_init__(self) -> None:
        """Remember what was recorded before."""
        self.before: int = max(self.acts.all(select(AuditEvent.id)))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Look into the store."""
        with self.acts.database.reading() as db:
            yield db

    def id_of(self, member: Member) -> int:
        """Return a person's number."""
        with self.reading() as db:
            return user_of(db, member).id

    def uni_id(self, member: Member) -> str:
        """Return what a form names a person by."""
        with self.reading() as db:
            return user_of(db, member).uni_id

    def school_id(self, school: School = EGESKOLEN) -> int:
        """Return an institution's number."""
        found: int = self.acts.one(select(Institution.id).where(Institution.number == school.number))
        return found

    def area(self, member: Member, class_name: str | None, school: School = EGESKOLEN) -> Area:
        """Return somebody's class, or the institution of an administrator."""
        with self.reading() as db:
            actor_id, today = user_of(db, member).id, self.acts.now().today
            if class_name is None:
                found = areas.find_institution(db, actor_id, school.number)
            else:
                known = [a for a in areas.list_classes(db, actor_id, today) if a.group_name == class_name]
                found = known[0] if known else None
        assert found is not None
        return found

    def as_teacher_of(self, actor_id: int, class_name: str, school: School = EGESKOLEN) -> Area:
        """Return a class as anybody's, as a form made by hand would have it."""
        where = self.school_id(school)
        group_id = self.acts.one(
            select(Group.id).where(Group.institution_id == where, Group.name == class_name)
        )
        return Area(Door.TEACHER, actor_id, where, school.number, school.name, group_id, class_name)

    def as_administrator(self, actor_id: int, school: School = EGESKOLEN) -> Area:
        """Return an institution as anybody's."""
        return Area(Door.ADMINISTRATOR, actor_id, self.school_id(school), school.number, school.name)

    # ---- What grown-ups do ----

    def press(self, area: Area, *members: Member, browser: Browser = GROWN_UP) -> Pressed:
        """Tick pupils and press."""
        return self.press_ids(area, [self.uni_id(member) for member in members], browser)

    def press_ids(self, area: Area, uni_ids: list[str], browser: Browser = GROWN_UP) -> Pressed:
        """Press for these UniIDs."""
        with self.acts.writing() as (db, now):
            return presses.press(db, self.acts.keys, area, uni_ids, browser, now)

    def press_for_child(self, guardian: Member, child: Member) -> Pressed:
        """Press as a parent."""
        uni_id, guardian_id = self.uni_id(child), self.id_of(guardian)
        with self.acts.writing() as (db, now):
            return presses.press_for_child(db, self.acts.keys, guardian_id, uni_id, GROWN_UP, now)

    def cancel(self, area: Area, window_id: int) -> bool:
        """Press «Afbryd»."""
        with self.acts.writing() as (db, now):
            return presses.cancel(db, area.door, area.actor_id, area.institution_id, window_id, now)

    def extend(self, area: Area, window_id: int) -> bool:
        """Press «Giv fem minutter mere»."""
        whose = (area.door, area.actor_id, area.institution_id, window_id)
        with self.acts.writing() as (db, now):
            return presses.extend(db, *whose, GROWN_UP, now)

    def approve(self, area: Area, window_id: int, picture: str) -> bool:
        """Press «Godkend»."""
        whose = (area.door, area.actor_id, area.institution_id, window_id)
        with self.acts.writing() as (db, now):
            return presses.approve(db, *whose, picture, GROWN_UP, now)

    def disown(self, area: Area, window_id: int) -> bool:
        """Press «Det var ikke min elev»."""
        whose = (area.door, area.actor_id, area.institution_id, window_id)
        with self.acts.writing() as (db, now):
            return presses.disown(db, *whose, GROWN_UP, now)

    # ---- What pupils do ----

    def ask(self, pupil: PupilBrowser, username: str) -> bool:
        """Send a username as the wizard does; returns whether a window was claimed."""
        acts = self.acts
        with acts.writing() as (db, now):
            before = flows.find(db, acts.keys, acts.config, pupil.token, now) if pupil.token else None
            is_again = before is not None and before.username == username and before.proof is None
            asked = before.times_asked + 1 if before and is_again and not before.wrong_tries else 1
            begun = flows.begin(
                db,
                acts.keys,
                acts.dice,
                acts.config,
                now,
                username,
                replaced_token=pupil.token,
                asked_from=claims.marks(acts.keys, pupil.browser, pupil.name),
                times_asked=asked,
            )
            replaced, pupil.token = pupil.token, begun.token
            if begun.claimable_user_id is None:
                return False
            claimant = Claimant(pupil.name, pupil.browser.device_token or "", pupil.browser)
            claimed = claims.claim(
                db, acts.keys, acts.dice, now, begun.token, begun.claimable_user_id, claimant
            )
            if replaced:
                flows.forget(db, acts.keys, replaced, is_carried_on=asked > 1)
            if claimed is None:
                return False
            pupil.token = claimed
            flow = flows.find(db, acts.keys, acts.config, claimed, now)
            if flow is not None and flow.is_proved:
                new_password.assign(db, acts.keys, acts.dice, acts.config, flow, now)
            return True

    def flow(self, pupil: PupilBrowser) -> Flow | None:
        """Return the flow in a browser's cookie."""
        if pupil.token is None:
            return None
        with self.reading() as db:
            return flows.find(db, self.acts.keys, self.acts.config, pupil.token, self.acts.now())

    def dealt(self, pupil: PupilBrowser) -> str:
        """Return the password that waits in a browser's flow, dealt now if there is none."""
        acts, flow = self.acts, self.flow(pupil)
        assert flow is not None
        with acts.writing() as (db, now):
            pending = new_password.assign(db, acts.keys, acts.dice, acts.config, flow, now)
        assert pending is not None
        return pending.secret

    def confirm(
        self, pupil: PupilBrowser, typed: str, *, flow: Flow | None = None
    ) -> tuple[Practised, str | None]:
        """Practise and log in, in one request; returns what came of it and the session's token."""
        acts = self.acts
        with acts.writing() as (db, now):
            flow = flow or flows.find(db, acts.keys, acts.config, pupil.token or "", now)
            if flow is None or not flow.is_proved:
                return Practised.GONE, None
            outcome, after = new_password.confirm(
                db, acts.keys, acts.hasher, acts.config, flow, typed, pupil.browser, acts.now
            )
            if outcome is not Practised.CONFIRMED:
                return outcome, None
            device = pupil.browser.device_token or ""
            return outcome, login.finish(
                db, acts.keys, acts.config, after, pupil.browser, Entrance(device), acts.now()
            )

    def go_through(self, pupil: PupilBrowser, member: Member) -> str:
        """Claim, practise and log in; returns the new password."""
        assert self.ask(pupil, member.username or "")
        secret = self.dealt(pupil)
        outcome, session = self.confirm(pupil, secret)
        assert (outcome, session is not None) == (Practised.CONFIRMED, True)
        return secret

    # ---- What the store holds ----

    def windows(self, member: Member) -> list[PasswordWindow]:
        """Return a pupil's windows, oldest first."""
        query = select(PasswordWindow).join(User, User.id == PasswordWindow.pupil_id)
        return self.acts.all(query.where(User.username == member.username).order_by(PasswordWindow.id))

    def window(self, member: Member) -> PasswordWindow:
        """Return a pupil's newest window."""
        return self.windows(member)[-1]

    def events(self, *names: str) -> list[AuditEvent]:
        """Return what was recorded since the start, oldest first; of the kinds named, if any."""
        query = select(AuditEvent).where(AuditEvent.id > self.before).order_by(AuditEvent.id)
        return self.acts.all(query.where(AuditEvent.event.in_(names)) if names else query)

    def change(self, act: Callable[[Session], Any]) -> None:
        """Change the store as an import or an operator would."""
        with self.acts.writing() as (db, _now):
            act(db)


def elsewhere(name: str) -> PupilBrowser:
    """Return a pupil's browser that is at home."""
    return replace(PupilBrowser(name), address=HOME)
