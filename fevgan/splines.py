"""Maps at a larger size than they were made at: by a cubic B-spline, which has no corners and no facets.

A map's numbers are the spline's control points and not values it passes through, so that a checkerboard in
them, which decoders leave, does not show where each of them covers many pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor


def spline(positions: Tensor, points: int) -> Tensor:
    """The weights of a row's control points at some positions.

    Args:
        positions: ``float[P]``; the first point is at 0, the last at ``points - 1``. Beyond the ends the
            outermost point goes on.
        points: How many points there are.

    Returns:
        ``float32[P, points]``; each row adds up to 1.
    """
    at = positions.double()
    weights = torch.zeros(len(at), points, dtype=torch.float64, device=at.device)
    for shift in (-1, 0, 1, 2):
        point = at.floor() + shift
        distance = (at - point).abs()
        near = 2 / 3 - distance**2 + distance**3 / 2
        far = (2 - distance).clamp(min=0) ** 3 / 6
        weight = torch.where(distance < 1, near, far)
        weights.scatter_add_(1, point.clamp(0, points - 1).long()[:, None], weight[:, None])
    return weights.float()


def enlarged(maps: Tensor, size: int) -> Tensor:
    """Maps ``float[..., n, n]`` read at the centres of ``size`` x ``size`` pixels; at n as they are."""
    points = maps.shape[-1]
    if size == points:
        return maps
    centres = (torch.arange(size, device=maps.device, dtype=torch.float64) + 0.5) * points / size - 0.5
    weights = spline(centres, points)
    return weights @ maps @ weights.mT
