"""FEVSynth, the embedded data set: rendered subjects performing the six basic expressions."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "1.0"
"""Version of the set and of its renderer: increased whenever the same settings could give other pixels."""


@dataclass(frozen=True)
class Performance:
    """The timing of the expression in a clip; frames are counted from 0.

    Attributes:
        variant: Which of the label's apexes was shown.
        onset: Last frame that is still neutral.
        apex: First frame at full strength.
        offset: Last frame at full strength, before the face relaxes; None if the apex is held to the end.
    """

    variant: str
    onset: int
    apex: int
    offset: int | None
