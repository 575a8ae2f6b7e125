"""Measures of pixels: squared error, SSIM and MS-SSIM to the true clip, and differences between frames.

They are extractors like the networks: one row per sample, in float64, cached by the pixels' digests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Frames

Pixels = NDArray[np.float64]


SIGMA, RADIUS = 1.5, 5
WINDOW = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
WINDOW /= WINDOW.sum()
"""SSIM's Gaussian along one axis."""
INSIDE = slice(RADIUS, -RADIUS)
"""The part of a frame where the whole window lies inside."""
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
SCALES = (0.0448, 0.2856, 0.3001)
"""The first three of the five weights of Wang et al. (2003), finest scale first, normalised."""


class PixelMeasure:
    """Base of measures, which are built like networks but have none: both arguments are ignored."""

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        pass


class SquaredError(PixelMeasure):
    """Mean squared difference to the true clip's frames, ``uint8[N, 2, H, W, 3]`` to ``float64[N, 1]``."""

    def __call__(self, batch: Frames) -> NDArray[np.float64]:
        """The rows of a batch of pairs."""
        return np.array([[((made.astype(np.float64) - true) ** 2).mean()] for made, true in batch])


class FrameDifference(PixelMeasure):
    """The mean absolute difference of frames and the next: ``uint8[N, 2, H, W, 3]`` to ``float64[N, 1]``."""

    def __call__(self, batch: Frames) -> NDArray[np.float64]:
        """The rows of a batch of pairs."""
        return np.array([[np.abs(after.astype(np.int16) - before).mean()] for before, after in batch])


class Similarity(PixelMeasure):
    """SSIM and MS-SSIM of frames beside the true clip's: ``uint8[N, 2, H, W, 3]`` to ``float64[N, 2]``.

    SSIM is the finest scale of MS-SSIM, so both cost little more than MS-SSIM alone. NaN where a frame
    is smaller than the window, at the coarsest scale for MS-SSIM.
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        super().__init__(device, weights)
        self._scales: list[_Comparison] = []
        self._size = (0, 0)

    def __call__(self, batch: Frames) -> NDArray[np.float64]:
        """The rows of a batch of pairs."""
        if batch.shape[2:4] != self._size:
            self._size = batch.shape[2:4]
            self._scales = scales_of(self._size, len(SCALES))
        return np.array([_ssim_and_ms_ssim(made, true, self._scales) for made, true in batch])


def ssim_per_frame(x: Frames, y: Frames) -> NDArray[np.float64]:
    """SSIM of Wang et al. (2004), equal to scikit-image's gaussian, population-covariance form.

    An 11 x 11 Gaussian window (sigma 1.5), K1 0.01, K2 0.03, data range 255, RGB channels one by one,
    averaged over the pixels whose window lies inside the frame.

    Args:
        x: ``uint8[T, H, W, 3]``.
        y: The same shape.

    Returns:
        ``float64[T]`` in [-1, 1].

    Raises:
        ValueError: The shapes differ, or a frame is smaller than the window.
    """
    return _checked(x, y, 1)[:, 0]


def ms_ssim_per_frame(x: Frames, y: Frames) -> NDArray[np.float64]:
    """Multi-scale SSIM of Wang, Simoncelli and Bovik (Asilomar, 2003, eq. 7), with three scales and not five.

    Five scales of an 11 x 11 window need frames of more than 160 pixels; three fit those of 44. For each
    channel it is the product over scales of a mean over pixels, to the power of the scale's weight: of
    contrast x structure at the finer scales, of SSIM at the coarsest. A mean below 0 counts as 0, since its
    power is not a real number. Scales are halved by the mean of 2 x 2 pixels; an odd row or column is left
    out.

    Args:
        x: ``uint8[T, H, W, 3]``.
        y: The same shape.

    Returns:
        ``float64[T]`` in [0, 1].

    Raises:
        ValueError: The shapes differ, or a frame is smaller than the window at the coarsest scale.
    """
    return _checked(x, y, len(SCALES))[:, 1]


def _checked(x: Frames, y: Frames, count: int) -> NDArray[np.float64]:
    """SSIM and MS-SSIM of each frame, of clips that allow ``count`` scales."""
    if x.shape != y.shape:
        raise ValueError(f"SSIM needs clips of the same shape, got {x.shape} and {y.shape}")
    scales = scales_of(x.shape[1:3], count)
    if len(scales) < count:
        least = (2 * RADIUS + 1) << (count - 1)
        raise ValueError(f"SSIM needs frames of at least {least} pixels here, got {min(x.shape[1:3])}")
    return np.array([_ssim_and_ms_ssim(*pair, scales) for pair in zip(x, y, strict=True)])


def _ssim_and_ms_ssim(x: Frames, y: Frames, scales: Sequence[_Comparison]) -> tuple[float, float]:
    """SSIM and MS-SSIM of two frames; MS-SSIM is NaN with too few scales, SSIM with none."""
    weights = np.array(SCALES) / sum(SCALES)
    ssim, product = np.nan, np.ones(x.shape[-1])
    a: NDArray[Any] = x
    b: NDArray[Any] = y
    for comparison, weight in zip(scales, weights, strict=False):
        index, structure = comparison.of_frames(a, b)
        if comparison is scales[0]:
            ssim = float(index.mean())
        last = comparison is scales[-1]
        mean = (index if last else structure).mean(axis=(0, 1))
        product *= np.maximum(mean, 0.0) ** weight
        if not last:
            a, b = _halved(comparison.x), _halved(comparison.y)
    return ssim, float(product.mean()) if len(scales) == len(SCALES) else np.nan


def scales_of(size: Sequence[int], most: int) -> list[_Comparison]:
    """Comparisons for frames of a size, half the size, and so on: at most ``most``, while the window fits."""
    sizes = [(size[0] >> scale, size[1] >> scale) for scale in range(most)]
    return [_Comparison(*own) for own in sizes if min(own) > 2 * RADIUS]


class _Comparison:
    """SSIM of one frame after another, in arrays that are allocated once, because allocation is slow.

    Only four fields are filtered, because SSIM needs only the sum of the two variances.
    """

    def __init__(self, height: int, width: int) -> None:
        self.x, self.y, self._field, self._spare, *self._filtered = np.empty((8, height, width, 3))

    def of_frames(self, x: NDArray[Any], y: NDArray[Any]) -> tuple[Pixels, Pixels]:
        """SSIM at each pixel whose window lies inside, and its factor of contrast and structure.

        Two arrays ``float64[H - 10, W - 10, 3]``, which the next call overwrites, of frames ``[H, W, 3]``
        from 0 to 255.
        """
        # With 8-bit values, float64 needs no centring against cancellation.
        self.x[...], self.y[...] = x, y
        field, spare = self._field, self._spare
        mean_x, mean_y = self._blurred(self.x, 0), self._blurred(self.y, 1)
        covariance = self._blurred(np.multiply(self.x, self.y, out=field), 2)
        np.multiply(self.x, self.x, out=field)
        field += np.multiply(self.y, self.y, out=spare)
        variances = self._blurred(field, 3)
        product = np.multiply(mean_x, mean_y, out=spare[INSIDE, INSIDE])
        squares = np.multiply(mean_x, mean_x, out=mean_x)
        squares += np.multiply(mean_y, mean_y, out=mean_y)
        covariance -= product
        variances -= squares
        structure = _ratio(covariance, variances, C2)
        index = _ratio(product, squares, C1)
        index *= structure
        return index, structure

    def _blurred(self, field: Pixels, place: int) -> Pixels:
        """Filtered by the Gaussian window, where all of it lies inside."""
        import cv2

        filtered = self._filtered[place]
        cv2.sepFilter2D(field, -1, WINDOW, WINDOW, dst=filtered)
        return filtered[INSIDE, INSIDE]


def _ratio(product: Pixels, squares: Pixels, constant: float) -> Pixels:
    """(2 product + constant) / (squares + constant), in place."""
    product *= 2
    product += constant
    squares += constant
    product /= squares
    return product


def _halved(pixels: Pixels) -> Pixels:
    """The mean of every 2 x 2 pixels of ``float64[H, W, 3]``."""
    height, width = (length // 2 * 2 for length in pixels.shape[:2])
    rows = pixels[:height:2, :width] + pixels[1:height:2, :width]
    halved: Pixels = rows[:, ::2] + rows[:, 1::2]
    halved /= 4
    return halved
