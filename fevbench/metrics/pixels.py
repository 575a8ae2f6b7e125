"""Metrics of pixels, computed from extractors of each frame."""

from __future__ import annotations

import numpy as np

from fevbench.extractors.brisque import LEAST_SIZE
from fevbench.metrics.measurement import ClipView, Measurement, agreement

PSNR_CAP = 100.0
"""PSNR in dB of identical frames, which would be infinite."""


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
    smallest = 255.0**2 / 10 ** (PSNR_CAP / 10)
    return Measurement(float((10 * np.log10(255.0**2 / np.maximum(view.generated, smallest))).mean()))


def ssim(view: ClipView) -> Measurement:
    """Mean SSIM over frames and RGB channels."""
    return _mean_of_column(view, 0, 11)


def ms_ssim(view: ClipView) -> Measurement:
    """Mean MS-SSIM of three scales over frames and RGB channels."""
    return _mean_of_column(view, 1, 44)


def brisque(view: ClipView) -> Measurement:
    """Mean over frames of BRISQUE, which needs no true clip."""
    return _mean_of_column(view, 0, LEAST_SIZE)


def _mean_of_column(view: ClipView, column: int, least: int) -> Measurement:
    value = float(view.generated[:, column].mean())
    if np.isnan(value):
        return Measurement(None, f"the frames are smaller than {least} pixels", excused=True)
    return Measurement(value)


def motion_agreement(view: ClipView) -> Measurement:
    """Ratio, at most 1, of the smaller to the larger mean absolute frame difference of the two clips."""
    made, true = float(view.generated.mean()), float(view.true.mean())
    if true == 0:
        return Measurement(None, "the true clip does not move", excused=True)
    return agreement(made, true)


def warping_error(view: ClipView) -> Measurement:
    """Mean warping error of pairs of frames; pairs without pixels visible in the true clip are left out."""
    seen = view.generated[~np.isnan(view.generated)]
    if not seen.size:
        return Measurement(None, "nothing of the true clip can be followed", excused=True)
    return Measurement(float(seen.mean()))
