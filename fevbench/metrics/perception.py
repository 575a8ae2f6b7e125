"""Perceptual metrics: LPIPS to the true clip, and tLPIPS, whether frames change as those of the true clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fevbench.metrics.measurement import Measurement

if TYPE_CHECKING:
    from fevbench.metrics.view import ClipView


def lpips_alex(view: ClipView) -> Measurement:
    """Mean over frames of LPIPS (AlexNet) to the true clip's frame."""
    return Measurement(float(view.generated["lpips-alex"].mean(dtype=np.float64)))


def lpips_vgg(view: ClipView) -> Measurement:
    """Mean over frames of LPIPS (VGG-16) to the true clip's frame."""
    return Measurement(float(view.generated["lpips-vgg"].mean(dtype=np.float64)))


def diversity(view: ClipView) -> Measurement:
    """Mean over pairs of clips of this face and label, and over frames, of LPIPS (AlexNet) between the two.

    How BicycleGAN was scored (Zhu et al., NeurIPS 2017), frame by frame.
    """
    between = view.generated["lpips-alex-draws"]
    if not len(between):
        return Measurement(None, "one clip of this face and label only", excused=True)
    return Measurement(float(between.mean(dtype=np.float64)))


def tlpips(view: ClipView) -> Measurement:
    """Mean over neighbouring frames of the difference of their LPIPS to that of the true clip's."""
    made, true = (side["lpips-alex-next"].astype(np.float64) for side in (view.generated, view.true))
    return Measurement(float(np.abs(made - true).mean()))
