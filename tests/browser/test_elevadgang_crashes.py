"""A worker killed during a claim, a confirmation or a block: whole, or not there (S-02, S-03)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import select, update

from app import keys as keyring
from app.db import instant
from app.domain.elevadgang import areas, presses
from app.domain.login import Browser
from app.models.credentials import PendingPassword
from app.models.elevadgang import PasswordWindow, WindowState
from app.models.sso import LoginFlow, SsoSession
from app.world import Clock
from tests.browser.server import Server
from tests.browser.steps import (
    USERNAME,
    button,
    dealt_words,
    follow,
    is_logged_in,
    log_in,
    press,
    sees,
    write,
)
from tests.browser.test_crashes import kept_server, kill_while_posting, store
from tests.browser.visits import Visits
from tests.cast import CARLA, EVA, IDA, user_of

__all__ = ["kept_server"]

HERE = Browser(None, "", "127.0.0.0/24", None, "127.0.0.1/32")
BEFORE_AND_AFTER = pytest.mark.parametrize(("point", "is_done"), [("before", False), ("after", True)])


def carla_presses(site: Server) -> None:
    """Open five minutes for Ida."""
    keys, now = keyring.read(site.config.keys_file), instant(Clock())
    with site.database.writing() as db:
        taught = areas.list_classes(db, user_of(db, CARLA).id, now.today)
        area = next(area for area in taught if area.group_name == "5.A")
        assert presses.press(db, keys, area, [user_of(db, IDA).uni_id], HERE, now).opened
        db.commit()


def window(site: Server) -> tuple[WindowState, bool, int]:
    """Return how Ida's window stands, whether it has led to a password, and how many wait for it."""
    with site.reading() as db:
        one = db.scalars(select(PasswordWindow)).one()
        waiting = select(PendingPassword.flow_id).join(LoginFlow)
        mine = waiting.where(LoginFlow.password_window_id == one.id)
        return one.state, one.credential_id is not None, len(list(db.scalars(mine)))


@BEFORE_AND_AFTER
def test_a_claim_is_whole_or_not_there(site: Server, scripted: Page, point: str, is_done: bool) -> None:
    """S-42: the window is claimed, a password waits and the event is there, or none of it."""
    carla_presses(site)
    scripted.goto("/login/brugernavn")
    kill_while_posting(site, scripted, "/login/brugernavn", point, 1, username=IDA.username or "")
    claimed = ["WINDOW_OPENED", "WINDOW_CLAIMED"]
    assert window(site) == ((WindowState.PENDING, False, 1) if is_done else (WindowState.OPEN, False, 0))
    assert site.events(IDA) == (claimed if is_done else claimed[:1])
    write(scripted, USERNAME, IDA.username or "")
    press(scripted, "Næste")
    sees(scripted, "Din nye adgangskode")
    assert window(site) == (WindowState.PENDING, False, 1)
    assert site.events(IDA) == claimed


@BEFORE_AND_AFTER
def test_a_window_is_used_up_with_its_password_or_not_at_all(
    site: Server, scripted: Page, point: str, is_done: bool
) -> None:
    """S-25, S-41: window, credential, session and events together."""
    carla_presses(site)
    scripted.goto("/login/brugernavn")
    write(scripted, USERNAME, IDA.username or "")
    press(scripted, "Næste")
    new = dealt_words(scripted)
    follow(scripted, "Jeg kan huske den")
    sees(scripted, "Prøv din nye adgangskode")
    before = store(site, IDA)
    kill_while_posting(site, scripted, "/login/oev", point, 2, password=new)
    after = store(site, IDA)
    if is_done:
        assert window(site) == (WindowState.DONE, True, 0)
        assert after.current_credential != before.current_credential
        assert after.events == [*before.events, "PASSWORD_CHANGED", "LOGGED_IN"]
    else:
        assert window(site) == (WindowState.PENDING, False, 1)
        assert after == before
    write(scripted, "Ny adgangskode", new)
    press(scripted, "Næste")
    is_logged_in(scripted, IDA)
    assert window(site) == (WindowState.DONE, True, 0)
    assert site.events(IDA) == [*before.events, "PASSWORD_CHANGED", "LOGGED_IN"]


@BEFORE_AND_AFTER
def test_a_block_is_whole_or_not_there(
    site: Server, visits: Visits, scripted: Page, point: str, is_done: bool
) -> None:
    """S-18, S-46: the block, the ended session, the closed window and the events, or none of it."""
    elsewhere = visits.open(has_script=False)
    log_in(elsewhere, IDA)
    is_logged_in(elsewhere, IDA)
    carla_presses(site)
    log_in(scripted, EVA)
    is_logged_in(scripted, EVA)
    path = as_if_by_mitid(site)
    scripted.goto(path)
    sees(scripted, IDA.shown_name)
    before = store(site, IDA)
    kill_while_posting(site, scripted, f"{path}/spaer", point, 1)
    after = store(site, IDA)
    blocked = [*before.events, "WINDOW_CANCELLED", "BLOCKED"]
    if is_done:
        assert (after.living_sessions, after.events) == (0, blocked)
        assert window(site)[0] is WindowState.CANCELLED
    else:
        assert after == before
        assert window(site)[0] is WindowState.OPEN
    scripted.reload()
    if not is_done:
        press(scripted, "Spær eleven")
    button(scripted, "Åbn igen").wait_for()
    elsewhere.goto("/mit")
    sees(elsewhere, "Vælg login")
    # Each look at the pupil's page is an event, too.
    assert [one for one in site.events(IDA) if one != "PUPIL_SHOWN"] == [
        one for one in blocked if one != "PUPIL_SHOWN"
    ]


def as_if_by_mitid(site: Server) -> str:
    """Let Eva's login count as one of two factors; returns the address of Ida's settings."""
    with site.database.writing() as db:
        hers: Any = SsoSession.user_id == user_of(db, EVA).id
        db.execute(update(SsoSession).where(hers).values(assurance_level="ToFaktor"))
        path = f"/elevadgang/skole-999001/elev/{user_of(db, IDA).uni_id}"
        db.commit()
    return path
