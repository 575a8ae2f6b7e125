"""Kernel distances: the squared MMD, unbiased with a cubic kernel (KID, KVD), or as JEDi has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.metrics.measurement import TooFew

Floats = NDArray[np.float64]
BLOCK = 2048
"""Rows and columns of a Gram matrix held at once."""


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
    _check(generated, real)
    return KernelSums(generated, real, _cubic).unbiased()


def kernel_jackknife(
    generated: NDArray[Any], real: NDArray[Any], groups: NDArray[Any]
) -> tuple[float, list[float]]:
    """`kernel_distance`, and the distance without each group in turn: the kernels are computed once.

    ``groups`` is ``int[N]``, the group of each sample of both sets, from 0.

    Returns:
        The distance, and one value per group, in the groups' order; NaN if fewer than two samples are left.
    """
    _check(generated, real)
    sums = KernelSums(generated, real, _cubic, groups, groups)
    return sums.unbiased(), [sums.unbiased(without) for without in sums.without_each()]


def jedi(generated: NDArray[Any], real: NDArray[Any]) -> float:
    """100 times the biased estimate of MMD^2 with k(x, y) = (x.y / D)^2, over all pairs of samples.

    Luo et al. (ICLR 2025), as their package computes it: a sample's kernel with itself counts, so the
    distance is never below 0, and too large for few samples.

    Args:
        generated: ``float[N, D]``.
        real: ``float[M, D]``.
    """
    return _jedi(KernelSums(generated, real, _square).biased())


def jedi_jackknife(
    generated: NDArray[Any], real: NDArray[Any], groups: NDArray[Any]
) -> tuple[float, list[float]]:
    """`jedi`, and `jedi` without each group in turn; arguments and result as those of `kernel_jackknife`."""
    sums = KernelSums(generated, real, _square, groups, groups)
    return _jedi(sums.biased()), [_jedi(sums.biased(without)) for without in sums.without_each()]


def _jedi(distance: float) -> float:
    # In exact numbers it is a squared norm; rounding can take a 0 below.
    return 100 * distance if not distance < 0 else 0.0


def _square(products: Floats) -> None:
    products *= products


def _check(generated: NDArray[Any], real: NDArray[Any]) -> None:
    n, m = len(generated), len(real)
    if min(n, m) < 2:
        raise TooFew(f"a kernel distance needs at least 2 samples a set, got {n} and {m}")


def _cubic(products: Floats) -> None:
    products += 1.0
    products *= products * products


class KernelSums:
    """Sums of a kernel between groups of samples: what the distance of any choice of groups is made of.

    Args:
        generated: ``float[N, D]``, of which a block at a time is taken; it may be a memory map.
        real: ``float[M, D]``, likewise.
        kernel: Turns x.y / D into k(x, y), in place.
        of_x: ``int[N]``, the group of each generated sample; one group by default.
        of_y: ``int[M]``, that of each real one.
    """

    def __init__(
        self,
        generated: NDArray[Any],
        real: NDArray[Any],
        kernel: Callable[[Floats], None],
        of_x: NDArray[Any] | None = None,
        of_y: NDArray[Any] | None = None,
    ) -> None:
        of_x = np.zeros(len(generated), int) if of_x is None else of_x
        of_y = np.zeros(len(real), int) if of_y is None else of_y
        names = np.union1d(of_x, of_y)
        members_x, members_y = ((of[:, None] == names).astype(float) for of in (of_x, of_y))
        self._n, self._m = members_x.sum(axis=0), members_y.sum(axis=0)
        self._xx, self._own_x = _within(generated, members_x, kernel)
        self._yy, self._own_y = _within(real, members_y, kernel)
        self._xy = sum(
            a.T @ _kernels(x, y, kernel) @ b
            for x, a in _blocks(generated, members_x)
            for y, b in _blocks(real, members_y)
        )

    def without_each(self) -> NDArray[np.bool_]:
        """Choices of groups, all but each in turn: ``bool[G, G]``."""
        return ~np.eye(len(self._n), dtype=bool)

    def unbiased(self, chosen: NDArray[np.bool_] | slice = slice(None)) -> float:
        """MMD^2 of the chosen groups without pairs of equal samples; NaN for fewer than two per set."""
        n, m = self._n[chosen].sum(), self._m[chosen].sum()
        if min(n, m) < 2:
            return float("nan")
        xx, yy, xy = (sums[chosen][:, chosen].sum() for sums in (self._xx, self._yy, self._xy))
        xx, yy = xx - self._own_x[chosen].sum(), yy - self._own_y[chosen].sum()
        return float(xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2.0 * xy / (n * m))

    def biased(self, chosen: NDArray[np.bool_] | slice = slice(None)) -> float:
        """The same with pairs of equal samples; NaN for no sample."""
        n, m = self._n[chosen].sum(), self._m[chosen].sum()
        if min(n, m) < 1:
            return float("nan")
        xx, yy, xy = (sums[chosen][:, chosen].sum() for sums in (self._xx, self._yy, self._xy))
        return float(xx / n**2 + yy / m**2 - 2.0 * xy / (n * m))


def _within(
    features: NDArray[Any], members: Floats, kernel: Callable[[Floats], None]
) -> tuple[Floats, Floats]:
    """Sums ``float64[G, G]`` over pairs of samples, and ``float64[G]`` over samples beside themselves."""
    total, own = np.zeros((members.shape[1],) * 2), np.zeros(members.shape[1])
    for i, (x, a) in enumerate(_blocks(features, members)):
        for j, (y, b) in enumerate(_blocks(features, members, i)):
            kernels = _kernels(x, y, kernel)
            between = a.T @ kernels @ b
            total += between + between.T if j else between
            if not j:
                own += a.T @ kernels.diagonal()
    return total, own


def _blocks(features: NDArray[Any], members: Floats, first: int = 0) -> Iterator[tuple[Floats, Floats]]:
    """Blocks of samples from one on, and which groups they are in."""
    for start in range(first * BLOCK, len(features), BLOCK):
        rows = slice(start, start + BLOCK)
        yield np.asarray(features[rows], np.float64), members[rows]


def _kernels(x: Floats, y: Floats, kernel: Callable[[Floats], None]) -> Floats:
    products: Floats = x @ y.T
    products /= x.shape[1]
    kernel(products)
    return products
