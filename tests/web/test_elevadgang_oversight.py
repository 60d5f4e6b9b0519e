"""What the administrator reads is so: alerts, the log and what only looked, and what a pupil has now."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.db import Database, instant
from app.domain import audit
from app.domain.audit import Event
from app.domain.elevadgang import oversight
from app.models.credentials import Credential
from app.models.elevadgang import Doubt
from app.models.people import Group, User
from app.world import Clock
from tests import store
from tests.cast import (
    ANNA,
    CARLA,
    EGESKOLEN,
    EVA,
    FINN,
    IDA,
    LINDESKOLEN,
    MARKED,
    NAMELESS,
    Member,
    institution,
    user_of,
)
from tests.pages import Browser
from tests.web.trips import Wire, visit

SCHOOL = "/elevadgang/skole-999001"
LOG, ALERTS = f"{SCHOOL}/log", f"{SCHOOL}/advarsler"


@pytest.fixture
def eva(browser: Browser, wire: Wire) -> Browser:
    """Return Eva's browser, in which she came in by the grey button and MitID."""
    browser.open("/elevadgang")
    visit(browser, wire, EVA, "Log på som brugeradministrator")
    return browser


def uni_id(database: Database, member: Member) -> str:
    with database.reading() as db:
        return user_of(db, member).uni_id


def pupil_page(eva: Browser, database: Database, member: Member) -> str:
    """Open a pupil's settings; returns the address."""
    path = f"{SCHOOL}/elev/{uni_id(database, member)}"
    eva.open(path)
    return path


def record(database: Database, event: Event, count: int = 1, **details: str) -> None:
    """Let an event stand in Egeskolen's log, by Carla about Anna."""
    with database.writing() as db:
        where, who, whose = institution(db, EGESKOLEN).id, user_of(db, CARLA).id, user_of(db, ANNA).id
        for _ in range(count):
            audit.record(
                db,
                event,
                instant(Clock()),
                actor_id=who,
                subject_id=None if event in oversight.VIEWS else whose,
                institution_id=where,
                **details,
            )
        db.commit()


def lines(browser: Browser) -> list[tuple[str, ...]]:
    """Return the lines of the log on the page: what, who, pupil and more."""
    rows = [e for body in browser.current.root.iter("tbody") for e in body.iter("tr")]
    return [tuple(" ".join("".join(cell.itertext()).split()) for cell in list(row)[1:]) for row in rows]


def facts(browser: Browser) -> dict[str, str]:
    """Return what a pupil's page says of the pupil."""
    pairs = [list(e) for e in browser.current.root.iter("div") if [c.tag for c in e] == ["dt", "dd"]]
    return {dt.text or "": " ".join("".join(dd.itertext()).split()) for dt, dd in pairs}


def in_list(eva: Browser, database: Database, member: Member) -> str:
    """Return what the list says of a pupil."""
    eva.open(f"{SCHOOL}?soeg={quote(member.shown_name)}")
    box = uni_id(database, member)
    rows = [e for e in eva.current.root.iter("label") if any(i.get("value") == box for i in e.iter("input"))]
    return " ".join("".join(rows[0].itertext()).split())


# ---- The alerts ----


def test_an_alert_names_the_class_or_the_school_that_somebody_reached_for(
    eva: Browser, app: Flask, database: Database
) -> None:
    """S-47: also where the same person tried again, which stands there once and says so."""
    finn = Browser(app)
    finn.log_in(FINN.username or "", FINN.password or "")
    with database.reading() as db:
        here = Group.institution_id == institution(db, EGESKOLEN).id
        group = db.scalars(select(Group.id).where(here, Group.name == "2.B")).one()
    for _ in range(2):
        assert finn.get(f"/elevadgang/{group}").status_code == 404
    eva.open(ALERTS)
    tried = "Prøvede at nå elever, der ikke er deres"
    assert lines(eva) == [(tried, "Finn Brask", "", "2.B")]
    assert (
        "flere gange på ti minutter at nå elever, der ikke er deres, står det kun én gang" in eva.current.text
    )
    app.extensions["world"].clock.forward(seconds=oversight.FOREIGN_SECONDS + 1)
    assert finn.get(SCHOOL).status_code == 404
    assert lines(reopened(eva, ALERTS))[0] == (tried, "Finn Brask", "", EGESKOLEN.name)
    assert (tried, "Finn Brask", "", EGESKOLEN.name) in lines(reopened(eva, LOG))
    eva.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert "it is told only once" in eva.open(ALERTS).text


def reopened(browser: Browser, path: str) -> Browser:
    browser.open(path)
    return browser


@pytest.mark.sqlite_only
def test_an_alert_keeps_what_was_typed_where_it_names_nothing_of_the_school(
    eva: Browser, database: Database
) -> None:
    with database.reading() as db:
        there = Group.institution_id == institution(db, LINDESKOLEN).id
        foreign = db.scalars(select(Group.id).where(there).limit(1)).one()
    for where in ("987654321", str(foreign)):
        record(database, Event.FOREIGN_REFUSED, where=where, network="")
    assert [line[3] for line in lines(reopened(eva, ALERTS))] == [str(foreign), "987654321"]


# ---- The log ----


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("doubt", "danish", "english"),
    [
        (Doubt.ELSEWHERE, "fra et andet sted end den, der hjalp", "from another place than whoever helped"),
        (Doubt.ASKED_BEFORE, "flere gange derfra, før der blev trykket", "from there before the press"),
        (Doubt.MANY_PUPILS, "flere andre elevers brugernavne", "several other pupils' usernames"),
        (Doubt.OWN_BROWSER, "i browseren hos den, der hjalp", "in the browser of whoever helped"),
    ],
    ids=lambda value: value.name if isinstance(value, Doubt) else "",
)
def test_the_log_tells_a_doubt_to_one_who_was_not_there(
    eva: Browser, database: Database, doubt: Doubt, danish: str, english: str
) -> None:
    record(database, Event.WINDOW_CLAIMED, device="Firefox, Linux", network="", doubt=doubt.value)
    pages = [LOG] if doubt is Doubt.ELSEWHERE else [LOG, ALERTS]
    for page in pages:
        (more,) = [line[3] for line in lines(reopened(eva, page)) if line[0] == "Skrev brugernavnet"]
        assert danish in more
        assert not re.search(r"\b(du|dig|din)\b", more)
    exported = eva.send(*reopened(eva, LOG).form("Hent som fil")).text
    assert danish in exported
    eva.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert english in eva.open(LOG).text


@pytest.mark.sqlite_only
def test_the_log_says_what_was_looked_at_and_finds_it_by_the_pupil(eva: Browser, database: Database) -> None:
    pupil_page(eva, database, NAMELESS)
    eva.open(ALERTS)
    eva.open(LOG)
    seen = [line for line in lines(reopened(eva, LOG)) if line[1] == "Eva Norup"]
    assert seen == [
        ("Så loggen", "Eva Norup", "", ""),
        ("Så loggen", "Eva Norup", "", ""),
        ("Så advarslerne", "Eva Norup", "", ""),
        ("Så eleven", "Eva Norup", "Yusuf Al-Khatib", ""),
        ("Så listen", "Eva Norup", "", "Egeskolen"),
    ]
    assert lines(reopened(eva, f"{LOG}?soeg=yusuf")) == [("Så eleven", "Eva Norup", "Yusuf Al-Khatib", "")]


@pytest.mark.sqlite_only
def test_changes_only_leaves_out_who_looked_through_search_and_paging_and_the_export_has_all(
    eva: Browser, database: Database
) -> None:
    record(database, Event.PASSWORD_TYPE_MARKED, password_type="WORDS")
    record(database, Event.WINDOW_EXPIRED, oversight.LOG_PAGE)
    for view in oversight.VIEWS:
        record(database, view, **dict.fromkeys(view.details, "2.B"))
    eva.open(LOG)
    assert {"Så loggen", "Lavede klasselisten", "Hentede loggen"} <= {line[0] for line in lines(eva)}
    eva.follow("Kun ændringer")
    assert {line[0] for line in lines(eva)} == {"Tiden gik"}
    eva.follow("Ældre")
    assert lines(eva)[0] == ("Ændrede typen af adgangskode", "Carla Juhl", "Anna Holm", "Ord")
    eva.follow("Nyeste")
    (form,) = [e for e in eva.current.forms() if e.get("role") == "search"]
    kept = {e.get("name"): e.get("value") for e in form.iter("input") if e.get("type") == "hidden"}
    eva.open(f"{LOG}?soeg=carla&" + "&".join(f"{name}={value}" for name, value in kept.items()))
    assert {line[0] for line in lines(eva)} == {"Tiden gik"}
    assert "carla" in eva.current.links()["Alt"], "the search stays"
    exported = eva.send(*eva.form("Hent som fil")).text
    rows = list(csv.reader(io.StringIO(exported.removeprefix("\ufeff")), delimiter=";"))
    assert {"Så loggen", "Så listen", "Tiden gik"} <= {row[1] for row in rows}
    eva.follow("Alt")
    assert "Så listen" in {line[0] for line in lines(eva)}


@pytest.mark.sqlite_only
def test_a_pupil_reads_what_was_done_and_not_how_often_the_school_looked(
    eva: Browser, app: Flask, database: Database
) -> None:
    pupil_page(eva, database, IDA)
    eva.press("Gem", type="PICTURES")
    assert len(store.events(database, "PUPIL_SHOWN")) == 2
    ida = Browser(app)
    ida.log_in(IDA.username or "", IDA.password or "")
    if ida.current.path == "/login/varsel":
        ida.press("Senere")
    assert "Din type af adgangskode blev ændret" in ida.open("/mit/historik").text
    assert "Så eleven" not in ida.current.text


# ---- What a pupil has ----


@pytest.mark.sqlite_only
def test_a_new_type_of_password_shows_as_coming_until_the_pupil_has_changed(
    eva: Browser, database: Database
) -> None:
    pupil_page(eva, database, MARKED)
    assert facts(eva)["Adgangskode"] == "Billeder (særlig)"
    assert "Billeder (særlig)" in in_list(eva, database, MARKED)
    path = pupil_page(eva, database, MARKED)
    eva.press("Gem", type="")
    assert "Typen er ændret." in eva.current.text
    asked = "Billeder. Eleven bliver bedt om at skifte til ord ved næste login."
    assert facts(eva)["Adgangskode"] == asked
    row = in_list(eva, database, MARKED)
    assert "Billeder" in row, "that is what the pupil uses until then"
    assert "særlig" not in row
    assert "Ord" not in row
    eva.open(path)
    eva.press("Gem", type="PICTURES")
    assert facts(eva)["Adgangskode"] == "Billeder (særlig)"


@pytest.mark.sqlite_only
def test_who_has_just_got_a_username_has_no_password_and_one_press_gives_it(
    eva: Browser, app: Flask, database: Database
) -> None:
    assert "Ingen adgangskode" in in_list(eva, database, NAMELESS)
    path = pupil_page(eva, database, NAMELESS)
    assert facts(eva)["Adgangskode"] == "Ingen endnu"
    assert "Giv nu eleven en ny adgangskode." not in eva.current.text, "the username comes first"
    eva.press("Giv et brugernavn")
    assert facts(eva)["Adgangskode"] == "Ingen endnu"
    assert "Giv nu eleven en ny adgangskode." in eva.current.text
    username = facts(eva)["Brugernavn"]
    eva.press("Giv ny adgangskode")
    assert eva.current.path == SCHOOL
    assert "1 af" in eva.current.text, "the list shows that pupil alone"
    assert "Venter til kl." in eva.current.text
    eva.open(path)
    assert "Venter til kl." in eva.current.text
    eva.follow("Se eleven i listen")
    assert username in eva.current.text
    pupil = Browser(app)
    pupil.open("/login/brugernavn")
    assert pupil.press("Næste", filled={"Brugernavn": username}).heading == "Dine nye billeder"


@pytest.mark.sqlite_only
def test_whose_password_was_voided_has_none_at_the_moment(eva: Browser, database: Database) -> None:
    with database.writing() as db:
        whose = select(User.id).where(User.username == IDA.username).scalar_subquery()
        ended = update(Credential).where(Credential.user_id == whose)
        db.execute(ended.values(ended_at=instant(Clock()).at - timedelta(minutes=1)))
        db.commit()
    pupil_page(eva, database, IDA)
    assert facts(eva)["Adgangskode"] == "Ingen lige nu"
    assert "Giv nu eleven en ny adgangskode." in eva.current.text
    eva.press("Spær eleven")
    assert "Giv nu eleven en ny adgangskode." not in eva.current.text, "a blocked pupil gets none"


@pytest.mark.sqlite_only
def test_s_75_the_school_reads_that_the_operator_did_it_and_not_who(
    eva: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "grethe-drift")
    done = app.test_cli_runner().invoke(args=["networks", "add", EGESKOLEN.number, "192.0.2.0/24"])
    assert done.exit_code == 0, done.output
    eva.open(LOG)
    assert ("Driften tilføjede et netværk", "", "", "192.0.2.0/24") in lines(eva)
    exported = eva.send(*eva.form("Hent som fil")).text
    assert "Driften tilføjede et netværk" in exported
    for text in (exported, eva.open(LOG).response.text, eva.open(f"{LOG}?soeg=grethe").text):
        assert "grethe-drift" not in text
