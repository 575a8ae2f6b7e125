"""TGAN's networks.

As published, which is given neither face nor label:

temporal generator   z_slow 100 → 512x1 → 256x2 → 128x4 → 128x8 → z_fast 100x16
image generator      z_slow, z_fast → 256x4x4 each → 256x8x8 → 128x16x16 → 64x32x32 → 32x64x64 → 3x64x64
critic               16x64x64 → 64x8x32x32 → 128x4x16x16 → 256x2x8x8 → 512x1x4x4 → a number
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from baselines.conditioning import SLOPE, AppearanceEncoder, one_hot, with_maps
from baselines.initialisation import CONVOLUTIONS, NORMS, TRANSPOSED
from baselines.task import VideoGenerator
from baselines.tgan.config import Config

START = 0.01
"""Weights start uniform between minus and plus this."""


class TemporalGenerator(nn.Sequential):
    """G_0: z_slow ``float[B, slow]`` to the frames' z_fast ``float[B, fast, T]`` in [-1, 1].

    Args:
        slow: Numbers it reads.
        config: Its widths and what it makes.
    """

    def __init__(self, slow: int, config: Config) -> None:
        layers: list[nn.Module] = [nn.ConvTranspose1d(slow, config.temporal_widths[0], config.first_frames)]
        for c_in, c_out in pairwise((*config.temporal_widths, config.fast)):
            layers += [nn.BatchNorm1d(c_in), nn.ReLU(), nn.ConvTranspose1d(c_in, c_out, 4, 2, 1)]
        super().__init__(nn.Unflatten(1, (slow, 1)), *layers, nn.Tanh())


class ImageGenerator(nn.Module):
    """G_1: z_slow and one frame's z_fast to that frame.

    Args:
        slow: Numbers of z_slow.
        config: Its widths, and the numbers of z_fast.
    """

    def __init__(self, slow: int, config: Config) -> None:
        super().__init__()
        c = config.widths
        self.slow, self.fast = (
            nn.Sequential(
                nn.Linear(numbers, c[0] * 16, bias=False), nn.BatchNorm1d(c[0] * 16), nn.ReLU(),
                nn.Unflatten(1, (c[0], 4, 4)),
            )
            for numbers in (slow, config.fast)
        )  # fmt: skip
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise((2 * c[0], *c)):
            layers += [
                nn.ConvTranspose2d(c_in, c_out, 4, 2, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU()
            ]  # fmt: skip
        self.body = nn.Sequential(*layers, nn.Conv2d(c[-1], 3, 3, padding=1), nn.Tanh())

    def forward(self, slow: Tensor, fast: Tensor) -> Tensor:
        """``float[B, slow]`` and ``float[B, fast, T]`` to videos ``float[B, T, 3, 64, 64]``."""
        frames = fast.shape[2]
        still = self.slow(slow)[:, None].expand(-1, frames, -1, -1, -1).flatten(0, 1)
        moving = self.fast(fast.transpose(1, 2).flatten(0, 1))
        video: Tensor = self.body(torch.cat([still, moving], 1)).unflatten(0, (-1, frames))
        return video


class Generator(VideoGenerator):
    """TGAN's generator. The input's code and the label are further numbers of z_slow.

    Args:
        config: Its widths. With ``code`` 0 there is no encoder, as published.
        labels: How many expressions there are; 0 for none, as published.
    """

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__()
        self.noise, self.labels, self._prior = config.slow, labels, config.prior
        self.sees_face = config.code > 0
        self.encoder = AppearanceEncoder(config.encoder_widths, config.code) if self.sees_face else None
        slow = config.slow + config.code + labels
        self.temporal, self.image = TemporalGenerator(slow, config), ImageGenerator(slow, config)
        start(self.temporal, config.shift)
        start(self.image, config.shift)

    def forward(self, images: Tensor, labels: Tensor, noise: Tensor) -> Tensor:
        """Make one video for each input; see `VideoGenerator`."""
        slow = uniform(noise) if self._prior == "uniform" else noise
        if self.encoder is not None:
            slow = torch.cat([slow, self.encoder(images)[0]], 1)
        slow = torch.cat([slow, one_hot(labels, self.labels)], 1)
        video: Tensor = self.image(slow, self.temporal(slow)).float()
        return video


class Critic(nn.Module):
    """How true is this clip, for its label? The label's maps are put behind the first layer's.

    Args:
        config: Its widths.
        labels: How many expressions there are; 0 for none, as published.
    """

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__()
        self.labels = labels
        widths = config.video_widths
        self.first = nn.Sequential(nn.Conv3d(3, widths[0], 4, 2, 1), nn.LeakyReLU(SLOPE))
        body: list[nn.Module] = []
        for c_in, c_out in pairwise(widths):
            extra = 0 if body else labels
            body += [nn.Conv3d(c_in + extra, c_out, 4, 2, 1), nn.BatchNorm3d(c_out), nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(*body, nn.Conv3d(widths[-1], 1, (1, 4, 4)), nn.Flatten())
        start(self, config.shift)

    def forward(self, videos: Tensor, labels: Tensor) -> Tensor:
        """Judge ``float[B, T, 3, 64, 64]``: a number for each of T / 16 times, ``float[B, T / 16]``."""
        x = self.first(videos.transpose(1, 2))
        scores: Tensor = self.body(with_maps(x, one_hot(labels, self.labels)))
        return scores


def uniform(noise: Tensor) -> Tensor:
    """Standard normal numbers as numbers uniform in [-1, 1]: through their distribution function."""
    return torch.erf(noise / 2**0.5)


def start(network: nn.Module, shift: bool) -> None:
    """Uniform weights, and batch norm with or without a shift."""
    for layer in network.modules():
        if isinstance(layer, (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)):
            nn.init.uniform_(layer.weight, -START, START)  # type: ignore[arg-type]
        elif isinstance(layer, NORMS) and not shift:
            layer.register_parameter("bias", None)
