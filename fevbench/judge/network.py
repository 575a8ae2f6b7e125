"""The expression classifier: convolutions over each frame and its change from frame 0, then over time."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

SIZE = 64
"""Height and width of its input frames; larger frames are shrunk by averaging."""
WIDTHS = (16, 32, 64, 64)
FEATURES = 128
GRID = 4
"""Height and width of the last maps of a frame, which are not averaged because positions matter."""


class Judge(nn.Module):
    """Clips ``float32[B, T, 3, S, S]`` in [-1, 1], frame 0 neutral, to logits ``float32[B, labels]``.

    The input of each frame is the frame and its difference from frame 0: appearance and motion of the face.
    """

    def __init__(self, labels: int) -> None:
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
        self.answer = nn.Sequential(nn.Dropout(0.5), nn.Linear(2 * FEATURES, labels))

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Logits of clips."""
        if clips.shape[-1] != SIZE:
            shrunk = F.interpolate(clips.flatten(0, 1), (SIZE, SIZE), mode="area")
            clips = shrunk.view(*clips.shape[:3], SIZE, SIZE)
        seen = torch.cat([clips, clips - clips[:, :1]], dim=2)
        frames = self.frame(seen.flatten(0, 1)).flatten(1)
        steps = F.relu(self.embed(frames)).view(*clips.shape[:2], FEATURES).transpose(1, 2)
        steps = F.relu(self.time(steps))
        logits: torch.Tensor = self.answer(torch.cat([steps.mean(dim=2), steps.amax(dim=2)], dim=1))
        return logits
