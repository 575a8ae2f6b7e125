"""Confidence intervals of means by the subject-clustered bootstrap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEVEL = 0.95
RESAMPLES = 2000
METHOD = f"subject bootstrap, percentile, {RESAMPLES} resamples"


def subject_bootstrap(
    values: Sequence[float], subjects: Sequence[str], seed: int = 0
) -> tuple[float, float] | None:
    """A 95 % percentile interval of the mean, resampling whole subjects with replacement.

    The statistic is the mean over all clips of the resampled people, so that people with more clips
    weigh more, as they do in the mean itself. With few people (below about 20) percentile intervals
    are somewhat too narrow.

    Args:
        values: One value a clip.
        subjects: The person of each clip.
        seed: Fixes the resamples; the order of the clips does not matter.

    Returns:
        Lower and upper bound, or None with fewer than two people.

    Raises:
        ValueError: The sequences differ in length.
    """
    if len(values) != len(subjects):
        raise ValueError(f"{len(values)} values for {len(subjects)} subjects")
    people = sorted(set(subjects))
    if len(people) < 2:
        return None
    index = np.array([people.index(subject) for subject in subjects])
    sums = np.bincount(index, weights=np.asarray(values, dtype=np.float64))
    counts = np.bincount(index)
    drawn = np.random.default_rng(seed).integers(len(people), size=(RESAMPLES, len(people)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
