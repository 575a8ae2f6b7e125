"""Expressions by HSEmotion's EfficientNet-B0 trained on AffectNet, ``enet_b0_8_best_afew``.

Savchenko (CVPR Workshops 2022), 61 % of AffectNet's eight classes. The pixels are prepared as in the author's
package hsemotion-onnx.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from fevbench.data.tensors import IMAGENET_MEAN, IMAGENET_STD
from fevbench.extractors.expressions import Box, ExpressionReader, resize_square
from fevbench.extractors.networks import checkpoint_of
from fevbench.extractors.onnx import check_provider, onnx_providers

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

INPUT_SIZE = 224
LABELS = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""AffectNet's classes in the order of the network's outputs; contempt is not one of ours."""


def load(device: str, weights: Mapping[str, Path]) -> ExpressionReader:
    """The classifier, ready to run."""
    network = HSEmotion(device, weights["hsemotion"])
    return ExpressionReader(device, weights["scrfd-500m"], crop_stretched, network, LABELS)


def crop_stretched(frame: Frames, box: Box) -> Frames:
    """What the frame has of the box in whole pixels, stretched to ``uint8[224, 224, 3]``."""
    image = Image.fromarray(frame)
    left, top = (max(int(at), 0) for at in box[:2])
    right, bottom = min(int(box[2]), image.width), min(int(box[3]), image.height)
    part = (left, top, max(right, left + 1), max(bottom, top + 1))
    return resize_square(image.crop(part), INPUT_SIZE, (0, 0, part[2] - left, part[3] - top))


class HSEmotion(nn.Module):
    """The network, from RGB pixels ``float[N, 3, 224, 224]`` in 0..255 to logits ``[N, 8]``.

    Args:
        device: The torch device; a GPU is used if onnxruntime can.
        path: The network's file.

    Raises:
        WeightsError: The file holds something else.
    """

    def __init__(self, device: str, path: Path) -> None:
        super().__init__()
        from onnxruntime import InferenceSession

        with checkpoint_of("HSEmotion of eight classes", path, (Exception,), from_user=True):
            # onnxruntime's errors have no common base but Exception.
            self._session: Any = InferenceSession(str(path), providers=onnx_providers(device))
            [source], [target] = self._session.get_inputs(), self._session.get_outputs()
            shapes = source.shape[1:], target.shape[1:]
            if shapes != ([3, INPUT_SIZE, INPUT_SIZE], [len(LABELS)]):
                raise ValueError(f"from {shapes[0]} to {shapes[1]}")
        check_provider(self._session, device, path)
        self._input = source.name
        self._mean, self._std = (
            np.array(x, np.float32)[:, None, None] for x in (IMAGENET_MEAN, IMAGENET_STD)
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits of pixels in 0..255."""
        x = (pixels.cpu().numpy() / 255 - self._mean) / self._std
        # One at a time: exports differ in the batches they take.
        logits = [self._session.run(None, {self._input: image[None]})[0] for image in x]
        return torch.from_numpy(np.concatenate(logits)).to(pixels.device)
