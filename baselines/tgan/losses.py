"""TGAN's losses: the Wasserstein distance between true and made clips, as the critic sees it."""

from __future__ import annotations

from torch import Tensor


def discriminator_loss(real: Tensor, made: Tensor) -> Tensor:
    """The critic's loss from its scores ``float[B, P]``: minus how much higher it rates true clips."""
    return made.mean() - real.mean()


def generator_loss(made: Tensor) -> Tensor:
    """The generator's loss: minus the critic's mean score of made clips."""
    return -made.mean()
