"""Intervals of statistics of whole sets, by the delete-a-group jackknife over subjects.

The bootstrap does not work for Fréchet distances: drawing subjects twice lowers the rank of a covariance and
changes the estimate itself. Leaving subjects out does not. All runs over the same clips leave out the same
subjects, so that their replicates are pairs and can be subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from fevbench.stats.bootstrap import LEAST_SUBJECTS, LEVEL

MOST_GROUPS = 12
"""Most groups. A Fréchet distance of 2048 features takes seconds; twelve give a standard error to 20 %."""
LEAST_GROUPS = 3
"""Fewest groups for a test; an interval takes `LEAST_SUBJECTS`."""
METHOD = "delete-a-group jackknife over people, groups of unequal size, Student's t"
EQUAL_METHOD = "delete-a-group jackknife over people, Student's t"
"""The method of older intervals, from before groups were weighted by their size."""


def groups_of(subjects: Sequence[str]) -> NDArray[np.int64]:
    """The group of each sample's subject: one group per subject, or subjects dealt in order to `MOST_GROUPS`.

    Returns:
        ``int64[len(subjects)]``; the order of samples does not matter.
    """
    names = sorted(set(subjects))
    number = {name: i % MOST_GROUPS for i, name in enumerate(names)}
    return np.array([number[subject] for subject in subjects], np.int64)


def group_sizes(subjects: Sequence[str], counts: Sequence[bool] | None = None) -> list[int]:
    """The number of clips of each group that has a replicate, in the groups' order.

    Only those that count: a group without any has no replicate.
    """
    groups = groups_of(subjects)
    kept = groups if counts is None else groups[np.asarray(counts, np.bool_)]
    return [int(size) for size in np.bincount(kept) if size]


def jackknife_error(
    replicates: Sequence[float], value: float | None = None, sizes: Sequence[int] | None = None
) -> float:
    """The standard error from the statistic without each of G groups in turn.

    With n samples in all, m_j of them in group j, h_j = n / m_j, v the statistic and r_j the replicates,
    pseudo-values are h_j v - (h_j - 1) r_j: a bias of order 1 / n is gone from them. The variance is the mean
    of their squared distances from the jackknife's estimate G v - sum((1 - m_j / n) r_j), each divided by h_j
    - 1 (Busing, Meijer and van der Leeden, Statistics and Computing 9, 1999). With groups of one size this is
    Tukey's ``(G - 1) / G * sum((r - mean(r))^2)``. With unequal groups Tukey's formula counts bias as
    variance: a Fréchet distance grows more when a larger group is left out.

    Args:
        replicates: The statistic without each group.
        value: The statistic of all samples; needed with ``sizes``.
        sizes: How many samples each group has; equal sizes by default.
    """
    values = np.asarray(replicates, np.float64)
    g = len(values)
    if sizes is None or value is None or len(set(sizes)) == 1:
        return float(np.sqrt((g - 1) / g * ((values - values.mean()) ** 2).sum()))
    h = sum(sizes) / np.asarray(sizes, np.float64)
    pseudo = h * value - (h - 1) * values
    estimate = g * value - ((1 - 1 / h) * values).sum()
    return float(np.sqrt(((pseudo - estimate) ** 2 / (h - 1)).mean()))


def jackknife_interval(
    value: float, replicates: Sequence[float], sizes: Sequence[int] | None = None
) -> tuple[float, float] | None:
    """The value and, on both sides, its standard error times Student's t of G - 1 degrees of freedom.

    It shows how much the value would change with other subjects. For a Fréchet distance it does not show the
    distance for infinitely many clips: the bias of few samples is in the value and in every replicate. The
    arguments are those of `jackknife_error`; None with fewer than `LEAST_SUBJECTS` groups.
    """
    if len(replicates) < LEAST_SUBJECTS:
        return None
    error = jackknife_error(replicates, value, sizes)
    reach = float(stdtrit(len(replicates) - 1, (1 + LEVEL) / 2)) * error
    return value - reach, value + reach
