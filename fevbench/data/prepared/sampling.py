"""Rules that choose the frames of a recording for the clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Frames
from fevbench.data.prepared.manifest import Sampling, Short

MOST_REPEATS = 4
"""Most frames at an even rate, as a multiple of a recording's frames."""
QUARTER = 4
"""The stillest frame is searched in the first of this many parts of a recording."""
SMOOTHING = 3
"""Frames over which the distance from the neutral face is averaged before its peak is taken."""


def choose(
    count: int,
    neutral: int,
    apex: int | None,
    frames: int,
    sampling: Sampling,
    short: Short,
    times: Sequence[float] | None = None,
) -> list[int]:
    """The numbers of the frames of a recording that become the clip; none if there is no clip.

    ``uniform`` spreads them evenly from the neutral frame to the last, ``onset-apex`` from the neutral frame
    to the apex, first and last included; ``all`` takes every frame from the neutral frame on. A recording
    with too few frames is spread anyway, which repeats some (``resample``), has its last frame repeated
    (``pad-last``), or gives no clip (``drop``). If the frame rate varies, ``times`` are the seconds of each
    frame, and the rules apply to time: the frame nearest to each of evenly spread moments is taken; for
    ``all``, the moments are one median step apart.
    """
    last = count - 1 if apex is None else apex
    there = last - neutral + 1
    if there < 2:
        return []
    if there < frames and short == "drop":
        return []
    if sampling == "all" or (there < frames and short == "pad-last"):
        taken = list(range(neutral, last + 1)) if times is None else _at_median_step(times, neutral, last)
        return taken + [last] * (frames - len(taken))
    if times is not None:
        return _nearest(times, np.linspace(times[neutral], times[last], frames))
    return [int(i) for i in np.linspace(neutral, last, frames).round()]


def _at_median_step(times: Sequence[float], first: int, last: int) -> list[int]:
    at = np.asarray(times[first : last + 1], np.float64)
    length = float(at[-1] - at[0])
    step = max(float(np.median(np.diff(at))), length / (MOST_REPEATS * (len(at) - 1)))
    return _nearest(times, np.linspace(at[0], at[-1], round(length / step) + 1))


def _nearest(times: Sequence[float], moments: NDArray[np.float64]) -> list[int]:
    """The frame nearest in time to each moment; of two equally near, the earlier."""
    return [int(np.abs(np.asarray(times, np.float64) - moment).argmin()) for moment in moments]


def rate(native: float, taken: list[int], times: Sequence[float] | None = None) -> float:
    """Frames per second of a clip of frames ``taken`` at rate ``native``, ignoring repeats at its end."""
    moving = [i for k, i in enumerate(taken) if k == 0 or i != taken[k - 1] or i != taken[-1]]
    if times is not None and moving[-1] > moving[0]:
        return (len(moving) - 1) / (times[moving[-1]] - times[moving[0]])
    return native * (len(moving) - 1) / max(1, moving[-1] - moving[0])


def stillest(clip: Frames) -> int:
    """The frame of the first quarter that differs least from its neighbours, of ``uint8[T, S, S, 3]``."""
    first = clip[: max(2, len(clip) // QUARTER)].astype(np.float32)
    steps = np.abs(np.diff(first, axis=0)).mean(axis=(1, 2, 3))
    around = np.concatenate([steps[:1], (steps[:-1] + steps[1:]) / 2, steps[-1:]])
    return int(around.argmin())


def strongest(clip: Frames, neutral: int) -> int:
    """The frame of ``uint8[T, S, S, 3]`` that differs most from the neutral one: an estimate of the apex.

    The mean absolute difference over the square, averaged over `SMOOTHING` frames.
    """
    still = clip[neutral].astype(np.float32)
    distance: NDArray[np.float64] = np.array([np.abs(f - still).mean() for f in clip], np.float64)
    padded = np.pad(distance, SMOOTHING // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(SMOOTHING) / SMOOTHING, "valid")
    return int(neutral + smooth[neutral:].argmax())
