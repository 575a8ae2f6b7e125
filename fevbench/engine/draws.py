"""Clips of the same face and label: what a model makes of them with other noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.corpus import by_hash
from fevbench.data.video import content_digest
from fevbench.engine.extract import side_by_side
from fevbench.results.files import file_name

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Frames
    from fevbench.engine.extract import Extraction
    from fevbench.engine.generate import GeneratedClips
    from fevbench.engine.score import Features
    from fevbench.progress import Progress

MOST_PEOPLE = 24
"""People are the unit of statistics: one clip of each says the most for the fewest clips made again."""


def redrawn(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """The clips that are made again: of each person the first by hash, of at most `MOST_PEOPLE`.

    Args:
        clips: Those that are scored.

    Returns:
        Some of them, in their order.
    """
    first: dict[str, Clip] = {}
    for clip in by_hash(clips):
        first.setdefault(clip.subject, clip)
    chosen = {clip.id for clip in list(first.values())[:MOST_PEOPLE]}
    return tuple(clip for clip in clips if clip.id in chosen)


def are_there(folder: Path, clips: Sequence[Clip], count: int) -> bool:
    """Whether all draws of a run's clips lie in its folder.

    Args:
        folder: The folder of the draws.
        clips: The clips that are scored.
        count: Clips of each face and label, the scored one included.
    """
    return all(
        (folder / str(draw) / file_name(clip)).exists() for draw in range(1, count) for clip in redrawn(clips)
    )


class Draws:
    """Some clips of a run, each several times.

    Args:
        generated: The clips that are scored, which are draw 0.
        folder: Where the others are kept: a folder a draw, each as the folder of the scored clips.
        count: Clips of each face and label, the scored one included.

    Attributes:
        clips: The clips that are made again.
    """

    def __init__(self, generated: GeneratedClips, folder: Path, count: int) -> None:
        self.clips = redrawn(generated.clips)
        others = (generated.again(draw, self.clips, folder / str(draw)) for draw in range(1, count))
        self._draws = (generated, *others)

    def make_all(self, progress: Progress) -> tuple[int, int]:
        """Make all draws that are not there yet.

        Returns:
            How many were made, and how many were there.

        Raises:
            ModelError: The model fails or breaks the protocol; the clips made so far are kept.
        """
        for draw in self._draws[1:]:
            draw.make_all(progress)
        made = sum(draw.made for draw in self._draws[1:])
        return made, len(self.clips) * (len(self._draws) - 1) - made

    @property
    def notes(self) -> list[str]:
        """What a reader of the result must know."""
        count = len(self._draws)
        if count == 1 or any(not np.array_equal(draw, made[0]) for made in self._all() for draw in made[1:]):
            return []
        return [f"{count} draws of one face and label are the same clip: no noise, or none that shows"]

    def digests(self) -> dict[str, list[str]]:
        """The digest of each clip's pixels, each time from the first on that it was made again."""
        return {
            clip.id: [content_digest(draw.frames(clip)) for draw in self._draws[1:]] for clip in self.clips
        }

    def features(self, extraction: Extraction) -> tuple[Features, Features]:
        """How the clips of each face and label differ.

        Returns:
            For each of `clips` the rows of all pairs of draws, and the same of true clips, which have none: a
            second take of a person begins with another picture, and differs by more than noise.
        """
        pairs = [partial(side_by_side, made) for made in self._all()]
        made = extraction.of_clips(pairs)
        return made, [rows[:0] for rows in made]

    def samples(self, frames: int) -> int:
        """How many pairs of frames there are in all, with so many frames a clip."""
        return len(self.clips) * math.comb(len(self._draws), 2) * frames

    def _all(self) -> list[list[Frames]]:
        """All draws of each clip."""
        return [[draw.frames(clip) for draw in self._draws] for clip in self.clips]
