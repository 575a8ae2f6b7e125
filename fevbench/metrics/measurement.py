"""A measured value, or no value and the reason: a failure is never a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_FACE = "no face in any frame"
NO_INPUT_FACE = "no face in the input image"


class TooFew(ValueError):
    """A set holds too few samples for a number, though it may be one that a larger set of them has."""


@dataclass(frozen=True)
class Measurement:
    """What a metric says of one clip, or of one set of clips.

    Attributes:
        value: The number, or None when there is none.
        reason: Why there is no value; empty when there is one.
        excused: The value is absent because of the true clip, which is no fault of the model's; such a
            clip is left out of the mean. Any other absent value counts against the model.
        reading: For metrics that read a label in a clip, which; empty for others, and where none was read.
    """

    value: float | None
    reason: str = ""
    excused: bool = False
    reading: str = ""


def agreement(made: float, true: float) -> Measurement:
    """The ratio, at most 1, of the smaller to the larger of two amounts, of which the true one is above 0."""
    return Measurement(min(made, true) / max(made, true))


def mean_over_faces(values: NDArray[np.float64], floor: float, higher_is_better: bool) -> Measurement:
    """The mean over frames, in which a missing face is never an advantage.

    Args:
        values: ``float64[N]``; NaN where a face is missing.
        floor: What a missing face counts as, unless the worst value seen is worse.
        higher_is_better: What worse means.
    """
    missing = np.isnan(values)
    worst = min if higher_is_better else max
    stand_in = worst([floor, *values[~missing].tolist()])
    return Measurement(float(np.where(missing, stand_in, values).mean()))
