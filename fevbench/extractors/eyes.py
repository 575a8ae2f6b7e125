"""What looks at the frames of a take that is prepared: finds faces, and tells whose they are.

The weights are InsightFace's, for non-commercial research only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.data.prepared.face import DetectedFace
from fevbench.extractors.arcface import Embedder
from fevbench.extractors.faces import FaceFinder

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

DETECTOR = "scrfd-500m"
"""Its name among fevbench's weights."""
EMBEDDER = "w600k-mbf"
"""The name of the network that tells people apart."""
CANVASES = (320, 640, 160)
"""Heights and widths a frame is shown to the detector at: large faces first, as they are the rule."""


@dataclass(frozen=True)
class Eyes:
    """Finds the faces of a frame, and tells whose they are, on the CPU.

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
