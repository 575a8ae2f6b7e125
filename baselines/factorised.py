"""Transposed 3D convolutions along time or along space: what ImaGINator and G3AN generate with."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from fevbench.training.layout import transposed3d


class Kernel(NamedTuple):
    """Size, stride and padding along an axis."""

    size: int
    stride: int
    padding: int


DOUBLE, KEEP = Kernel(4, 2, 1), Kernel(1, 1, 0)


def first(size: int) -> Kernel:
    """From one to ``size``."""
    return Kernel(size, 1, 0)


def along_time(c_in: int, c_out: int, kernel: Kernel) -> nn.ConvTranspose3d:
    """``float[B, c_in, T, h, w]`` to ``float[B, c_out, ..., h, w]``."""
    size, stride, padding = kernel
    return transposed3d(c_in, c_out, (size, 1, 1), (stride, 1, 1), (padding, 0, 0))


def along_space(c_in: int, c_out: int, kernel: Kernel) -> nn.ConvTranspose3d:
    """``float[B, c_in, T, h, w]`` to ``float[B, c_out, T, ..., ...]``."""
    size, stride, padding = kernel
    return transposed3d(c_in, c_out, (1, size, size), (1, stride, stride), (0, padding, padding))
