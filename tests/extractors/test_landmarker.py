"""The mesh's points lie where another network sees the same things."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fevbench.extractors.landmarker import Landmarker
from fevbench.extractors.points import FacePoints

pytestmark = [
    pytest.mark.weights,
    pytest.mark.skipif(importlib.util.find_spec("mediapipe") is None, reason="needs fevbench[faces]"),
]
IRISES_AND_MOUTH = [468, 473, 61, 291]


@pytest.mark.parametrize("size", [64, 256])
def test_points_are_where_the_face_detector_has_them(
    weight_paths: dict[str, Path], photograph: np.ndarray, size: int
) -> None:
    frame = np.asarray(Image.fromarray(photograph).resize((size, size), Image.Resampling.BICUBIC))[None]
    points = Landmarker(weight_paths, "a test").points(frame)
    assert points.shape == (1, 478, 2)
    five = FacePoints("cpu", weight_paths)(frame).reshape(5, 2) / size
    # Eyes and mouth are some 0.1 of this picture's side apart; without the border's share they would be off.
    assert np.abs(points[0, IRISES_AND_MOUTH] - five[[0, 1, 3, 4]]).max() < 0.02


def test_no_face_is_nan(weight_paths: dict[str, Path]) -> None:
    assert np.isnan(Landmarker(weight_paths, "a test").points(np.full((1, 64, 64, 3), 128, np.uint8))).all()
