"""One file of the feature cache. A damaged file is renamed; a moved or pruned one is opened again.

A file that is damaged as a whole, or is not a cache of this version, is renamed, and a new one is made, with
a note of one line. Other errors of SQLite become errors that say what to do.
"""

from __future__ import annotations

import errno
import itertools
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from fevbench.errors import FevbenchError, suggested_fix
from fevbench.extractors import cache_layout as layout
from fevbench.locks import locked

T = TypeVar("T")

ELSEWHERE = "set FEVBENCH_HOME to a folder that can be written"


class DamageError(Exception):
    """The file is not a cache, or not any more."""


class ReadOnlyError(FevbenchError):
    """A cache that cannot be written."""


class CacheFile:
    """An SQLite file that processes share; it and its folder are made if they do not exist.

    Args:
        path: The file.
        note: Receives notes for the user, one line each.
        patience: Seconds to wait for another process that writes to it.

    Raises:
        FevbenchError: It cannot be made or opened, or another process keeps it locked.
    """

    def __init__(self, path: Path, note: Callable[[str], None], patience: float) -> None:
        self.path = path
        self._note = note
        self._patience = patience
        self._inode = 0
        self._ready = False
        self.version = layout.VERSION
        self.db = self._opened()

    def repaired(self, act: Callable[[], T]) -> T:
        """The result of ``act``, which reads or writes; if the file is damaged or gone, with a new file."""
        if self.is_moved():
            self.db.close()
            self.db = self._opened()
        try:
            with self._named_errors():
                return act()
        except DamageError as damage:
            self.db.close()
            self._put_aside(damage)
        except ReadOnlyError:
            if not self.is_moved():  # SQLite gives the same error for a renamed file
                raise
            self.db.close()
        self.db = self._opened()
        return self._with_new_file(act)

    def make_ready(self) -> None:
        """Bring the file to today's layout with a write-ahead log; for writing only."""
        if self._ready:
            return
        layout.bring_up_to_date(self.db, layout.today())
        self.version = layout.VERSION
        # If the file is busy, another process or the next one to open it begins the log; both are safe.
        # Under the lock, the file cannot be pruned, which would leave its log to the next file.
        if layout.has_shared_memory(self.path.parent):
            with (
                suppress(sqlite3.OperationalError, OSError),
                locked(self.path.with_suffix(".lock"), patience=0) as held,
            ):
                moved = not held or self.is_moved()
                if not moved and self.db.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",):
                    # Then only a power failure can lose the last transactions, and never half of one.
                    self.db.execute("PRAGMA synchronous = NORMAL")
        self._ready = True

    def end_log(self) -> None:
        """Merge the log into the file, if no other process has it open: then it can be copied to any disk."""
        with suppress(sqlite3.Error, OSError):
            if self.is_moved() or self.db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                return
            with locked(self.path.with_suffix(".lock"), patience=0) as held:
                if held and not self.is_moved():
                    self.db.execute("PRAGMA busy_timeout = 0")
                    self.db.execute("PRAGMA journal_mode = DELETE")

    def is_moved(self) -> bool:
        """Whether the file was renamed, pruned or deleted since it was opened."""
        try:
            return self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def _opened(self) -> sqlite3.Connection:
        """A connection to the file, or to a new one if it is not a cache of this version."""
        try:
            return self._connected()
        except DamageError as damage:
            self._put_aside(damage)
        return self._with_new_file(self._connected)

    def _with_new_file(self, act: Callable[[], T]) -> T:
        """The result of ``act`` with a new file: if that is damaged too, the disk is at fault."""
        try:
            with self._named_errors():
                return act()
        except DamageError as damage:
            raise self._unusable(f"{damage}, as the one before", "see whether the disk is sound") from damage

    def _connected(self) -> sqlite3.Connection:
        with self._named_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = layout.connect(self.path, self._patience)
            try:
                self._inode = 0
                with suppress(FileNotFoundError):  # pruned in the meantime: the next use makes a new one
                    self._inode = self.path.stat().st_ino
                version, made = layout.layout_of(db)
                if (version, made) == (0, {}):
                    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
                    with db:
                        db.execute("BEGIN IMMEDIATE")
                        for schema in (layout.SCHEMA, layout.USED_SCHEMA):  # another process may be faster
                            db.execute(schema.replace("TABLE", "TABLE IF NOT EXISTS"))
                        db.execute(f"PRAGMA user_version = {layout.VERSION}")
                    version, made = layout.layout_of(db)
                if layout.LAYOUTS.get(version) != made:
                    raise DamageError("it is not a cache of this version")
            except BaseException:
                db.close()
                raise
            self.version, self._ready = version, False
            return db

    def _put_aside(self, damage: DamageError) -> None:
        """Rename a damaged file, unless another process already has."""
        try:
            with locked(self.path.with_suffix(".lock")):
                if not self.path.exists() or self.path.stat().st_ino != self._inode:
                    return
                aside = next(name for name in self._names_aside() if not name.exists())
                self.path.rename(aside)
                for suffix in layout.JOURNALS:
                    with suppress(FileNotFoundError):
                        Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
        except OSError as error:
            raise FevbenchError(
                f"feature cache {self.path} is damaged ({damage}) and cannot be moved ({error.strerror})",
                suggested_fix(error, "delete it, or set FEVBENCH_HOME"),
            ) from error
        self._note(
            f"feature cache {self.path} cannot be trusted ({damage}): it is now {aside.name}, "
            "and its features are computed again"
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
        """The error with advice for an error of SQLite, by its text: Python 3.10 does not give its code."""
        text = str(error)
        if "lock" in text:
            return FevbenchError(
                f"feature cache {self.path} has been locked by another process for {self._patience:g} s",
                "wait until it is done, then repeat the command, which continues",
            )
        if "full" in text:
            return self._unusable(text, "free some space, then repeat the command")
        if "readonly" in text:
            return ReadOnlyError(f"feature cache {self.path} is read-only", ELSEWHERE)
        if "unable to open" in text:
            return self._unopened(text)
        if "disk I/O" in text:
            return self._unusable(text, f"see whether the disk is sound, or {ELSEWHERE}")
        return DamageError(text)

    def _unopened(self, text: str) -> FevbenchError:
        """Why a file cannot be opened, or no file can be made beside it; SQLite does not tell."""
        try:
            with tempfile.TemporaryFile(dir=self.path.parent):
                pass
            if self.path.exists():
                self.path.open("rb").close()
        except OSError as error:
            if self.path.exists() and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
                return ReadOnlyError(f"feature cache {self.path} is read-only", ELSEWHERE)
            return self._unusable(error.strerror or text, suggested_fix(error, ELSEWHERE))
        return self._unusable(text, ELSEWHERE)

    def _unusable(self, why: str, fix: str) -> FevbenchError:
        return FevbenchError(f"feature cache {self.path} cannot be used ({why})", fix)
