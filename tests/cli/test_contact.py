"""`flask status`, `flask outbox`, `flask contact` and `flask content feedback`: what the operator is told."""

from __future__ import annotations

import os
import pwd
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import jobs
from app.db import Database
from app.world import Mail, MailError
from tests.cli.terminal import Run, done, events, refused
from tests.conftest import SetClock
from tests.pages import Browser

pytestmark = pytest.mark.sqlite_only

TEXTS = ("--da", "MitID er langsomt.", "--en", "MitID is slow.")


class Refusing:
    """A mail server that refuses all."""

    def send(self, mail: Mail) -> None:
        """Refuse a mail."""
        raise MailError("recipient refused: 550", is_final=True)


def write(app: Flask, text: str = "Anna kan ikke logge ind.") -> str:
    """Write to support; returns the case's number."""
    browser = Browser(app)
    browser.open("/da/kontakt")
    page = browser.press(
        "Send", name="Dan\x1b[2J", mail="dan@example.dk", writer="guardian", subject="login", text=text
    )
    found = re.search(r"(\d{4}) (\d{4})", page.text)
    assert found
    return found[1] + found[2]


def test_what_is_told_is_on_the_pages_and_in_the_list_until_it_is_ended(
    run: Run, client: FlaskClient, clock: SetClock
) -> None:
    assert done(run("status", "add", "disturbance", *TEXTS)).startswith("Notice 1 is told.")
    clock.forward(seconds=2)
    assert "MitID er langsomt." in client.get("/da/").text
    (line,) = done(run("status", "list")).splitlines()
    assert re.match(r"1  now  disturbance  \S+ \S+ - until further notice  MitID er langsomt\.", line)
    done(run("status", "end", "1"))
    clock.forward(seconds=2)
    assert "MitID er langsomt." not in client.get("/da/").text
    assert "now" not in done(run("status", "list"))


def test_times_are_copenhagens(run: Run) -> None:
    done(
        run("status", "add", "info", *TEXTS, "--start", "2030-07-01T10:30", "--end", "2030-07-01T10:30+00:00")
    )
    assert "2030-07-01 10:30 - 2030-07-01 12:30" in done(run("status", "list"))
    done(run("status", "end", "1"))
    assert done(run("status", "list")) == "", "what has not begun is taken back"


def test_who_told_ended_or_took_back_what_stands_in_the_audit(
    run: Run, database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """«S-75» The name of the login at the server, also behind `sudo`."""
    monkeypatch.setenv("SUDO_USER", "gry")
    done(run("status", "add", "outage", *TEXTS, "--start", "2026-01-02T10:30", "--end", "2036-01-02T10:30"))
    done(run("status", "add", "info", *TEXTS, "--start", "2036-07-01T10:30"))
    monkeypatch.delenv("SUDO_USER")
    here = pwd.getpwuid(os.getuid()).pw_name
    done(run("status", "end", "1", "--at", "2035-01-02T10:30"))
    done(run("status", "end", "2"))
    assert [one.details for one in events(database, "NOTICE_TOLD")] == [
        {
            "notice": 1,
            "severity": "outage",
            "starts_at": "2026-01-02T09:30:00Z",
            "ends_at": "2036-01-02T09:30:00Z",
            "operator": "gry",
        },
        {
            "notice": 2,
            "severity": "info",
            "starts_at": "2036-07-01T08:30:00Z",
            "ends_at": "",
            "operator": "gry",
        },
    ]
    assert [one.details for one in events(database, "NOTICE_ENDED")] == [
        {"notice": 1, "ends_at": "2035-01-02T09:30:00Z", "operator": here}
    ]
    assert [one.details for one in events(database, "NOTICE_TAKEN_BACK")] == [{"notice": 2, "operator": here}]
    assert f"NOTICE_TAKEN_BACK  notice=2  operator={here}" in done(run("audit", "list"))


def test_what_has_ended_is_not_ended_again(run: Run, database: Database, clock: SetClock) -> None:
    done(run("status", "add", "info", *TEXTS))
    clock.forward(minutes=1)
    done(run("status", "end", "1"))
    told = done(run("status", "list"))
    clock.forward(hours=1)
    for when in ((), ("--at", "2036-01-01T00:00")):
        assert "it has ended already" in refused(run("status", "end", "1", *when))
    assert done(run("status", "list")) == told
    assert len(events(database, "NOTICE_ENDED")) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("end", "7"), "there is no notice with that number"),
        (("add", "info", "--da", " ", "--en", "x"), "say it in both languages"),
        (("add", "info", "--da", "x" * 301, "--en", "x"), "300 characters at most"),
        (
            ("add", "info", *TEXTS, "--start", "2030-01-02T00:00", "--end", "2030-01-01T00:00"),
            "it would end before it starts",
        ),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_line(
    run: Run, database: Database, words: tuple[str, ...], said: str
) -> None:
    assert said in refused(run("status", *words))
    assert done(run("status", "list")) == ""
    assert events(database, "NOTICE_TOLD") == events(database, "NOTICE_ENDED") == []


def test_the_outbox_lists_what_waits_and_what_was_given_up(
    app: Flask, run: Run, database: Database, clock: SetClock
) -> None:
    number = write(app)
    told = f"{number[:4]} {number[4:]}"
    receipt, case = done(run("outbox", "list")).splitlines()
    assert f"waiting  dan@example.dk  Vi har fået din besked (sag {told})" in receipt
    assert f"waiting  support@unilogin.example  Unilogin: sag {told}" in case
    assert "    Anna kan ikke logge ind." in done(run("outbox", "list", "--bodies")).splitlines()
    jobs.send_mails(database, clock, Refusing())
    assert done(run("outbox", "list")).count("failed (recipient refused: 550)") == 2
    done(run("outbox", "retry", "1"))
    assert "waiting (1 tries: recipient refused: 550)" in done(run("outbox", "list"))
    assert "no mail with that number" in refused(run("outbox", "retry", "99"))


def test_cases_are_listed_and_shown_without_what_steers_a_terminal(app: Flask, run: Run) -> None:
    """S-75."""
    number = write(app)
    assert done(run("contact", "list")).startswith(f"{number}  ")
    shown = done(run("contact", "show", f"{number[:4]} {number[4:]}"))
    assert "Dan[2J  dan@example.dk" in shown
    assert "\x1b" not in shown
    assert "    Anna kan ikke logge ind." in shown.splitlines()
    assert "no case" in refused(run("contact", "show", "12345678"))


def test_answers_are_counted_by_page_those_that_help_least_first(app: Flask, run: Run) -> None:
    for slug, answers in (("log-ind-med-billeder", ("ja", "nej")), ("elever-uden-mitid", ("nej", "nej"))):
        for answer in answers:
            browser = Browser(app)
            browser.open(f"/da/hjalp-det/vejledninger/{slug}")
            browser.press("Send svaret", answer=answer, text="Nej\nTak" if slug.startswith("e") else "")
    lines = done(run("content", "feedback")).splitlines()
    assert lines[:2] == ["0 yes  2 no  guides/elever-uden-mitid", "1 yes  1 no  guides/log-ind-med-billeder"]
    assert len(lines) == 4
    assert lines[2].endswith("  da  no  guides/elever-uden-mitid: Nej Tak")
