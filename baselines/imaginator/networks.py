"""ImaGINator's networks.

Maps of clips are ``float[B, C, T, h, w]``. The published decoder, of 32 frames and six labels:

block   in                time   out   TxHxW      then concatenated
1       512 + 6 + 100     4096   512   2x4x4      the encoder's 512 maps, 6 of the label
2       1030              3072   256   4x8x8      256, 6
3       518               1536   128   8x16x16    128, 6
4       262               768    64    16x32x32   64, 6
rgb     134               36     3     32x64x64
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from baselines.conditioning import SLOPE, AppearanceEncoder, one_hot, over_time, with_maps
from baselines.config import STEP
from baselines.factorised import DOUBLE, Kernel, along_space, along_time, first
from baselines.imaginator.config import Config
from baselines.initialisation import normal, spectral
from baselines.task import VideoGenerator


class Transposed(nn.Sequential):
    """A factorised "(1+2)D" transposed convolution: over time, batch norm, leaky ReLU, then over space.

    Args:
        c_in: Channels in.
        c_time: Channels in between.
        c_out: Channels out.
        time: Along time.
        space: Along height and width.
    """

    def __init__(
        self, c_in: int, c_time: int, c_out: int, time: Kernel = DOUBLE, space: Kernel = DOUBLE
    ) -> None:
        super().__init__(
            along_time(c_in, c_time, time),
            nn.BatchNorm3d(c_time),
            nn.LeakyReLU(SLOPE),
            along_space(c_time, c_out, space),
        )


class Generator(VideoGenerator):
    """ImaGINator's generator: the encoder's maps and the label reach every block of the decoder.

    Args:
        config: Its widths.
        labels: How many expressions there are.
    """

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__()
        self.noise, self.labels = config.noise, labels
        self.encoder = AppearanceEncoder(config.widths[::-1], config.code)
        normal(self.encoder, 0.02)  # transposed convolutions keep torch's start, as in the authors' code
        c_first, *times, c_last = config.time_widths
        codes = config.noise + labels + config.code
        blocks = [Transposed(codes, c_first, config.widths[0], first(config.first_frames), first(4))]
        for (c_in, c_out), c_time in zip(pairwise(config.widths), times, strict=True):
            blocks.append(Transposed(2 * c_in + labels, c_time, c_out))
        self.blocks = nn.ModuleList(
            nn.Sequential(*block, nn.BatchNorm3d(c_out), nn.LeakyReLU(SLOPE))
            for block, c_out in zip(blocks, config.widths, strict=True)
        )
        self.rgb = Transposed(2 * config.widths[-1] + labels, c_last, 3)

    def forward(self, images: Tensor, labels: Tensor, noise: Tensor) -> Tensor:
        """Make one video for each input; see `VideoGenerator`."""
        label = one_hot(labels, self.labels)
        code, maps = self.encoder(images)
        x = torch.cat([noise, label, code], 1)[..., None, None, None]
        for block, skip in zip(self.blocks, maps, strict=True):
            x = block(x)
            x = with_maps(x, label, over_time(skip, x.shape[2]))
        return torch.tanh(self.rgb(x)).transpose(1, 2).float()


class VideoDiscriminator(nn.Module):
    """Is this a true clip of this label? Spectrally normalised 3D convolutions.

    Published: 32x64x64 → 16x32x32x64, the label's 6 maps → 8x16x16x128 → 4x8x8x256 → 2x4x4x512 → a logit.

    Args:
        widths: Channels.
        labels: How many expressions there are.
        frames: Frames of a clip.
    """

    def __init__(self, widths: tuple[int, ...], labels: int, frames: int) -> None:
        super().__init__()
        self.labels = labels
        self.first = nn.Sequential(nn.Conv3d(3, widths[0], 4, 2, 1), nn.LeakyReLU(SLOPE))
        body: list[nn.Module] = []
        for c_in, c_out in pairwise(widths):
            extra = 0 if body else labels
            body += [nn.Conv3d(c_in + extra, c_out, 4, 2, 1), nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(*body, nn.Conv3d(widths[-1], 1, (frames // STEP, 4, 4)), nn.Flatten())
        normal(self, 0.02)
        spectral(self)

    def forward(self, videos: Tensor, labels: Tensor) -> Tensor:
        """Judge ``float[B, T, 3, 64, 64]``: a logit ``float[B, 1]``."""
        x = self.first(videos.transpose(1, 2))
        logits: Tensor = self.body(with_maps(x, one_hot(labels, self.labels)))
        return logits
