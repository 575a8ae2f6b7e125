"""Where a point of the skin lies on the face: the base mesh seen from the front, as a small picture.

The skins' own texture coordinates leave the face some 75 by 100 texels. Detail that has to be finer
(wrinkles, stubble, freckles) is drawn on this map instead. Every vertex keeps its place on it however a
person is shaped or moves, so what is drawn there moves with the skin. Coordinates are those of the unshaped
base mesh in decimetres: x to the person's left, y up; the eyes are near (+-0.31, 7.28), the mouth's corners
near (+-0.27, 6.61).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.mesh import BaseMesh, vertex_normals

Floats = NDArray[np.float64]
Map = NDArray[np.float32]

SIZE = 400
"""Rows and columns of a map."""
_WIDTH = 1.8
_LEFT, _BOTTOM = -0.9, 6.05
# The map fades out over these depths, dm, and directions of the skin: on the sides of the head and below
# the jaw it would smear.
_DEPTHS, _FACING = (0.55, 0.85), (0.05, 0.3)


def coordinates(base: BaseMesh) -> Floats:
    """Return where each vertex of the unshaped base mesh lies on the map.

    Returns:
        (V, 3): texture coordinates u and v in [0, 1] with v up, and how much the map counts there, 0 to 1.
    """
    facing = vertex_normals(base.vertices, base.faces)[:, 2]
    uv = (base.vertices[:, :2] - (_LEFT, _BOTTOM)) / _WIDTH
    inside = (uv > 0.01).all(1) & (uv < 0.99).all(1)
    counts = inside * smooth_step(*_DEPTHS, base.vertices[:, 2]) * smooth_step(*_FACING, facing)
    return np.concatenate([uv, counts[:, None]], 1)


def grid() -> tuple[Floats, Floats]:
    """Return x and y, dm, of every texel, each (SIZE, SIZE); the first row is the highest."""
    centre = (np.arange(SIZE) + 0.5) / SIZE * _WIDTH
    return np.broadcast_to(_LEFT + centre, (SIZE, SIZE)), np.broadcast_to(
        (_BOTTOM + centre)[::-1, None], (SIZE, SIZE)
    )


def distance(points: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Return how far every texel is from a line, and how far along the line the nearest point is.

    Args:
        points: Two or more corners of the line, dm.

    Returns:
        (SIZE, SIZE) distances in dm, and (SIZE, SIZE) places from 0 at the line's start to 1 at its end.
    """
    x, y = grid()
    corners = np.array(points, dtype=np.float64)
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    nearest, along, walked = np.full((SIZE, SIZE), np.inf), np.zeros((SIZE, SIZE)), 0.0
    for (ax, ay), (bx, by), length in zip(corners[:-1], corners[1:], lengths, strict=True):
        share = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length**2, 0, 1)
        far = np.hypot(x - ax - share * (bx - ax), y - ay - share * (by - ay))
        closer = far < nearest
        nearest = np.where(closer, far, nearest)
        along = np.where(closer, (walked + share * length) / lengths.sum(), along)
        walked += length
    return nearest, along


def smooth_step(low: float, high: float, values: NDArray[np.floating[Any]]) -> Floats:
    """Return a rise from 0 at ``low`` to 1 at ``high`` without corners; falling if ``high < low``."""
    share = np.clip((values - low) / (high - low), 0, 1).astype(np.float64)
    rise: Floats = share * share * (3 - 2 * share)
    return rise
