"""CPR numbers: one form, found by mark, kept sealed, shown masked (S-72); all here are fictitious."""

import pytest
from sqlalchemy.orm import Session

from app import keys as keyring
from app.domain import cpr
from app.keys import KeysError, Purpose
from app.models.people import CprStatus, User
from tests.cast import ANNA, BO, user_of


def sound(head: str) -> str:
    """Return a number that begins like this and meets modulus 11."""
    weights = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
    numbers = (f"{head}{end:03}" for end in range(1000))
    return next(n for n in numbers if sum(int(d) * w for d, w in zip(n, weights, strict=True)) % 11 == 0)


NUMBER = sound("7002604")


@pytest.mark.parametrize("typed", ["{0}-{1}", " {0} {1} ", "{0}{1}", "{0} - {1}"])
def test_a_number_has_one_form_however_it_is_typed(typed: str) -> None:
    number = sound("7002604")
    assert cpr.normal(typed.format(number[:6], number[6:])) == number


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1",
        "700260400",
        "70026040051",
        "320199-0000",
        "300299-0000",
        "000000-0000",
        "abcdefghij",
        "7013604000",
    ],
)
def test_what_has_no_date_is_no_number(typed: str) -> None:
    assert cpr.normal(typed) is None


def test_a_replacement_by_its_day_must_meet_modulus_11_and_an_ordinary_number_need_not() -> None:
    good = sound("7002604")
    bad = good[:-1] + str((int(good[-1]) + 1) % 10)
    assert cpr.normal(good) == good
    assert cpr.normal(bad) is None
    assert cpr.normal("0101010000") == "0101010000"


def test_a_replacement_may_have_letters_in_places_7_to_9() -> None:
    assert cpr.normal("100260-abc1") == "100260ABC1"
    assert cpr.normal("290200-ABC1") == "290200ABC1"
    assert cpr.normal("310260-ABC1") is None
    assert cpr.normal("100260-AB11") is None
    assert cpr.is_replacement("100260ABC1")


def test_a_replacement_stays_one_whoever_vouches_for_it() -> None:
    good = sound("7002604")
    assert cpr.status(good, is_verified=True) is CprStatus.REPLACEMENT
    assert cpr.status("0101010000", is_verified=True) is CprStatus.VERIFIED
    assert cpr.status("0101010000", is_verified=False) is CprStatus.UNVERIFIED


def test_s_72_only_the_date_is_shown() -> None:
    assert cpr.masked("0102604005") == "010260-••••"


def test_s_72_the_mark_finds_a_person_and_needs_the_key() -> None:
    ring = keyring.new()
    assert cpr.mark(ring, NUMBER) == cpr.mark(ring, NUMBER)
    assert cpr.mark(ring, NUMBER) != cpr.mark(ring, sound("7002605"))
    assert cpr.mark(ring, NUMBER) != cpr.mark(keyring.new(), NUMBER)
    assert NUMBER.encode() not in cpr.mark(ring, NUMBER)


def test_s_72_a_sealed_number_opens_for_its_own_user_alone() -> None:
    ring = keyring.new()
    sealed = cpr.seal(ring, NUMBER, 7)
    assert NUMBER not in sealed
    assert cpr.unseal(ring, sealed, 7) == NUMBER
    with pytest.raises(KeysError):
        cpr.unseal(ring, sealed, 8)
    with pytest.raises(KeysError):
        cpr.unseal(keyring.new(), sealed, 7)


def test_s_72_a_sealed_number_still_opens_after_the_key_is_changed() -> None:
    ring = keyring.new()
    sealed = cpr.seal(ring, NUMBER, 7)
    rotated = ring.with_new(Purpose.CPR_STORE)
    assert cpr.unseal(rotated, sealed, 7) == NUMBER
    assert not rotated.is_current(Purpose.CPR_STORE, sealed)


def test_s_72_everybody_in_the_store_has_a_fictitious_number_sealed_and_marked(
    db: Session, keys: keyring.Keys
) -> None:
    users = db.query(User).all()
    numbers = set()
    for user in users:
        assert user.cpr_sealed is not None
        number = cpr.unseal(keys, user.cpr_sealed, user.id)
        assert cpr.normal(number) == number
        assert cpr.is_replacement(number)
        assert user.cpr_status is CprStatus.REPLACEMENT
        assert user.cpr_lookup == cpr.mark(keys, number)
        numbers.add(number)
    assert len(numbers) == len(users)


def test_s_72_a_number_moved_to_another_row_does_not_open(db: Session, keys: keyring.Keys) -> None:
    anna, bo = user_of(db, ANNA), user_of(db, BO)
    assert anna.cpr_sealed is not None
    with pytest.raises(KeysError):
        cpr.unseal(keys, anna.cpr_sealed, bo.id)
