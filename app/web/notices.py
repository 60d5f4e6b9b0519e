"""What the operator tells of the running, as every page shows it: read at most once a second by a worker."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from app.db import Database, instant
from app.domain import status
from app.domain.status import Notice
from app.models.contact import Severity
from app.web.i18n import gettext as _
from app.web.i18n import language
from app.world import Clock

AGE = timedelta(seconds=1)
# A store that is away may take seconds to say so; not every page is to wait for it.
AGE_AFTER_FAILURE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Told:
    """What holds now, and all of it lately; unknown while the store is away."""

    active: tuple[Notice, ...] = ()
    lately: tuple[Notice, ...] = ()
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class ShownNotice:
    """A notice in words; `lang` where they are not in the page's own language."""

    severity: Severity
    severity_text: str
    text: str
    lang: str | None


class Board:
    """What a worker knows of the notices."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Know nothing yet."""
        self._database = database
        self._clock = clock
        self._reading = threading.Lock()
        self._told = Told()
        # From when to when what is told need not be read anew, unless the clock is set back.
        self._fresh: tuple[datetime, datetime] | None = None

    def known(self) -> Told:
        """Return what was read last, for a page that must not ask the store."""
        return self._told

    def current(self) -> Told:
        """Return what holds, the same object as long as it does; nobody waits while another reads."""
        if self._is_fresh() or not self._reading.acquire(blocking=False):
            return self._told
        try:
            found = self._read()
            if found != self._told:
                self._told = found
            read_at = self._clock.now()
            self._fresh = (read_at, read_at + (AGE if found.is_known else AGE_AFTER_FAILURE))
        finally:
            self._reading.release()
        return self._told

    def _is_fresh(self) -> bool:
        return self._fresh is not None and self._fresh[0] <= self._clock.now() < self._fresh[1]

    def _read(self) -> Told:
        now = instant(self._clock)
        try:
            with self._database.reading() as db:
                lately = tuple(status.list_lately(db, now))
        except SQLAlchemyError:
            return Told()
        return Told(tuple(one for one in lately if one.is_on(now.at)), lately, is_known=True)


def strip(*, may_ask: bool) -> list[ShownNotice]:
    """Return what holds now, in the reader's language, the worst first."""
    board: Board = current_app.extensions["notices"]
    told = board.current() if may_ask else board.known()
    order = list(Severity)
    return [in_words(one) for one in sorted(told.active, key=lambda one: -order.index(one.severity))]


def in_words(notice: Notice) -> ShownNotice:
    """Return a notice in the reader's language."""
    code, text = notice.text(language())
    lang = code if code != language() else None
    return ShownNotice(notice.severity, _severity_text(notice.severity), text, lang)


def _severity_text(severity: Severity) -> str:
    if severity is Severity.OUTAGE:
        return _("Nedbrud")
    if severity is Severity.DISTURBANCE:
        return _("Forstyrrelse")
    return _("Til orientering")
