"""The stages of the decoder: each doubles frames and pixels, and is told what to show in one of two ways."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from fevbench.training.layout import Size, concatenate_channels, convolution3d, transposed3d
from fevgan.config import Config

SLOPE = 0.2
"""Of the negative half of every leaky ReLU (ImaGINator's)."""
GROUPS = 8


def joined(x: Tensor, maps: Tensor | None, told: Tensor) -> Tensor:
    """Behind the channels of ``float[B, C, T, h, w]``: maps that all frames share, and a code everywhere.

    Args:
        x: The maps.
        maps: ``float[B, M, h, w]``, or None.
        told: ``float[B, K]``.

    Returns:
        ``float[B, C + M + K, T, h, w]``.
    """
    spread = [told.to(x.dtype)[..., None, None, None].expand(-1, -1, *x.shape[2:])]
    if maps is not None:
        spread.insert(0, maps[:, :, None].expand(-1, -1, x.shape[2], -1, -1))
    return concatenate_channels(x, *spread)


class Upsampling(nn.Module):
    """A convolution that doubles the axes over which its kernel is wider than 1.

    Args:
        c_in: Channels in.
        c_out: Channels out.
        kernel: 1 or 3 over time, height and width.
        transposed: Whether by a transposed convolution, of kernel 4 (ImaGINator's), or by repeating first.
        bias: Whether it adds one; norms take it away again.
    """

    def __init__(self, c_in: int, c_out: int, kernel: Size, transposed: bool, bias: bool = False) -> None:
        super().__init__()
        t, h, w = kernel
        scale = (2 if t > 1 else 1, 2 if h > 1 else 1, 2 if w > 1 else 1)
        padding = (t // 2, h // 2, w // 2)
        if transposed:
            wide = (t + t // 2, h + h // 2, w + w // 2)  # 3 becomes 4, and 1 stays
            self.layer: nn.Module = transposed3d(c_in, c_out, wide, scale, padding, bias)
        else:
            convolution = convolution3d(c_in, c_out, kernel, (1, 1, 1), padding, bias)
            self.layer = nn.Sequential(nn.Upsample(scale_factor=scale), convolution)

    def forward(self, x: Tensor) -> Tensor:
        """``float[B, c_in, T, h, w]`` to ``float[B, c_out, …]``, larger."""
        out: Tensor = self.layer(x)
        return out


def growth(c_in: int, c_out: int, config: Config) -> nn.Module:
    """Twice the frames, twice the pixels: in one convolution, or along time and then along space."""
    transposed = config.upsampling == "transposed"
    if not config.factorised:
        return Upsampling(c_in, c_out, (3, 3, 3), transposed)
    return nn.Sequential(
        Upsampling(c_in, c_out, (3, 1, 1), transposed),
        nn.LeakyReLU(SLOPE),
        Upsampling(c_out, c_out, (1, 3, 3), transposed),
    )


def normalised(channels: int, config: Config, affine: bool) -> nn.Module:
    """The norm of maps ``float[B, channels, T, h, w]``."""
    if config.norm == "batch":
        return nn.BatchNorm3d(channels, affine=affine)
    return nn.GroupNorm(min(GROUPS, channels), channels, affine=affine)


class ModulatedStage(nn.Module):
    """A stage whose normalised maps are scaled and shifted as the style says, frame by frame (FiLM).

    Args:
        c_in: Channels in.
        c_out: Channels out.
        skip: Channels of E_S's map at the new size; 0 for none.
        config: Width of the style, and how to grow.
    """

    def __init__(self, c_in: int, c_out: int, skip: int, config: Config) -> None:
        super().__init__()
        self.grow = growth(c_in, c_out, config)
        # What is the same in all frames is convolved once, and added to each.
        self.skip = nn.Conv2d(skip, c_out, 3, padding=1) if skip else None
        self.norm = normalised(c_out, config, affine=False)
        self.film = nn.Conv1d(config.style, 2 * c_out, 1)

    def forward(self, x: Tensor, skip: Tensor | None, style: Tensor) -> Tensor:
        """``float[B, c_in, T, h, w]`` and a style ``float[B, S, T']`` to ``float[B, c_out, 2T, 2h, 2w]``."""
        x = self.grow(x)
        if self.skip is not None and skip is not None:
            x = x + self.skip(skip)[:, :, None]
        gain, shift = self.film(F.adaptive_avg_pool1d(style, x.shape[2]))[..., None, None].chunk(2, 1)
        return F.leaky_relu(self.norm(x) * (1 + gain) + shift, SLOPE)


class JoinedStage(nn.Module):
    """A stage behind whose maps E_S's and the label are concatenated, as in ImaGINator.

    Args:
        c_in: Channels in.
        c_out: Channels out, before the others are put behind them.
        config: How to grow, and the norm.
    """

    def __init__(self, c_in: int, c_out: int, config: Config) -> None:
        super().__init__()
        self.grow = growth(c_in, c_out, config)
        self.norm = normalised(c_out, config, affine=True)

    def forward(self, x: Tensor, skip: Tensor | None, label: Tensor) -> Tensor:
        """``float[B, c_in, T, h, w]`` and a label ``float[B, K]`` to ``float[B, c_out + …, 2T, 2h, 2w]``."""
        return joined(F.leaky_relu(self.norm(self.grow(x)), SLOPE), skip, label)
