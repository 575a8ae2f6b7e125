"""Folding batch normalisation into the convolution before it: the same function, fewer passes."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


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
