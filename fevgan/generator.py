"""The generator: E_S and E_Id's code into one spatio-temporal decoder, whose last maps compose the video.

Maps of clips are ``float[B, C, T, H, W]``. At 64 px and 16 frames, with the default widths:

    E_S       32x32x32 → 16x16x64 → 8x8x96 → 4x4x128
    decoder   2x4x4x192 → 4x8x8x128 → 8x16x16x64 → 16x32x32x32 → colours (or flow, mask and paint), 16x64x64
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fevbench.training.layout import channels_last, convolution3d
from fevgan.composition import CHANNELS, compose
from fevgan.config import COARSEST, Config
from fevgan.identity import CODE
from fevgan.stages import SLOPE, JoinedStage, ModulatedStage, Upsampling, joined, normalised

Maps = list[Tensor] | list[None]
"""E_S's maps, from 4 x 4 pixels to S / 2, or as many times None where they do not reach the decoder."""


class SpatialEncoder(nn.Module):
    """E_S: the input ``float[B, 3, S, S]`` to its maps; every convolution halves the pixels.

    Args:
        widths: Channels of the maps.
        batch_norm: Whether batch norm follows each convolution but the first.
    """

    def __init__(self, widths: tuple[int, ...], batch_norm: bool = False) -> None:
        super().__init__()

        def layer(c_in: int, c_out: int) -> nn.Module:
            convolution = nn.Conv2d(c_in, c_out, 4, 2, 1)
            # None behind the first, as in DCGAN: a picture's own colours must get through.
            normed = batch_norm and c_in > 3
            return nn.Sequential(convolution, nn.BatchNorm2d(c_out)) if normed else convolution

        self.down = nn.ModuleList(layer(c_in, c_out) for c_in, c_out in pairwise((3, *widths)))

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
            still = still + self.identity(whitened(code))
        # Times and plus: each frame turns the same code its own way, so that noise can shift the onset.
        out: Tensor = self.mix(still[:, :, None] * (1 + self.time) + self.time)
        return out


def whitened(code: Tensor) -> Tensor:
    """E_Id's unit codes, whose entries are tiny, with entries of about 1."""
    return code * math.sqrt(CODE)


class Generator(nn.Module):
    """What both forms of FEV-GAN's generator share: E_S, and how the decoder's last maps become a video.

    Args:
        config: Its widths and choices.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.spatial: SpatialEncoder | None = None
        if config.spatial_encoder:
            self.spatial = SpatialEncoder(config.spatial_widths, config.norm == "batch")

    def maps(self, images: Tensor) -> Maps:
        """E_S's maps of ``float[B, 3, S, S]``."""
        if self.spatial is None:
            return [None] * len(self.config.spatial_widths)
        maps: list[Tensor] = self.spatial(images)
        return maps

    def fields(self, images: Tensor, labels: Tensor, code: Tensor | None, noise: Tensor) -> Tensor:
        """What the decoder says of every pixel: ``float[B, T, channels, S, S]``, for `compose`."""
        raise NotImplementedError

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


class ModulatedGenerator(Generator):
    """The generator whose stages are modulated by label, identity and noise (``conditioning=film``).

    Args:
        config: Its widths and choices.
        labels: How many expressions there are.
    """

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__(config)
        widths, maps = config.decoder_widths, config.spatial_widths[::-1]
        skips = maps[1:] if config.skips else [0] * (len(maps) - 1)
        self.content = nn.Conv2d(maps[0], widths[0], 1) if config.spatial_encoder else None
        self.style = Style(config, labels)
        self.first = nn.Linear(config.style, widths[0] * COARSEST**2)
        self.stages = nn.ModuleList(
            ModulatedStage(c_in, c_out, skip, config)
            for (c_in, c_out), skip in zip(pairwise(widths), skips, strict=True)
        )
        self.last = last_layer(widths[-1], config)
        # Small at first: next to no motion and paint, so that the untrained model is close to a copy.
        small_start(self.last)
        channels_last(self)

    def fields(self, images: Tensor, labels: Tensor, code: Tensor | None, noise: Tensor) -> Tensor:
        """See `Generator.fields`."""
        style = self.style(labels, code, noise)
        x = self.first(F.adaptive_avg_pool1d(style, self.config.first_frames).mT)
        x = x.unflatten(2, (-1, COARSEST, COARSEST)).transpose(1, 2)
        maps = self.maps(images)
        if self.content is not None and maps[0] is not None:
            x = x + self.content(maps[0])[:, :, None]
        x = x.contiguous(memory_format=torch.channels_last_3d)
        for stage, skip in zip(self.stages, maps[1:], strict=True):
            x = stage(x, skip, style)
        return full_size(self.last(x), self.config)


class JoinedGenerator(Generator):
    """The generator to whose maps everything is concatenated (``conditioning=concatenation``).

    Args:
        config: Its widths and choices.
        labels: How many expressions there are.
    """

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__(config)
        self.labels = labels
        widths, maps = config.decoder_widths, config.spatial_widths[::-1]
        # E_S's coarsest map is its code; its finer ones are the skips.
        behind = [
            maps[0] if config.spatial_encoder else 0,
            *(maps[1:] if config.skips else [0] * len(maps[1:])),
        ]
        self.identity = nn.Linear(CODE, config.style) if config.identity_encoder else None
        codes = labels + config.noise + (config.style if config.identity_encoder else 0)
        # On one place, a transposed convolution is a matrix.
        self.first = nn.Linear(codes, widths[0] * config.first_frames * COARSEST**2, bias=False)
        self.norm = normalised(widths[0], config, affine=True)
        self.stages = nn.ModuleList(
            JoinedStage(c_in + extra + labels, c_out, config)
            for (c_in, c_out), extra in zip(pairwise(widths), behind, strict=False)
        )
        self.last = last_layer(widths[-1] + behind[-1] + labels, config)
        channels_last(self)

    def fields(self, images: Tensor, labels: Tensor, code: Tensor | None, noise: Tensor) -> Tensor:
        """See `Generator.fields`."""
        label = F.one_hot(labels, self.labels).float()
        codes = [label, noise]
        if self.identity is not None and code is not None:
            codes.append(self.identity(whitened(code)))
        first = (-1, self.config.first_frames, COARSEST, COARSEST)
        x = self.first(torch.cat(codes, 1)).unflatten(1, first)
        x = x.contiguous(memory_format=torch.channels_last_3d)
        content, *finer = self.maps(images)
        x = joined(F.leaky_relu(self.norm(x), SLOPE), content, label)
        for stage, skip in zip(self.stages, finer, strict=True):
            x = stage(x, skip if self.config.skips else None, label)
        return full_size(self.last(x), self.config)


def last_layer(c_in: int, config: Config) -> nn.Module:
    """From the last maps, of half the frame's side, to what `full_size` takes."""
    channels = CHANNELS[config.composition]
    if config.output == "transposed":
        return Upsampling(c_in, channels, (1, 3, 3), True, bias=True)
    # Sub-pixel convolution: at full size, every map costs four times as much.
    return convolution3d(c_in, 4 * channels, (1, 3, 3), (1, 1, 1), (0, 1, 1))


def full_size(x: Tensor, config: Config) -> Tensor:
    """What the last layer made as ``float[B, T, channels, S, S]``."""
    x = x.transpose(1, 2)
    return x if config.output == "transposed" else F.pixel_shuffle(x, 2)


def small_start(layer: nn.Module) -> None:
    """Weights near zero."""
    for name, parameter in layer.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.normal_(parameter, std=0.001)


def build_generator(config: Config, labels: int) -> Generator:
    """The generator of a configuration.

    Args:
        config: Its widths and choices.
        labels: How many expressions there are.
    """
    kind = JoinedGenerator if config.conditioning == "concatenation" else ModulatedGenerator
    return kind(config, labels)
