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
    TWO_FACTOR = "two-factor"
    OPENED = "opened"
    CANCELLED = "cancelled"
    EXTENDED = "extended"
    APPROVED = "approved"
    DISOWNED = "disowned"
    TOO_LATE = "too-late"
    MARKED = "marked"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    BLOCKED_BY_OTHERS = "blocked-by-others"
    ACTIVATED = "activated"
    NOTHING = "nothing"
    CHILD_OPENED = "child-opened"
    CHILD_EXTENDED = "child-extended"
    CHILD_APPROVED = "child-approved"
    CHILD_DISOWNED = "child-disowned"
    CHILD_DAY_IS_FULL = "child-day-is-full"
    CHILD_BLOCKED = "child-blocked"
    CHILD_NO_USERNAME = "child-no-username"


SENTENCES = {
    News.CHANGED: ("ok", N_("Din adgangskode er skiftet. Du er logget ud alle andre steder.")),
    News.KEPT: ("info", N_("Der er ikke skiftet noget. Du logger ind, som du plejer.")),
    News.ENDED_ONE: ("ok", N_("Du er logget ud det andet sted.")),
    News.ENDED_OTHERS: ("ok", N_("Du er logget ud de andre steder.")),
    News.OUT_CHANGED: (
        "info",
        N_("Du er logget ud, fordi adgangskoden blev skiftet. Var det ikke dig? Sig det til skolen."),
    ),
    News.OUT_ELSEWHERE: ("info", N_("Du er logget ud fra et andet sted.")),
    News.OUT_IDLE: ("info", N_("Du er logget ud, fordi der er gået for lang tid.")),
    News.TWO_FACTOR: ("warn", N_("En brugeradministrator skal logge på med MitID. Brug den grå knap.")),
    News.OPENED: ("ok", N_("Bed nu eleverne om at skrive deres brugernavn. De har fem minutter.")),
    News.CANCELLED: ("ok", N_("Det er afbrudt. Den gamle adgangskode gælder stadig.")),
    News.EXTENDED: ("ok", N_("Eleven har fem minutter mere.")),
    News.APPROVED: ("ok", N_("Godkendt. Eleven kan nu se sin nye adgangskode.")),
    News.DISOWNED: ("ok", N_("Adgangskoden er slettet, og eleven er logget ud. Giv eleven en ny.")),
    News.TOO_LATE: ("info", N_("Det kunne ikke nås. Listen viser, hvordan det står nu.")),
    News.MARKED: ("ok", N_("Typen er ændret.")),
    News.BLOCKED: ("ok", N_("Eleven er spærret og logget ud alle steder.")),
    News.UNBLOCKED: ("ok", N_("Eleven kan logge ind igen.")),
    News.BLOCKED_BY_OTHERS: (
        "warn",
        N_("En anden end din skole har spærret eleven. Nederst står, hvem du kan ringe til."),
    ),
    News.ACTIVATED: ("ok", N_("Eleven har fået et brugernavn.")),
    News.NOTHING: ("info", N_("Det var allerede sådan.")),
    News.CHILD_OPENED: ("ok", N_("Bed nu dit barn om at skrive sit brugernavn. Barnet har fem minutter.")),
    News.CHILD_EXTENDED: ("ok", N_("Dit barn har fem minutter mere.")),
    News.CHILD_APPROVED: ("ok", N_("Godkendt. Dit barn kan nu se sin nye adgangskode.")),
    News.CHILD_DISOWNED: ("ok", N_("Adgangskoden er slettet. Giv dit barn en ny.")),
    News.CHILD_DAY_IS_FULL: ("warn", N_("Dit barn har fået tre gange i dag. Spørg skolens kontor.")),
    News.CHILD_BLOCKED: ("warn", N_("Dit barns login er spærret. Spørg skolens kontor.")),
    News.CHILD_NO_USERNAME: ("warn", N_("Dit barn skal først have et brugernavn.")),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence, and how a note marks it."""

    kind: str
    text: str
    news: News


def tell_next(news: News) -> None:
    """Let the next page of this browser tell something."""
    session[PLACE] = news.value


def take() -> Told | None:
    """Return what this page is to tell, which no later one tells again."""
    code = session.pop(PLACE, None)
    if code not in set(News):
        return None
    return told(News(code))


def told(news: News) -> Told:
    """Return the sentence of some news, for an answer that tells it at once."""
    kind, sentence = SENTENCES[news]
    return Told(kind, _(sentence), news)
