"""Hashing for tests that are about something else: with next to no work."""

from __future__ import annotations

import nacl.exceptions
import nacl.pwhash.argon2id

from app.demo.cast import CAST
from app.domain.passwords import Hasher, normal
from app.models.people import PasswordType

PASSES, MEMORY_BYTES = 1, 8192
SECRETS = {
    normal(secret)
    for member in CAST
    for secret in (member.secret, *(e.secret for e in member.earlier))
    if secret
}


class QuickHasher(Hasher):
    """Hashes with next to no work, for tests of everything else than the hash; `verified` counts."""

    verified = 0

    def hash(self, secret: str, user_id: int, password_type: PasswordType) -> str:
        marked = self._marked(secret, user_id, password_type)
        return nacl.pwhash.argon2id.str(marked, PASSES, MEMORY_BYTES).decode("ascii")

    def verify(self, secret: str, user_id: int, password_type: PasswordType, hashed: str | None) -> bool:
        self.verified += 1
        if hashed is None:
            return False
        try:
            marked = self._marked(secret, user_id, password_type)
            return bool(nacl.pwhash.verify(hashed.encode("ascii"), marked))
        except nacl.exceptions.InvalidkeyError:
            return False

    def is_outdated(self, hashed: str) -> bool:
        return False


class SchoolHasher(QuickHasher):
    """Hashes what the cast logs in with as the site does, and what nobody will try with next to no work."""

    def hash(self, secret: str, user_id: int, password_type: PasswordType) -> str:
        if normal(secret) in SECRETS:
            return Hasher.hash(self, secret, user_id, password_type)
        return super().hash(secret, user_id, password_type)
