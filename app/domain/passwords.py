"""What a good password is; dealing child-friendly ones; hashing."""

from __future__ import annotations

import logging
import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache
from hmac import compare_digest
from pathlib import Path

import nacl.exceptions
import nacl.pwhash.argon2id

from app.config import PasswordProfile
from app.keys import Keys, KeysError, Purpose
from app.models.credentials import ExpiryReason
from app.models.people import PasswordType
from app.world import Dice

log = logging.getLogger("app.passwords")

# Six families of four, in their fixed places (no shuffling); the id is also the picture's file name.
FAMILIES = (
    ("elefant", "fisk", "sommerfugl", "ugle"),
    ("aeble", "banan", "gulerod", "kage"),
    ("bil", "tog", "cykel", "raket"),
    ("sol", "regnbue", "trae", "blomst"),
    ("noegle", "paraply", "saks", "hat"),
    ("bamse", "tromme", "drage", "guitar"),
)
PICTURES = tuple(picture for family in FAMILIES for picture in family)
CODE_LENGTH = 4

# OWASP's least for Argon2id (S-21): 19 MiB, two passes, one lane; libsodium always uses one.
MEMORY_BYTES = 19 * 1024 * 1024
PASSES = 2
# Beyond this nobody types; the rest of a hostile post is not worth normalising.
LONGEST = 1024
HISTORY = 5

WORDLISTS = Path(__file__).resolve().parent.parent / "wordlists"
SEASONS = (
    *("forår", "foraar", "sommer", "efterår", "efteraar", "vinter"),
    *("spring", "summer", "autumn", "winter"),
)
MONTHS = (
    *("januar", "februar", "marts", "april", "juni", "juli", "august"),
    *("september", "oktober", "november", "december"),
    *("january", "february", "march", "june", "july", "october"),
)
WEEKDAYS = (
    *("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "loerdag", "søndag", "soendag"),
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
)
SERVICE_WORDS = ("unilogin", "skole", "school", "adgangskode", "kodeord", "password")
KEYBOARD_ROWS = ("qwertyuiopå", "asdfghjklæø", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyzæøå")
RUN = 5


class Rule(Enum):
    """What an own password must meet; the one that failed is named to the user."""

    LENGTH = auto()
    CHARACTERS = auto()
    EDGES = auto()
    UPPER = auto()
    LOWER = auto()
    DIGIT = auto()
    NAME = auto()
    USERNAME = auto()
    INSTITUTION = auto()
    SEASON = auto()
    SERVICE = auto()
    RUN = auto()
    COMMON = auto()
    RECENT = auto()


@dataclass(frozen=True, slots=True)
class About:
    """What of a person a password must not hold."""

    names: tuple[str, ...] = ()
    username: str = ""
    institutions: tuple[str, ...] = ()


# The share of pictures among names nobody has, in 256ths: about that of the youngest.
DECOY_PICTURES = 92


class HashingBusyError(Exception):
    """More hashes are asked for than the machine computes in time; the answer is 503 (S-16)."""


def required_type(level: str | None, marked: PasswordType | None) -> PasswordType:
    """Return the type a person has by their level as a pupil (None: not a pupil) or by the school's mark."""
    if marked is not None:
        return marked
    if level in ("DT", "0", "1", "2", "3"):
        return PasswordType.PICTURES
    if level in ("4", "5", "6"):
        return PasswordType.WORDS
    return PasswordType.WORDS_DIGITS


def decoy_type(keys: Keys, username: str) -> PasswordType:
    """Return the kind of password an unknown name seems to have: always the same for a name (S-10)."""
    byte = keys.mark(Purpose.DECOY, "decoy", username.casefold())[0]
    return PasswordType.PICTURES if byte < DECOY_PICTURES else PasswordType.WORDS


def may_choose(password_type: PasswordType) -> bool:
    """Whether people with this type may choose a password of their own."""
    return password_type is not PasswordType.PICTURES


def expiry(
    password_type: PasswordType, profile: PasswordProfile, set_at: datetime, days: int
) -> tuple[datetime, ExpiryReason] | tuple[None, None]:
    """Return when a password set at `set_at` runs out by age, and why; only the schools' profile has this."""
    if password_type is PasswordType.WORDS_DIGITS and profile is PasswordProfile.UNILOGIN:
        return set_at + timedelta(days=days), ExpiryReason.AGE
    return None, None


def switched_off(profile: PasswordProfile) -> ExpiryReason | None:
    """Return the reason for which nothing runs out in this profile, whenever it was set (S-20)."""
    return None if profile is PasswordProfile.UNILOGIN else ExpiryReason.AGE


def counts(reason: ExpiryReason | None, profile: PasswordProfile, *, fits: bool) -> bool:
    """Whether a password that has a last day for this reason has it in this profile (S-20).

    `fits`: it is of the type that its owner is to have. One that fits again need not be changed for its type.
    """
    if reason is ExpiryReason.STAGE:
        return not fits
    return reason is None or reason is not switched_off(profile)


def normal(secret: str) -> str:
    """Return a typed secret as it is compared and hashed: NFKC, nothing trimmed (S-20)."""
    return unicodedata.normalize("NFKC", secret[:LONGEST])


def code(pictures: list[str]) -> str:
    """Return a picture code as the text that is hashed."""
    return " ".join(pictures)


def rules(password_type: PasswordType, profile: PasswordProfile) -> list[Rule]:
    """Return the rules an own password of this type meets, in the order they are shown."""
    content = [
        Rule.NAME,
        Rule.USERNAME,
        Rule.INSTITUTION,
        Rule.SEASON,
        Rule.SERVICE,
        Rule.RUN,
        Rule.COMMON,
        Rule.RECENT,
    ]
    if profile is PasswordProfile.NIST:
        return [Rule.LENGTH, *content]
    classes = [Rule.UPPER, Rule.LOWER, Rule.DIGIT] if password_type is PasswordType.WORDS_DIGITS else []
    return [Rule.LENGTH, Rule.CHARACTERS, Rule.EDGES, *classes, *content]


def failures(secret: str, password_type: PasswordType, profile: PasswordProfile, about: About) -> list[Rule]:
    """Return the rules that `secret` breaks, in the order they are shown; `RECENT` is judged by hashes."""
    return [rule for rule in rules(password_type, profile) if _breaks(rule, normal(secret), profile, about)]


def _breaks(rule: Rule, secret: str, profile: PasswordProfile, about: About) -> bool:
    low = secret.casefold()
    if rule is Rule.LENGTH:
        most = 24 if profile is PasswordProfile.UNILOGIN else 128
        return not 8 <= len(secret) <= most
    if rule is Rule.CHARACTERS:
        return not re.fullmatch(r"[ -~]*", secret)
    if rule is Rule.EDGES:
        # Seen on no screen: who typed one by accident would never find out what the password is.
        return secret != secret.strip()
    if rule is Rule.UPPER:
        return not re.search("[A-Z]", secret)
    if rule is Rule.LOWER:
        return not re.search("[a-z]", secret)
    if rule is Rule.DIGIT:
        return not re.search("[0-9]", secret)
    if rule is Rule.NAME:
        return any(_holds_name(low, part) for name in about.names for part in _name_parts(name))
    if rule is Rule.USERNAME:
        return bool(about.username) and about.username in low
    if rule is Rule.INSTITUTION:
        return any(len(name) >= 4 and _plain(name) in _plain(low) for name in about.institutions)
    if rule is Rule.SEASON:
        return any(word in low for word in (*SEASONS, *MONTHS, *WEEKDAYS)) or _holds_word(low, "maj")
    if rule is Rule.SERVICE:
        return any(word in low for word in SERVICE_WORDS)
    if rule is Rule.RUN:
        return _has_run(low)
    if rule is Rule.COMMON:
        bare = re.sub(r"^[^a-zæøå]+|[^a-zæøå]+$", "", low)
        return low in common_passwords() or bare in common_passwords()
    return False


def _name_parts(name: str) -> list[str]:
    parts = re.findall(r"[^\W_]+", normal(name).casefold())
    return [part for part in parts if len(part) > 1]  # a single letter is no name


def _holds_name(low: str, part: str) -> bool:
    """Names of four letters or more count anywhere, shorter ones as whole words; in every spelling."""
    if len(part) >= 4:
        return _plain(part) in _plain(low)
    return _holds_word(_plain(low), _plain(part))


def _holds_word(low: str, word: str) -> bool:
    return re.search(rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])", low) is not None


def _plain(text: str) -> str:
    """Return what all spellings of a name share: no capitals, no Danish letters, no accents."""
    low = normal(text).casefold().replace("æ", "ae").replace("ø", "oe").replace("å", "aa")
    return "".join(c for c in unicodedata.normalize("NFKD", low) if not unicodedata.combining(c))


def _has_run(low: str) -> bool:
    if re.search(r"(.)\1{3}", low):
        return True
    lines = [line for row in KEYBOARD_ROWS for line in (row, row[::-1])]
    return any(low[i : i + RUN] in line for i in range(len(low) - RUN + 1) for line in lines)


@cache
def common_passwords() -> frozenset[str]:
    """Return the passwords that everybody tries first."""
    files = ("common_passwords.txt", "common_passwords_da.txt")
    lines = [(WORDLISTS / name).read_text(encoding="utf-8").splitlines() for name in files]
    return frozenset(line for part in lines for line in part if line and not line.startswith("#"))


@cache
def words() -> tuple[str, ...]:
    """Return the Danish words that assigned passwords are made of."""
    return tuple((WORDLISTS / "words.txt").read_text(encoding="ascii").split())


def deal(password_type: PasswordType, dice: Dice, about: About) -> str:
    """Deal a password of this type; it obeys the rules that an own choice must obey."""
    if password_type is PasswordType.PICTURES:
        return code(dice.deal(PICTURES, CODE_LENGTH))
    while True:
        pair = dice.deal(words(), 2)
        if password_type is PasswordType.WORDS_DIGITS:
            secret = "".join(word.capitalize() for word in pair) + f"{dice.below(90) + 10}"
        else:
            secret = "".join(pair)
        if not failures(secret, password_type, PasswordProfile.UNILOGIN, about):
            return secret


def is_same(secret: str, other: str) -> bool:
    """Whether two secrets are the same, compared in constant time."""
    return compare_digest(normal(secret).encode(), normal(other).encode())


@cache
def _decoy() -> bytes:
    """Return what is verified against where there is nothing to verify, so that it takes as long (S-10)."""
    hashed: bytes = nacl.pwhash.argon2id.str(b"nobody", PASSES, MEMORY_BYTES)
    return hashed


class Hasher:
    """Hashes secrets with Argon2id, keyed before and sealed after (S-21, S-22), a bounded number at once."""

    def __init__(self, keys: Keys, *, slots: int, wait_seconds: float) -> None:
        """Allow `slots` hashes at once; others queue for `wait_seconds`."""
        self._keys = keys
        self._slots = threading.BoundedSemaphore(slots)
        self._wait_seconds = wait_seconds
        self._decoy = _decoy()

    def hash(self, secret: str, user_id: int, password_type: PasswordType) -> str:
        """Return the Argon2id string of a secret.

        Raises:
            HashingBusyError: no slot came free in time.

        """
        marked = self._marked(secret, user_id, password_type)
        with self._slot():
            return nacl.pwhash.argon2id.str(marked, PASSES, MEMORY_BYTES).decode("ascii")

    def verify(self, secret: str, user_id: int, password_type: PasswordType, hashed: str | None) -> bool:
        """Whether `secret` is what `hashed` was made of; None costs the same and is False.

        Raises:
            HashingBusyError: no slot came free in time.

        """
        marked = self._marked(secret, user_id, password_type)
        with self._slot():
            try:
                nacl.pwhash.verify(self._decoy if hashed is None else hashed.encode("ascii"), marked)
            except nacl.exceptions.InvalidkeyError:
                return False
        return hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return f"$m={MEMORY_BYTES // 1024},t={PASSES},p=1$" not in hashed

    def seal(self, hashed: str, user_id: int, credential_id: int, password_type: PasswordType) -> str:
        """Encrypt a hash for the store, bound to its place."""
        bound = (str(user_id), str(credential_id), password_type.name)
        return self._keys.seal(Purpose.PASSWORD_STORE, hashed, *bound)

    def unseal(self, sealed: str, user_id: int, credential_id: int, password_type: PasswordType) -> str:
        """Decrypt what `seal` made.

        Raises:
            KeysError: the key is gone, or the row was moved.

        """
        bound = (str(user_id), str(credential_id), password_type.name)
        return self._keys.unseal(Purpose.PASSWORD_STORE, sealed, *bound)

    def find_stored(
        self, sealed: str, user_id: int, credential_id: int, password_type: PasswordType
    ) -> str | None:
        """Return the hash in a stored value; None, and an error in the log, where no key opens it any more.

        Nobody gets in by it then (S-05), and whoever tries is told what a wrong password is told (S-10).
        """
        try:
            return self.unseal(sealed, user_id, credential_id, password_type)
        except KeysError as error:
            log.error("keys", extra={"kind": str(error)})
            return None

    def is_sealed_with_current_key(self, sealed: str) -> bool:
        """Whether a stored hash is under the key in use."""
        return self._keys.is_current(Purpose.PASSWORD_STORE, sealed)

    def _marked(self, secret: str, user_id: int, password_type: PasswordType) -> bytes:
        return self._keys.mark(Purpose.PASSWORD_INPUT, password_type.name, str(user_id), normal(secret))

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=self._wait_seconds):
            raise HashingBusyError
        try:
            yield
        finally:
            self._slots.release()
