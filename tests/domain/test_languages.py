"""Which languages there are: what is wrong with their file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config import PROJECT
from app.domain import languages
from app.domain.content import ContentError
from app.domain.languages import FILE, Language
from app.domain.vocabulary import Words

DANISH = '[da]\nname = "Dansk"\ntroubles = "Hvis det ikke virker"\n'


def test_a_language_is_said_in_a_few_lines_and_the_rest_is_as_usual(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f'{DANISH}[kl]\nname = "Kalaallisut"\ntroubles = "…"\n', "utf-8")
    found = languages.read(tmp_path)
    assert list(found) == ["da", "kl"]
    assert found["kl"] == Language("Kalaallisut", "…", "EEEE d MMMM", "kl", (), "")


def test_danish_comes_first_and_everything_of_ours_is_said() -> None:
    found = languages.read(PROJECT / "app" / "content")
    assert next(iter(found)) == "da"
    assert all(one.stemmer for one in found.values())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "[da] is missing"),
        (DANISH.replace("[da]", "[en]"), "[da] is missing"),
        (DANISH + '[Klingonsk]\nname = "x"\ntroubles = "x"', "[Klingonsk]: expected a code"),
        (DANISH + '[kl]\nname = "x"', "[kl]: troubles: is missing"),
        (DANISH + 'stemmer = "dansk"', "[da]: stemmer: there is no dansk"),
        (DANISH + 'stemer = "danish"', "[da]: stemer: unknown key"),
        (DANISH + 'kl = "x"\n[kl]', "[kl]: name: is missing"),
        ("[da", "languages.toml: "),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    with pytest.raises(ContentError) as raised:
        languages.read(tmp_path)
    assert fault in str(raised.value)


def test_a_language_without_a_stemmer_finds_the_words_themselves() -> None:
    words = Words("kl", frozenset(), "", {}, {}, {}, {}, {})
    assert list(words.units("Passwords, running")) == ["passwords", "running"]
    assert words.stem("skærm") == "skaerm"
