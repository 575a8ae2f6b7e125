"""MediaPipe's face landmarker: opened so that it stays silent and ends well, and shown one frame at a time.

It runs on the CPU, and on single frames: nothing is tracked from one to the next.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.errors import MissingPackage, WeightsError
from fevbench.extractors.faces import BORDER, FACE_SIZE, to_canvas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

LANDMARKER = "face-landmarker"
"""Its name among fevbench's weights."""
POINTS = 478
"""Points of the mesh: 468 of the face, and 5 of each iris."""


class Landmarker:
    """MediaPipe with `LANDMARKER`.

    Args:
        weights: Where the files are, by name.
        user: Who needs it, for the message.

    Raises:
        MissingPackage: MediaPipe is not installed.
    """

    def __init__(self, weights: Mapping[str, Path], user: str) -> None:
        try:
            import mediapipe
        except ImportError as error:
            raise MissingPackage(user, "mediapipe", "faces") from error
        self._path = weights[LANDMARKER]
        self._image, self._rgb = mediapipe.Image, mediapipe.ImageFormat.SRGB

    def look(self, frames: Frames, everything: bool = False) -> Iterator[Any]:
        """What MediaPipe says of each frame of ``uint8[N, H, W, 3]``, shown on the canvas of `to_canvas`.

        Args:
            frames: The frames.
            everything: Whether it shall say the blendshapes and the head's pose as well as the mesh.

        Raises:
            WeightsError: The file holds something else.
        """
        # Opened for each batch: a landmarker that is still open when the interpreter ends breaks there.
        with self._open(everything) as landmarker:
            for frame in frames:
                yield landmarker.detect(self._image(image_format=self._rgb, data=to_canvas(frame)))

    def points(self, frames: Frames) -> NDArray[np.float32]:
        """The mesh of the face of each frame ``uint8[N, S, S, 3]``.

        Returns:
            ``float32[N, 478, 2]``, x and y as parts of the frame's side; NaN where no face is found.
        """
        points = np.full((len(frames), POINTS, 2), np.nan, np.float32)
        for i, seen in enumerate(self.look(frames)):
            if seen.face_landmarks:
                points[i] = mesh(seen)[:, :2]
        return points

    def _open(self, everything: bool) -> Any:
        from mediapipe.tasks.python import BaseOptions, vision

        base = BaseOptions(model_asset_path=str(self._path))
        options = vision.FaceLandmarkerOptions(
            base,
            num_faces=1,
            output_face_blendshapes=everything,
            output_facial_transformation_matrixes=everything,
        )
        try:
            with _silent_stderr():
                return vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise WeightsError(
                f"{self._path} does not hold a face landmarker ({reason})", "delete it and pull it again"
            ) from error


def mesh(seen: Any) -> NDArray[np.float64]:
    """The mesh of what `Landmarker.look` saw of a square frame.

    Returns:
        ``float64[478, 3]``: x and y as parts of the frame's side, and on the same scale the depth z, which
        grows away from the camera and whose zero is about the head's middle.
    """
    found = np.array([(point.x, point.y, point.z) for point in seen.face_landmarks[0]])
    return ((FACE_SIZE + 2 * BORDER) * found - (BORDER, BORDER, 0)) / FACE_SIZE


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
