"""VGAN's losses: a softmax over made and true, and a mask that is dear."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MADE, TRUE = 0, 1
"""Places of the discriminator's two logits."""


def discriminator_loss(real: Tensor, made: Tensor) -> Tensor:
    """The discriminator's loss from ``float[B, 2]``: two cross-entropies, 2 ln 2 if it cannot tell."""
    return _called(real, TRUE) + _called(made, MADE)


def generator_loss(made: Tensor) -> Tensor:
    """The generator's loss from logits ``float[B, 2]`` of made clips: that they be called true."""
    return _called(made, TRUE)


def foreground(mask: Tensor) -> Tensor:
    """L1 of the mask, ``float[...]`` in [0, 1]: how much of the video is the foreground's."""
    return mask.abs().mean()


def _called(logits: Tensor, wanted: int) -> Tensor:
    return F.cross_entropy(logits, torch.full((len(logits),), wanted, device=logits.device))
