"""A file is the old one or the new one, and what a killed process left goes away."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fevbench.atomic import replacing, write_text


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


@pytest.mark.parametrize("pid", ["{dead}", "{me}", "1"])
def test_the_next_write_removes_what_a_killed_process_left(tmp_path: Path, pid: str) -> None:
    """On this machine or on another, where its id may be that of some process here."""
    stale = tmp_path / f".a.{pid.format(me=os.getpid(), dead=_dead_pid())}.xyz.part.json"
    stale.write_text("half")
    write_text(tmp_path / "a.json", "new")
    assert not stale.exists()


@pytest.mark.parametrize("name", [".a.b.{dead}.xyz.part.json", ".a.part.json"])
def test_the_parts_of_other_targets_are_left_alone(tmp_path: Path, name: str) -> None:
    """Another target whose name begins alike, a file of the user's."""
    other = tmp_path / name.format(dead=_dead_pid())
    other.write_text("half")
    write_text(tmp_path / "a.json", "new")
    assert other.exists()


@pytest.mark.parametrize("pid", [3_999_999, os.getpid()], ids=["no process", "ours"])
def test_what_another_process_writes_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pid: int
) -> None:
    """In another container, of which no id is alive here, too."""
    file = tmp_path / "a.json"
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: pid)
        one = replacing(file)
        part = one.__enter__()
    part.write_text("first")
    write_text(file, "second")
    assert part.read_text() == "first"
    one.__exit__(None, None, None)
    assert file.read_text() == "first"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_of_many_files_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it held then goes with the next write of its target, whenever that comes."""
    stale = [tmp_path / f".{name}.{_dead_pid()}.xyz.part.json" for name in "ab"]
    for part in stale:
        part.write_text("half")
    listed: list[Path] = []
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: listed.append(self) or iterdir(self))
    for name in "cda":
        write_text(tmp_path / f"{name}.json", "new")
    assert listed == [tmp_path]
    assert [part.exists() for part in stale] == [False, True]
    monkeypatch.chdir(tmp_path)
    write_text(Path("b.json"), "new")
    assert not stale[1].exists()
    (tmp_path / "more").mkdir()
    (tmp_path / "more/.b.1.xyz.part.json").write_text("half")
    write_text(tmp_path / "more/b.json", "new")
    assert [path.name for path in iterdir(tmp_path / "more")] == ["b.json"]


def test_a_killed_writer_lets_go(tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path; from fevbench.atomic import replacing\n"
        "with replacing(Path('a.json')) as part:\n"
        "    part.write_text('half'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert len(list(tmp_path.iterdir())) == 1
    write_text(tmp_path / "a.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_where_there_are_no_locks_nothing_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    other = tmp_path / ".a.1.xyz.part.json"
    other.write_text("half")
    write_text(tmp_path / "a.json", "new")
    assert (tmp_path / "a.json").read_text() == "new"
    assert other.exists()


def test_names_with_pattern_characters(tmp_path: Path) -> None:
    stale = tmp_path / f".a[1]*.{_dead_pid()}.xyz.part.json"
    stale.write_text("half")
    write_text(tmp_path / "a[1]*.json", "new")
    assert not stale.exists()
