"""The one discriminator: is this a true clip of this person performing this label?

For ``fevsynth-64x16``:  16x64x64 → 16x32x32x24 → 8x16x16x48 → 4x8x8x96 → 2x4x4x192 → a logit each place
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from fevbench.training.layout import channels_last, concatenate_channels, convolution3d
from fevgan.config import Config

SLOPE = 0.2
CHANGE = 2.0
"""What a clip adds to its input is shown enlarged: true and made ones differ in little else."""


class Discriminator(nn.Module):
    """Spectrally normalised 3D convolutions (Miyato et al., 2018), conditioned on input and label.

    Args:
        config: Its widths and choices.
        labels: How many expressions there are.
    """

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__()
        self.sees_image = config.critic_image
        self.labels = labels if config.critic_label == "maps" else 0
        first, *others = config.critic_widths
        # The finest maps cost most: no look at neighbouring frames yet.
        self.first = spectral_norm(
            convolution3d(6 if self.sees_image else 3, first, (1, 4, 4), (1, 2, 2), (0, 1, 1))
        )
        ins = [first + self.labels, *others[:-1]]
        self.body = nn.ModuleList(
            spectral_norm(nn.Conv3d(c_in, c_out, (3, 4, 4), 2, 1))
            for c_in, c_out in zip(ins, others, strict=True)
        )
        self.logit = spectral_norm(nn.Conv3d(others[-1], 1, 1))
        self.label = None if self.labels else spectral_norm(nn.Embedding(labels, others[-1]))
        channels_last(self)

    def forward(self, videos: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        """Judge clips.

        Args:
            videos: ``float[B, T, 3, S, S]`` in [-1, 1].
            images: ``float[B, 3, S, S]``, what they start from.
            labels: ``int64[B]``.

        Returns:
            ``float[B, P]``: a logit for each place and time of the last map.
        """
        x = videos.transpose(1, 2)
        if self.sees_image:
            still = images[:, :, None].expand_as(x)
            x = torch.cat([CHANGE * (x - still), still], 1)
        x = F.leaky_relu(self.first(x), SLOPE)
        if self.labels:
            marks = F.one_hot(labels, self.labels).to(x.dtype)[:, :, None, None, None]
            x = concatenate_channels(x, marks.expand(-1, -1, *x.shape[2:]))
        for layer in self.body:
            x = F.leaky_relu(layer(x), SLOPE)
        logits = self.logit(x)
        if self.label is not None:
            logits = logits + (x * self.label(labels)[:, :, None, None, None]).sum(1, keepdim=True)
        out: Tensor = logits.flatten(1)
        return out
