"""The clips one run scores: a data set's split, under a protocol, perhaps limited."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from fevbench.data.clip import Clip, Dataset, Frames, Split
from fevbench.data.protocol import Protocol
from fevbench.data.video import content_digest
from fevbench.errors import DatasetError

Array = TypeVar("Array", bound="NDArray[Any]")

BUDGET = 64_000_000
"""Most bytes of a store; it keeps the clips that were used last."""


class FrameStore(Generic[Array]):
    """Clip id to frames, or an array with an entry per frame; the last ``budget`` bytes used are kept."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._left = budget
        self._kept: OrderedDict[str, Array] = OrderedDict()

    def get(self, clip_id: str, load: Callable[[], Array]) -> Array:
        """The clip's frames, read-only; ``load`` makes them if they are not kept."""
        if clip_id in self._kept:
            self._kept.move_to_end(clip_id)
            return self._kept[clip_id]
        return self.keep(clip_id, load())

    def keep(self, clip_id: str, frames: Array) -> Array:
        """Keep a clip's frames, and drop others beyond the budget; returns them, read-only."""
        frames.setflags(write=False)
        self._kept[clip_id] = frames
        self._left -= frames.nbytes
        while self._left < 0:
            self._left += self._kept.popitem(last=False)[1].nbytes
        return frames


class Corpus:
    """True clips, sampled as the protocol says.

    Args:
        dataset: Where the clips come from.
        protocol: How they are sampled.
        split: Which subjects.
        limit: Score only this many clips. They are chosen by the hash of their id, so that a smaller limit
            gives a subset of a larger one, and no subject or label is preferred.

    Attributes:
        clips: The clips that are scored, in the data set's order.
        pool: All clips of the split, for controls that need another clip than the one scored.

    Raises:
        DatasetError: The split has no clip.
    """

    def __init__(self, dataset: Dataset, protocol: Protocol, split: Split, limit: int | None = None) -> None:
        self.dataset = dataset
        self.protocol = protocol
        self.split: Split = split
        self.pool = dataset.clips(split)
        if not self.pool:
            raise DatasetError(f"{dataset.name} has no {split} clips", "choose another --split")
        chosen = {clip.id for clip in sorted_by_hash(self.pool)[:limit]}
        self.clips = tuple(clip for clip in self.pool if clip.id in chosen)
        self._store: FrameStore[Frames] = FrameStore()

    def __getstate__(self) -> dict[str, Any]:
        """Send another process the list of clips, not their frames."""
        return {**vars(self), "_store": FrameStore()}

    def frames(self, clip: Clip) -> Frames:
        """The clip as scored: ``uint8[frames, size, size, 3]``; frame 0 is the model's input."""
        name = f"{self.dataset.name} clip {clip.id}"
        fps = self.dataset.fps
        return self._store.get(clip.id, lambda: self.protocol.sample(self.dataset.frames(clip), name, fps))

    def digest(self, clips: Sequence[Clip] | None = None) -> str:
        """The `corpus_digest` of all scored clips, or of the given ones."""
        wanted = self.clips if clips is None else clips
        return corpus_digest(wanted, {clip.id: content_digest(self.frames(clip)) for clip in wanted})


def corpus_digest(clips: Sequence[Clip], digests: Mapping[str, str]) -> str:
    """The sha256 of every clip's id, subject, label and digest of its sampled pixels (``digests``)."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(repr((clip.id, clip.subject, clip.label, digests[clip.id])).encode())
    return digest.hexdigest()


def balanced_clips(clips: Sequence[Clip], labels: Sequence[str], count: int) -> list[Clip]:
    """Clips of all labels in turn, of different subjects if possible, by the hash of their id."""
    left = sorted_by_hash(clips)
    chosen: list[Clip] = []
    while left and len(chosen) < count:
        label = labels[len(chosen) % len(labels)]
        fitting = [clip for clip in left if clip.label == label] or left
        seen = [clip.subject for clip in chosen]
        clip = min(fitting, key=lambda clip: seen.count(clip.subject))
        chosen.append(clip)
        left.remove(clip)
    return chosen


typical = balanced_clips
"""The former name of `balanced_clips`; will be removed in the next version."""


def sorted_by_hash(clips: Sequence[Clip]) -> list[Clip]:
    """Clips in an order that prefers no subject or label: by the hash of their id."""
    return sorted(clips, key=lambda clip: hash_of(clip.id))


def hash_of(clip: str) -> bytes:
    """The key that clips are sorted by."""
    return hashlib.sha256(clip.encode()).digest()
