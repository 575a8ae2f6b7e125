"""Decoded clips kept in memory up to a budget, so that a run decodes each once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

BUDGET = 1 << 30
"""Bytes of decoded clips one store keeps; past it, a clip is decoded again each time."""


class FrameStore:
    """Clip id to frames.

    Args:
        budget: Bytes to keep at most.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._kept: dict[str, Frames] = {}

    def get(self, clip_id: str, load: Callable[[], Frames]) -> Frames:
        """The clip's frames, read-only; ``load`` makes them if they are not kept."""
        if clip_id in self._kept:
            return self._kept[clip_id]
        return self.keep(clip_id, load())

    def keep(self, clip_id: str, frames: Frames) -> Frames:
        """Keep a clip's frames if the budget allows; returns them, read-only."""
        frames.setflags(write=False)
        if frames.nbytes <= self._budget:
            self._kept[clip_id] = frames
            self._budget -= frames.nbytes
        return frames
