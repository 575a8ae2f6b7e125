"""Identity: SCRFD detection, five-point alignment and ArcFace embedding, all by insightface.

The weights are InsightFace's, for non-commercial research only.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.prepared.face import DetectedFace
from fevbench.extractors.faces import FaceDetector, FaceFinder
from fevbench.extractors.onnx import load_onnx

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

DETECTOR = "scrfd-500m"
"""Its name among fevbench's weights."""
EMBEDDER = "w600k-mbf"
"""The name of the network that tells subjects apart."""
CANVASES = (320, 640, 160)
"""Heights and widths a frame is shown to the detector at: large faces first, as they are the rule."""


class Embedder:
    """ArcFace of faces that were found: pictures and five points to embeddings.

    Args:
        device: The torch device.
        path: The network's file.
    """

    def __init__(self, device: str, path: Path) -> None:
        self._network = load_onnx(device, path)

    def __call__(self, picture: Frames, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Embed a face of ``uint8[H, W, 3]``, RGB, by its five points in pixels; ``float32[512]``."""
        return self.aligned(np.ascontiguousarray(picture[..., ::-1]), points)

    def aligned(self, bgr: Frames, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """The same of a picture in BGR; L2-normalised."""
        # One at a time: the export declares a batch of one, and onnxruntime warns at any other.
        embedding = self._network.get_feat(_align(bgr, points))[0]
        unit: NDArray[np.float32] = embedding / np.linalg.norm(embedding)
        return unit


class ArcFace:
    """Frames to embeddings ``float32[N, 512]``, L2-normalised; NaN where no face is found.

    Args:
        device: The torch device.
        weights: Weight name to file.
        embedder: The name of the network that embeds.
    """

    def __init__(self, device: str, weights: Mapping[str, Path], embedder: str = EMBEDDER) -> None:
        self._detector = FaceDetector(device, weights[DETECTOR])
        self._embed = Embedder(device, weights[embedder])

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Embed the largest face of each frame of ``uint8[N, H, W, 3]``."""
        features = np.full((len(batch), 512), np.nan, np.float32)
        for i, frame in enumerate(batch):
            face = self._detector.largest(frame)
            if face is not None:
                features[i] = self._embed.aligned(face.canvas, face.landmarks)
        return features


def load_r50(device: str, weights: Mapping[str, Path]) -> ArcFace:
    """The same with ResNet-50, which is larger and better."""
    return ArcFace(device, weights, "w600k-r50")


def _align(bgr: Frames, points: NDArray[np.floating]) -> Frames:
    """The aligned ``uint8[112, 112, 3]`` BGR crop of a face."""
    from insightface.utils.face_align import norm_crop

    with warnings.catch_warnings():
        # insightface calls a function that newer releases of scikit-image warn about.
        warnings.simplefilter("ignore", FutureWarning)
        crop: Frames = norm_crop(bgr, points, image_size=112)
    return crop


@dataclass(frozen=True)
class FaceRecogniser:
    """Finds the faces of a frame, and embeds each to tell subjects apart, on the CPU.

    Each process opens the networks when it first looks, so that this may be sent to others.

    Attributes:
        detector: The file of `DETECTOR`.
        embedder: The file of `EMBEDDER`.
    """

    detector: Path
    embedder: Path

    def __call__(self, frame: Frames) -> list[DetectedFace]:
        """The faces in ``uint8[H, W, 3]``, from left to right."""
        embed = _embedder(self.embedder)
        return [DetectedFace(face, embed(frame, face.points)) for face in _finder(self.detector).faces(frame)]


@functools.lru_cache(maxsize=1)
def _finder(detector: Path) -> FaceFinder:
    return FaceFinder("cpu", detector, CANVASES)


@functools.lru_cache(maxsize=1)
def _embedder(path: Path) -> Embedder:
    return Embedder("cpu", path)
