"""How the decoder's last maps become a video: painted, added to the input, or warped from it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from fevgan.config import Config
from fevgan.splines import enlarged

CHANNELS: Mapping[str, int] = {"warp": 6, "residual": 3, "direct": 3}
"""Maps each composition reads: flow (2), mask (1) and paint (3); or colours alone."""


def compose(images: Tensor, fields: Tensor, config: Config) -> Tensor:
    """Compose a video at the size and length it is trained at.

    Args:
        images: ``float[B, 3, S, S]`` in [-1, 1], the inputs.
        fields: ``float[B, T, C, S, S]``, the generator's last maps.
        config: How to compose.

    Returns:
        ``float32[B, T, 3, S, S]`` in [-1, 1].
    """
    fields, images = fields.float(), images.float()
    if config.composition == "warp":
        offsets, kept, paint = _read(fields, config)
        video = torch.lerp(paint, moved(images, offsets), kept)
    elif config.composition == "residual":
        video = (images[:, None] + 2 * torch.tanh(fields)).clamp(-1, 1)
    else:
        video = torch.tanh(fields)
    return torch.cat([images[:, None], video[:, 1:]], 1) if config.anchor else video


def portrait(images: Tensor, small: Tensor, fields: Tensor, config: Config, limit: Tensor) -> Tensor:
    """Compose a warped video at any size.

    The motion is what the maps say, smooth in between (`fevgan.splines`), and the pixels it moves are those
    of the full input: a portrait stays as sharp as it was. What is painted is as fine as the maps. Paint and
    its share are enlarged together, so that no colour comes from where nothing is painted: no seams.

    Args:
        images: ``float[B, 3, S, S]`` in [-1, 1], the inputs at full size.
        small: ``float[B, 3, s, s]``, the same at the size of the maps.
        fields: ``float[B, T, 6, s, s]``, the generator's last maps.
        config: How to compose.
        limit: ``float[B, s, s]``, by how much paint may change a colour, of [-1, 1], in each place.

    Returns:
        ``float32[B, T, 3, S, S]`` in [-1, 1].
    """
    offsets, kept, paint = _read(fields.float(), config)
    change = (1 - kept) * (paint - moved(small.float(), offsets))
    largest = change.abs().amax(2, keepdim=True)
    share = (1 - kept) * (limit[:, None, None] / largest.clamp(min=1e-6)).clamp(max=1)
    layers = torch.cat([offsets, share, share * paint], 2)
    offsets, share, painted = torch.split(enlarged(layers, images.shape[-1]), [2, 1, 3], 2)
    video = (1 - share) * moved(images.float(), offsets) + painted
    video = video.clamp(-1, 1)
    return torch.cat([images[:, None], video[:, 1:]], 1) if config.anchor else video


def _read(fields: Tensor, config: Config) -> tuple[Tensor, Tensor, Tensor]:
    """What maps ``float[B, T, 6, S, S]`` say: offsets, shares of the moved input, colours of the paint."""
    flow, mask, paint = torch.split(fields, [2, 1, 3], 2)
    # grid_sample crashes on NaN, which must live to be seen in the losses; mask and paint carry it there.
    offsets = config.flow_limit * torch.tanh(flow).nan_to_num()
    return offsets, torch.sigmoid(mask + config.mask_bias), torch.tanh(paint)


def moved(images: Tensor, offsets: Tensor) -> Tensor:
    """Images ``float[B, 3, S, S]`` read ``offsets`` away from each place: ``float[B, T, 3, S, S]``.

    Args:
        images: The images; beyond them their border goes on.
        offsets: ``float[B, T, 2, S, S]``, x and y as parts of the side.
    """
    count, frames, _, height, width = offsets.shape
    still = torch.eye(2, 3, device=offsets.device).expand(1, 2, 3)
    grid = F.affine_grid(still, [1, 1, height, width], align_corners=False)
    # Torch's grids run from -1 to 1, so a part p of the side is 2 p.
    places = grid + 2 * offsets.flatten(0, 1).permute(0, 2, 3, 1)
    repeated = images[:, None].expand(-1, frames, -1, -1, -1).flatten(0, 1)
    read = F.grid_sample(repeated, places, padding_mode="border", align_corners=False)
    return read.reshape(count, frames, 3, height, width)
