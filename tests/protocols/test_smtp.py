"""Handing mails over, to a small SMTP server on this machine that says what it is told to."""

from __future__ import annotations

from email import message_from_string, policy
from email.message import EmailMessage

import pytest

from app.config import MailSettings
from app.protocols import smtp
from app.world import Mail, MailError
from tests.protocols.office import MAIL, Office


def fault(office: Office, mail: Mail = MAIL) -> MailError:
    """Return why a mail is not taken."""
    with pytest.raises(MailError) as caught:
        smtp.Server(office.settings).send(mail)
    return caught.value


def test_a_mail_arrives_as_it_was_written(office: Office) -> None:
    smtp.Server(office.settings).send(MAIL)
    (text,) = office.mails
    found = message_from_string(text, EmailMessage, policy=policy.default)
    assert found["From"] == "unilogin@example.dk"
    assert found["To"] == "dan@example.dk"
    assert found["Reply-To"] == "support@example.dk"
    assert found["Subject"] == MAIL.subject
    assert found["Message-ID"] == "<abc@example.dk>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Date"].datetime == MAIL.written_at
    assert found.get_content().replace("\r\n", "\n") == MAIL.body


@pytest.mark.parametrize(
    ("word", "answer", "is_final"),
    [
        ("RCPT", "550 nobody here", True),
        ("RCPT", "451 later", False),
        ("DATA", "554 not that", True),
        ("MAIL", "530 log in first", False),
        ("EHLO", "421 closing", False),
    ],
)
def test_a_refusal_is_final_only_where_this_mail_will_never_go(
    office: Office, word: str, answer: str, is_final: bool
) -> None:
    office.answers[word] = answer
    if word == "EHLO":
        office.answers["HELO"] = answer
    found = fault(office)
    assert found.is_final is is_final
    assert "dan@" not in found.reason
    assert office.mails == []


@pytest.mark.parametrize("answer", ["250 ok", "421 closing", "?"])
def test_a_mail_that_was_taken_is_taken_however_the_server_says_goodbye(office: Office, answer: str) -> None:
    office.answers["QUIT"] = answer
    smtp.Server(office.settings).send(MAIL)
    assert len(office.mails) == 1


def test_a_server_that_is_away_is_told_as_such(office: Office) -> None:
    settings = office.settings
    office.server_close()
    with pytest.raises(MailError) as caught:
        smtp.Server(MailSettings("127.0.0.1", 1, "", "", settings.sender, "x@example.dk")).send(MAIL)
    assert caught.value.reason == "ConnectionRefusedError"
    assert not caught.value.is_final


def test_no_header_is_made_by_what_somebody_typed(office: Office) -> None:
    odd = Mail(MAIL.message_id, MAIL.recipient, None, "Hej\nBcc: alle@example.dk", "x", MAIL.written_at)
    assert fault(office, odd).is_final
    assert office.mails == []


def test_a_password_is_not_said_to_a_server_that_does_not_ask_for_it(office: Office) -> None:
    """S-83."""
    settings = office.settings
    known = MailSettings(
        settings.host, settings.port, "unilogin", "hemmeligt", settings.sender, "x@example.dk"
    )
    with pytest.raises(MailError) as caught:
        smtp.Server(known).send(MAIL)
    assert "hemmeligt" not in f"{caught.value.reason} {office.lines} {known}"


def test_without_a_host_there_is_no_server() -> None:
    assert smtp.for_settings(MailSettings(sender="a@example.dk", recipient="b@example.dk")) is None
