"""Moments of sets of samples: their count, sum and sum of outer products.

The moments of a set are those of its parts added up. So features are read once, block after block, and the
memory needed does not grow with their number. Parts may be groups of subjects, shards, or workers' parts.

Samples are counted from an origin near their mean. The covariance is a difference, of the mean outer product
and of the outer product of the mean. Where the mean is large beside the spread the two are nearly equal and
most of their digits cancel: with a mean of 1000 and a standard deviation of 1, six of sixteen are lost. From
an origin no further away than the spread, none are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

Floats = NDArray[np.float64]
Features = NDArray[Any] | Sequence[NDArray[Any]]

ROWS = 4096
"""Samples in a block: enough for fast products, small compared with the moments of thousands of features."""


def blocks(features: Features) -> Iterator[Floats]:
    """Features in float64, some thousand samples at a time.

    Args:
        features: ``float[N, D]``, or a memory map, or arrays ``float[n, D]``, for example one per clip.

    Yields:
        ``float64[n, D]`` in order, n less than twice `ROWS`.
    """
    parts = [features] if isinstance(features, np.ndarray) else features
    pending: list[NDArray[Any]] = []
    count = 0
    for part in parts:
        for start in range(0, len(part), ROWS):
            pending.append(part[start : start + ROWS])
            count += len(pending[-1])
            if count >= ROWS:
                yield _joined(pending)
                pending, count = [], 0
    if pending:
        yield _joined(pending)


def _joined(parts: list[NDArray[Any]]) -> Floats:
    return np.asarray(parts[0] if len(parts) == 1 else np.concatenate(parts), np.float64)


@dataclass
class Moments:
    """The moments of a set of samples, counted from an origin.

    Attributes:
        origin: ``float64[D]``.
        count: Number of samples.
        total: ``float64[D]``, the sum of samples less the origin.
        products: ``float64[D, D]``, the sum of their outer products; only the upper triangle, 0 below it.
    """

    origin: Floats
    count: int
    total: Floats
    products: Floats

    @classmethod
    def none(cls, origin: Floats) -> Moments:
        """The moments of no sample."""
        size = len(origin)
        return cls(origin, 0, np.zeros(size), np.zeros((size, size), order="F"))

    def include(self, samples: Floats) -> None:
        """Add samples ``float64[n, D]`` to the set, in place."""
        shifted = samples - self.origin
        self.count += len(samples)
        self.total += shifted.sum(axis=0)
        # In place: a new product and a sum of two would take twice the memory and longer.
        self.products = blas.dsyrk(1.0, shifted.T, beta=1.0, c=self.products, overwrite_c=True)

    def __add__(self, other: Moments) -> Moments:
        other = other._from(self.origin)
        return Moments(
            self.origin, self.count + other.count, self.total + other.total, self.products + other.products
        )

    def __sub__(self, part: Moments) -> Moments:
        """The moments of the set without a part of it. Digits are lost if the rest is small."""
        part = part._from(self.origin)
        return Moments(
            self.origin, self.count - part.count, self.total - part.total, self.products - part.products
        )

    def _from(self, origin: Floats) -> Moments:
        """The same samples, counted from another origin."""
        shift = self.origin - origin
        if not shift.any():
            return self
        mixed = self.total + self.count / 2 * shift
        products = blas.dsyr2(1.0, shift, mixed, a=self.products)
        return Moments(origin, self.count, self.total + self.count * shift, products)

    @property
    def mean(self) -> Floats:
        """``float64[D]``."""
        return self.origin + self.total / self.count

    def covariance(self) -> Floats:
        """The unbiased covariance, ``float64[D, D]``: the upper triangle, 0 below it."""
        scale = 1 / (self.count - 1)
        return np.asarray(
            blas.dsyr(-scale / self.count, self.total, a=self.products * scale, overwrite_a=True)
        )


def moments_of_groups(samples: Iterable[Floats], groups: NDArray[np.int64], count: int) -> list[Moments]:
    """The moments of each group of samples, from one pass over all.

    Samples are one or more blocks ``float64[n, D]``; the mean of the first is the origin of all moments.
    ``groups`` is ``int64[N]``, from 0.
    """
    found: list[Moments] = []
    start = 0
    for block in samples:
        if not found:
            origin = block.mean(axis=0)
            found = [Moments.none(origin) for _ in range(count)]
        here = groups[start : start + len(block)]
        start += len(block)
        for group in np.unique(here).tolist():
            found[group].include(block[here == group])
    return found
