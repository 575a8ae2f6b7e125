"""``fevbench cache``: what is counted is there, and what is removed was not used for longest."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from tiny import Cli

from fevbench.cli import cache as command
from fevbench.errors import FevbenchError
from fevbench.extractors import cache_layout, cache_size
from fevbench.extractors.cache import FeatureCache
from fevbench.progress import Silent

TODAY = cache_layout.today()


def value(key: str) -> np.ndarray:
    return np.random.default_rng(list(key.encode())).normal(size=500).astype(np.float32)


def opened(home: Path, name: str) -> FeatureCache:
    return FeatureCache(home / "features", name, name[-1] * 64, 500, print, patience=0.05)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FEVBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def used(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Mapping[str, int]], Path]:
    """Makes a cache of 100 entries per letter, last used so many days ago."""

    def fill(name: str, letters: Mapping[str, int]) -> Path:
        for letter, ago in letters.items():
            with monkeypatch.context() as patch, contextlib.closing(opened(home, name)) as made:
                patch.setattr(cache_layout, "today", lambda ago=ago: TODAY - ago)
                made.put({key: value(key) for key in (f"{letter}{i}" for i in range(100))})
                made.close()
                path = made.path
        return path

    return fill


def left(home: Path, name: str) -> str:
    """The letters of which all entries are there; in lower case those of which some are."""
    with contextlib.closing(opened(home, name)) as held:
        found = held.get([f"{letter}{i}" for letter in "ABCDEF" for i in range(100)])
    assert all(feature.tobytes() == value(key).tobytes() for key, feature in found.items())
    counts = {letter: sum(key[0] == letter for key in found) for letter in "ABCDEF"}
    return "".join(letter if n == 100 else letter.lower() for letter, n in counts.items() if n)


def size(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "features").iterdir())


def test_info_counts_what_there_is(home: Path, used: Callable[..., Path], cli: Cli) -> None:
    assert cli("cache", "info").out == f"0 bytes in {home / 'features'}\n"
    one, two = used("net-1", {"A": 40, "B": 3}), used("other-2", {"C": 0})
    one.with_name(f"{one.name}.damaged").write_bytes(b"x" * 5000)
    said = json.loads(cli("cache", "info", "--format", "json").out)
    assert (said["folder"], said["bytes"]) == (str(home / "features"), size(home))
    rows = {(row["extractor"], row["damaged"]): row for row in said["files"]}
    assert len(rows) == len(said["files"]) == 3
    net, other, damaged = rows["net-1", False], rows["other-2", False], rows["net-1", True]
    assert (net["entries"], other["entries"], damaged["entries"]) == (200, 100, 0)
    assert (net["bytes"], damaged["bytes"]) == (one.stat().st_size, 5000)
    assert net["last_used"] == time.strftime("%Y-%m-%d", time.gmtime((TODAY - 3) * 86_400))
    assert (net["path"], other["path"], net["fingerprint"]) == (str(one), str(two), "1" * 16)
    shown = cli("cache", "info").out
    assert "net-1" in shown
    assert "damaged" in shown
    assert shown.splitlines()[-1].endswith(f" in {home / 'features'}")


def test_what_was_not_used_for_longest_goes_first(home: Path, used: Callable[..., Path], cli: Cli) -> None:
    """In all files together; entries, and not files."""
    used("net-1", {"A": 90, "B": 1})
    used("other-2", {"C": 30, "D": 60})
    before = size(home)
    plan = cli("cache", "prune", "--keep-gb", before * 0.4 / 1e9, "--dry-run")
    assert plan.code == 0, plan
    assert size(home) == before
    done = cli("cache", "prune", "--keep-gb", before * 0.4 / 1e9)
    assert done.code == 0, done
    assert (left(home, "net-1"), left(home, "other-2")) == ("B", "c")
    assert size(home) < 0.5 * before
    assert [
        line.split(": ")[0].replace("would remove", "removed") for line in plan.out.splitlines()[:-1]
    ] == [line.split(": ")[0] for line in done.out.splitlines()[:-1]]
    assert "removed 100 entries of net-1 11111111: " in done.out


def test_prune_by_age(home: Path, used: Callable[..., Path], cli: Cli) -> None:
    used("net-1", {"A": 90, "B": 31, "C": 30, "D": 0})
    gone = used("other-2", {"E": 40})
    assert cli("cache", "prune", "--older-than", "30").code == 0
    assert left(home, "net-1") == "CD"
    assert not gone.exists()
    again = cli("cache", "prune", "--older-than", "30")
    assert again.out.startswith("removed 0 entries, 0 bytes; ")


def test_what_is_read_is_used(home: Path, used: Callable[..., Path], cli: Cli) -> None:
    used("net-1", {"A": 90, "B": 90})
    with contextlib.closing(opened(home, "net-1")) as held:
        assert held.get([f"B{i}" for i in range(100)])
    assert cli("cache", "prune", "--older-than", "30").code == 0
    assert left(home, "net-1") == "B"


def test_damaged_files_go_first(home: Path, used: Callable[..., Path], cli: Cli) -> None:
    path = used("net-1", {"A": 90})
    aside = [path.with_name(f"{path.name}.damaged{end}") for end in ("", "-2")]
    aside += [path.with_name("no-3.sqlite")]
    for file in aside:
        file.write_bytes(b"x" * 10_000)
    (path.parent / f"{aside[0].name}-wal").write_bytes(b"x" * 10_000)
    old = time.time() - 50 * 86_400
    os.utime(aside[1], (old, old))
    assert "removed a damaged file of net-1 11111111: " in cli("cache", "prune", "--older-than", "40").out
    assert [file.exists() for file in aside] == [True, False, True]
    assert left(home, "net-1") == ""
    used("net-1", {"A": 90})
    assert cli("cache", "prune", "--keep-gb", (size(home) - 25_000) / 1e9).code == 0
    assert not any(file.exists() for file in aside)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert left(home, "net-1") == "A"


@pytest.mark.parametrize("has_log", [True, False], ids=["with a log", "without"])
def test_pruning_while_others_read_and_write(
    home: Path, used: Callable[..., Path], cli: Cli, monkeypatch: pytest.MonkeyPatch, has_log: bool
) -> None:
    monkeypatch.setattr(cache_layout, "has_shared_memory", lambda folder: has_log)
    used("net-1", {"A": 90, "B": 0})
    with (
        contextlib.closing(opened(home, "net-1")) as reader,
        contextlib.closing(opened(home, "net-1")) as writer,
    ):
        assert len(reader.get([f"A{i}" for i in range(100)])) == 100
        writer.put({"C0": value("C0")})
        writer.flush()
        assert cli("cache", "prune", "--older-than", "30").code == 0
        assert reader.get([f"A{i}" for i in range(100)]) == {}
        assert len(reader.get([f"B{i}" for i in range(100)])) == 100
        assert cli("cache", "prune", "--keep-gb", "0").code == 0
        assert reader.get([f"B{i}" for i in range(100)]) == {}
        writer.put({f"D{i}": value(f"D{i}") for i in range(100)})
        writer.flush()
        assert len(reader.get([f"D{i}" for i in range(100)])) == 100
    assert left(home, "net-1") == "D"


def test_a_cache_of_version_2_becomes_smaller_too(home: Path, used: Callable[..., Path], cli: Cli) -> None:
    path = used("net-1", {"A": 90, "B": 90})
    with contextlib.closing(sqlite3.connect(path)) as database:
        for statement in ("DROP TABLE used", "PRAGMA user_version = 2", "PRAGMA auto_vacuum = 0", "VACUUM"):
            database.execute(statement)
    old = time.time() - 10 * 86_400
    os.utime(path, (old, old))
    (row,) = json.loads(cli("cache", "info", "--format", "json").out)["files"]
    assert row["entries"] == 200
    assert row["last_used"] == time.strftime("%Y-%m-%d", time.gmtime(old))
    before = path.stat().st_size
    assert cli("cache", "prune", "--keep-gb", before / 2e9).code == 0
    assert path.stat().st_size < 0.6 * before
    assert left(home, "net-1") == "B"


def test_a_locked_cache_is_one_line(
    home: Path, used: Callable[..., Path], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = used("net-1", {"A": 90, "B": 0})
    monkeypatch.setattr(cache_size, "PATIENCE", 0.05)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = cli("cache", "prune", "--older-than", "30")
        other.execute("ROLLBACK")
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith(
        f"error: feature cache {path} has been locked by another process"
    )
    assert left(home, "net-1") == "AB"


def test_a_full_disk_is_one_line(
    home: Path, used: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    used("net-1", {"A": 90, "B": 0})
    files = cache_size.cache_files(home / "features", Silent())

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(cache_size, "bring_up_to_date", full)
    with pytest.raises(FevbenchError, match="free some space"):
        list(cache_size.carry_out(cache_size.plan(files, None, 30), Silent()))


def test_prune_wants_a_bound(home: Path, cli: Cli) -> None:
    said = cli("cache", "prune")
    assert said.code == 2
    assert "--keep-gb N, --older-than DAYS, or both" in said.err
    assert cli("cache", "prune", "--keep-gb", "-1").code == 2
    assert cli("cache", "prune", "--keep-gb", "nan").code == 2


def test_progress_is_shown_only_of_what_takes_long(
    home: Path, used: Callable[..., Path], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    used("net-1", {"A": 90})
    assert cli("cache", "info").err == ""
    monkeypatch.setattr(command, "SECONDS_BEFORE_BARS", -1.0)
    assert "look: 1 of 1" in cli("cache", "info").err
