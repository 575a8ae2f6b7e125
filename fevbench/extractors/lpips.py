"""LPIPS, a perceptual distance of two pictures, from the features of a classifier.

Zhang, Isola, Efros, Shechtman, Wang: The Unreasonable Effectiveness of Deep Features as a Perceptual Metric,
CVPR 2018; version 0.1, "lin". With x_l and y_l the maps of layer l, each place's channels scaled to length 1,
d = sum over l of the mean over places of w_l . (x_l - y_l)^2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fevbench.data.clip import Frames
from fevbench.data.tensors import to_tensor
from fevbench.extractors.backends import REFERENCE, Backend, run_by
from fevbench.extractors.networks import checkpoint_of, exact_inference, flatten, read_tree, to_kernel

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""Mean and standard deviation of the channels of pictures in [-1, 1], as in the authors' code."""
TINY = 1e-10
POOL = "pool"


@dataclass(frozen=True)
class Layers:
    """A classifier's convolutions up to the last layer that is used.

    Attributes:
        name: Its name in the checkpoint.
        plan: For each used layer, the operations that lead to it: ``(kernel, stride, padding)`` of a
            convolution and ReLU, or ``POOL``.
        pool: Size and stride of a pooling.
    """

    name: str
    plan: Sequence[Sequence[object]]
    pool: tuple[int, int]


ALEX = Layers(
    "AlexNet_0",
    [[(11, 4, 2)], [POOL, (5, 1, 2)], [POOL, (3, 1, 1)], [(3, 1, 1)], [(3, 1, 1)]],
    (3, 2),
)
_TWO, _THREE = [(3, 1, 1)] * 2, [(3, 1, 1)] * 3
VGG = Layers("VGG16_0", [_TWO, [POOL, *_TWO], [POOL, *_THREE], [POOL, *_THREE], [POOL, *_THREE]], (2, 2))


class LPIPS:
    """Pairs of pictures to distances ``float32[N, 1]``; `Distance` runs on the backend.

    Raises:
        WeightsError: The file holds something else.
    """

    def __init__(
        self,
        device: str,
        weights: Mapping[str, Path],
        backend: Backend = REFERENCE,
        *,
        layers: Layers,
    ) -> None:
        (path,) = weights.values()
        with checkpoint_of("LPIPS", path):
            self.network = Distance(dict(flatten(read_tree(path))), layers).eval()
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._run = run_by(backend, self.network)
        self._device = device

    @exact_inference()
    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Distances of ``uint8[N, 2, H, W, 3]``."""
        if np.array_equal(batch[:, 0], batch[:, 1]):  # as for true clips compared with themselves
            return np.zeros((len(batch), 1), np.float32)
        return cast("NDArray[np.float32]", self._run(to_tensor(batch, self._device)).cpu().numpy())


class Distance(nn.Module):
    """The network and the distance of its maps, from the checkpoint's arrays."""

    shift: Tensor
    scale: Tensor

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]], layers: Layers) -> None:
        super().__init__()
        for name, values in (("shift", SHIFT), ("scale", SCALE)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1))
        self.parts, self.lin = nn.ModuleList(), nn.ParameterList()
        count = 0
        for i, steps in enumerate(layers.plan):
            part: list[nn.Module] = []
            for step in steps:
                if step == POOL:
                    part.append(nn.MaxPool2d(*layers.pool))
                    continue
                _, stride, padding = cast("tuple[int, int, int]", step)
                prefix = f"{layers.name}/Conv_{count}"
                part += [_convolution(arrays, prefix, stride, padding), nn.ReLU(inplace=True)]
                count += 1
            self.parts.append(nn.Sequential(*part))
            self.lin.append(
                torch.from_numpy(arrays[f"NetLinLayer_{i}/Conv_0/kernel"].copy()).view(1, -1, 1, 1)
            )

    def forward(self, pairs: Tensor) -> Tensor:
        """Distances ``float[N, 1]`` of ``float[N, 2, 3, H, W]`` in [-1, 1]."""
        x = torch.cat([pairs[:, 0], pairs[:, 1]])
        x = ((x - self.shift) / self.scale).contiguous(memory_format=torch.channels_last)
        distances: list[Tensor] = []
        for part, weight in zip(self.parts, self.lin, strict=True):
            x = part(x)
            unit = x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + TINY)
            first, second = unit.chunk(2)
            distances.append((weight * (first - second) ** 2).sum(1).mean((1, 2))[:, None])
        return cast(Tensor, sum(distances))


def _convolution(
    arrays: Mapping[str, NDArray[np.float32]], prefix: str, stride: int, padding: int
) -> nn.Conv2d:
    kernel = to_kernel(arrays[f"{prefix}/kernel"])
    made = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], stride, padding)
    made.load_state_dict({"weight": kernel, "bias": torch.from_numpy(arrays[f"{prefix}/bias"].copy())})
    return made


load_alex = partial(LPIPS, layers=ALEX)
load_vgg = partial(LPIPS, layers=VGG)
