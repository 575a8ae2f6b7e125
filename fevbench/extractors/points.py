"""Five points of the face, where the detector sees them that aligns faces for ArcFace.

The weights are InsightFace's, for non-commercial research only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.extractors.faces import BORDER, FACE_SIZE, FaceDetector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

POINTS = ("eye left", "eye right", "nose", "mouth left", "mouth right")
"""The five points; left and right are the picture's."""


class FacePoints:
    """Frames to points ``float32[N, 10]``; NaN where no face is found.

    The points are x and y of each of `POINTS` in pixels of the frame; the centre of its first pixel is at
    (0.5, 0.5).
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        self._detector = FaceDetector(device, weights["scrfd-500m"])

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Find the points of the largest face of each frame of ``uint8[N, H, W, 3]``."""
        points = np.full((len(batch), 10), np.nan, np.float32)
        scale = FACE_SIZE / max(batch.shape[1:3])
        for i, frame in enumerate(batch):
            face = self._detector.largest(frame)
            if face is not None:
                # The detector counts from the centre of the first pixel, the ground truth from its corner.
                points[i] = ((face.landmarks - BORDER + 0.5) / scale).ravel()
        return points
