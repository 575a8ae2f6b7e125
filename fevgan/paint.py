"""Where a face needs paint: at eyes and mouth, where what was covered comes to light.

Elsewhere a face that is not seen from the front gets paint where a frontal one would have its mouth; on
FEVSynth's val subjects (48 clips), paint of more than `ELSEWHERE` away from eyes and mouth gains nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.framing import upright

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

ELSEWHERE = 0.06
"""By how much paint may change a colour, of [-1, 1], away from eyes and mouth: wrinkles and shades."""
EYE = (0.10, 0.07, -0.02)
"""Half the width and height of the ellipse around an eye, and how far its middle lies below the point; parts
of the side of a frame that shows the face as FEVSynth's do. It holds the brow."""
MOUTH = (0.10, 0.13, 0.035)
"""The same of the mouth; half the distance of its corners is added to the width. It holds an open jaw."""
SOFT = 0.35
"""Part of an ellipse's radii over which it ends."""
WHOLE = 2.0
"""The largest change there is."""


def limits(points: Floats, size: int) -> Floats:
    """By how much paint may change a colour in each place.

    Args:
        points: ``float32[N, 5, 2]``, eyes, nose and corners of the mouth, parts of the frame's side.
        size: Height and width of the frame, pixels.

    Returns:
        ``float32[N, size, size]``, from `ELSEWHERE` to `WHOLE`.
    """
    needed = np.stack([_needed(face.astype(np.float64), size) for face in points])
    return (ELSEWHERE + (WHOLE - ELSEWHERE) * needed).astype(np.float32)


def _needed(face: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """1 at eyes and mouth, 0 elsewhere: ``float64[size, size]``."""
    axes = upright(face)[:, :2]  # of the upright face, in the frame
    scale = np.hypot(*axes[:, 0])
    centres = (np.arange(size) + 0.5) / size
    places = np.stack(np.meshgrid(centres, centres), -1)
    mouth = face[3:].mean(0)
    half = np.hypot(*(face[4] - face[3])) / (2 * scale)
    needed = np.zeros((size, size))
    for middle, (width, height, below), more in (
        (face[0], EYE, 0.0),
        (face[1], EYE, 0.0),
        (mouth, MOUTH, half),
    ):
        # Places as seen from the middle of the ellipse, in the upright face.
        seen = (places - middle) @ axes / scale**2 - [0, below]
        radius = np.hypot(seen[..., 0] / (width + more), seen[..., 1] / height)
        needed = np.maximum(needed, np.clip((1 + SOFT - radius) / SOFT, 0, 1))
    return needed
