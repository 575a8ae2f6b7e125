"""The layout of the feature cache's files, and opening one on any disk."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from pathlib import Path

VERSION = 3
"""The version of a file's layout. Version 1 stored no version and no digests, so its rows cannot be checked.
Version 2 did not store when its rows were used; the first write converts it."""
SCHEMA = "CREATE TABLE features (key TEXT PRIMARY KEY, value BLOB NOT NULL, digest BLOB NOT NULL)"
USED_SCHEMA = "CREATE TABLE used (key TEXT PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID"
"""The day, counted from 1970, on which each row was last written or read."""
LAYOUT_2 = {("table", "features"): SCHEMA, ("index", "sqlite_autoindex_features_1"): None}
LAYOUTS = {2: LAYOUT_2, VERSION: {**LAYOUT_2, ("table", "used"): USED_SCHEMA}}
"""The tables of a file of each version, as SQLite lists them."""
MOUNTS = Path("/proc/self/mountinfo")
LOCAL = {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}
"""File systems of one machine only: a write-ahead log needs memory shared by all users of a file."""
JOURNALS = ("-journal", "-wal", "-shm")
"""Suffixes of files that SQLite may leave beside a file, and would use for a new file of its name."""


def today() -> int:
    """The day, counted from 1970."""
    return int(time.time() // 86_400)


def connect(path: Path, patience: float) -> sqlite3.Connection:
    """A connection to a cache's file, which is made if it does not exist.

    Raises:
        sqlite3.Error: It cannot be opened, or another process keeps it locked.
    """
    with_log = _has_log(path)
    if with_log and not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists():
        # Shared memory for a log cannot be made there, and there is no log, only the file.
        db = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", timeout=patience, uri=True)
    else:
        db = sqlite3.connect(path, timeout=patience)
    try:
        db.text_factory = lambda text: text.decode("utf-8", "replace")  # it may be damaged
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
        if with_log and not has_shared_memory(path.parent):
            # The file was copied from another disk. Opened exclusively, it needs no shared memory.
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("PRAGMA locking_mode = NORMAL")
            db.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except BaseException:
        db.close()
        raise
    return db


def bring_up_to_date(db: sqlite3.Connection, day: int) -> None:
    """Convert a file of version 2; its rows count as last used on that day."""
    if layout_of(db) != (2, LAYOUT_2):
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        if layout_of(db) == (2, LAYOUT_2):  # else another process was faster
            db.execute(USED_SCHEMA)
            db.execute("INSERT INTO used SELECT key, ? FROM features", (day,))
            db.execute(f"PRAGMA user_version = {VERSION}")


def has_shared_memory(folder: Path) -> bool:
    """Whether all processes that can reach a folder share memory: it is on a disk of this machine.

    False if that is unknown, as on macOS or on a file system that is not in `LOCAL`.
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
    """Whether a file has a write-ahead log, by its header."""
    try:
        with path.open("rb") as file:
            return file.read(20)[18:] == b"\2\2"
    except OSError:
        return False


def layout_of(db: sqlite3.Connection) -> tuple[int, dict[tuple[str, str], str | None]]:
    """A file's version and content: kind and name of a table or index to its SQL."""
    ((version,),) = db.execute("PRAGMA user_version").fetchall()
    made = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return version, {(kind, name): sql for kind, name, sql in made}
