"""Correlation with intervals over people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fevbench.fevsynth.measure.record import Estimate, absent, resampled
from fevbench.stats.bootstrap import draw_subjects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def pearson(x: Floats, y: Floats, subjects: Sequence[str], sample: str) -> Estimate:
    """Pearson's correlation over all samples; the interval resamples people.

    Args:
        x: ``float64[N]``.
        y: ``float64[N]``.
        subjects: The person of each sample.
        sample: What a sample is, in the plural.
    """
    if len(x) < 2 or not x.std() or not y.std():
        return absent("one of the two never changes" if len(x) > 1 else f"too few {sample}", sample)
    people, index = np.unique(np.asarray(subjects), return_inverse=True)
    # Centred first: the moments below would lose digits otherwise.
    x, y = x - x.mean(), y - y.mean()
    products = (np.ones_like(x), x, y, x * x, y * y, x * y)
    sums = np.stack([np.bincount(index, weights=p, minlength=len(people)) for p in products], axis=1)
    statistics = _of_moments(draw_subjects(len(people)) @ sums)
    value = float(_of_moments(sums.sum(axis=0)))
    return resampled(value, statistics, len(x), sample, len(people))


def spearman(x: Floats, y: Floats) -> float:
    """Spearman's rank correlation over all samples, ties at their mean rank; both must vary."""
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def _of_moments(sums: Floats) -> Floats:
    """Pearson's r of ``[..., 6]``: the sums of 1, x, y, x², y² and xy; NaN where one does not vary."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r: Floats = (xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n))
    return r
