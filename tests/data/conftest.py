"""A face finder that needs no weights: whatever is in the middle is the face, unless the frame is dark."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fevbench import weights
from fevbench.data.framing import FoundFace
from fevbench.extractors import arcface

if TYPE_CHECKING:
    from fevbench.data.clip import Frames


class MiddleFaces:
    """Sees a face of 0.8 of the height in the middle of every frame that is not dark."""

    def faces(self, picture: Frames) -> list[FoundFace]:
        if picture.mean() < 20:
            return []
        height, width = picture.shape[:2]
        box = (width / 2 - 0.3 * height, 0.13 * height, width / 2 + 0.3 * height, 0.93 * height)
        points_of = [(-0.13, 0.45), (0.13, 0.45), (0, 0.6), (-0.1, 0.73), (0.1, 0.73)]
        points = np.array([(width / 2 + x * height, y * height) for x, y in points_of], np.float32)
        return [FoundFace(box, points)]


@pytest.fixture
def middle_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arcface, "_finder", lambda path: MiddleFaces())
    one = np.eye(1, 512, dtype=np.float32)
    monkeypatch.setattr(
        arcface, "_embedder", lambda path: lambda pictures, points: one.repeat(len(points), 0)
    )
    monkeypatch.setattr(weights, "require", lambda name, **how: SimpleNamespace(path=Path("none")))
