"""How a network is told the face and the label: an image's code, one-hot labels, maps of them."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fevbench.training.layout import concatenate_channels

SLOPE = 0.2
"""Of the negative half of every leaky ReLU in these papers."""


class AppearanceEncoder(nn.Module):
    """ImaGINator's encoder (Wang et al., 2020): the image to a code, and to the maps on its way.

    Convolutions 4x4 of stride 2 with batch norm and leaky ReLU, 64 → 32 → 16 → 8 → 4 px, then one 4x4
    without padding.

    Args:
        widths: Channels of the maps, from 32 px to 4 px; the paper's are 64, 128, 256, 512.
        code: Numbers of the code; the paper's is 100.
    """

    def __init__(self, widths: tuple[int, ...], code: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c_in, c_out, 4, 2, 1), nn.BatchNorm2d(c_out), nn.LeakyReLU(SLOPE))
            for c_in, c_out in pairwise((3, *widths))
        )
        self.code = nn.Conv2d(widths[-1], code, 4)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Encode ``float[B, 3, 64, 64]`` in [-1, 1].

        Returns:
            The code ``float[B, code]``, and the maps ``float[B, C, h, h]``, from 4 px to 32 px.
        """
        maps = [images]
        for layer in self.down:
            maps.append(layer(maps[-1]))
        return self.code(maps[-1]).flatten(1), maps[:0:-1]


def one_hot(labels: Tensor, count: int) -> Tensor:
    """Labels ``int64[B]`` as ``float32[B, count]``; ``count`` is 0 where a network is told none."""
    if count == 0:
        return torch.zeros(len(labels), 0, device=labels.device)
    return F.one_hot(labels, count).float()


def with_maps(x: Tensor, codes: Tensor, *maps: Tensor) -> Tensor:
    """Put codes behind the channels of maps.

    Args:
        x: ``float[B, C, ...]``.
        codes: ``float[B, K]``, the same in all places.
        maps: Others of the same size, which go between.
    """
    points = codes.to(x.dtype).view(*codes.shape, *[1] * (x.dim() - 2))
    spread = points.expand(-1, -1, *x.shape[2:])
    return concatenate_channels(x, *maps, spread) if x.dim() == 5 else torch.cat([x, *maps, spread], 1)


def over_time(maps: Tensor, frames: int) -> Tensor:
    """Maps ``float[B, C, h, w]``, the same in all frames: ``float[B, C, frames, h, w]``."""
    return maps[:, :, None].expand(-1, -1, frames, -1, -1)


def first_frame(made: Tensor, real: Tensor) -> Tensor:
    """L1 between the first frames of clips ``float[B, T, 3, H, W]``.

    It is how image-conditional VGAN (Vondrick et al., 2016) ties a clip to its input, and the only loss here
    that does where a method was made to take one.
    """
    return (made[:, 0] - real[:, 0]).abs().mean()
