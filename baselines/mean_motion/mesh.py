"""Where the points of a face are: MediaPipe's mesh, as five points say nothing of brows, lids and lips."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fevbench import weights
from fevbench.extractors.face_mesh import LANDMARKER, Landmarker

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

    Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Mesh:
    """A finder of points.

    Attributes:
        points: Maps frames ``uint8[N, S, S, 3]`` to ``float32[N, P, 2]``, x and y as parts of the frame's
            side; NaN where no face is found.
        version: What says which finder this is.
    """

    points: Callable[[Frames], Floats]
    version: str


def open_mesh() -> Mesh:
    """MediaPipe's; its file was pulled before.

    Raises:
        MissingPackage: MediaPipe is not installed.
        WeightsError: The file is missing.
    """
    local = weights.require(LANDMARKER, offline=True)
    landmarker = Landmarker({LANDMARKER: local.path}, "model 'mean-motion'")
    return Mesh(landmarker.points, f"{local.sha256} by mediapipe {importlib.metadata.version('mediapipe')}")
