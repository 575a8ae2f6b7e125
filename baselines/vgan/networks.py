"""VGAN's networks: a still background, a moving foreground, and a mask that says where which of them is seen.

Maps of clips are ``float[B, C, T, h, w]``. Both streams, unconditional and image-conditional:

    background   512x4x4     → 256x8x8     → 128x16x16    → 64x32x32      → 3x64x64
    foreground   512x2x4x4   → 256x4x8x8   → 128x8x16x16  → 64x16x32x32   → 3x32x64x64 and a mask
    background   1024x4x4    → 512x8x8     → 256x16x16    → 128x32x32     → 3x64x64
    foreground   1024x2x4x4  → 512x4x8x8   → 256x8x16x16  → 128x16x32x32  → 3x32x64x64 and a mask
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from baselines.conditioning import SLOPE, one_hot, over_time, with_maps
from baselines.config import STEP
from baselines.initialisation import CONVOLUTIONS, TRANSPOSED, normal
from baselines.task import VideoGenerator
from baselines.vgan.config import Config

START = 0.01
"""Standard deviation of the weights at the start."""


class TwoStreams(nn.Module):
    """Both streams, from their first maps on: batch norm and ReLU after all but the last convolutions.

    Args:
        widths: Channels, the first maps' included.
        extra: Further channels of the background's first map.
    """

    def __init__(self, widths: tuple[int, ...], extra: int = 0) -> None:
        super().__init__()
        background: list[nn.Module] = []
        foreground: list[nn.Module] = []
        for c_in, c_out in pairwise(widths):
            more = 0 if background else extra
            flat = nn.ConvTranspose2d(c_in + more, c_out, 4, 2, 1)
            background += [flat, nn.BatchNorm2d(c_out), nn.ReLU()]
            foreground += [nn.ConvTranspose3d(c_in, c_out, 4, 2, 1), nn.BatchNorm3d(c_out), nn.ReLU()]
        self.background = nn.Sequential(*background, nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1), nn.Tanh())
        self.foreground = nn.Sequential(*foreground)
        self.colours = nn.Sequential(nn.ConvTranspose3d(widths[-1], 3, 4, 2, 1), nn.Tanh())
        self.mask = nn.Sequential(nn.ConvTranspose3d(widths[-1], 1, 4, 2, 1), nn.Sigmoid())

    def forward(self, still: Tensor, moving: Tensor) -> tuple[Tensor, Tensor]:
        """Paint.

        Args:
            still: ``float[B, widths[0] + extra, 4, 4]``.
            moving: ``float[B, widths[0], T / 16, 4, 4]``.

        Returns:
            Videos ``float32[B, T, 3, 64, 64]`` in [-1, 1], and masks ``float32[B, T, 1, 64, 64]``, 1 where
            the foreground is seen.
        """
        x = self.foreground(moving)
        mask, colours = self.mask(x).float(), self.colours(x).float()
        background = over_time(self.background(still).float(), mask.shape[2])
        video = mask * colours + (1 - mask) * background
        return video.transpose(1, 2), mask.transpose(1, 2)


class UnconditionalGenerator(nn.Module):
    """The paper's first generator: noise ``float[B, 100]`` to a video. It sees no face and no label.

    Args:
        widths: Channels; the paper's are 512, 256, 128, 64.
        noise: Numbers in z.
        frames: Frames of a clip.
    """

    def __init__(
        self, widths: tuple[int, ...] = (512, 256, 128, 64), noise: int = 100, frames: int = 32
    ) -> None:
        super().__init__()
        c = widths[0]
        self.still = nn.Sequential(nn.ConvTranspose2d(noise, c, 4), nn.BatchNorm2d(c), nn.ReLU())
        deep = (frames // STEP, 4, 4)
        self.moving = nn.Sequential(nn.ConvTranspose3d(noise, c, deep), nn.BatchNorm3d(c), nn.ReLU())
        self.streams = TwoStreams(widths)
        normal(self, START, CONVOLUTIONS + TRANSPOSED)

    def forward(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Videos and masks; see `TwoStreams`."""
        still, moving = self.still(noise[..., None, None]), self.moving(noise[..., None, None, None])
        videos: tuple[Tensor, Tensor] = self.streams(still, moving)
        return videos


class Generator(VideoGenerator):
    """The paper's image-conditional generator, with the label beside the image's 4x4 code. It takes no noise.

    Args:
        config: Its widths.
        labels: How many expressions there are; 0 for none, as published.
    """

    noise = 0

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__()
        self.labels = labels
        encoder: list[nn.Module] = []
        for c_in, c_out in pairwise((3, *config.widths[::-1])):
            norm = [nn.BatchNorm2d(c_out)] if encoder else []
            encoder += [nn.Conv2d(c_in, c_out, 4, 2, 1), *norm, nn.ReLU()]
        self.encoder = nn.Sequential(*encoder)
        c = config.widths[0]
        longer = nn.ConvTranspose3d(c + labels, c, (config.first_frames, 1, 1))
        self.moving = nn.Sequential(longer, nn.BatchNorm3d(c), nn.ReLU())
        self.streams = TwoStreams(config.widths, labels)
        normal(self, START, CONVOLUTIONS + TRANSPOSED)

    def video_and_mask(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Videos and masks; see `TwoStreams`."""
        code = with_maps(self.encoder(images), one_hot(labels, self.labels))
        videos: tuple[Tensor, Tensor] = self.streams(code, self.moving(code[:, :, None]))
        return videos

    def forward(self, images: Tensor, labels: Tensor, noise: Tensor) -> Tensor:
        """Make one video for each input; see `VideoGenerator`."""
        return self.video_and_mask(images, labels)[0]


class Discriminator(nn.Module):
    """Is this a true clip of its label? The label's maps are put behind the first layer's.

    3D convolutions with leaky ReLU, batch norm from the second on: 32x64x64 → 16x32x32 → 8x16x16 → 4x8x8 →
    2x4x4 → two logits.

    Args:
        widths: Channels; the paper's are 64, 128, 256, 512, and twice that where images are given.
        labels: How many expressions there are; 0 for none, as published.
        frames: Frames of a clip.
    """

    def __init__(self, widths: tuple[int, ...], labels: int, frames: int) -> None:
        super().__init__()
        self.labels = labels
        self.first = nn.Sequential(nn.Conv3d(3, widths[0], 4, 2, 1), nn.LeakyReLU(SLOPE))
        body: list[nn.Module] = []
        for c_in, c_out in pairwise(widths):
            extra = 0 if body else labels
            body += [nn.Conv3d(c_in + extra, c_out, 4, 2, 1), nn.BatchNorm3d(c_out), nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(*body, nn.Conv3d(widths[-1], 2, (frames // STEP, 4, 4)), nn.Flatten())
        normal(self, START)

    def forward(self, videos: Tensor, labels: Tensor) -> Tensor:
        """Judge ``float[B, T, 3, 64, 64]``: logits of made and true, ``float[B, 2]``."""
        x = self.first(videos.transpose(1, 2))
        logits: Tensor = self.body(with_maps(x, one_hot(labels, self.labels)))
        return logits
