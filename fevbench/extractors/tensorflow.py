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


def resize_bilinear(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """TensorFlow 1's `tf.image.resize_bilinear` as it is by default: its grid starts at the corner.

    Target pixel i looks at source i * n / size, neither half a pixel aside nor with the corners aligned, and
    what would lie beyond the last pixel is the last pixel.

    Args:
        pixels: ``float[N, C, H, W]``.
        size: Height and width of the result.
    """
    for dim in (-2, -1):
        length = pixels.shape[dim]
        source = torch.arange(size, device=pixels.device, dtype=torch.float32) * (length / size)
        low = source.floor().long().clamp(max=length - 1)
        part = (source - low).view(-1, 1) if dim == -2 else source - low
        first = pixels.index_select(dim, low)
        pixels = first + (pixels.index_select(dim, (low + 1).clamp(max=length - 1)) - first) * part
    return pixels
