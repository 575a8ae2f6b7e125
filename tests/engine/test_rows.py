"""Features on disk while they are scored: the same arrays, and one line where the disk is full."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from tiny import Cli

from fevbench.engine import rows
from fevbench.engine.rows import RowsOnDisk


def test_arrays_are_the_same_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "CHUNK", 4096)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(n, 7)).astype(kind) for n in (0, 1, 3, 500) for kind in ("f4", "f8")]
    disk = RowsOnDisk(tmp_path)
    kept = [disk.keep(array) for array in arrays]
    for array, own in zip(arrays, kept, strict=True):
        assert own.dtype == array.dtype
        assert np.array_equal(own, array)
        assert not len(own) or not np.shares_memory(own, array)
    assert list(tmp_path.iterdir()) == [], "it has no name, so that a kill leaves nothing"


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs space to be taken at once")
def test_a_full_disk_is_one_line(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written to memory that is mapped, a disk that is full would kill the process."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(rows.os, "posix_fallocate", full)
        shown = cli("run", "copy", "tiny", "--metrics", "psnr", "--out", tmp_path / "run")
        assert shown.code == 1
        assert "run while they are scored (No space left on device): free some space" in shown.complaint
    assert cli("run", "copy", "tiny", "--metrics", "psnr", "--out", tmp_path / "run").code == 0
