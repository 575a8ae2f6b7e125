"""A worker's part of a run: some clips are made, read once beside their true clips, and looked at by all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from fevbench.engine.extract import Extraction, Work
from fevbench.engine.noise import made_again
from fevbench.engine.samples import HashedClip, noise_pairs

if TYPE_CHECKING:
    from pathlib import Path

    from fevbench.data.clip import Clip
    from fevbench.data.corpus import Corpus
    from fevbench.engine.extract import Rows
    from fevbench.engine.generate import GeneratedClips
    from fevbench.progress import Progress

Part = tuple[tuple["Clip", ...], int]
"""Clips to look at, and how often each is there: more than once where it is made again with other noise."""

CLIPS_AT_ONCE = 8
"""Clips that are looked at together: their samples fill common batches."""

Digests = tuple[str, tuple[str, ...]]
"""Of a clip, and of each of its frames."""


@dataclass
class Found:
    """What is known of some clips once they were looked at.

    Attributes:
        made: Clip id to the digests of what was made.
        true: The same of the true clip.
        again: The same of each time that it was made again.
        features: Extractor to clip id to its rows: of what was made, and of the true clip.
        work: Stage to what was done for it.
        notes: What a user should hear.
        reads: What the model opened, in another process than the one that began the run.
    """

    made: dict[str, Digests] = field(default_factory=dict)
    true: dict[str, Digests] = field(default_factory=dict)
    again: dict[str, tuple[Digests, ...]] = field(default_factory=dict)
    features: dict[str, dict[str, tuple[Rows, Rows]]] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reads: list[Path] = field(default_factory=list)

    def add(self, other: Found, keep: Callable[[Rows], Rows]) -> None:
        """Take in what is known of other clips.

        Args:
            other: That.
            keep: Puts an array where it does not stand in the way, and returns it from there.
        """
        self.made |= other.made
        self.true |= other.true
        self.again |= other.again
        self.notes += other.notes
        self.reads = list(dict.fromkeys([*self.reads, *other.reads]))
        for name, of_clips in other.features.items():
            mine = self.features.setdefault(name, {})
            mine |= {clip: (keep(made), keep(true)) for clip, (made, true) in of_clips.items()}
        for stage, work in other.work.items():
            total = self.work.setdefault(stage, Work())
            total.computed += work.computed
            total.reused += work.reused
            total.seconds += work.seconds

    @contextmanager
    def timed(self, stage: str) -> Iterator[Work]:
        """Count the time of the block to a stage; the block says what it did."""
        mine = self.work.setdefault(stage, Work())
        began = time.perf_counter()
        yield mine
        mine.seconds += time.perf_counter() - began


class Worker:
    """Makes clips and extracts their features; each run has one or more.

    Args:
        corpus: The true clips.
        generated: Makes the clips, or finds them.
        noise: The folder of clips that are made again; a folder for each time.
        extractions: The extractors at work, by name.

    Attributes:
        corpus: The true clips.
        generated: What makes the clips.
    """

    def __init__(
        self, corpus: Corpus, generated: GeneratedClips, noise: Path, extractions: Mapping[str, Extraction]
    ) -> None:
        self._noise, self._extractions = noise, extractions
        self.corpus, self.generated = corpus, generated

    def begin(self, progress: Progress) -> Found:
        """Make the first few clips and see whether they can be right; of videos and programs, make all.

        Raises:
            FevbenchError: They cannot be made, or are in another range or order of channels.
        """
        found = Found()
        with found.timed("generate") as work:
            self.generated.make_first(progress)
            work.computed = self.generated.made
        return found

    def flush(self) -> None:
        """Write all features to the caches."""
        for extraction in self._extractions.values():
            extraction.flush()

    def do(self, part: Part) -> Found:
        """Look at a part of a run's clips.

        Raises:
            FevbenchError: A clip cannot be made or read, or its features cannot be computed.
        """
        clips, count = part
        return self.look_at(clips) if count == 1 else self.look_at_again(clips, count)

    def parts(self, count: int) -> list[list[Part]]:
        """All the work of a run in two turns: the clips, and those that are made again once all are there.

        Args:
            count: How often clips are there that are made again, the scored time included.
        """
        again = _parts(self._again(1).groups, count) if count > 1 else []
        return [_parts(self.generated.groups, 1), again]

    @cached_property
    def _remade(self) -> tuple[Clip, ...]:
        return made_again(self.generated.clips)

    def _again(self, number: int) -> GeneratedClips:
        return self.generated.again(number, self._remade, self._noise / str(number))

    def look_at(self, clips: Sequence[Clip]) -> Found:
        """Make some clips unless they are there, and extract the features of each beside its true clip.

        Raises:
            FevbenchError: A clip cannot be made or read, or its features cannot be computed.
        """
        found = Found()
        with found.timed("decode") as work:
            work.computed = len(clips)
            true = [HashedClip(self.corpus.frames(clip)) for clip in clips]
            found.true = {clip.id: _digests(one) for clip, one in zip(clips, true, strict=True)}
        before = self.generated.made
        with found.timed("generate") as work:
            self.generated.make(clips)
            made = [HashedClip(self.generated.frames(clip)) for clip in clips]
            found.made = {clip.id: _digests(one) for clip, one in zip(clips, made, strict=True)}
            work.computed = self.generated.made - before
            work.reused = len(clips) - work.computed
        pairs = [*zip(made, true, strict=True), *zip(true, true, strict=True)]
        for name, extraction in self._extractions.items():
            if extraction.extractor.unit != "noise pair":
                rows = extraction.of_pairs(pairs)
                both = zip(rows[: len(clips)], rows[len(clips) :], strict=True)
                found.features[name] = {clip.id: pair for clip, pair in zip(clips, both, strict=True)}
                found.work[name] = extraction.take_work()
        return found

    def look_at_again(self, clips: Sequence[Clip], count: int) -> Found:
        """Make some clips again with other noise, and extract how those of each face and label differ.

        True clips have no rows: a second take of a subject begins with another picture, and differs by more
        than noise.

        Args:
            clips: Clips that were made.
            count: How many times each is there then, the one that is scored included.

        Raises:
            FevbenchError: As `look_at`.
        """
        found = Found()
        every = {clip: [HashedClip(self.generated.frames(clip))] for clip in clips}
        with found.timed("draws") as work:
            for number in range(1, count):
                sample = self._again(number)
                sample.make(clips)
                work.computed += sample.made
                work.reused += len(clips) - sample.made
                for clip in clips:
                    every[clip].append(HashedClip(sample.frames(clip)))
            found.again = {clip.id: tuple(map(_digests, made[1:])) for clip, made in every.items()}
        for name, extraction in self._extractions.items():
            if extraction.extractor.unit == "noise pair":
                rows = extraction.of_samples([noise_pairs(made) for made in every.values()])
                found.features[name] = {
                    clip.id: (own, own[:0]) for clip, own in zip(clips, rows, strict=True)
                }
                found.work[name] = extraction.take_work()
        return found


def _digests(clip: HashedClip) -> Digests:
    return clip.digest, clip.frame_digests


def _parts(groups: Sequence[Sequence[Clip]], count: int) -> list[Part]:
    """Groups of clips that are made together, in parts of `CLIPS_AT_ONCE` or a little more."""
    parts: list[Part] = []
    gathered: list[Clip] = []
    for group in groups:
        gathered += group
        if len(gathered) >= CLIPS_AT_ONCE:
            parts.append((tuple(gathered), count))
            gathered = []
    return [*parts, (tuple(gathered), count)] if gathered else parts
