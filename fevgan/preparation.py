"""What is computed once of each clip before training, and kept beside it: where the face is, and its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from fevbench.data.tensors import to_tensor
from fevbench.training.guard import TrainingError
from fevgan.alignment import mirrored
from fevgan.faces import Faces, fill_missing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.progress import Progress
    from fevbench.training.data import TrainingSet

    Floats = NDArray[np.float32]

LOOK = 32
"""Pictures the networks look at together."""


def face_points(data: TrainingSet, faces: Faces, progress: Progress) -> Floats:
    """Five points of frame 0 of each clip, ``float32[N, 5, 2]``; NaN where no face was found."""

    def compute() -> Floats:
        progress.start("find faces", len(data))
        found = []
        for start in range(0, len(data), LOOK):
            found.append(faces.points(data.frames[start : start + LOOK, 0]))
            progress.advance(len(found[-1]))
        return np.concatenate(found)

    points = data.column(f"fevgan-points-{faces.version}", compute)
    missing = int(np.isnan(points).any(axis=(1, 2)).sum())
    if missing == len(points):
        raise TrainingError("no face was found in any clip", "crop clips to a square around the face")
    if missing:
        progress.note(f"no face found at the start of {missing} of {len(points)} clips: taken from the mean")
    return points


def both_ways(points: Floats, default: Floats) -> tuple[Floats, Floats]:
    """The points of the pictures as they are, and mirrored."""
    filled = fill_missing(points, default)
    return filled, mirrored(filled)


def identity_codes(
    data: TrainingSet,
    faces: Faces,
    both: tuple[Floats, Floats],
    device: torch.device,
    progress: Progress,
) -> Floats:
    """E_Id's codes of each clip's frame 0, as it is and mirrored: ``float32[N, 2, 512]``."""

    def compute() -> Floats:
        progress.start("identity codes", len(data))
        rows = []
        for start in range(0, len(data), LOOK):
            part = slice(start, start + LOOK)
            images = to_tensor(data.frames[part, 0], device)
            with torch.inference_mode():
                ways = [faces.codes(images, both[0][part]), faces.codes(images.flip(-1), both[1][part])]
            rows.append(torch.stack(ways, 1).cpu().numpy())
            progress.advance(len(images))
        return np.concatenate(rows)

    return data.column(f"fevgan-codes-{faces.version}", compute)
