"""Metrics on pixels: LPIPS, PSNR, SSIM and MS-SSIM against the true clip, and how much moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.metrics.measurement import ClipView, Measurement, agreement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

    Pixels = NDArray[np.float64]

PSNR_CAP = 100.0
"""dB given to identical frames, whose PSNR is infinite."""
SIGMA, RADIUS = 1.5, 5
WINDOW = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
WINDOW /= WINDOW.sum()
"""SSIM's Gaussian along one axis."""
INSIDE = slice(RADIUS, -RADIUS)
"""Where all of it lies inside a frame."""
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
    pairs = zip(view.generated, view.true, strict=True)
    mse = np.array([((made.astype(np.float64) - true) ** 2).mean() for made, true in pairs])
    smallest = 255.0**2 / 10 ** (PSNR_CAP / 10)
    return Measurement(float((10 * np.log10(255.0**2 / np.maximum(mse, smallest))).mean()))


def ssim(view: ClipView) -> Measurement:
    """Mean SSIM over frames and RGB channels."""
    return Measurement(float(ssim_per_frame(view.generated, view.true).mean()))


def ms_ssim(view: ClipView) -> Measurement:
    """Mean MS-SSIM of three scales over frames and RGB channels."""
    return Measurement(float(ms_ssim_per_frame(view.generated, view.true).mean()))


def motion_agreement(view: ClipView) -> Measurement:
    """Ratio, at most 1, of the smaller to the larger mean absolute frame difference of the two clips."""
    made, true = _frame_difference(view.generated), _frame_difference(view.true)
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
    (comparison,) = _scales(x, y, 1)
    return np.array([comparison.of_frames(*pair)[0].mean() for pair in zip(x, y, strict=True)])


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
    weights = np.array(SCALES) / sum(SCALES)
    comparisons = _scales(x, y, len(weights))
    found = []
    for a, b in zip(x, y, strict=True):
        product = np.ones(a.shape[-1])
        for comparison, weight in zip(comparisons, weights, strict=True):
            index, structure = comparison.of_frames(a, b)
            mean = (index if comparison is comparisons[-1] else structure).mean(axis=(0, 1))
            product *= np.maximum(mean, 0.0) ** weight
            a, b = _halved(comparison.x), _halved(comparison.y)
        found.append(product.mean())
    return np.array(found)


def _scales(x: Frames, y: Frames, count: int) -> list[_Comparison]:
    """What compares the frames of two clips, and their halves, and the halves of these, ``count`` in all."""
    if x.shape != y.shape:
        raise ValueError(f"SSIM needs clips of one shape, got {x.shape} and {y.shape}")
    height, width = x.shape[1:3]
    return [_Comparison(height >> scale, width >> scale) for scale in range(count)]


class _Comparison:
    """SSIM of one frame after another, in arrays that are made once: that takes longer than to fill them.

    Only four fields are filtered, because SSIM needs the sum of the two variances and not each of them.

    Attributes:
        x: The frame that was compared last, ``float64[H, W, 3]``.
        y: The one it was compared with.

    Raises:
        ValueError: The frames are smaller than the window.
    """

    def __init__(self, height: int, width: int) -> None:
        if min(height, width) <= 2 * RADIUS:
            raise ValueError(
                f"SSIM needs frames of at least {2 * RADIUS + 1} pixels, got {min(height, width)}"
            )
        self.x, self.y, self._field, self._spare, *self._filtered = np.empty((8, height, width, 3))

    def of_frames(self, x: NDArray[Any], y: NDArray[Any]) -> tuple[Pixels, Pixels]:
        """The index at each pixel whose window lies inside, and its factor of contrast and structure.

        Args:
            x: ``[H, W, 3]``, from 0 to 255.
            y: The same shape.

        Returns:
            Two arrays ``float64[H - 10, W - 10, 3]``, which the next call overwrites.
        """
        # float64 needs no centring trick against cancellation at 8 bits.
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
