"""When the face of a clip does what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Performance:
    """How one expression was performed; frames are counted from 0.

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
