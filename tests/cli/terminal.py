"""What the tests of the commands share: running one, and reading what it left."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import Config
from app.db import Database, instant
from app.direct import direct
from app.domain import sessions
from app.domain.login import Browser
from app.keys import Keys
from app.models.audit import AuditEvent
from app.models.sso import EndReason, SsoSession
from app.world import World
from tests.cast import Member, user_of

Run = Callable[..., Result]

ELSEWHERE = Browser(device_token=None, device_words="Firefox, Linux", network="198.51.100.0/24")


def done(result: Result) -> str:
    """Return what a command printed, which must have gone well."""
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def refused(result: Result, code: int = 1) -> str:
    """Return the one line on standard error of a command that was refused."""
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    line, *rest = result.stderr.strip().splitlines()
    assert not rest
    return line


def log_in(database: Database, keys: Keys, world: World, config: Config, member: Member) -> None:
    """Give one of the cast a session."""
    with database.writing() as db:
        token = world.dice.token()
        user_id = user_of(db, member).id
        now = instant(world.clock)
        begun = sessions.beginning(
            keys, config, now, user_id=user_id, token=token, device="Chrome", network="?"
        )
        direct(db, *begun)
        db.commit()


def events(database: Database, name: str) -> list[AuditEvent]:
    """Return the events of one kind."""
    with database.reading() as db:
        return list(db.scalars(select(AuditEvent).where(AuditEvent.event == name).order_by(AuditEvent.id)))


def ends(db: Session, user_id: int) -> set[EndReason | None]:
    """Return why the sessions of a user ended; None for one that lives."""
    return set(db.scalars(select(SsoSession.end_reason).where(SsoSession.user_id == user_id)))
