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
from fevbench.data.video import content_digest
from fevbench.extractors.backends import REFERENCE, Backend, run_by
from fevbench.extractors.networks import checkpoint_of, exact_inference, flatten, read_tree, to_kernel

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""Mean and standard deviation of the channels of pictures in [-1, 1], as in the authors' code."""
TINY = 1e-10
POOL = "pool"
MOST_BYTES = 700_000_000
"""Memory for maps: a picture of 64 px has 0.13 MB with AlexNet, one of 256 px 2.6 MB."""


@dataclass(frozen=True)
class Layers:
    """A classifier's convolutions up to the last layer that is used.

    Attributes:
        name: Its name in the checkpoint.
        plan: For each used layer, the operations that lead to it: ``(kernel, stride, padding)`` of a
            convolution and ReLU, or ``POOL``.
        pool: Size and stride of a pooling.
        at_once: Pictures in a batch; 8 of 256 px take 1.2 GB with VGG.
        keeps: Whether the maps of the last pictures are kept.
    """

    name: str
    plan: Sequence[Sequence[object]]
    pool: tuple[int, int]
    at_once: int
    keeps: bool


ALEX = Layers(
    "AlexNet_0",
    [[(11, 4, 2)], [POOL, (5, 1, 2)], [POOL, (3, 1, 1)], [(3, 1, 1)], [(3, 1, 1)]],
    (3, 2),
    at_once=16,
    keeps=True,
)
_TWO, _THREE = [(3, 1, 1)] * 2, [(3, 1, 1)] * 3
VGG = Layers(
    "VGG16_0", [_TWO, [POOL, *_TWO], [POOL, *_THREE], [POOL, *_THREE], [POOL, *_THREE]], (2, 2), 8, False
)
"""It has one use, so nothing is kept."""


class LPIPS:
    """Pairs of pictures to distances ``float32[N, 1]``; `Maps` runs on the backend.

    AlexNet sees each picture once: the maps of the last pictures are kept, as frames are compared with the
    true ones, with the next ones, and with those of other noise samples.

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
            self.network = Maps(dict(flatten(read_tree(path))), layers).eval()
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._run = run_by(backend, self.network)
        self._device, self._layers = device, layers
        self._kept: dict[str, Tensor] = {}

    @exact_inference()
    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Distances of ``uint8[N, 2, H, W, 3]``."""
        pictures = batch.reshape(-1, *batch.shape[2:])
        keys = [content_digest(picture) for picture in pictures]
        pairs = list(zip(keys[::2], keys[1::2], strict=True))
        wanted = {key for pair in pairs if len(set(pair)) == 2 for key in pair}  # equal ones are at 0
        here = {key: self._kept[key] for key in wanted if key in self._kept}
        places = {key: i for i, key in enumerate(keys) if key in wanted and key not in here}
        missing = list(places.values())
        for start in range(0, len(missing), self._layers.at_once):
            some = missing[start : start + self._layers.at_once]
            # Filled up, because convolutions round by the size of a batch.
            filled = some + some[-1:] * (self._layers.at_once - len(some))
            maps = self._run(to_tensor(pictures[filled], self._device))
            here |= {keys[i]: row for i, row in zip(some, maps, strict=False)}
        found = torch.zeros(len(pairs), 1, dtype=torch.float64, device=self._device)
        for i, (one, other) in enumerate(pairs):
            if one != other:
                found[i] = (here[one] - here[other]).square().sum(dtype=torch.float64)
        self._keep(here)
        return found.cpu().numpy().astype(np.float32)

    def _keep(self, used: Mapping[str, Tensor]) -> None:
        """Keep the maps of pictures, the last used ones up to `MOST_BYTES`."""
        if not self._layers.keeps or not used:
            return
        for key, maps in used.items():
            known = self._kept.pop(key, None)
            self._kept[key] = maps.clone() if known is None else known  # not a view of a whole batch
        most = MOST_BYTES // next(iter(used.values())).nbytes
        for key in list(self._kept)[: max(0, len(self._kept) - most)]:
            del self._kept[key]


class Maps(nn.Module):
    """The network from the checkpoint's arrays: its maps, scaled so that LPIPS is their squared distance.

    sum over l of the mean over places of w_l . (x_l - y_l)^2 = |x - y|^2, where x holds, for each l, the map
    x_l times the root of w_l / places. The weights w are not negative.
    """

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
            lin = arrays[f"NetLinLayer_{i}/Conv_0/kernel"]
            if lin.min() < 0:
                raise RuntimeError("a layer has negative weights")
            self.lin.append(torch.from_numpy(lin.copy()).view(1, -1, 1, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Scaled maps ``float[N, D]`` of ``float[N, 3, H, W]`` in [-1, 1]."""
        x = ((pictures - self.shift) / self.scale).contiguous(memory_format=torch.channels_last)
        maps: list[Tensor] = []
        for part, lin in zip(self.parts, self.lin, strict=True):
            x = part(x)
            unit = x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + TINY)
            maps.append((unit * (lin / (x.shape[2] * x.shape[3])).sqrt()).flatten(1))
        return torch.cat(maps, 1)


def _convolution(
    arrays: Mapping[str, NDArray[np.float32]], prefix: str, stride: int, padding: int
) -> nn.Conv2d:
    kernel = to_kernel(arrays[f"{prefix}/kernel"])
    made = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], stride, padding)
    made.load_state_dict({"weight": kernel, "bias": torch.from_numpy(arrays[f"{prefix}/bias"].copy())})
    return made


load_alex = partial(LPIPS, layers=ALEX)
load_vgg = partial(LPIPS, layers=VGG)
