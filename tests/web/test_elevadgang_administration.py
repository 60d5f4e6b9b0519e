"""The administrator in Elevadgang: all pupils, their settings, the log and the alerts; and nobody else."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.db import Database, instant
from app.domain import audit, blocking
from app.domain.audit import Event
from app.models.elevadgang import Doubt
from app.models.people import Affiliation, Group, PasswordType, Right, User
from app.world import Clock
from tests import store
from tests.cast import (
    ANNA,
    BO,
    BOTH,
    CARLA,
    DAN,
    EGESKOLEN,
    EVA,
    EXPIRING,
    FINN,
    FORMULAS,
    GRY,
    IDA,
    LINDESKOLEN,
    NAMELESS,
    OTTO,
    PROTECTED,
    Member,
    School,
    institution,
    user_of,
)
from tests.pages import Browser
from tests.web.trips import Wire, visit

SCHOOL = "/elevadgang/skole-999001"
AS_ADMINISTRATOR = "Log på som brugeradministrator"


def uni_id(database: Database, member: Member) -> str:
    with database.reading() as db:
        return user_of(db, member).uni_id


@pytest.fixture
def eva(browser: Browser, wire: Wire) -> Browser:
    """Return Eva's browser, in which she came in by the grey button and MitID."""
    browser.open("/elevadgang")
    page = visit(browser, wire, EVA, AS_ADMINISTRATOR)
    assert page.path == SCHOOL
    return browser


def pupil_page(eva: Browser, database: Database, member: Member) -> str:
    """Open a pupil's settings; returns the address."""
    path = f"{SCHOOL}/elev/{uni_id(database, member)}"
    assert eva.open(path).heading == member.shown_name
    return path


def press(browser: Browser, path: str, ticked: list[str]) -> int:
    """Press «Giv ny adgangskode» by hand; returns the status."""
    data = {"csrf_token": browser.csrf(), "elev": ticked}
    return browser.client.post(path, data=data, base_url=browser.host).status_code


@pytest.mark.sqlite_only
def test_eva_sees_all_pupils_of_her_school_and_finds_each(eva: Browser) -> None:
    assert eva.current.heading == EGESKOLEN.name
    for member in (ANNA, IDA, BO, OTTO, NAMELESS, *FORMULAS):
        page = eva.open(f"{SCHOOL}?soeg={quote(member.shown_name)}")
        assert member.shown_name in page.text
    assert "Finn" not in eva.open(f"{SCHOOL}?soeg=finn5001").text


@pytest.mark.sqlite_only
def test_eva_gives_a_new_password_to_a_pupil_of_any_class(
    eva: Browser, app: Flask, database: Database
) -> None:
    assert press(eva, SCHOOL, [uni_id(database, ANNA), uni_id(database, OTTO)]) == 303
    assert len(store.events(database, "WINDOW_OPENED")) == 2
    otto = Browser(app)
    otto.open("/login/brugernavn")
    assert otto.press("Næste", filled={"Brugernavn": OTTO.username or ""}).heading == "Din nye adgangskode"


@pytest.mark.sqlite_only
def test_eva_marks_another_type_of_password_and_takes_it_back(eva: Browser, database: Database) -> None:
    pupil_page(eva, database, IDA)
    eva.press("Gem", type="PICTURES")
    assert "Eleven bliver bedt om at skifte til billeder ved næste login." in eva.current.text
    with database.reading() as db:
        assert user_of(db, IDA).marked_password_type is PasswordType.PICTURES
    eva.press("Gem", type="")
    assert "skifte til" not in eva.current.text
    kinds = [event.details["password_type"] for event in store.events(database, "PASSWORD_TYPE_MARKED")]
    assert kinds == ["PICTURES", ""]
    path, data = eva.form("Gem")
    assert eva.send(path, data | {"type": "ALT"}).status_code == 400


def test_eva_blocks_a_pupil_who_is_out_everywhere_and_lets_her_in_again(
    eva: Browser, app: Flask, database: Database
) -> None:
    """S-18, S-46: sessions and windows end with the block, which has its event."""
    ida = Browser(app)
    ida.log_in(IDA.username or "", IDA.password or "")
    assert press(eva, SCHOOL, [uni_id(database, IDA)]) == 303
    pupil_page(eva, database, IDA)
    eva.press("Spær eleven")
    assert "Eleven er spærret og kan ikke logge ind." in eva.current.text
    assert ida.open("/mit").path == "/login"
    assert "spærret" in Browser(app).log_in(IDA.username or "", IDA.password or "").text
    (cancelled,) = store.events(database, "WINDOW_CANCELLED")
    assert cancelled.details == {"reason": "blocked"}
    assert press(eva, SCHOOL, [uni_id(database, IDA)]) == 422
    pupil_page(eva, database, IDA)
    eva.press("Åbn igen")
    assert Browser(app).log_in(IDA.username or "", IDA.password or "").path == "/mit"
    assert [event.actor_id for event in store.events(database, "UNBLOCKED")] == [actor(database, EVA)]


def place_at(database: Database, member: Member, school: School, **values: Any) -> int:
    """Let a pupil be at another school too; returns its number."""
    with database.writing() as db:
        other = institution(db, school)
        other.phone = "12345678"
        pupil = user_of(db, member)
        here = db.scalars(select(Affiliation).where(Affiliation.user_id == pupil.id)).one()
        known = {"category": here.category, "level": here.level, "roles": here.roles, "from_on": here.from_on}
        db.add(Affiliation(user_id=pupil.id, institution_id=other.id, **(known | values)))
        number = other.id
        db.commit()
    return number


def block_for(database: Database, member: Member, number: int | None) -> None:
    """Block somebody for a school, or as the operator."""
    with database.writing() as db:
        assert blocking.block(db, user_of(db, member).id, instant(Clock()), institution_id=number)
        db.commit()


@pytest.mark.parametrize("who", ["the operator", "another school", "a school that the pupil has left"])
def test_what_somebody_else_blocked_eva_cannot_open_and_is_told_whom_to_call(
    eva: Browser, database: Database, who: str
) -> None:
    """S-46: also not by a form made by hand."""
    left = {"to_on": date(2026, 1, 1)} if "left" in who else {}
    number = place_at(database, IDA, LINDESKOLEN, **left)
    block_for(database, IDA, None if who == "the operator" else number)
    path = pupil_page(eva, database, IDA)
    assert "Eleven er spærret og kan ikke logge ind." in eva.current.text
    assert "Åbn igen" not in eva.current.text
    is_named = who == "another school"
    assert ("Lindeskolen har spærret eleven" in eva.current.text) is is_named
    assert ("12345678" in eva.current.text) is is_named
    assert ("Din skole har ikke spærret eleven" in eva.current.text) is not is_named
    page = eva.post(f"{path}/aabn", {"csrf_token": eva.csrf()})
    assert "En anden end din skole har spærret eleven." in page.text
    with database.reading() as db:
        assert user_of(db, IDA).blocked_at is not None
    assert store.events(database, "UNBLOCKED") == []
    with database.writing() as db:  # the terminal lifts any
        assert blocking.unblock(db, user_of(db, IDA).id, instant(Clock()))
        db.commit()
    assert "Spær eleven" in eva.open(path).text


@pytest.mark.sqlite_only
def test_where_the_school_that_blocked_has_no_number_on_file_eva_calls_support(
    eva: Browser, app: Flask, database: Database
) -> None:
    """Support can have any block lifted."""
    number = place_at(database, IDA, LINDESKOLEN)
    with database.writing() as db:
        institution(db, LINDESKOLEN).phone = ""
        db.commit()
    block_for(database, IDA, number)
    pupil_page(eva, database, IDA)
    assert "Lindeskolen har spærret eleven. De kan åbne igen." in eva.current.text
    panel = eva.current.text.partition("ring til supporten på telefon ")[2]
    assert panel.startswith(str(app.extensions["site"].support_phone))


@pytest.mark.sqlite_only
def test_that_many_pupils_were_helped_is_told_of_the_place_not_of_a_device(
    eva: Browser, database: Database
) -> None:
    """S-44 counts by browser and by network."""
    with database.writing() as db:
        anna = user_of(db, ANNA).id
        told = {"device": "Firefox", "network": "10.0.0.0/24", "doubt": Doubt.MANY_PUPILS.value}
        where = institution(db, EGESKOLEN).id
        audit.record(
            db, Event.WINDOW_CLAIMED, instant(Clock()), subject_id=anna, institution_id=where, **told
        )
        db.commit()
    sentence = "flere andre elevers brugernavne var lige skrevet samme sted fra"
    for page in ("log", "advarsler"):
        assert sentence in eva.open(f"{SCHOOL}/{page}").text


@pytest.mark.sqlite_only
def test_where_else_a_protected_pupil_is_stays_unknown_to_eva(eva: Browser, database: Database) -> None:
    block_for(database, PROTECTED, place_at(database, PROTECTED, LINDESKOLEN))
    pupil_page(eva, database, PROTECTED)
    assert "Lindeskolen" not in eva.current.text
    assert "Din skole har ikke spærret eleven" in eva.current.text


@pytest.mark.sqlite_only
def test_what_eva_blocked_another_school_cannot_open(eva: Browser, database: Database) -> None:
    other = place_at(database, IDA, LINDESKOLEN)
    pupil_page(eva, database, IDA)
    eva.press("Spær eleven")
    with database.writing() as db:
        whose = user_of(db, IDA).id
        assert not blocking.unblock(db, whose, instant(Clock()), institution_id=other)
        assert not blocking.block(db, whose, instant(Clock()), institution_id=other), "it is so already"
        db.commit()
    assert "Åbn igen" in eva.open(eva.current.path).text
    eva.press("Åbn igen")
    with database.reading() as db:
        assert user_of(db, IDA).blocked_by_institution_id is None


def actor(database: Database, member: Member) -> int:
    with database.reading() as db:
        return user_of(db, member).id


@pytest.mark.sqlite_only
def test_eva_gives_a_username_once(eva: Browser, database: Database) -> None:
    path = pupil_page(eva, database, NAMELESS)
    assert "Eleven har ikke fået et brugernavn endnu." in eva.current.text
    button, data = eva.form("Giv et brugernavn")
    eva.post(button, data)
    with database.reading() as db:
        given = db.scalar(select(User.username).where(User.uni_id == path.rpartition("/")[2]))
    assert given is not None
    assert given in eva.current.text
    eva.post(button, data)
    assert given in eva.current.text
    assert len(store.events(database, "USERNAME_ACTIVATED")) == 1


@pytest.mark.sqlite_only
def test_eva_reads_the_log_finds_in_it_and_sees_her_own_reading(eva: Browser, database: Database) -> None:
    press(eva, SCHOOL, [uni_id(database, ANNA)])
    press(eva, SCHOOL, [uni_id(database, OTTO)])
    page = eva.open(f"{SCHOOL}/log")
    for words in ("Gav ny adgangskode", "Anna Holm", "Otto Riis", "Eva Norup", "Så listen"):
        assert words in page.text
    page = eva.open(f"{SCHOOL}/log?soeg=anna1001")
    assert "Anna Holm" in page.text
    assert "Otto Riis" not in page.text
    assert "Der er ikke noget at vise." in eva.open(f"{SCHOOL}/log?soeg=qqqq").text


@pytest.mark.sqlite_only
def test_s_71_what_a_spreadsheet_would_reckon_with_is_text_in_the_export(
    eva: Browser, database: Database
) -> None:
    press(eva, SCHOOL, [uni_id(database, member) for member in FORMULAS])
    eva.open(f"{SCHOOL}/log")
    answer = eva.send(*eva.form("Hent som fil"))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="log-999001.csv"'
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    pupils = {row[3] for row in rows}
    assert {f"'{member.shown_name}" for member in FORMULAS} <= pupils
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\0")) for row in rows for cell in row)
    assert len(store.events(database, "LOG_EXPORTED")) == 1


@pytest.mark.sqlite_only
def test_a_raised_hand_stands_in_the_log_of_the_pupils_school(
    eva: Browser, app: Flask, database: Database
) -> None:
    pupil = Browser(app)
    pupil.open("/login/brugernavn")
    pupil.press("Næste", filled={"Brugernavn": ANNA.username or ""})
    pupil.open("/ny-adgangskode/glemt")
    pupil.press("Ræk hånden op")
    page = eva.open(f"{SCHOOL}/log?soeg=anna1001")
    assert "Rakte hånden op" in page.text
    eva.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert "Raised a hand" in eva.open(f"{SCHOOL}/log?soeg=anna1001").text


@pytest.mark.sqlite_only
def test_s_47_eva_sees_who_reached_for_what_is_not_theirs(
    eva: Browser, app: Flask, database: Database
) -> None:
    assert "Der er ingen advarsler." in eva.open(f"{SCHOOL}/advarsler").text
    finn = Browser(app)
    finn.log_in(FINN.username or "", FINN.password or "")
    assert finn.get(SCHOOL).status_code == 404
    page = eva.open(f"{SCHOOL}/advarsler")
    assert "Finn Brask" in page.text
    assert "Prøvede at nå elever, der ikke er deres" in page.text


@pytest.mark.sqlite_only
def test_s_40_a_right_that_ends_shuts_the_next_page_and_the_next_press(
    eva: Browser, database: Database
) -> None:
    path = pupil_page(eva, database, ANNA)
    form = eva.form("Spær eleven")
    with database.writing() as db:
        whose = user_of(db, EVA).id
        long_ago = user_of(db, EVA).created_at
        db.execute(update(Right).where(Right.user_id == whose).values(ended_at=long_ago))
        db.commit()
    assert eva.send(*form).status_code == 404
    for address in (SCHOOL, path, f"{SCHOOL}/log", f"{SCHOOL}/advarsler", f"{SCHOOL}/status"):
        assert eva.get(address).status_code == 404
    assert store.events(database, "BLOCKED") == []


PAGES = ("", "/status", "/tavle", "/print")
FOR_ADMINISTRATORS = ("/log", "/advarsler")
CLASSES = {CARLA.word: {"2.B", "5.A"}, BOTH.word: {"6.B"}}
WITH_PASSWORDS = (ANNA, IDA, BO, CARLA, DAN, EVA, FINN, GRY, EXPIRING, BOTH)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("member", WITH_PASSWORDS, ids=[member.word for member in WITH_PASSWORDS])
def test_s_40_with_a_password_one_sees_ones_own_classes_and_nothing_of_the_administrators(
    app: Flask, database: Database, member: Member
) -> None:
    """Every page of three classes and of the school, and every form that an administrator has."""
    with database.reading() as db:
        at_school = Group.institution_id == institution(db, EGESKOLEN).id
        groups = {
            group.name: group.id
            for group in db.scalars(select(Group).where(at_school, Group.name.in_(("2.B", "5.A", "6.B"))))
        }
    somebody = Browser(app)
    secret = " ".join(member.pictures) if member.pictures else member.password or ""
    if somebody.log_in(member.username or "", secret).path == "/login/varsel":
        somebody.press("Senere")
    assert somebody.current.path == "/mit"
    token, pupil = somebody.csrf(), uni_id(database, OTTO)
    for name, number in groups.items():
        status = 200 if name in CLASSES.get(member.word, set()) else 404
        for page in PAGES:
            assert somebody.get(f"/elevadgang/{number}{page}").status_code == status, (name, page)
        for page in (*FOR_ADMINISTRATORS, f"/elev/{pupil}"):
            assert somebody.get(f"/elevadgang/{number}{page}").status_code == 404, (name, page)
    # Eva has the right, and is led to prove it by a second factor.
    refused = (303,) if member is EVA else (404,)
    for page in (*PAGES, *FOR_ADMINISTRATORS, f"/elev/{pupil}"):
        assert somebody.get(SCHOOL + page).status_code in refused, page
    before = store.content(database, "user", "password_window", "credential")
    for act in ("type", "spaer", "aabn", "brugernavn"):
        for place in (SCHOOL, f"/elevadgang/{groups['2.B']}"):
            answer = somebody.send(f"{place}/elev/{pupil}/{act}", {"csrf_token": token, "type": "PICTURES"})
            assert answer.status_code in (*refused, 404), (place, act)
    answer = somebody.send(f"{SCHOOL}/log.csv", {"csrf_token": token})
    assert answer.status_code in refused
    assert "attachment" not in answer.headers.get("Content-Disposition", "")
    assert store.content(database, "user", "password_window", "credential") == before
    assert store.events(database, "LOG_EXPORTED") == []
