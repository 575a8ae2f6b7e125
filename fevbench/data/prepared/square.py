"""The one square of a take that holds the face in all of its frames, so that the background stands still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.framing import square, upright
from fevbench.extractors.faces import FaceFinder, FoundFace

if TYPE_CHECKING:
    from fevbench.data.clip import Frames
    from fevbench.data.framing import Placement

DETECTOR = "scrfd-500m"
"""Its name among fevbench's weights."""
CANVASES = (320, 640, 160)
"""Heights and widths a frame is shown to the detector at: large faces first, as they are the rule."""
SIDE = 1.25
"""Side of the square, in heights of the face's box: FEVSynth's frames are 1.25 times as high as its boxes."""
RAISE = 0.028
"""How far the box's centre lies below the square's, parts of the side; as in FEVSynth."""
ROOM = 1.05
"""The square is larger if the face moves: at least so many times what its boxes span."""


@dataclass(frozen=True)
class Looked:
    """What was found in a take.

    Attributes:
        placement: Where the square lies; None if there is no face.
        faces: In how many frames one was found.
        looks: In how many it was looked for.
        several: In how many there was more than one; the largest counts.
    """

    placement: Placement | None
    faces: int
    looks: int
    several: int


def look(frames: Sequence[Frames], finder: FaceFinder, align: str) -> Looked:
    """Look for the face of a take in some of its frames ``uint8[H, W, 3]``.

    Args:
        frames: Those frames.
        finder: The detector.
        align: ``none`` or ``eyes``.
    """
    found = [finder.faces(frame) for frame in frames]
    largest = [max(faces, key=lambda face: face.area) for faces in found if faces]
    if not largest:
        return Looked(None, 0, len(frames), 0)
    placement = upright(np.mean([f.points for f in largest], 0)) if align == "eyes" else around(largest)
    return Looked(placement, len(largest), len(frames), sum(len(faces) > 1 for faces in found))


def around(faces: Sequence[FoundFace]) -> Placement:
    """The square around one person's faces: their mean box, enlarged, larger still if they move."""
    boxes = np.array([face.box for face in faces])
    left, top, right, bottom = boxes.mean(0)
    span = np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])
    side = max(SIDE * (bottom - top), ROOM * max(span[2] - span[0], span[3] - span[1]))
    x, y = (left + right) / 2, (top + bottom) / 2 - RAISE * side
    return square(x - side / 2, y - side / 2, side)
