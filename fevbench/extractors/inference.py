"""How the torch networks are run: folded, in full float32, the same way each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fevbench.global_state import known_state


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """Fold each ``.bn`` of a block into the same block's ``.conv``, in place, for evaluation.

    Args:
        network: In eval mode; its blocks name the pair ``conv`` and ``bn``.

    Returns:
        The same network.
    """
    for block in list(network.modules()):
        conv, bn = getattr(block, "conv", None), getattr(block, "bn", None)
        if isinstance(conv, nn.Conv2d | nn.Conv3d) and isinstance(bn, nn.BatchNorm2d | nn.BatchNorm3d):
            block.conv = fuse_conv_bn_eval(conv, bn)
            block.bn = nn.Identity()
    return network


@contextmanager
def exact_inference() -> Iterator[None]:
    """Run in the state that features are defined in, and keep nothing for gradients.

    Without it, GPUs round convolutions to 10 bits of mantissa, which moves a Fréchet distance in its fourth
    digit, and might choose other algorithms in the next run; and a model may have asked for worse.
    """
    with known_state(), torch.inference_mode():
        yield
