"""A clip is put back where its face was cut out, without a seam."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fevbench.data.framing import FRAMING, cut_out, upright
from fevbench.generate.clips import fitting_size, pasted, shrunk

SMOOTH = np.asarray(
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 10, 3), np.uint8)).resize(
        (400, 320), Image.Resampling.BICUBIC
    )
)


def square(side: float, tilt: float, x: float, y: float) -> np.ndarray:
    """Where a face of that size and tilt, in degrees, has its frame."""
    t = np.radians(tilt)
    points = side * FRAMING @ np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]]) + [x, y]
    return upright(points)


@pytest.mark.parametrize(
    "place", [(150, 0, 100, 60), (150, 25, 150, 60), (90, -140, 250, 220), (200, 10, -60, 180)]
)
@pytest.mark.parametrize("size", [64, 256])
def test_what_was_not_changed_comes_back_as_it_was(place: tuple[float, ...], size: int) -> None:
    placement = square(*place)
    clip = np.repeat(cut_out(SMOOTH, placement, size)[None], 2, 0)
    video = pasted(SMOOTH, clip, placement)
    assert video.shape == (2, *SMOOTH.shape)
    assert np.abs(video.astype(int) - SMOOTH).mean() < 0.6
    assert np.abs(video.astype(int) - SMOOTH).max() < 12


def test_a_mark_comes_back_to_its_place_and_the_rest_stays() -> None:
    placement = square(120, 30, 180, 60)
    clip = np.repeat(cut_out(SMOOTH, placement, 120)[None], 3, 0)
    clip[2, 55:65, 75:85] = 255
    video = pasted(SMOOTH, clip, placement).astype(int)
    x, y = placement @ [80 / 120, 60 / 120, 1]
    assert (video[2, round(y) - 2 : round(y) + 2, round(x) - 2 : round(x) + 2] > 250).all()
    changed = np.abs(video[2] - video[0]).max(-1) > 8
    assert 60 < changed.sum() < 220
    assert np.array_equal(video[0, :40], SMOOTH[:40]), "outside the square nothing changes"


def test_the_border_of_the_square_does_not_show() -> None:
    placement = square(150, 20, 150, 60)
    white = np.full((1, 150, 150, 3), 255, np.uint8)
    (frame,) = pasted(np.zeros_like(SMOOTH), white, placement).astype(int)
    assert frame.max() == 255
    steps = np.abs(np.diff(frame[..., 0], axis=0)).max(), np.abs(np.diff(frame[..., 0], axis=1)).max()
    assert max(steps) < 30, "it fades in"


def test_a_square_beside_the_photograph_changes_nothing() -> None:
    clip = np.zeros((1, 64, 64, 3), np.uint8)
    assert np.array_equal(pasted(SMOOTH, clip, square(50, 0, 900, 900))[0], SMOOTH)


def test_sizes() -> None:
    assert shrunk(SMOOTH, 200).shape == (160, 200, 3)
    assert shrunk(SMOOTH, 1280).shape == SMOOTH.shape
    assert [fitting_size(square(side, 33, 0, 0)) for side in (30, 200, 900)] == [64, 200, 512]
