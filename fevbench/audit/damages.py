"""The damages, to pixels, time, identity and expression, and their inputs.

Sizes in pixels are for frames of 64 pixels and grow with the frame.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, shift

from fevbench.audit.record import STRENGTHS, Kind
from fevbench.data.clip import Clip, Frames
from fevbench.registry import Registry

if TYPE_CHECKING:
    from fevbench.data.corpus import Corpus


BLUR = (0.5, 1.0, 1.5, 2.5, 4.0)
NOISE = (2, 4, 8, 16, 32)
QUALITY = (80, 50, 30, 15, 5)
WARMTH = (0.03, 0.06, 0.12, 0.2, 0.3)
STUTTER = (0.1, 0.2, 0.35, 0.5, 0.7)
SHAKE = (0.25, 0.5, 1.0, 2.0, 4.0)
SHARES = tuple(f"{100 * i // STRENGTHS} %" for i in range(1, STRENGTHS + 1))
LATE = tuple(f"{50 * i // STRENGTHS} %" for i in range(1, STRENGTHS + 1))


@dataclass(frozen=True)
class DamageInput:
    """One true clip, ``uint8[T, S, S, 3]``, and other clips that a damage may use.

    ``rng`` is the same for a clip and a damage at any strength, so that a greater strength damages the same
    parts and more. ``rank``, in [0, 1], is the position of the clip in the order of hashes, for damages that
    affect whole clips.
    """

    clip: Clip
    frames: Frames
    corpus: Corpus
    rng: np.random.Generator
    rank: float

    def other_subject(self) -> Frames:
        """A clip with this label of the next subject who has one.

        One of the scored clips if possible: the set of clips then stays nearly the same, so that the damage
        changes the subjects and not how well the expressions are recognised.
        """

        def fits(clip: Clip) -> bool:
            return clip.label == self.clip.label and clip.subject != self.clip.subject

        scored = self.corpus.clips
        return self._next(scored if any(map(fits, scored)) else self.corpus.pool, fits)

    def other_expression(self) -> Frames:
        """A clip of this subject with the next other label."""
        return self._next(
            self.corpus.pool, lambda clip: clip.label != self.clip.label and clip.subject == self.clip.subject
        )

    def _next(self, pool: Sequence[Clip], fits: Callable[[Clip], bool]) -> Frames:
        start = next(i for i, clip in enumerate(pool) if clip.id == self.clip.id)
        following = (pool[(start + i) % len(pool)] for i in range(1, len(pool)))
        return self.corpus.frames(next(clip for clip in following if fits(clip)))


Apply = Callable[[DamageInput, int], "Frames"]


@dataclass(frozen=True)
class Damage:
    """A known damage with five strengths; ``steps`` describes them in words."""

    name: str
    kind: Kind
    title: str
    steps: tuple[str, ...]
    apply: Apply


damages: Registry[Damage] = Registry("damage")


def damage(name: str, kind: Kind, title: str, *steps: object) -> Callable[[Apply], Apply]:
    """Decorator that makes a function a known damage.

    Raises:
        ValueError: It has more or fewer than five strengths.
    """
    if len(steps) != STRENGTHS:
        raise ValueError(f"{name} needs {STRENGTHS} strengths, got {len(steps)}")

    def decorate(apply: Apply) -> Apply:
        damages.add(name, Damage(name, kind, title, tuple(map(str, steps)), apply))
        return apply

    return decorate


def damage_inputs(corpus: Corpus, name: str, clips: Sequence[Clip] | None = None) -> Iterator[DamageInput]:
    """The inputs of one damage for some clips of a corpus; by default for all."""
    from fevbench.data.corpus import sorted_by_hash

    order: Mapping[str, int] = {clip.id: i for i, clip in enumerate(sorted_by_hash(corpus.clips))}
    for clip in corpus.clips if clips is None else clips:
        digest = hashlib.sha256(f"{name}\0{clip.id}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        yield DamageInput(clip, corpus.frames(clip), corpus, rng, order[clip.id] / len(corpus.clips))


@damage("blur", "pixels", "Gaussian blur, standard deviation in pixels", *BLUR)
def _blur(given: DamageInput, strength: int) -> Frames:
    sigma = BLUR[strength - 1] * _scale(given)
    return _to_bytes(gaussian_filter(given.frames.astype(np.float64), (0, sigma, sigma, 0)))


@damage("noise", "pixels", "white noise, standard deviation in grey levels", *NOISE)
def _noise(given: DamageInput, strength: int) -> Frames:
    return _to_bytes(given.frames + NOISE[strength - 1] * given.rng.normal(size=given.frames.shape))


@damage("compression", "pixels", "JPEG of every frame, quality", *QUALITY)
def _compression(given: DamageInput, strength: int) -> Frames:
    return np.stack([_jpeg(frame, QUALITY[strength - 1]) for frame in given.frames])


@damage("colour", "pixels", "warmer: red gained and blue lost", *[f"{100 * w:.0f} %" for w in WARMTH])
def _colour(given: DamageInput, strength: int) -> Frames:
    gain = np.array([1 + WARMTH[strength - 1], 1, 1 - WARMTH[strength - 1]])
    return _to_bytes(given.frames * gain)


@damage("shuffle", "time", "frames in a random order; of all but the first", *SHARES)
def _shuffle(given: DamageInput, strength: int) -> Frames:
    order = np.arange(len(given.frames))
    moved = given.rng.permutation(order[1:])[: max(2, _share(len(order) - 1, strength))]
    order[np.sort(moved)] = np.roll(moved, 1)
    return given.frames[order]


@damage("reversal", "time", "played backwards; of the clips", *SHARES)
def _reversal(given: DamageInput, strength: int) -> Frames:
    return given.frames[::-1] if given.rank < strength / STRENGTHS else given.frames


@damage("freeze", "time", "the clip stands still before its end; of its frames", *SHARES)
def _freeze(given: DamageInput, strength: int) -> Frames:
    stop = len(given.frames) - _share(len(given.frames), strength)
    return given.frames[np.minimum(np.arange(len(given.frames)), stop)]


@damage(
    "frame-drop", "time", "frames lost, the one before shown again", *[f"{100 * s:.0f} %" for s in STUTTER]
)
def _frame_drop(given: DamageInput, strength: int) -> Frames:
    lost = given.rng.random(len(given.frames)) < STUTTER[strength - 1]
    lost[0] = False
    return given.frames[np.maximum.accumulate(np.where(lost, 0, np.arange(len(lost))))]


@damage("jump", "time", "the way to the apex left out; of that way", *SHARES)
def _jump(given: DamageInput, strength: int) -> Frames:
    apex = int(_change(given.frames).argmax())
    order = np.arange(len(given.frames))
    order[apex + 1 - _share(apex, strength) : apex] = apex
    if strength == STRENGTHS:
        order[1:] = apex  # and drop what follows
    return given.frames[order]


@damage("jitter", "time", "every frame shifted at random, standard deviation in pixels", *SHAKE)
def _jitter(given: DamageInput, strength: int) -> Frames:
    moves = SHAKE[strength - 1] * _scale(given) * given.rng.normal(size=(len(given.frames), 2))
    moved = [
        shift(frame.astype(np.float64), (*move, 0), order=1, mode="nearest")
        for frame, move in zip(given.frames, moves, strict=True)
    ]
    return _to_bytes(np.stack(moved))


@damage(
    "identity-swap", "content", "fades into another subject who does the same; weight of the other", *SHARES
)
def _identity_swap(given: DamageInput, strength: int) -> Frames:
    weight = strength / STRENGTHS
    return _to_bytes((1 - weight) * given.frames + weight * given.other_subject())


@damage("takeover", "content", "another subject takes over before the end; of the frames", *LATE)
def _takeover(given: DamageInput, strength: int) -> Frames:
    length = max(1, round(len(given.frames) * strength / (2 * STRENGTHS)))
    return np.concatenate([given.frames[:-length], given.other_subject()[-length:]])


@damage("wrong-expression", "content", "the subject performs another expression; of the clips", *SHARES)
def _wrong_expression(given: DamageInput, strength: int) -> Frames:
    return given.other_expression() if given.rank < strength / STRENGTHS else given.frames


@damage("missing-face", "content", "nothing where the face was; of the clips", *SHARES)
def _missing_face(given: DamageInput, strength: int) -> Frames:
    return _without_face(given, len(given.frames)) if given.rank < strength / STRENGTHS else given.frames


@damage("vanishing-face", "content", "the face vanishes before the end; of the frames", *SHARES)
def _vanishing_face(given: DamageInput, strength: int) -> Frames:
    return _without_face(given, _share(len(given.frames), strength))


def _without_face(given: DamageInput, count: int) -> Frames:
    """The clip with the face removed from its last frames."""
    size = given.frames.shape[1]
    y, x = (np.mgrid[:size, :size] + 0.5) / size - 0.5
    covered = (x / 0.36) ** 2 + (y / 0.46) ** 2 < 1
    damaged: Frames = given.frames.copy()
    for frame in damaged[-count:]:
        frame[covered] = frame[0].mean(axis=0)  # as the background above the head
    return damaged


def _share(count: int, strength: int) -> int:
    """The number of ``count`` items that a strength damages, at least one."""
    return max(1, round(count * strength / STRENGTHS))


def _scale(given: DamageInput) -> float:
    return float(given.frames.shape[1] / 64)


def _change(frames: Frames) -> NDArray[np.float64]:
    """The distance of each frame from the first."""
    change: NDArray[np.float64] = np.abs(frames.astype(np.float64) - frames[0]).mean(axis=(1, 2, 3))
    return change


def _jpeg(frame: Frames, quality: int) -> Frames:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def _to_bytes(pixels: NDArray[np.float64]) -> Frames:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
