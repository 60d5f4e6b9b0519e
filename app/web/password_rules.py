"""The rules of a chosen password, in words (S-20)."""

from __future__ import annotations

from dataclasses import dataclass

from app.config import PasswordProfile
from app.domain.passwords import Rule
from app.web.i18n import gettext as _


@dataclass(frozen=True, slots=True)
class ShownRule:
    """One rule in words, with the pattern that a live check in the browser uses."""

    text: str
    pattern: str | None


def shown_rule(rule: Rule, profile: PasswordProfile) -> ShownRule:
    """Return a rule as the profile of this installation has it."""
    if rule is Rule.LENGTH:
        if profile is PasswordProfile.NIST:
            return ShownRule(_("Mindst 8 tegn."), r"^.{8,}$")
        return ShownRule(_("Mellem 8 og 24 tegn."), r"^.{8,24}$")
    texts = {
        Rule.CHARACTERS: ShownRule(
            _("Kun a til z, tal, mellemrum og tegn som ! og ?. Ikke æ, ø og å."), r"^[ -~]+$"
        ),
        Rule.EDGES: ShownRule(_("Ikke mellemrum først eller sidst."), r"^\S(.*\S)?$"),
        Rule.UPPER: ShownRule(_("Mindst ét stort bogstav."), "[A-Z]"),
        Rule.LOWER: ShownRule(_("Mindst ét lille bogstav."), "[a-z]"),
        Rule.DIGIT: ShownRule(_("Mindst ét tal."), "[0-9]"),
        Rule.NAME: ShownRule(_("Ikke dit navn eller brugernavn."), None),
        Rule.USERNAME: ShownRule(_("Ikke dit navn eller brugernavn."), None),
        Rule.INSTITUTION: ShownRule(_("Ikke navnet på din skole."), None),
        Rule.SEASON: ShownRule(_("Ikke en årstid, en måned eller en ugedag."), None),
        Rule.SERVICE: ShownRule(_("Ikke ord som skole eller adgangskode."), None),
        Rule.RUN: ShownRule(_("Ikke taster på række, som 12345 eller aaaa."), None),
        Rule.COMMON: ShownRule(_("Ikke en, som mange bruger."), None),
        Rule.RECENT: ShownRule(_("Ikke en af dine sidste fem."), None),
    }
    return texts[rule]
