"""The keys outside the database: kept from others, one a purpose, bound to places (S-06, S-22, S-83)."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import config as configuration
from app import keys as keyring
from app.config import Mode
from app.domain import passwords
from app.keys import KEY_BYTES, Key, Keys, KeysError, Purpose

SEALING = (Purpose.PASSWORD_STORE, Purpose.CPR_STORE)
STEADY = (Purpose.PASSWORD_INPUT, Purpose.CPR_LOOKUP, Purpose.DECOY, Purpose.THROTTLE)
ROTATING = tuple(p for p in Purpose if p not in STEADY)
FROM_TOKEN = (Purpose.DECOY, Purpose.THROTTLE)
RING = keyring.new()


def secrets_of(ring: Keys) -> list[bytes]:
    """Return every key there is."""
    return [key.secret for keys in ring._rings.values() for key in keys]


def test_s_83_the_file_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keyring.new().write(tmp_path / "new" / "keys.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new" / "keys.json").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["keys.json"]


def test_s_83_a_file_that_is_replaced_keeps_nothing_open(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("old")
    path.chmod(0o644)
    keyring.new().write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_s_83_what_is_written_is_read_again(tmp_path: Path) -> None:
    ring = keyring.new(is_demo=True).with_new(Purpose.TOKEN).with_new(Purpose.PASSWORD_STORE)
    ring.write(tmp_path / "keys.json")
    again = keyring.read(tmp_path / "keys.json")
    assert again._rings == ring._rings
    assert again.is_demo


def test_s_83_every_purpose_has_a_key_of_its_own_and_every_ring_fresh_ones() -> None:
    ours, others = secrets_of(RING), secrets_of(keyring.new())
    assert len(set(ours)) == len(ours) == len(Purpose)
    assert not set(ours) & set(others)
    assert {len(secret) for secret in ours} == {KEY_BYTES}


def test_s_83_a_ring_with_one_key_for_two_purposes_is_refused() -> None:
    rings = dict(RING._rings)
    rings[Purpose.COOKIE] = rings[Purpose.TOKEN]
    with pytest.raises(KeysError, match="twice"):
        Keys(rings)


@pytest.mark.parametrize("purpose", Purpose)
def test_s_83_a_ring_that_lacks_a_key_or_has_a_short_one_is_refused(purpose: Purpose) -> None:
    rings = dict(RING._rings)
    with pytest.raises(KeysError, match=purpose):
        Keys({**rings, purpose: []})
    with pytest.raises(KeysError, match=purpose):
        Keys({**rings, purpose: [Key("short", b"x" * 16)]})
    with pytest.raises(KeysError, match=purpose):
        Keys({**rings, purpose: [Key("all the same", bytes(KEY_BYTES))]})


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"for": "production"}', '{"for": "demo", "token": [{}]}', "\x00"]
)
def test_s_83_a_file_that_is_no_ring_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(KeysError) as caught:
        keyring.read(path)
    assert "cannot be read" in str(caught.value)


@pytest.mark.parametrize("spoil", ["short", "not base64 at all!", 7, None, ["x"]])
def test_s_83_no_message_holds_a_key(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "keys.json"
    keyring.new().write(path)
    document = json.loads(path.read_text())
    known = [entry["key"] for purpose in Purpose for entry in document[purpose]]
    document["token"][0]["key"] = spoil
    path.write_text(json.dumps(document))
    with pytest.raises(KeysError) as caught:
        keyring.read(path)
    told = f"{caught.value!r} {caught.value.__cause__!r}"
    assert not [key for key in known if key in told]
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_s_83_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="FileNotFoundError"):
        keyring.read(tmp_path / "keys.json")


def test_s_83_no_ring_and_no_key_shows_itself() -> None:
    shown = f"{RING!r} {RING!s} {RING._rings[Purpose.TOKEN][0]!r}"
    for secret in secrets_of(RING):
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown


def test_s_83_production_refuses_the_demos_keys_and_never_makes_its_own(tmp_path: Path) -> None:
    demo = configuration.read({"INSTANCE_DIR": str(tmp_path)})
    made = keyring.for_mode(demo)
    assert made.is_demo
    assert secrets_of(keyring.for_mode(demo)) == secrets_of(made)
    assert stat.S_IMODE(demo.keys_file.stat().st_mode) == 0o600
    production = replace(demo, mode=Mode.PRODUCTION)
    with pytest.raises(KeysError, match="demo"):
        keyring.for_mode(production)
    missing = replace(production, keys_file=tmp_path / "none.json")
    with pytest.raises(KeysError, match="cannot be read"):
        keyring.for_mode(missing)
    assert not missing.keys_file.exists()


PARTS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1f")), max_size=3)


@settings(derandomize=True, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])), bound=PARTS, other=PARTS)
def test_s_22_what_is_sealed_opens_in_its_own_place_alone(
    text: str, bound: list[str], other: list[str]
) -> None:
    sealed = RING.seal(Purpose.CPR_STORE, text, *bound)
    assert RING.unseal(Purpose.CPR_STORE, sealed, *bound) == text
    assert RING.seal(Purpose.CPR_STORE, text, *bound) != sealed
    if [*bound] != [*other] and "\x1f".join(bound) != "\x1f".join(other):
        with pytest.raises(KeysError, match="not made for this place"):
            RING.unseal(Purpose.CPR_STORE, sealed, *other)
    with pytest.raises(KeysError):
        RING.unseal(Purpose.PASSWORD_STORE, sealed, *bound)


@settings(derandomize=True, deadline=None)
@given(one=PARTS, other=PARTS)
def test_s_06_marks_of_different_parts_differ(one: list[str], other: list[str]) -> None:
    same = RING.mark(Purpose.TOKEN, *one) == RING.mark(Purpose.TOKEN, *other)
    assert same is (one == other)
    assert RING.mark(Purpose.TOKEN, *one) != RING.mark(Purpose.CPR_LOOKUP, *one)


def test_s_06_a_token_is_stored_as_a_keyed_hash_of_its_kind() -> None:
    marks = {RING.token_mark(kind, "t") for kind in ("login_flow", "sso_session", "known_device")}
    assert len(marks) == 3
    assert RING.token_mark("login_flow", "t") == RING.token_mark("login_flow", "t")
    assert keyring.new().token_mark("login_flow", "t") not in marks


@pytest.mark.parametrize("purpose", SEALING)
def test_s_83_after_a_change_of_key_the_old_ones_still_read(purpose: Purpose) -> None:
    sealed = RING.seal(purpose, "x", "place")
    rotated = RING.with_new(purpose).with_new(purpose)
    assert rotated.unseal(purpose, sealed, "place") == "x"
    assert RING.is_current(purpose, sealed)
    assert not rotated.is_current(purpose, sealed)
    fresh = rotated.seal(purpose, "x", "place")
    assert rotated.is_current(purpose, fresh)
    with pytest.raises(KeysError, match="no key"):
        RING.unseal(purpose, fresh, "place")


@pytest.mark.parametrize("purpose", SEALING)
def test_s_83_a_ring_reads_its_file_again_for_a_key_it_does_not_know(
    purpose: Purpose, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    RING.write(path)
    held = keyring.read(path)
    old = held.seal(purpose, "x", "place")
    rotated = keyring.read(path).with_new(purpose).with_new(Purpose.TOKEN).with_new(Purpose.COOKIE)
    rotated.write(path)
    fresh = rotated.seal(purpose, "y", "place")
    assert held.unseal(purpose, fresh, "place") == "y"
    assert held.unseal(purpose, old, "place") == "x"
    assert held.is_current(purpose, fresh)
    assert rotated.is_current(purpose, held.seal(purpose, "z", "place")), "nothing more under the older one"
    assert held.token_mark("kind", "t") == RING.token_mark("kind", "t"), "or everybody would be logged out"
    assert held.signing_secrets() == RING.signing_secrets()


def test_s_83_a_ring_reads_its_file_again_only_where_that_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys.json"
    RING.write(path)
    held = keyring.read(path)
    strange = keyring.new().seal(Purpose.PASSWORD_STORE, "x")
    reads: list[Path] = []
    read = keyring.read
    monkeypatch.setattr(keyring, "read", lambda path: reads.append(path) or read(path))
    for number in range(3):
        with pytest.raises(KeysError, match="no key"):
            held.unseal(Purpose.PASSWORD_STORE, strange)
        assert len(reads) == number
        RING.with_new(Purpose.PASSWORD_STORE).write(path)


@pytest.mark.parametrize("spoil", ["gone", "empty", "demo"])
def test_s_05_a_ring_takes_nothing_over_from_a_file_that_is_none_of_its_kind(
    spoil: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    RING.write(path)
    held = keyring.read(path)
    other = keyring.new(is_demo=True)
    path.unlink()
    if spoil == "empty":
        path.write_text("")
    elif spoil == "demo":
        other.write(path)
    with pytest.raises(KeysError, match="no key"):
        held.unseal(Purpose.PASSWORD_STORE, other.seal(Purpose.PASSWORD_STORE, "x"))
    assert held.unseal(Purpose.PASSWORD_STORE, held.seal(Purpose.PASSWORD_STORE, "x")) == "x"


@pytest.mark.parametrize("purpose", Purpose)
def test_s_83_only_what_can_be_marked_anew_rotates_and_nothing_else_changes(purpose: Purpose) -> None:
    if purpose not in ROTATING:
        with pytest.raises(KeysError, match="cannot rotate"):
            RING.with_new(purpose)
        return
    rotated = RING.with_new(purpose)
    assert rotated._rings[purpose][1:] == RING._rings[purpose]
    assert {p: k for p, k in rotated._rings.items() if p is not purpose} == {
        p: k for p, k in RING._rings.items() if p is not purpose
    }


def test_s_83_cookies_signed_by_an_older_key_are_still_known() -> None:
    rotated = RING.with_new(Purpose.COOKIE)
    assert rotated.signing_secrets()[0] == RING.signing_secrets()[0]
    assert rotated.signing_secrets()[-1] != RING.signing_secrets()[-1]


@pytest.fixture
def ring_of_before(tmp_path: Path) -> Path:
    """Return a file from before decoys and buckets had keys of their own."""
    path = tmp_path / "keys.json"
    keyring.new().with_new(Purpose.TOKEN).write(path)
    document = json.loads(path.read_text())
    path.write_text(json.dumps({name: part for name, part in document.items() if name not in FROM_TOKEN}))
    return path


@pytest.mark.parametrize("purpose", FROM_TOKEN)
def test_s_10_in_a_ring_of_before_the_tokens_key_goes_on_marking_decoys_and_buckets(
    ring_of_before: Path, purpose: Purpose
) -> None:
    ring = keyring.read(ring_of_before)
    before = ring.mark(purpose, "x")
    assert before == ring.mark(Purpose.TOKEN, "x"), "an upgrade moves nothing"
    ring.with_new(Purpose.TOKEN).write(ring_of_before)
    rotated = keyring.read(ring_of_before)
    rotated.with_new(Purpose.TOKEN).write(ring_of_before)
    again = keyring.read(ring_of_before)
    assert rotated.mark(purpose, "x") == again.mark(purpose, "x") == before
    assert len({one.mark(Purpose.TOKEN, "x") for one in (ring, rotated, again)}) == 3


def test_s_83_the_tokens_old_key_may_go_from_a_ring_whose_decoys_and_buckets_keep_it(
    ring_of_before: Path,
) -> None:
    keyring.read(ring_of_before).with_new(Purpose.TOKEN).write(ring_of_before)
    document = json.loads(ring_of_before.read_text())
    del document["token"][1:]
    ring_of_before.write_text(json.dumps(document))
    assert len(set(secrets_of(keyring.read(ring_of_before)))) == len(Purpose) - 1


@pytest.mark.parametrize("purpose", FROM_TOKEN)
def test_s_83_only_the_tokens_key_may_stand_for_another_purpose(purpose: Purpose) -> None:
    with pytest.raises(KeysError, match="twice"):
        Keys({**RING._rings, purpose: RING._rings[Purpose.COOKIE]})


def test_s_10_a_new_key_for_tokens_moves_no_decoy() -> None:
    rotated = RING.with_new(Purpose.TOKEN)
    names = [f"qzxw{number:04}" for number in range(64)]
    kinds = [passwords.decoy_type(RING, name) for name in names]
    assert [passwords.decoy_type(rotated, name) for name in names] == kinds
    assert len(set(kinds)) == 2
