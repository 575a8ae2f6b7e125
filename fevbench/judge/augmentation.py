"""How a judge's training clips are varied: never in what a face does."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def augment(clips: torch.Tensor, generator: torch.Generator, shift: int = 3) -> torch.Tensor:
    """Mirror half of the clips, shift each by up to ``shift`` pixels, and change brightness and contrast.

    All frames of a clip are changed alike, so that nothing moves that did not.

    Args:
        clips: ``float32[B, T, 3, H, W]`` in [-1, 1].
        generator: Decides.
        shift: Pixels, at most.
    """
    batch, height, width = len(clips), *clips.shape[-2:]
    mirrored = torch.rand(batch, generator=generator) < 0.5
    clips = torch.where(mirrored[:, None, None, None, None], clips.flip(-1), clips)
    padded = F.pad(clips.flatten(1, 2), (shift,) * 4, mode="replicate")
    moves = torch.randint(2 * shift + 1, (batch, 2), generator=generator).tolist()
    moved = torch.stack(
        [clip[..., y : y + height, x : x + width] for clip, (y, x) in zip(padded, moves, strict=True)]
    )
    gain = 0.8 + 0.4 * torch.rand(batch, 1, 1, 1, 1, generator=generator)
    offset = 0.3 * (torch.rand(batch, 1, 1, 1, 1, generator=generator) - 0.5)
    return moved.view(clips.shape) * gain + offset
