"""What a good password is, rule by rule; what is dealt obeys the same rules (S-20, S-23)."""

from __future__ import annotations

import random  # noqa: TID251 - the dice of a test fall alike each time
from collections import Counter
from collections.abc import Sequence
from math import perm

import nacl.pwhash
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.config import PasswordProfile
from app.domain import passwords
from app.domain.passwords import About, Hasher, Rule
from app.keys import Keys
from app.models.people import PasswordType
from app.world import Dice

BO = About(("Bo", "Lind"), "boli1003", ("Bøgeskolen",))
SIGNE = About(("Signe-Marie", "Kjær Østergård"), "sign1012", ("Sct. Jørgens Friskole",))
RENE = About(("René", "O'Neil"), "rene1013", ())
WORDS, DIGITS = PasswordType.WORDS, PasswordType.WORDS_DIGITS
UNILOGIN, NIST = PasswordProfile.UNILOGIN, PasswordProfile.NIST
GOOD = ("RobinLampe47", "Kanel trappe 58!", "xK9#mQ2$vL5pA8", "Trappe&Robin{31}~")


class SeededDice(Dice):
    """Chance that is the same each time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def below(self, limit: int) -> int:
        return self.random.randrange(limit)


@pytest.mark.parametrize("secret", GOOD)
@pytest.mark.parametrize("profile", PasswordProfile)
@pytest.mark.parametrize("about", [BO, SIGNE, RENE], ids=["bo", "signe", "rené"])
def test_a_good_password_breaks_no_rule(secret: str, profile: PasswordProfile, about: About) -> None:
    assert passwords.failures(secret, DIGITS, profile, about) == []
    assert passwords.failures(secret, WORDS, profile, about) == []


@pytest.mark.parametrize(
    ("rule", "secret", "about"),
    [
        (Rule.LENGTH, "", BO),
        (Rule.LENGTH, "RobLam4", BO),
        (Rule.LENGTH, "RobinLampeKanelTrappe4758", BO),
        (Rule.LENGTH, "RobinLampe47" * 500, BO),
        (Rule.CHARACTERS, "RøbinLampe47", BO),
        (Rule.EDGES, "RobinLampe47 ", BO),
        (Rule.EDGES, " RobinLampe47", BO),
        (Rule.EDGES, "RobinLampe47\u00a0", BO),
        (Rule.CHARACTERS, "RobinLampe47\t", BO),
        (Rule.CHARACTERS, "RobinLampe47\n", BO),
        (Rule.CHARACTERS, "RobinLampe47\u00e9", BO),
        (Rule.CHARACTERS, "RobinLampe4\x007", BO),
        (Rule.CHARACTERS, "RobinLampe4😀7", BO),
        (Rule.UPPER, "robinlampe47", BO),
        (Rule.LOWER, "ROBINLAMPE47", BO),
        (Rule.DIGIT, "RobinLampe", BO),
        (Rule.NAME, "Kanellind58", BO),
        (Rule.NAME, "xxLINDxx58", BO),
        (Rule.NAME, "Kanel-bo-58", BO),
        (Rule.NAME, "Bo58kanelT", BO),
        (Rule.NAME, "Kanel58_bo", BO),
        (Rule.NAME, "kanelSIGNE58", SIGNE),
        (Rule.NAME, "Marie58kanel", SIGNE),
        (Rule.NAME, "KjaerKanel58", SIGNE),
        (Rule.NAME, "KjærKanel58", SIGNE),
        (Rule.NAME, "Oestergaard58", SIGNE),
        (Rule.NAME, "ØSTERGÅRD58x", SIGNE),
        (Rule.NAME, "Østergaard58", SIGNE),
        (Rule.NAME, "ReneKanel58", RENE),
        (Rule.NAME, "RenéKanel58", RENE),
        (Rule.NAME, "Rene\u0301Kanel58", RENE),
        (Rule.NAME, "NeilKanel58", RENE),
        (Rule.NAME, "Ｌｉｎｄkanel58", BO),
        (Rule.USERNAME, "xBoli1003x", BO),
        (Rule.USERNAME, "KanelBOLI1003", BO),
        (Rule.INSTITUTION, "Bøgeskolen58", BO),
        (Rule.INSTITUTION, "xBoegeskolen5", BO),
        (Rule.INSTITUTION, "BØGESKOLEN58x", BO),
        (Rule.INSTITUTION, "Sct. Joergens Friskole", SIGNE),
        (Rule.SEASON, "MinSommer58", BO),
        (Rule.SEASON, "Foraar2026x", BO),
        (Rule.SEASON, "Forår2026xy", BO),
        (Rule.SEASON, "xxEFTERAAR26", BO),
        (Rule.SEASON, "Vinter2026!", BO),
        (Rule.SEASON, "Kanel-maj-26", BO),
        (Rule.SEASON, "Maj2026Kanel", BO),
        (Rule.SEASON, "Januar2026x", BO),
        (Rule.SEASON, "xOktober26x", BO),
        (Rule.SEASON, "Loerdag2026", BO),
        (Rule.SEASON, "Lørdag2026x", BO),
        (Rule.SEASON, "Mandag2026x", BO),
        (Rule.SEASON, "Sunday2026x", BO),
        (Rule.SERVICE, "MitUnilogin58", BO),
        (Rule.SERVICE, "Skolen58kanel", BO),
        (Rule.SERVICE, "Adgangskode58", BO),
        (Rule.RUN, "Qwert58kanel", BO),
        (Rule.RUN, "Kanel12345xY", BO),
        (Rule.RUN, "Kanel54321xY", BO),
        (Rule.RUN, "KanelLkjhg58", BO),
        (Rule.RUN, "Kanelaaaa58T", BO),
        (Rule.RUN, "Kanel0000xyT", BO),
        (Rule.RUN, "Abcde58kanel", BO),
        (Rule.COMMON, "Iloveyou1", BO),
        (Rule.COMMON, "Football123!", BO),
        (Rule.COMMON, "123Princess", BO),
    ],
)  # fmt: skip
def test_s_20_the_rule_that_failed_is_named(rule: Rule, secret: str, about: About) -> None:
    assert rule in passwords.failures(secret, DIGITS, UNILOGIN, about)
    if rule in passwords.rules(DIGITS, NIST) and rule is not Rule.LENGTH:
        assert rule in passwords.failures(secret, DIGITS, NIST, about)


@pytest.mark.parametrize(
    ("secret", "about"),
    [
        ("RobotTrappe58", BO),  # «bo» inside a word is no name
        ("KaboTrappe58", BO),
        ("MajestaetKo58", BO),  # nor is «maj» there a month
        ("ObligatLampe58", BO),
        ("RenKanel58x", RENE),
    ],
)
def test_a_short_name_or_month_inside_another_word_is_no_fault(secret: str, about: About) -> None:
    assert passwords.failures(secret, DIGITS, UNILOGIN, about) == []


def test_s_20_every_rule_that_is_broken_is_named_in_the_order_they_are_shown() -> None:
    broken = passwords.failures("boli1003", DIGITS, UNILOGIN, BO)
    assert broken == [Rule.UPPER, Rule.USERNAME]
    shown = passwords.rules(DIGITS, UNILOGIN)
    assert [shown.index(rule) for rule in broken] == sorted(shown.index(rule) for rule in broken)


def test_s_20_classes_of_characters_are_for_the_upper_stage_alone() -> None:
    assert passwords.failures("robinlampe", WORDS, UNILOGIN, BO) == []
    classes = {Rule.UPPER, Rule.LOWER, Rule.DIGIT}
    assert not classes & set(passwords.rules(WORDS, UNILOGIN))
    assert classes < set(passwords.rules(DIGITS, UNILOGIN))


@pytest.mark.parametrize(
    "secret",
    [
        "robinlampe",
        "robin lampe kanel trappe " * 5,
        "blåbærgrød på søen",
        "密码是很长的一句话呢",
        "correct horse battery staple ærø" * 2,
        "🐘🎂🚲🌞🐟🐛🦉🍎",
        " mellemrum i enderne ",
        "x" + "ß" * 63 + "kanel",
    ],
)
def test_s_20_the_nist_profile_has_no_classes_and_takes_long_ones_and_all_of_unicode(secret: str) -> None:
    broken = passwords.failures(secret, DIGITS, NIST, BO)
    assert set(broken) <= {Rule.RUN}
    assert broken == ([] if "ßßßß" not in secret else [Rule.RUN])
    assert not {Rule.UPPER, Rule.LOWER, Rule.DIGIT, Rule.CHARACTERS} & set(passwords.rules(DIGITS, NIST))


def test_s_20_sixty_four_characters_and_more_are_taken_and_hashed_whole(ring: Keys) -> None:
    hasher = Hasher(ring, slots=1, wait_seconds=1)
    long = "".join(SeededDice(1).pick("abdefghjkmnopqrstuvwxyzæøå ") for _ in range(200))
    one, other = long[:-1] + "x", long[:-1] + "y"
    hashed = hasher.hash(one, 1, DIGITS)
    assert hasher.verify(one, 1, DIGITS, hashed)
    assert not hasher.verify(other, 1, DIGITS, hashed)
    assert not hasher.verify(one[:64], 1, DIGITS, hashed)
    for length in (64, 100, 128):
        assert Rule.LENGTH not in passwords.failures(long[:length], DIGITS, NIST, BO)


def test_s_20_nothing_is_trimmed_and_every_spelling_of_a_letter_is_the_same(ring: Keys) -> None:
    hasher = Hasher(ring, slots=1, wait_seconds=1)
    hashed = hasher.hash(" Gåsen og Ærø ", 1, DIGITS)
    assert hasher.verify(" Ga\u030asen og Ærø ", 1, DIGITS, hashed)
    assert hasher.verify(" Gåsen og Ærø ".replace("G", "Ｇ"), 1, DIGITS, hashed)
    for other in ("Gåsen og Ærø", " Gåsen og Ærø", "Gåsen og Ærø ", " gåsen og ærø "):
        assert not hasher.verify(other, 1, DIGITS, hashed)
    assert passwords.is_same("Ga\u030as", "Gås")
    assert not passwords.is_same("Gås", "Gås ")


@pytest.mark.parametrize("is_known", [True, False])
def test_s_10_an_unknown_name_costs_the_same_full_hash_as_a_known_one(
    ring: Keys, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """«S-10» «S-21» What libsodium is asked says what it costs: the parameters stand in the hash."""
    hasher = Hasher(ring, slots=1, wait_seconds=1)
    hashed = hasher.hash("kanel", 1, DIGITS) if is_known else None
    asked: list[bytes] = []

    def verify(about: bytes, secret: bytes) -> bool:
        asked.append(about)
        return bool(libsodium(about, secret))

    libsodium = nacl.pwhash.verify
    monkeypatch.setattr(nacl.pwhash, "verify", verify)
    assert not hasher.verify("trappe", 1, DIGITS, hashed)
    assert [about.decode("ascii").split("$")[1:4] for about in asked] == [
        ["argon2id", "v=19", "m=19456,t=2,p=1"]
    ]


NAMES = st.text(st.characters(categories=["L", "Zs", "Pd", "Po"]), max_size=20)
ABOUTS = st.builds(
    About,
    names=st.tuples(NAMES, NAMES),
    username=st.from_regex(r"[a-z]{4}[0-9]{4}", fullmatch=True),
    institutions=st.tuples(NAMES),
)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(password_type=st.sampled_from([WORDS, DIGITS]), seed=st.integers(0, 2**32), about=ABOUTS)
@example(password_type=DIGITS, seed=1, about=BO)
def test_s_20_what_is_dealt_obeys_the_rules_of_an_own_choice(
    password_type: PasswordType, seed: int, about: About
) -> None:
    secret = passwords.deal(password_type, SeededDice(seed), about)
    for profile in PasswordProfile:
        assert passwords.failures(secret, password_type, profile, about) == []
    assert secret.isascii()
    if password_type is WORDS:
        assert secret.isalpha()
        assert secret == secret.lower()
    else:
        assert secret[:-2].isalpha()
        assert secret[-2:].isdigit()
        assert int(secret[-2:]) >= 10


@settings(derandomize=True, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_s_23_four_different_pictures_are_dealt(seed: int) -> None:
    dealt = passwords.deal(PasswordType.PICTURES, SeededDice(seed), BO).split(" ")
    assert len(dealt) == len(set(dealt)) == 4
    assert set(dealt) <= set(passwords.PICTURES)


class EveryDice(Dice):
    """Goes through every way the dice can fall."""

    def __init__(self, falls: Sequence[int]) -> None:
        self.falls = iter(falls)
        self.limits: list[int] = []

    def below(self, limit: int) -> int:
        self.limits.append(limit)
        return next(self.falls)


def test_s_23_there_are_255_024_codes_and_each_is_as_likely() -> None:
    """«S-23» 24, 23, 22 and 21 falls of fair dice, each a picture not yet taken: no code has two ways."""
    assert len(set(passwords.PICTURES)) == 24
    first = EveryDice([0, 0, 0, 0])
    passwords.deal(PasswordType.PICTURES, first, BO)
    assert first.limits == [24, 23, 22, 21]
    codes = {
        passwords.deal(PasswordType.PICTURES, EveryDice([a, b, c, d]), BO)
        for a in (0, 11, 23)
        for b in range(23)
        for c in range(22)
        for d in range(21)
    }
    assert len(codes) == 3 * 23 * 22 * 21
    assert perm(24, 4) == 255_024


def test_s_23_every_picture_is_as_likely_in_every_place() -> None:
    dice = SeededDice(20261122)
    dealt = [passwords.deal(PasswordType.PICTURES, dice, BO).split() for _ in range(12_000)]
    for place in range(4):
        counts = Counter(code[place] for code in dealt)
        expected = len(dealt) / 24
        chi_square = sum((counts[picture] - expected) ** 2 / expected for picture in passwords.PICTURES)
        assert chi_square < 49.73, "23 degrees of freedom, one in a thousand"


def test_s_23_the_real_dice_are_the_systems() -> None:
    dice = Dice()
    counts = Counter(dice.below(4) for _ in range(4000))
    assert set(counts) == {0, 1, 2, 3}
    assert min(counts.values()) > 800
    assert len({dice.token() for _ in range(100)}) == 100
    assert all(len(dice.token()) == 43 for _ in range(5))


def test_the_lists_are_long_enough_and_words_have_no_danish_letters() -> None:
    assert len(passwords.words()) >= 2000
    assert len(passwords.common_passwords()) >= 10_000
    assert all(word.isascii() and word.isalpha() and word.islower() for word in passwords.words())
    assert len(set(passwords.words())) == len(passwords.words())


@pytest.mark.parametrize("common", ["password", "123456789", "qwerty123", "iloveyou", "football"])
def test_s_20_what_everybody_tries_first_is_in_the_list(common: str) -> None:
    broken = passwords.failures(common, WORDS, NIST, BO)
    assert {Rule.COMMON, Rule.RUN, Rule.SERVICE} & set(broken)
