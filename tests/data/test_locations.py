"""Where prepared sets are is remembered, however many are prepared at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from fevbench.data import datasets as remembered
from fevbench.data.datasets import prepared_folders, prepared_folders_file, remember_folder

MANY = """
import sys
from pathlib import Path
from fevbench.data.datasets import remember_folder
for i in range(20):
    remember_folder(f"{sys.argv[1]}{i}", Path("/sets"))
"""


def test_a_name_stands_for_the_folder_that_was_named_last() -> None:
    assert remember_folder("mug", Path("/a")) is None
    assert remember_folder("mug", Path("/a")) is None
    assert remember_folder("mug", Path("/b")) == Path("/a")
    assert prepared_folders() == {"mug": Path("/b")}


def test_no_name_is_lost_where_many_end_at_once() -> None:
    processes = [subprocess.Popen([sys.executable, "-c", MANY, who]) for who in "abc"]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert set(prepared_folders()) == {f"{who}{i}" for who in "abc" for i in range(20)}


def test_a_lock_that_stays_is_said_and_nothing_is_written(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_folder("mug", Path("/a"))
    monkeypatch.setattr(remembered, "WAIT_S", 0)
    with (
        filelock.FileLock(home / ".datasets.json.lock"),
        pytest.raises(OSError, match="another process holds its lock") as error,
    ):
        remember_folder("mug", Path("/b"))
    assert error.value.filename == str(prepared_folders_file())
    assert prepared_folders() == {"mug": Path("/a")}


def test_where_there_are_no_locks_it_is_written_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: filelock.FileLock, *_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    remember_folder("mug", Path("/a"))
    assert prepared_folders() == {"mug": Path("/a")}
