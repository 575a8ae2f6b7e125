"""FEV-GAN's losses, each a small function of tensors; all are means over the batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MOVED = 0.25
"""Change of a pixel against frame 0, in [-1, 1]'s units, that counts as full motion: 32 of 255."""


def reconstruction(made: Tensor, real: Tensor, emphasis: float) -> Tensor:
    """L1 between clips ``float[B, T, 3, H, W]``, weighted up where the true clip moves.

    A pixel's weight is 1 plus ``emphasis`` times its change against frame 0 (mean over colours, 1 from
    `MOVED` on); with ``emphasis`` 0 it is the plain mean absolute error.
    """
    error = (made - real).abs()
    if emphasis == 0:
        return error.mean()
    change = (real - real[:, :1]).abs().mean(2, keepdim=True)
    return (error * (1 + emphasis * (change / MOVED).clamp(max=1))).mean()


def difference(made: Tensor, real: Tensor) -> Tensor:
    """L1 between the changes from each frame to the next of clips ``float[B, T, 3, H, W]``."""
    return (made.diff(dim=1) - real.diff(dim=1)).abs().mean()


def identity(codes: Tensor, wanted: Tensor) -> Tensor:
    """``1 - cosine`` of codes ``float[N, D]``."""
    return (1 - F.cosine_similarity(codes, wanted)).mean()


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Nats a clip from ``N(0, I)`` to ``N(mean, exp(log_variance))``, ``float[B, Z]`` each: KL divergence."""
    terms = mean.square() + torch.exp(log_variance) - 1 - log_variance
    return terms.sum(1).mean() / 2
