"""MediaPipe's face landmarker: 51 blendshapes, the head's pose and a mesh, from one pass.

The landmarker fits a mesh of 478 points (Kartynnik et al., 2019). From 146 of them it computes blendshapes,
which score how far each movement of the face has gone (Grishchenko et al., 2023). For the pose it fits a
rigid model of a face to the mesh. It runs on the CPU and on single frames, without tracking.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Frames
from fevbench.errors import MissingPackage, WeightsError
from fevbench.extractors.faces import BORDER, FACE_SIZE, to_canvas

LANDMARKER = "face-landmarker"
"""The landmarker's name in the weights registry."""
POINTS = 478
"""Points of the mesh: 468 of the face, and 5 of each iris."""
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
"""ARKit's names in alphabetical order, without ``tongueOut``, which MediaPipe lacks.

Left and right are the person's own.
"""
SCORES = slice(0, len(BLENDSHAPES))
"""Columns of the blendshapes."""
POSE = slice(SCORES.stop, SCORES.stop + 12)
"""Columns of the pose: the upper three rows of a 4 x 4 matrix, row by row."""
MESH = slice(POSE.stop, POSE.stop + 3 * POINTS)
"""Columns of the mesh: x, y and z of each point."""


class Landmarker:
    """MediaPipe with `LANDMARKER`, opened when ``user`` first needs it and closed with this object.

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
        self._opened: dict[tuple[int, bool], Any] = {}
        self._closings: list[weakref.finalize[..., Landmarker]] = []

    def look(self, frames: Frames, everything: bool = False) -> Iterator[Any]:
        """MediaPipe's output for each frame of ``uint8[N, H, W, 3]``, put on the canvas of `to_canvas`.

        With ``everything`` it has blendshapes and pose besides the mesh.

        Raises:
            WeightsError: The file holds something else.
        """
        landmarker = self._get(everything)
        for frame in frames:
            yield landmarker.detect(self._image(image_format=self._rgb, data=to_canvas(frame)))

    def points(self, frames: Frames) -> NDArray[np.float32]:
        """The mesh of the face of each frame ``uint8[N, S, S, 3]``: ``float32[N, 478, 2]``.

        x and y are parts of the frame's side; NaN where no face is found.
        """
        points = np.full((len(frames), POINTS, 2), np.nan, np.float32)
        for i, seen in enumerate(self.look(frames)):
            if seen.face_landmarks:
                points[i] = mesh(seen)[:, :2]
        return points

    def close(self) -> None:
        """Close MediaPipe's graphs; happens by itself when the object or the process ends."""
        self._opened.clear()
        for closing in self._closings:
            closing()

    def _get(self, everything: bool) -> Any:
        """The graph, opened once per process: a fork lacks the threads of its parent's graph."""
        process = os.getpid()
        if (process, everything) not in self._opened:
            landmarker = self._open(everything)
            closing = weakref.finalize(self, _close, landmarker, process)
            # It closes in a thread of an executor, and breaks once those have ended: before `atexit`. Nothing
            # public runs earlier.
            threading._register_atexit(closing)  # type: ignore[attr-defined]
            self._closings.append(closing)
            self._opened[process, everything] = landmarker
        return self._opened[process, everything]

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


def _close(landmarker: Any, process: int) -> None:
    if os.getpid() == process:
        with _silent_stderr():
            landmarker.close()
    else:
        landmarker._handle = None  # its thread exists only in the parent process: closing would wait for ever


def mesh(seen: Any) -> NDArray[np.float64]:
    """The mesh in an output of `Landmarker.look` for a square frame.

    Returns:
        ``float64[478, 3]``: x and y as parts of the frame's side, and on the same scale the depth z, which
        grows away from the camera and whose zero is about the head's middle.
    """
    found = np.array([(point.x, point.y, point.z) for point in seen.face_landmarks[0]])
    return ((FACE_SIZE + 2 * BORDER) * found - (BORDER, BORDER, 0)) / FACE_SIZE


class FaceMesh:
    """Frames to ``float32[N, 1497]``; NaN where no face is found.

    * `SCORES`: blendshapes in [0, 1], over `BLENDSHAPES`;
    * `POSE`: the matrix that places MediaPipe's model of a face before the camera, in cm;
    * `MESH`: the points of `mesh`, of square frames.

    Raises:
        MissingPackage: MediaPipe is not installed.
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        self._landmarker = Landmarker(weights, "extractor 'face-mesh'")

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Features of the face of each frame of ``uint8[N, S, S, 3]``.

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


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep C++ code, which ignores settings, from writing to standard error."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
