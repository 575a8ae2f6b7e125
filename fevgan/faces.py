"""What FEV-GAN knows of the face in a picture: five points, and its code by E_Id."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from fevbench import weights
from fevgan.alignment import crop_faces, to_transforms
from fevgan.identity import WEIGHTS, MobileFaceNet, load_identity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

    Floats = NDArray[np.float32]
    Find = Callable[[Frames], Floats]
    """Frames ``uint8[N, H, W, 3]`` to points ``float32[N, 10]`` in pixels; NaN where there is no face."""

DETECTOR = "scrfd-500m"
"""Its name among fevbench's weights."""


class Faces:
    """A detector of five points, and E_Id.

    Args:
        find: The detector.
        identity: E_Id.
        version: What says which networks these are.
    """

    def __init__(self, find: Find, identity: MobileFaceNet, version: str) -> None:
        self._find = find
        self.identity = identity
        self.version = version

    def points(self, frames: Frames) -> Floats:
        """Five points of each frame ``uint8[N, S, S, 3]``: ``float32[N, 5, 2]``, parts of the frame's side.

        NaN where no face is found.
        """
        points: Floats = self._find(frames).reshape(-1, 5, 2) / np.float32(frames.shape[2])
        return points

    def codes(self, images: Tensor, points: Floats) -> Tensor:
        """E_Id's codes ``float32[N, 512]`` of ``float[N, 3, S, S]`` in [-1, 1]; differentiable."""
        return self.codes_at(images, to_transforms(points, images.device))

    def codes_at(self, images: Tensor, transforms: Tensor) -> Tensor:
        """The same, from transforms ``float32[N, 2, 3]`` of `alignment`."""
        # Half precision would make the loss of two equal faces noise.
        with torch.autocast(images.device.type, enabled=False):
            codes: Tensor = self.identity(crop_faces(images, transforms))
        return codes


def open_faces(device: str | torch.device) -> Faces:
    """The networks that are here; they were pulled before.

    Raises:
        WeightsError: One is missing.
    """
    from fevbench.extractors.faces import FacePoints

    detector = weights.require(DETECTOR, offline=True)
    identity = weights.require(WEIGHTS, offline=True)
    find = FacePoints(str(device), {DETECTOR: detector.path})
    version = f"{detector.sha256[:8]}-{identity.sha256[:8]}"
    return Faces(find, load_identity(identity.path, device), version)


def fill_missing(points: Floats, default: Floats) -> Floats:
    """Points ``float32[N, 5, 2]`` with ``default`` (``float32[5, 2]``) where no face was found."""
    missing = np.isnan(points).any(axis=(1, 2), keepdims=True)
    return np.where(missing, default, points).astype(np.float32)
