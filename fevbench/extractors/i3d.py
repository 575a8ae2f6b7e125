"""I3D, the video network of FVD: inflated Inception-v1 trained on Kinetics-400.

Carreira and Zisserman (CVPR 2017), with the weights and the feature (the 400 logits before softmax,
averaged over time) of FVD (Unterthiner et al., 2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from fevbench.data.clip import Frames
from fevbench.data.tensors import to_tensor
from fevbench.extractors.backends import REFERENCE, Backend, run_by
from fevbench.extractors.networks import (
    checkpoint_of,
    exact_inference,
    flatten,
    fold_batch_norms,
    read_tree,
    resize_bilinear,
    same_padding,
    to_kernel,
)

INPUT_SIZE = 224
MIN_FRAMES = 9
"""Fewer frames leave less than two time steps for the last pooling."""

Triple = tuple[int, int, int]

MIXED: dict[str, tuple[int, tuple[int, int, int, int, int, int]]] = {
    # name: (input channels, (branch 0, branch 1 reduce, branch 1, branch 2 reduce, branch 2, branch 3))
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}


class I3D:
    """Clips to logits ``float32[N, 400]``.

    Frames are scaled to [-1, 1] and then resized to 224 x 224 with bilinear interpolation (half-pixel
    centres, no antialiasing), the aspect ratio ignored. `I3DNetwork` runs on the backend.
    """

    def __init__(self, device: str, weights: Mapping[str, Path], backend: Backend = REFERENCE) -> None:
        network = fold_batch_norms(build_i3d(weights["i3d-kinetics-400"]))
        network.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self._run = run_by(backend, network)
        self._device = device

    @exact_inference()
    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Logits of ``uint8[N, T, H, W, 3]``."""
        n, frames = batch.shape[:2]
        if frames < MIN_FRAMES:
            raise ValueError(f"I3D needs clips of at least {MIN_FRAMES} frames, got {frames}")
        pixels = to_tensor(batch, self._device).flatten(0, 1)
        resized = self.resize(pixels)
        clips = resized.reshape(n, frames, *resized.shape[1:]).movedim(1, 2)
        return cast("NDArray[np.float32]", self.logits(clips).cpu().numpy())

    def resize(self, pixels: torch.Tensor) -> torch.Tensor:
        """Frames ``float[N, 3, H, W]`` to ``float[N, 3, 224, 224]``."""
        return F.interpolate(pixels, (INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False)

    def logits(self, clips: torch.Tensor) -> torch.Tensor:
        """Logits ``[N, 400]`` of ``float[N, 3, T, 224, 224]`` in [-1, 1]."""
        return self._run(clips.contiguous(memory_format=torch.channels_last_3d))


class I3DOfTensorFlow(I3D):
    """The same, resized as FVD's original code does; see `fevbench.extractors.networks.resize_bilinear`."""

    def resize(self, pixels: torch.Tensor) -> torch.Tensor:
        """Frames ``float[N, 3, H, W]`` to ``float[N, 3, 224, 224]``."""
        return resize_bilinear(pixels, INPUT_SIZE)


class Unit3D(nn.Module):
    """Convolution with SAME padding, batch norm without scale, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = (kernel,) * 3, (stride,) * 3
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(outputs, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve, normalise, rectify ``[N, C, T, H, W]``."""
        padded = F.pad(x, same_padding(x.shape, self.kernel, self.stride))
        return F.relu(self.bn(self.conv(padded)), inplace=True)


class MaxPoolSame(nn.Module):
    """Max pooling with SAME padding; padded places never win."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pool ``[N, C, T, H, W]``."""
        padded = F.pad(x, same_padding(x.shape, self.kernel, self.stride), value=float("-inf"))
        return F.max_pool3d(padded, self.kernel, self.stride)


class Mixed(nn.Module):
    """An Inception block: four branches, concatenated."""

    def __init__(self, inputs: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        b0, b1_reduce, b1, b2_reduce, b2, b3 = widths
        self.Branch_0 = nn.Sequential(Unit3D(inputs, b0))
        self.Branch_1 = nn.Sequential(Unit3D(inputs, b1_reduce), Unit3D(b1_reduce, b1, 3))
        self.Branch_2 = nn.Sequential(Unit3D(inputs, b2_reduce), Unit3D(b2_reduce, b2, 3))
        self.Branch_3 = nn.Sequential(MaxPoolSame((3, 3, 3), (1, 1, 1)), Unit3D(inputs, b3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """All branches of ``[N, C, T, H, W]`` along the channels."""
        branches = (self.Branch_0, self.Branch_1, self.Branch_2, self.Branch_3)
        return torch.cat([branch(x) for branch in branches], dim=1)


class I3DNetwork(nn.Module):
    """The layers, from ``[N, 3, T, 224, 224]`` to ``[N, 400]``."""

    def __init__(self) -> None:
        super().__init__()
        mixed = {name: Mixed(inputs, widths) for name, (inputs, widths) in MIXED.items()}
        self.layers = nn.ModuleDict(
            {
                "Conv3d_1a_7x7": Unit3D(3, 64, 7, 2),
                "MaxPool3d_2a_3x3": MaxPoolSame((1, 3, 3), (1, 2, 2)),
                "Conv3d_2b_1x1": Unit3D(64, 64),
                "Conv3d_2c_3x3": Unit3D(64, 192, 3),
                "MaxPool3d_3a_3x3": MaxPoolSame((1, 3, 3), (1, 2, 2)),
                **{name: block for name, block in mixed.items() if name.startswith("Mixed_3")},
                "MaxPool3d_4a_3x3": MaxPoolSame((3, 3, 3), (2, 2, 2)),
                **{name: block for name, block in mixed.items() if name.startswith("Mixed_4")},
                "MaxPool3d_5a_2x2": MaxPoolSame((2, 2, 2), (2, 2, 2)),
                **{name: block for name, block in mixed.items() if name.startswith("Mixed_5")},
            }
        )
        self.logits = nn.Conv3d(1024, 400, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of clips in [-1, 1]."""
        for layer in self.layers.values():
            x = layer(x)
        pooled = F.avg_pool3d(x, (2, 7, 7), stride=1)
        return cast(torch.Tensor, self.logits(pooled).mean(dim=(2, 3, 4)))


def build_i3d(path: Path) -> I3DNetwork:
    """The network with the checkpoint's weights, in eval mode.

    Raises:
        WeightsError: The file holds something else.
    """
    network = I3DNetwork()
    with checkpoint_of("I3D", path):
        checkpoint = read_tree(path)
        arrays = dict(flatten(checkpoint["params"])) | dict(flatten(checkpoint["batch_stats"]))
        network.load_state_dict(_state_dict(network, arrays))
    return network.eval()


def _state_dict(network: I3DNetwork, arrays: Mapping[str, NDArray[np.float32]]) -> dict[str, torch.Tensor]:
    """Name the checkpoint's arrays as the network does; it keeps each block's units in order."""
    state = network.state_dict()
    for block, layer in network.layers.items():
        units = [(name, unit) for name, unit in layer.named_modules() if isinstance(unit, Unit3D)]
        prefixes = [key.removesuffix("Conv_0/kernel") for key in arrays if key.startswith(f"{block}/")]
        prefixes = sorted({prefix for prefix in prefixes if prefix + "Conv_0/kernel" in arrays})
        if len(prefixes) != len(units):
            raise KeyError(f"{block} has {len(prefixes)} convolutions, expected {len(units)}")
        for prefix, (name, _) in zip(prefixes, units, strict=True):
            target = f"layers.{block}.{name}." if name else f"layers.{block}."
            state[f"{target}conv.weight"] = to_kernel(arrays[f"{prefix}Conv_0/kernel"])
            state[f"{target}bn.bias"] = _tensor(arrays[f"{prefix}BatchNorm_0/bias"]).flatten()
            state[f"{target}bn.running_mean"] = _tensor(arrays[f"{prefix}BatchNorm_0/mean"]).flatten()
            state[f"{target}bn.running_var"] = _tensor(arrays[f"{prefix}BatchNorm_0/var"]).flatten()
    state["logits.weight"] = to_kernel(arrays["Logits/Conv3d_0c_1x1/Conv_0/kernel"])
    state["logits.bias"] = _tensor(arrays["Logits/Conv3d_0c_1x1/Conv_0/bias"])
    return state


def _tensor(array: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32))
