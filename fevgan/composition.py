"""How the decoder's last maps become a video: painted, added to the input, or warped from it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from fevgan.config import Config

CHANNELS: Mapping[str, int] = {"warp": 6, "residual": 3, "direct": 3}
"""Maps each composition reads: flow (2), mask (1) and paint (3); or colours alone."""


def compose(images: Tensor, fields: Tensor, config: Config, frames: int | None = None) -> Tensor:
    """Compose a video.

    Args:
        images: ``float[B, 3, H, W]`` in [-1, 1], the inputs. They may be larger than the maps, which are then
            resized: a warped picture stays as sharp as the input.
        fields: ``float[B, T, C, h, w]``, the generator's last maps.
        config: How to compose.
        frames: Frames of the video; T by default, else interpolated over time.

    Returns:
        ``float32[B, T, 3, H, W]`` in [-1, 1].
    """
    fields, images = fields.float(), images.float()
    wanted = (frames or fields.shape[1], *images.shape[2:])
    if (fields.shape[1], *fields.shape[3:]) != wanted:
        moving = F.interpolate(fields.transpose(1, 2), wanted, mode="trilinear", align_corners=True)
        fields = moving.transpose(1, 2)
    if config.composition == "warp":
        video = _warped(images, fields, config)
    elif config.composition == "residual":
        video = (images[:, None] + 2 * torch.tanh(fields)).clamp(-1, 1)
    else:
        video = torch.tanh(fields)
    return torch.cat([images[:, None], video[:, 1:]], 1) if config.anchor else video


def _warped(images: Tensor, fields: Tensor, config: Config) -> Tensor:
    """The input moved by flow where the mask says so, else paint: ``float32[B, T, 3, H, W]``."""
    count, frames, _, height, width = fields.shape
    flow, mask, paint = torch.split(fields.flatten(0, 1), [2, 1, 3], 1)
    # Torch's grids run from -1 to 1, so a part p of the side is 2 p. Its grid_sample crashes on NaN, which
    # must live to be seen in the losses; mask and paint carry it there.
    offsets = 2 * config.flow_limit * torch.tanh(flow).nan_to_num().permute(0, 2, 3, 1)
    still = torch.eye(2, 3, device=fields.device).expand(1, 2, 3)
    grid = F.affine_grid(still, [1, 1, height, width], align_corners=False)
    repeated = images[:, None].expand(-1, frames, -1, -1, -1).flatten(0, 1)
    moved = F.grid_sample(repeated, grid + offsets, padding_mode="border", align_corners=False)
    both = torch.lerp(torch.tanh(paint), moved, torch.sigmoid(mask + config.mask_bias))
    return both.reshape(count, frames, 3, height, width)
