"""The feature cache: what it keeps, what it does not believe, and that a kill loses nothing that was put."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fevbench.errors import FevbenchError
from fevbench.extractors import cache as module
from fevbench.extractors.cache import FeatureCache

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
    assert notes == [f"feature cache {filled}: damaged features of 1 sample were computed anew"]
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
    assert len(notes) == 1
    assert ("features of 1 sample" if size == -1 else f"{filled.name}.damaged") in notes[0]


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
        "PRAGMA user_version = 3",
    ],
)
def test_a_damaged_schema_is_put_aside(filled: Path, statement: str) -> None:
    change(filled, statement)
    notes: list[str] = []
    assert held(filled, notes) == {}
    assert "it is no cache of this version" in notes[0]


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
        left = [Path(f"{filled}{suffix}") for suffix in module.JOURNALS]
        for path in left:
            path.write_bytes(b"of the old file")
        cache._put_aside(module._DamageError("for the test"))
        assert not any(path.exists() for path in left)
    assert len(list(filled.parent.glob("*.damaged*"))) == 4


def test_damage_that_shows_only_while_writing(filled: Path) -> None:
    """The first page is whole, so that the file opens."""
    content = filled.read_bytes()
    notes: list[str] = []
    with opened(filled.parent, notes) as cache:
        filled.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        cache.put(VALUES)
    assert "cannot be trusted" in notes[0]
    assert held(filled).keys() == VALUES.keys()


def test_two_processes_put_a_damaged_file_aside_once(filled: Path) -> None:
    notes: list[str] = []
    content = filled.read_bytes()
    with opened(filled.parent, notes) as one, opened(filled.parent, notes) as other:
        filled.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        for cache in (one, other):
            cache.put(VALUES)
            assert cache.get(VALUES).keys() == VALUES.keys()
    assert len(notes) == 1


def test_a_locked_file_is_waited_for_and_then_named(filled: Path) -> None:
    """It is somebody's work, and whole: nobody is told to delete it."""
    connection = sqlite3.connect(filled, isolation_level=None)
    with contextlib.closing(connection) as other, opened(filled.parent, patience=0.05) as cache:
        other.execute("BEGIN EXCLUSIVE")
        for act in (lambda: cache.put(VALUES), lambda: cache.get(VALUES)):
            with pytest.raises(FevbenchError, match="is locked by another process") as refused:
                act()
            assert "delete" not in str(refused.value)
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
        cache.put({"k": np.zeros(40, np.float32)})
        cache.put({"l": np.zeros(40, np.float32)})
    assert notes == [f"feature cache {filled} can only be read: what is computed is not kept"]


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
        pytest.raises(FevbenchError, match=r"Too many open files.*: let more files be open"),
        opened(filled.parent),
    ):
        pass
    assert filled.exists()


def test_a_disk_on_which_every_file_is_damaged(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(module, "_layout", damaged)
    with pytest.raises(FevbenchError, match="see whether the disk is sound"), opened(filled.parent):
        pass
