"""Kernel distances: the squared MMD with the cubic kernel (KID, KVD) and the quadratic one (JEDi)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.metrics.measurement import TooFew

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 4096
"""Rows of a Gram matrix held at once."""


def kernel_distance(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """The unbiased estimate of MMD^2 with k(x, y) = (x.y / D + 1)^3 over all samples.

    Binkowski et al. (2018), eq. 4, without their subsets: with all samples it has no random part. Its
    expectation is 0 for two samples of one distribution, so single values can be negative.

    Args:
        generated: ``float[N, D]``.
        real: ``float[M, D]``.

    Raises:
        TooFew: A set has fewer than two samples.
    """
    groups = np.zeros(len(generated), int), np.zeros(len(real), int)
    return _Sums(generated, real, *groups).distance(np.array([True]))


def jedi(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """100 times the biased estimate of MMD^2 with k(x, y) = (x.y / D)^2, over all pairs of samples.

    Luo et al. (ICLR 2025), as their package computes it: a sample's kernel with itself counts, so that the
    distance is never below 0, and of few samples it is too large.

    Args:
        generated: ``float[N, D]``.
        real: ``float[M, D]``.
    """
    x, y = (np.asarray(features, dtype=np.float64) for features in (generated, real))

    def mean(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float(((a @ b.T / a.shape[1]) ** 2).mean())

    # In exact numbers it is a squared norm; rounding can take a 0 below.
    return 100 * max(mean(x, x) + mean(y, y) - 2 * mean(x, y), 0.0)


def without_each(generated: NDArray[Any], real: NDArray[Any], groups: NDArray[Any]) -> list[float]:
    """The distance without each group in turn, for the jackknife: the kernels are computed once.

    Args:
        generated: ``float[N, D]``.
        real: ``float[N, D]``.
        groups: ``int[N]``, the group of each sample of both, from 0.

    Returns:
        One number a group, in the groups' order; NaN where fewer than two samples are left.
    """
    sums = _Sums(generated, real, groups, groups)
    every = np.arange(sums.count)
    return [sums.distance(every != group) for group in np.unique(groups)]


class _Sums:
    """Sums of kernels between groups of samples: what the distance of any choice of groups is made of.

    Raises:
        TooFew: A set has fewer than two samples.
    """

    def __init__(
        self, generated: NDArray[Any], real: NDArray[Any], of_x: NDArray[Any], of_y: NDArray[Any]
    ) -> None:
        x = np.asarray(generated, dtype=np.float64)
        y = np.asarray(real, dtype=np.float64)
        if min(len(x), len(y)) < 2:
            raise TooFew(f"a kernel distance needs at least 2 samples a set, got {len(x)} and {len(y)}")
        self.count = int(max(of_x.max(), of_y.max())) + 1
        members_x, members_y = (np.eye(self.count)[groups] for groups in (of_x, of_y))
        self._n, self._m = members_x.sum(axis=0), members_y.sum(axis=0)
        self._xx, self._yy = _between(x, x, members_x, members_x), _between(y, y, members_y, members_y)
        self._xy = _between(x, y, members_x, members_y)
        # A sample's kernel with itself does not count.
        self._xx -= np.diag(_with_itself(x) @ members_x)
        self._yy -= np.diag(_with_itself(y) @ members_y)

    def distance(self, chosen: NDArray[np.bool_]) -> float:
        """The distance between the samples of the chosen groups; NaN of fewer than two a set."""
        n, m = self._n[chosen].sum(), self._m[chosen].sum()
        if min(n, m) < 2:
            return float("nan")
        both = np.ix_(chosen, chosen)
        within = self._xx[both].sum() / (n * (n - 1)) + self._yy[both].sum() / (m * (m - 1))
        return float(within - 2.0 * self._xy[both].sum() / (n * m))


def _between(
    x: NDArray[np.float64], y: NDArray[np.float64], of_x: NDArray[np.float64], of_y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sums ``float64[G, G]`` of the kernel over pairs of groups, given who is in which ``float64[N, G]``."""
    total = np.zeros((of_x.shape[1], of_y.shape[1]))
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        total += of_x[rows].T @ ((x[rows] @ y.T / x.shape[1] + 1.0) ** 3) @ of_y
    return total


def _with_itself(x: NDArray[np.float64]) -> NDArray[np.float64]:
    kernels: NDArray[np.float64] = ((x**2).sum(axis=1) / x.shape[1] + 1.0) ** 3
    return kernels
