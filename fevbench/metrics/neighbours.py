"""Precision, recall, density, coverage: which of two sets of features lies within the other's neighbourhoods.

The neighbourhood of a sample reaches to its k-th nearest neighbour in its own set. Precision and recall are
Kynkäänniemi et al.'s (NeurIPS 2019, k = 3); density and coverage Naeem et al.'s (ICML 2020, k = 5), which are
robust to single outliers. All use only distances between features and assume no Gaussians.

Distances are computed once, in blocks, for the whole sets and for the sets without each group: the nearest
neighbours in each group say how far a neighbourhood reaches without any one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from fevbench.metrics.measurement import TooFew

Floats = NDArray[np.float64]
WithReplicates = tuple[float, list[float]]
K_PRECISION = 3
K_DENSITY = 5
BLOCK = 2048
"""Rows and columns of a matrix of distances held at once."""


def precision(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """The share of generated samples that lie in the neighbourhood of some real one: are they real?

    Args:
        generated: ``float[N, D]``.
        real: ``float[M, D]``, more than 3.

    Raises:
        TooFew: There are fewer.
    """
    return float((_Neighbourhoods(generated, real, K_PRECISION).holding[:, 0] > 0).mean())


def precision_jackknife(
    generated: NDArray[Any], real: NDArray[Any], groups: NDArray[np.int64]
) -> WithReplicates:
    """`precision`, and the precision without each group in turn.

    ``groups`` is ``int64[N]``, the group of each sample of both sets, from 0.

    Returns:
        The value of all, and one per group, in the groups' order; NaN where too few samples are left.
    """
    found = _Neighbourhoods(generated, real, K_PRECISION, groups)
    return found.with_replicates(found.holding > 0)


def recall(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """The share of real samples that lie in the neighbourhood of some generated one: is anything missing?"""
    return precision(real, generated)


def recall_jackknife(
    generated: NDArray[Any], real: NDArray[Any], groups: NDArray[np.int64]
) -> WithReplicates:
    """The recall, and the recall without each group in turn, as in `precision_jackknife`."""
    return precision_jackknife(real, generated, groups)


def density(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """In how many real neighbourhoods a generated sample lies on average, in units of k.

    1 for samples of the same distribution, more where generated samples crowd in the middle.
    """
    return float(_Neighbourhoods(generated, real, K_DENSITY).holding[:, 0].mean() / K_DENSITY)


def density_jackknife(
    generated: NDArray[Any], real: NDArray[Any], groups: NDArray[np.int64]
) -> WithReplicates:
    """The density, and the density without each group in turn, as in `precision_jackknife`."""
    found = _Neighbourhoods(generated, real, K_DENSITY, groups)
    return found.with_replicates(found.holding / K_DENSITY)


def coverage(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """The share of real samples in whose neighbourhood some generated one lies: is anything missing?"""
    return float((_Neighbourhoods(generated, real, K_DENSITY).held[:, 0] > 0).mean())


def coverage_jackknife(
    generated: NDArray[Any], real: NDArray[Any], groups: NDArray[np.int64]
) -> WithReplicates:
    """The coverage, and the coverage without each group in turn, as in `precision_jackknife`."""
    found = _Neighbourhoods(generated, real, K_DENSITY, groups)
    return found.with_replicates(found.held > 0)


class _Neighbourhoods:
    """Which samples lie in which neighbourhoods of another set: of all samples, and without each group.

    Neighbourhoods reach to the k-th nearest neighbour; `TooFew` if the set has not more than k samples.

    Attributes:
        holding: ``int64[N, 1 + G]``, the number of neighbourhoods that each sample lies in.
        held: ``int64[M, 1 + G]``, the number of samples that lie in each neighbourhood. Column 0 is of the
            whole sets, the others without a group; there, rows of that group's own members are invalid.
    """

    def __init__(
        self,
        samples: NDArray[Any],
        around: NDArray[Any],
        k: int,
        groups: NDArray[np.int64] | None = None,
    ) -> None:
        if len(around) <= k:
            raise TooFew(f"a neighbourhood of {k} needs more than {k} samples, got {len(around)}")
        names, numbers = np.unique(
            np.zeros(max(len(samples), len(around)), np.int64) if groups is None else groups,
            return_inverse=True,
        )
        # bool[N, 1 + G]: whether the sample is still there.
        self._left = np.ones((len(numbers), 1 if groups is None else 1 + len(names)), bool)
        if groups is not None:
            self._left[:, 1:] = numbers[:, None] != np.arange(len(names))
        self._enough = self._left.sum(axis=0) > k
        reach = _reach(around, numbers[: len(around)], len(names), self._left.shape[1], k)
        self.holding = np.zeros((len(samples), reach.shape[1]), np.int64)
        self.held = np.zeros(reach.shape, np.int64)
        for rows in _blocks(len(samples)):
            for columns in _blocks(len(around)):
                distances = _between(samples[rows], around[columns])
                for i in range(reach.shape[1]):
                    within = distances <= reach[columns, i]
                    self.holding[rows, i] += (within & self._left[columns, i]).sum(axis=1)
                    self.held[columns, i] += (within & self._left[rows, i, None]).sum(axis=0)

    def with_replicates(self, values: NDArray[Any]) -> WithReplicates:
        """The mean of values ``[N, 1 + G]`` over all samples, and over those left without each group."""
        means = [
            float(of_all[left].mean()) if enough else float("nan")
            for of_all, left, enough in zip(values.T, self._left.T, self._enough, strict=True)
        ]
        return means[0], means[1:]


def _reach(samples: NDArray[Any], groups: NDArray[np.int64], count: int, columns: int, k: int) -> Floats:
    """How far each sample's k-th nearest neighbour is, itself not counted: of all, and without each group.

    ``float64[N, columns]``, infinite where there are too few neighbours; one column is the whole set alone.
    """
    reach = np.full((len(samples), columns), np.inf)
    for rows in _blocks(len(samples)):
        size = len(samples[rows])
        # The k + 1 nearest in each group; the nearest of all is the sample itself.
        nearest = np.full((size, count, k + 1), np.inf)
        for others in _blocks(len(samples)):
            distances = _between(samples[rows], samples[others])
            for group in np.unique(groups[others]).tolist():
                found = np.hstack([nearest[:, group], distances[:, groups[others] == group]])
                nearest[:, group] = np.partition(found, k, axis=1)[:, : k + 1]
        for column in range(columns):
            left = np.delete(nearest, column - 1, axis=1) if column else nearest
            if left.shape[1]:
                reach[rows, column] = np.partition(left.reshape(size, -1), k, axis=1)[:, k]
    return reach


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def _between(a: NDArray[Any], b: NDArray[Any]) -> Floats:
    distances: Floats = cdist(np.asarray(a, np.float64), np.asarray(b, np.float64))
    return distances
