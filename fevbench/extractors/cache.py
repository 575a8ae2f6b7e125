"""The feature cache: features by the hash of the pixels and the fingerprint of the extractor.

One SQLite file per extractor fingerprint, which processes can share. Features are gathered and written in few
large transactions, with a write-ahead log if the file system supports it. A kill loses at most the unwritten
features, which are computed again.

Everything in it is checked. Each row has a digest of its key and its bytes; a damaged row is computed again.
A file that is damaged as a whole, or is not a cache of this version, is renamed, and a new one is made.
Either gives a note of one line.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.extractors import cache_layout as layout
from fevbench.extractors.cache_file import CacheFile, ReadOnlyError

CHUNK = 500
"""Keys asked for in one query; SQLite allows 999 parameters in its older builds."""
DIGEST_BYTES = 8
COMMIT_BYTES = 16_000_000
COMMIT_SECONDS = 5.0
"""Features are written when they reach this size, or this long after the last write."""
TOUCHED = 20_000
"""Keys whose day of last use is updated in one statement."""
TOUCH_PATIENCE = 1.0
"""Seconds to wait for the lock to update days; after that they stay unchanged."""
PATIENCE = 60.0
"""Seconds to wait for another process that writes to the same file."""


class FeatureCache:
    """Features of one extractor, in a folder that is made if it does not exist.

    ``note`` receives notes for the user, one line each; ``patience`` is the seconds to wait for another
    process that writes to the same file.

    Raises:
        FevbenchError: The file cannot be made or opened, or another process keeps it locked.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        fingerprint: str,
        dim: int,
        note: Callable[[str], None],
        patience: float = PATIENCE,
        dtype: str = "float32",
    ) -> None:
        self.path = folder / f"{name}-{fingerprint[:16]}.sqlite"
        self._key = fingerprint.encode()[:64]
        self._dim = dim
        self._stored = np.dtype(dtype).newbyteorder("<")
        self._note = note
        self._patience = patience
        self._failed: set[str] = set()
        self._unwritten: dict[str, tuple[bytes, bytes]] = {}
        self._unwritten_bytes = 0
        self._written_at = time.monotonic()
        self._touched: set[str] = set()
        self._keeps = True
        self._file = CacheFile(self.path, note, patience)

    def close(self) -> None:
        """Write new features, close the file, and note how many damaged ones had to be computed again.

        Raises:
            FevbenchError: As `put`; the file is closed anyway.
        """
        try:
            self.flush()
            self._touch()
            self._file.end_log()
        finally:
            self._file.db.close()
            self._tell_failed()

    def _tell_failed(self) -> None:
        if self._failed:
            count = len(self._failed)
            what = "of 1 sample" if count == 1 else f"of {count} samples"
            self._note(f"feature cache {self.path}: damaged features {what} were computed again")
            self._failed = set()

    def get(self, keys: Iterable[str]) -> dict[str, NDArray[np.floating[Any]]]:
        """The stored and undamaged features: key to ``[dim]``.

        Raises:
            FevbenchError: The file cannot be read, or another process keeps it locked.
        """
        wanted = list(dict.fromkeys(keys))
        found: dict[str, NDArray[np.floating[Any]]] = {}
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            for key, value, digest, day in self._file.repaired(partial(self._rows, part)):
                if self._is_whole(key, value, digest):
                    found[key] = np.frombuffer(value, self._stored)
                    if day != layout.today():
                        self._touched.add(key)
                elif key in part:
                    self._failed.add(key)
        for key in wanted:
            if key in self._unwritten:
                found[key] = np.frombuffer(self._unwritten[key][0], self._stored)
        if len(self._touched) >= TOUCHED:
            self._touch()
        return found

    def put(self, features: Mapping[str, NDArray[np.floating[Any]]]) -> None:
        """Store features, key to ``[dim]``: this cache finds them at once, others after the next `flush`.

        Raises:
            FevbenchError: The disk is full, or another process keeps the file locked.
        """
        if not self._keeps:
            return
        for key, value in features.items():
            stored = np.ascontiguousarray(value, self._stored).tobytes()
            self._unwritten[key] = stored, self._digest(key, stored)
            self._unwritten_bytes += len(key) + len(stored)
        waited = time.monotonic() - self._written_at
        if self._unwritten_bytes >= COMMIT_BYTES or waited >= COMMIT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write new features, all or none. A read-only file keeps none, and a note says so once.

        Raises:
            FevbenchError: The disk is full, or another process keeps the file locked. The features
                are then dropped.
        """
        rows = [(key, *row) for key, row in self._unwritten.items()]
        self._unwritten, self._unwritten_bytes = {}, 0
        try:
            if rows:
                self._file.repaired(partial(self._write, rows))
        except ReadOnlyError:
            self._keeps = False
            self._note(f"feature cache {self.path} is read-only: new features are not kept")
        finally:
            self._written_at = time.monotonic()

    def _rows(self, keys: Sequence[str]) -> list[tuple[Any, Any, Any, Any]]:
        marks = ",".join("?" * len(keys))
        columns, table = ("day", "features LEFT JOIN used USING (key)")
        if self._file.version < layout.VERSION:
            columns, table = ("NULL", "features")
        query = f"SELECT key, value, digest, {columns} FROM {table} WHERE key IN ({marks})"
        return self._file.db.execute(query, keys).fetchall()

    def _write(self, rows: Sequence[tuple[str, bytes, bytes]]) -> None:
        self._file.make_ready()
        with self._file.db:
            self._file.db.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)
            self._file.db.executemany(
                "INSERT OR REPLACE INTO used VALUES (?, ?)", [(key, layout.today()) for key, _, _ in rows]
            )

    def _touch(self) -> None:
        """Mark rows as used today; if that fails, they only seem older than they are."""
        touched, self._touched = self._touched, set()
        if not touched or not self._keeps or self._file.is_moved():
            return
        with suppress(sqlite3.Error):
            self._file.db.execute(
                f"PRAGMA busy_timeout = {round(1000 * min(TOUCH_PATIENCE, self._patience))}"
            )
            self._file.make_ready()
            with self._file.db:
                self._file.db.executemany(
                    "INSERT OR REPLACE INTO used VALUES (?, ?)",
                    [(key, layout.today()) for key in sorted(touched)],
                )
        with suppress(sqlite3.Error):
            self._file.db.execute(f"PRAGMA busy_timeout = {round(1000 * self._patience)}")

    def _digest(self, key: str, value: bytes) -> bytes:
        # With the fingerprint, so that a renamed file does not become another extractor's cache.
        return blake2b(key.encode() + b"\0" + value, digest_size=DIGEST_BYTES, key=self._key).digest()

    def _is_whole(self, key: object, value: object, digest: object) -> bool:
        """Whether a row is undamaged; a damaged one may even have other types."""
        return (
            isinstance(key, str)
            and isinstance(value, bytes)
            and len(value) == self._dim * self._stored.itemsize
            and digest == self._digest(key, value)
        )
