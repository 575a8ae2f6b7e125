"""What networks start from, and the norms their weights are kept to."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

Kinds = tuple[type[nn.Module], ...]
CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
TRANSPOSED: Kinds = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def normal(network: nn.Module, std: float, kinds: Kinds = CONVOLUTIONS) -> None:
    """DCGAN's start (Radford et al., 2016): weights N(0, ``std``), batch norm's gains N(1, 0.02)."""
    for layer in network.modules():
        if isinstance(layer, kinds):
            nn.init.normal_(layer.weight, 0.0, std)  # type: ignore[arg-type]
        elif isinstance(layer, NORMS):
            nn.init.normal_(layer.weight, 1.0, 0.02)


def spectral(network: nn.Module) -> None:
    """Keep the spectral norm of every convolution in a network at 1 (Miyato et al., 2018)."""
    for layer in list(network.modules()):
        if isinstance(layer, CONVOLUTIONS + TRANSPOSED):
            spectral_norm(layer)
