"""The face as MediaPipe's landmarker tracks it: 51 blendshapes, the head's pose and a mesh, in one look.

The landmarker fits a mesh of 478 points (Kartynnik et al., 2019), reads blendshapes, scores of how far
each movement of the face has gone, off 146 of them (Grishchenko et al., 2023), and fits a rigid
model of a face to the mesh for the pose.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.extractors.landmarker import POINTS, Landmarker, mesh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

BLENDSHAPES: tuple[str, ...] = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight",
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
"""ARKit's names in alphabetical order, without ``tongueOut``, which MediaPipe does not know.

Left and right are the person's own.
"""


SCORES = slice(0, len(BLENDSHAPES))
"""Columns of the blendshapes."""
POSE = slice(SCORES.stop, SCORES.stop + 12)
"""Columns of the pose: the upper three rows of a 4 x 4 matrix, row by row."""
MESH = slice(POSE.stop, POSE.stop + 3 * POINTS)
"""Columns of the mesh: x, y and z of each point."""


class FaceMesh:
    """Frames to ``float32[N, 1497]``; NaN where no face is found.

    * `SCORES`: blendshapes in [0, 1], over `BLENDSHAPES`;
    * `POSE`: the matrix that puts MediaPipe's model of a face in its place before the camera, in cm;
    * `MESH`: the points of `fevbench.extractors.landmarker.mesh`, of square frames.

    Raises:
        MissingPackage: MediaPipe is not installed.
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        self._landmarker = Landmarker(weights, "extractor 'face-mesh'")

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Look at the face of each frame of ``uint8[N, S, S, 3]``.

        Raises:
            WeightsError: The file holds something else.
        """
        features = np.full((len(batch), MESH.stop), np.nan, np.float32)
        for i, seen in enumerate(self._landmarker.look(batch, everything=True)):
            if seen.face_landmarks:
                scores = {shape.category_name: shape.score for shape in seen.face_blendshapes[0]}
                features[i, SCORES] = [scores[name] for name in BLENDSHAPES]
                features[i, POSE] = seen.facial_transformation_matrixes[0][:3].ravel()
                features[i, MESH] = mesh(seen).ravel()
        return features
