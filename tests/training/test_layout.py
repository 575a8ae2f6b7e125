"""Convolutions run as 2D ones are the 3D ones they stand for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fevbench.training.layout import channels_last, convolution3d, transposed3d

KERNELS = [((4, 1, 1), (2, 1, 1), (1, 0, 0)), ((3, 1, 1), (1, 1, 1), (1, 0, 0)),
           ((1, 4, 4), (1, 2, 2), (0, 1, 1)), ((1, 3, 3), (1, 1, 1), (0, 1, 1)),
           ((4, 4, 4), (2, 2, 2), (1, 1, 1)), ((1, 1, 1), (1, 1, 1), (0, 0, 0))]  # fmt: skip


@pytest.mark.parametrize("shape", KERNELS)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_values_and_gradients_are_those_of_torch(shape: tuple, transposed: bool, bias: bool) -> None:
    ours = (transposed3d if transposed else convolution3d)(3, 5, *shape, bias)
    theirs = (nn.ConvTranspose3d if transposed else nn.Conv3d)(3, 5, *shape, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    found, wanted = [], []
    for layer, kept in ((channels_last(ours), found), (theirs, wanted)):
        x = torch.randn(2, 3, 6, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
        laid = x.contiguous(memory_format=torch.channels_last_3d) if layer is ours else x
        out = layer(laid)
        (out * out.detach().cos()).sum().backward()
        kept += [out, x.grad, *(p.grad for p in layer.parameters())]
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_what_can_run_flat_does() -> None:
    names = [type(convolution3d(2, 2, *shape)).__name__ for shape in KERNELS]
    assert names == ["TimeConv3d", "TimeConv3d", "SpaceConv3d", "SpaceConv3d", "Conv3d", "SpaceConv3d"]
