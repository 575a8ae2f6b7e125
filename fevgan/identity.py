"""E_Id: MobileFaceNet (Chen et al., 2018), frozen, on faces aligned by five points.

The weights are those of the package cvglue, another training run than the ArcFace that scores: the network
that evaluates never trains. Module names are those of that state dict, so that it loads as it is.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WEIGHTS = "cvglue-mobilefacenet"
"""Its name among fevbench's weights."""
CODE = 512
CROP = 112
"""Height and width of an aligned face, pixels."""


class ConvBlock(nn.Module):
    """Convolution, batch norm and, unless ``linear``, PReLU."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        padding = 0 if kernel == 7 else kernel // 2  # the one 7x7 layer is a weighted global pooling
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c_out)
        self.prelu = nn.Identity() if linear else nn.PReLU(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``float[N, c_in, h, w]`` to ``float[N, c_out, h / stride, w / stride]``."""
        out: Tensor = self.prelu(self.bn(self.conv(x)))
        return out


class Bottleneck(nn.Module):
    """Widen, filter each channel, narrow again; added to its input where ``residual``."""

    def __init__(self, c_in: int, c_out: int, width: int, stride: int = 1, residual: bool = False) -> None:
        super().__init__()
        self.conv = ConvBlock(c_in, width, 1)
        self.conv_dw = ConvBlock(width, width, 3, stride, groups=width)
        self.project = ConvBlock(width, c_out, 1, linear=True)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``float[N, c_in, h, w]`` to ``float[N, c_out, h / stride, w / stride]``."""
        out: Tensor = self.project(self.conv_dw(self.conv(x)))
        return x + out if self.residual else out


class Bottlenecks(nn.Module):
    """Several residual bottlenecks of one width."""

    def __init__(self, channels: int, width: int, count: int) -> None:
        super().__init__()
        blocks = [Bottleneck(channels, channels, width, residual=True) for _ in range(count)]
        self.model = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``float[N, channels, h, w]`` to the same."""
        out: Tensor = self.model(x)
        return out


class MobileFaceNet(nn.Module):
    """Aligned faces ``float32[N, 3, 112, 112]`` in [-1, 1], RGB, to unit codes ``float32[N, 512]``.

    It never trains: its parameters take no gradient, and ``train()`` leaves it in eval mode. Gradients pass
    through it to the pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = ConvBlock(3, 64, 3, stride=2)  # 56 px
        self.conv2_dw = ConvBlock(64, 64, 3, groups=64)
        self.conv_23 = Bottleneck(64, 64, 128, stride=2)  # 28 px
        self.conv_3 = Bottlenecks(64, 128, 4)
        self.conv_34 = Bottleneck(64, 128, 256, stride=2)  # 14 px
        self.conv_4 = Bottlenecks(128, 256, 6)
        self.conv_45 = Bottleneck(128, 128, 512, stride=2)  # 7 px
        self.conv_5 = Bottlenecks(128, 256, 2)
        self.conv_6_sep = ConvBlock(128, 512, 1)
        self.conv_6_dw = ConvBlock(512, 512, 7, groups=512, linear=True)  # 1 px
        self.linear = nn.Linear(512, CODE, bias=False)
        self.bn = nn.BatchNorm1d(CODE)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> MobileFaceNet:
        """Stay in eval mode, whatever the model around it does."""
        super().train(False)
        return self

    def forward(self, faces: Tensor) -> Tensor:
        """The codes of aligned faces."""
        x = self.conv2_dw(self.conv1(faces))
        x = self.conv_3(self.conv_23(x))
        x = self.conv_4(self.conv_34(x))
        x = self.conv_5(self.conv_45(x))
        x = self.conv_6_dw(self.conv_6_sep(x))
        return F.normalize(self.bn(self.linear(x.flatten(1))))


def load_identity(path: Path, device: str | torch.device) -> MobileFaceNet:
    """The network with cvglue's weights, read without running any code of the file."""
    state: OrderedDict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    network = MobileFaceNet()
    network.load_state_dict(state)
    return network.to(device)
