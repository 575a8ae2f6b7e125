"""Precision, recall, density, coverage: which of two sets of features lies within the other's neighbourhoods.

The neighbourhood of a sample reaches to its k-th nearest neighbour in its own set. Precision and recall are
Kynkäänniemi et al.'s (NeurIPS 2019, k = 3); density and coverage Naeem et al.'s (ICML 2020, k = 5), which one
outlier cannot spoil. All look at distances between features alone and know no Gaussians.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import cdist

from fevbench.metrics.measurement import TooFew

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Distances = NDArray[np.float64]

K_PRECISION = 3
K_DENSITY = 5


def precision(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """The share of generated samples that lie in the neighbourhood of some real one: are they real?

    Args:
        generated: ``float[N, D]``.
        real: ``float[M, D]``, more than 3.

    Raises:
        TooFew: There are fewer.
    """
    within = _between(generated, real) <= _reach(real, K_PRECISION)
    return float(within.any(axis=1).mean())


def recall(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """The share of real samples that lie in the neighbourhood of some generated one: is anything missing?"""
    return precision(real, generated)


def density(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """In how many real neighbourhoods a generated sample lies on average, in units of k.

    1 for samples of the same distribution, more where generated samples crowd in the middle.
    """
    within = _between(generated, real) <= _reach(real, K_DENSITY)
    return float(within.sum(axis=1).mean() / K_DENSITY)


def coverage(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """The share of real samples in whose neighbourhood some generated one lies: is anything missing?"""
    within = _between(generated, real) <= _reach(real, K_DENSITY)
    return float(within.any(axis=0).mean())


def _between(a: NDArray[Any], b: NDArray[Any]) -> Distances:
    distances: Distances = cdist(np.asarray(a, np.float64), np.asarray(b, np.float64))
    return distances


def _reach(samples: NDArray[Any], k: int) -> Distances:
    """How far each sample's k-th nearest neighbour is, itself not counted."""
    if len(samples) <= k:
        raise TooFew(f"a neighbourhood of {k} needs more than {k} samples, got {len(samples)}")
    # The nearest of all is the sample itself.
    reach: Distances = np.partition(_between(samples, samples), k, axis=1)[:, k]
    return reach
