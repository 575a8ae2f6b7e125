"""Clips survive the disk: same bytes for the same frames, quality above the floor, notes readable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fevbench.data.fevsynth.render.population import design
from fevbench.data.fevsynth.render.writer import (
    MIN_PSNR,
    describe_clip,
    read_notes,
    write_clip,
)
from fevbench.data.video import read_clip
from fevbench.errors import DatasetError


@pytest.fixture
def frames() -> NDArray[np.uint8]:
    """A bright disc moving over a noisy ramp."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:48, 0:48]
    ramp = np.stack([x * 4, y * 4, 200 - x * 2], -1)[None] + rng.normal(0, 1, (10, 48, 48, 3))
    for index in range(10):
        ramp[index][(x - 10 - 2 * index) ** 2 + (y - 24) ** 2 < 60] = (230, 180, 160)
    return np.clip(ramp, 0, 255).astype(np.uint8)


def test_frames_come_back_close_and_complete(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    write_clip(tmp_path / "clip.mkv", frames, {})
    found = read_clip(tmp_path / "clip.mkv")
    assert found.shape == frames.shape
    assert 10 * np.log10(255**2 / np.mean((found.astype(float) - frames) ** 2)) >= MIN_PSNR


def test_the_same_frames_give_the_same_file(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    for name in ("a.mkv", "b.mkv"):
        write_clip(tmp_path / name, frames, {"seed": 3})
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_notes_come_back(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    write_clip(tmp_path / "clip.mkv", frames, {"seed": 3, "label": "fear"})
    notes = read_notes(tmp_path / "clip.mkv")
    assert notes is not None
    assert (notes["seed"], notes["label"]) == (3, "fear")
    assert notes["psnr"] >= MIN_PSNR


def test_what_is_no_clip_has_no_notes(tmp_path: Path) -> None:
    (tmp_path / "clip.mkv").write_bytes(b"not a video")
    assert read_notes(tmp_path / "clip.mkv") is None
    assert read_notes(tmp_path / "missing.mkv") is None


def test_a_damaged_clip_is_named(tmp_path: Path) -> None:
    subject = design(1, 0, seed=0)[0]
    with pytest.raises(DatasetError, match=r"p000-fear-0\.mkv is no rendered clip: delete it"):
        describe_clip(tmp_path, subject, "fear", 0)
