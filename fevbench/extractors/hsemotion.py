"""Expressions by HSEmotion's EfficientNet-B0 trained on AffectNet, ``enet_b0_8_best_afew``.

Savchenko (CVPR Workshops 2022), 61 % of AffectNet's eight classes. The pixels are prepared as in the author's
package hsemotion-onnx.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fevbench.data.clip import Frames
from fevbench.data.tensors import IMAGENET_MEAN, IMAGENET_STD
from fevbench.extractors.expressions import Box, ExpressionReader, resize_square
from fevbench.extractors.networks import checkpoint_of
from fevbench.extractors.onnx import load_onnx

INPUT_SIZE = 224
LABELS = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""AffectNet's classes in the order of the network's outputs; contempt is not one of ours."""


def load(device: str, weights: Mapping[str, Path]) -> ExpressionReader:
    """The classifier, ready to run."""
    network = HSEmotion(device, weights["hsemotion"])
    return ExpressionReader(device, weights["scrfd-500m"], crop_stretched, network, LABELS)


def crop_stretched(frame: Frames, box: Box) -> Frames:
    """The part of the box inside the frame, in whole pixels, stretched to ``uint8[224, 224, 3]``."""
    image = Image.fromarray(frame)
    left, top = (max(int(at), 0) for at in box[:2])
    right, bottom = min(int(box[2]), image.width), min(int(box[3]), image.height)
    part = (left, top, max(right, left + 1), max(bottom, top + 1))
    return resize_square(image.crop(part), INPUT_SIZE, (0, 0, part[2] - left, part[3] - top))


class HSEmotion:
    """The network, from RGB pixels ``float[N, 3, 224, 224]`` in 0..255 to logits ``[N, 8]``.

    Raises:
        WeightsError: The file holds something else.
    """

    def __init__(self, device: str, path: Path) -> None:
        # The errors of onnx and onnxruntime have no common base but Exception.
        with checkpoint_of("HSEmotion of eight classes", path, (Exception,), from_user=True):
            graph = load_onnx(device, path)
            taken, given = graph.takes[1:], [shape[1:] for shape in graph.gives]
            if taken != (3, INPUT_SIZE, INPUT_SIZE) or given != [(len(LABELS),)]:
                raise ValueError(f"from {taken} to {given}")
        self._run = graph.run
        self._mean, self._std = (
            np.array(x, np.float32)[:, None, None] for x in (IMAGENET_MEAN, IMAGENET_STD)
        )

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits of pixels in 0..255."""
        x = (pixels.cpu().numpy() / 255 - self._mean) / self._std
        # One at a time: exports differ in the batches they take.
        logits = [self._run(image[None])[0] for image in x]
        return torch.from_numpy(np.concatenate(logits)).to(pixels.device)
