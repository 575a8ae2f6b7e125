"""The feature cache: what it keeps, what it does not believe, and what a kill can lose."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fevbench.errors import FevbenchError
from fevbench.extractors import cache as module
from fevbench.extractors import cache_file
from fevbench.extractors import cache_layout as layout
from fevbench.extractors.cache import FeatureCache
from fevbench.locks import locked

VALUES = {f"{i:064x}": np.random.default_rng(i).normal(size=40).astype(np.float32) for i in range(200)}


@contextlib.contextmanager
def opened(folder: Path, notes: list[str] | None = None, **how: Any) -> Iterator[FeatureCache]:
    """A cache of 40 features a sample."""
    given = {"name": "net", "fingerprint": "f" * 64, "dim": 40, **how}
    cache = FeatureCache(folder, note=[].append if notes is None else notes.append, **given)
    try:
        yield cache
    finally:
        cache.close()


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """The file of a cache that holds `VALUES`."""
    with opened(tmp_path) as cache:
        cache.put(VALUES)
    return cache.path


def held(file: Path, notes: list[str] | None = None) -> dict[str, Any]:
    """What is found of `VALUES`; fails if any of it is not what was put."""
    with opened(file.parent, notes) as cache:
        found = cache.get(VALUES)
    assert all(value.tobytes() == VALUES[key].tobytes() for key, value in found.items())
    return found


def change(file: Path, statement: str, *values: Any) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute(statement, values)


def test_returns_what_was_put_bit_for_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(1200, 7)).astype(np.float32)
    values[3] = np.nan
    notes: list[str] = []
    first = FeatureCache(tmp_path, "net", "f" * 64, 7, notes.append)
    first.put({str(i): v for i, v in enumerate(values)})
    assert len(first.get([str(i) for i in range(1300)])) == 1200
    first.flush()
    # Opened anew, without the first having been closed, as after a kill.
    found = FeatureCache(tmp_path, "net", "f" * 64, 7, notes.append).get([str(i) for i in range(1300)])
    assert len(found) == 1200
    assert all(found[str(i)].tobytes() == v.tobytes() for i, v in enumerate(values))
    assert notes == []


def test_extractors_do_not_share_features(filled: Path) -> None:
    with opened(filled.parent, fingerprint="b" * 64) as other:
        assert other.get(VALUES) == {}


def test_a_file_that_was_renamed_is_not_another_extractors(filled: Path) -> None:
    notes: list[str] = []
    with opened(filled.parent, fingerprint="b" * 64) as other:
        other.put({"k": np.zeros(40, np.float32)})
    filled.replace(other.path)
    with opened(filled.parent, notes, fingerprint="b" * 64) as other:
        assert other.get(VALUES) == {}
    assert "damaged features of 200 samples" in notes[0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("value", b"\0" * 160),
        ("value", b"short"),
        ("value", b""),
        ("value", "text, in a column of bytes"),
        ("value", 7),
        ("value", np.zeros(40).tobytes()),
        ("digest", b"\0" * 8),
        ("digest", b""),
        ("digest", 1.5),
    ],
)
def test_a_row_that_is_not_as_it_was_written_is_computed_anew(
    filled: Path, column: str, value: object
) -> None:
    """Another value, another length, another type, float64."""
    key = min(VALUES)
    change(filled, f"UPDATE features SET {column} = ? WHERE key = ?", value, key)
    notes: list[str] = []
    found = held(filled, notes)
    assert VALUES.keys() - found.keys() == {key}
    assert notes == [f"feature cache {filled}: damaged features of 1 sample were computed again"]
    with opened(filled.parent) as cache:
        cache.put({key: VALUES[key]})
    assert held(filled, notes).keys() == VALUES.keys()
    assert len(notes) == 1


def test_rows_that_changed_places_are_computed_anew(filled: Path) -> None:
    one, other = sorted(VALUES)[:2]
    statement = "UPDATE features SET (value, digest) = (SELECT value, digest FROM features WHERE key = ?)"
    change(filled, f"{statement} WHERE key = ?", one, other)
    assert VALUES.keys() - held(filled).keys() == {other}


def test_a_flipped_bit_anywhere_never_becomes_a_feature(filled: Path) -> None:
    """In any page, of whatever kind; `held` compares every feature that is believed."""
    content = filled.read_bytes()
    chance = random.Random(0)
    lost = 0
    for _ in range(150):
        damaged = bytearray(content)
        at = chance.randrange(len(content)) if chance.random() < 0.7 else chance.randrange(512)
        damaged[at] ^= 1 << chance.randrange(8)
        filled.write_bytes(damaged)
        lost += len(held(filled)) < len(VALUES)
        for beside in filled.parent.iterdir():
            beside.unlink()
    assert lost > 50


@pytest.mark.parametrize("size", [50, 512, 4096, 5000, 12288, -4096, -1])
def test_a_file_that_was_cut_is_put_aside_or_read(filled: Path, size: int) -> None:
    """Where only the end of a row is gone, that row is computed anew."""
    notes: list[str] = []
    filled.write_bytes(filled.read_bytes()[:size])
    held(filled, notes)
    with opened(filled.parent, notes) as cache:
        cache.put(VALUES)
    assert held(filled, notes).keys() == VALUES.keys()
    if size == -1:  # the end of a row that is no feature
        assert not notes
    else:
        assert len(notes) == 1
        assert f"{filled.name}.damaged" in notes[0]


@pytest.mark.parametrize(
    "content",
    [b"this is no database" * 1000, b"SQLite format 3\0" + b"\xff" * 9000],
)
def test_a_file_that_is_no_database_is_put_aside(filled: Path, content: bytes) -> None:
    notes: list[str] = []
    for count in (1, 2):
        filled.write_bytes(content)
        assert held(filled, notes) == {}
        assert len(notes) == count
        assert notes[-1].startswith(f"feature cache {filled} cannot be trusted (")
    kept = sorted(path.name for path in filled.parent.iterdir())
    assert kept == [filled.name, f"{filled.name}.damaged", f"{filled.name}.damaged-2"]
    assert (filled.parent / kept[1]).read_bytes() == content


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE features",
        "ALTER TABLE features RENAME TO other",
        "ALTER TABLE features DROP COLUMN digest",
        "ALTER TABLE features ADD COLUMN more",
        "CREATE TABLE another (a)",
        "CREATE TRIGGER t AFTER INSERT ON features BEGIN DELETE FROM features; END",
        "DROP TABLE used",
        "PRAGMA user_version = 2",
        "PRAGMA user_version = 4",
    ],
)
def test_a_damaged_schema_is_put_aside(filled: Path, statement: str) -> None:
    change(filled, statement)
    notes: list[str] = []
    assert held(filled, notes) == {}
    assert "it is not a cache of this version" in notes[0]


def test_a_cache_of_before_digests_is_not_believed(tmp_path: Path) -> None:
    with opened(tmp_path) as cache:
        file = cache.path
    file.unlink()
    change(file, "CREATE TABLE features (key TEXT PRIMARY KEY, value BLOB NOT NULL)")
    change(file, "INSERT INTO features VALUES (?, ?)", min(VALUES), VALUES[min(VALUES)].tobytes())
    notes: list[str] = []
    assert held(file, notes) == {}
    assert len(notes) == 1
    assert (tmp_path / f"{file.name}.damaged").exists()


def test_what_sqlite_left_beside_a_damaged_file_goes_with_it(filled: Path) -> None:
    """It would be played into the new file of that name."""
    with opened(filled.parent) as cache:
        left = [Path(f"{filled}{suffix}") for suffix in layout.JOURNALS]
        for path in left:
            path.write_bytes(b"of the old file")
        cache._file._put_aside(cache_file.DamageError("for the test"))
        assert not any(path.exists() for path in left)
    assert len(list(filled.parent.glob("*.damaged*"))) == 4


def test_damage_that_shows_only_while_writing(filled: Path) -> None:
    """The first page is whole, so that the file opens."""
    content = filled.read_bytes()
    notes: list[str] = []
    with opened(filled.parent, notes) as cache:
        filled.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        cache.put(VALUES)
        cache.flush()
    assert "cannot be trusted" in notes[0]
    assert held(filled).keys() == VALUES.keys()


def test_two_processes_put_a_damaged_file_aside_once(filled: Path) -> None:
    notes: list[str] = []
    content = filled.read_bytes()
    with opened(filled.parent, notes) as one, opened(filled.parent, notes) as other:
        filled.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        for cache in (one, other):
            cache.put(VALUES)
            cache.flush()
            assert cache.get(VALUES).keys() == VALUES.keys()
    assert len(notes) == 1


def test_a_locked_file_is_waited_for_and_then_named(filled: Path) -> None:
    """It is somebody's work, and whole: nobody is told to delete it."""
    connection = sqlite3.connect(filled, isolation_level=None)
    with contextlib.closing(connection) as other, opened(filled.parent, patience=0.05) as cache:
        other.execute("BEGIN EXCLUSIVE")
        cache.put(VALUES)
        for act in (cache.flush, lambda: cache.get(VALUES)):
            with pytest.raises(FevbenchError, match="has been locked by another process") as refused:
                act()
            assert "delete" not in str(refused.value)
            assert "\n" not in str(refused.value)
        other.execute("COMMIT")
        assert cache.get(VALUES).keys() == VALUES.keys()
    assert module.PATIENCE >= 30


def test_a_file_that_can_only_be_read_is_read(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root one may write everywhere, so SQLite is told that it may not."""
    connect = sqlite3.connect

    def only_read(path: Path, **how: Any) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True, **how)

    monkeypatch.setattr(sqlite3, "connect", only_read)
    notes: list[str] = []
    with opened(filled.parent, notes) as cache:
        assert cache.get(VALUES).keys() == VALUES.keys()
        for key in "kl":
            cache.put({key: np.zeros(40, np.float32)})
            cache.flush()
    assert notes == [f"feature cache {filled} is read-only: new features are not kept"]


def test_too_few_file_descriptors_are_not_the_files_fault(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def unopened(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", unopened)
    monkeypatch.setattr(tempfile, "TemporaryFile", no_more)
    with (
        pytest.raises(FevbenchError, match=r"Too many open files.*: raise the limit of open files"),
        opened(filled.parent),
    ):
        pass
    assert filled.exists()


def test_a_disk_on_which_every_file_is_damaged(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(layout, "layout_of", damaged)
    with pytest.raises(FevbenchError, match="see whether the disk is sound"), opened(filled.parent):
        pass


def beside(file: Path) -> set[str]:
    """What there is of a cache, by the ends of the names."""
    return {path.name.removeprefix(file.name) for path in file.parent.iterdir()}


def mode(file: Path) -> str:
    with contextlib.closing(sqlite3.connect(file)) as database:
        return str(database.execute("PRAGMA journal_mode").fetchone()[0])


@pytest.fixture(params=[True, False], ids=["with a log", "without"])
def has_log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the file system is one of this machine."""
    monkeypatch.setattr(layout, "has_shared_memory", lambda folder: request.param)
    return bool(request.param)


def test_what_was_put_is_written_by_size_by_time_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = list(VALUES)[:3]

    def written() -> int:
        with contextlib.closing(sqlite3.connect(next(tmp_path.glob("*.sqlite")))) as database:
            return int(database.execute("SELECT count(*) FROM features").fetchone()[0])

    with opened(tmp_path) as cache:
        cache.put({one: VALUES[one]})
        assert written() == 0
        monkeypatch.setattr(module, "COMMIT_BYTES", 300)
        cache.put({two: VALUES[two]})
        assert written() == 2
        monkeypatch.setattr(module, "COMMIT_BYTES", 10**9)
        cache.put({three: VALUES[three]})
        assert written() == 2
        cache._written_at -= module.COMMIT_SECONDS
        cache.put({})
        assert written() == 3
        cache.put({key: VALUES[key] for key in list(VALUES)[3:]})
        assert written() == 3
    assert written() == 200
    assert len(held(cache.path)) == 200


def test_a_closed_cache_is_one_ordinary_file(filled: Path, has_log: bool) -> None:
    """It can be copied, and read where nothing can be written."""
    with opened(filled.parent) as cache, opened(filled.parent) as other:
        other.get(VALUES)
        cache.put({"k": np.zeros(40, np.float32)})
        cache.flush()
        assert mode(filled) == ("wal" if has_log else "delete")
        assert set(other.get(["k"])) == {"k"}
    assert mode(filled) == "delete"
    assert beside(filled) == {""}


def test_no_log_is_begun_of_a_file_that_may_be_going(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would become the log of the next file of that name."""
    monkeypatch.setattr(layout, "has_shared_memory", lambda folder: True)
    with opened(filled.parent) as cache, locked(filled.with_suffix(".lock")):
        cache.put({"k": np.zeros(40, np.float32)})
        cache.flush()
        assert mode(filled) == "delete"
        assert set(cache.get(["k"])) == {"k"}
    with opened(filled.parent) as cache:
        filled.unlink()
        cache._file.make_ready()
        assert beside(filled) == set()
        cache.put(VALUES)
    assert len(held(filled)) == 200


def test_reading_changes_nothing(filled: Path) -> None:
    """But once a day, the day."""
    before = filled.read_bytes()
    assert len(held(filled)) == 200
    assert filled.read_bytes() == before


KILLED = """
import sys, time, numpy as np
from pathlib import Path
from fevbench.extractors import cache as module, cache_layout as layout
layout.has_shared_memory = lambda folder: sys.argv[2] == "True"
cache = module.FeatureCache(Path(sys.argv[1]), "net", "f" * 64, 40, print)
def value(i): return np.random.default_rng(i).normal(size=40).astype(np.float32)
cache.put({f"{i:064x}": value(i) for i in range(150)})
cache.flush()
cache.put({f"{i:064x}": value(i) for i in range(150, 200)})
print("put", flush=True)
time.sleep(60)
"""


def killed(folder: Path, has_log: bool) -> Path:
    """The file of a cache whose process was killed after it had put `VALUES` and written 150 of them."""
    command = [sys.executable, "-c", KILLED, str(folder), str(has_log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "put\n"
        process.send_signal(signal.SIGKILL)
    (file,) = folder.glob("*.sqlite")
    return file


def test_a_kill_loses_what_was_not_written(tmp_path: Path, has_log: bool) -> None:
    file = killed(tmp_path, has_log)
    assert ("-wal" in beside(file)) == has_log
    notes: list[str] = []
    assert held(file, notes).keys() == set(list(VALUES)[:150])
    assert notes == []
    assert mode(file) == "delete"
    assert beside(file) == {""}


def test_a_damaged_log_never_becomes_a_feature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "has_shared_memory", lambda folder: True)
    file = killed(tmp_path, has_log=True)
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    log = Path(f"{file}-wal")
    chance = random.Random(0)
    lost = 0
    for _ in range(60):
        for path in tmp_path.iterdir():
            path.unlink()
        for path, content in whole.items():
            damaged = bytearray(content)
            if path == log:
                damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
                damaged = damaged[: len(content) - chance.choice([0, 0, 1, 4096, 9000])]
            path.write_bytes(damaged)
        lost += len(held(file)) < 150
    assert lost > 20


def test_a_file_with_a_log_is_used_on_a_network_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was copied there, as a kill had left it."""
    file = killed(tmp_path, has_log=True)
    monkeypatch.setattr(layout, "has_shared_memory", lambda folder: False)
    notes: list[str] = []
    with opened(tmp_path, notes) as cache, opened(tmp_path, notes) as other:
        assert len(cache.get(VALUES)) == 150
        assert mode(file) == "delete"
        cache.put({"k": np.zeros(40, np.float32)})
        cache.flush()
        assert len(other.get([*VALUES, "k"])) == 151
    assert notes == []


def test_a_file_that_says_it_has_a_log_is_read_where_nothing_can_be_written(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(filled.read_bytes())
    content[18:20] = b"\2\2"
    filled.write_bytes(content)
    monkeypatch.setattr(os, "access", lambda path, how: False)
    notes: list[str] = []
    with opened(filled.parent, notes) as cache:
        assert len(cache.get(VALUES)) == 200
        cache.put({"k": np.zeros(40, np.float32)})
    assert notes == [f"feature cache {filled} is read-only: new features are not kept"]
    assert filled.read_bytes() == content


@pytest.mark.parametrize(
    ("mounts", "has"),
    [
        ("/ ext4", True),
        ("/ ext4; {folder} nfs4", False),
        ("/ nfs4; {folder} xfs", True),
        ("/ ext4; {folder} xfs; {folder} fuse.sshfs", False),
        ("/ ext4; {folder}x nfs4", True),
        ("/ somethingnew", False),
        ("", False),
    ],
)
def test_only_disks_of_this_machine_share_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounts: str, has: bool
) -> None:
    folder = tmp_path / "with blank"
    folder.mkdir()
    lines = []
    for line in filter(None, mounts.split("; ")):
        place, kind = line.split(" ")
        place = place.format(folder=str(folder).replace(" ", "\\040"))
        lines.append(f"36 35 98:0 / {place} rw,noatime master:1 - {kind} /dev/root rw\n")
    table = tmp_path / "mountinfo"
    table.write_text("".join(lines))
    monkeypatch.setattr(layout, "MOUNTS", table)
    assert layout.has_shared_memory(folder) == has
    monkeypatch.setattr(layout, "MOUNTS", tmp_path / "none")
    assert not layout.has_shared_memory(folder)


def test_a_cache_of_version_2_is_read_and_brought_up_to_date(filled: Path) -> None:
    change(filled, "DROP TABLE used")
    change(filled, "PRAGMA user_version = 2")
    notes: list[str] = []
    before = filled.read_bytes()
    with opened(filled.parent, notes) as cache, opened(filled.parent, notes) as other:
        assert len(cache.get(VALUES)) == 200
        assert filled.read_bytes() == before
        cache.put({"k": np.zeros(40, np.float32)})
        cache.flush()
        other.put({"l": np.zeros(40, np.float32)})
        other.flush()
        assert len(other.get([*VALUES, "k", "l"])) == 202
    assert notes == []
    with contextlib.closing(sqlite3.connect(filled)) as database:
        assert database.execute("SELECT count(*), min(day) FROM used").fetchone() == (202, layout.today())
        assert layout.layout_of(database) == (layout.VERSION, layout.LAYOUTS[layout.VERSION])


def test_the_day_of_the_last_use_is_kept(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = layout.today()
    keys = sorted(VALUES)
    monkeypatch.setattr(layout, "today", lambda: now + 3)
    with opened(filled.parent) as cache:
        cache.get(keys[:20])
    with contextlib.closing(sqlite3.connect(filled)) as database:
        days = dict(database.execute("SELECT key, day FROM used"))
    assert days == {key: now + 3 * (key in keys[:20]) for key in keys}


def test_a_locked_file_does_not_keep_the_day_waiting(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = layout.today()
    monkeypatch.setattr(layout, "today", lambda: now + 3)
    monkeypatch.setattr(module, "TOUCH_PATIENCE", 0.02)
    with contextlib.closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert len(held(filled)) == 200
        assert time.monotonic() - began < 10


def test_a_lock_that_is_let_go_in_time_is_waited_for(filled: Path, has_log: bool) -> None:
    other = sqlite3.connect(filled, isolation_level=None, check_same_thread=False)
    with contextlib.closing(other), opened(filled.parent) as cache:
        other.execute("BEGIN EXCLUSIVE")
        let_go = threading.Timer(0.2, other.execute, ("COMMIT",))
        let_go.start()
        cache.put({"k": np.zeros(40, np.float32)})
        cache.flush()
        let_go.join()
        assert set(cache.get(["k"])) == {"k"}


@pytest.mark.parametrize("whole", [True, False], ids=["the folder", "the file"])
def test_a_cache_that_is_deleted_while_it_is_open_is_begun_anew(
    filled: Path, has_log: bool, whole: bool
) -> None:
    with opened(filled.parent) as cache:
        assert len(cache.get(VALUES)) == 200
        for path in list(filled.parent.iterdir()) if whole else [filled]:
            path.unlink()
        if whole:
            filled.parent.rmdir()
        cache.put(VALUES)
    assert len(held(filled)) == 200


def test_processes_write_at_the_same_time(tmp_path: Path, has_log: bool) -> None:
    code = KILLED.replace("time.sleep(60)", "").replace('print("put", flush=True)', "cache.close()")
    code = code.replace("range(150)", "range(int(sys.argv[3]), 150)")
    command = [sys.executable, "-c", code, str(tmp_path), str(has_log)]
    processes = [
        subprocess.Popen([*command, start], stdout=subprocess.PIPE, text=True) for start in ("0", "70")
    ]
    assert [process.communicate()[0] for process in processes] == ["", ""]
    assert [process.returncode for process in processes] == [0, 0]
    (file,) = tmp_path.glob("*.sqlite")
    assert len(held(file)) == 200


def test_a_full_disk_loses_what_it_could_not_take_and_no_more(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: FeatureCache, rows: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with opened(filled.parent) as cache:
        cache.put({"k": np.zeros(40, np.float32)})
        with monkeypatch.context() as patch:
            patch.setattr(FeatureCache, "_write", full)
            with pytest.raises(FevbenchError, match="disk is full"):
                cache.flush()
        assert len(cache.get([*VALUES, "k"])) == 200
    assert len(held(filled)) == 200
