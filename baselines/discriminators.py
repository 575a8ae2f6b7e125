"""The image discriminator that ImaGINator and G3AN share."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from baselines.conditioning import SLOPE
from baselines.initialisation import normal, spectral


class ImageDiscriminator(nn.Sequential):
    """Is this a true frame? Spectrally normalised convolutions; 64 → 32 → 16 → 8 → 4 → 1 px.

    ``float[B, 3, 64, 64]`` to a logit ``float[B, 1]``. It sees neither label nor input.

    Args:
        widths: Channels; the papers' are 64, 128, 256, 512: 2 764 737 parameters.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise((3, *widths)):
            layers += [nn.Conv2d(c_in, c_out, 4, 2, 1), nn.LeakyReLU(SLOPE)]
        super().__init__(*layers, nn.Conv2d(widths[-1], 1, 4), nn.Flatten())
        normal(self, 0.02)
        spectral(self)

    def forward(self, frames: Tensor) -> Tensor:
        """Judge frames."""
        logits: Tensor = super().forward(frames)  # type: ignore[no-untyped-call]
        return logits
