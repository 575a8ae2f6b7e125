"""Intervals of statistics of whole sets, by the delete-a-group jackknife over people.

The bootstrap is no use for Fréchet distances: drawing people twice lowers the rank of a covariance and
moves the estimate itself. Leaving people out does not. All runs over the same clips leave out the same
people, so that their replicates are pairs and can be subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from fevbench.stats.bootstrap import LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_GROUPS = 12
"""A Fréchet distance of 2048 features takes seconds; twelve give a standard error right to a fifth."""
LEAST_GROUPS = 3
METHOD = "delete-a-group jackknife over people, Student's t"


def groups_of(subjects: Sequence[str]) -> NDArray[np.int64]:
    """The group of each sample's person: every person alone, or dealt out in order to `MOST_GROUPS`.

    Args:
        subjects: The person of each sample.

    Returns:
        ``int64[len(subjects)]``; the order of samples does not matter.
    """
    people = sorted(set(subjects))
    number = {person: i % MOST_GROUPS for i, person in enumerate(people)}
    return np.array([number[subject] for subject in subjects], np.int64)


def jackknife_error(replicates: Sequence[float]) -> float:
    """The standard error from the statistic without each of G groups in turn.

    ``sqrt((G - 1) / G * sum((r - mean(r))^2))``: Tukey's jackknife, of groups after Kott (Journal of Official
    Statistics 17, 2001).
    """
    values = np.asarray(replicates, np.float64)
    g = len(values)
    return float(np.sqrt((g - 1) / g * ((values - values.mean()) ** 2).sum()))


def jackknife_interval(value: float, replicates: Sequence[float]) -> tuple[float, float] | None:
    """The value and, on both sides, its standard error times Student's t of G - 1 degrees of freedom.

    It says how far the number would move with other people. Of a Fréchet distance it does not say where the
    distance of infinitely many clips lies: the bias of few samples is in the value and in every replicate.

    Args:
        value: The statistic of all samples.
        replicates: The statistic without each group.

    Returns:
        Lower and upper bound, or None with fewer than `LEAST_GROUPS` groups.
    """
    if len(replicates) < LEAST_GROUPS:
        return None
    reach = float(stdtrit(len(replicates) - 1, (1 + LEVEL) / 2)) * jackknife_error(replicates)
    return value - reach, value + reach
