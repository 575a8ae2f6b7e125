"""What a damage gets to work with: a true clip, other true clips, and its own random numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from fevbench.registry import Registry

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Frames
    from fevbench.data.corpus import Corpus

STRENGTHS = 5
"""Steps of every ladder; step 0 is the true clip."""


@dataclass(frozen=True)
class Scene:
    """One true clip and what a damage may put in its place.

    Attributes:
        clip: Which clip.
        frames: Its frames, ``uint8[T, S, S, 3]``.
        corpus: Where others are.
        rng: The same for a clip and a damage whatever the strength, so that a ladder damages more of it.
        rank: Where the clip is among all in the order of their hashes, from 0 to 1, for damages that hit
            whole clips.
    """

    clip: Clip
    frames: Frames
    corpus: Corpus
    rng: np.random.Generator
    rank: float

    def other_person(self) -> Frames:
        """A clip of this label of the next person who has one.

        Of the scored clips if there is one: all of them swapped are then much the same clips again, and what
        changes is who shows them and not how well they are read.
        """

        def fits(clip: Clip) -> bool:
            return clip.label == self.clip.label and clip.subject != self.clip.subject

        scored = self.corpus.clips
        return self._next(scored if any(map(fits, scored)) else self.corpus.pool, fits)

    def other_expression(self) -> Frames:
        """A clip of this person with the next other label."""
        return self._next(
            self.corpus.pool,
            lambda clip: clip.label != self.clip.label and clip.subject == self.clip.subject,
        )

    def _next(self, pool: Sequence[Clip], fits: Callable[[Clip], bool]) -> Frames:
        start = next(i for i, clip in enumerate(pool) if clip.id == self.clip.id)
        following = (pool[(start + i) % len(pool)] for i in range(1, len(pool)))
        return self.corpus.frames(next(clip for clip in following if fits(clip)))


Kind = Literal["pixels", "time", "content"]
"""What a damage is done to; content is who and what is shown."""

Apply = Callable[[Scene, int], "Frames"]


@dataclass(frozen=True)
class Damage:
    """A known damage in five strengths.

    Attributes:
        name: What metrics call it in what they declare.
        kind: What it is done to.
        title: What it does, in a few words.
        steps: The five strengths in words.
        apply: A scene and a strength from 1 to 5 to damaged frames, of the same shape.
    """

    name: str
    kind: Kind
    title: str
    steps: tuple[str, ...]
    apply: Apply


damages: Registry[Damage] = Registry("damage")


def damage(name: str, kind: Kind, title: str, *steps: object) -> Callable[[Apply], Apply]:
    """Decorator that makes a function a known damage.

    Raises:
        ValueError: It has not five strengths.
    """
    if len(steps) != STRENGTHS:
        raise ValueError(f"{name} needs {STRENGTHS} strengths, got {len(steps)}")

    def decorate(apply: Apply) -> Apply:
        damages.add(name, Damage(name, kind, title, tuple(map(str, steps)), apply))
        return apply

    return decorate


def scenes(corpus: Corpus, name: str) -> Iterator[Scene]:
    """All clips of a corpus, for one damage."""
    from fevbench.data.corpus import by_hash

    order: Mapping[str, int] = {clip.id: i for i, clip in enumerate(by_hash(corpus.clips))}
    for clip in corpus.clips:
        digest = hashlib.sha256(f"{name}\0{clip.id}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        yield Scene(clip, corpus.frames(clip), corpus, rng, order[clip.id] / len(corpus.clips))
