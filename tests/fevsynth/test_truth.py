"""The ground truth survives the disk, byte for byte the same for the same truth."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from fevbench.errors import DatasetError
from fevbench.fevsynth.truth import FILE, Truth, read_truth


@pytest.fixture
def truth() -> Truth:
    """Of two clips of three frames and one neutral image."""
    rng = np.random.default_rng(0)

    def floats(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return rng.random(shape).astype(np.float32)

    return Truth(
        units=np.array([f"unit{number:02d}" for number in range(52)]),
        clips=np.array(["p000-anger-0", "p000-fear-0"]),
        weights=floats(2, 3, 52).astype(np.float16),
        pose=floats(2, 3, 3),
        points=floats(2, 3, 5, 2),
        light=floats(2, 3),
        key=floats(2, 3),
        ambient=floats(2, 3),
        neutrals=np.array(["p000-0"]),
        neutral_pose=floats(1, 3),
        neutral_points=floats(1, 5, 2),
        neutral_light=floats(1, 3),
    )


def test_everything_comes_back(tmp_path: Path, truth: Truth) -> None:
    truth.save(tmp_path)
    found = read_truth(tmp_path)
    for field in fields(Truth):
        saved, read = getattr(truth, field.name), getattr(found, field.name)
        assert saved.dtype == read.dtype, field.name
        assert np.array_equal(saved, read), field.name


def test_the_same_truth_gives_the_same_bytes(
    tmp_path: Path, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive usually notes the time, and the manifest's sha256 would change with it."""
    truth.save(tmp_path / "a")
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    truth.save(tmp_path / "b")
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()


def test_what_is_missing_or_broken_is_an_error(tmp_path: Path, truth: Truth) -> None:
    truth.save(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    middle = len(whole) // 2
    spoilt = whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 60]) + whole[middle + 60 :]
    for content in (b"", b"no archive", whole[:-30], whole[:100], spoilt):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(DatasetError, match=r"truth\.npz is missing or broken"):
            read_truth(tmp_path)
    (tmp_path / FILE).unlink()
    with pytest.raises(DatasetError, match=r"truth\.npz is missing or broken"):
        read_truth(tmp_path)


def test_a_truth_that_lacks_something_is_an_error(tmp_path: Path, truth: Truth) -> None:
    np.savez(tmp_path / FILE, units=truth.units, clips=truth.clips)
    with pytest.raises(DatasetError, match="weights"):
        read_truth(tmp_path)
