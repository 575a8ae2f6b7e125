"""The generator: E_S and E_Id's code into one spatio-temporal decoder, whose last maps compose the video.

Maps of clips are ``float[B, C, T, H, W]``. For ``fevsynth-64x16``, a 64 x 64 input and 16 frames:

    E_S       32x32x32 → 16x16x64 → 8x8x96 → 4x4x128
    decoder   2x4x4x192 → 4x8x8x128 → 8x16x16x64 → 16x32x32x32 → flow, mask and paint, 16x64x64
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fevbench.training.layout import channels_last
from fevgan.composition import CHANNELS, compose
from fevgan.config import COARSEST, Config
from fevgan.identity import CODE

Size = tuple[int, int, int]
"""Time, height, width."""
SLOPE = 0.2
"""Of the negative half of every leaky ReLU (ImaGINator's)."""


class SpatialEncoder(nn.Module):
    """E_S: the input ``float[B, 3, S, S]`` to its maps; every convolution halves the pixels."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(c_in, c_out, 4, 2, 1) for c_in, c_out in pairwise((3, *widths)))

    def forward(self, image: Tensor) -> list[Tensor]:
        """The maps, from 4 x 4 pixels to S / 2."""
        maps = [image]
        for layer in self.down:
            maps.append(F.leaky_relu(layer(maps[-1]), SLOPE))
        return maps[:0:-1]


class Style(nn.Module):
    """What conditions every stage, frame by frame: label, identity and noise, unrolled over time.

    ``int64[B]``, ``float[B, 512]`` or None, ``float[B, Z]`` to ``float[B, style, T]``.
    """

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__()
        self.label = nn.Embedding(labels, config.style)
        self.noise = nn.Linear(config.noise, config.style)
        self.identity = nn.Linear(CODE, config.style) if config.identity_encoder else None
        self.time = nn.Parameter(torch.randn(config.style, config.frames) / 2)
        self.mix = nn.Sequential(
            nn.LeakyReLU(SLOPE), nn.Conv1d(config.style, config.style, 1), nn.LeakyReLU(SLOPE),
            nn.Conv1d(config.style, config.style, 3, padding=1), nn.LeakyReLU(SLOPE),
        )  # fmt: skip

    def forward(self, labels: Tensor, code: Tensor | None, noise: Tensor) -> Tensor:
        """Mix, frame by frame."""
        still = self.label(labels) + self.noise(noise)
        if self.identity is not None and code is not None:
            still = still + self.identity(code * CODE**0.5)  # a unit code's entries are tiny
        # Times and plus: each frame turns the same code its own way, so that noise can shift the onset.
        out: Tensor = self.mix(still[:, :, None] * (1 + self.time) + self.time)
        return out


class Stage(nn.Module):
    """One stage of the decoder: twice the frames, twice the pixels, conditioned by style and by a map of E_S.

    Args:
        c_in: Channels in.
        c_out: Channels out.
        skip: Channels of E_S's map at the new size; 0 for none.
        config: Width of the style; factorised or not, resized or transposed.
    """

    def __init__(self, c_in: int, c_out: int, skip: int, config: Config) -> None:
        super().__init__()
        transposed = config.upsampling == "transposed"
        self.grow: nn.Module
        if config.factorised:
            self.grow = nn.Sequential(
                Upsampling(c_in, c_out, (3, 1, 1), transposed),
                nn.LeakyReLU(SLOPE),
                Upsampling(c_out, c_out, (1, 3, 3), transposed),
            )
        else:
            self.grow = Upsampling(c_in, c_out, (3, 3, 3), transposed)
        # What is the same in all frames is convolved once, and added to each.
        self.skip = nn.Conv2d(skip, c_out, 3, padding=1) if skip else None
        self.norm = nn.GroupNorm(min(8, c_out), c_out, affine=False)
        self.film = nn.Conv1d(config.style, 2 * c_out, 1)

    def forward(self, x: Tensor, skip: Tensor | None, style: Tensor) -> Tensor:
        """``float[B, c_in, T, h, w]`` to ``float[B, c_out, 2T, 2h, 2w]``."""
        x = self.grow(x)
        if self.skip is not None and skip is not None:
            x = x + self.skip(skip)[:, :, None]
        gain, shift = self.film(F.adaptive_avg_pool1d(style, x.shape[2]))[..., None, None].chunk(2, 1)
        return F.leaky_relu(self.norm(x) * (1 + gain) + shift, SLOPE)


class Upsampling(nn.Module):
    """A convolution that doubles the axes over which its kernel is wider than 1.

    Args:
        c_in: Channels in.
        c_out: Channels out.
        kernel: 1 or 3 over time, height and width.
        transposed: Whether by a transposed convolution, of kernel 4 (ImaGINator's), or by repeating first.
    """

    def __init__(self, c_in: int, c_out: int, kernel: Size, transposed: bool) -> None:
        super().__init__()
        t, h, w = kernel
        scale = (2 if t > 1 else 1, 2 if h > 1 else 1, 2 if w > 1 else 1)
        padding = (t // 2, h // 2, w // 2)
        if transposed:
            wide = (t + t // 2, h + h // 2, w + w // 2)  # 3 becomes 4, and 1 stays
            self.layer: nn.Module = nn.ConvTranspose3d(c_in, c_out, wide, scale, padding, bias=False)
        else:
            convolution = nn.Conv3d(c_in, c_out, kernel, 1, padding, bias=False)
            self.layer = nn.Sequential(nn.Upsample(scale_factor=scale), convolution)

    def forward(self, x: Tensor) -> Tensor:
        """``float[B, c_in, T, h, w]`` to ``float[B, c_out, …]``, larger."""
        out: Tensor = self.layer(x)
        return out


class Generator(nn.Module):
    """FEV-GAN's generator.

    Args:
        config: Its widths and choices.
        labels: How many expressions there are.
    """

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__()
        self.config = config
        widths, maps = config.decoder_widths, config.spatial_widths[::-1]
        skips = maps[1:] if config.skips else [0] * (len(maps) - 1)
        self.spatial = SpatialEncoder(config.spatial_widths) if config.spatial_encoder else None
        self.content = nn.Conv2d(maps[0], widths[0], 1) if config.spatial_encoder else None
        self.style = Style(config, labels)
        self.first = nn.Linear(config.style, widths[0] * COARSEST**2)
        self.stages = nn.ModuleList(
            Stage(c_in, c_out, skip, config)
            for (c_in, c_out), skip in zip(pairwise(widths), skips, strict=True)
        )
        # Sub-pixel convolution (Shi et al., 2016): at full size, every map costs four times as much.
        self.last = nn.Conv3d(widths[-1], 4 * CHANNELS[config.composition], (1, 3, 3), padding=(0, 1, 1))
        # Small at first: next to no motion and paint, so that the untrained model is close to a copy.
        nn.init.normal_(self.last.weight, std=0.001)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]
        channels_last(self)

    def fields(self, images: Tensor, labels: Tensor, code: Tensor | None, noise: Tensor) -> Tensor:
        """What the decoder says of every pixel: ``float[B, T, channels, S, S]``, for `compose`."""
        style = self.style(labels, code, noise)
        x = self.first(F.adaptive_avg_pool1d(style, self.config.first_frames).mT)
        x = x.unflatten(2, (-1, COARSEST, COARSEST)).transpose(1, 2)
        maps: list[Tensor | None] = [None] * (len(self.stages) + 1)
        if self.spatial is not None and self.content is not None:
            maps = list(self.spatial(images))
            x = x + self.content(maps[0])[:, :, None]
        x = x.contiguous(memory_format=torch.channels_last_3d)
        for stage, skip in zip(self.stages, maps[1:], strict=True):
            x = stage(x, skip, style)
        return F.pixel_shuffle(self.last(x).transpose(1, 2), 2)

    def forward(self, images: Tensor, labels: Tensor, code: Tensor | None, noise: Tensor) -> Tensor:
        """Make one video for each input.

        Args:
            images: ``float[B, 3, S, S]`` in [-1, 1].
            labels: ``int64[B]``.
            code: ``float[B, 512]``, unit codes of E_Id; None where that encoder is left out.
            noise: ``float[B, Z]``.

        Returns:
            ``float32[B, T, 3, S, S]`` in [-1, 1].
        """
        return compose(images, self.fields(images, labels, code, noise), self.config)
