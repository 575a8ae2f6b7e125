"""Noise samples: some clips made again for the same face and label, with other noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fevbench.data.clip import Clip
from fevbench.data.corpus import sorted_by_hash
from fevbench.results.files import file_name

MOST_SUBJECTS = 24
"""Most subjects with noise samples, one clip each: subjects are the unit of statistics."""


def made_again(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """The clips to make again, in their order: of each subject the first by hash, at most `MOST_SUBJECTS`."""
    first: dict[str, Clip] = {}
    for clip in sorted_by_hash(clips):
        first.setdefault(clip.subject, clip)
    chosen = {clip.id for clip in list(first.values())[:MOST_SUBJECTS]}
    return tuple(clip for clip in clips if clip.id in chosen)


def all_exist(folder: Path, clips: Sequence[Clip], count: int) -> bool:
    """Whether all noise samples of the scored clips exist, ``count`` a clip with the scored one included."""
    return all(
        (folder / str(number) / file_name(clip)).exists()
        for number in range(1, count)
        for clip in made_again(clips)
    )


def noise_notes(scored: Mapping[str, str], again: Mapping[str, Sequence[str]]) -> list[str]:
    """The note for a reader if the noise changes nothing, by the clips' digests: scored, and made again."""
    if not again or any(digest != scored[clip] for clip, others in again.items() for digest in others):
        return []
    count = 1 + max(map(len, again.values()))
    return [f"{count} noise samples of one face and label are the same clip: no noise, or none that shows"]
