"""Input and output of a clip metric: a value, or the reason for no value; a failure is never a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.metrics.identity import InputFaces

NO_FACE = "no face in any frame"
NO_INPUT_FACE = "no face in the input image"


class TooFew(ValueError):
    """A set holds too few samples for a value."""


@dataclass(frozen=True)
class ClipView:
    """The input of a clip metric: one extractor's features of a generated clip and of its true clip.

    The rows are of the frames that the metric looks at (`Sampling.first_frame`), here T of them: ``float32[T,
    D]`` for extractors that look at frames, alone or beside the true clip's, ``float32[T - 1, D]`` for those
    that look at each beside the next, ``float32[1, D]`` for those that look at clips, ``float32[P * T, D]``
    for those that look at P pairs of clips of this face and label; ``float64`` for measures of pixels.

    Attributes:
        generated: The generated clip.
        true: The true clip.
        label: The requested expression.
        subject: The subject of the clip.
        labels: The data set's labels, in their order.
        input: The input face, the true clip's frame 0, ``float32[1, D]``; by default the first row of
            ``true``, which is right if no frame is left out.
        input_faces: The input faces of all scored subjects; only identification needs them.
    """

    generated: NDArray[Any]
    true: NDArray[Any]
    label: str
    subject: str
    labels: Sequence[str]
    input: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    input_faces: InputFaces | None = None

    def __post_init__(self) -> None:
        if not self.input.size:
            object.__setattr__(self, "input", self.true[:1])


@dataclass(frozen=True)
class Measurement:
    """The result of a metric for one clip, or for one set of clips.

    Attributes:
        value: The value, or None.
        reason: Why there is no value; empty when there is one.
        excused: The value is missing because of the true clip, not because of the model; such a clip is left
            out of the mean. Any other missing value counts against the model.
        reading: The label that was read, for metrics that read one; else, or if none was read, empty.
    """

    value: float | None
    reason: str = ""
    excused: bool = False
    reading: str = ""


def agreement(made: float, true: float) -> Measurement:
    """The ratio, at most 1, of the smaller to the larger of two amounts; the true one is above 0."""
    return Measurement(min(made, true) / max(made, true))


def mean_over_faces(values: NDArray[np.float64], missing_value: float, higher_is_better: bool) -> Measurement:
    """The mean over frames ``float64[N]``, NaN where a face is missing, which is never an advantage.

    A missing face counts as ``missing_value``, unless the worst observed value is worse.
    """
    missing = np.isnan(values)
    worst = min if higher_is_better else max
    stand_in = worst([missing_value, *values[~missing].tolist()])
    return Measurement(float(np.where(missing, stand_in, values).mean()))
