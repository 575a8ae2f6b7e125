"""Classifying the expression of a face: the common part of the off-the-shelf classifiers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from fevbench.data.clip import Frames
from fevbench.extractors.base import CLASSES as CLASSES
from fevbench.extractors.faces import shared_detector
from fevbench.extractors.networks import exact_inference

Box = tuple[float, float, float, float]
Crop = Callable[["Frames", Box], "Frames"]
"""From ``uint8[H, W, 3]`` and the left, top, right and bottom of its face to ``uint8[S, S, C]``."""


class ExpressionReader:
    """Frames to probabilities ``float32[N, 7]`` of `CLASSES`; NaN where no face is found.

    ``crop`` cuts the network's input out of a frame. The network, on the device, takes pixels
    ``float[N, C, S, S]`` in 0..255 to logits ``[N, L]`` of ``labels``: the names in `CLASSES`, and possibly
    others, which take part of the probability but have no column.
    """

    def __init__(
        self,
        device: str,
        detector: Path,
        crop: Crop,
        network: Callable[[torch.Tensor], torch.Tensor],
        labels: tuple[str, ...],
    ) -> None:
        self._device = device
        self._detector = shared_detector(device, detector)
        self._crop = crop
        self._network = network
        self._order = [labels.index(name) for name in CLASSES]

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Classify the largest face of each frame of ``uint8[N, H, W, 3]``."""
        found = {
            i: self._crop(batch[i], face.box)
            for i, face in enumerate(self._detector.largest(batch))
            if face is not None
        }
        probabilities = np.full((len(batch), len(CLASSES)), np.nan, np.float32)
        if found:
            probabilities[list(found)] = self.read(np.stack(list(found.values())))
        return probabilities

    @exact_inference()
    def read(self, crops: Frames) -> NDArray[np.float32]:
        """Probabilities ``float32[N, 7]`` of cropped faces ``uint8[N, S, S, C]``."""
        pixels = torch.from_numpy(crops).to(self._device).to(torch.float32).movedim(-1, 1)
        probabilities = self._network(pixels).softmax(dim=1)[:, self._order]
        return cast("NDArray[np.float32]", probabilities.cpu().numpy())


def resize_square(image: Image.Image, size: int, box: Box) -> Frames:
    """A square part of an image (``L`` or ``RGB``) resized bilinearly by Pillow: ``uint8[size, size, C]``.

    The box is its left, top, right and bottom, inside the image; C is 1 or 3.
    """
    resized = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box))
    return resized.reshape(size, size, -1)
