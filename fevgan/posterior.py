"""The posterior of z: what a true clip says about timing, strength and variant. Used in training only.

One label has many right clips. A generator that must rebuild *this* clip from label and random noise can only
learn their mean, which is blurred; told by a few numbers which of them it is (cVAE-GAN; Larsen et al., 2016,
Zhu et al., 2017), it can be sharp. A KL divergence keeps the numbers few and like N(0, I), from which z is
drawn later.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SEEN = 16
"""Height and width the clip is shrunk to: enough for which parts of the face move, and when."""
SLOPE = 0.2
FIRST_LOG_VARIANCE = -3.0
"""Of the untrained posterior: from the start z must say more than it is noisy, or the decoder ignores it."""


class Posterior(nn.Module):
    """A clip ``float[B, T, 3, S, S]`` to mean and log variance of z, ``float[B, Z]`` each."""

    def __init__(self, noise: int, frames: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(3, 32, 3, stride=(1, 2, 2), padding=1), nn.LeakyReLU(SLOPE),  # 8 px
            nn.Conv3d(32, 64, 3, stride=2, padding=1), nn.LeakyReLU(SLOPE),  # 4 px
            nn.Conv3d(64, 64, 3, stride=2, padding=1), nn.LeakyReLU(SLOPE),  # 2 px
        )  # fmt: skip
        self.head = nn.Linear(64 * (frames // 4) * 4, 2 * noise)

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """What a clip says of z."""
        # Changes against frame 0, not faces: z must not carry who it is.
        changes = (clips - clips[:, :1]).transpose(1, 2)
        shrunk = F.adaptive_avg_pool3d(changes, (changes.shape[2], SEEN, SEEN))
        mean, log_variance = self.head(self.body(4 * shrunk).flatten(1)).chunk(2, 1)
        return mean, (log_variance + FIRST_LOG_VARIANCE).clamp(-8, 4)


def draw(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """Z of the posterior, from standard normal ``noise`` (the reparameterisation trick)."""
    return mean + torch.exp(log_variance / 2) * noise
