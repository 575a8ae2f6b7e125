"""Blendshapes: how far each of 51 movements of the face has gone, by MediaPipe's face landmarker.

The landmarker fits a mesh of 478 points and reads the scores off 146 of them (Grishchenko et al., 2023). It
runs on the CPU, and on single frames: nothing is tracked from one to the next.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.errors import MissingPackage, WeightsError
from fevbench.extractors.faces import to_canvas

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
        try:
            import mediapipe
        except ImportError as error:
            raise MissingPackage("extractor 'blendshapes'", "mediapipe", "faces") from error
        self._path = weights["face-landmarker"]
        self._image, self._rgb = mediapipe.Image, mediapipe.ImageFormat.SRGB

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Score the face of each frame of ``uint8[N, H, W, 3]``.

        Raises:
            WeightsError: The file holds something else.
        """
        features = np.full((len(batch), len(BLENDSHAPES)), np.nan, np.float32)
        # Opened for each batch: a landmarker that is still open when the interpreter ends breaks there.
        with self._open() as landmarker:
            for i, frame in enumerate(batch):
                found = landmarker.detect(self._image(image_format=self._rgb, data=to_canvas(frame)))
                if found.face_blendshapes:
                    scores = {shape.category_name: shape.score for shape in found.face_blendshapes[0]}
                    features[i] = [scores[name] for name in BLENDSHAPES]
        return features

    def _open(self) -> Any:
        from mediapipe.tasks.python import BaseOptions, vision

        base = BaseOptions(model_asset_path=str(self._path))
        options = vision.FaceLandmarkerOptions(base, num_faces=1, output_face_blendshapes=True)
        try:
            with _silent_stderr():
                return vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise WeightsError(
                f"{self._path} does not hold a face landmarker ({reason})", "delete it and pull it again"
            ) from error


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep C++ code, which heeds no setting, from writing to standard error."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
