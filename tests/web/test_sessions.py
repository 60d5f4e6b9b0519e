"""What a request does to the session it comes with (S-18)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import Database
from app.models.credentials import Credential
from app.models.people import Affiliation
from app.models.sso import EndReason, SsoSession
from tests import store
from tests.cast import BO, user_of
from tests.conftest import SetClock
from tests.pages import Browser


def logged_in(app: Flask) -> Browser:
    """Return a browser in which Bo is logged in."""
    browser = Browser(app)
    assert browser.log_in(BO.username or "", BO.secret or "").path == "/mit"
    return browser


def set_last_day(db: Session, clock: SetClock, days: int | None) -> None:
    """Let Bo belong to his school until so many days from now, or on and on."""
    last = None if days is None else (clock.now() + timedelta(days=days)).date()
    db.execute(update(Affiliation).where(Affiliation.user_id == user_of(db, BO).id).values(to_on=last))
    db.commit()


@pytest.mark.parametrize("way", ["page", "form"])
def test_s_18_a_request_that_meets_a_lost_school_ends_the_session_for_good(
    app: Flask, db: Session, clock: SetClock, way: str
) -> None:
    elsewhere, browser = logged_in(app), logged_in(app)
    form = browser.form("Log ud alle andre steder") if way == "form" else None
    set_last_day(db, clock, -2)
    assert (browser.post(*form) if form else browser.open("/mit")).path == "/login"
    assert db.scalars(select(SsoSession.end_reason)).all() == [EndReason.NO_PLACE] * 2
    set_last_day(db, clock, None)
    assert elsewhere.open("/mit").path == "/login"


def test_a_request_takes_the_half_done_login_before_the_session_it_comes_with(
    app: Flask, database: Database, clock: SetClock
) -> None:
    """Whoever finishes a login takes the two in that order: in another the two could wait for each other."""
    browser = logged_in(app)
    browser.open("/ny-adgangskode/skift?mit=1")
    browser.press("Næste", filled={"Den adgangskode, du har nu": BO.secret or ""})
    browser.open("/mit")
    form = browser.form("Log ud")
    clock.forward(minutes=2)  # so that the stamp is due
    with store.heard(database) as asked:
        assert browser.post(*form).path == "/log-ud"
    written = [s for s, _values in asked if s.startswith(("UPDATE sso_session", "DELETE FROM login_flow"))]
    assert [statement.split()[0] for statement in written] == ["DELETE", "UPDATE", "UPDATE"]


def test_s_26_a_new_password_is_told_to_who_comes_by_mitid_though_it_was_told_before(
    app: Flask, db: Session, clock: SetClock
) -> None:
    whose = Credential.user_id == user_of(db, BO).id
    db.execute(update(Credential).where(whose, Credential.ended_at.is_(None)).values(set_at=clock.now()))
    db.commit()
    news = "Din adgangskode blev skiftet"
    browsers = [logged_in(app) for _ in range(3)]
    assert [news in browser.current.text for browser in browsers] == [False, True, False]
    newest = select(SsoSession.id).order_by(SsoSession.id.desc()).limit(1).scalar_subquery()
    db.execute(update(SsoSession).where(SsoSession.id == newest).values(assurance_level="ToFaktor"))
    db.commit()
    assert news in browsers[2].open("/mit").text
