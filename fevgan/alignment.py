"""Aligning a face by five points, differentiably: one similarity transform a clip, as heads hardly move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fevgan.identity import CROP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where eyes, nose and corners of the mouth lie in an aligned face of 112 px (InsightFace), x and y."""
MIRRORED = [1, 0, 2, 4, 3]
"""Which point each one becomes in a mirrored face."""


def mirrored(points: Floats) -> Floats:
    """The points ``float32[..., 5, 2]`` (parts of the frame's side, 0 to 1) of the mirrored face."""
    flipped: Floats = points[..., MIRRORED, :].copy()
    flipped[..., 0] = 1 - flipped[..., 0]
    return flipped


def alignment(points: Floats) -> Floats:
    """The transform from an aligned crop back to the frame, as `torch.nn.functional.affine_grid` takes it.

    Args:
        points: ``float32[N, 5, 2]``, x and y as parts of the frame's side, 0 to 1.

    Returns:
        ``float32[N, 2, 3]``: the similarity transform with the least squared error over the five points.
    """
    x, y = _centred(TEMPLATE / CROP).T
    # A similarity is x' = a x - b y + c, y' = b x + a y + d: linear in a, b, c, d.
    ones, zeros = np.ones(5), np.zeros(5)
    system = np.concatenate([np.stack([x, -y, ones, zeros], 1), np.stack([y, x, zeros, ones], 1)])
    wanted = _centred(points.astype(np.float64)).swapaxes(1, 2).reshape(len(points), 10)
    a, b, c, d = np.linalg.lstsq(system, wanted.T, rcond=None)[0]
    rows = np.stack([np.stack([a, -b, c], 1), np.stack([b, a, d], 1)], 1)
    return rows.astype(np.float32)


def _centred(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0..1 to the -1..1 of torch's grids."""
    return 2 * parts - 1


def moved(transforms: Tensor, moves: Tensor) -> Tensor:
    """`alignment` of frames that were moved.

    Args:
        transforms: ``float32[N, 2, 3]``, from aligned crops to places in the old frames.
        moves: ``float32[N, 2, 3]``, from places in the new frames to those in the old ones.

    Returns:
        ``float32[N, 2, 3]``, from aligned crops to places in the new frames.
    """
    # new = moves^-1 old: its matrix undone, and what it added taken away before.
    shifted = torch.cat([transforms[:, :, :2], transforms[:, :, 2:] - moves[:, :, 2:]], 2)
    solved: Tensor = torch.linalg.solve(moves[:, :, :2], shifted)
    return solved


def crop_faces(frames: Tensor, transforms: Tensor) -> Tensor:
    """Aligned crops of frames; differentiable with respect to them.

    Args:
        frames: ``float[N, 3, S, S]``.
        transforms: ``float32[N, 2, 3]`` of `alignment`.

    Returns:
        ``float32[N, 3, 112, 112]``, bilinear; black outside the frame.
    """
    grid = F.affine_grid(transforms, [len(frames), 3, CROP, CROP], align_corners=False)
    # Black is -1 here, and grid_sample fills with 0.
    return F.grid_sample(frames.float() + 1, grid, align_corners=False) - 1


def to_transforms(points: Floats, device: str | torch.device) -> Tensor:
    """`alignment` as a tensor."""
    return torch.from_numpy(alignment(points)).to(device)
