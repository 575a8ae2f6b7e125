"""The mesh's points are parts of the frame, and go where the face goes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from fevbench.extractors.face_mesh import Landmarker

pytestmark = [
    pytest.mark.weights,
    pytest.mark.skipif(importlib.util.find_spec("mediapipe") is None, reason="needs fevbench[faces]"),
]


@pytest.mark.parametrize("corner", [(0, 0), (64, 32)])
def test_points_go_with_the_face(
    weight_paths: dict[str, Path], photograph: np.ndarray, corner: tuple[int, int]
) -> None:
    """The black border around what MediaPipe is shown is no part of the frame."""
    x, y = corner
    wider = np.zeros((320, 320, 3), np.uint8)
    wider[y : y + 256, x : x + 256] = photograph
    landmarker = Landmarker(weight_paths, "a test")
    (before,), (after,) = landmarker.points(photograph[None]), landmarker.points(wider[None])
    assert before.shape == (478, 2)
    assert np.abs(after - (256 * before + corner) / 320).max() < 0.015


def test_no_face_is_nan(weight_paths: dict[str, Path]) -> None:
    assert np.isnan(Landmarker(weight_paths, "a test").points(np.full((1, 64, 64, 3), 128, np.uint8))).all()
