"""G3AN's networks.

Maps of clips are ``float[B, C, T, h, w]``. The published generator, which is given neither face nor label:

module   S in   V in   T in   out each   TxHxW
1        128    138    10     512        4x4x4
2        512    1024   512    512        8x8x8
3        512    1024   512    256        16x16x16
4        256    512    256    128        16x32x32    then attention, if it is on
5        128    256    128    64         16x64x64
rgb             128           3          16x64x64
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.conditioning import SLOPE, AppearanceEncoder, one_hot, with_maps
from baselines.factorised import DOUBLE, KEEP, Kernel, along_space, along_time, first
from baselines.g3an.config import Config
from baselines.initialisation import spectral
from baselines.task import VideoGenerator
from fevbench.training.layout import concatenate_channels, convolution3d

Streams = tuple[Tensor, Tensor, Tensor]
"""The spatial, video and temporal streams' maps."""


class G3(nn.Module):
    """A G3 module: three streams of spectrally normalised transposed convolutions, which meet in the video's.

    Args:
        s_in: Channels of the spatial stream, ``float[B, s_in, 1, h, w]``.
        v_in: Channels of the video stream, ``float[B, v_in, T, h, w]``.
        t_in: Channels of the temporal stream, ``float[B, t_in, T, 1, 1]``.
        c_out: Channels each of them makes.
        space: Along height and width.
        time: Along time.
    """

    def __init__(self, s_in: int, v_in: int, t_in: int, c_out: int, space: Kernel, time: Kernel) -> None:
        super().__init__()
        self.spatial = nn.Sequential(along_space(s_in, c_out, space), nn.BatchNorm3d(c_out), nn.ReLU())
        self.temporal = nn.Sequential(along_time(t_in, c_out, time), nn.BatchNorm3d(c_out), nn.ReLU())
        self.video = nn.Sequential(
            along_time(v_in, c_out, time), nn.BatchNorm3d(c_out), nn.ReLU(),
            along_space(c_out, c_out, space), nn.BatchNorm3d(c_out), nn.ReLU(),
        )  # fmt: skip
        spectral(self)

    def forward(self, streams: Streams) -> Streams:
        """One size further; the video stream leaves with twice ``c_out`` channels."""
        s, v, t = streams
        s, t = self.spatial(s), self.temporal(t)
        v = self.video(v) + t  # repeated over space
        return s, concatenate_channels(s.expand(-1, -1, v.shape[2], -1, -1), v), t


class Attention(nn.Module):
    """Self-attention (Zhang et al., 2019) along time or within frames, added with a gain that starts at 0.

    Args:
        channels: Of ``float[B, channels, T, h, w]``, in and out.
        over: ``time``: each place attends to itself in all frames; ``space``: to all places of its frame.
    """

    def __init__(self, channels: int, over: str) -> None:
        super().__init__()
        self.over = over
        self.query = nn.Conv3d(channels, channels // 8, 1)
        self.key = nn.Conv3d(channels, channels // 8, 1)
        self.value = nn.Conv3d(channels, channels, 1)
        self.gain = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Attend."""
        query, key, value = (self._places(layer(x)) for layer in (self.query, self.key, self.value))
        found = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        if self.over == "time":
            found = torch.unflatten(found, 1, x.shape[3:]).permute(0, 4, 3, 1, 2)
        else:
            found = torch.unflatten(found, 2, x.shape[3:]).permute(0, 4, 1, 2, 3)
        attended: Tensor = x + self.gain * found
        return attended

    def _places(self, x: Tensor) -> Tensor:
        """``float[B, N, places that attend to each other, C]``."""
        if self.over == "time":
            return x.permute(0, 3, 4, 2, 1).flatten(1, 2)
        return x.permute(0, 2, 3, 4, 1).flatten(2, 3)


class Generator(VideoGenerator):
    """G3AN's generator. The input's code goes where z_a goes, and the label where z_m goes.

    Args:
        config: Its widths. With ``code`` 0 there is no encoder, as published.
        labels: How many expressions there are; 0 for none, as published.
    """

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__()
        self.noise, self.labels = config.appearance + config.motion, labels
        self._parts = [config.appearance, config.motion]
        self.sees_face = config.code > 0
        self.encoder = AppearanceEncoder(config.encoder_widths, config.code) if self.sees_face else None
        appearance, motion = config.appearance + config.code, config.motion + labels
        c = config.widths
        double, keep = (DOUBLE, DOUBLE), (DOUBLE, KEEP)
        start = (first(4), first(config.frames // 4))
        modules = [G3(appearance, appearance + motion, motion, c[0], *start)]
        for (c_in, c_out), kernels in zip(pairwise(c), (double, double, keep, keep), strict=True):
            modules.append(G3(c_in, 2 * c_in, c_in, c_out, *kernels))
        self.body, self.last = nn.Sequential(*modules[:4]), modules[4]
        self.attention = nn.Sequential()
        if config.attention:
            self.attention = nn.Sequential(Attention(2 * c[3], "time"), Attention(2 * c[3], "space"))
        self.rgb = convolution3d(2 * c[4], 3, (1, 3, 3), (1, 1, 1), (0, 1, 1))

    def forward(self, images: Tensor, labels: Tensor, noise: Tensor) -> Tensor:
        """Make one video for each input; see `VideoGenerator`."""
        appearance, motion = torch.split(noise, self._parts, 1)
        if self.encoder is not None:
            appearance = torch.cat([appearance, self.encoder(images)[0]], 1)
        motion = torch.cat([motion, one_hot(labels, self.labels)], 1)
        s, v, t = (
            code[..., None, None, None] for code in (appearance, torch.cat([appearance, motion], 1), motion)
        )
        s, v, t = self.body((s, v, t))
        _, v, _ = self.last((s, self.attention(v), t))
        return torch.tanh(self.rgb(v)).transpose(1, 2).float()


class VideoDiscriminator(nn.Module):
    """Is this a true clip of this label? Spectrally normalised, along space and along time in turn.

    Published, without the label: 64 → 32 → 16 → 8 → 4 → 1 px, 16 → 13 → 10 → 7 → 4 → 1 frames, widths 64,
    128, 256, 512, 512, 1. It is that of the authors' release, better than the paper's.

    Args:
        widths: Channels.
        labels: How many expressions there are; 0 for none, as published.
    """

    def __init__(self, widths: tuple[int, ...], labels: int) -> None:
        super().__init__()
        self.labels = labels
        self.first = nn.Sequential(_space(3, widths[0]), nn.LeakyReLU(SLOPE))
        body: list[nn.Module] = [_time(widths[0] + labels, widths[0]), nn.LeakyReLU(SLOPE)]
        for c_in, c_out in pairwise(widths):
            body += [_space(c_in, c_out), nn.LeakyReLU(SLOPE), _time(c_out, c_out), nn.LeakyReLU(SLOPE)]
        whole = convolution3d(widths[-1], widths[-1], (1, 4, 4), (1, 1, 1), (0, 0, 0))
        body += [whole, nn.LeakyReLU(SLOPE), _time(widths[-1], 1)]
        self.body = nn.Sequential(*body, nn.Flatten())
        spectral(self)

    def forward(self, videos: Tensor, labels: Tensor) -> Tensor:
        """Judge ``float[B, T, 3, 64, 64]``: a logit for each frame that is left, ``float[B, T - 15]``."""
        x = self.first(videos.transpose(1, 2))
        logits: Tensor = self.body(with_maps(x, one_hot(labels, self.labels)))
        return logits


def _space(c_in: int, c_out: int) -> nn.Conv3d:
    """Half the pixels."""
    return convolution3d(c_in, c_out, (1, 4, 4), (1, 2, 2), (0, 1, 1))


def _time(c_in: int, c_out: int) -> nn.Conv3d:
    """Three frames fewer."""
    return convolution3d(c_in, c_out, (4, 1, 1), (1, 1, 1), (0, 0, 0))
