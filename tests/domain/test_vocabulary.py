"""What people type is led to words that the pages have, and a question to the page that is asked for so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.vocabulary import Unit, Vocabulary, Words
from app.domain.weighing import Index, Page

WORDS = Words(
    "da",
    ignored=frozenset(("jeg", "hvad", "på", "min", "har", "er", "en")),
    school_class=" klasse ",
    same={"børn": "barn"},
    alike={"barn": "barn", "søn": "barn", "datter": "barn"},
    phrases={"kan ikke huske": ("glemt",)},
    synonyms={"nulstil": ("glemt",)},
    asked={},
)
KNOWN = (
    "adgangskode",
    "brugernavn",
    "billede",
    "barn",
    "glemt",
    "klasse",
    "vikar",
    "lærer",
    "adgang",
    "kode",
)


def stems(text: str) -> list[tuple[str, ...]]:
    """Return the stems that will do for each word that says something."""
    units = Vocabulary(WORDS, KNOWN).units(text, 16)
    return [tuple(stem for stem, _share in unit.stems) for unit in units if not unit.is_little]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        # One slip, two slips in a long word, and a cut in two.
        ("adgangskoode", "adgangskode"),
        ("adganskoode", "adgangskode"),
        ("bruger navn", "brugernavn"),
        # A letter left out of a word of five.
        ("glmt", "glemt"),
        ("kodde", "kode"),
        # Other keyboards, and a neighbour's.
        ("laerer", "lærer"),
        ("kläder", "klæder"),
        # A class by its name, however it is written.
        ("2.b", "klasse"),
        ("10 a", "klasse"),
        ("3C", "klasse"),
        # Words for one another, forms of one another, and words that lead to others.
        ("datter", "søn"),
        ("børn", "datter"),
        ("kan ikke huske", "glemt"),
    ],
)
def test_what_is_typed_is_taken_for_what_is_meant(typed: str, meant: str) -> None:
    [wanted] = stems(meant)
    [found] = stems(typed)
    assert wanted[0] in found


def test_other_keyboards_are_no_slips() -> None:
    vocabulary = Vocabulary(WORDS, KNOWN)
    assert vocabulary.units("KLÄDER", 16) == vocabulary.units("klæder", 16) == vocabulary.units("klaeder", 16)


def test_a_compound_that_nobody_has_is_led_to_its_parts_or_to_the_word_it_ends_in() -> None:
    [(_own, *parts)] = stems("billedevikar")
    assert parts == [*stems("billede")[0], *stems("vikar")[0]]
    [(_own, *parts)] = stems("langtidsvikar")
    assert parts == [*stems("vikar")[0]]
    # A word that says little says nothing at the end of another.
    assert [len(found) for found in stems("snehvad")] == [1]


def test_a_short_word_is_not_taken_for_a_slip_and_one_of_seven_letters_not_for_two() -> None:
    assert [len(found) for found in stems("kude vikxxar")] == [1, 1]


def test_words_that_say_little_are_told_from_others_and_a_word_said_twice_is_asked_for_once() -> None:
    units = Vocabulary(WORDS, KNOWN).units("jeg glemt jeg paa glemt", 16)
    assert [(unit.stems[0][0], unit.is_little) for unit in units] == [
        ("jeg", True),
        ("glemt", False),
        ("paa", True),
    ]
    assert Unit((("jeg", 1.0),)) != units[0]


PAGES = (
    Page("guide", "pupil", "Giv en elev en ny adgangskode", "", "", ""),
    Page("guide", "child", "Skift dit barns adgangskode", "", "", ""),
    Page("guide", "own", "Få en ny adgangskode", "", "", "Er det dit barn? Er det en elev i din klasse?"),
)
SAID = {
    "guide:pupil": ("elev i min klasse har glemt koden", "eleverne kan ikke komme ind"),
    "guide:child": ("min søn har glemt sin kode", "mit barn kan ikke komme ind"),
    "guide:own": ("glemt kode", "hvad er min kode", "kan ikke komme ind"),
}


def best(text: str) -> str:
    """Return the page that answers best, of three that speak of the same."""
    weights = Index(replace(WORDS, asked=SAID), PAGES).weigh(text)
    return max(weights, key=lambda place: weights[place])[1]


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("glemt kode", "own"),
        # All three say it: one says nothing else.
        ("kan ikke komme ind", "own"),
        ("min datter har glemt en kode", "child"),
        ("en elev har glemt sin kode", "pupil"),
        ("glemt kode i 2.b", "pupil"),
        # What no page has does not drown the rest.
        ("qwert asdf zxcv hjkl min søn har glemt koden yuiop vbnm", "child"),
    ],
)
def test_the_page_wins_that_is_asked_for_most_nearly_so(text: str, page: str) -> None:
    assert best(text) == page


def test_words_that_say_little_make_no_page_an_answer() -> None:
    index = Index(replace(WORDS, asked=SAID), PAGES)
    assert index.weigh("hvad er min") == {}
    assert index.weigh("hvad er min qwertz") == {}
    assert index.weigh("") == {}


def test_a_word_of_another_language_is_no_slip_in_this_one() -> None:
    index = Index(replace(WORDS, asked=SAID), PAGES)
    slip = next(f"{word}x" for word in KNOWN if len(word) >= 6 and index.weigh(f"{word}x"))
    other = Index(WORDS, [replace(PAGES[0], title=slip, lead="", headings="", text="")])
    assert index.weigh(slip, [other]) == {}
