"""A file is the old one or the new one, and what a killed process left goes away."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fevbench.atomic import replacing, replacing_folder, write_text


def _dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_text(file, "old")

    def fail() -> None:
        with replacing(file) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_disk_that_fills_up_while_flushing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.json"
    write_text(file, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_text(file, "new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_next_write_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    stale = tmp_path / f".a.{_dead_pid()}.xyz.part.json"
    stale.write_text("half")
    write_text(tmp_path / "a.json", "new")
    assert not stale.exists()


@pytest.mark.parametrize("name", [".a.{me}.xyz.part.json", ".a.b.{dead}.xyz.part.json", ".a.part.json"])
def test_the_parts_of_others_are_left_alone(tmp_path: Path, name: str) -> None:
    """Another living process, another target whose name begins alike, a file of the user's."""
    other = tmp_path / name.format(me=os.getpid(), dead=_dead_pid())
    other.write_text("half")
    write_text(tmp_path / "a.json", "new")
    assert other.exists()


def test_names_with_pattern_characters(tmp_path: Path) -> None:
    stale = tmp_path / f".a[1]*.{_dead_pid()}.xyz.part.json"
    stale.write_text("half")
    write_text(tmp_path / "a[1]*.json", "new")
    assert not stale.exists()


def test_a_folder_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    with replacing_folder(folder) as part:
        (part / "old").write_text("old")

    def fail() -> None:
        with replacing_folder(folder) as part:
            (part / "new").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.name for path in tmp_path.rglob("*")] == ["clips", "old"]
    dead, alive = (tmp_path / f".clips.{pid}.x.part" for pid in (_dead_pid(), os.getpid()))
    dead.mkdir()
    alive.mkdir()
    with replacing_folder(folder) as part:
        (part / "new").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [alive.name, "clips"]
