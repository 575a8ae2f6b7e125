"""A small network that reads an expression from a clip: convolutions over each frame, then over time."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

WIDTHS = (16, 32, 64, 64)
FEATURES = 128
GRID = 4
"""Height and width of what is left of a 64 px frame: where something moves matters, so it is not averaged."""


class Reader(nn.Module):
    """Clips ``float32[B, T, 3, 64, 64]`` in [-1, 1], frame 0 neutral, to logits ``float32[B, classes]``.

    Each frame is seen beside its difference from frame 0: what a face does, beside what it looks like.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        channels = (6, *WIDTHS)
        blocks: list[nn.Module] = []
        for before, after in pairwise(channels):
            blocks += [
                nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.frame = nn.Sequential(*blocks)
        self.embed = nn.Linear(WIDTHS[-1] * GRID * GRID, FEATURES)
        self.time = nn.Conv1d(FEATURES, FEATURES, 3, padding=1)
        self.answer = nn.Sequential(nn.Dropout(0.5), nn.Linear(2 * FEATURES, classes))

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Read clips."""
        seen = torch.cat([clips, clips - clips[:, :1]], dim=2)
        frames = self.frame(seen.flatten(0, 1)).flatten(1)
        steps = F.relu(self.embed(frames)).view(*clips.shape[:2], FEATURES).transpose(1, 2)
        steps = F.relu(self.time(steps))
        logits: torch.Tensor = self.answer(torch.cat([steps.mean(dim=2), steps.amax(dim=2)], dim=1))
        return logits


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
