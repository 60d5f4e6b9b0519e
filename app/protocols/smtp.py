"""Handing a mail over to the operator's SMTP server (RFC 5321), over TLS wherever it is not this machine."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from app.config import LOOPBACK_HOSTS, MailSettings
from app.world import Mail, MailError

# Of each step of the conversation; a mail has some nine.
TIMEOUT_SECONDS = 20.0
# The port where TLS comes first (RFC 8314); at others it is asked for.
TLS_PORT = 465
PERMANENT = 500


class Server:
    """The operator's mail server."""

    def __init__(self, settings: MailSettings, *, timeout: float = TIMEOUT_SECONDS) -> None:
        """Take where it is and how we are known there; nothing is connected yet."""
        self._settings = settings
        self._timeout = timeout
        self._own_name = settings.sender.rpartition("@")[2]

    def send(self, mail: Mail) -> None:
        """Hand a mail over.

        Raises:
            MailError: it was not taken; final where this mail never will be.

        """
        try:
            message = self._message(mail)
        except ValueError as error:
            raise MailError("not a mail", is_final=True) from error
        try:
            self._hand_over(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            is_final = all(code >= PERMANENT for code in codes)
            raise MailError(f"recipient refused: {max(codes, default=0)}", is_final=is_final) from error
        except smtplib.SMTPDataError as error:
            is_final = error.smtp_code >= PERMANENT
            raise MailError(f"mail refused: {error.smtp_code}", is_final=is_final) from error
        except smtplib.SMTPResponseException as error:
            # Login and sender are settings: once they are right, this mail goes too.
            raise MailError(f"{type(error).__name__}: {error.smtp_code}") from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise MailError(type(error).__name__) from error

    def _hand_over(self, message: EmailMessage) -> None:
        connection = self._connected()
        try:
            connection.send_message(message)
            # The mail is taken; however the server says goodbye, it must not be sent again.
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
        finally:
            connection.close()

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.sender
        message["To"] = mail.recipient
        if mail.reply_to:
            message["Reply-To"] = mail.reply_to
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(mail.written_at)
        message["Message-ID"] = mail.message_id
        # So that no machine answers (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.body, cte="quoted-printable")
        return message

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        context = ssl.create_default_context()
        if settings.port == TLS_PORT:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, self._own_name, timeout=self._timeout, context=context
            )
        else:
            connection = smtplib.SMTP(settings.host, settings.port, self._own_name, timeout=self._timeout)
        try:
            if settings.port != TLS_PORT and settings.host not in LOOPBACK_HOSTS:
                connection.starttls(context=context)
            if settings.user:
                connection.login(settings.user, settings.password)
        except BaseException:
            connection.close()
            raise
        return connection


def for_settings(settings: MailSettings) -> Server | None:
    """Return the operator's mail server, or None where none is named."""
    return Server(settings) if settings.host else None
