"""What «Mit Unilogin» tells of each thing that was done: what, when, by whom, and from which device."""

from __future__ import annotations

import re
from datetime import time

import pytest
from flask import Flask
from sqlalchemy import insert
from sqlalchemy.orm import Session

from app import jobs
from app.config import Config
from app.db import COPENHAGEN, Database, Instant
from app.demo.cast import ANNA, BO, CARLA, CAST, EXPIRING, Member
from app.domain import audit, credentials
from app.models.audit import AuditEvent
from app.world import World
from tests import store
from tests.cast import user_of
from tests.pages import Browser, Page
from tests.web.test_mine import CHROMEBOOK, FIREFOX, change_password, log_in, part, told


def rows(page: Page) -> list[tuple[str, str]]:
    """Return what was done, newest first: what, and the line below it."""
    found = []
    for item in page.root.iter("li"):
        lines = [" ".join("".join(p.itertext()).split()) for p in item.iter("p")]
        if len(lines) == 2:
            found.append((lines[0], lines[1]))
    return found


def test_a_login_that_failed_names_the_device_that_tried(app: Flask, database: Database) -> None:
    stranger = Browser(app, address="203.0.113.9")
    stranger.client.environ_base["HTTP_USER_AGENT"] = CHROMEBOOK
    stranger.log_in("boli1003", "forkert")
    assert store.events(database, "LOGIN_REFUSED")[-1].details["device"] == "Chrome, Chromebook"
    page = log_in(app, BO, agent=FIREFOX).open("/mit/historik")
    (below,) = [below for what, below in rows(page) if what == "Et login lykkedes ikke"]
    assert below.endswith(", Chrome, Chromebook")
    assert "203.0.113" not in page.text


def test_a_failed_login_of_before_devices_were_kept_is_still_told_sealed_and_verified(
    app: Flask, database: Database, db: Session, now: Instant, world: World
) -> None:
    """S-75: what was recorded then has its own details for good."""
    details = {"network": "10.0.0.0/24", "reason": "wrong"}
    bo = user_of(db, BO).id
    db.execute(insert(AuditEvent).values(at=now.sql, event="LOGIN_REFUSED", subject_id=bo, details=details))
    db.commit()
    jobs.seal(database, world.clock)
    with database.reading() as reading:
        assert audit.verify(reading).faults == []
    page = log_in(app, BO).open("/mit/historik")
    (below,) = [below for what, below in rows(page) if what == "Et login lykkedes ikke"]
    assert re.fullmatch(r"\d+\. \w+ 20\d\d kl\. \d\d\.\d\d", below)


def changes(page: Page) -> list[str]:
    """Return by whom each change of password was made, newest first."""
    return [below.partition(", ")[2] for what, below in rows(page) if what == "Adgangskoden blev skiftet"]


def test_what_one_did_oneself_is_said_to_be_by_oneself_and_the_rest_by_whom(app: Flask) -> None:
    browser = log_in(app, BO)
    before = changes(browser.open("/mit/historik"))
    assert before[0] == "af dig selv"
    assert len(before) == 3
    assert all(re.fullmatch(r"af [A-ZÆØÅ]\w+ .+", by) for by in before[1:])
    change_password(browser)
    assert changes(browser.open("/mit/historik")) == ["af dig selv", *before]
    assert changes(log_in(app, ANNA).open("/mit/historik")) == ["af Carla Juhl"]


def test_a_login_that_one_ended_oneself_is_said_to_be_ended_by_oneself(app: Flask) -> None:
    log_in(app, BO)
    browser = log_in(app, BO)
    browser.press("Log ud alle andre steder")
    what, below = rows(browser.open("/mit/historik"))[0]
    assert (what, below.partition(", ")[2]) == ("Dine andre login blev afsluttet", "af dig selv")


@pytest.mark.parametrize("member", [EXPIRING, ANNA, BO, CARLA], ids=lambda m: m.word)
def test_the_panel_and_the_history_say_the_same_of_when_the_password_was_changed(
    app: Flask, member: Member
) -> None:
    browser = Browser(app)
    browser.log_in(member.username or "", member.secret or "")
    if browser.current.path == "/login/varsel":
        browser.press("Senere")
    page = browser.open("/mit")
    panel = part(page, "my-password")
    when = re.search(r"Skiftet\s?(\d+\. \w+ \d+ kl\. \d\d\.\d\d)", panel)
    assert when is not None
    below = [below for what, below in rows(page) if what == "Adgangskoden blev skiftet"]
    assert below[0].startswith(when[1])


def test_everybody_in_the_cast_has_a_password_of_the_day_that_its_event_tells(
    db: Session, config: Config, now: Instant
) -> None:
    for member in [one for one in CAST if one.secret]:
        whose = user_of(db, member).id
        credential = credentials.find_current(db, config, whose, 0, now.at)
        assert credential is not None
        event = next(one for one in audit.list_about(db, whose, most=50) if one.event == "PASSWORD_CHANGED")
        assert abs((event.at - credential.set_at).total_seconds()) < 30, member.word
        at = credential.set_at.astimezone(COPENHAGEN).time()
        assert time(8) <= at <= time(15), member.word


def test_who_wants_another_password_and_is_logged_out_is_told_why_and_comes_back(app: Flask) -> None:
    browser, elsewhere = log_in(app, BO), log_in(app, BO)
    elsewhere.press("Log ud alle andre steder")
    page = browser.follow("Skift adgangskode")
    assert (page.path, page.heading) == ("/login", "Vælg login")
    assert (told(page) or "").endswith("Du er logget ud fra et andet sted.")
    browser.follow("Brugernavn og adgangskode")
    browser.press("Næste", filled={"Brugernavn": BO.username or ""})
    page = browser.press("Log ind", filled={"Adgangskode": BO.password or ""})
    assert page.path == "/ny-adgangskode/skift"
    assert "boli1003" in page.text


def test_who_has_not_been_logged_in_is_asked_for_the_username_to_change_the_password(
    browser: Browser,
) -> None:
    assert browser.open("/ny-adgangskode/skift").path == "/ny-adgangskode"
