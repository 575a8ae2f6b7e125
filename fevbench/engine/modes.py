"""Networks that were left in training mode: batch norm looks at the clip alone, dropout drops."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from fevbench.models.built import networks

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

_NAMES = ("Dropout", "BatchNorm", "InstanceNorm", "DropPath", "StochasticDepth", "RReLU", "SpectralNorm")
"""What is in the names of modules that do another thing in training."""
ROUNDING = 1
"""Levels of 255 by which the same clip may differ where another way of computing is chosen."""


def in_training(holders: list[object]) -> list[nn.Module]:
    """The modules in training mode of all networks that objects hold."""
    found = {id(one): one for network in networks(holders) for one in network.modules() if one.training}
    return list(found.values())


def two_faced(modules: Sequence[nn.Module]) -> list[nn.Module]:
    """Those that are known to do another thing in training."""
    return [one for one in modules if any(name in type(one).__name__ for name in _NAMES)]


@contextlib.contextmanager
def evaluating(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Put modules into evaluation mode while the block runs."""
    for one in modules:
        one.training = False
    try:
        yield
    finally:
        for one in modules:
            one.training = True


def differ(first: Frames, second: Frames) -> bool:
    """Whether two clips differ by more than rounding."""
    return int(np.abs(first.astype(np.int16) - second.astype(np.int16)).max()) > ROUNDING
