"""LPIPS, the distance of two pictures as people see it, from the features of a classifier.

Zhang, Isola, Efros, Shechtman, Wang: The Unreasonable Effectiveness of Deep Features as a Perceptual Metric,
CVPR 2018; version 0.1, "lin". With x_l and y_l the maps of layer l, each place's channels scaled to length 1,
d = sum over l of the mean over places of w_l . (x_l - y_l)^2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from fevbench.data.tensors import to_tensor
from fevbench.extractors.networks import checkpoint_of, exact_inference, flatten, read_tree, to_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""Of the channels of pictures in [-1, 1], as the authors' code has them."""
TINY = 1e-10
POOL = "pool"


@dataclass(frozen=True)
class Layers:
    """A classifier's convolutions up to the last layer that is looked at.

    Attributes:
        name: What the checkpoint calls it.
        plan: For each layer that is looked at, what leads to it: ``(kernel, stride, padding)`` of a
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


class LPIPS(nn.Module):
    """Pairs of pictures to distances ``float32[N, 1]``.

    Args:
        device: The torch device.
        weights: Where the checkpoint is, by name.
        layers: Which network.

    Raises:
        WeightsError: The file holds something else.
    """

    def __init__(self, device: str, weights: Mapping[str, Path], layers: Layers) -> None:
        super().__init__()
        (path,) = weights.values()
        with checkpoint_of("LPIPS", path):
            arrays = dict(flatten(read_tree(path)))
            self.parts = nn.ModuleList()
            count = 0
            for steps in layers.plan:
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
            self.lin = [
                torch.from_numpy(arrays[f"NetLinLayer_{i}/Conv_0/kernel"].copy()).view(1, -1, 1, 1).to(device)
                for i in range(len(layers.plan))
            ]
        self.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.eval()
        self._device = device

    @exact_inference()
    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Distances of ``uint8[N, 2, H, W, 3]``."""
        pictures = to_tensor(batch, self._device)
        return cast("NDArray[np.float32]", self.distance(pictures[:, 0], pictures[:, 1]).cpu().numpy())

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances ``float[N, 1]`` of ``float[N, 3, H, W]`` in [-1, 1]."""
        shift, scale = (torch.tensor(v, device=a.device).view(1, 3, 1, 1) for v in (SHIFT, SCALE))
        x = ((torch.cat([a, b]) - shift) / scale).contiguous(memory_format=torch.channels_last)
        total = torch.zeros(len(a), 1, device=a.device)
        for part, weight in zip(self.parts, self.lin, strict=True):
            x = part(x)
            unit = x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + TINY)
            first, second = unit.chunk(2)
            total = total + (weight * (first - second) ** 2).sum(1).mean((1, 2))[:, None]
        return total


def _convolution(
    arrays: Mapping[str, NDArray[np.float32]], prefix: str, stride: int, padding: int
) -> nn.Conv2d:
    kernel = to_kernel(arrays[f"{prefix}/kernel"])
    made = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], stride, padding)
    made.load_state_dict({"weight": kernel, "bias": torch.from_numpy(arrays[f"{prefix}/bias"].copy())})
    return made


load_alex = partial(LPIPS, layers=ALEX)
load_vgg = partial(LPIPS, layers=VGG)
