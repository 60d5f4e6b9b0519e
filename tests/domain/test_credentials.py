"""How passwords are kept: hashed slowly, keyed twice, bound to their row; keys change (S-21, S-22)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from datetime import timedelta
from pathlib import Path

import nacl.exceptions
import nacl.pwhash.argon2id
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from app import keys as keyring
from app.domain import cpr, credentials, login, resealing
from app.domain.login import Entrance, Outcome
from app.domain.passwords import MEMORY_BYTES, PASSES, Hasher
from app.keys import Keys, KeysError, Purpose
from app.models.audit import AuditEvent
from app.models.credentials import Authorisation, Credential
from app.models.people import PasswordType, User
from app.models.sso import SsoSession
from tests.cast import ANNA, BO, CARLA, CAST, EVA, Member, user_of
from tests.domain.acts import STRANGER, Acts, CountingHasher

ARGON2 = re.compile(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]{22})\$[A-Za-z0-9+/]{43}")
NEW = "RobinLampe47"


def of(acts: Acts, member: Member) -> Credential:
    """Return a member's password in force."""
    whose = select(User.id).where(User.username == member.username).scalar_subquery()
    found = acts.one(select(Credential).where(Credential.user_id == whose, Credential.ended_at.is_(None)))
    assert isinstance(found, Credential)
    return found


def opened(acts: Acts, row: Credential) -> str:
    """Return the hash in a row."""
    return acts.hasher.unseal(row.sealed_hash, row.user_id, row.id, row.password_type)


def rotate(acts: Acts) -> None:
    """Put a fresh k2 in use."""
    acts.keys = acts.keys.with_new(Purpose.PASSWORD_STORE)
    acts.hasher = CountingHasher(acts.keys, slots=8, wait_seconds=30)


def test_s_21_pictures_and_text_are_hashed_by_the_same_dear_argon2id(acts: Acts) -> None:
    salts = []
    for member in (ANNA, BO, CARLA):
        found = ARGON2.fullmatch(opened(acts, of(acts, member)))
        assert found is not None
        memory, passes, lanes, salt = found.groups()
        assert int(memory) >= 19_456
        assert int(passes) >= 2
        assert int(lanes) == 1
        salts.append(salt)
    assert len(set(salts)) == 3


def test_s_22_what_is_stored_is_aes_gcm_under_k2_bound_to_its_row(acts: Acts) -> None:
    row = of(acts, BO)
    key_id, _, raw = row.sealed_hash.partition(".")
    key = acts.keys._rings[Purpose.PASSWORD_STORE][0]
    assert key_id == key.id
    sealed = urlsafe_b64decode(raw)
    bound = f"{row.user_id}\x1f{row.id}\x1f{row.password_type.name}".encode()
    plain = AESGCM(key.secret).decrypt(sealed[:12], sealed[12:], bound).decode()
    assert ARGON2.fullmatch(plain)


def test_s_22_a_hash_is_made_of_the_marked_secret_not_of_the_secret(ring: Keys) -> None:
    """«S-22» Whoever has hash and k2 but not k1 can try nothing; user and type are in the mark."""
    hasher = Hasher(ring, slots=1, wait_seconds=1)
    hashed = hasher.hash(NEW, 7, PasswordType.WORDS)
    assert hasher.verify(NEW, 7, PasswordType.WORDS, hashed)
    assert not hasher.verify(NEW, 8, PasswordType.WORDS, hashed)
    assert not hasher.verify(NEW, 7, PasswordType.WORDS_DIGITS, hashed)
    assert not Hasher(keyring.new(), slots=1, wait_seconds=1).verify(NEW, 7, PasswordType.WORDS, hashed)
    with pytest.raises(nacl.exceptions.InvalidkeyError):
        nacl.pwhash.verify(hashed.encode(), NEW.encode())


@pytest.mark.parametrize("place", ["user", "credential", "type", "history"])
def test_s_22_a_hash_that_was_moved_opens_nothing(acts: Acts, place: str) -> None:
    """«S-22» «S-05» Eva's known password, put in Bo's row by whoever can write the table, fails closed."""
    eva, bo = of(acts, EVA), of(acts, BO)
    with acts.writing() as (db, _now):
        moved = update(Credential)
        if place == "user":
            db.execute(moved.where(Credential.id == bo.id).values(sealed_hash=eva.sealed_hash))
        elif place == "credential":
            db.execute(moved.where(Credential.id == bo.id).values(ended_at=acts.now().at))
            db.execute(moved.where(Credential.id == eva.id).values(user_id=bo.user_id))
        elif place == "type":
            db.execute(moved.where(Credential.id == bo.id).values(password_type=PasswordType.WORDS))
        else:
            older = select(Credential).where(
                Credential.user_id == bo.user_id, Credential.ended_at.is_not(None)
            )
            db.execute(
                moved.where(Credential.id == bo.id).values(sealed_hash=db.scalars(older).first().sealed_hash)
            )
    token = acts.begin(BO.username or "")
    secret = (BO if place == "type" else EVA).secret or ""
    assert acts.check(token, secret).outcome is Outcome.WRONG
    assert not acts.flow(token).is_proved
    assert acts.finish(token) is None


@pytest.mark.parametrize(
    "damage", ["", "nothing", "deadbeef.AAAA", "{id}.", "{id}.!!!", "{id}.QUJD", "{start}"]
)
def test_s_22_a_damaged_hash_opens_nothing(acts: Acts, damage: str) -> None:
    row = of(acts, BO)
    text_then = damage.format(id=row.sealed_hash.partition(".")[0], start=row.sealed_hash[:-8])
    with pytest.raises(KeysError):
        acts.hasher.unseal(text_then, row.user_id, row.id, row.password_type)


def test_s_22_after_a_change_of_k2_old_passwords_work_and_are_sealed_anew_at_login(acts: Acts) -> None:
    before = of(acts, BO)
    rotate(acts)
    assert acts.tries(BO.username or "", "HelterForkert12").outcome is Outcome.WRONG
    assert of(acts, BO).sealed_hash == before.sealed_hash
    acts.log_in(BO.username or "", BO.secret or "")
    after = of(acts, BO)
    assert acts.hasher.is_sealed_with_current_key(after.sealed_hash)
    assert opened(acts, after) == opened(acts, before), "sealed anew, not hashed anew"
    acts.log_in(BO.username or "", BO.secret or "")
    assert of(acts, BO).sealed_hash == after.sealed_hash


def test_s_83_all_is_sealed_anew_without_any_password_history_and_cpr_too(acts: Acts) -> None:
    """«S-83» «S-22» Then the old key can be thrown away."""
    for purpose in (Purpose.PASSWORD_STORE, Purpose.CPR_STORE):
        acts.keys = acts.keys.with_new(purpose)
    acts.hasher = CountingHasher(acts.keys, slots=8, wait_seconds=30)
    with acts.writing() as (db, _now):
        for step in (
            lambda last: resealing.reseal_passwords(db, acts.hasher, last),
            lambda last: resealing.reseal_cpr_numbers(db, acts.keys, last),
        ):
            last: int | None = 0
            while last is not None:
                last = step(last).last_id
    rings = dict(acts.keys._rings)
    for purpose in (Purpose.PASSWORD_STORE, Purpose.CPR_STORE):
        rings[purpose] = rings[purpose][:1]
    acts.keys = Keys(rings)
    acts.hasher = CountingHasher(acts.keys, slots=8, wait_seconds=30)
    for row in acts.all(select(Credential).limit(60)):
        assert ARGON2.fullmatch(opened(acts, row))
    assert acts.count(Credential, Credential.ended_at.is_not(None)) > 0
    for user in acts.all(select(User).where(User.cpr_sealed.is_not(None)).limit(40)):
        assert cpr.normal(cpr.unseal(acts.keys, user.cpr_sealed, user.id))
    assert acts.log_in(BO.username or "", BO.secret or "")


def test_s_22_without_the_key_it_was_sealed_by_nobody_gets_in(acts: Acts) -> None:
    rings = dict(acts.keys._rings)
    rings[Purpose.PASSWORD_STORE] = [keyring._fresh()]
    hasher = acts.hasher = CountingHasher(Keys(rings), slots=8, wait_seconds=30)
    outcomes = [acts.tries(name, BO.secret or "").outcome for name in [BO.username or "", "zzzz9999"] * 6]
    assert outcomes[0::2] == outcomes[1::2] == [Outcome.WRONG] * 5 + [Outcome.WAIT]
    assert hasher.verified == 10, "a name that somebody has costs what any other does (S-10)"
    assert acts.count(SsoSession) == 0
    refused = acts.all(select(AuditEvent).where(AuditEvent.event == "LOGIN_REFUSED"))
    whose = {bool(event.subject_id): event.details["reason"] for event in refused}
    assert whose == {True: "unreadable", False: "wrong"}


def test_s_22_a_password_of_before_that_no_key_opens_hinders_no_new_one(acts: Acts) -> None:
    token = acts.begin(BO.username or "", is_change=True)
    acts.check(token, BO.secret or "")
    with acts.writing() as (db, _now):
        old = Credential.ended_at.is_not(None)
        db.execute(update(Credential).where(old).values(sealed_hash="deadbeef.AAAA"))
    assert acts.choose(token, NEW) == []


def test_s_22_a_worker_that_was_not_restarted_reads_what_a_newer_one_has_sealed(
    acts: Acts, tmp_path: Path
) -> None:
    """Between `flask keys rotate` and the restart there may be workers of both kinds."""
    path, before = tmp_path / "keys.json", of(acts, BO).sealed_hash
    acts.keys.write(path)
    old, rotated = keyring.read(path), keyring.read(path).with_new(Purpose.PASSWORD_STORE)
    rotated.write(path)
    stored = []
    for ring in (rotated, old):
        acts.hasher = CountingHasher(ring, slots=8, wait_seconds=30)
        assert acts.tries(BO.username or "", BO.secret or "").outcome is Outcome.ACCEPTED
        stored.append(of(acts, BO).sealed_hash)
    assert stored[0].partition(".")[0] != before.partition(".")[0]
    assert stored[1] == stored[0], "not sealed back under the older key"


@pytest.mark.parametrize(("passes", "memory"), [(1, 8 * 1024 * 1024), (PASSES, MEMORY_BYTES // 2)])
def test_s_21_a_cheaper_hash_is_replaced_at_the_next_login_and_not_before(
    acts: Acts, passes: int, memory: int
) -> None:
    row = of(acts, BO)
    marked = acts.hasher._marked(BO.secret or "", row.user_id, row.password_type)
    cheap = nacl.pwhash.argon2id.str(marked, passes, memory).decode()
    with acts.writing() as (db, _now):
        sealed = acts.hasher.seal(cheap, row.user_id, row.id, row.password_type)
        db.execute(update(Credential).where(Credential.id == row.id).values(sealed_hash=sealed))
    acts.tries(BO.username or "", "HelterForkert12")
    assert opened(acts, of(acts, BO)) == cheap
    acts.log_in(BO.username or "", BO.secret or "")
    after = opened(acts, of(acts, BO))
    assert f"m={MEMORY_BYTES // 1024},t={PASSES},p=1" in after
    assert not acts.hasher.is_outdated(after)
    assert acts.log_in(BO.username or "", BO.secret or "")
    assert opened(acts, of(acts, BO)) == after


def everything(acts: Acts) -> bytes:
    """Return all that the database holds, as it lies on the disk or as rows."""
    if acts.database.engine.dialect.name == "sqlite":
        path = Path(acts.database.engine.url.database or "")
        return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
    with acts.database.reading() as db:
        names = db.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        rows = [db.scalars(text(f'SELECT t::text FROM "{name}" t')).all() for name in names]
    return "\n".join(row for table in rows for row in table).encode()


def test_s_22_the_database_holds_no_password_no_plain_hash_and_no_cpr_number(acts: Acts) -> None:
    """«S-22» «S-72» Not after a login, a choice, a dealt secret or a change either."""
    token = acts.begin(CARLA.username or "", is_change=True)
    acts.check(token, CARLA.secret or "")
    dealt = acts.assign(token).secret
    acts.change(BO.username or "", BO.secret or "", NEW)
    acts.tries(BO.username or "", "HelterForkert12")
    held = everything(acts)
    assert b"boli1003" in held
    secrets = {NEW, dealt, "HelterForkert12", *(member.secret for member in CAST if member.secret)}
    assert [secret for secret in secrets if secret.encode() in held] == []
    assert b"argon2" not in held
    hashes = [opened(acts, row).rpartition("$")[2] for row in acts.all(select(Credential).limit(30))]
    assert not any(hashed.encode() in held for hashed in hashes)
    for user in acts.all(select(User).where(User.cpr_sealed.is_not(None)).limit(60)):
        number = cpr.unseal(acts.keys, user.cpr_sealed, user.id)
        assert number.encode() not in held
        assert f"{number[:6]}-{number[6:]}".encode() not in held


def test_s_22_the_same_password_of_two_people_is_not_seen_to_be_the_same(acts: Acts) -> None:
    for member in (BO, CARLA):
        acts.change(member.username or "", member.secret or "", NEW)
    bo, carla = of(acts, BO), of(acts, CARLA)
    assert bo.sealed_hash != carla.sealed_hash
    assert opened(acts, bo) != opened(acts, carla)


def test_there_is_never_more_than_one_password_in_force(acts: Acts) -> None:
    row = of(acts, BO)
    twin = {c.name: getattr(row, c.name) for c in Credential.__table__.columns if c.name != "id"}
    with acts.database.writing() as db, pytest.raises(IntegrityError):
        db.execute(Credential.__table__.insert().values(**twin))


def test_s_26_a_change_is_news_in_the_next_session_and_in_no_later_one(acts: Acts) -> None:
    """«S-26» Shown at the next login, with time and kind of authorisation."""
    bo = BO.username or ""
    own = acts.change(bo, BO.secret or "", NEW)
    sessions = [own, acts.log_in(bo, NEW), acts.log_in(bo, NEW)]
    news = []
    for session in sessions:
        found = acts.login_of(session)
        assert found is not None
        with acts.database.reading() as db:
            current = credentials.find_current(db, acts.config, found.user_id, found.id, acts.now().at)
        assert current is not None
        assert current.authorisation is Authorisation.OWNER
        assert abs(current.set_at - acts.now().at) < timedelta(minutes=1)
        news.append(current.is_news)
    assert news == [False, True, False]


def test_s_26_a_change_is_news_to_who_comes_by_mitid_whoever_logged_in_by_the_password_before(
    acts: Acts,
) -> None:
    """Somebody else may have changed it, and have logged in by it again."""
    bo = BO.username or ""
    acts.change(bo, BO.secret or "", NEW)
    acts.log_in(bo, NEW)
    news = []
    for number in range(2):
        token = f"by MitID, {number}"
        with acts.writing() as (db, now):
            user_id = user_of(db, BO).id
            login.enter(
                db,
                acts.keys,
                acts.config,
                user_id,
                token,
                STRANGER,
                Entrance("d"),
                now,
                amr="mitid",
                assurance_level="ToFaktor",
            )
        found = acts.login_of(token)
        assert found is not None
        with acts.database.reading() as db:
            current = credentials.find_current(
                db,
                acts.config,
                user_id,
                found.id,
                acts.now().at,
                assurance_level=found.assurance_level,
            )
        assert current is not None
        news.append(current.is_news)
    assert news == [True, False]


def test_whoever_has_no_password_is_shown_none(acts: Acts) -> None:
    with acts.writing() as (db, now):
        bo = user_of(db, BO)
        assert credentials.find_type(db, bo.id) is PasswordType.WORDS_DIGITS
        db.execute(update(Credential).where(Credential.user_id == bo.id).values(ended_at=now.at))
        assert credentials.find_type(db, bo.id) is PasswordType.WORDS
        assert credentials.find_current(db, acts.config, bo.id, 1, now.at) is None
