"""The feature cache: features under the hash of the pixels and of the extractor that saw them.

One SQLite file an extractor fingerprint. A write is one transaction, so a kill loses at most the
batch being written, and two processes can share a cache.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fevbench.errors import FevbenchError

CHUNK = 500
"""Keys asked for in one query; SQLite allows 999 parameters in its older builds."""


class FeatureCache:
    """Features of one extractor.

    Args:
        folder: Where the cache files live; created if need be.
        name: The extractor's name, for a readable file name.
        fingerprint: What identifies the extractor.
        dim: Features a sample.

    Raises:
        FevbenchError: The file is not a cache, or the folder cannot be written.
    """

    def __init__(self, folder: Path, name: str, fingerprint: str, dim: int) -> None:
        self.path = folder / f"{name}-{fingerprint[:16]}.sqlite"
        self._dim = dim
        with self._named_errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=60)
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS features (key TEXT PRIMARY KEY, value BLOB NOT NULL)"
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def get(self, keys: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """The features that are there: key to ``float32[dim]``.

        Raises:
            FevbenchError: The file is damaged or cannot be read.
        """
        wanted = list(dict.fromkeys(keys))
        found: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            marks = ",".join("?" * len(part))
            with self._named_errors():
                rows = self._db.execute(f"SELECT key, value FROM features WHERE key IN ({marks})", part)
                found.update((key, np.frombuffer(value, np.float32)) for key, value in rows)
        broken = [key for key, value in found.items() if value.shape != (self._dim,)]
        if broken:
            raise FevbenchError(f"feature cache {self.path} is damaged", "delete it; features are made again")
        return found

    def put(self, features: Mapping[str, NDArray[np.float32]]) -> None:
        """Store features, all or none.

        Raises:
            FevbenchError: The disk is full, or the file cannot be written.
        """
        rows = [(key, np.ascontiguousarray(value, np.float32).tobytes()) for key, value in features.items()]
        with self._named_errors(), self._db:
            self._db.executemany("INSERT OR REPLACE INTO features VALUES (?, ?)", rows)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            full = "full" in str(error)
            fix = "free some space, then repeat the command" if full else "delete it, or set FEVBENCH_HOME"
            raise FevbenchError(f"feature cache {self.path} cannot be used ({error})", fix) from error
