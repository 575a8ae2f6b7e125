"""A worker's part of a run: make some clips, read each and its true clip once, and extract all features."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from fevbench.data.clip import Clip
from fevbench.data.corpus import Corpus
from fevbench.engine.extract import Extraction, Work
from fevbench.engine.generate import GeneratedClips
from fevbench.engine.noise import made_again
from fevbench.engine.rows import Rows
from fevbench.engine.samples import HashedClip, noise_pairs
from fevbench.progress import Progress

T = TypeVar("T")
Part = tuple[tuple["Clip", ...], int]
"""Clips, and how many noise samples each has; 1 is the scored clip alone."""

FRAMES_AT_ONCE = 128
"""Frames of clips whose samples fill common batches."""


def clips_at_once(frames: int) -> int:
    """How many clips of ``frames`` frames are processed together."""
    return max(1, FRAMES_AT_ONCE // frames)


def at_once(clips: Sequence[T], frames: int) -> list[Sequence[T]]:
    """Clips of ``frames`` frames, in lists of those that are processed together."""
    count = clips_at_once(frames)
    return [clips[start : start + count] for start in range(0, len(clips), count)]


Digests = tuple[str, tuple[str, ...]]
"""The digest of a clip, and those of its frames."""


@dataclass
class ClipFeatures:
    """Digests and features of some clips.

    Attributes:
        made: Clip id to the digests of the made clip.
        true: The same for the true clip.
        again: The same for each further noise sample.
        features: Extractor to clip id to its rows: of the made clip and of the true clip.
        work: Stage to the work for it.
        opened_files: Files that the model opened in another process than the one that began the run.
    """

    made: dict[str, Digests] = field(default_factory=dict)
    true: dict[str, Digests] = field(default_factory=dict)
    again: dict[str, tuple[Digests, ...]] = field(default_factory=dict)
    features: dict[str, dict[str, tuple[Rows, Rows]]] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    opened_files: list[Path] = field(default_factory=list)

    def add(self, other: ClipFeatures, keep: Callable[[Rows], Rows]) -> None:
        """Add other clips; ``keep`` moves an array out of memory, and returns it from there."""
        self.made |= other.made
        self.true |= other.true
        self.again |= other.again
        self.notes += other.notes
        self.opened_files = list(dict.fromkeys([*self.opened_files, *other.opened_files]))
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
        """Add the time of the block to a stage; the block fills in its counts."""
        mine = self.work.setdefault(stage, Work())
        began = time.perf_counter()
        yield mine
        mine.seconds += time.perf_counter() - began


MadePart = tuple[ClipFeatures, list[list[HashedClip]]]
"""The clips of a part: the made and the true ones, or the noise samples of each; with their digests."""


class Worker:
    """Makes clips and extracts their features; each run has one or more.

    ``noise`` is the folder of the noise samples, with a folder for each; ``extractions`` are open, by name.
    """

    def __init__(
        self, corpus: Corpus, generated: GeneratedClips, noise: Path, extractions: Mapping[str, Extraction]
    ) -> None:
        self._noise, self._extractions = noise, extractions
        self.corpus, self.generated = corpus, generated

    def begin(self, progress: Progress) -> ClipFeatures:
        """Make the first few clips and check them; of videos and programs, make all clips.

        Raises:
            FevbenchError: They cannot be made, or have another value range or order of channels.
        """
        found = ClipFeatures()
        with found.timed("generate") as work:
            self.generated.make_first(progress)
            work.computed = self.generated.made
        return found

    def flush(self) -> None:
        """Write all features to the caches."""
        for extraction in self._extractions.values():
            extraction.flush()

    def do(self, part: Part) -> ClipFeatures:
        """Make a part of a run's clips and extract their features.

        Raises:
            FevbenchError: A clip cannot be made or read, or its features cannot be computed.
        """
        return self._extracted(part, self._made(part))

    def do_each(self, parts: Sequence[Part], ahead: bool, done: Callable[[Part, ClipFeatures], None]) -> None:
        """Do several parts, one after the other.

        Args:
            parts: The parts.
            ahead: Whether a thread makes, reads and writes the clips of the next part meanwhile.
            done: Called for each finished part.

        Raises:
            FevbenchError: As `do`; finished parts are kept.
        """
        coming: Future[MadePart] | None = None
        for part, following in zip(parts, [*parts[1:], None], strict=False):
            made = coming.result() if coming else self._made(part)
            coming = _begun(partial(self._made, following)) if ahead and following else None
            done(part, self._extracted(part, made))

    def parts(self, count: int) -> list[list[Part]]:
        """The work of a run in two turns: all clips, then ``count - 1`` more noise samples of each."""
        many = clips_at_once(self.corpus.protocol.frames)
        again = _parts(self._again(1).groups, many, count) if count > 1 else []
        return [_parts(self.generated.groups, many, 1), again]

    @cached_property
    def _remade_clips(self) -> tuple[Clip, ...]:
        return made_again(self.generated.clips)

    def _again(self, number: int) -> GeneratedClips:
        return self.generated.again(number, self._remade_clips, self._noise / str(number))

    def _made(self, part: Part) -> MadePart:
        clips, count = part
        return self._made_again(clips, count) if count > 1 else self._made_beside_true(clips)

    def _extracted(self, part: Part, made: MadePart) -> ClipFeatures:
        return self._extracted_again(part[0], made) if part[1] > 1 else self._extracted_pairs(part[0], made)

    def _made_beside_true(self, clips: Sequence[Clip]) -> MadePart:
        """Clips, made unless they exist, and their true clips."""
        found = ClipFeatures()
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
        return found, [made, true]

    def _extracted_pairs(self, clips: Sequence[Clip], part: MadePart) -> ClipFeatures:
        """Features of made clips and of their true clips."""
        found, (made, true) = part
        pairs = [*zip(made, true, strict=True), *zip(true, true, strict=True)]
        for name, extraction in self._extractions.items():
            if extraction.extractor.unit != "noise pair":
                rows = extraction.of_pairs(pairs)
                both = zip(rows[: len(clips)], rows[len(clips) :], strict=True)
                found.features[name] = {clip.id: pair for clip, pair in zip(clips, both, strict=True)}
                found.work[name] = extraction.take_work()
        return found

    def _made_again(self, clips: Sequence[Clip], count: int) -> MadePart:
        """The noise samples of clips, ``count`` of each, the scored one included."""
        found = ClipFeatures()
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
        return found, list(every.values())

    def _extracted_again(self, clips: Sequence[Clip], part: MadePart) -> ClipFeatures:
        """The differences between noise samples of each face and label.

        True clips have no rows: a second take of a subject starts from another picture, so it differs by more
        than noise.
        """
        found, every = part
        for name, extraction in self._extractions.items():
            if extraction.extractor.unit == "noise pair":
                rows = extraction.of_samples([noise_pairs(made) for made in every])
                found.features[name] = {
                    clip.id: (own, own[:0]) for clip, own in zip(clips, rows, strict=True)
                }
                found.work[name] = extraction.take_work()
        return found


def _begun(work: Callable[[], MadePart]) -> Future[MadePart]:
    """Begin something in a thread of its own, which ends with this process if nobody waits for it."""
    future: Future[MadePart] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # for whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def _digests(clip: HashedClip) -> Digests:
    return clip.digest, clip.frame_digests


def _parts(groups: Sequence[Sequence[Clip]], many: int, count: int) -> list[Part]:
    """Groups of clips that are made together, in parts of ``many`` or a few more clips."""
    parts: list[Part] = []
    gathered: list[Clip] = []
    for group in groups:
        gathered += group
        if len(gathered) >= many:
            parts.append((tuple(gathered), count))
            gathered = []
    return [*parts, (tuple(gathered), count)] if gathered else parts
