"""A measured value, or no value and the reason: a failure is never a score."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """What a metric says of one clip, or of one set of clips.

    Attributes:
        value: The number, or None when there is none.
        reason: Why there is no value; empty when there is one.
        excused: The value is absent because of the true clip, which is no fault of the model's; such a
            clip is left out of the mean. Any other absent value counts against the model.
    """

    value: float | None
    reason: str = ""
    excused: bool = False
