"""Moving the pixels of a face after its points, smoothly, and nothing outside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

REACH = 1.35
"""How much larger than the face the region is that moves; hair and neck give way in between."""
DIRECTIONS = 32
"""Sides of that region."""
RIM = 0.1
"""Part of the region's radius over which its motion fades to none."""
SMOOTHING = 1e-4
"""Of the splines: points that nearly meet, as those of closing lids, must not tear the picture."""


def warp(image: Tensor, points: Floats, targets: Floats) -> Tensor:
    """Show a face with its points elsewhere.

    For each pixel of a frame, a thin-plate spline through the points says where in the image it comes from
    (Bookstein, 1989). Nothing is painted: what the image does not show, such as teeth behind closed lips, is
    stretched from what is around it.

    Args:
        image: ``float[3, S, S]`` in [-1, 1].
        points: ``float[P, 2]``, where the points are, x and y as parts of the side.
        targets: ``float[T, P, 2]``, where they shall be.

    Returns:
        ``float32[T, 3, S, S]`` in [-1, 1], bicubic; the image itself where nothing moves.
    """
    side = image.shape[-1]
    pixels = _centres(side)
    centre, directions, extent = _region(np.concatenate([points[None], targets]))
    room = 1 - ((pixels - centre) @ directions.T / extent).max(axis=1)
    inside = room > 0
    fading = np.clip(room[inside] / RIM, 0, 1)[:, None]
    still = centre + extent[:, None] * directions
    grids = np.repeat(pixels[None], len(targets), axis=0)
    for grid, target in zip(grids, targets, strict=True):
        grid[inside] += fading * _offsets(pixels[inside], points, target, still)
    # Torch's grids run from -1 to 1.
    grid = torch.from_numpy((2 * grids - 1).reshape(-1, side, side, 2).astype(np.float32)).to(image.device)
    repeated = image.float().expand(len(targets), -1, -1, -1)
    moved = F.grid_sample(repeated, grid, mode="bicubic", padding_mode="border", align_corners=False)
    return moved.clamp(-1, 1)


def _offsets(
    pixels: NDArray[np.float64], points: Floats, target: Floats, still: NDArray[np.float64]
) -> NDArray[np.float64]:
    """From where each of ``float64[N, 2]`` pixels comes, relative to itself."""
    from scipy.interpolate import RBFInterpolator

    known = np.concatenate([target.astype(np.float64), still])
    offsets = np.concatenate([(points - target).astype(np.float64), np.zeros_like(still)])
    spline = RBFInterpolator(known, offsets, smoothing=SMOOTHING, kernel="thin_plate_spline")
    found: NDArray[np.float64] = spline(pixels)
    return found


def _region(
    points: Floats,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What may move: the convex region around all points ever, enlarged from its centre.

    Returns:
        The centre, directions ``float64[DIRECTIONS, 2]`` of length 1, and how far the region goes in each.
    """
    every = points.reshape(-1, 2).astype(np.float64)
    centre = (every.min(axis=0) + every.max(axis=0)) / 2
    angles = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    extent = REACH * ((every - centre) @ directions.T).max(axis=0)
    return centre, directions, extent


def _centres(side: int) -> NDArray[np.float64]:
    """The centres of all pixels, row by row: ``float64[side * side, 2]``, x and y as parts of the side."""
    along = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(along, along)
    return np.stack([x.ravel(), y.ravel()], axis=1)
