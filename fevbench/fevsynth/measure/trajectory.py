"""How heads and lids move in the ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fevbench.fevsynth.measure.record import Estimate, mean
from fevbench.records import Finite, Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.fevsynth.truth import Truth

AXES = ("yaw", "pitch", "roll")
LIDS = ("eyeBlinkLeft", "eyeBlinkRight")
BLINK = 0.5
"""How far both lids must close, and open again, to count as a blink; low lids of sadness do not reach it."""


class Turn(Record):
    """One axis of the head, degrees."""

    axis: str
    """One of `AXES`."""
    drift: Estimate
    """Mean over clips of the greatest minus the least angle within a clip."""
    drift_p95: Finite
    """95th percentile of the same."""
    spread: Finite
    """Standard deviation over clips of the angle in frame 0."""


class Motion(Record):
    """What moves beside the expression."""

    turns: list[Turn]
    """Each axis."""
    blinking: Estimate
    """The share of clips with a blink."""


def motion(truth: Truth, rows: Sequence[int], subjects: Sequence[str]) -> Motion:
    """Measure head movement and blinks of some clips.

    Args:
        truth: The ground truth.
        rows: Which of its clips.
        subjects: The person of each.
    """
    pose = truth.pose[list(rows)].astype(np.float64)
    drift = np.ptp(pose, axis=1)
    units = [str(unit) for unit in truth.units]
    closure = truth.weights[list(rows)][:, :, [units.index(lid) for lid in LIDS]].astype(np.float64)
    turns = [
        Turn(
            axis=axis,
            drift=mean(drift[:, i], subjects, "clips"),
            drift_p95=float(np.quantile(drift[:, i], 0.95)),
            spread=float(pose[:, 0, i].std()),
        )
        for i, axis in enumerate(AXES)
    ]
    return Motion(turns=turns, blinking=mean(blinks(closure.min(axis=2)), subjects, "clips"))


def blinks(closure: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whether lids close and open again: ``float64[N]`` of 0 and 1.

    Args:
        closure: ``float64[N, T]`` weight of the less closed lid.
    """
    before = np.minimum.accumulate(closure, axis=1)
    after = np.minimum.accumulate(closure[:, ::-1], axis=1)[:, ::-1]
    # A peak stands out from the lowest point before it and from the lowest one after it.
    prominence: NDArray[np.float64] = (closure - np.maximum(before, after)).max(axis=1)
    return (prominence >= BLINK).astype(np.float64)
