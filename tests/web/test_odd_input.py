"""What no page of ours sends, as NUL, or a name twice: it is refused, and nothing breaks (S-11, S-66)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.config import PROJECT
from app.models.people import Affiliation, Category, Group, User
from app.web.elevadgang.acts import ROW, TICKED
from tests.cast import ANNA, EVA, Member, user_of
from tests.pages import Browser
from tests.web.test_elevadgang import list_of, looking, teacher, uni_id
from tests.web.trips import Wire, visit

WEB = PROJECT / "app" / "web"
OF_ADDRESSES = re.compile(r'request\.(?:args|values)(?:\.get\(|\[)"(\w+)"')
OF_FORMS = re.compile(
    r'request\.(?:form|values)(?:\.get\(|\[)"(\w+)"|^    (\w+) = (?:\w+Field)\(', re.MULTILINE
)
ODD = ["a%00b", "%ff", "%ed%a0%80", "9" * 400, "-1", "%D9%A3"]


def named(pattern: re.Pattern[str], *more: str) -> list[str]:
    """Return every name that the web reads, by its source, and some that it names elsewhere."""
    texts = [path.read_text("utf-8") for path in WEB.rglob("*.py")]
    found = {name for text in texts for one in pattern.finditer(text) for name in one.groups() if name}
    return sorted(found | set(more))


def paths(app: Flask, method: str, place: str, pupil: str, beginning: str = "/") -> list[str]:
    """Return the address of every rule that takes a method, with a place and a pupil in it."""
    given = {"place": place, "uni_id": pupil, "lang": "da"}
    found = set()
    for rule in app.url_map.iter_rules():
        if method in (rule.methods or ()) and rule.rule.startswith(beginning):
            numbered = re.sub(r"<int[^>]*>", "1", rule.rule)
            found.add(re.sub(r"<(?:[^:>]*:)?(\w+)>", lambda one: given.get(one[1], "x"), numbered))
    return sorted(found)


@pytest.fixture
def eva(browser: Browser, wire: Wire) -> Browser:
    """Return Eva's browser, in which she came in by the grey button and MitID."""
    browser.open("/elevadgang")
    visit(browser, wire, EVA, "Log på som brugeradministrator")
    return browser


def test_whatever_stands_in_an_address_breaks_no_page(app: Flask, eva: Browser, db: Session) -> None:
    """S-66: every address, with every name that any is asked by; a NUL is refused at once."""
    names = named(OF_ADDRESSES, ROW, "ui_locales")
    assert {"q", "institution", "soeg", "til", "kode", "kendt"} <= set(names)
    anna, carla = uni_id(db, ANNA), teacher(app)
    place = list_of(carla).rpartition("/")[2]
    asked = [(carla, path) for path in paths(app, "GET", place, anna)]
    asked += [(eva, path) for path in paths(app, "GET", "skole-999001", anna, "/elevadgang/")]
    for browser, path in asked:
        for value in ODD:
            answer = browser.get(f"{path}?" + "&".join(f"{name}={value}" for name in names))
            assert answer.status_code < 500, (path, value)
            if "%00" in value:
                assert answer.status_code == 400, path


@pytest.mark.parametrize("template", ["postgresql"], indirect=True)
def test_a_nul_in_any_field_breaks_no_form(app: Flask, eva: Browser, db: Session) -> None:
    """S-66: every form, with one field after another; SQLite would take a NUL."""
    names = named(OF_FORMS, TICKED)
    assert {"username", "password", "uni_id", "vindue", "institution", "soeg", "text"} <= set(names)
    anna, carla = uni_id(db, ANNA), teacher(app)
    place = list_of(carla).rpartition("/")[2]
    sent = [(carla, path) for path in paths(app, "POST", place, anna) if not path.endswith("/log-ud")]
    sent += [(eva, path) for path in paths(app, "POST", "skole-999001", anna, "/elevadgang/")]
    sound = {"elev": anna, "vindue": "1", "uni_id": anna, "handling": "mere", "type": "WORDS"}
    for browser, path in sent:
        browser.open("/login/brugernavn")
        token = browser.csrf()
        for name in names:
            answer = browser.send(path, sound | {name: "a\0b", "csrf_token": token})
            assert answer.status_code < 500, (path, name)


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "query", ["til=/mit&til=/x", "til=/mit&til=/mit", "til[]=/mit", "til[0]=/mit", "a=1&a=1", "ret=1&ret=2"]
)
@pytest.mark.parametrize("path", ["/login", "/login/brugernavn", "/da/soeg", "/findes-ikke", "/da/"])
def test_a_name_that_stands_twice_in_an_address_is_refused(
    client: FlaskClient, path: str, query: str
) -> None:
    """S-11: as in forms; nobody can say which of them counts."""
    assert client.get(f"{path}?{query}").status_code == 400
    assert client.post(f"{path}?{query}").status_code == 400
    once = client.get(f"{path}?til=/mit&q=a+b").status_code
    assert once == (404 if path == "/findes-ikke" else 200)


def pupils_in(db: Session, member: Member, count: int) -> list[str]:
    """Put so many pupils into somebody's class; returns what a form names them by."""
    with looking(db):
        mine = db.scalar(
            select(Affiliation.main_group_id).where(Affiliation.user_id == user_of(db, member).id)
        )
        school = select(Group.institution_id).where(Group.id == mine).scalar_subquery()
        some = db.scalars(
            select(Affiliation.id)
            .where(Affiliation.category == Category.PUPIL, Affiliation.institution_id == school)
            .order_by((Affiliation.main_group_id == mine).desc(), Affiliation.id)
            .limit(count)
        ).all()
        db.execute(update(Affiliation).where(Affiliation.id.in_(some)).values(main_group_id=mine))
        db.commit()
        whose = select(User.uni_id).join(Affiliation, Affiliation.user_id == User.id)
        return list(db.scalars(whose.where(Affiliation.id.in_(some))))


def test_the_largest_honest_form_is_taken_and_five_thousand_fields_are_not(app: Flask, db: Session) -> None:
    """S-66: every field counts, however many have one name."""
    sixty = pupils_in(db, ANNA, 60)
    carla = teacher(app)
    address = list_of(carla)
    path, data = carla.form("Giv ny adgangskode")
    assert len(sixty) == 60
    told = carla.send(path, {**data, "soeg": "", "elev": sixty})
    assert told.status_code == 422
    assert "Vælg højst 40 elever ad gangen." in told.text
    # Whom nobody knows, as often as a form may name somebody, and far more often.
    acts = {"csrf_token": data["csrf_token"], "vindue": "1"}
    for count, is_taken in ((190, True), (201, False), (5000, False)):
        many = ["x"] * count
        for where, fields in ((path, data), (f"{address}/afbryd", acts)):
            answer = carla.send(where, {**fields, "elev": many})
            assert (answer.status_code != 413) == is_taken, (where, count)
