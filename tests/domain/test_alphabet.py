"""The order of the alphabet."""

from __future__ import annotations

import pytest

from app.domain.alphabet import place


@pytest.mark.parametrize(
    ("language", "ordered"),
    [
        ("da", ["Adgang", "Båd", "Zebra", "Ære", "Ønske", "Åben", "Aabenraa", "Ål"]),
        ("da", ["Hvad er det?", "Hvad er «Drift»?", "Hvem?", "hvor", "Hvordan", "Hvorfor", "Hvornår"]),
        ("da", ["Gade", "Müller", "Mynte", "Någet", "Über"]),
        ("da", ["1. klasse", "Andre", "Élan", "Elev", "å"]),
        ("en", ["Aarhus", "Ærø", "Ål", "Anna", "Ore", "Østerbro", "Zebra"]),
    ],
)
def test_a_list_is_in_the_readers_order(language: str, ordered: list[str]) -> None:
    assert sorted(set(ordered), key=lambda text: place(text, language)) == ordered


def test_a_letter_of_two_signs_is_the_same_letter() -> None:
    assert place("A\u030al", "da")[0] == place("Ål", "da")[0] == place("Aal", "da")[0]
