"""The keys outside the database, and the three things done with them: mark, seal, sign.

A file of keys is JSON, one list a purpose; the first key of a list is in use, the others only read
what was sealed before (S-22, S-83). Secrets are never printed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.config import Config

KEY_BYTES = 32
NONCE_BYTES = 12


class KeysError(Exception):
    """The file of keys cannot be used; says why, never what is in it."""


class Purpose(StrEnum):
    """What a key is for; no key serves two purposes."""

    PASSWORD_INPUT = "password_input"  # k1 of S-22: marks the secret before it is hashed; cannot rotate
    PASSWORD_STORE = "password_store"  # k2 of S-22: seals the hash, and a pending password
    CPR_LOOKUP = "cpr_lookup"  # finds a person by CPR number; cannot rotate without reading all
    CPR_STORE = "cpr_store"  # seals the CPR number
    TOKEN = "token"  # what a browser holds is stored marked by this
    DECOY = "decoy"  # which kind of password an unknown name seems to have; cannot rotate, or that moves
    THROTTLE = "throttle"  # names the buckets of tries; cannot rotate, or what is closed would open
    COOKIE = "cookie"  # signs the device and form cookies


# What a key opens again; what it marked or signed is only ever made anew and compared.
SEALING = (Purpose.PASSWORD_STORE, Purpose.CPR_STORE)
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Source:
    """The file that a ring was read from, and what tells whether it is still that one."""

    path: Path
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Key:
    """One key and its id, which stands beside what it sealed."""

    id: str
    secret: bytes = field(repr=False)


# Purposes that rings of before had not: the key in use for tokens did it for them, and goes on doing it
# there, whatever becomes of the tokens' own.
FROM_TOKEN = (Purpose.DECOY, Purpose.THROTTLE)
STEADY = (Purpose.PASSWORD_INPUT, Purpose.CPR_LOOKUP, *FROM_TOKEN)


class Keys:
    """The ring of keys of one installation."""

    def __init__(
        self, rings: dict[Purpose, list[Key]], *, is_demo: bool = False, source: Source | None = None
    ) -> None:
        """Take the keys by purpose, the one in use first; and the file they were read from, if any.

        Raises:
            KeysError: a purpose has no key, or a key is too short or stands twice.

        """
        for purpose in Purpose:
            ring = rings.get(purpose, [])
            if not ring:
                raise KeysError(f"no key for {purpose}")
            if any(len(key.secret) != KEY_BYTES for key in ring):
                raise KeysError(f"a key for {purpose} is not {KEY_BYTES} bytes")
            # Chance never gives so few different bytes: somebody filled in a form (S-83).
            if any(len(set(key.secret)) < KEY_BYTES // 2 for key in ring):
                raise KeysError(f"a key for {purpose} was not drawn by chance")
        secrets = [key.secret for purpose, ring in rings.items() if purpose not in FROM_TOKEN for key in ring]
        token = {key.secret for key in rings[Purpose.TOKEN]}
        secrets += {key.secret for purpose in FROM_TOKEN for key in rings[purpose]} - token
        if len(set(secrets)) != len(secrets):
            raise KeysError("the same key stands twice")
        self._rings = rings
        self._ciphers = {(p, key.id): AESGCM(key.secret) for p, ring in rings.items() for key in ring}
        self.is_demo = is_demo
        self._source = source

    def mark(self, purpose: Purpose, *parts: str) -> bytes:
        """Return HMAC-SHA256 of `parts` under the key in use; the parts cannot run into each other."""
        data = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
        return hmac.digest(self._rings[purpose][0].secret, data, "sha256")

    def token_mark(self, kind: str, token: str) -> str:
        """Return what the database keeps of a browser's token: a keyed hash, bound to its kind (S-06)."""
        return self.mark(Purpose.TOKEN, kind, token).hex()

    def seal(self, purpose: Purpose, text: str, *bound_to: str) -> str:
        """Encrypt `text` with AES-256-GCM, bound to `bound_to`; returns `id.base64`."""
        key = self._rings[purpose][0]
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[purpose, key.id].encrypt(nonce, text.encode(), _bound(bound_to))
        return f"{key.id}.{urlsafe_b64encode(nonce + sealed).decode()}"

    def unseal(self, purpose: Purpose, sealed: str, *bound_to: str) -> str:
        """Decrypt what `seal` made, also under a key that has come into the file since it was read.

        Raises:
            KeysError: the key is gone, or the value was made for something else.

        """
        key_id, _, text = sealed.partition(".")
        cipher = self._ciphers.get((purpose, key_id))
        if cipher is None and self._look_again():
            cipher = self._ciphers.get((purpose, key_id))
        if cipher is None:
            raise KeysError(f"no key {key_id[:8]!r} for {purpose}")
        try:
            raw = urlsafe_b64decode(text)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(bound_to)).decode()
        except (InvalidTag, ValueError):  # moved, or cut short
            raise KeysError(f"a value under {purpose} was not made for this place") from None

    def is_current(self, purpose: Purpose, sealed: str) -> bool:
        """Whether `sealed` was made with the key in use, not an older one."""
        return sealed.startswith(self._rings[purpose][0].id + ".")

    def _look_again(self) -> bool:
        """Read the file again where it is another one by now; take over what seals and unseals (S-22).

        Between `flask keys rotate` and the restart another worker may have the new ring already, and seal
        with it. What marks and signs stays until the restart, or logins would end in the middle of a request.
        """
        source = self._source
        if source is None:
            return False
        try:
            if source.stamp == _stamp(source.path.stat()):
                return False
            fresh = read(source.path)
        except (OSError, KeysError):
            return False
        if fresh.is_demo != self.is_demo:
            return False
        rings = self._rings | {purpose: fresh._rings[purpose] for purpose in SEALING}
        # Older keys that are in the file no longer still unseal here, as they do until the restart.
        self._ciphers = fresh._ciphers | self._ciphers
        self._rings, self._source = rings, fresh._source
        return True

    def signing_secrets(self) -> list[bytes]:
        """The secrets that sign cookies, oldest first, as itsdangerous wants them."""
        return [key.secret for key in reversed(self._rings[Purpose.COOKIE])]

    def with_new(self, purpose: Purpose) -> Keys:
        """Return a ring in which a fresh key for `purpose` is in use and the old ones still read.

        Raises:
            KeysError: the purpose cannot rotate, as what it marked cannot be marked anew.

        """
        if purpose in STEADY:
            raise KeysError(f"{purpose} cannot rotate: what it marked cannot be marked anew")
        rings = dict(self._rings)
        rings[purpose] = [_fresh(), *self._rings[purpose]]
        return Keys(rings, is_demo=self.is_demo)

    def write(self, path: Path) -> None:
        """Write the ring to `path`, readable by the owner alone, in one step."""
        document = {"for": "demo" if self.is_demo else "production"} | {
            purpose.value: [{"id": key.id, "key": urlsafe_b64encode(key.secret).decode()} for key in ring]
            for purpose, ring in self._rings.items()
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name too survives a power cut
        finally:
            os.close(folder)


def new(*, is_demo: bool = False) -> Keys:
    """Make a ring of fresh keys."""
    return Keys({purpose: [_fresh()] for purpose in Purpose}, is_demo=is_demo)


def read(path: Path) -> Keys:
    """Read a ring from `path`.

    Raises:
        KeysError: the file is missing or not a ring of keys.

    """
    try:
        with path.open() as file:
            stamp = _stamp(os.fstat(file.fileno()))
            document = json.load(file)
        rings = {
            purpose: [Key(entry["id"], urlsafe_b64decode(entry["key"])) for entry in document[purpose]]
            for purpose in Purpose
            if purpose in document or purpose not in FROM_TOKEN
        }
        for purpose in FROM_TOKEN:
            rings.setdefault(purpose, rings[Purpose.TOKEN][:1])
        return Keys(rings, is_demo=document["for"] == "demo", source=Source(path, stamp))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeysError(f"the file of keys cannot be read ({type(error).__name__})") from None


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _fresh() -> Key:
    secret = os.urandom(KEY_BYTES)
    return Key(hashlib.sha256(secret).hexdigest()[:8], secret)


def _bound(parts: tuple[str, ...]) -> bytes:
    return "\x1f".join(parts).encode()


def for_mode(config: Config) -> Keys:
    """Return the ring this process works with; the demo makes its own at the first start.

    Raises:
        KeysError: the file cannot be used, or production is offered the demo's.

    """
    try:
        if config.is_demo and not config.keys_file.exists():
            new(is_demo=True).write(config.keys_file)
    except OSError as error:
        name = "INSTANCE_DIR" if config.keys_file.parent == config.instance else "KEYS_FILE"
        raise KeysError(f"{name}: the demo's keys cannot be written there: {error.strerror}") from None
    ring = read(config.keys_file)
    if ring.is_demo and not config.is_demo:
        raise KeysError("the file of keys was made for the demo")
    return ring
