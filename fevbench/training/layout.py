"""The memory layout of weights and maps, and convolutions that use it."""

from __future__ import annotations

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)
Size = tuple[int, int, int]
"""Time, height, width."""


def channels_last(network: M) -> M:
    """Store convolutions' weights, and so all their maps, with the channels of a pixel together.

    CPUs and tensor cores then convolve up to twice as fast, with the same values.
    """
    for weight in network.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.to(memory_format=torch.channels_last)
        elif weight.dim() == 5:
            weight.data = weight.data.to(memory_format=torch.channels_last_3d)
    return network


def concatenate_channels(x: Tensor, *others: Tensor) -> Tensor:
    """Concatenate maps ``float[B, C, T, H, W]`` along the channels, in channels-last layout.

    Expanded maps (``expand``) have no memory layout. torch would copy the result to channels first, and the
    next convolution would convert it back.
    """
    last = torch.channels_last_3d
    return torch.cat([part.contiguous(memory_format=last) for part in (x, *others)], 1)


class TimeConv3d(nn.Conv3d):
    """A convolution whose kernel is 1 x 1 in space, run as a 2D one over (time, all positions).

    Weights, names and values are those of ``nn.Conv3d``. There is no fast 3D kernel for such a shape, and in
    channels-last layout the maps need no copy.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``float[B, C, T, H, W]`` to ``float[B, C', T', H, W]``."""
        stride, padding = (self.stride[0], 1), (_numbers(self.padding)[0], 0)
        return _unfolded(F.conv2d(x.flatten(3), self.weight.squeeze(4), self.bias, stride, padding), x)


class TimeConvTranspose3d(nn.ConvTranspose3d):
    """`TimeConv3d`, transposed."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """``float[B, C, T, H, W]`` to ``float[B, C', T', H, W]``."""
        stride, padding = (self.stride[0], 1), (_numbers(self.padding)[0], 0)
        weight = self.weight.squeeze(4)
        return _unfolded(F.conv_transpose2d(x.flatten(3), weight, self.bias, stride, padding), x)


class SpaceConv3d(nn.Conv3d):
    """A convolution whose kernel is 1 in time, run as a 2D one on every frame."""

    def forward(self, x: Tensor) -> Tensor:
        """``float[B, C, T, H, W]`` to ``float[B, C', T, H', W']``."""
        weight, padding = self.weight.squeeze(2), _numbers(self.padding)[1:]
        return _clips(F.conv2d(_frames(x), weight, self.bias, self.stride[1:], padding), x)


class SpaceConvTranspose3d(nn.ConvTranspose3d):
    """`SpaceConv3d`, transposed."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """``float[B, C, T, H, W]`` to ``float[B, C', T, H', W']``."""
        weight, padding = self.weight.squeeze(2), _numbers(self.padding)[1:]
        return _clips(F.conv_transpose2d(_frames(x), weight, self.bias, self.stride[1:], padding), x)


def _numbers(padding: str | tuple[int, ...]) -> tuple[int, ...]:
    assert not isinstance(padding, str)  # `convolution3d` and `transposed3d` give numbers
    return padding


def _unfolded(flat: Tensor, like: Tensor) -> Tensor:
    """``float[B, C', T', H * W]`` with the height and width of ``like``."""
    return torch.unflatten(flat, 3, like.shape[3:])


def _frames(x: Tensor) -> Tensor:
    """``float[B, C, T, H, W]`` as ``float[B * T, C, H, W]``."""
    return x.transpose(1, 2).flatten(0, 1)


def _clips(flat: Tensor, like: Tensor) -> Tensor:
    """``float[B * T, C', H', W']`` as ``float[B, C', T, H', W']``, B and T of ``like``."""
    return torch.unflatten(flat, 0, (like.shape[0], like.shape[2])).transpose(1, 2)


def _fastest(kernel: Size, stride: Size, whole: type[M], space: type[M], time: type[M]) -> type[M]:
    if kernel[0] == 1 and stride[0] == 1:
        return space
    return time if kernel[1:] == (1, 1) and stride[1:] == (1, 1) else whole


def convolution3d(
    c_in: int, c_out: int, kernel: Size, stride: Size, padding: Size, bias: bool = True
) -> nn.Conv3d:
    """A 3D convolution, run as a 2D one where its kernel allows."""
    kind = _fastest(kernel, stride, nn.Conv3d, SpaceConv3d, TimeConv3d)
    return kind(c_in, c_out, kernel, stride, padding, bias=bias)


def transposed3d(
    c_in: int, c_out: int, kernel: Size, stride: Size, padding: Size, bias: bool = True
) -> nn.ConvTranspose3d:
    """`convolution3d`, transposed."""
    kind = _fastest(kernel, stride, nn.ConvTranspose3d, SpaceConvTranspose3d, TimeConvTranspose3d)
    return kind(c_in, c_out, kernel, stride, padding, bias=bias)
