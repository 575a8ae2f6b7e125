"""Noise samples: some of the clips made again, of the same face and label with other noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.corpus import sorted_by_hash
from fevbench.data.video import content_digest
from fevbench.engine.extract import frame_pairs
from fevbench.results.files import file_name

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Frames
    from fevbench.engine.extract import Extraction
    from fevbench.engine.generate import GeneratedClips
    from fevbench.engine.score import Features
    from fevbench.progress import Progress

MOST_SUBJECTS = 24
"""Subjects are the unit of statistics: one clip of each says the most for the fewest clips made again."""


def made_again(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """Which clips are made again, in their order: of each subject the first by hash, at most `MOST_SUBJECTS`.

    Args:
        clips: Those that are scored.
    """
    first: dict[str, Clip] = {}
    for clip in sorted_by_hash(clips):
        first.setdefault(clip.subject, clip)
    chosen = {clip.id for clip in list(first.values())[:MOST_SUBJECTS]}
    return tuple(clip for clip in clips if clip.id in chosen)


def are_there(folder: Path, clips: Sequence[Clip], count: int) -> bool:
    """Whether all noise samples of a run's clips lie in their folder.

    Args:
        folder: The folder of the noise samples.
        clips: The clips that are scored.
        count: Clips of each face and label, the scored one included.
    """
    return all(
        (folder / str(number) / file_name(clip)).exists()
        for number in range(1, count)
        for clip in made_again(clips)
    )


class NoiseSamples:
    """Some clips of a run, each several times.

    Args:
        generated: The clips that are scored, which are number 0.
        folder: Where the others are kept: a folder a number, each as the folder of the scored clips.
        count: Clips of each face and label, the scored one included.

    Attributes:
        clips: The clips that are made again.
    """

    def __init__(self, generated: GeneratedClips, folder: Path, count: int) -> None:
        self.clips = made_again(generated.clips)
        others = (generated.again(number, self.clips, folder / str(number)) for number in range(1, count))
        self._samples = (generated, *others)

    def make_all(self, progress: Progress) -> tuple[int, int]:
        """Make all that are not there yet.

        Returns:
            How many clips were made, and how many were there.

        Raises:
            ModelError: The model fails or breaks the protocol; the clips made so far are kept.
        """
        for sample in self._samples[1:]:
            sample.make_all(progress)
        made = sum(sample.made for sample in self._samples[1:])
        return made, len(self.clips) * (len(self._samples) - 1) - made

    @property
    def notes(self) -> list[str]:
        """What a reader of the result must know."""
        count = len(self._samples)
        if count == 1 or any(
            not np.array_equal(other, made[0]) for made in self._all() for other in made[1:]
        ):
            return []
        return [
            f"{count} noise samples of one face and label are the same clip: no noise, or none that shows"
        ]

    def digests(self) -> dict[str, list[str]]:
        """The digest of each clip's pixels, of each time that it was made again."""
        return {
            clip.id: [content_digest(sample.frames(clip)) for sample in self._samples[1:]]
            for clip in self.clips
        }

    def features(self, extraction: Extraction) -> tuple[Features, Features]:
        """How the clips of each face and label differ.

        Returns:
            For each of `clips` the rows of all pairs of noise samples, and the same of true clips, which have
            none: a second take of a subject begins with another picture, and differs by more than noise.
        """
        made = extraction.of_inputs([partial(frame_pairs, samples) for samples in self._all()])
        return made, [rows[:0] for rows in made]

    def pair_count(self, frames: int) -> int:
        """How many pairs of frames there are in all, with so many frames a clip."""
        return len(self.clips) * math.comb(len(self._samples), 2) * frames

    def _all(self) -> list[list[Frames]]:
        """All samples of each clip."""
        return [[sample.frames(clip) for sample in self._samples] for clip in self.clips]
