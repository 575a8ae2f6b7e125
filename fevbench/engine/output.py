"""Checking a model's output and turning it into pixels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from fevbench.data.clip import Frames
from fevbench.data.tensors import to_pixels
from fevbench.errors import ModelError

LARGEST = 1.5
"""Largest output that counts as rounding of [-1, 1]; more is another range."""
ROUNDING = 1
"""Levels of 255 by which a clip may change if it is computed another way."""


def read_output(name: str, clip: str, values: NDArray[np.float32]) -> tuple[Frames, NDArray[np.float32]]:
    """Check the values of one clip, ``float32[T, 3, H, W]`` in [-1, 1], and turn them into pixels.

    Returns:
        ``uint8[T, H, W, 3]``, and the values themselves, ``float32[T, H, W, 3]``.

    Raises:
        ModelError: They hold NaN, or are in another range.
    """
    if not np.isfinite(values).all():
        raise ModelError(f"model {name} returned NaN or infinity for clip {clip}", "check its weights")
    peak = float(np.abs(values).max())
    if peak > LARGEST:
        raise ModelError(
            f"model {name} returned values up to {peak:.3g} for clip {clip}", "return values in [-1, 1]"
        )
    return to_pixels(torch.from_numpy(values)), np.moveaxis(values, 1, -1)


def differ(first: Frames, second: Frames) -> bool:
    """Whether two clips differ by more than rounding."""
    return int(np.abs(first.astype(np.int16) - second.astype(np.int16)).max()) > ROUNDING
