"""Losses of GANs, for discriminators and generators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Adversarial = Literal["hinge", "bce"]


def discriminator_loss(real: Tensor, made: Tensor, kind: Adversarial) -> Tensor:
    """The discriminator's loss from its logits of true and of made clips.

    Hinge: ``mean(relu(1 - real)) + mean(relu(1 + made))`` (Lim and Ye, 2017), 2 if it cannot
    distinguish them;
    bce: the sum of both cross-entropies, 2 ln 2 if it cannot distinguish them.
    """
    if kind == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + made).mean()
    return F.softplus(-real).mean() + F.softplus(made).mean()


def generator_loss(made: Tensor, kind: Adversarial) -> Tensor:
    """The generator's loss from logits of made clips: ``mean(-made)`` or ``mean(-log(sigmoid(made)))``."""
    return -made.mean() if kind == "hinge" else F.softplus(-made).mean()


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Let gradients pass through networks without storing any in them."""
    for network in networks:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in networks:
            network.requires_grad_(True)
