"""How a face moves through a clip as one short row, for the Fréchet distance of blendshapes (`fbd`).

The row is fixed in advance and short: a Fréchet distance of few samples is mostly bias, the more the more
features there are, and a basis learnt from the clips would be another one for every set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.extractors.face_mesh import BLENDSHAPES, SCORES
from fevbench.metrics.tracked import lost, side_by_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

GROUPS: dict[str, tuple[str, ...]] = {
    "brows down": ("browDownLeft", "browDownRight"),
    "brows up": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "eyes narrow": ("cheekSquintLeft", "cheekSquintRight", "eyeSquintLeft", "eyeSquintRight"),
    "eyes wide": ("eyeWideLeft", "eyeWideRight"),
    "nose and upper lip": ("mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
    "smile": ("mouthDimpleLeft", "mouthDimpleRight", "mouthSmileLeft", "mouthSmileRight"),
    "frown": ("mouthFrownLeft", "mouthFrownRight", "mouthShrugLower", "mouthShrugUpper"),
    "mouth open": ("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight"),
    "mouth wide": ("mouthStretchLeft", "mouthStretchRight"),
    "lips pressed": ("mouthClose", "mouthPressLeft", "mouthPressRight", "mouthRollLower", "mouthRollUpper"),
    "lips forward": ("cheekPuff", "mouthFunnel", "mouthPucker"),
    "jaw and mouth aside": ("jawForward", "jawLeft", "jawRight", "mouthLeft", "mouthRight"),
}
"""The 41 expressive blendshapes by what moves, left and right together."""
ORDERS = 3
"""Terms of the cosine transform in time: how much, the rise or fall, and the coming and going."""
FULL = 1.0
"""The change of every score in a frame without a face: all movements at once and in full, as in no face."""
DIM = len(GROUPS) * ORDERS


def trajectory(made: NDArray[Any], true: NDArray[Any]) -> Floats:
    """A clip's row: the change of each group from the input face, as its first cosine terms over time.

    Term k of a change x is w_k / T * sum_t x_t cos(pi k (t + 1/2) / T) with w_0 = 1 and w_k = sqrt(2) (the
    DCT-II): it does not depend on how many frames the clip has, and the squares of all terms add up to the
    mean of x squared (Parseval).

    Args:
        made: ``float[T, 1497]`` of `fevbench.extractors.face_mesh.FaceMesh`, NaN where there is no face.
        true: The same of its true clip, for the input face; for a true clip's own row the clip itself.

    Returns:
        ``float64[1, 36]``, or ``float64[0, 36]`` if the input face is not found.
    """
    pair = None if lost(true)[0] else side_by_side(made, true)
    if pair is None:
        return np.empty((0, DIM))
    clip, rest = (features[:, SCORES] for features in pair)
    change = np.where(lost(pair[0])[:, None], FULL, clip - rest[0])
    row: Floats = (_basis(len(change)) @ change @ _means()).reshape(1, DIM)
    return row


def _basis(frames: int) -> Floats:
    """The cosines ``float64[3, T]``."""
    k = np.arange(ORDERS)[:, None]
    waves: Floats = np.cos(np.pi * k * (np.arange(frames) + 0.5) / frames) / frames
    waves[1:] *= np.sqrt(2.0)
    return waves


def _means() -> Floats:
    """``float64[51, 12]``: scores to the mean of each group."""
    shares = [[(name in group) / len(group) for group in GROUPS.values()] for name in BLENDSHAPES]
    return np.array(shares, np.float64)
