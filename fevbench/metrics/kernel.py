"""The kernel distance: the unbiased squared MMD with the cubic polynomial kernel (KID, KVD)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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
        ValueError: A set has fewer than two samples.
    """
    x = np.asarray(generated, dtype=np.float64)
    y = np.asarray(real, dtype=np.float64)
    n, m = len(x), len(y)
    if n < 2 or m < 2:
        raise ValueError(f"a kernel distance needs at least 2 samples a set, got {n} and {m}")
    within_x = (_gram_sum(x, x) - _diagonal_sum(x)) / (n * (n - 1))
    within_y = (_gram_sum(y, y) - _diagonal_sum(y)) / (m * (m - 1))
    return within_x + within_y - 2.0 * _gram_sum(x, y) / (n * m)


def _gram_sum(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    blocks = range(0, len(x), BLOCK)
    return float(sum((((x[i : i + BLOCK] @ y.T) / x.shape[1] + 1.0) ** 3).sum() for i in blocks))


def _diagonal_sum(x: NDArray[np.float64]) -> float:
    return float((((x**2).sum(axis=1) / x.shape[1] + 1.0) ** 3).sum())
