"""The order of an alphabet: Danish has æ, ø and å last, and takes aa for å; others read them as a and o."""

from __future__ import annotations

import unicodedata

from app.domain.site import SOURCE

# Whatever sorts after z, in the order of the alphabet; German and Swedish letters go with their Danish kin.
LAST = str.maketrans({"æ": "{", "ø": "|", "å": "}", "ä": "{", "ö": "|", "ü": "y"})
PLAIN = str.maketrans({"æ": "ae", "ø": "o"})


def place(text: str, language: str) -> tuple[str, str]:
    """Return what puts a text into its place in a list; signs and accents count for nothing."""
    small = unicodedata.normalize("NFC", text).casefold()
    named = small.replace("aa", "å").translate(LAST) if language == SOURCE else small.translate(PLAIN)
    letters = unicodedata.normalize("NFKD", named)
    return "".join(c for c in letters if c.isalnum() or c in " {|}").strip(), text
