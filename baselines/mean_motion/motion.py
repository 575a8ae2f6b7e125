"""How a face moves, told apart from where it is: points as displacements in the frame of an upright face.

Points are complex numbers here, x + iy: a similarity transform is then a factor (its size is the scale, its
angle the turn) and a shift, and how far things move is changed by the factor alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Complex = NDArray[np.complex128]

STARTED, FULL = 0.2, 0.9
"""Parts of a clip's largest displacement at which its motion counts as begun, and as complete."""


def scale_and_turn(source: Floats, target: Floats) -> complex:
    """The factor of the similarity transform of least squared error (Umeyama, 1991, without reflection).

    Args:
        source: ``float[P, 2]``.
        target: ``float[P, 2]``.
    """
    s, t = to_complex(source), to_complex(target)
    s, t = s - s.mean(), t - t.mean()
    return complex((s.conj() * t).sum() / (s.conj() * s).real.sum())


def displacements(points: Floats, face: Floats) -> Floats:
    """How the points of a clip move, as if its face had the size and tilt of another.

    Args:
        points: ``float[T, P, 2]``.
        face: ``float[P, 2]``, the other face.

    Returns:
        ``float32[T, P, 2]``, 0 in frame 0, in the units of ``face``.
    """
    z = to_complex(points)
    return to_floats(scale_and_turn(points[0], face) * (z - z[0]))


def placed(motion: Floats, face: Floats, points: Floats) -> Floats:
    """Where the points ``float[P, 2]`` of a face go when it moves as ``motion`` (``float[T, P, 2]``) says.

    Args:
        motion: Displacements of `displacements`.
        face: The face they were taken to.
        points: The face that shall move.

    Returns:
        ``float32[T, P, 2]``, in the units of ``points``.
    """
    return to_floats(to_complex(points) + scale_and_turn(face, points) * to_complex(motion))


def milestones(motion: Floats) -> NDArray[np.float64]:
    """When the motion of a clip starts, is complete, begins to fade, and when the clip ends.

    How far it has gone is its displacement's part along the largest one, so that a blink or the landmarks'
    jitter is not taken for the expression.

    Args:
        motion: ``float32[T, P, 2]`` of `displacements`.

    Returns:
        ``float64[5]``, frames, increasing: 0, start, complete, fading, T - 1.
    """
    flat = motion.reshape(len(motion), -1).astype(np.float64)
    apex = flat[(flat**2).sum(axis=1).argmax()]
    gone = flat @ apex / max(float(apex @ apex), np.finfo(float).tiny)
    full = np.flatnonzero(gone >= FULL)
    if not len(full):  # nothing moves
        return np.linspace(0, len(motion) - 1, 5)
    before = np.flatnonzero(gone[: full[0]] <= STARTED)
    start = before[-1] if len(before) else 0
    times = np.array([0, start, full[0], full[-1], len(motion) - 1], np.float64)
    # Milestones that coincide are set a hundredth of a frame apart: time must run forwards.
    return np.maximum.accumulate(times + 0.01 * np.arange(5))


def mean_of_aligned(motions: Sequence[Floats]) -> Floats:
    """The mean motion of clips whose milestones coincide.

    Clips of one label start and end their motion at different times. Their mean frame by frame rises slower
    than any of them, and understates the apex if some relax early. Here the time of each clip is first
    stretched, linearly between milestones, so that its milestones fall on the clips' median ones.

    Args:
        motions: N of ``float32[T, P, 2]``.

    Returns:
        ``float32[T, P, 2]``.
    """
    when = np.stack([milestones(motion) for motion in motions])
    usual = np.maximum.accumulate(np.median(when, axis=0))
    frames = np.arange(len(motions[0]))
    total = np.zeros(motions[0].shape)
    for motion, own in zip(motions, when, strict=True):
        total += at_times(motion, np.interp(frames, usual, own))
    return (total / len(motions)).astype(np.float32)


def at_times(motion: Floats, times: NDArray[np.float64]) -> Floats:
    """The motion ``float32[T, P, 2]`` at moments between its frames, linear in time; held after the last."""
    times = np.clip(times, 0, len(motion) - 1)
    before = np.minimum(times.astype(np.int64), max(len(motion) - 2, 0))
    after = np.minimum(before + 1, len(motion) - 1)
    part = (times - before)[:, None, None]
    between: Floats = ((1 - part) * motion[before] + part * motion[after]).astype(np.float32)
    return between


def to_complex(points: Floats) -> Complex:
    """``float[..., 2]`` to ``complex128[...]``."""
    z: Complex = points[..., 0] + 1j * points[..., 1].astype(np.float64)
    return z


def to_floats(z: Complex) -> Floats:
    """``complex128[...]`` to ``float32[..., 2]``."""
    return np.stack([z.real, z.imag], axis=-1).astype(np.float32)
