"""Expressions by the face expression model of face-api.js: densely connected, depthwise separable.

The layers are those of ``FaceExpressionNet`` and ``denseBlock4`` in face-api.js (Mühler, 2018); the weights
are stored in 8 bits, and a manifest says how.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from fevbench.data.clip import Frames
from fevbench.errors import WeightsError
from fevbench.extractors.backends import REFERENCE, Backend, run_by
from fevbench.extractors.expressions import Box, ExpressionReader, resize_square
from fevbench.extractors.networks import same_padding, to_kernel

INPUT_SIZE = 112
LABELS = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
"""The order of ``FACE_EXPRESSION_LABELS`` in face-api.js."""
MEAN_RGB = (122.782, 117.001, 104.298)
WIDTHS = (32, 64, 128, 256)
"""Channels of each dense block; each halves the picture."""


def load(device: str, weights: Mapping[str, Path], backend: Backend = REFERENCE) -> ExpressionReader:
    """The classifier, ready to run; the network that reads a crop runs on the backend."""
    network = build_face_api(weights["face-api"], weights["face-api-manifest"]).to(device)
    run = run_by(backend, network)
    return ExpressionReader(device, weights["scrfd-500m"], crop_letterboxed, run, LABELS)


def crop_letterboxed(frame: Frames, box: Box) -> Frames:
    """The box of a face, its shorter sides padded in black: ``uint8[112, 112, 3]``.

    As face-api.js does for the box of a detector: clipped to the frame and rounded down to whole pixels
    (``Box.clipAtImageBorders``), no margin, centred in a black square (``NetInput.toBatchTensor``).
    """
    height, width = frame.shape[:2]
    left, top, right, bottom = box
    x, y = math.floor(left), math.floor(top)
    right, bottom = min(x + math.floor(right - left), width), min(y + math.floor(bottom - top), height)
    face = frame[max(y, 0) : bottom, max(x, 0) : right]
    side = max(face.shape[:2])
    black = [((side - n) // 2, side - n - (side - n) // 2) for n in face.shape[:2]]
    return resize_square(Image.fromarray(np.pad(face, [*black, (0, 0)])), INPUT_SIZE, (0, 0, side, side))


class Conv(nn.Module):
    """Convolution with SAME padding."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.stride = (stride, stride)
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, groups=groups, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve ``[N, C, H, W]``."""
        return cast(torch.Tensor, self.conv(F.pad(x, same_padding(x.shape, (3, 3), self.stride))))


class Separable(nn.Sequential):
    """Depthwise convolution, then a pointwise one with bias."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        depthwise = Conv(inputs, inputs, stride, groups=inputs, bias=False)
        super().__init__(depthwise, nn.Conv2d(inputs, outputs, 1))


class DenseBlock(nn.Module):
    """Four convolutions; the input of each is the sum of the outputs before it."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        # Three colour channels are too few for a depthwise convolution.
        first = Conv(inputs, width, 2) if inputs == 3 else Separable(inputs, width, 2)
        self.layers = nn.ModuleList([first, *(Separable(width, width) for _ in range(3))])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Halve ``[N, C, H, W]``."""
        total = x = F.relu(self.layers[0](x))
        for layer in self.layers[1:]:
            total = total + layer(x)
            x = F.relu(total)
        return x


class FaceExpressionNet(nn.Module):
    """The layers, from RGB pixels ``float[N, 3, 112, 112]`` in 0..255 to logits ``[N, 7]``."""

    mean: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN_RGB).reshape(3, 1, 1), persistent=False)
        self.blocks = nn.Sequential(*[DenseBlock(*pair) for pair in pairwise((3, *WIDTHS))])
        self.head = nn.Linear(WIDTHS[-1], len(LABELS))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits of pixels in 0..255."""
        features = self.blocks((pixels - self.mean) / 255)
        return cast(torch.Tensor, self.head(features.mean(dim=(2, 3))))


def build_face_api(path: Path, manifest: Path) -> FaceExpressionNet:
    """The network with the published weights, whose names, shapes and quantisation the manifest holds.

    Raises:
        WeightsError: The files hold something else.
    """
    network = FaceExpressionNet()
    try:
        tensors = _dequantise(path.read_bytes(), json.loads(manifest.read_text(encoding="utf-8")))
        # Both name the parameters in the same order: blocks, their layers, kernels before biases.
        network.load_state_dict(dict(zip(network.state_dict(), tensors, strict=True)))
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"{path} and {manifest} do not hold the face expression model ({reason})",
            "delete them and pull them again",
        ) from error
    return network.eval()


def _dequantise(content: bytes, manifest: Any) -> list[torch.Tensor]:
    """The tensors of a TensorFlow.js weights manifest, in its order, with PyTorch's order of dimensions."""
    tensors: list[torch.Tensor] = []
    start = 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        shape, coded = entry["shape"], entry.get("quantization")
        stored = np.dtype(coded["dtype"] if coded else "<f4")
        values = np.frombuffer(content, stored, math.prod(shape), start)
        start += values.nbytes
        array = values.astype(np.float32).reshape(shape)
        if coded:
            array = array * np.float32(coded["scale"]) + np.float32(coded["min"])
        kernel = len(shape) > 1
        depthwise = entry["name"].endswith("depthwise_filter")
        tensors.append(to_kernel(array, depthwise) if kernel else torch.from_numpy(array))
    if start != len(content):
        raise ValueError(f"it has {len(content):,} bytes, expected {start:,}")
    return tensors
