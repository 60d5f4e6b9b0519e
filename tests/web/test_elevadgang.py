"""Elevadgang as its people meet it, without script: the list, the press, the pupil, and who gets nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.audit import AuditEvent
from app.models.elevadgang import EndedBy, PasswordWindow, WindowState
from app.models.people import Affiliation, Group, GroupMember
from tests.cast import ANNA, BO, CARLA, EGESKOLEN, EVA, FINN, GRY, IDA, Member, institution, user_of
from tests.conftest import SetClock
from tests.pages import Browser

HOME = "203.0.113.7"


def teacher(app: Flask, member: Member = CARLA) -> Browser:
    browser = Browser(app)
    browser.log_in(member.username or "", member.password or "")
    return browser


def list_of(browser: Browser, name: str = "2.B") -> str:
    """Open a class; returns its address."""
    browser.open("/elevadgang/klasser")
    if browser.current.heading != name:
        browser.follow(name)
    assert browser.current.heading == name
    return browser.current.path


@contextmanager
def looking(db: Session) -> Iterator[Session]:
    """Look into the store, and let go of it again: on SQLite nobody else could write meanwhile."""
    yield db
    db.expunge_all()
    db.rollback()


def uni_id(db: Session, member: Member) -> str:
    """Return what a form names a pupil by."""
    with looking(db):
        return user_of(db, member).uni_id


def all_of(db: Session, model: type[Any], *conditions: Any) -> list[Any]:
    """Return what the store holds."""
    with looking(db):
        return list(db.scalars(select(model).where(*conditions)))


def give(browser: Browser, db: Session, *members: Member) -> None:
    """Tick pupils and press."""
    path, data = browser.form("Giv ny adgangskode")
    ticked = [uni_id(db, member) for member in members]
    answer = browser.client.post(
        path, data={**data, "elev": ticked}, base_url=browser.host, follow_redirects=True
    )
    browser.page = browser._seen(answer)


def window(db: Session, member: Member) -> PasswordWindow:
    with looking(db):
        newest = select(PasswordWindow).where(PasswordWindow.pupil_id == user_of(db, member).id)
        found = db.scalars(newest.order_by(PasswordWindow.id.desc())).first()
    assert found is not None
    return found


def status(browser: Browser, db: Session, member: Member) -> str:
    """Return the words in a pupil's status cell."""
    name = f"status-{uni_id(db, member)}"
    cell = next(e for e in browser.current.root.iter("span") if e.get("id") == name)
    return " ".join("".join(cell.itertext()).split())


def claim(app: Flask, member: Member, *, address: str = "127.0.0.1") -> Browser:
    browser = Browser(app, address=address)
    browser.open("/login/brugernavn")
    browser.press("Næste", filled={"Brugernavn": member.username or ""})
    return browser


def practise(browser: Browser) -> None:
    """Go through with the dealt password."""
    secret = browser.current.secret
    is_pictures = " " in secret
    browser.follow("Jeg kan huske dem" if is_pictures else "Jeg kan huske den")
    label = "De fire billeders navne" if is_pictures else "Ny adgangskode"
    browser.press("Næste", filled={label: secret})


def test_a_teacher_gives_two_pupils_new_passwords_and_sees_how_it_goes(app: Flask, db: Session) -> None:
    carla = teacher(app)
    address = list_of(carla)
    give(carla, db, ANNA)
    assert "Bed nu eleverne om at skrive deres brugernavn" in carla.current.text
    assert status(carla, db, ANNA).startswith("Venter til kl. ")
    anna = claim(app, ANNA)
    assert anna.current.heading == "Dine nye billeder"
    carla.open(address)
    assert status(carla, db, ANNA).startswith("I gang")
    practise(anna)
    assert anna.current.heading.startswith("Mit ")
    carla.open(address)
    assert status(carla, db, ANNA).startswith("Færdig")

    address = list_of(carla, "5.A")
    give(carla, db, IDA)
    ida = claim(app, IDA)
    ida.follow("Vælg selv")
    ida.press("Næste", filled={"Ny adgangskode": "lampehjul77"})
    ida.press("Næste", filled={"Ny adgangskode": "lampehjul77"})
    assert ida.current.heading.startswith("Mit ")
    assert "med hjælp fra en lærer" in ida.current.text
    carla.open(address)
    assert status(carla, db, IDA).startswith("Færdig")
    assert window(db, IDA).state is WindowState.DONE


def test_s_42_the_old_password_works_until_the_new_one_is_confirmed(app: Flask, db: Session) -> None:
    carla = teacher(app)
    list_of(carla, "5.A")
    give(carla, db, IDA)
    first = claim(app, IDA)
    assert first.current.heading == "Din nye adgangskode"
    other = Browser(app)
    other.log_in(IDA.username or "", IDA.password or "")
    assert other.current.heading.startswith("Mit ")
    practise(first)
    late = Browser(app)
    assert "passer ikke sammen" in late.log_in(IDA.username or "", IDA.password or "").text


def test_s_42_every_other_browser_gets_the_ordinary_page_and_the_same_one_goes_on(
    app: Flask, db: Session
) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    anna = claim(app, ANNA)
    secret = anna.current.secret
    stranger = claim(app, ANNA)
    assert stranger.current.path == "/login/billeder"
    anna.open("/login/ny-kode")
    assert anna.current.secret == secret
    anna.open("/login/brugernavn")
    anna.press("Næste", filled={"Brugernavn": "anna1001"})
    assert anna.current.heading == "Dine nye billeder"
    practise(anna)
    assert anna.current.heading.startswith("Mit ")


def test_s_42_who_copied_the_form_cookie_at_a_shared_machine_cannot_take_the_claim_over(
    app: Flask, db: Session, clock: SetClock
) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    anna = Browser(app)
    anna.open("/login/brugernavn")
    thief = anna.twin()
    anna.press("Næste", filled={"Brugernavn": "anna1001"})
    secret = anna.current.secret
    clock.forward(seconds=30)
    thief.open("/login/brugernavn")
    thief.press("Næste", filled={"Brugernavn": "anna1001"})
    assert thief.current.path == "/login/billeder"
    anna.open("/login/ny-kode")
    assert anna.current.secret == secret


@pytest.mark.parametrize(("seconds", "is_open"), [(299, True), (301, False)])
def test_s_41_a_window_can_be_claimed_for_five_minutes(
    app: Flask, db: Session, clock: SetClock, seconds: int, is_open: bool
) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    clock.forward(seconds=seconds)
    anna = claim(app, ANNA)
    assert (anna.current.path == "/login/ny-kode") is is_open


def test_s_41_whoever_claimed_in_time_has_five_minutes_more_and_is_then_told(
    app: Flask, db: Session, clock: SetClock
) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    clock.forward(seconds=298)
    anna = claim(app, ANNA)
    clock.forward(seconds=290)
    anna.open("/login/ny-kode")
    assert anna.current.heading == "Dine nye billeder"
    clock.forward(seconds=20)
    carla.open(carla.current.path)
    assert status(carla, db, ANNA).startswith("Tiden er gået")


def test_cancelled_the_pupil_is_told_and_may_log_in_as_before(app: Flask, db: Session) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    anna = claim(app, ANNA)
    carla.open(carla.current.path)
    carla.press("Afbryd")
    assert "Det er afbrudt" in carla.current.text
    assert status(carla, db, ANNA).startswith("Afbrudt")
    page = anna.open("/login/oev")
    assert page.status == 410
    assert page.heading == "Det blev afbrudt"
    assert "Bed din lærer om at trykke på knappen igen" in page.text
    again = Browser(app)
    again.log_in("anna1001", " ".join(("ugle", "kage", "sol", "bamse")))
    assert again.current.heading.startswith("Mit ")


def test_five_minutes_more_can_be_given_twice(app: Flask, db: Session, clock: SetClock) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    for _ in range(2):
        clock.forward(minutes=4)
        carla.open(carla.current.path)
        carla.press("Giv fem minutter mere")
        assert "fem minutter mere" in carla.current.text
    clock.forward(minutes=4)
    carla.open(carla.current.path)
    assert "Giv fem minutter mere" not in status(carla, db, ANNA)
    assert claim(app, ANNA).current.path == "/login/ny-kode"


def test_s_43_a_claim_from_elsewhere_waits_until_the_teacher_has_compared_the_picture(
    app: Flask, db: Session
) -> None:
    carla = teacher(app)
    address = list_of(carla)
    give(carla, db, ANNA)
    anna = claim(app, ANNA, address=HOME)
    assert anna.current.heading == "Vis billedet til din lærer"
    picture = window(db, ANNA).picture
    assert picture is not None
    assert anna.open("/login/ny-kode").heading == "Vis billedet til din lærer"
    assert anna.open("/login/oev").heading == "Vis billedet til din lærer"
    carla.open(address)
    assert "Eleven er et andet sted end dig" in status(carla, db, ANNA)
    carla.press("Godkend")
    assert status(carla, db, ANNA).startswith("I gang")
    anna.open("/login/vent")
    anna.press("Fortsæt")
    assert anna.current.heading == "Dine nye billeder"
    practise(anna)
    assert anna.current.heading.startswith("Mit ")


def test_s_44_a_phone_that_sent_the_name_three_times_waits_also_in_the_schools_wifi(
    app: Flask, db: Session
) -> None:
    phone = Browser(app, address=HOME)
    for _ in range(3):
        phone.open("/login/brugernavn")
        phone.press("Næste", filled={"Brugernavn": "anna1001"})
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    phone.client.environ_base["REMOTE_ADDR"] = "127.0.0.1"
    phone.open("/login/brugernavn")
    phone.press("Næste", filled={"Brugernavn": "anna1001"})
    assert phone.current.heading == "Vis billedet til din lærer"


def test_s_45_not_my_pupil_voids_the_password_and_ends_the_login(app: Flask, db: Session) -> None:
    carla = teacher(app)
    address = list_of(carla, "5.A")
    give(carla, db, IDA)
    thief = claim(app, IDA)
    secret = thief.current.secret
    practise(thief)
    carla.open(address)
    carla.press("Det var ikke min elev")
    assert "Adgangskoden er slettet" in carla.current.text
    assert thief.open("/mit").path == "/login"
    assert "passer ikke sammen" in Browser(app).log_in(IDA.username or "", secret).text
    give(carla, db, IDA)
    ida = claim(app, IDA)
    practise(ida)
    assert ida.current.heading.startswith("Mit ")


def test_s_45_pressing_again_does_not_hide_that_it_was_another_pupil(app: Flask, db: Session) -> None:
    carla = teacher(app)
    address = list_of(carla, "5.A")
    give(carla, db, IDA)
    thief = claim(app, IDA)
    practise(thief)
    carla.open(address)
    give(carla, db, IDA)
    assert status(carla, db, IDA).startswith("Venter til")
    carla.press("Det var ikke min elev")
    assert thief.open("/mit").path == "/login"
    assert status(carla, db, IDA).startswith("Venter til")


def test_s_40_one_foreign_pupil_refuses_the_whole_press_and_is_told_to_the_administrator(
    app: Flask, db: Session
) -> None:
    carla = teacher(app)
    list_of(carla)
    path, data = carla.form("Giv ny adgangskode")
    ticked = [uni_id(db, ANNA), uni_id(db, BO)]
    answer = carla.client.post(path, data={**data, "elev": ticked}, base_url=carla.host)
    assert answer.status_code == 404
    assert all_of(db, PasswordWindow) == []
    (event,) = all_of(db, AuditEvent, AuditEvent.event == "FOREIGN_REFUSED")
    assert event.actor_id == user_of(db, CARLA).id
    assert event.institution_id == institution(db, EGESKOLEN).id


@pytest.mark.parametrize("member", [FINN, GRY, EVA], ids=["finn", "gry", "eva with one factor"])
def test_s_40_who_has_no_part_in_a_class_gets_nowhere(app: Flask, db: Session, member: Member) -> None:
    with looking(db):
        school = institution(db, EGESKOLEN).id
    (found,) = all_of(db, Group, Group.institution_id == school, Group.name == "2.B")
    group = found.id
    stranger = teacher(app, member)
    token = stranger.csrf()
    anna = uni_id(db, ANNA)
    for path in ("", "/status", "/tavle", "/print"):
        assert stranger.get(f"/elevadgang/{group}{path}").status_code == 404
        assert stranger.get(f"/elevadgang/skole-999001{path}").status_code in (303, 404)
    for path in ("", "/afbryd", "/mere", "/godkend", "/ikke-min"):
        data = {"csrf_token": token, "elev": anna, "vindue": "1"}
        assert stranger.send(f"/elevadgang/{group}{path}", data).status_code == 404
        assert stranger.send(f"/elevadgang/skole-999001{path}", data).status_code in (303, 404)
    assert all_of(db, PasswordWindow) == []


def test_s_46_a_group_that_is_lost_closes_the_window(app: Flask, db: Session) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    mine = select(Affiliation.id).where(Affiliation.user_id == user_of(db, CARLA).id)
    for member in db.scalars(select(GroupMember).where(GroupMember.affiliation_id.in_(mine))):
        db.delete(member)
    db.commit()
    assert claim(app, ANNA).current.path == "/login/billeder"
    assert window(db, ANNA).ended_by is EndedBy.AUTHORITY


def test_s_46_a_group_that_is_lost_before_the_confirmation_stops_it(app: Flask, db: Session) -> None:
    carla = teacher(app)
    list_of(carla)
    give(carla, db, ANNA)
    anna = claim(app, ANNA)
    mine = select(Affiliation).where(Affiliation.user_id == user_of(db, CARLA).id)
    for one in db.scalars(mine):
        one.roles = ["Vikar"]
    db.commit()
    practise(anna)
    assert anna.current.heading == "Det blev afbrudt"
    assert window(db, ANNA).state is WindowState.CANCELLED


def test_a_press_clears_the_waits_of_the_pupil(app: Flask, db: Session) -> None:
    wrong = Browser(app)
    for _ in range(6):
        wrong.log_in(IDA.username or "", "forkert")
    assert "Vent" in wrong.current.text
    carla = teacher(app)
    list_of(carla, "5.A")
    give(carla, db, IDA)
    carla.open(carla.current.path)
    carla.press("Afbryd")
    fresh = Browser(app)
    fresh.log_in(IDA.username or "", IDA.password or "")
    assert fresh.current.heading.startswith("Mit ")


def test_a_raised_hand_is_seen_by_the_teacher_and_tells_nothing(app: Flask, db: Session) -> None:
    answers = []
    for name in ("anna1001", "zzzz9999"):
        pupil = Browser(app)
        pupil.open("/login/brugernavn")
        pupil.press("Næste", filled={"Brugernavn": name})
        pupil.open("/ny-adgangskode/glemt")
        pupil.press("Ræk hånden op")
        answers.append(re.sub(name, "", pupil.current.text))
    assert answers[0] == answers[1]
    carla = teacher(app)
    list_of(carla)
    assert status(carla, db, ANNA) == "Beder om hjælp"
    give(carla, db, ANNA)
    assert "Beder om hjælp" not in status(carla, db, ANNA)


def test_the_poll_brings_what_has_changed_and_nothing_else(app: Flask, db: Session) -> None:
    carla = teacher(app)
    address = list_of(carla)
    give(carla, db, ANNA)
    asked = next(e.get("hx-get", "") for e in carla.current.root.iter("div") if e.get("id") == "poll")
    first = carla.get(asked, HX_Request="true")
    assert "status-" not in first.text.replace("/status", "")
    assert 'hx-trigger="every 3s"' in first.text
    practise(claim(app, ANNA))
    then = carla.get(asked, HX_Request="true").text
    assert f'id="status-{uni_id(db, ANNA)}" hx-swap-oob="true"' in then
    assert "Anna har fået en ny adgangskode" in then
    assert 'hx-trigger="every 20s"' in then
    assert address


def test_names_and_search_and_paper(app: Flask) -> None:
    carla = teacher(app)
    address = list_of(carla)
    assert "Maja Skov" in carla.current.text
    assert "Sofia" not in carla.current.text
    page = carla.open(f"{address}?soeg=ann")
    assert "Anna Holm" in page.text
    assert "Maja Skov" not in page.text
    assert "Ingen elever passer til" in carla.open(f"{address}?soeg=qqqq").text
    page = carla.open(f"{address}/print")
    assert "anna1001" in page.text
    assert "ugle" not in page.text
    assert "Anna" not in carla.open(f"{address}/tavle").text.replace("anna1234", "")


def test_s_18_a_list_that_asks_by_itself_keeps_no_login_alive(app: Flask, clock: SetClock) -> None:
    """«S-18» A teacher who left the classroom an hour ago is logged out, however often the list has asked."""
    carla = teacher(app)
    address = f"{list_of(carla)}/status"
    for _ in range(4):
        assert carla.get(address).status_code == 200
        clock.forward(minutes=14)
    carla.open("/mit/historik")  # somebody is there after all
    for _ in range(4):
        clock.forward(minutes=14)
        assert carla.get(address).status_code == 200
    clock.forward(minutes=5)
    assert carla.get(address).status_code != 200
    assert carla.open("/mit").path == "/login"
