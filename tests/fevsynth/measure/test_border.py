"""A planted leak is found, an absent one is not, and each part is where it should be."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.fevsynth.measure.border import PARTS, colours, leak

PEOPLE = np.repeat([f"p{i:02d}" for i in range(24)], 8)
TRAIN = np.tile([True, False], 96)


def backgrounds(leaking: float) -> np.ndarray:
    """``uint8[192, 32, 32, 3]``: the face is the person's, the rest is drawn anew but for a share."""
    rng = np.random.default_rng(0)
    own = np.repeat(rng.uniform(20, 235, (24, 3)), 8, axis=0)
    frames = np.empty((192, 32, 32, 3))
    frames[:] = (leaking * own + (1 - leaking) * rng.uniform(20, 235, (192, 3)))[:, None, None]
    frames[:, 8:24, 8:24] = own[:, None, None]
    return (frames + rng.normal(0, 4, frames.shape)).clip(0, 255).astype(np.uint8)


def test_no_leak_is_no_better_than_chance() -> None:
    found = leak("background", colours(backgrounds(0), PARTS["background"]), PEOPLE, TRAIN)
    assert found.chance == pytest.approx(1 / 24)
    assert found.accuracy.n == 96
    assert found.p_value > 0.01
    assert (found.accuracy.value or 0) < 0.15


def test_a_planted_leak_is_found() -> None:
    """Half of the colour is the person's: invisible among random backgrounds, but there."""
    found = leak("background", colours(backgrounds(0.5), PARTS["background"]), PEOPLE, TRAIN)
    assert found.p_value < 1e-3


def test_the_face_shows_that_the_classifier_can_name_people() -> None:
    found = leak("face", colours(backgrounds(0), PARTS["face"]), PEOPLE, TRAIN)
    assert found.accuracy.value == 1


@pytest.mark.parametrize("size", [128, 100])
def test_parts_are_where_they_should_be(size: int) -> None:
    """The border is seen, and only the border: 8 pixels of 128, in any size of frame."""
    frame = np.zeros((1, size, size, 3), np.uint8)
    strip = size // 16
    frame[:, : size // 2, :strip] = frame[:, : size // 2, -strip:] = 200
    frame[:, -strip:] = 100
    assert colours(frame, PARTS["background"]).shape == (1, 2 * 8 * 3)
    assert colours(frame, PARTS["background"]).mean() == pytest.approx(200, rel=0.1)
    assert colours(frame, PARTS["clothes"]).mean() == pytest.approx(100, rel=0.1)
    assert colours(frame, PARTS["face"]).max() == 0
