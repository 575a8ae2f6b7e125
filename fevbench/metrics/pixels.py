"""Metrics on pixels: PSNR, SSIM and MS-SSIM against the true clip, and how much moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fevbench.metrics.measurement import Measurement, agreement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames
    from fevbench.metrics.view import ClipView

    Pixels = NDArray[np.float64]

PSNR_CAP = 100.0
"""dB given to identical frames, whose PSNR is infinite."""
SIGMA, RADIUS = 1.5, 5
WINDOW = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
WINDOW /= WINDOW.sum()
"""SSIM's Gaussian along one axis."""
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
SCALES = (0.0448, 0.2856, 0.3001)
"""The first three of the five weights of Wang et al. (2003), finest scale first; their ratio counts."""


def psnr(view: ClipView) -> Measurement:
    """Mean over frames of 10 log10(255^2 / MSE), in dB, each frame capped at 100 dB."""
    pairs = zip(view.frames, view.truth, strict=True)
    mse = np.array([((made.astype(np.float64) - true) ** 2).mean() for made, true in pairs])
    smallest = 255.0**2 / 10 ** (PSNR_CAP / 10)
    return Measurement(float((10 * np.log10(255.0**2 / np.maximum(mse, smallest))).mean()))


def ssim(view: ClipView) -> Measurement:
    """Mean SSIM over frames and RGB channels."""
    return Measurement(float(ssim_per_frame(view.frames, view.truth).mean()))


def ms_ssim(view: ClipView) -> Measurement:
    """Mean MS-SSIM of three scales over frames and RGB channels."""
    return Measurement(float(ms_ssim_per_frame(view.frames, view.truth).mean()))


def motion_agreement(view: ClipView) -> Measurement:
    """Ratio, at most 1, of the smaller to the larger mean absolute frame difference of the two clips."""
    made, true = _frame_difference(view.frames), _frame_difference(view.truth)
    if true == 0:
        return Measurement(None, "the true clip does not move", excused=True)
    return agreement(made, true)


def _frame_difference(frames: Frames) -> float:
    return float(np.abs(np.diff(frames.astype(np.int16), axis=0)).mean())


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
    return np.array([_comparisons(*pair)[0].mean() for pair in _pairs(x, y)])


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
    return both_per_frame(x, y)[1]


def both_per_frame(x: Frames, y: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """SSIM and MS-SSIM, whose finest scales are one: in the time of MS-SSIM alone.

    Arguments, results and what is raised are those of `ssim_per_frame` and `ms_ssim_per_frame`.
    """
    weights = np.array(SCALES) / sum(SCALES)
    found = []
    for a, b in _pairs(x, y):
        product = np.ones(a.shape[-1])
        for scale, weight in enumerate(weights, start=1):
            index, structure = _comparisons(a, b)
            if scale == 1:
                ssim = index.mean()
            mean = (index if scale == len(weights) else structure).mean(axis=(0, 1))
            product *= np.maximum(mean, 0.0) ** weight
            a, b = _halved(a), _halved(b)
        found.append((ssim, product.mean()))
    return tuple(np.array(found).T)


def _pairs(x: Frames, y: Frames) -> Iterator[tuple[Pixels, Pixels]]:
    """The frames of both clips side by side, as ``float64[H, W, 3]``: one pair fits a processor's cache."""
    if x.shape != y.shape:
        raise ValueError(f"SSIM needs clips of one shape, got {x.shape} and {y.shape}")
    # float64 needs no centring trick against cancellation at 8 bits.
    return ((a.astype(np.float64), b.astype(np.float64)) for a, b in zip(x, y, strict=True))


def _comparisons(a: Pixels, b: Pixels) -> tuple[Pixels, Pixels]:
    """SSIM's index at each pixel whose window lies inside, ``float64[H - 10, W - 10, 3]``, and its structure.

    The index is luminance (l) x structure (s), the latter contrast x structure in Wang's terms:
    l = (2 ma mb + C1) / (ma^2 + mb^2 + C1), s = (2 cov + C2) / (var a + var b + C2). Only four fields are
    filtered, because SSIM needs the sum of the two variances and not each of them.
    """
    shared, power = _blurred(a), _blurred(b)
    squares = shared**2
    shared *= power  # ma mb
    power *= power
    power += squares  # ma^2 + mb^2
    covariance = _blurred(a * b)
    covariance -= shared
    variances = a * a
    variances += b * b
    variances = _blurred(variances)
    variances -= power
    for field, factor, constant in (
        (shared, 2.0, C1),
        (power, 1.0, C1),
        (covariance, 2.0, C2),
        (variances, 1.0, C2),
    ):
        if factor != 1:
            field *= factor
        field += constant
    covariance /= variances
    shared /= power
    shared *= covariance
    return shared, covariance


def _blurred(field: Pixels) -> Pixels:
    """Filtered by the Gaussian window, rows and columns in turn, where all of it lies inside."""
    import cv2

    if min(field.shape[:2]) <= 2 * RADIUS:
        raise ValueError(f"SSIM needs frames of at least {2 * RADIUS + 1} pixels, got {min(field.shape[:2])}")
    inside = slice(RADIUS, -RADIUS)
    return cv2.sepFilter2D(field, -1, WINDOW, WINDOW)[inside, inside]


def _halved(pixels: Pixels) -> Pixels:
    """The mean of every 2 x 2 pixels of ``float64[H, W, 3]``."""
    height, width = (length // 2 * 2 for length in pixels.shape[:2])
    even = pixels[:height, :width]
    halved: Pixels = (even[::2, ::2] + even[::2, 1::2] + even[1::2, ::2] + even[1::2, 1::2]) / 4
    return halved
