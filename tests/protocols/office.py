"""A small mail server on this machine that says what it is told to, with TLS if it is given a certificate."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from app.config import MailSettings
from app.world import Mail

MAIL = Mail(
    "<abc@example.dk>",
    "dan@example.dk",
    "support@example.dk",
    "Vi har fået din besked (sag 1234 5678)",
    "Hej\n\nDit sagsnummer er 1234 5678.\n.\nÆØÅ\n",
    datetime(2026, 11, 22, 10, 35, tzinfo=UTC),
)


class Talk(socketserver.StreamRequestHandler):
    """One conversation."""

    server: Office
    is_secret = False

    def setup(self) -> None:
        """Begin, with TLS first where the server has it so."""
        if self.server.has_tls_first:
            self._shake_hands()
        super().setup()

    def handle(self) -> None:
        """Answer line by line."""
        self._say("220 office")
        while line := self.rfile.readline():
            word = line.split()[0].upper().decode()
            self.server.lines.append(line.decode().strip())
            if self.is_secret:
                self.server.secret_lines.append(line.decode().strip())
            self._say(self.server.answers.get(word) or self._answer(word))
            if word == "QUIT":
                return
            if word == "STARTTLS" and word not in self.server.answers:
                self._shake_hands()
                super().setup()
            if word == "DATA" and word not in self.server.answers:
                self._take()

    def finish(self) -> None:
        """End, and close what TLS was put around."""
        super().finish()
        self.request.close()

    def _answer(self, word: str) -> str:
        if word == "EHLO" and self.is_secret:
            return "250-office\r\n250 AUTH PLAIN"
        if word == "EHLO" and self.server.context is not None:
            return "250-office\r\n250-AUTH PLAIN\r\n250 STARTTLS"
        return {"QUIT": "221 bye", "DATA": "354 go on", "STARTTLS": "220 go on", "AUTH": "235 in"}.get(
            word, "250 ok"
        )

    def _shake_hands(self) -> None:
        assert self.server.context is not None
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.is_secret = True

    def _take(self) -> None:
        text = b""
        while (line := self.rfile.readline()) != b".\r\n":
            text += line.removeprefix(b".")
        self.server.mails.append(text.decode())
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Office(socketserver.ThreadingTCPServer):
    """A mail server that takes all, unless it is told to answer a word otherwise."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self, host: str = "127.0.0.1", context: ssl.SSLContext | None = None, *, has_tls_first: bool = False
    ) -> None:
        """Listen."""
        super().__init__((host, 0), Talk)
        self.context = context
        self.has_tls_first = has_tls_first
        self.lines: list[str] = []
        # Those of them that nobody on the way could read.
        self.secret_lines: list[str] = []
        self.mails: list[str] = []
        self.answers: dict[str, str] = {}

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a conversation that was broken off be; what was said is kept."""

    @property
    def settings(self) -> MailSettings:
        """The settings that name it, by its number."""
        host, port = self.server_address[:2]
        return MailSettings(str(host), port, "", "", "unilogin@example.dk", "x@example.dk")


@contextmanager
def running(office: Office) -> Iterator[Office]:
    """Let a mail server answer for a while."""
    with office:
        thread = threading.Thread(target=office.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield office
        office.shutdown()
        thread.join(10)
