"""Metrics on pixels: LPIPS, PSNR, SSIM and MS-SSIM against the true clip, and how much moves."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from fevbench.metrics.measurement import ClipView, Measurement, agreement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

    Planes = NDArray[np.float64]

PSNR_CAP = 100.0
"""dB given to identical frames, whose PSNR is infinite."""
SIGMA, RADIUS = 1.5, 5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
SCALES = (0.0448, 0.2856, 0.3001)
"""The first three of the five weights of Wang et al. (2003), finest scale first; their ratio counts."""


def lpips(view: ClipView) -> Measurement:
    """Mean over frames of LPIPS to the true clip's frame."""
    return Measurement(float(view.generated.mean(dtype=np.float64)))


def tlpips(view: ClipView) -> Measurement:
    """Mean over neighbouring frames of the difference of their LPIPS to that of the true clip's."""
    made, true = view.generated.astype(np.float64), view.true.astype(np.float64)
    return Measurement(float(np.abs(made - true).mean()))


def diversity(view: ClipView) -> Measurement:
    """Mean over pairs of clips of this face and label, and over frames, of LPIPS between the two.

    How BicycleGAN was scored (Zhu et al., NeurIPS 2017), frame by frame.
    """
    if not len(view.generated):
        return Measurement(None, "one clip of this face and label only", excused=True)
    return Measurement(float(view.generated.mean(dtype=np.float64)))


def psnr(view: ClipView) -> Measurement:
    """Mean over frames of 10 log10(255^2 / MSE), in dB, each frame capped at 100 dB."""
    difference = view.frames.astype(np.float64) - view.truth
    mse = (difference**2).mean(axis=(1, 2, 3))
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

    The filter is two products with a banded matrix, and only four fields are filtered, because SSIM
    needs the sum of the two variances and not each of them.

    Args:
        x: ``uint8[T, H, W, 3]``.
        y: The same shape.

    Returns:
        ``float64[T]`` in [-1, 1].

    Raises:
        ValueError: The shapes differ, or a frame is smaller than the window.
    """
    planes = _planes(x, y)
    luminance, structure = _comparisons(*planes)
    index = (luminance[0] * structure[0]) / (luminance[1] * structure[1])
    per_frame: NDArray[np.float64] = index.mean(axis=(1, 2, 3))
    return per_frame


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
    a, b = _planes(x, y)
    weights = np.array(SCALES) / sum(SCALES)
    product = np.ones(a.shape[:2])
    for scale, weight in enumerate(weights, start=1):
        luminance, structure = _comparisons(a, b)
        if scale == len(weights):
            index = (luminance[0] * structure[0]) / (luminance[1] * structure[1])
        else:
            index = structure[0] / structure[1]
            a, b = _halved(a), _halved(b)
        product *= np.maximum(index.mean(axis=(2, 3)), 0.0) ** weight
    per_frame: NDArray[np.float64] = product.mean(axis=1)
    return per_frame


def _planes(x: Frames, y: Frames) -> tuple[Planes, Planes]:
    """Both clips as ``float64[T, 3, H, W]``."""
    if x.shape != y.shape:
        raise ValueError(f"SSIM needs clips of one shape, got {x.shape} and {y.shape}")
    # float64 needs no centring trick against cancellation at 8 bits.
    a, b = (np.moveaxis(v, -1, 1).astype(np.float64) for v in (x, y))
    return a, b


def _comparisons(a: Planes, b: Planes) -> tuple[tuple[Planes, Planes], tuple[Planes, Planes]]:
    """Numerator and denominator of SSIM's comparison of luminance, and of that of contrast x structure."""
    rows, columns = _gaussian_band(a.shape[2]), _gaussian_band(a.shape[3])

    def blur(field: Planes) -> Planes:
        blurred: Planes = rows @ field @ columns.T
        return blurred

    mean_a, mean_b = blur(a), blur(b)
    product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
    variances = blur(a**2 + b**2) - squares
    covariance = blur(a * b) - product
    return (2 * product + C1, squares + C1), (2 * covariance + C2, variances + C2)


def _halved(planes: Planes) -> Planes:
    """The mean of every 2 x 2 pixels."""
    t, channels, height, width = planes.shape
    even = planes[:, :, : height // 2 * 2, : width // 2 * 2]
    halved: Planes = even.reshape(t, channels, height // 2, 2, width // 2, 2).mean(axis=(3, 5))
    return halved


@lru_cache(maxsize=8)
def _gaussian_band(length: int) -> NDArray[np.float64]:
    """``float64[length - 10, length]``: each row holds the window at its place."""
    if length <= 2 * RADIUS:
        raise ValueError(f"SSIM needs frames of at least {2 * RADIUS + 1} pixels, got {length}")
    offsets = np.arange(-RADIUS, RADIUS + 1)
    window = np.exp(-(offsets**2) / (2 * SIGMA**2))
    window /= window.sum()
    band = np.zeros((length - 2 * RADIUS, length))
    for row in range(len(band)):
        band[row, row : row + len(window)] = window
    return band
