"""The feature cache: features under the hash of the pixels and of the extractor that saw them.

One SQLite file an extractor fingerprint, which processes can share. What is put is gathered and written in
few large transactions, with a write-ahead log where the file system has what it needs: a kill loses at most
what was not written yet, which is computed again.

Nothing in it is believed unchecked. Each row carries a digest of its key and its bytes; a row that fails is
computed anew. A file that is damaged as a whole, or is no cache of this version, gets another name and makes
room for a new one. Either is said in one line.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fevbench.errors import FevbenchError, suggested_fix
from fevbench.locks import locked

T = TypeVar("T")

CHUNK = 500
"""Keys asked for in one query; SQLite allows 999 parameters in its older builds."""
STORED = np.dtype("<f4")
DIGEST_BYTES = 8
VERSION = 3
"""Of a file's layout. 1, which was not written down, had no digests, so that its rows cannot be checked; 2
did not know when its rows were used, and is brought up to this one by the first write."""
SCHEMA = "CREATE TABLE features (key TEXT PRIMARY KEY, value BLOB NOT NULL, digest BLOB NOT NULL)"
USED_SCHEMA = "CREATE TABLE used (key TEXT PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID"
"""The day, counted from 1970, on which each row was last written or read."""
LAYOUT_2 = {("table", "features"): SCHEMA, ("index", "sqlite_autoindex_features_1"): None}
LAYOUTS = {2: LAYOUT_2, VERSION: {**LAYOUT_2, ("table", "used"): USED_SCHEMA}}
"""All that a file of each version holds, as SQLite lists it."""
COMMIT_BYTES = 16_000_000
COMMIT_SECONDS = 5.0
"""What was put is written once it is so large, or when the last write was so long ago."""
TOUCHED = 20_000
"""Keys whose day is brought up to date at once."""
TOUCH_PATIENCE = 1.0
"""Seconds to wait for the lock for that; otherwise the day stays as it was."""
MOUNTS = Path("/proc/self/mountinfo")
LOCAL = {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}
"""File systems of one machine only. A write-ahead log needs memory that all who use a file share."""
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
        self._unwritten: dict[str, tuple[bytes, bytes]] = {}
        self._unwritten_bytes = 0
        self._written_at = time.monotonic()
        self._touched: set[str] = set()
        self._keeps = True
        self._inode = 0
        self._version = VERSION
        self._ready = False
        self._db = self._opened()

    def close(self) -> None:
        """Write what was put, close the file, and say how many of its features had to be computed anew.

        Raises:
            FevbenchError: As `put`; the file is closed all the same.
        """
        try:
            self.flush()
            self._touch()
            self._end_log()
        finally:
            self._db.close()
            self._tell_failed()

    def _tell_failed(self) -> None:
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
            for key, value, digest, day in self._repaired(partial(self._rows, part)):
                if self._is_whole(key, value, digest):
                    found[key] = np.frombuffer(value, STORED)
                    if day != today():
                        self._touched.add(key)
                elif key in part:
                    self._failed.add(key)
        for key in wanted:
            if key in self._unwritten:
                found[key] = np.frombuffer(self._unwritten[key][0], STORED)
        if len(self._touched) >= TOUCHED:
            self._touch()
        return found

    def put(self, features: Mapping[str, NDArray[np.float32]]) -> None:
        """Store features: found by this cache at once, and by others after the next `flush`.

        Args:
            features: Key to ``float32[dim]``.

        Raises:
            FevbenchError: The disk is full, or another process keeps the file locked.
        """
        if not self._keeps:
            return
        for key, value in features.items():
            stored = np.ascontiguousarray(value, STORED).tobytes()
            self._unwritten[key] = stored, self._digest(key, stored)
            self._unwritten_bytes += len(key) + len(stored)
        waited = time.monotonic() - self._written_at
        if self._unwritten_bytes >= COMMIT_BYTES or waited >= COMMIT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what was put, all or none. A file that can only be read keeps none, which is said once.

        Raises:
            FevbenchError: The disk is full, or another process keeps the file locked. What was put is then
                not tried again.
        """
        rows = [(key, *row) for key, row in self._unwritten.items()]
        self._unwritten, self._unwritten_bytes = {}, 0
        try:
            if rows:
                self._repaired(partial(self._write, rows))
        except _ReadOnlyError:
            self._keeps = False
            self._note(f"feature cache {self.path} can only be read: what is computed is not kept")
        finally:
            self._written_at = time.monotonic()

    def _rows(self, keys: Sequence[str]) -> list[tuple[Any, Any, Any, Any]]:
        marks = ",".join("?" * len(keys))
        columns, table = ("day", "features LEFT JOIN used USING (key)")
        if self._version < VERSION:
            columns, table = ("NULL", "features")
        query = f"SELECT key, value, digest, {columns} FROM {table} WHERE key IN ({marks})"
        return self._db.execute(query, keys).fetchall()

    def _write(self, rows: Sequence[tuple[str, bytes, bytes]]) -> None:
        self._make_ready()
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)
            self._db.executemany(
                "INSERT OR REPLACE INTO used VALUES (?, ?)", [(key, today()) for key, _, _ in rows]
            )

    def _touch(self) -> None:
        """Note that rows were used today; where that fails, they only look older than they are."""
        touched, self._touched = self._touched, set()
        if not touched or not self._keeps or self._is_moved():
            return
        with suppress(sqlite3.Error):
            self._db.execute(f"PRAGMA busy_timeout = {round(1000 * min(TOUCH_PATIENCE, self._patience))}")
            self._make_ready()
            with self._db:
                self._db.executemany(
                    "INSERT OR REPLACE INTO used VALUES (?, ?)", [(key, today()) for key in sorted(touched)]
                )
        with suppress(sqlite3.Error):
            self._db.execute(f"PRAGMA busy_timeout = {round(1000 * self._patience)}")

    def _make_ready(self) -> None:
        """Before the first write, and never for reading: the layout of today, and a write-ahead log."""
        if self._ready:
            return
        bring_up_to_date(self._db, today())
        self._version = VERSION
        # Busy, the log is begun by whoever else is at it, or by the next to open the file: both are safe.
        # Under the lock, the file cannot be pruned meanwhile, and the log become that of the next one.
        if has_shared_memory(self.path.parent):
            with (
                suppress(sqlite3.OperationalError, OSError),
                locked(self.path.with_suffix(".lock"), patience=0) as held,
            ):
                moved = not held or self._is_moved()
                if not moved and self._db.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",):
                    # Only a loss of power can then take the last transactions, and never half of one.
                    self._db.execute("PRAGMA synchronous = NORMAL")
        self._ready = True

    def _end_log(self) -> None:
        """Leave one ordinary file, if nobody else has it open: it can be copied, and read on any disk."""
        with suppress(sqlite3.Error, OSError):
            if self._is_moved() or self._db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                return
            with locked(self.path.with_suffix(".lock"), patience=0) as held:
                if held and not self._is_moved():
                    self._db.execute("PRAGMA busy_timeout = 0")
                    self._db.execute("PRAGMA journal_mode = DELETE")

    def _is_moved(self) -> bool:
        """Whether the file was put aside, pruned or deleted since it was opened."""
        try:
            return self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

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
        """What comes of reading or writing; if the file is damaged or no longer there, with a new one."""
        if self._is_moved():
            self._db.close()
            self._db = self._opened()
        try:
            with self._named_errors():
                return act()
        except _DamageError as damage:
            self._db.close()
            self._put_aside(damage)
        except _ReadOnlyError:
            if not self._is_moved():  # SQLite says so of a file that has another name now, too
                raise
            self._db.close()
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
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = connect(self.path, self._patience)
            try:
                self._inode = 0
                with suppress(FileNotFoundError):  # pruned meanwhile: a new one is begun when it is used
                    self._inode = self.path.stat().st_ino
                version, made = _layout(db)
                if (version, made) == (0, {}):
                    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
                    with db:
                        db.execute("BEGIN IMMEDIATE")
                        for schema in (SCHEMA, USED_SCHEMA):  # another process may be faster
                            db.execute(schema.replace("TABLE", "TABLE IF NOT EXISTS"))
                        db.execute(f"PRAGMA user_version = {VERSION}")
                    version, made = _layout(db)
                if LAYOUTS.get(version) != made:
                    raise _DamageError("it is no cache of this version")
            except BaseException:
                db.close()
                raise
            self._version, self._ready = version, False
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
                suggested_fix(error, "delete it, or set FEVBENCH_HOME"),
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
            raise self._unusable(error.strerror or str(error), suggested_fix(error, ELSEWHERE)) from error

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
            return self._unusable(error.strerror or text, suggested_fix(error, ELSEWHERE))
        return self._unusable(text, ELSEWHERE)

    def _unusable(self, why: str, fix: str) -> FevbenchError:
        return FevbenchError(f"feature cache {self.path} cannot be used ({why})", fix)


def today() -> int:
    """The day, counted from 1970."""
    return int(time.time() // 86_400)


def connect(path: Path, patience: float) -> sqlite3.Connection:
    """A connection to a cache's file, which is made if it is not there.

    Raises:
        sqlite3.Error: It cannot be opened, or another process keeps it locked.
    """
    with_log = _has_log(path)
    if with_log and not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists():
        # The log's shared memory cannot be made there, and there is no log: the file is all there is.
        db = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", timeout=patience, uri=True)
    else:
        db = sqlite3.connect(path, timeout=patience)
    try:
        db.text_factory = _decoded
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
        if with_log and not has_shared_memory(path.parent):
            # Copied from another disk: opened for this process alone, it needs no shared memory.
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("PRAGMA locking_mode = NORMAL")
            db.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except BaseException:
        db.close()
        raise
    return db


def bring_up_to_date(db: sqlite3.Connection, day: int) -> None:
    """Give a file of version 2 what this version has; its rows count as last used on that day."""
    if _layout(db) != (2, LAYOUT_2):
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        if _layout(db) == (2, LAYOUT_2):  # else another was faster
            db.execute(USED_SCHEMA)
            db.execute("INSERT INTO used SELECT key, ? FROM features", (day,))
            db.execute(f"PRAGMA user_version = {VERSION}")


def has_shared_memory(folder: Path) -> bool:
    """Whether all processes that can reach a folder share memory: it is on a disk of this machine.

    Where nobody can tell, as on macOS or on a file system that is not in `LOCAL`, the answer is no.
    """
    try:
        lines = MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
        folder = folder.resolve()
    except OSError:
        return False
    best, kind = Path(), ""
    for line in lines:
        place, _, source = line.partition(" - ")
        name = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place.split()[4])
        mount = Path(name)
        if folder.is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, kind = mount, source.split()[0]
    return kind in LOCAL


def _has_log(path: Path) -> bool:
    """Whether a file's header says that it has a write-ahead log."""
    try:
        with path.open("rb") as file:
            return file.read(20)[18:] == b"\2\2"
    except OSError:
        return False


def _layout(db: sqlite3.Connection) -> tuple[int, dict[tuple[str, str], str | None]]:
    """The version a file says it has, and what it holds: kind and name to how that was made."""
    ((version,),) = db.execute("PRAGMA user_version").fetchall()
    made = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return version, {(kind, name): sql for kind, name, sql in made}


def _decoded(text: bytes) -> str:
    """A text that damage may have made no UTF-8."""
    return text.decode("utf-8", "replace")
