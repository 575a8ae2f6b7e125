"""Arrays, tensors, lists, folders and files become the same clips, or one line says why they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fevbench.api.given import Layout, as_given, as_pictures, matched, to_frames
from fevbench.data.tensors import to_pixels, to_tensor
from fevbench.data.video import write_clip
from fevbench.errors import FevbenchError

RNG = np.random.default_rng(0)
CLIPS = RNG.integers(0, 256, (2, 5, 16, 16, 3), dtype=np.uint8)
PLAIN = Layout()


def loaded(given: Any, layout: Layout = PLAIN) -> np.ndarray:
    return np.stack([clip.load()[0] for clip in as_given(given, "made", layout).clips])


@pytest.mark.parametrize("axes", [(0, 1, 2, 3, 4), (0, 1, 4, 2, 3), (0, 4, 1, 2, 3)])
def test_every_layout_is_read(axes: tuple[int, ...]) -> None:
    moved = CLIPS.transpose(axes)
    assert np.array_equal(loaded(moved), CLIPS)
    assert np.array_equal(loaded(torch.from_numpy(moved.copy())), CLIPS)
    assert np.array_equal(loaded(list(moved)), CLIPS)
    assert np.array_equal(loaded(moved[0]), CLIPS[:1])


@given(st.floats(-300, 300), st.floats(0.01, 600))
def test_floats_of_any_range_become_the_pixels_they_were(low: float, width: float) -> None:
    values = (CLIPS[0] / 255 * width + low).astype(np.float64)
    assert np.array_equal(to_frames(values, "made", Layout((low, low + width))), CLIPS[0])


def test_a_models_output_becomes_the_pixels_of_a_run() -> None:
    video = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(1)).clamp(-1.9, 1.9)
    assert np.array_equal(loaded(video, Layout((-1, 1)))[0], to_pixels(video))
    assert np.array_equal(loaded(to_tensor(CLIPS[0]).requires_grad_(), Layout((-1, 1)))[0], CLIPS[0])
    half = to_tensor(CLIPS[0]).to(torch.bfloat16)
    assert np.abs(loaded(half, Layout((-1, 1)))[0].astype(int) - CLIPS[0]).max() <= 1


@pytest.mark.parametrize(
    ("given", "layout", "says"),
    [
        (CLIPS[0] / 255, PLAIN, "its value range is unknown"),
        (CLIPS[0] / 1.0, Layout((0, 1)), "has values from 0 to 255, beyond value_range"),
        (CLIPS[0] / 127.5 - 1, Layout((0, 1)), "beyond value_range"),
        (np.full((5, 16, 16, 3), np.nan), Layout((0, 1)), "holds NaN"),
        (CLIPS[0].astype(np.int64), PLAIN, "holds int64"),
        (CLIPS[0] > 3, PLAIN, "holds bool"),
        (CLIPS[0][..., :1], PLAIN, "has no axis of 3 colours"),
        (CLIPS[0][:3], PLAIN, "may be THWC or CTHW: choose one"),
        (CLIPS[0], Layout(axes="TCHW"), "no axis of 3 colours in layout TCHW"),
        (CLIPS[0][0], PLAIN, r"has shape \(16, 16, 3\)"),
        (CLIPS[0][:0], PLAIN, "has shape"),
        ([], PLAIN, "holds no clip"),
        (3, PLAIN, "int holds no clips"),
        ("no/such/place", PLAIN, "does not exist"),
    ],
)
def test_what_is_not_certain_is_refused(given: Any, layout: Layout, says: str) -> None:
    with pytest.raises(FevbenchError, match=says):
        as_given(given, "made", layout)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(((1, 1), ""), "is empty"), (((2, -1), ""), "is empty"), ((None, "HWC"), "unknown layout 'HWC'")],
)
def test_a_layout_that_cannot_be(arguments: tuple[Any, str], says: str) -> None:
    with pytest.raises(FevbenchError, match=says):
        Layout(*arguments)


def test_three_frames_are_read_with_their_layout() -> None:
    assert np.array_equal(loaded(CLIPS[0][:3], Layout(axes="THWC"))[0], CLIPS[0][:3])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clips" / "clip10").mkdir(parents=True)
    write_clip(tmp_path / "clips" / "clip9.mkv", CLIPS[0], 25)
    for i, frame in enumerate(CLIPS[1]):
        Image.fromarray(frame).save(tmp_path / "clips" / "clip10" / f"{i}.png")
    (tmp_path / "clips" / "notes.txt").touch()
    return tmp_path / "clips"


def test_folders_and_files_are_read_in_natural_order(folder: Path) -> None:
    assert [clip.name for clip in as_given(folder, "made", PLAIN).clips] == ["clip9", "clip10"]
    assert np.array_equal(loaded(folder), CLIPS)
    assert np.array_equal(loaded(str(folder / "clip9.mkv")), CLIPS[:1])
    assert np.array_equal(loaded(folder / "clip10"), CLIPS[1:])
    assert np.array_equal(loaded([folder / "clip10", folder / "clip9.mkv"]), CLIPS[::-1])


def test_a_folder_with_nothing_or_with_one_name_twice(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FevbenchError, match="holds no clip"):
        as_given(tmp_path / "empty", "made", PLAIN)
    write_clip(folder / "clip10.mkv", CLIPS[0], 25)
    with pytest.raises(FevbenchError, match="holds clip10 twice"):
        as_given(folder, "made", PLAIN)


def test_pictures(folder: Path) -> None:
    images = as_pictures(folder / "clip10", "inputs", PLAIN).clips
    assert [image.name for image in images] == ["0", "1", "2", "3", "4"]
    assert np.array_equal(images[2].load()[0], CLIPS[1][2:3])
    batch = as_pictures(torch.from_numpy(CLIPS[1]).permute(0, 3, 1, 2), "inputs", PLAIN).clips
    assert np.array_equal(batch[4].load()[0], CLIPS[1][4:5])
    with pytest.raises(FevbenchError, match="holds no picture"):
        as_pictures(folder, "inputs", PLAIN)


def test_matching(folder: Path, tmp_path: Path) -> None:
    made, arrays = as_given(folder, "made", PLAIN), as_given(CLIPS, "true", PLAIN)
    assert matched(made, arrays, None)[1] == "order"
    assert matched(made, made, None)[1:] == ("name", [])
    other = tmp_path / "other"
    other.mkdir()
    write_clip(other / "clip10.mkv", CLIPS[0], 25)
    write_clip(other / "x.mkv", CLIPS[0], 25)
    pairs, how, alone = matched(made, as_given(other, "true", PLAIN), None)
    assert ([(a.name, b.name) for a, b in pairs], how, alone) == (
        [("clip10", "clip10")],
        "name",
        ["clip9", "x"],
    )
    pairs, how, _ = matched(made, as_given(other, "true", PLAIN), "order")
    assert ([(a.name, b.name) for a, b in pairs], how) == ([("clip9", "clip10"), ("clip10", "x")], "order")
    with pytest.raises(FevbenchError, match="no clip of made has the name of a clip of true"):
        matched(made, arrays, "name")
    with pytest.raises(FevbenchError, match="made holds 2 clips, true 1"):
        matched(made, as_given(CLIPS[:1], "true", PLAIN), None)
