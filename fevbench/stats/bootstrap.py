"""Confidence intervals by the subject-clustered bootstrap, of means and of other statistics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
RESAMPLES = 2000
LEAST_SUBJECTS = 6
"""Fewest subjects for an interval or a test. The smallest p that sign flips of five can give is 2 / 2^5 >
0.05, and a resample of five often has only three different ones: an interval of nominally 95 % would hold the
truth far less often."""
METHOD = f"subject bootstrap, percentile, {RESAMPLES} resamples"


def subject_bootstrap(
    values: Sequence[float] | NDArray[np.float64], subjects: Sequence[str]
) -> tuple[float, float] | None:
    """A 95 % percentile interval of the mean, resampling whole subjects with replacement.

    The statistic is the mean over all clips of the resampled subjects, so that subjects with more clips weigh
    more, as they do in the mean itself. With fewer than about 20 subjects, it is somewhat too narrow; with
    fewer than two there is none. The order of the clips does not matter.

    Raises:
        ValueError: The sequences differ in length.
    """
    sums, counts = sums_by_subject(values, subjects)
    if len(sums) < 2:
        return None
    draws = draw_subjects(len(sums))
    return percentile_interval((draws @ sums) / (draws @ counts))


def sums_by_subject(
    values: Sequence[float] | NDArray[np.float64], subjects: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Each subject's sum of values and number of clips, subjects in the order of their names.

    Raises:
        ValueError: The sequences differ in length.
    """
    if len(values) != len(subjects):
        raise ValueError(f"{len(values)} values for {len(subjects)} subjects")
    place = {subject: i for i, subject in enumerate(sorted(set(subjects)))}
    index = np.array([place[subject] for subject in subjects], np.int64)
    sums = np.bincount(index, weights=np.asarray(values, dtype=np.float64))
    # numpy's stubs take both for counts.
    return sums.astype(np.float64), np.bincount(index).astype(np.int64)


@lru_cache(maxsize=4)
def draw_subjects(count: int, seed: int = 0) -> NDArray[np.float64]:
    """How often each of ``count`` subjects is drawn in each resample, for statistics other than means.

    As ``float64[RESAMPLES, count]`` whole numbers, read-only; each row sums to ``count``.
    """
    drawn = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    rows = np.arange(RESAMPLES)[:, None] * count
    flat = np.bincount((rows + drawn).ravel(), minlength=RESAMPLES * count)
    times = flat.reshape(RESAMPLES, count).astype(np.float64)
    times.setflags(write=False)
    return times


def percentile_interval(statistics: NDArray[np.float64]) -> tuple[float, float]:
    """The bounds between which the middle 95 % of the resamples' statistics lie; NaN are left out."""
    low, high = np.nanquantile(statistics, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
