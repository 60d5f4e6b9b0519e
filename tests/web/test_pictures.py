"""The pictures by name: whatever way the four are typed, and a sentence to remember them by."""

import re
from itertools import combinations, pairwise, permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.passwords import FAMILIES, PICTURES
from app.web import pictures
from app.web.pictures import Picture

LANGUAGES = ("da", "en")
# Four different ones in order, as the server deals them.
CODES = st.permutations(PICTURES).map(lambda order: order[:4])
OTHERS = ("elefant", "kage", "cykel", "sol")
# «Saks» may lie in a bag; nothing in a sentence is done to anybody.
UNKIND = re.compile(
    r"\b(slå|slår|stikker|klipper|skærer|dræber|bider|jagter|brænder|smadrer|taber|græder|dør|død|bange)\b"
    r"|\b(hit|stab|cut|kill|bit|chased|burned|smashed|lost|cried|died|dead|afraid|hurt|broke)\b",
    re.IGNORECASE,
)


def names(ids: list[str], language: str) -> list[str]:
    """Return the names of pictures."""
    return [picture.name for picture in pictures.named(ids, language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_has_a_name_of_its_own(language: str) -> None:
    all_names = names(list(PICTURES), language)
    assert len(set(all_names)) == len(PICTURES) == 24
    assert all(re.fullmatch(r"[a-zæøå]+", name) for name in all_names)


def test_no_two_pictures_share_a_word_in_any_two_languages() -> None:
    for one, other in combinations(PICTURES, 2):
        ours, theirs = ({id, *(names([id], code)[0] for code in LANGUAGES)} for id in (one, other))
        assert not ours & theirs


def test_the_families_stand_in_their_fixed_places() -> None:
    for language in LANGUAGES:
        grid = pictures.families(language)
        assert [[picture.id for picture in family] for family in grid] == [list(row) for row in FAMILIES]
    assert pictures.families("da")[1][0] == Picture("aeble", "æble")
    assert pictures.families("en")[1][0] == Picture("aeble", "apple")


def test_a_language_without_words_of_its_own_shows_the_danish_ones() -> None:
    assert pictures.named(["trae"], "ar") == pictures.named(["trae"], "da")
    assert pictures.rhyme(OTHERS, "ar") == pictures.rhyme(OTHERS, "da")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("id", PICTURES)
def test_every_picture_can_be_typed(id: str, language: str) -> None:
    name = names([id], language)[0]
    rest = [other for other in OTHERS if other != id][:3]
    assert pictures.parse(" ".join([name, *rest])) == [id, *rest]
    assert pictures.parse(", ".join([*rest, name.upper()])) == [*rest, id]


@pytest.mark.parametrize(
    "typed",
    [
        "sol kage træ ugle",
        "SOL KAGE TRÆ UGLE",
        "  Sol,kage ,Træ;\tugle.\n",
        "sol\nkage\ntrae\nugle",
        "1. sol 2. kage 3. træ 4. ugle",
        "sol-kage-træ-ugle",
        "sol cake TREE owl",
        "sol kage trä ugle",
        "sol kage tr\u00c6 ugle",
        "sol, kage, træ og ugle",
        "sun and cake and tree AND owl",
    ],
)
def test_any_case_any_separator_any_keyboard_and_any_language(typed: str) -> None:
    assert pictures.parse(typed) == ["sol", "kage", "trae", "ugle"]


def test_the_order_is_kept_and_a_name_may_be_two_words() -> None:
    assert pictures.parse("ugle sol kage træ") == ["ugle", "sol", "kage", "trae"]
    assert pictures.parse("teddy bear top hat sommer fugl regn bue") == [
        "bamse",
        "hat",
        "sommerfugl",
        "regnbue",
    ]
    assert pictures.parse("nøgle noegle sol hat") is None
    assert pictures.parse("nøgle bike tulip æble") == ["noegle", "cykel", "blomst", "aeble"]


@pytest.mark.parametrize(
    "typed",
    ["", " , ", "sol", "sol kage træ", "sol kage træ ugle bil", "sol kage træ sol", "sol kage træ hund",
     "sol sun kage træ", "solkagetræugle", "sol kage træ ugle " * 1000, "\x00", "../..", "<b>sol</b>"],
)  # fmt: skip
def test_anything_else_is_no_code(typed: str) -> None:
    assert pictures.parse(typed) is None
    assert pictures.parse_code(typed) is None


@pytest.mark.parametrize(
    ("typed", "ids", "strange"),
    [
        ("sol hund kage hund", ["sol"], 2),
        ("sommer fugl og hund", ["sommerfugl"], 2),
        ("sol sol", ["sol", "sol"], None),
        (" og ", [], None),
    ],
)
def test_the_first_name_that_is_no_picture_is_known_by_its_number(
    typed: str, ids: list[str], strange: int | None
) -> None:
    assert pictures.read(typed) == pictures.Typed(ids, strange)
    assert not pictures.read(typed).is_code


@given(
    CODES, st.sampled_from(LANGUAGES), st.sampled_from([" og ", " ", ",", ", ", "\n", "\r\n", " - ", "\t"])
)
def test_any_code_survives_being_typed(code: list[str], language: str, between: str) -> None:
    assert pictures.parse(between.join(names(code, language))) == code
    assert pictures.parse_code(",".join(code)) == code


@given(st.text(max_size=400))
@example("ﬁsk sol kage hat")
def test_no_typing_is_an_error(typed: str) -> None:
    for found in (pictures.parse(typed), pictures.parse_code(typed)):
        assert found is None or len(set(found) & set(PICTURES)) == 4


@pytest.mark.parametrize(
    "code",
    ["sol,kage,trae", "sol,kage,trae,ugle,bil", "sol,kage,trae,sol", "sol,kage,trae,hund", "sol,kage,trae,",
     "sol, kage, trae, ugle", "SOL,kage,trae,ugle", "sol,kage,træ,ugle", ","],
)  # fmt: skip
def test_the_hidden_field_holds_four_different_ids_and_nothing_else(code: str) -> None:
    assert pictures.parse_code(code) is None


def test_the_rhyme_is_the_one_of_the_design() -> None:
    assert pictures.rhyme(OTHERS, "da") == "Elefanten spiser kage på cykel i solen."
    assert pictures.rhyme(OTHERS, "en") == "The elephant ate cake on a bicycle in the sun."


def sound(sentence: str) -> None:
    """Check what can be checked of a sentence without reading it aloud."""
    words = sentence.removesuffix(".").split(" ")
    assert sentence.endswith(".")
    assert sentence.count(".") == 1
    assert words[0][0].isupper()
    assert all(word.isalpha() or word.endswith("'s") for word in words)
    assert 5 <= len(words) <= 15
    pairs = list(pairwise(words))
    assert all(one.casefold() != other.casefold() for one, other in pairs)
    # Two little words that both want a noun.
    wanting = {"i", "med", "ved", "under", "hos", "for", "til", "with", "in", "on", "at", "by", "behind"}
    assert not any({one, other} <= wanting for one, other in pairs)
    assert not UNKIND.search(sentence)


@given(CODES)
def test_any_code_makes_a_sound_sentence_that_names_the_four_in_order(code: list[str]) -> None:
    for language in LANGUAGES:
        sentence = pictures.rhyme(code, language)
        sound(sentence)
        stems = [
            STEMS.get((language, id), name) for id, name in zip(code, names(code, language), strict=True)
        ]
        places, lowered = [], sentence.casefold()
        for stem in stems:
            places.append(lowered.index(stem, places[-1] + 1 if places else 0))
        assert places == sorted(places)


# Where the definite form is not the name with something after it.
STEMS = {("da", "cykel"): "cyk"}


def test_every_two_parts_that_can_meet_meet_well() -> None:
    """All that can stand side by side; with any others around it."""
    for place in range(3):
        for one, other in permutations(PICTURES, 2):
            code = [id for id in PICTURES if id not in (one, other)][:4]
            code[place : place + 2] = one, other
            for language in LANGUAGES:
                sound(pictures.rhyme(code, language))
