"""The exponential moving average of a network's weights: steadier than the weights of any one step."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

WARM_UP = 10
"""Steps after which the average is over more than a handful of steps."""


class Average:
    """A copy of a network whose weights follow the network's.

    At step n the average keeps ``min(decay, (1 + n) / (10 + n))`` of itself, so that it forgets the random
    start quickly. Buffers are copied.

    Args:
        network: What to follow.
        decay: How much of itself it keeps in the long run; with 0 it is the network itself.

    Attributes:
        network: The averaged copy, in eval mode, without gradients.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow the network after a step, counted from 1."""
        keep = min(self._decay, (1 + step) / (WARM_UP + step))
        for average, value in zip(self.network.parameters(), network.parameters(), strict=True):
            average.lerp_(value, 1 - keep)
        for kept, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            kept.copy_(buffer)


@contextmanager
def standing_statistics(network: nn.Module, feed: Callable[[], object]) -> Iterator[None]:
    """Within it, batch norms use statistics of the network's own maps, as BigGAN's do (Brock et al., 2019).

    The running ones belong to the weights of the last steps, not to their average. Afterwards they are back.
    A network without batch norm is left alone.

    Args:
        network: In eval mode.
        feed: Runs the network on typical inputs, once; all batches it runs count alike.
    """
    norms = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    kept = [{name: buffer.clone() for name, buffer in norm.named_buffers()} for norm in norms]
    momenta = [norm.momentum for norm in norms]
    try:
        if norms:
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # a plain mean over all batches
                norm.train()
            with torch.no_grad():
                feed()
            for norm in norms:
                norm.eval()
        yield
    finally:
        for norm, buffers, momentum in zip(norms, kept, momenta, strict=True):
            norm.eval()
            norm.momentum = momentum
            for name, buffer in norm.named_buffers():
                buffer.copy_(buffers[name])
