"""What networks that were trained in TensorFlow need in PyTorch: SAME padding, kernels turned round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray


def same_padding(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int]) -> list[int]:
    """TensorFlow's SAME padding, which is asymmetric, in the order of `torch.nn.functional.pad`.

    Args:
        size: The input's size; its last ``len(kernel)`` dimensions are padded.
        kernel: The window's size in each of these dimensions.
        stride: Its step in each of them.
    """
    pads: list[int] = []
    lengths = size[-len(kernel) :]
    for length, k, s in zip(reversed(lengths), reversed(kernel), reversed(stride), strict=True):
        total = max((-(-length // s) - 1) * s + k - length, 0)
        pads += [total // 2, total - total // 2]
    return pads


def to_kernel(array: NDArray[np.float32], depthwise: bool = False) -> torch.Tensor:
    """A kernel of TensorFlow as PyTorch wants it.

    Args:
        array: ``[..., in, out]``; of a depthwise convolution ``[..., channels, 1]``.
        depthwise: Whether it is one.

    Returns:
        ``[out, in, ...]``; of a depthwise convolution ``[channels, 1, ...]``.
    """
    channels = (-2, -1) if depthwise else (-1, -2)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, channels, (0, 1)), np.float32))
