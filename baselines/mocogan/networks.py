"""MoCoGAN's networks.

The published generator, for six labels, makes each frame of three codes:

content 50, category 6, motion 10 → 512x4x4 → 256x8x8 → 128x16x16 → 64x32x32 → 3x64x64
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from baselines.conditioning import SLOPE, AppearanceEncoder, one_hot
from baselines.mocogan.config import Config, ImageToVideoConfig
from baselines.task import VideoGenerator
from fevbench.training.sampling import RandomNumbers


class MotionCodes(nn.Module):
    """R_M: a GRU whose states, fed with fresh noise each frame, are the frames' motion codes."""

    def __init__(self, motion: int) -> None:
        super().__init__()
        self.cell = nn.GRUCell(motion, motion)

    def forward(self, start: Tensor, noise: Tensor) -> Tensor:
        """From the state ``float[B, M]`` before frame 0 and noise ``float[B, T, M]``: ``float[B, T, M]``."""
        states = [start]
        for fresh in noise.unbind(1):
            states.append(self.cell(fresh, states[-1]))
        return torch.stack(states[1:], 1)


class Generator(VideoGenerator):
    """MoCoGAN's generator: content and category are the same in all frames, motion is each frame's own.

    Args:
        config: Its widths.
        labels: How many expressions there are.
        encoder: What makes the content code of the input; without, as published, the content is noise and
            the input is not looked at.
    """

    def __init__(self, config: Config, labels: int, encoder: AppearanceEncoder | None = None) -> None:
        super().__init__()
        self.labels, self.frames, self.motion = labels, config.frames, config.motion
        self.encoder, self.sees_face = encoder, encoder is not None
        self._content = 0 if encoder else config.content
        self.noise = self._content + config.motion * (1 + config.frames)
        self.motion_codes = MotionCodes(config.motion)
        c = config.widths
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(config.content + labels + config.motion, c[0], 4, bias=False)
        ]
        for c_in, c_out in pairwise((*c, 3)):
            layers += [
                nn.BatchNorm2d(c_in), nn.ReLU(), nn.ConvTranspose2d(c_in, c_out, 4, 2, 1, bias=False)
            ]  # fmt: skip
        self.frame = nn.Sequential(*layers, nn.Tanh())

    def forward(self, images: Tensor, labels: Tensor, noise: Tensor) -> Tensor:
        """Make one video for each input; see `VideoGenerator`."""
        sizes = [self._content, self.motion, self.motion * self.frames]
        content, start, fresh = torch.split(noise, sizes, 1)
        if self.encoder is not None:
            content, _ = self.encoder(images)
        motion = self.motion_codes(start, torch.unflatten(fresh, 1, (self.frames, self.motion)))
        still = torch.cat([content, one_hot(labels, self.labels)], 1)
        codes = torch.cat([still[:, None].expand(-1, self.frames, -1), motion], 2)
        frames: Tensor = self.frame(codes.flatten(0, 1)[..., None, None])
        return torch.unflatten(frames, 0, (-1, self.frames)).float()


def image_to_video(config: ImageToVideoConfig, labels: int) -> Generator:
    """The generator of the variant whose content is the input's."""
    return Generator(config, labels, AppearanceEncoder(config.encoder_widths, config.content))


class _Judge(nn.Module):
    """Layers, each of which sees its input through noise if noise is drawn."""

    def __init__(self, layers: list[nn.Module], noise: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self._noise = noise

    def _look(self, x: Tensor, draws: RandomNumbers) -> Tensor:
        for layer in self.layers:
            if self._noise:
                x = x + self._noise * draws.normal(*x.shape[1:])
            x = layer(x)
        return x


class ImageDiscriminator(_Judge):
    """D_I: are the patches of this a true frame's? 64 → 32 → 16 → 8 → 4 px.

    Args:
        widths: Channels; the paper's are 64, 128, 256.
        noise: Standard deviation of the noise before each layer.
    """

    def __init__(self, widths: tuple[int, ...], noise: float) -> None:
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise((3, *widths)):
            norm = [nn.BatchNorm2d(c_out)] if layers else []
            convolution = nn.Conv2d(c_in, c_out, 4, 2, 1, bias=False)
            layers.append(nn.Sequential(convolution, *norm, nn.LeakyReLU(SLOPE)))
        super().__init__([*layers, nn.Conv2d(widths[-1], 1, 4, 2, 1, bias=False)], noise)

    def forward(self, frames: Tensor, draws: RandomNumbers) -> Tensor:
        """Judge ``float[B, 3, 64, 64]``: a logit for each of 4x4 patches, ``float[B, 16]``."""
        return self._look(frames, draws).flatten(1)


class VideoDiscriminator(_Judge):
    """D_V: is this a true clip, and of which label?

    64 → 32 → 16 → 8 → 4 → 1 px, 16 → 13 → 10 → 7 → 4 → 1 frames.

    Args:
        widths: Channels; the paper's are 64, 128, 256, 512.
        labels: How many expressions there are.
        noise: Standard deviation of the noise before each layer.
    """

    def __init__(self, widths: tuple[int, ...], labels: int, noise: float) -> None:
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise((3, *widths)):
            norm = [nn.BatchNorm3d(c_out)] if layers else []
            convolution = nn.Conv3d(c_in, c_out, 4, (1, 2, 2), (0, 1, 1), bias=False)
            layers.append(nn.Sequential(convolution, *norm, nn.LeakyReLU(SLOPE)))
        super().__init__([*layers, nn.Conv3d(widths[-1], 1 + labels, 4, bias=False)], noise)

    def forward(self, videos: Tensor, draws: RandomNumbers) -> tuple[Tensor, Tensor]:
        """Judge ``float[B, T, 3, 64, 64]``.

        Returns:
            A logit for each frame that is left, ``float[B, T - 15]``, and one for each label, the mean over
            these frames, ``float[B, labels]``.
        """
        logits = self._look(videos.transpose(1, 2), draws).flatten(2)
        return logits[:, 0], logits[:, 1:].mean(2)
