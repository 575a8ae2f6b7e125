"""In place of MediaPipe: nine points of the moving square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.mean_motion.mesh import Mesh

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

OFFSETS = np.array([(x, y) for x in (0, 12, 24) for y in (0, 12, 24)], np.float32)


def find_square(frames: Frames) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The only thing that is not grey; NaN where everything is."""
    points = np.full((len(frames), 9, 2), np.nan, np.float32)
    for i, frame in enumerate(frames):
        rows, columns = np.nonzero(np.ptp(frame.astype(int), axis=2) > 20)
        if len(rows):
            points[i] = (np.array([columns.min(), rows.min()]) + OFFSETS) / frame.shape[0]
    return points


MESH = Mesh(find_square, "square")
