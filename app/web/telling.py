"""What is told once, on the next whole page: kept as a code in the signed cookie of the forms.

Never words, and never in an address: nobody can make a page say anything by a link (S-65).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flask import session

from app.web.fields import N_
from app.web.i18n import gettext as _

PLACE = "told"


class News(StrEnum):
    """What there may be to tell."""

    CHANGED = "changed"
    KEPT = "kept"
    ENDED_ONE = "ended-one"
    ENDED_OTHERS = "ended-others"
    OUT_CHANGED = "out-changed"
    OUT_ELSEWHERE = "out-elsewhere"
    OUT_IDLE = "out-idle"


SENTENCES = {
    News.CHANGED: ("ok", N_("Din adgangskode er skiftet. Du er logget ud alle andre steder.")),
    News.KEPT: ("info", N_("Der er ikke skiftet noget. Du logger ind, som du plejer.")),
    News.ENDED_ONE: ("ok", N_("Du er logget ud det andet sted.")),
    News.ENDED_OTHERS: ("ok", N_("Du er logget ud de andre steder.")),
    News.OUT_CHANGED: ("info", N_("Du er logget ud, fordi adgangskoden blev skiftet.")),
    News.OUT_ELSEWHERE: ("info", N_("Du er logget ud fra et andet sted.")),
    News.OUT_IDLE: ("info", N_("Du er logget ud, fordi der er gået for lang tid.")),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence, and how a note marks it."""

    kind: str
    text: str


def tell_next(news: News) -> None:
    """Let the next page of this browser tell something."""
    session[PLACE] = news.value


def take() -> Told | None:
    """Return what this page is to tell, which no later one tells again."""
    code = session.pop(PLACE, None)
    if code not in set(News):
        return None
    kind, sentence = SENTENCES[News(code)]
    return Told(kind, _(sentence))
