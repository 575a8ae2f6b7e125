"""How weights lie in memory."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def channels_last(network: M) -> M:
    """Lay convolutions' weights, and so all their maps, out pixel by pixel with all channels together.

    Processors and tensor cores then convolve up to twice as fast; values are the same.
    """
    for weight in network.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.to(memory_format=torch.channels_last)
        elif weight.dim() == 5:
            weight.data = weight.data.to(memory_format=torch.channels_last_3d)
    return network
