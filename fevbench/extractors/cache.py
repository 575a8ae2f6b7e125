"""The feature cache: features under the hash of the pixels and of the extractor that saw them.

One SQLite file an extractor fingerprint. A write is one transaction, so a kill loses at most the
batch being written, and two processes can share a cache.

Nothing in it is believed unchecked. Each row carries a digest of its key and its bytes; a row that fails is
computed anew. A file that is damaged as a whole, or is no cache of this version, gets another name and makes
room for a new one. Either is said in one line.
"""

from __future__ import annotations

import errno
import itertools
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fevbench.errors import FevbenchError, way_out
from fevbench.locks import locked

T = TypeVar("T")

CHUNK = 500
"""Keys asked for in one query; SQLite allows 999 parameters in its older builds."""
STORED = np.dtype("<f4")
DIGEST_BYTES = 8
VERSION = 2
"""Of a file's layout. 1, which was not written down, had no digests, so that its rows cannot be checked."""
SCHEMA = "CREATE TABLE features (key TEXT PRIMARY KEY, value BLOB NOT NULL, digest BLOB NOT NULL)"
LAYOUT = {("table", "features"): SCHEMA, ("index", "sqlite_autoindex_features_1"): None}
"""All that a file holds, as SQLite lists it."""
PATIENCE = 60.0
JOURNALS = ("-journal", "-wal", "-shm")
"""What SQLite may have left beside a file, and would take for that of the next one of its name."""
ELSEWHERE = "set FEVBENCH_HOME to a folder that can be written"


class _DamageError(Exception):
    """A file that is no cache, or no longer one."""


class _ReadOnlyError(FevbenchError):
    """A cache that cannot be written."""


class FeatureCache:
    """Features of one extractor.

    Args:
        folder: Where the cache files live; created if need be.
        name: The extractor's name, for a readable file name.
        fingerprint: What identifies the extractor.
        dim: Features a sample.
        note: Hears what a user should know, a line each.
        patience: Seconds to wait for another process that writes to the same file.

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
    ) -> None:
        self.path = folder / f"{name}-{fingerprint[:16]}.sqlite"
        self._key = fingerprint.encode()[:64]
        self._dim = dim
        self._note = note
        self._patience = patience
        self._failed: set[str] = set()
        self._keeps = True
        self._inode = 0
        with self._named_errors():
            folder.mkdir(parents=True, exist_ok=True)
        self._db = self._opened()

    def close(self) -> None:
        """Close the file, and say how many of its features had to be computed anew."""
        self._db.close()
        if self._failed:
            count = len(self._failed)
            what = "of 1 sample" if count == 1 else f"of {count} samples"
            self._note(f"feature cache {self.path}: damaged features {what} were computed anew")
            self._failed = set()

    def get(self, keys: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """The features that are there and whole: key to ``float32[dim]``.

        Raises:
            FevbenchError: The file cannot be read, or another process keeps it locked.
        """
        wanted = list(dict.fromkeys(keys))
        found: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            for key, value, digest in self._repaired(partial(self._rows, part)):
                if self._is_whole(key, value, digest):
                    found[key] = np.frombuffer(value, STORED)
                elif key in part:
                    self._failed.add(key)
        return found

    def put(self, features: Mapping[str, NDArray[np.float32]]) -> None:
        """Store features, all or none. A file that can only be read keeps none, which is said once.

        Args:
            features: Key to ``float32[dim]``.

        Raises:
            FevbenchError: The disk is full, or another process keeps the file locked.
        """
        rows = []
        for key, value in features.items():
            stored = np.ascontiguousarray(value, STORED).tobytes()
            rows.append((key, stored, self._digest(key, stored)))
        if not self._keeps:
            return
        try:
            self._repaired(partial(self._write, rows))
        except _ReadOnlyError:
            self._keeps = False
            self._note(f"feature cache {self.path} can only be read: what is computed is not kept")

    def _rows(self, keys: Sequence[str]) -> list[tuple[Any, Any, Any]]:
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, value, digest FROM features WHERE key IN ({marks})"
        return self._db.execute(query, keys).fetchall()

    def _write(self, rows: Sequence[tuple[str, bytes, bytes]]) -> None:
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)

    def _digest(self, key: str, value: bytes) -> bytes:
        # The fingerprint is part of it: a file that was renamed is not another extractor's cache.
        return blake2b(key.encode() + b"\0" + value, digest_size=DIGEST_BYTES, key=self._key).digest()

    def _is_whole(self, key: object, value: object, digest: object) -> bool:
        """Whether a row is as it was written. Damaged, it may not even have the types it should have."""
        return (
            isinstance(key, str)
            and isinstance(value, bytes)
            and len(value) == self._dim * STORED.itemsize
            and digest == self._digest(key, value)
        )

    def _repaired(self, act: Callable[[], T]) -> T:
        """What comes of reading or writing; if the file turns out to be damaged, with a new one."""
        try:
            with self._named_errors():
                return act()
        except _DamageError as damage:
            self._db.close()
            self._put_aside(damage)
            self._db = self._opened()
        return self._at_last(act)

    def _opened(self) -> sqlite3.Connection:
        """A connection to the file, or to a new one if that is no cache of this version."""
        try:
            return self._connected()
        except _DamageError as damage:
            self._put_aside(damage)
        return self._at_last(self._connected)

    def _at_last(self, act: Callable[[], T]) -> T:
        """The same with a file that was just made: if it is damaged too, that is the disk."""
        try:
            with self._named_errors():
                return act()
        except _DamageError as damage:
            raise self._unusable(f"{damage}, as the one before", "see whether the disk is sound") from damage

    def _connected(self) -> sqlite3.Connection:
        with self._named_errors():
            db = sqlite3.connect(self.path, timeout=self._patience)
            try:
                self._inode = self.path.stat().st_ino
                db.text_factory = _decoded
                db.execute("PRAGMA trusted_schema = OFF")
                db.execute("PRAGMA cell_size_check = ON")
                if _layout(db) == (0, {}):
                    with db:
                        db.execute("BEGIN IMMEDIATE")
                        db.execute(SCHEMA.replace("TABLE", "TABLE IF NOT EXISTS"))  # another may be faster
                        db.execute(f"PRAGMA user_version = {VERSION}")
                if _layout(db) != (VERSION, LAYOUT):
                    raise _DamageError("it is no cache of this version")
            except BaseException:
                db.close()
                raise
            return db

    def _put_aside(self, damage: _DamageError) -> None:
        """Give a damaged file another name, unless another process has."""
        try:
            with locked(self.path.with_suffix(".lock")):
                if not self.path.exists() or self.path.stat().st_ino != self._inode:
                    return
                aside = next(name for name in self._names_aside() if not name.exists())
                self.path.rename(aside)
                for suffix in JOURNALS:
                    with suppress(FileNotFoundError):
                        Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
        except OSError as error:
            raise FevbenchError(
                f"feature cache {self.path} is damaged ({damage}) and cannot be put aside ({error.strerror})",
                way_out(error, "delete it, or set FEVBENCH_HOME"),
            ) from error
        self._note(
            f"feature cache {self.path} cannot be trusted ({damage}): it is now {aside.name}, "
            "and features are computed anew"
        )

    def _names_aside(self) -> Iterator[Path]:
        for count in itertools.count(1):
            yield Path(f"{self.path}.damaged{'' if count == 1 else f'-{count}'}")

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.Error as error:
            raise self._named(error) from error
        except OSError as error:
            raise self._unusable(error.strerror or str(error), way_out(error, ELSEWHERE)) from error

    def _named(self, error: sqlite3.Error) -> Exception:
        """What an error of SQLite means. Python 3.10 knows of its code only the text."""
        text = str(error)
        if "lock" in text:
            return FevbenchError(
                f"feature cache {self.path} is locked by another process, for {self._patience:g} s now",
                "wait until that is done, then repeat the command, which continues",
            )
        if "full" in text:
            return self._unusable(text, "free some space, then repeat the command")
        if "readonly" in text:
            return _ReadOnlyError(f"feature cache {self.path} can only be read", ELSEWHERE)
        if "unable to open" in text:
            return self._unopened(text)
        if "disk I/O" in text:
            return self._unusable(text, f"see whether the disk is sound, or {ELSEWHERE}")
        return _DamageError(text)

    def _unopened(self, text: str) -> FevbenchError:
        """Why a file cannot be opened, which SQLite does not tell, or that none can be made beside it."""
        try:
            with tempfile.TemporaryFile(dir=self.path.parent):
                pass
            if self.path.exists():
                self.path.open("rb").close()
        except OSError as error:
            if self.path.exists() and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
                return _ReadOnlyError(f"feature cache {self.path} can only be read", ELSEWHERE)
            return self._unusable(error.strerror or text, way_out(error, ELSEWHERE))
        return self._unusable(text, ELSEWHERE)

    def _unusable(self, why: str, fix: str) -> FevbenchError:
        return FevbenchError(f"feature cache {self.path} cannot be used ({why})", fix)


def _layout(db: sqlite3.Connection) -> tuple[int, dict[tuple[str, str], str | None]]:
    """The version a file says it has, and what it holds: kind and name to how that was made."""
    ((version,),) = db.execute("PRAGMA user_version").fetchall()
    made = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return version, {(kind, name): sql for kind, name, sql in made}


def _decoded(text: bytes) -> str:
    """A text that damage may have made no UTF-8."""
    return text.decode("utf-8", "replace")
