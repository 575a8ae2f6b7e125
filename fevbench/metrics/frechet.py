"""The Fréchet distance between two sets of features, exact for any number of samples.

For Gaussians fitted with the unbiased covariance (ddof 1),

    d^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)        (Dowson and Landau, 1982).

No matrix root is taken. With ``S1 = A' A`` and ``S2 = B' B`` the last trace is the nuclear norm (the sum of
singular values) of ``A B'``: it is real and non-negative by construction, needs no jitter for singular
covariances, and is ``tr S`` to rounding when both sets are the same.

Where a set has fewer samples than features, A and B are the centred samples. Otherwise they are factors of
covariances, which come from moments: features are read once for the distance of the whole sets and of any
unions of their groups.

These factors are Cholesky's with pivoting, which puts rows in order of size. So ``A S2 A'``, whose
eigenvalues are the squares of the singular values, falls off from its first element to its last. Reduced to a
tridiagonal matrix from that end, it keeps as many digits of small eigenvalues as the covariances hold, in a
third of the time of singular values. In another order they drown in the rounding of the large ones, and
distances of nearly singular covariances are off by 1e-7 of themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, eigvalsh, lapack

from fevbench.metrics.measurement import TooFew
from fevbench.stats.moments import Features, Moments, blocks, moments_of_groups

Floats = NDArray[np.float64]
ROUNDING = 8 * np.finfo(np.float64).eps
"""Variances up to this part of the largest are taken for rounding."""


def frechet_distance(generated: Features, real: Features) -> float:
    """The squared Fréchet distance, as FID and FVD report it.

    Args:
        generated: ``float[N, D]``, one row per sample, or a sequence of such arrays.
        real: ``float[M, D]``, likewise.

    Returns:
        A finite number, at least 0, computed in float64.

    Raises:
        TooFew: A set has fewer than two samples.
        ValueError: A set holds a value that is not finite.
    """
    first, second = (
        _FeatureSet(features, np.zeros(_shape(features)[0], np.int64), 1) for features in (generated, real)
    )
    return _distance(first, second, np.array([True]))


def frechet_jackknife(
    generated: Features, real: Features, groups: NDArray[np.int64]
) -> tuple[float, list[float]]:
    """`frechet_distance`, and the distance without each group in turn, from one pass over the features.

    Sets are of one size; ``groups`` is ``int64[N]``, the group of each sample of both, from 0.

    Returns:
        The distance, and one value per group, in the groups' order; NaN if fewer than two samples are left.
    """
    names, numbers = np.unique(groups, return_inverse=True)
    everybody = np.ones((1, len(names)), bool)
    value, *replicates = distances(
        generated, real, numbers, np.concatenate([everybody, ~np.eye(len(names), dtype=bool)])
    )
    return value, replicates


def distances(
    generated: Features, real: Features, groups: NDArray[np.int64], unions: NDArray[np.bool_]
) -> list[float]:
    """`frechet_distance` of the samples of some groups of both sets, for several choices of groups.

    Args:
        generated: ``float[N, D]``, one row per sample, or a sequence of such arrays.
        real: ``float[N, D]``, likewise.
        groups: ``int64[N]``, the group of each sample of both, from 0.
        unions: ``bool[U, G]``, the groups of each choice.

    Returns:
        One value per choice; NaN where it has fewer than two samples.
    """
    first, second = (_FeatureSet(features, groups, unions.shape[1]) for features in (generated, real))
    return [_distance(first, second, union) if first.count(union) > 1 else float("nan") for union in unions]


def frechet_of_labels(generated: NDArray[Any], real: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """The mean over labels of the Fréchet distance within each; NaN if a label has one sample only.

    Wrong labels in the right proportions change no distance of whole sets. The mean of distances within
    labels is how class-conditional models are scored (intra-FID of Miyato and Koyama, cGANs with Projection
    Discriminator, ICLR 2018), here on features of clips. Arguments as those of `per_label`.
    """
    return float(np.mean(list(per_label(generated, real, labels).values())))


def per_label(generated: NDArray[Any], real: NDArray[Any], labels: NDArray[np.int64]) -> dict[int, float]:
    """Each label's Fréchet distance; NaN of a label of one sample.

    Args:
        generated: ``float[N, D]``, one row per sample.
        real: ``float[N, D]``, of samples of the same labels, row by row.
        labels: ``int64[N]``, the requested labels.

    Returns:
        Label to distance, for the labels there are, in their order.
    """
    names, numbers = np.unique(labels, return_inverse=True)
    found = distances(generated, real, numbers, np.eye(len(names), dtype=bool))
    return dict(zip(names.tolist(), found, strict=True))


def of_labels_jackknife(
    generated: NDArray[Any], real: NDArray[Any], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[float, list[float]]:
    """`frechet_of_labels`, and the same without each group in turn, from one pass over the features.

    ``groups`` is ``int64[N]``, the group of each sample of both, from 0. Values are one per group, in the
    groups' order; NaN if a label has only one sample.
    """
    cells, numbers = np.unique(np.stack([labels, groups]), axis=1, return_inverse=True)
    whole = np.ones((1, cells.shape[1]), bool)
    kept = np.concatenate([whole, cells[1] != np.unique(groups)[:, None]])
    unions = [(cells[0] == label) & some for some in kept for label in np.unique(cells[0, some])]
    found = iter(distances(generated, real, numbers.ravel(), np.array(unions)))
    means = [float(np.mean([next(found) for _ in np.unique(cells[0, some])])) for some in kept]
    return means[0], means[1:]


class _FeatureSet:
    """One of the two sets, in groups; `TooFew` if it has fewer than two samples."""

    def __init__(self, features: Features, groups: NDArray[np.int64], count: int) -> None:
        shape = _shape(features)
        if len(shape) != 2 or shape[0] < 2:
            raise TooFew(f"a Fréchet distance needs at least 2 samples a set, got shape {shape}")
        self.features = shape[1]
        self._of = features
        self._groups = groups
        self._sizes = np.bincount(groups, minlength=count)

    def count(self, union: NDArray[np.bool_]) -> int:
        """Number of samples of these groups."""
        return int(self._sizes[union].sum())

    def samples(self, union: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """The mean of these groups, and rows whose products add up to their covariance, ``float64[n, D]``."""
        count = self.count(union)
        mean = sum(block.sum(axis=0) for block in self._some(union)) / count
        rows = np.empty((0, self.features))
        for block in self._some(union):
            rows = np.concatenate([rows, block - mean])
            if len(rows) > 2 * self.features:  # the other side alone has few
                rows = np.asarray(np.linalg.qr(rows, mode="r"))
        return mean, rows / np.sqrt(count - 1)

    def moments(self, union: NDArray[np.bool_]) -> Moments:
        """The moments of these groups."""
        groups = self._moments
        if union.all():
            return self._total
        without = [groups[i] for i in np.flatnonzero(~union)]
        if 2 * len(without) < len(groups):
            return _added(self._total, without, -1)
        first, *others = (groups[i] for i in np.flatnonzero(union))
        return _added(first, others, 1)

    @cached_property
    def _moments(self) -> list[Moments]:
        return moments_of_groups(self._blocks(), self._groups, len(self._sizes))

    @cached_property
    def _total(self) -> Moments:
        first, *others = self._moments
        return _added(first, others, 1)

    def _some(self, union: NDArray[np.bool_]) -> Iterator[Floats]:
        """The samples of these groups, block by block."""
        start = 0
        for block in self._blocks():
            yield block[union[self._groups[start : start + len(block)]]]
            start += len(block)

    def _blocks(self) -> Iterator[Floats]:
        for block in blocks(self._of):
            if not np.isfinite(block).all():
                raise ValueError("a Fréchet distance needs finite features")
            yield block


def _shape(features: Features) -> tuple[int, ...]:
    """The shape of all samples together."""
    if isinstance(features, np.ndarray):
        return features.shape
    return (sum(map(len, features)), *(features[0].shape[1:] if features else ()))


def _added(moments: Moments, others: list[Moments], sign: int) -> Moments:
    for other in others:
        moments = moments + other if sign > 0 else moments - other
    return moments


def _distance(generated: _FeatureSet, real: _FeatureSet, union: NDArray[np.bool_]) -> float:
    """Between the samples of these groups."""
    sides = (generated, real)
    if min(side.count(union) for side in sides) < generated.features:
        (m1, a), (m2, b) = (side.samples(union) for side in sides)
        traces = float((a**2).sum() + (b**2).sum())
        nuclear_norm = float(np.linalg.svd(a @ b.T, compute_uv=False).sum())
    else:
        first, second = (side.moments(union) for side in sides)
        m1, m2 = first.mean, second.mean
        s1, s2 = first.covariance(), second.covariance()
        traces = float(s1.trace() + s2.trace())
        nuclear_norm = _nuclear_norm(_half_factor(s1), _half_factor(s2))
    mean_term = float(((m1 - m2) ** 2).sum())
    return max(0.0, mean_term + traces - 2.0 * nuclear_norm)


def _half_factor(covariance: Floats) -> Floats:
    """H ``float64[rank, D]`` with ``H' H`` the covariance, of which the upper triangle is given and lost.

    Its rows fall off in size.
    """
    # What rounding leaves of no variance must not count, as its root would. LAPACK's own tolerance grows with
    # the number of features, and would leave out variances that are there.
    least = ROUNDING * covariance.diagonal().max()
    factor, places, rank, _ = lapack.dpstrf(covariance, tol=least, overwrite_a=True)
    half = np.zeros((rank, len(covariance)), order="F")
    half[:, places - 1] = np.triu(factor[:rank])
    return half


def _nuclear_norm(a: Floats, b: Floats) -> float:
    """The sum of the singular values of ``a b'``, for half factors whose rows fall off in size."""
    if not min(len(a), len(b)):
        return 0.0
    if len(a) > len(b):
        a, b = b, a
    squares = blas.dsyrk(1.0, b @ a.T, trans=True, lower=True)
    values = eigvalsh(squares, lower=True, driver="evd", overwrite_a=True, check_finite=False)
    return float(np.sqrt(np.maximum(values, 0.0)).sum())
