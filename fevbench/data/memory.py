"""Decoded clips, or what is computed of each, kept in memory up to a budget, so that it is made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array = TypeVar("Array", bound="NDArray[Any]")

BUDGET = 1 << 30
"""Bytes one store keeps; past it, a clip is decoded again each time."""


class FrameStore(Generic[Array]):
    """Clip id to frames, or to an array with something of each frame.

    Args:
        budget: Bytes to keep at most.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._kept: dict[str, Array] = {}

    def get(self, clip_id: str, load: Callable[[], Array]) -> Array:
        """The clip's frames, read-only; ``load`` makes them if they are not kept."""
        if clip_id in self._kept:
            return self._kept[clip_id]
        return self.keep(clip_id, load())

    def keep(self, clip_id: str, frames: Array) -> Array:
        """Keep a clip's frames if the budget allows; returns them, read-only."""
        frames.setflags(write=False)
        if frames.nbytes <= self._budget:
            self._kept[clip_id] = frames
            self._budget -= frames.nbytes
        return frames
