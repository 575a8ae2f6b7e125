"""The size of the feature caches, and pruning them: the least recently used entries are removed first.

Other processes may read and write at the same time. Entries are removed in short transactions. A file is
removed only while no other process has it open; a process that opened it before notices and makes a new one.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from fevbench.errors import FevbenchError, suggested_fix
from fevbench.extractors.cache import PATIENCE
from fevbench.extractors.cache_layout import JOURNALS, LAYOUTS, bring_up_to_date, connect, today
from fevbench.locks import locked
from fevbench.progress import Progress

ROWS = 2000
"""Entries removed in one transaction."""
PAGES = 4000
"""Pages returned to the file system in one transaction."""


class _UntrustedError(Exception):
    """The file is not a cache of this version, or not any more."""


@dataclass(frozen=True)
class CacheFile:
    """One file of the feature caches.

    Attributes:
        fingerprint: The first digits of its fingerprint.
        bytes: Its size on the disk, with its log.
        days: Entries by the day, counted from 1970, on which they were last used; None if the file cannot be
            trusted, and nothing reads it.
        last_used: The latest of these days; for a file that is not read, the day of the last write.
    """

    path: Path
    extractor: str
    fingerprint: str
    bytes: int
    days: dict[int, int] | None
    last_used: int

    @property
    def entries(self) -> int:
        """Number of entries."""
        return sum((self.days or {}).values())


@dataclass(frozen=True)
class Removal:
    """The entries to remove from a file.

    Attributes:
        days: Entries to remove, by their day.
        whole: Whether the whole file is removed.
        bytes: Bytes that this frees; an estimate before it is done.
    """

    file: CacheFile
    days: dict[int, int] = field(default_factory=dict)
    whole: bool = False
    bytes: int = 0

    @property
    def entries(self) -> int:
        """Number of entries to remove."""
        return self.file.entries if self.whole else sum(self.days.values())


def cache_files(folder: Path, progress: Progress) -> list[CacheFile]:
    """All files of the feature caches in a folder, by name; also renamed damaged ones.

    Raises:
        FevbenchError: One cannot be read, or another process keeps it locked.
    """
    paths = [*folder.glob("*.sqlite"), *folder.glob("*.sqlite.damaged*")]
    files = []
    progress.start("look", len(paths))
    for path in sorted(path for path in paths if not path.name.endswith(JOURNALS)):
        with suppress(FileNotFoundError):  # it was deleted in the meantime
            files.append(_looked_at(path))
        progress.advance(1)
    return files


def plan(files: list[CacheFile], keep: float | None, older_than: int | None) -> list[Removal]:
    """What to remove: empty and untrusted files, then the least recently used entries.

    ``keep`` is the bytes to keep at most; entries not used for more than ``older_than`` days go as well.
    """
    first = -math.inf if older_than is None else today() - older_than
    excess = -math.inf if keep is None else sum(file.bytes for file in files) - keep
    planned: dict[Path, Removal] = {}
    for file in files:
        if not file.days and (file.last_used < first or excess > 0):
            planned[file.path] = Removal(file, whole=True, bytes=file.bytes)
            excess -= file.bytes
    parts = [(day, file, count) for file in files for day, count in (file.days or {}).items()]
    for day, file, count in sorted(parts, key=lambda part: (part[0], part[1].path)):
        size = file.bytes / file.entries
        gone = count if day < first else min(count, max(0, math.ceil(excess / size))) if excess > 0 else 0
        if gone:
            days = {**planned.get(file.path, Removal(file)).days, day: gone}
            whole = sum(days.values()) == file.entries
            freed = file.bytes if whole else round(size * sum(days.values()))
            planned[file.path] = Removal(file, days, whole, freed)
            excess -= gone * size
    return list(planned.values())


def carry_out(removals: list[Removal], progress: Progress) -> Iterator[Removal]:
    """Remove entries, and yield what was really freed for each file.

    Raises:
        FevbenchError: A file cannot be written, or another process keeps it locked.
    """
    progress.start("prune", sum(max(1, removal.entries) for removal in removals))
    for removal in removals:
        file = removal.file
        with suppress(FileNotFoundError), _named_errors(file.path):  # it may be deleted in the meantime
            if removal.whole and _remove(file):
                progress.advance(max(1, removal.entries))
                yield removal
                continue
            if not file.days:
                continue  # another process has just begun it
            _thin_out(removal, progress)
        left = _size(file.path)
        yield Removal(file, removal.days, removal.whole and left == 0, max(0, file.bytes - left))


def _looked_at(path: Path) -> CacheFile:
    extractor, _, fingerprint = path.name.partition(".")[0].rpartition("-")
    days = None
    used = int(path.stat().st_mtime // 86_400)
    if path.suffix == ".sqlite":
        with _named_errors(path), suppress(_UntrustedError):
            days = _days(path, used)
    last = max(0, min(max(days), today())) if days else used
    return CacheFile(path, extractor, fingerprint, _size(path), days, last)


def _days(path: Path, used: int) -> dict[int, int]:
    with closing(_connected(path)) as db:
        try:
            ((version,),) = db.execute("PRAGMA user_version").fetchall()
            if version not in LAYOUTS and path.stat().st_size:
                raise _UntrustedError
            if version == 0:
                return {}  # another process has just begun it
            if version == 2:
                ((count,),) = db.execute("SELECT count(*) FROM features").fetchall()
                return {used: count} if count else {}
            rows = db.execute("SELECT day, count(*) FROM used GROUP BY day").fetchall()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "no such table" not in str(error):
                raise
            raise _UntrustedError from error
    if not all(isinstance(day, int) for day, _ in rows):
        raise _UntrustedError
    return dict(rows)


def _connected(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        return connect(path, PATIENCE)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise _UntrustedError from error


def _remove(file: CacheFile) -> bool:
    """Remove a file with all its entries, unless a process has it open."""
    with locked(file.path.with_suffix(".lock")) as held:
        if file.days is None:
            _delete(file.path)
            return True
        with closing(_connected(file.path)) as db:
            db.isolation_level = None
            db.execute("PRAGMA busy_timeout = 0")
            try:
                # Refused while others have the log open; without a log, current readers are detected.
                (mode,) = db.execute("PRAGMA journal_mode = DELETE").fetchone()
                db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                return False
            ((count,),) = db.execute("SELECT count(*) FROM features").fetchall()
            if held is False or mode != "delete" or count > file.entries:
                return False
            file.path.unlink()
            return True


def _delete(path: Path) -> None:
    for suffix in ("", *JOURNALS):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _thin_out(removal: Removal, progress: Progress) -> None:
    """Remove entries, and shrink the file."""
    with closing(_connected(removal.file.path)) as db:
        bring_up_to_date(db, removal.file.last_used)
        for day, count in removal.days.items():
            chosen = "SELECT key FROM used WHERE day <= ? ORDER BY day, key LIMIT ?"
            keys = db.execute(chosen, (day, count)).fetchall()
            for start in range(0, len(keys), ROWS):
                part = keys[start : start + ROWS]
                with db:
                    db.executemany("DELETE FROM features WHERE key = ?", part)
                    db.executemany("DELETE FROM used WHERE key = ?", part)
                progress.advance(len(part))
        if db.execute("PRAGMA auto_vacuum").fetchone() == (2,):
            ((free,),) = db.execute("PRAGMA freelist_count").fetchall()
            for _ in range(0, free, PAGES):
                # Not `execute`, which would free only one page, as it fetches no rows.
                db.executescript(f"PRAGMA incremental_vacuum({PAGES})")
        else:  # made by version 2
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _size(path: Path) -> int:
    total = 0
    for suffix in ("", *JOURNALS):
        with suppress(FileNotFoundError):
            total += Path(f"{path}{suffix}").stat().st_size
    return total


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except _UntrustedError as error:
        raise FevbenchError(
            f"feature cache {path} was damaged in the meantime", "repeat the command"
        ) from error
    except OSError as error:
        what = f"feature cache {path} cannot be used ({error.strerror})"
        raise FevbenchError(what, suggested_fix(error, "choose another FEVBENCH_HOME")) from error
    except sqlite3.Error as error:
        if "lock" in str(error):
            raise FevbenchError(
                f"feature cache {path} has been locked by another process for {PATIENCE:g} s",
                "wait until it is done, then repeat the command",
            ) from error
        fix = "delete it: what it holds is computed again"
        if isinstance(error, sqlite3.OperationalError):
            full = "full" in str(error)
            fix = "free some space, then repeat the command" if full else "see whether you may write there"
        raise FevbenchError(f"feature cache {path} cannot be used ({error})", fix) from error
