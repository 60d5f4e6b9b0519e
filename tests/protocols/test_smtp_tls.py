"""Handing mails to a server that is not this machine: with TLS, to the one that is meant, or not at all."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.config import LOOPBACK_HOSTS, MailSettings
from app.protocols import smtp
from app.world import Clock, MailError
from tests.protocols.office import MAIL, Office, running

# This machine too, but by a number that is not known as its own.
ELSEWHERE = "127.0.0.2"
DAY = timedelta(days=1)
FIRST = pytest.mark.parametrize("has_tls_first", [False, True], ids=["starttls", "tls first"])

Start = Callable[..., Office]


class Authority:
    """One who signs certificates."""

    def __init__(self, folder: Path, name: str) -> None:
        """Sign one's own."""
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._signed(self._name, self._key, names=()))

    def context(self, name: str, *, days_left: int = 2) -> ssl.SSLContext:
        """Return what a server of a name needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        try:
            named: x509.GeneralName = x509.IPAddress(ip_address(name))
        except ValueError:
            named = x509.DNSName(name)
        chain = self._folder / "server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain.write_bytes(self._signed(subject, key, names=(named,), days_left=days_left) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        names: tuple[x509.GeneralName, ...],
        days_left: int = 2,
    ) -> bytes:
        until = Clock().now() + days_left * DAY
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - 10 * DAY)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        else:
            usage = dict.fromkeys(
                ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False
            )
            usage |= dict.fromkeys(("key_agreement", "encipher_only", "decipher_only"), False)
            made = made.add_extension(
                x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True
            )
        signed = made.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Return the only authority that this machine trusts."""
    made = Authority(tmp_path, "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    return made


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Return what starts a mail server elsewhere."""
    assert ELSEWHERE not in LOOPBACK_HOSTS
    with ExitStack() as stack:

        def begin(context: ssl.SSLContext | None, *, has_tls_first: bool = False) -> Office:
            office = stack.enter_context(running(Office(ELSEWHERE, context, has_tls_first=has_tls_first)))
            if has_tls_first:
                # The port that says so is not everybody's to listen at.
                monkeypatch.setattr(smtp, "TLS_PORT", office.settings.port)
            return office

        yield begin


def known(office: Office) -> MailSettings:
    """Return settings with a login."""
    return replace(office.settings, user="unilogin", password="hemmeligt")


def refused(office: Office) -> str:
    """Return why nothing was handed over; neither mail nor login was said so that anybody could read it."""
    with pytest.raises(MailError) as caught:
        smtp.Server(known(office)).send(MAIL)
    assert not caught.value.is_final, "once the settings are right, the mail goes"
    assert office.mails == []
    assert [line for line in office.lines if line.split()[0] in ("AUTH", "MAIL", "RCPT", "DATA")] == []
    return caught.value.reason


@FIRST
def test_a_server_that_a_known_authority_vouches_for_is_given_login_and_mail_in_secret(
    authority: Authority, start: Start, has_tls_first: bool
) -> None:
    office = start(authority.context(ELSEWHERE), has_tls_first=has_tls_first)
    smtp.Server(known(office)).send(MAIL)
    assert len(office.mails) == 1
    said = [line.split()[0].upper() for line in office.secret_lines]
    assert said == ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]
    open_lines = office.lines[: len(office.lines) - len(office.secret_lines)]
    assert [line.split()[0].upper() for line in open_lines] == ([] if has_tls_first else ["EHLO", "STARTTLS"])


@FIRST
def test_a_server_that_nobody_known_vouches_for_is_told_nothing(
    authority: Authority, start: Start, tmp_path: Path, has_tls_first: bool
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "authority")
    office = start(stranger.context(ELSEWHERE), has_tls_first=has_tls_first)
    assert refused(office) == "SSLCertVerificationError"


@FIRST
@pytest.mark.parametrize("name", ["mail.example.dk", "127.0.0.3"])
def test_a_server_of_another_name_is_told_nothing(
    authority: Authority, start: Start, has_tls_first: bool, name: str
) -> None:
    office = start(authority.context(name), has_tls_first=has_tls_first)
    assert refused(office) == "SSLCertVerificationError"


@FIRST
def test_a_certificate_that_has_run_out_is_none(
    authority: Authority, start: Start, has_tls_first: bool
) -> None:
    office = start(authority.context(ELSEWHERE, days_left=-1), has_tls_first=has_tls_first)
    assert refused(office) == "SSLCertVerificationError"


def test_a_server_that_does_not_offer_tls_is_told_nothing(authority: Authority, start: Start) -> None:
    office = start(None)
    office.answers["EHLO"] = "250-office\r\n250 AUTH PLAIN"
    assert refused(office) == "SMTPNotSupportedError"
    assert [line.split()[0].upper() for line in office.lines] == ["EHLO"]


def test_a_server_that_offers_tls_and_then_will_not_is_told_nothing(
    authority: Authority, start: Start
) -> None:
    office = start(authority.context(ELSEWHERE))
    office.answers["STARTTLS"] = "454 not now"
    assert refused(office) == "SMTPResponseException: 454"


def test_where_tls_comes_first_a_server_without_it_is_told_nothing(
    authority: Authority, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = start(None)
    monkeypatch.setattr(smtp, "TLS_PORT", office.settings.port)
    assert refused(office) == "SSLError"
    assert not any("EHLO" in line.upper() for line in office.lines)
