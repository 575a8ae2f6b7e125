"""The damages: to pixels, to time, to who and what is shown.

Sizes in pixels are for frames of 64 pixels and grow with the frame.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, shift

from fevbench.audit.scene import STRENGTHS, Scene, damage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

BLUR = (0.5, 1.0, 1.5, 2.5, 4.0)
NOISE = (2, 4, 8, 16, 32)
QUALITY = (80, 50, 30, 15, 5)
WARMTH = (0.03, 0.06, 0.12, 0.2, 0.3)
STUTTER = (0.1, 0.2, 0.35, 0.5, 0.7)
SHAKE = (0.25, 0.5, 1.0, 2.0, 4.0)
SHARES = tuple(f"{100 * i // STRENGTHS} %" for i in range(1, STRENGTHS + 1))
LATE = tuple(f"{50 * i // STRENGTHS} %" for i in range(1, STRENGTHS + 1))


@damage("blur", "pixels", "Gaussian blur, standard deviation in pixels", *BLUR)
def _blur(scene: Scene, strength: int) -> Frames:
    sigma = BLUR[strength - 1] * _scale(scene)
    return _to_bytes(gaussian_filter(scene.frames.astype(np.float64), (0, sigma, sigma, 0)))


@damage("noise", "pixels", "white noise, standard deviation in grey levels", *NOISE)
def _noise(scene: Scene, strength: int) -> Frames:
    return _to_bytes(scene.frames + NOISE[strength - 1] * scene.rng.normal(size=scene.frames.shape))


@damage("compression", "pixels", "JPEG of every frame, quality", *QUALITY)
def _compression(scene: Scene, strength: int) -> Frames:
    return np.stack([_jpeg(frame, QUALITY[strength - 1]) for frame in scene.frames])


@damage("colour", "pixels", "warmer: red gained and blue lost", *[f"{100 * w:.0f} %" for w in WARMTH])
def _colour(scene: Scene, strength: int) -> Frames:
    gain = np.array([1 + WARMTH[strength - 1], 1, 1 - WARMTH[strength - 1]])
    return _to_bytes(scene.frames * gain)


@damage("shuffle", "time", "frames in a random order; of all but the first", *SHARES)
def _shuffle(scene: Scene, strength: int) -> Frames:
    order = np.arange(len(scene.frames))
    moved = scene.rng.permutation(order[1:])[: max(2, _share(len(order) - 1, strength))]
    order[np.sort(moved)] = np.roll(moved, 1)
    return scene.frames[order]


@damage("reversal", "time", "played backwards; of the clips", *SHARES)
def _reversal(scene: Scene, strength: int) -> Frames:
    return scene.frames[::-1] if scene.rank < strength / STRENGTHS else scene.frames


@damage("freeze", "time", "the clip stands still before its end; of its frames", *SHARES)
def _freeze(scene: Scene, strength: int) -> Frames:
    stop = len(scene.frames) - _share(len(scene.frames), strength)
    return scene.frames[np.minimum(np.arange(len(scene.frames)), stop)]


@damage(
    "frame-drop", "time", "frames lost, the one before shown again", *[f"{100 * s:.0f} %" for s in STUTTER]
)
def _frame_drop(scene: Scene, strength: int) -> Frames:
    lost = scene.rng.random(len(scene.frames)) < STUTTER[strength - 1]
    lost[0] = False
    return scene.frames[np.maximum.accumulate(np.where(lost, 0, np.arange(len(lost))))]


@damage("jump", "time", "the way to the apex left out; of that way", *SHARES)
def _jump(scene: Scene, strength: int) -> Frames:
    apex = int(_change(scene.frames).argmax())
    order = np.arange(len(scene.frames))
    order[apex + 1 - _share(apex, strength) : apex] = apex
    if strength == STRENGTHS:
        order[1:] = apex  # and nothing after it
    return scene.frames[order]


@damage("jitter", "time", "every frame shifted at random, standard deviation in pixels", *SHAKE)
def _jitter(scene: Scene, strength: int) -> Frames:
    moves = SHAKE[strength - 1] * _scale(scene) * scene.rng.normal(size=(len(scene.frames), 2))
    moved = [
        shift(frame.astype(np.float64), (*move, 0), order=1, mode="nearest")
        for frame, move in zip(scene.frames, moves, strict=True)
    ]
    return _to_bytes(np.stack(moved))


@damage(
    "identity-swap",
    "content",
    "fades into another person who does the same; weight of the other",
    *SHARES,
)
def _identity_swap(scene: Scene, strength: int) -> Frames:
    weight = strength / STRENGTHS
    return _to_bytes((1 - weight) * scene.frames + weight * scene.other_person())


@damage("takeover", "content", "another person takes over before the end; of the frames", *LATE)
def _takeover(scene: Scene, strength: int) -> Frames:
    length = max(1, round(len(scene.frames) * strength / (2 * STRENGTHS)))
    return np.concatenate([scene.frames[:-length], scene.other_person()[-length:]])


@damage("wrong-expression", "content", "the person performs another expression; of the clips", *SHARES)
def _wrong_expression(scene: Scene, strength: int) -> Frames:
    return scene.other_expression() if scene.rank < strength / STRENGTHS else scene.frames


@damage("missing-face", "content", "nothing where the face was; of the clips", *SHARES)
def _missing_face(scene: Scene, strength: int) -> Frames:
    return _without_face(scene, len(scene.frames)) if scene.rank < strength / STRENGTHS else scene.frames


@damage("vanishing-face", "content", "the face vanishes before the end; of the frames", *SHARES)
def _vanishing_face(scene: Scene, strength: int) -> Frames:
    return _without_face(scene, _share(len(scene.frames), strength))


def _without_face(scene: Scene, count: int) -> Frames:
    """The clip with nothing where the face was in its last frames."""
    size = scene.frames.shape[1]
    y, x = (np.mgrid[:size, :size] + 0.5) / size - 0.5
    covered = (x / 0.36) ** 2 + (y / 0.46) ** 2 < 1
    damaged: Frames = scene.frames.copy()
    for frame in damaged[-count:]:
        frame[covered] = frame[0].mean(axis=0)  # as the background above the head
    return damaged


def _share(count: int, strength: int) -> int:
    """How many of ``count`` a strength is, at least one."""
    return max(1, round(count * strength / STRENGTHS))


def _scale(scene: Scene) -> float:
    return float(scene.frames.shape[1] / 64)


def _change(frames: Frames) -> NDArray[np.float64]:
    """How far each frame is from the first."""
    change: NDArray[np.float64] = np.abs(frames.astype(np.float64) - frames[0]).mean(axis=(1, 2, 3))
    return change


def _jpeg(frame: Frames, quality: int) -> Frames:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def _to_bytes(pixels: NDArray[np.float64]) -> Frames:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
