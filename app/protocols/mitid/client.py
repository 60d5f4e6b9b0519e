"""The conversation with a MitID broker: out with a challenge, back with a code, and whom it proves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from app.protocols.mitid.brokers import Broker
from app.world import Identity, MitIdError, MitIdFault, Trip

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from app.protocols.mitid.id_token import Key, Keys
    from app.protocols.mitid.wire import Errand, Metadata

SECONDS = 5.0  # S-34: all that one call asks over HTTP
KEPT_SECONDS = 3600.0  # what a broker publishes; a key that was withdrawn is trusted no longer
REFETCH_SECONDS = 60.0  # S-34: between two searches for keys nobody knows

# What the error of a redirect means (RFC 6749, 4.1.2.1; OpenID Connect Core 1.0, 3.1.2.6).
FAULTS = {
    "access_denied": MitIdFault.CANCELLED,
    "login_required": MitIdFault.TIMED_OUT,
    "interaction_required": MitIdFault.TIMED_OUT,
    "server_error": MitIdFault.UNREACHABLE,
    "temporarily_unavailable": MitIdFault.UNREACHABLE,
}
# Brokers send a time-out as `access_denied` too, and tell it in the description: `mitid_timeout`.
TIMED_OUT_WORDS = ("timeout", "timed out", "timed_out", "time-out", "expired")

T = TypeVar("T")


class Client:
    """Asks MitID through one broker; one for a process, shared by its threads."""

    def __init__(
        self,
        broker: Broker,
        redirect_uri: str,
        http: BaseAdapter | None = None,
        *,
        seconds: float = SECONDS,
        calls: int = 2,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the broker, the address where people come back, what a call may last, and how many at once.

        `http` asks instead of the network, and `monotonic` tells how long things have been kept.
        """
        self.broker = broker
        self.redirect_uri = redirect_uri
        self.calls = calls
        self._turns = threading.BoundedSemaphore(calls)
        self._http, self._seconds, self._monotonic = http, seconds, monotonic
        self._lock = threading.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, Keys] | None = None
        self._searched_at: float | None = None

    def address(self, trip: Trip, language: str) -> str:
        """Return where a browser is sent to (OpenID Connect Core 1.0, 3.1.2.1; RFC 7636, 4.3).

        Raises `MitIdError` (UNREACHABLE) when the broker does not say where that is.
        """
        from app.protocols.mitid import wire

        kept = self._metadata
        # Whoever has nothing to ask waits for nobody, and needs no turn.
        metadata = kept[1] if kept and not self._is_old(kept[0]) else self._within(self._get_metadata)
        return wire.authorization_url(
            self.broker,
            self.redirect_uri,
            metadata,
            trip.code_verifier,
            state=trip.state,
            nonce=trip.nonce,
            prompt="login",
            ui_locales=language,
        )

    def redeem(self, answer: Mapping[str, str], trip: Trip, now: datetime) -> Identity:
        """Return who came back, from the parameters of the redirect (OpenID Connect Core 1.0, 3.1.2.5).

        Raises `MitIdError`, whose reason names what was wrong and holds no token, code or CPR number.
        """
        from app.protocols.mitid import id_token

        if not id_token.is_same(answer.get("state"), trip.state):
            raise id_token.refused("state")
        issuer = answer.get("iss")
        if issuer is not None and issuer != self.broker.issuer:
            raise id_token.refused("iss of the answer")
        # An error proves nobody, so it is believed without `iss`: a broker that announces it leaves it out.
        if "error" in answer:
            raise _told(answer)
        code = answer.get("code")
        if not code:
            raise id_token.refused("no code")

        def work(errand: Errand) -> dict[str, Any]:
            metadata = self._get_metadata(errand)
            # RFC 9207, 2.4: whoever announces it must send it, or another's answer could be mixed in.
            if metadata.announces_iss and issuer is None:
                raise id_token.refused("iss of the answer")
            tokens = errand.redeem(metadata, code, trip.code_verifier)
            claims = id_token.read(
                tokens.id_token,
                self.broker,
                lambda kid: self._get_key(errand, metadata, kid),
                tokens.access_token,
                trip,
                now,
            )
            if not self.broker.uses_userinfo:
                return claims
            told = errand.userinfo(metadata, tokens)
            # OpenID Connect Core 1.0, 5.3.4: else it tells of somebody else.
            if told.get("sub") != claims["sub"]:
                raise id_token.refused("sub of userinfo")
            return told | claims  # what is signed counts more

        return id_token.identity(self._within(work), self.broker, trip, now)

    def _within(self, work: Callable[[Errand], T]) -> T:
        """Ask the broker; where as many ask already as may, the answer is that it cannot be reached (S-34).

        To wait for a turn would take the very place to work in that the limit keeps free for others.
        """
        from app.protocols.mitid import wire

        if not self._turns.acquire(blocking=False):
            raise wire.unreachable("no turn")
        try:
            return wire.run(self.broker, self.redirect_uri, self._seconds, self._http, work)
        finally:
            self._turns.release()

    def _get_metadata(self, errand: Errand) -> Metadata:
        with _Turn(self._lock, errand):
            if self._metadata is None or self._is_old(self._metadata[0]):
                self._metadata = (self._monotonic(), errand.metadata())
            return self._metadata[1]

    def _get_key(self, errand: Errand, metadata: Metadata, kid: str | None) -> Key:
        """Return the key with an id; one that nobody knows is searched for at most once a minute (S-34).

        The lock is held while asking, so that of a crowd with a new key one asks and all get it.
        """
        from app.protocols.mitid import id_token

        with _Turn(self._lock, errand):
            now = self._monotonic()
            if self._keys is None or self._is_old(self._keys[0]):
                self._keys = (now, self._fetch_keys(errand, metadata))
            elif _pick(self._keys[1], kid) is None:
                if self._searched_at is not None and now - self._searched_at < REFETCH_SECONDS:
                    raise id_token.refused("key")
                self._searched_at = now
                self._keys = (now, self._fetch_keys(errand, metadata))
            key = _pick(self._keys[1], kid)
            if key is None:
                self._searched_at = now
                raise id_token.refused("key")
            return key

    def _fetch_keys(self, errand: Errand, metadata: Metadata) -> Keys:
        from app.protocols.mitid import id_token

        keys = id_token.usable_keys(errand.get_object(metadata.jwks_uri, "keys"))
        if not keys:
            raise MitIdError(MitIdFault.UNREACHABLE, "keys")
        return keys

    def _is_old(self, fetched_at: float) -> bool:
        return self._monotonic() - fetched_at >= KEPT_SECONDS


class _Turn:
    """A lock that is waited for no longer than the errand may last."""

    def __init__(self, lock: threading.Lock, errand: Errand) -> None:
        self._lock, self._errand = lock, errand

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=max(0.0, self._errand.deadline - time.monotonic())):
            raise MitIdError(MitIdFault.UNREACHABLE, "deadline")

    def __exit__(self, *_error: object) -> None:
        self._lock.release()


def _pick(keys: Keys, kid: str | None) -> Key | None:
    """Return the key with an id; a token that names none is signed with the only one there is."""
    if kid is None and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(kid)


def _told(answer: Mapping[str, str]) -> MitIdError:
    """Return what an error in the redirect means."""
    from app.protocols.mitid import wire

    error = answer["error"]
    fault = FAULTS.get(error, MitIdFault.REFUSED)
    description = answer.get("error_description", "").lower()
    if fault is MitIdFault.CANCELLED and any(word in description for word in TIMED_OUT_WORDS):
        fault = MitIdFault.TIMED_OUT
    return MitIdError(fault, f"error of the answer: {wire.shown(error)}")
