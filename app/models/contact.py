"""What people write to us, the mails on their way out, and what the operator tells of the running."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Writer(StrEnum):
    """As what somebody writes to support."""

    PUPIL = auto()
    GUARDIAN = auto()
    TEACHER = auto()
    STAFF = auto()
    OTHER = auto()


class Subject(StrEnum):
    """What a case is about, in the order of the form."""

    LOGIN = auto()
    USERNAME = auto()
    PASSWORD = auto()
    ELEVADGANG = auto()
    USERS = auto()
    SITE = auto()
    OTHER = auto()


class Severity(StrEnum):
    """How bad a notice of operations is, the mildest first."""

    INFO = auto()
    DISTURBANCE = auto()
    OUTAGE = auto()


class Case(Base):
    """What somebody wrote to support; its text holds nothing like a CPR number (S-72)."""

    __tablename__ = "support_case"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(8), unique=True)
    # Marks the form that was sent, so that two presses make one case (S-81).
    operation_mark: Mapped[str] = mapped_column(String(64), unique=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    language: Mapped[str] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(String(120))
    mail: Mapped[str] = mapped_column(String(254))
    writer: Mapped[Writer]
    institution: Mapped[str] = mapped_column(String(120))
    subject: Mapped[Subject]
    body: Mapped[str] = mapped_column(Text())


class OutgoingMail(Base):
    """A mail that was written in the transaction of what it tells of, and is sent afterwards (S-02)."""

    __tablename__ = "outgoing_mail"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(320), unique=True)
    recipient: Mapped[str] = mapped_column(String(254))
    reply_to: Mapped[str | None] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text())
    written_at: Mapped[datetime] = mapped_column(index=True)
    # When it may be tried (again). One that is being sent has the next time here already: a sender that
    # dies gives it back by that.
    next_at: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)
    # 1 while it is being sent, else nothing; unique, so that one mail at a time is.
    turn: Mapped[int | None] = mapped_column(unique=True)
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    fault: Mapped[str | None] = mapped_column(String(80))


class Feedback(Base):
    """An answer to «Hjalp det dig?»: of which page, never whose."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    operation_mark: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    slug: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(5))
    has_helped: Mapped[bool]
    body: Mapped[str] = mapped_column(String(1000))
    answered_at: Mapped[datetime] = mapped_column(index=True)


class SendingQuota(Base):
    """How much was sent to us from one place within the hour; the name is a keyed hash."""

    __tablename__ = "sending_quota"

    bucket: Mapped[str] = mapped_column(String(64), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(index=True)
    count: Mapped[int]


class OperationsNotice(Base):
    """What the operator tells of the running, from when to when; without an end until further notice."""

    __tablename__ = "operations_notice"

    id: Mapped[int] = mapped_column(primary_key=True)
    severity: Mapped[Severity]
    text_da: Mapped[str] = mapped_column(String(300))
    text_en: Mapped[str] = mapped_column(String(300))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
