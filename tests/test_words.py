"""The words of assigned passwords: easy to read, safe to join, never refused by our own rules."""

import re
from pathlib import Path

import pytest

from app.config import PROJECT
from app.domain.passwords import MONTHS, SEASONS, SERVICE_WORDS, WEEKDAYS
from app.domain.usernames import is_rude

WORDLISTS: Path = PROJECT / "app" / "wordlists"
WORDS = (WORDLISTS / "words.txt").read_text(encoding="ascii").splitlines()
SHORTEST, LONGEST = 4, 7
# The code leaves «maj» out, which hides in too many honest passwords; the list has no need of it.
CALENDAR = (*SEASONS, *MONTHS, *WEEKDAYS, "maj")


def sections() -> dict[str, set[str]]:
    """Return the words kept out, by the name in brackets that starts a section."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in (WORDLISTS / "excluded.txt").read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            heading = re.match(r"# \[([a-z]+)\]", line)
            name = heading[1] if heading else name
        elif line:
            found.setdefault(name, set()).update(line.split())
    return found


def joins(string: str) -> list[str]:
    """Return the pairs of words that make `string` where they meet, one example a split."""
    found = []
    for at in range(1, len(string)):
        before = [word for word in WORDS if word.endswith(string[:at])]
        after = [word for word in WORDS if word.startswith(string[at:])]
        # A word shorter than its side of the string would need a third; none is that short.
        if before and after:
            found.append(f"{before[0]}|{after[0]}")
    return found


def test_there_are_enough_words_for_the_strength_that_is_promised() -> None:
    assert len(WORDS) >= 2000


def test_every_word_is_four_to_seven_plain_lower_case_letters() -> None:
    odd = [word for word in WORDS if not re.fullmatch(rf"[a-z]{{{SHORTEST},{LONGEST}}}", word)]
    assert not odd


def test_the_words_are_sorted_and_each_stands_once() -> None:
    assert sorted(set(WORDS)) == WORDS


def test_two_words_make_eight_to_twenty_four_letters_also_with_two_digits() -> None:
    lengths = {len(word) for word in WORDS}
    assert 2 * min(lengths) >= 8
    assert 2 * max(lengths) + 2 <= 24


def test_no_word_is_one_that_was_kept_out() -> None:
    refused = set().union(*(words for name, words in sections().items() if name != "joins"))
    assert len(refused) >= 2000
    assert not refused & set(WORDS)


def test_every_reason_for_keeping_a_word_out_is_explained() -> None:
    page = (PROJECT / "docs" / "words.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([a-z]+)` \|", page, re.M))
    assert explained == set(sections())


@pytest.mark.parametrize("string", sorted(sections()["joins"]))
def test_no_rude_string_hides_in_a_word_or_where_two_meet(string: str) -> None:
    assert not [word for word in WORDS if string in word]
    assert not joins(string)


def test_no_username_begins_with_what_no_two_words_may_make() -> None:
    lines = (WORDLISTS / "refused_letters.txt").read_text(encoding="ascii").splitlines()
    listed = [word for line in lines if not line.startswith("#") for word in line.split()]
    assert sorted(set(listed)) == listed
    assert not [word for word in listed if not re.fullmatch("[a-z]{3,4}", word)]
    assert not [string for string in sections()["joins"] if not is_rude(string[:4])]
    common = ("anna", "bast", "hass", "hell", "mads", "mort", "pete", "sigr", "yusu")
    assert not [letters for letters in common if is_rude(letters)]


@pytest.mark.parametrize("string", sorted({*CALENDAR, *SERVICE_WORDS, "login", "kode"}))
def test_the_password_rules_refuse_no_word_and_no_pair(string: str) -> None:
    assert not [word for word in WORDS if string in word]
    assert not joins(string)


def test_common_passwords_are_many_lower_case_and_listed_once() -> None:
    english = (WORDLISTS / "common_passwords.txt").read_text(encoding="utf-8").splitlines()
    danish = (WORDLISTS / "common_passwords_da.txt").read_text(encoding="utf-8").splitlines()
    assert len(english) >= 10_000
    assert len(danish) >= 150
    both = english + danish
    assert len(set(both)) == len(both)
    assert not [line for line in both if line != line.lower().strip() or len(line) < 8]
    assert {"password", "12345678", "qwertyuiop"} <= set(english)
    assert {"adgangskode", "fodbold123", "hejmeddig1", "skole1234"} <= set(both)
