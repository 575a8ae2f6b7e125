"""Identity: SCRFD detection, five-point alignment and ArcFace embedding, as in insightface.

The weights are InsightFace's, for non-commercial research only.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Frames
from fevbench.data.prepared.face import DetectedFace
from fevbench.extractors.backends import REFERENCE, Backend
from fevbench.extractors.faces import FaceFinder, shared_detector
from fevbench.extractors.onnx import load_onnx

DETECTOR = "scrfd-500m"
"""The detector's name in the weights registry."""
EMBEDDER = "w600k-mbf"
"""The name of the network that distinguishes subjects."""
CANVASES = (320, 640, 160)
"""Heights and widths at which the detector sees a frame: those for large faces first, as most are large."""


class Embedder:
    """ArcFace for detected faces: pictures and five points to embeddings.

    The network runs on the backend; alignment before it and scaling after it do not.
    """

    def __init__(self, device: str, path: Path, backend: Backend = REFERENCE) -> None:
        self._run = load_onnx(device, path, backend).run

    def __call__(
        self, pictures: Sequence[Frames], points: Sequence[NDArray[np.floating]]
    ) -> NDArray[np.float32]:
        """Embed a face of each picture by its five points.

        Pictures are ``uint8[H, W, 3]``, RGB, points ``[5, 2]``, x and y in pixels; embeddings
        ``float32[N, 512]``, L2-normalised.
        """
        if not pictures:
            return np.empty((0, 512), np.float32)
        crops = np.stack([_align(*face) for face in zip(pictures, points, strict=True)])
        pixels = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32)
        [embeddings] = self._run((pixels - np.float32(127.5)) * np.float32(1 / 127.5))
        return np.stack([embedding / np.linalg.norm(embedding) for embedding in embeddings])


class ArcFace:
    """Frames to embeddings ``float32[N, 512]``, L2-normalised; NaN where no face is found."""

    def __init__(
        self,
        device: str,
        weights: Mapping[str, Path],
        backend: Backend = REFERENCE,
        embedder: str = EMBEDDER,
    ) -> None:
        self._detector = shared_detector(device, weights[DETECTOR])
        self._embed = Embedder(device, weights[embedder], backend)

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Embed the largest face of each frame of ``uint8[N, H, W, 3]``."""
        features = np.full((len(batch), 512), np.nan, np.float32)
        found = {i: face for i, face in enumerate(self._detector.largest(batch)) if face is not None}
        faces = found.values()
        features[list(found)] = self._embed(
            [face.canvas for face in faces], [face.landmarks for face in faces]
        )
        return features


load_r50 = partial(ArcFace, embedder="w600k-r50")
"""The same with ResNet-50, which is larger and better."""


def _align(picture: Frames, points: NDArray[np.floating]) -> Frames:
    """The aligned crop ``uint8[112, 112, 3]`` of a face."""
    from insightface.utils.face_align import norm_crop

    with warnings.catch_warnings():
        # insightface calls a function that newer releases of scikit-image warn about.
        warnings.simplefilter("ignore", FutureWarning)
        crop: Frames = norm_crop(picture, points, image_size=112)
    return crop


@dataclass(frozen=True)
class FaceRecogniser:
    """Finds the faces of a frame and computes their embeddings, on the CPU.

    Each process opens the networks (files) at the first call, so the object can be pickled.
    """

    detector: Path
    embedder: Path

    def __call__(self, frame: Frames) -> list[DetectedFace]:
        """The faces in ``uint8[H, W, 3]``, from left to right."""
        faces = _finder(self.detector).faces(frame)
        embeddings = _embedder(self.embedder)([frame] * len(faces), [face.points for face in faces])
        return [DetectedFace(*both) for both in zip(faces, embeddings, strict=True)]


@functools.lru_cache(maxsize=1)
def _finder(detector: Path) -> FaceFinder:
    return FaceFinder("cpu", detector, CANVASES)


@functools.lru_cache(maxsize=1)
def _embedder(path: Path) -> Embedder:
    return Embedder("cpu", path)
