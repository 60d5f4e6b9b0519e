"""The site as the figures run it: the real app, with a hasher that counts its own CPU.

Each worker adds up in a file of its own, in the folder that `BENCH_COUNTERS` names: nanoseconds, then hashes.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.config import Config
from app.domain.passwords import Hasher
from app.keys import Keys
from wsgi import app

__all__ = ["app"]

LAYOUT = struct.Struct("<QQ")


class CountingHasher(Hasher):
    """Counts the CPU of the very Argon2 calls: what happens while a slot is held."""

    def __init__(self, keys: Keys, config: Config, file: Path) -> None:
        """Count in `file`, from nothing."""
        file.write_bytes(bytes(LAYOUT.size))
        with file.open("r+b") as opened:
            self._counters = mmap.mmap(opened.fileno(), LAYOUT.size)
        self._lock = threading.Lock()
        super().__init__(keys, slots=config.hash_slots, wait_seconds=config.hash_wait_seconds)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        with super()._slot():
            began = time.thread_time_ns()
            try:
                yield
            finally:
                self._add(time.thread_time_ns() - began)

    def _add(self, nanoseconds: int) -> None:
        with self._lock:
            total, hashes = LAYOUT.unpack_from(self._counters)
            LAYOUT.pack_into(self._counters, 0, total + nanoseconds, hashes + 1)


app.extensions["hasher"] = CountingHasher(
    app.extensions["keys"], app.extensions["config"], Path(os.environ["BENCH_COUNTERS"]) / str(os.getpid())
)
