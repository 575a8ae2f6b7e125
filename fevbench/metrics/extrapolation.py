"""The Fréchet distance of infinitely many subjects, extrapolated from fewer and fewer of them.

The expectation of a Fréchet distance of N samples is its limit plus a bias that falls as 1/N: the limit is
where the line through distances of several N meets 1/N = 0 (Chong and Forsyth, CVPR 2020, FD-infinity). Here:

* *Subjects* are left out, with all of their clips and frames: these are not independent of each other, so
  that frames or clips left out at random would hardly make a sample smaller.
* The same subjects are left out on *both* sides. The true clips are as few as the made ones, and their share
  of the bias has to go as well (the paper's reference is large, and stays).
* Half of the subjects is the least. With far fewer samples than features the bias falls more slowly than 1/N,
  so that small N bend the line.
* At each size, two subsets that overlap as little as they can; halves do not. One subset each would put its
  own chance into the slope: the extrapolated value scatters up to twice as much.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from fevbench.metrics.frechet import distances
from fevbench.metrics.measurement import TooFew
from fevbench.stats.moments import Features

SEED = 0
"""Seed of the order in which subjects are left out; part of the definition."""
SIZES = 5
"""Different numbers of subjects, evenly spaced from half of them to all. Fifteen, as in the paper, take three
times as long and do not reduce the variance, which is that of the full set."""
SUBSETS = 2
"""Subsets of each size, except of the full set."""


def frechet_infinity(generated: Features, real: Features, subjects: NDArray[np.int64]) -> float:
    """The Fréchet distance extrapolated to infinitely many subjects.

    Args:
        generated: ``float[N, D]``, one row per sample, or a sequence of such arrays.
        real: ``float[N, D]``, of the same subjects' true clips, row by row.
        subjects: ``int64[N]``, the subject of each row of both.

    Returns:
        Where the least-squares line of the distance over 1 / (number of subjects) meets 0, in float64. It can
        be negative: it is an estimate, and of a small distance it scatters around it.

    Raises:
        TooFew: Fewer than two subjects, or a subset has fewer than two samples.
    """
    return _extrapolated(generated, real, subjects, np.ones(len(subjects), bool))


def infinity_jackknife(
    generated: Features, real: Features, subjects: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[float, list[float]]:
    """`frechet_infinity`, and the same without each group of samples (``int64[N]``) in turn.

    Returns:
        The value of all, and one per group, in the groups' order; NaN where the rest has no value.

    Raises:
        TooFew: Fewer than two subjects in all, or a subset of them has fewer than two samples.
    """
    replicates = []
    for group in np.unique(groups):
        try:
            replicates.append(_extrapolated(generated, real, subjects, groups != group))
        except TooFew:
            replicates.append(float("nan"))
    return frechet_infinity(generated, real, subjects), replicates


def _extrapolated(
    generated: Features, real: Features, subjects: NDArray[np.int64], kept: NDArray[np.bool_]
) -> float:
    """The distance of the kept samples, ``bool[N]``, from one pass over all, without copies."""
    order = sorted(set(subjects[kept].tolist()), key=_place)
    count = len(order)
    if count < 2:
        raise TooFew(f"an extrapolation over subjects needs at least 2, got {count}")
    sizes = np.unique(np.linspace(-(-count // 2), count, SIZES).round().astype(int))
    subsets = [_subsets(order, size) for size in sizes]
    chosen = np.array([np.isin(subjects, subset) & kept for of_size in subsets for subset in of_size])
    # Samples that are in the same subsets form one group: a dozen groups instead of one per subject.
    unions, groups = np.unique(chosen, axis=1, return_inverse=True)
    found = iter(distances(generated, real, groups.ravel(), unions))
    means = [np.mean([next(found) for _ in of_size]) for of_size in subsets]
    if not np.isfinite(means).all():
        raise TooFew("a Fréchet distance needs at least 2 samples a set, a subset of subjects has fewer")
    return float(np.polynomial.Polynomial.fit(1 / sizes, means, 1)(0.0))


def _subsets(order: list[int], size: int) -> list[list[int]]:
    """Consecutive subjects of a circular order, from evenly spaced starts: each is in about equally many."""
    count = len(order)
    starts = [k * count // SUBSETS for k in range(SUBSETS if size < count else 1)]
    return [[order[(start + i) % count] for i in range(size)] for start in starts]


def _place(subject: int) -> bytes:
    """A subject's position in the order: a hash, so that leaving out one does not reorder the others."""
    return hashlib.sha256(f"{SEED}\0{subject}".encode()).digest()
