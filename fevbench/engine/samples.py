"""The inputs of extractors: the samples of a clip, each with the digest of its pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np

from fevbench.data.clip import Frames
from fevbench.data.video import content_digest
from fevbench.extractors.base import Unit


class HashedClip:
    """A clip's pixels ``uint8[T, H, W, 3]`` and their digests, computed when first needed."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames

    @classmethod
    def known(cls, digest: str, frame_digests: Sequence[str]) -> HashedClip:
        """A clip of which only the digests are known: its samples have keys but no pixels."""
        clip = cls(np.empty((len(frame_digests), 0, 0, 3), np.uint8))
        clip.digest, clip.frame_digests = digest, tuple(frame_digests)
        return clip

    @cached_property
    def digest(self) -> str:
        """The digest of the clip."""
        return content_digest(self.frames)

    @cached_property
    def frame_digests(self) -> tuple[str, ...]:
        """The digest of each frame."""
        return tuple(content_digest(frame) for frame in self.frames)


@dataclass(frozen=True)
class Sample:
    """The input of one row of features: the digest of its pixels, and the frames or clip it consists of."""

    key: str
    parts: tuple[Frames, ...]

    @property
    def pixels(self) -> Frames:
        """``uint8[H, W, 3]`` of a frame, else ``uint8[P, H, W, 3]`` of a clip's or a pair's frames."""
        return self.parts[0] if len(self.parts) == 1 else np.stack(self.parts)


def samples(unit: Unit, made: HashedClip, true: HashedClip) -> list[Sample]:
    """The samples of a clip beside its true clip of the same shape, which may be the clip itself.

    For pairs of noise samples, use `noise_pairs`.
    """
    if unit == "clip":
        return [Sample(made.digest, (made.frames,))]
    own, beside = _frames(made), _frames(true)
    if unit == "true pair":
        return [_joined(pair) for pair in zip(own, beside, strict=True)]
    if unit == "next pair":
        return [_joined(pair) for pair in pairwise(own)]
    if unit == "next pair of both":
        both = zip(pairwise(own), pairwise(beside), strict=True)
        return [_joined((*made_pair, *true_pair)) for made_pair, true_pair in both]
    return own


def noise_pairs(clips: Sequence[HashedClip]) -> list[Sample]:
    """Pairs of equal frame numbers for every pair of clips, one pair of clips after the other."""
    return [
        _joined(pair)
        for one, other in combinations(map(_frames, clips), 2)
        for pair in zip(one, other, strict=True)
    ]


def _frames(clip: HashedClip) -> list[Sample]:
    return [Sample(key, (frame,)) for key, frame in zip(clip.frame_digests, clip.frames, strict=True)]


def _joined(frames: Sequence[Sample]) -> Sample:
    """Several frames as one sample, whose key is made of their keys, so that no pixel is read twice."""
    key = hashlib.sha256(" ".join(frame.key for frame in frames).encode()).hexdigest()
    return Sample(key, tuple(part for frame in frames for part in frame.parts))
