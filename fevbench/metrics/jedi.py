"""JEDi: the squared MMD with the homogeneous quadratic kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
