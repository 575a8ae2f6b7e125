"""Blendshapes: how far each of 51 movements of the face has gone, by MediaPipe's face landmarker.

The landmarker fits a mesh of 478 points and reads the scores off 146 of them (Grishchenko et al., 2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.extractors.landmarker import Landmarker

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


class Blendshapes:
    """Frames to scores ``float32[N, 51]`` in [0, 1] over `BLENDSHAPES`; NaN where no face is found.

    Raises:
        MissingPackage: MediaPipe is not installed.
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        self._landmarker = Landmarker(weights, "extractor 'blendshapes'")

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Score the face of each frame of ``uint8[N, H, W, 3]``.

        Raises:
            WeightsError: The file holds something else.
        """
        features = np.full((len(batch), len(BLENDSHAPES)), np.nan, np.float32)
        for i, seen in enumerate(self._landmarker.look(batch, blendshapes=True)):
            if seen.face_blendshapes:
                scores = {shape.category_name: shape.score for shape in seen.face_blendshapes[0]}
                features[i] = [scores[name] for name in BLENDSHAPES]
        return features
