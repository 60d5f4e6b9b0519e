"""A part of a long list: what was searched, which page, who was ticked, and what the page asks by itself."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import jobs
from app.db import Database
from app.domain.elevadgang.pupils import PAGE
from app.models.elevadgang import EndedBy, WindowState
from app.models.people import Affiliation, User
from app.world import World
from tests import store
from tests.cast import ANNA, CARLA, EVA, IDA
from tests.pages import Browser
from tests.web.test_elevadgang import claim, give, list_of, status, teacher, uni_id, window
from tests.web.trips import Wire, visit

SCHOOL = "/elevadgang/skole-999001"


@pytest.fixture
def eva(browser: Browser, wire: Wire) -> Browser:
    """Return Eva's browser, in which she came in by the grey button and MitID."""
    browser.open("/elevadgang")
    visit(browser, wire, EVA, "Log på som brugeradministrator")
    return browser


def shown(browser: Browser) -> list[str]:
    """Return the pupils on the page, by UniID."""
    return [box.get("value", "") for box in boxes(browser)]


def boxes(browser: Browser) -> list[Element]:
    return [e for e in browser.current.root.iter("input") if e.get("name") == "elev"]


def ticked(browser: Browser) -> list[str]:
    return [box.get("value", "") for box in boxes(browser) if box.get("checked") is not None]


def send(browser: Browser, words: str, uni_ids: list[str]) -> None:
    """Press a button of the list with these pupils ticked."""
    path, data = browser.form(words)
    sent = {**data, "elev": uni_ids}
    browser.page = browser._seen(
        browser.client.post(path, data=sent, base_url=browser.host, follow_redirects=True)
    )


def asked(browser: Browser) -> str:
    """Return what the page asks for by itself."""
    return next(e.get("hx-get", "") for e in browser.current.root.iter("div") if e.get("id") == "poll")


@pytest.mark.sqlite_only
def test_who_ticks_nobody_on_page_two_is_still_on_page_two(eva: Browser) -> None:
    eva.open(f"{SCHOOL}?side=2")
    before = shown(eva)
    send(eva, "Giv ny adgangskode", [])
    assert eva.current.status == 422
    assert "Sæt flueben ved mindst én elev." in eva.current.text
    assert shown(eva) == before
    assert "Side 2 af" in eva.current.text


@pytest.mark.sqlite_only
def test_who_ticks_too_many_keeps_page_and_ticks(eva: Browser) -> None:
    eva.open(f"{SCHOOL}?side=3")
    before = shown(eva)
    send(eva, "Giv ny adgangskode", before[:41])
    assert "Vælg højst 40 elever ad gangen." in eva.current.text
    assert (shown(eva), ticked(eva)) == (before, before[:41])
    send(eva, "Giv ny adgangskode (41 elever)", before[:2])
    assert eva.current.status == 200
    assert shown(eva) == before, "the press leads back to the page it came from"
    send(eva, "Afbryd", [])
    assert shown(eva) == before


@pytest.mark.sqlite_only
def test_a_search_and_a_class_stay_through_a_refused_press(eva: Browser, database: Database) -> None:
    with database.reading() as db:
        group = db.scalars(
            select(Affiliation.main_group_id).join(User).where(User.username == ANNA.username)
        ).one()
    eva.open(f"{SCHOOL}?soeg=a&klasse={group}")
    before = shown(eva)
    assert 0 < len(before) < PAGE
    send(eva, "Giv ny adgangskode", [])
    assert shown(eva) == before
    chosen = [e for e in eva.current.root.iter("option") if e.get("selected") is not None]
    assert [one.get("value") for one in chosen] == [str(group)]
    for words in ("Vælg alle", "Opdatér", "Skjul brugernavne"):
        eva.open(f"{SCHOOL}?soeg=a&klasse={group}")
        eva.follow(words)
        assert shown(eva) == before, words


@pytest.mark.sqlite_only
def test_a_teachers_search_stays_through_a_refused_press(app: Flask) -> None:
    carla = teacher(app)
    address = list_of(carla)
    carla.open(f"{address}?soeg=ann")
    before = shown(carla)
    send(carla, "Giv ny adgangskode", [])
    assert (carla.current.status, shown(carla)) == (422, before)


def test_the_page_of_an_institution_asks_about_its_own_pupils_and_no_others(
    eva: Browser, app: Flask, db: Session
) -> None:
    eva.open(f"{SCHOOL}?side=1")
    on_page = shown(eva)
    elsewhere = uni_id(db, IDA)
    assert elsewhere not in on_page
    eva.open(f"{SCHOOL}?soeg={IDA.username}")
    send(eva, "Giv ny adgangskode", [elsewhere])
    eva.open(f"{SCHOOL}?side=1")
    asks = asked(eva)
    for _ in range(3):
        answer = eva.get(asks, HX_Request="true")
        assert answer.status_code == 200
        assert elsewhere not in answer.text
        (asks,) = [part.split('"')[0] for part in answer.text.replace("&amp;", "&").split('hx-get="')[1:]]
    named = parse_qs(urlsplit(asks).query)["kendt"][0].split("~")
    assert [one.partition(".")[0].removesuffix("_") for one in named] == on_page
    assert len(asks) < 700
    first = on_page[0]
    send(eva, "Giv ny adgangskode", [first])
    changed = eva.get(asks, HX_Request="true").text
    assert f'id="status-{first}" hx-swap-oob="true"' in changed
    assert 'hx-trigger="every 3s"' in changed


@pytest.mark.sqlite_only
def test_what_a_forged_question_names_is_answered_for_a_page_at_most(eva: Browser) -> None:
    eva.open(SCHOOL)
    names = "~".join([*("x" * 11, "%01", "a'b"), *(f"{number:010}" for number in range(200))])
    answer = eva.get(f"{SCHOOL}/status?kendt={names}", HX_Request="true")
    assert answer.status_code == 200
    asks_next = answer.text.split('hx-get="')[1].split('"')[0]
    assert asks_next.count("~") < PAGE


def test_s_46_a_window_that_closed_by_itself_is_told_like_one_that_was_cancelled(
    app: Flask, db: Session, database: Database, world: World, wire: Wire
) -> None:
    """To the pupil in the middle of it, and to whoever looks after the class."""
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    anna = claim(app, ANNA)
    mine = select(User.id).where(User.username == CARLA.username).scalar_subquery()
    db.execute(update(Affiliation).where(Affiliation.user_id == mine).values(roles=["Vikar"]))
    db.commit()
    assert jobs.revoke(database, world.clock) == 1
    assert (window(db, ANNA).state, window(db, ANNA).ended_by) == (WindowState.CANCELLED, EndedBy.AUTHORITY)
    page = anna.open("/login/ny-kode")
    assert (page.status, page.heading) == (410, "Det blev afbrudt")
    assert store.count(database, "pending_password") == 0
    eva = Browser(app)
    eva.open("/elevadgang")
    visit(eva, wire, EVA, "Log på som brugeradministrator")
    eva.open(f"{SCHOOL}?soeg=anna1001")
    assert status(eva, db, ANNA).startswith("Afbrudt")
    log = eva.open(f"{SCHOOL}/log?soeg=anna1001").text
    assert "hjælperen må ikke længere" in log
