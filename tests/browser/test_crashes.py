"""A worker killed at a commit: the change is whole with its audit row, or not there at all (S-02, S-03).

The form is sent on a connection of its own, so that no browser hides the loss by sending it again; then
the person goes on in the browser as people do: by pressing the button once more.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.domain import audit
from app.domain.audit import Event
from app.models.credentials import Credential, KnownDevice, PendingPassword
from tests.browser.server import Server
from tests.browser.steps import (
    ASK_WORDS,
    dealt_words,
    follow,
    form_of,
    give_username,
    is_logged_in,
    log_in,
    press,
    sees,
    try_words,
    write,
)
from tests.browser.visits import Visits
from tests.cast import BO, Member, user_of

NOW, NEW = "Den adgangskode, du har nu", "Ny adgangskode"


@pytest.fixture(scope="session")
def kept_server() -> None:
    """Share no server here: one that loses workers again and again gives up, as it should."""


@dataclass(frozen=True)
class Store:
    """What the database holds of a person."""

    living_sessions: int
    current_credential: int
    credentials: int
    waiting: int
    devices: int
    events: list[str]


def store(site: Server, member: Member) -> Store:
    """Read what the database holds of a person; the chain of the audit must be whole."""
    with site.reading() as db:
        user_id = user_of(db, member).id
        ids = list(db.scalars(select(Credential.id).where(Credential.user_id == user_id)))
        current = db.scalars(
            select(Credential.id).where(Credential.user_id == user_id, Credential.ended_at.is_(None))
        ).one()
        waiting = len(list(db.scalars(select(PendingPassword.flow_id))))
        devices = len(list(db.scalars(select(KnownDevice.device_mark).where(KnownDevice.user_id == user_id))))
        assert audit.verify(db).faults == []
    return Store(site.living_sessions(member), current, len(ids), waiting, devices, site.events(member))


def kill_while_posting(site: Server, page: Page, path: str, point: str, commit: int, **filled: str) -> None:
    """Send the form on the page, and lose the worker at the named commit; the other one goes on."""
    form, cookies = form_of(page, path, **filled)
    before = site.workers()
    site.kill_worker_at(path, point, commit=commit)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        site.ask("POST", path, form=form, cookies=cookies)
    assert site.has_failed
    site.wait_for_a_death_among(before)
    for _ in range(5):
        assert site.ask("GET", "/login").status == 200
        assert site.ask("GET", "/readyz").status == 200


@pytest.mark.parametrize(
    ("point", "commit", "is_done"),
    [("before", 1, False), ("after", 1, False), ("before", 2, False), ("after", 2, True)],
    ids=["before the try counts", "once the try counts", "before the login", "after the login"],
)
def test_a_login_is_whole_or_not_there(
    site: Server, scripted: Page, point: str, commit: int, is_done: bool
) -> None:
    """S-02, S-03, S-12: the try is counted first; session, device and event come together or not at all."""
    give_username(scripted, BO.username)
    sees(scripted, ASK_WORDS)
    before = store(site, BO)
    path = "/login/adgangskode"
    kill_while_posting(site, scripted, path, point, commit, password=BO.password or "")
    after = store(site, BO)
    if is_done:
        assert (after.living_sessions, after.devices) == (1, before.devices + 1)
        assert after.events == ["LOGGED_IN"]
    else:
        assert after == before
    try_words(scripted, BO.password)
    is_logged_in(scripted, BO)
    assert site.living_sessions(BO) == 1
    assert site.events(BO) == ["LOGGED_IN"]


@pytest.mark.parametrize(
    ("point", "commit", "is_done"),
    [("before", 1, False), ("after", 1, False), ("before", 2, False), ("after", 2, True)],
    ids=["before the hash", "with the hash ahead", "before the change", "after the change"],
)
def test_a_confirmed_password_is_whole_or_not_there(
    site: Server, visits: Visits, scripted: Page, point: str, commit: int, is_done: bool
) -> None:
    """S-02, S-03, S-25, S-26: credential, history, ended sessions, new session and events, all or none."""
    elsewhere = visits.open(has_script=False)
    log_in(elsewhere, BO)
    is_logged_in(elsewhere, BO)
    give_username(scripted, BO.username)
    sees(scripted, ASK_WORDS)
    scripted.goto("/ny-adgangskode/skift")
    write(scripted, NOW, BO.password or "")
    press(scripted, "Næste")
    new = dealt_words(scripted)
    follow(scripted, "Jeg kan huske den")
    sees(scripted, "Prøv din nye adgangskode")
    before = store(site, BO)
    assert before.waiting == 1
    kill_while_posting(site, scripted, "/login/oev", point, commit, password=new)
    after = store(site, BO)
    if is_done:
        assert after.current_credential != before.current_credential
        assert (after.waiting, after.living_sessions) == (0, 1)
        assert after.events == [*before.events, "PASSWORD_CHANGED", "LOGGED_IN"]
    else:
        assert after == before
    elsewhere.reload()
    sees(elsewhere, "Vælg login") if is_done else is_logged_in(elsewhere, BO)
    write(scripted, NEW, new)
    press(scripted, "Næste")
    is_logged_in(scripted, BO)
    assert site.events(BO, Event.PASSWORD_CHANGED) == ["PASSWORD_CHANGED"]
    elsewhere.goto("/mit")
    sees(elsewhere, "Vælg login")
    give_username(elsewhere, BO.username)
    try_words(elsewhere, new)
    is_logged_in(elsewhere, BO)


@pytest.mark.parametrize(("point", "is_done"), [("before", False), ("after", True)])
def test_an_ended_session_is_whole_or_not_there(
    site: Server, visits: Visits, scripted: Page, point: str, is_done: bool
) -> None:
    """S-02, S-03, S-18: the session is over and its event written, or neither."""
    elsewhere = visits.open(has_script=False)
    log_in(elsewhere, BO)
    is_logged_in(elsewhere, BO)
    log_in(scripted, BO)
    is_logged_in(scripted, BO)
    sessions = scripted.get_by_role("region", name="Her er du logget ind")
    path = sessions.locator("li form").get_attribute("action")
    assert path is not None
    before = store(site, BO)
    kill_while_posting(site, scripted, path, point, 1)
    after = store(site, BO)
    if is_done:
        assert after.living_sessions == before.living_sessions - 1
        assert after.events == [*before.events, "SESSION_ENDED"]
    else:
        assert after == before
    elsewhere.goto("/mit")
    sees(elsewhere, "Vælg login") if is_done else is_logged_in(elsewhere, BO)
    sessions.get_by_role("button", name="Log ud", exact=True).click()
    expect(sessions.get_by_role("listitem")).to_have_count(1)
    elsewhere.goto("/mit")
    sees(elsewhere, "Vælg login")
    assert site.events(BO, Event.SESSION_ENDED) == ["SESSION_ENDED"]


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_browser_whose_worker_died_gets_in_by_itself_or_at_the_next_press(
    site: Server, visits: Visits, point: str
) -> None:
    """S-19: whether the browser sends the form again or the person does, it is one login.

    The server starts another worker without hands.
    """
    visits.expect_complaint("ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|htmx:")
    before = set(site.workers())
    page = visits.open()
    give_username(page, BO.username)
    sees(page, ASK_WORDS)
    site.kill_worker_at("/login/adgangskode", point, commit=2)
    try_words(page, BO.password)
    came_in = page.get_by_role("heading", name="Mit Unilogin")
    said = page.locator("#live.is-shown", has_text="Der er ingen forbindelse.")
    expect(came_in.or_(said)).to_be_visible()
    assert site.has_failed
    if not came_in.is_visible():
        press(page, "Log ind")
    is_logged_in(page, BO)
    assert site.living_sessions(BO) == 1
    assert site.events(BO) == ["LOGGED_IN"]
    site.wait_for_two_workers()
    assert len(before & set(site.workers())) == 1
