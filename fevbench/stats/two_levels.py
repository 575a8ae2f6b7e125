"""Intervals over seeds and subjects: how much other seeds and other subjects would change a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from fevbench.stats.bootstrap import LEAST_SUBJECTS, LEVEL, sums_by_subject
from fevbench.stats.jackknife import jackknife_error

LEAST_SEEDS = 3
"""Fewest seeds for an interval. With two, an interval of 95 % contains the true value in 90 % of cases."""


@dataclass(frozen=True)
class TwoLevels:
    """The mean over seeds, with its interval.

    Attributes:
        value: The mean over seeds.
        low: The lower bound of its 95 % interval over seeds and subjects; None with too few of either.
        high: The upper bound.
        of_seeds: The standard deviation between seeds.
        share: The part of the mean's variance that comes from the seeds, in [0, 1]; None without variance.
    """

    value: float
    low: float | None
    high: float | None
    of_seeds: float
    share: float | None


def means_over_seeds(values: NDArray[np.float64], subjects: Sequence[str]) -> TwoLevels:
    """A mean over clips, with several seeds of the same clips: ``values`` is ``float64[S, N]``."""
    sums = np.stack([sums_by_subject(row, subjects)[0] for row in values])
    counts = sums_by_subject(values[0], subjects)[1]
    means = sums.sum(axis=1) / counts.sum()
    value, n = float(means.mean()), len(counts)
    apart = sums.mean(axis=0) - value * counts  # of a ratio of sums, by its linearisation
    of_subjects = n / max(n - 1, 1) * float((apart**2).sum()) / counts.sum() ** 2
    return _joined(means, of_subjects, n)


def sets_over_seeds(
    values: Sequence[float], replicates: NDArray[np.float64], sizes: Sequence[int] | None
) -> TwoLevels:
    """A statistic of whole sets, with several seeds of the same clips.

    ``replicates`` are ``float64[S, G]``, the same without each group of subjects; groups are of equal size if
    ``sizes`` is None.
    """
    means = np.asarray(values, np.float64)
    # Of the mean over seeds, whose replicates are the means of theirs.
    error = jackknife_error(replicates.mean(axis=0).tolist(), float(means.mean()), sizes)
    return _joined(means, error**2, replicates.shape[1])


def _joined(means: NDArray[np.float64], of_subjects: float, groups: int) -> TwoLevels:
    """Both variances of the mean over seeds together, with Satterthwaite's degrees of freedom.

    The interaction of seeds and subjects is part of both variances, so the interval is conservative.
    """
    seeds, value = len(means), float(means.mean())
    between = float(means.var(ddof=1))
    variance = between / seeds + of_subjects
    share = between / seeds / variance if variance else None
    low = high = None
    if groups >= LEAST_SUBJECTS and seeds >= LEAST_SEEDS:
        reach = 0.0
        if variance:
            freedom = variance**2 / ((between / seeds) ** 2 / (seeds - 1) + of_subjects**2 / (groups - 1))
            reach = float(stdtrit(freedom, (1 + LEVEL) / 2)) * variance**0.5
        low, high = value - reach, value + reach
    return TwoLevels(value, low, high, between**0.5, share)
