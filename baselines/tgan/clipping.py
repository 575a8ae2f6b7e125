"""Keeping a critic Lipschitz by clipping the singular values of its layers, TGAN's own contribution."""

from __future__ import annotations

import torch
from torch import nn

from baselines.initialisation import CONVOLUTIONS, NORMS

LARGEST = 1.0
"""Singular value of a layer."""
SMALLEST_GAIN = 0.01
"""Of batch norm, as a part of the running standard deviation; the largest is all of it."""


@torch.no_grad()
def start_at_the_largest(critic: nn.Module) -> None:
    """Scale every convolution of a critic so that its largest singular value is 1, in place.

    From weights near zero, batch norm's running deviations would be near zero, and so would the gains that
    clipping leaves: the critic would tell nothing for hundreds of steps.
    """
    for layer in critic.modules():
        if isinstance(layer, CONVOLUTIONS):
            layer.weight.mul_(LARGEST / torch.linalg.matrix_norm(layer.weight.flatten(1), 2))


@torch.no_grad()
def clip_singular_values(critic: nn.Module) -> None:
    """Clip every layer of a critic to a Lipschitz constant of 1, in place.

    A convolution's weight is the matrix ``[out, in * kernel]``; its singular values are cut to 1. Batch norm
    multiplies by gain / standard deviation, so that its gain is kept between 0.01 and 1 standard deviation.
    """
    for layer in critic.modules():
        if isinstance(layer, CONVOLUTIONS):
            weight = layer.weight
            u, values, v = torch.linalg.svd(weight.flatten(1), full_matrices=False)
            weight.copy_(((u * values.clamp(max=LARGEST)) @ v).view(weight.shape))
        elif isinstance(layer, NORMS):
            assert layer.running_var is not None  # none of them does without
            deviation = layer.running_var.sqrt()
            layer.weight.copy_(layer.weight.clamp(SMALLEST_GAIN * deviation, deviation))
