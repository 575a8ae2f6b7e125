"""Distances between sets of features, and F1 of labels, beside other implementations'."""

from __future__ import annotations

import warnings
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from comparison import Comparison

from fevbench.metrics.expression import confusion, macro_f1
from fevbench.metrics.frechet import frechet_distance
from fevbench.metrics.kernel import kernel_distance
from fevbench.metrics.neighbours import precision, recall

Pair = tuple[np.ndarray, np.ndarray]


@cache
def features(count: int, dim: int) -> Pair:
    """Two sets ``float64[count, dim]``, correlated, shifted and scaled against each other; seed 0."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(dim, dim)) / np.sqrt(dim)
    return rng.normal(size=(count, dim)) @ mix + 0.1, 1.2 * rng.normal(size=(count, dim)) @ mix


def moments(x: np.ndarray, ddof: int = 1) -> tuple[np.ndarray, np.ndarray]:
    return x.mean(axis=0), np.cov(x, rowvar=False, ddof=ddof)


def frechet_by_scipy(count: int, dim: int, ddof: int = 1) -> float:
    """Dowson and Landau's formula with SciPy's matrix root."""
    from scipy.linalg import sqrtm

    (m1, s1), (m2, s2) = (moments(x, ddof) for x in features(count, dim))
    return float(((m1 - m2) ** 2).sum() + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real))


def frechet_by_pytorch_fid(count: int, dim: int) -> float:
    from pytorch_fid.fid_score import calculate_frechet_distance

    (m1, s1), (m2, s2) = map(moments, features(count, dim))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of SciPy, which drops an argument it uses
        return float(calculate_frechet_distance(m1, s1, m2, s2))


def frechet_by_clean_fid(count: int, dim: int) -> float:
    from cleanfid.fid import frechet_distance as theirs

    (m1, s1), (m2, s2) = map(moments, features(count, dim))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return float(theirs(m1, s1, m2, s2))


def frechet_by_torch_fidelity(count: int, dim: int) -> float:
    from torch_fidelity import metric_fid

    sides = (metric_fid.fid_features_to_statistics(torch.from_numpy(x)) for x in features(count, dim))
    found = metric_fid.fid_statistics_to_metric(*sides, verbose=False)
    return float(found[metric_fid.KEY_METRIC_FID])


class Given(torch.nn.Module):
    """Stands in for a network: what comes in are the features."""

    num_features = 64

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def by_torchmetrics(metric: Any, count: int) -> Any:
    made, real = (torch.from_numpy(x) for x in features(count, Given.num_features))
    metric.update(real, real=True)
    metric.update(made, real=False)
    return metric.compute()


def frechet_by_torchmetrics(count: int) -> float:
    from torchmetrics.image.fid import FrechetInceptionDistance

    return float(by_torchmetrics(FrechetInceptionDistance(feature=Given()).set_dtype(torch.float64), count))


def kernel_by_torchmetrics(count: int) -> float:
    from torchmetrics.image.kid import KernelInceptionDistance

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it keeps all features in memory
        metric = KernelInceptionDistance(feature=Given(), subsets=1, subset_size=count)
    return float(by_torchmetrics(metric, count)[0])


def kernel_by_scikit_learn(count: int, dim: int) -> float:
    """Eq. 4 of Binkowski et al. (2018), written out."""
    from sklearn.metrics.pairwise import polynomial_kernel

    x, y = features(count, dim)
    xx, yy, xy = (polynomial_kernel(a, b, degree=3, coef0=1) for a, b in ((x, x), (y, y), (x, y)))
    within = ((k.sum() - np.trace(k)) / (count * (count - 1)) for k in (xx, yy))
    return float(sum(within) - 2 * xy.mean())


def kernel_by_torch_fidelity(count: int, dim: int, subsets: int, size: int) -> float:
    from torch_fidelity import metric_kid

    sides = (torch.from_numpy(x) for x in features(count, dim))
    found = metric_kid.kid_features_to_metric(
        *sides, kid_subsets=subsets, kid_subset_size=size, rng_seed=0, verbose=False
    )
    return float(found[metric_kid.KEY_METRIC_KID_MEAN])


def kernel_by_clean_fid(count: int, dim: int) -> float:
    from cleanfid.fid import kernel_distance as theirs

    return float(theirs(*features(count, dim), num_subsets=1, max_subset_size=count))


def neighbours_by_torch_fidelity(count: int, dim: int) -> list[float]:
    from torch_fidelity import metric_prc

    sides = (torch.from_numpy(x) for x in features(count, dim))
    found = metric_prc.prc_features_to_metric(*sides, prc_neighborhood=3, verbose=False)
    return [found[metric_prc.KEY_METRIC_PRECISION], found[metric_prc.KEY_METRIC_RECALL]]


@cache
def readings() -> Pair:
    """What was asked for and what was read, ``int64[200]`` of six labels; seed 0."""
    rng = np.random.default_rng(0)
    return rng.integers(6, size=200), rng.integers(6, size=200)


def our_f1() -> float:
    asked, read = readings()
    return float(macro_f1(confusion(read, asked, 6).astype(np.float64)))


def f1_of_scikit_learn() -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(*readings(), average="macro"))


MANY, FEW, TINY = (256, 64), (48, 400), (16, 64)
SETS = "two sets of {} × {} features, seed 0"
KERNEL = (200, 64)


def ours(distance: Any, size: tuple[int, int]) -> Any:
    return lambda: distance(*features(*size))


COMPARISONS = (
    *[
        Comparison(
            "Distances between features", "Fréchet, full rank", package, SETS.format(*MANY),
            ours(frechet_distance, MANY), theirs, bound=1e-10,
        )
        for package, theirs in (
            ("scipy", partial(frechet_by_scipy, *MANY)),
            ("pytorch-fid", partial(frechet_by_pytorch_fid, *MANY)),
            ("clean-fid", partial(frechet_by_clean_fid, *MANY)),
            ("torch-fidelity", partial(frechet_by_torch_fidelity, *MANY)),
            ("torchmetrics", partial(frechet_by_torchmetrics, MANY[0])),
        )
    ],
    *[
        Comparison(
            "Distances between features", "Fréchet, fewer samples than features", package, SETS.format(*FEW),
            ours(frechet_distance, FEW), theirs, bound=1e-4, why=why,
        )
        for package, theirs, why in (
            ("pytorch-fid", partial(frechet_by_pytorch_fid, *FEW),
             "its root of a singular matrix loses half the digits; ours needs no matrix root"),
            ("torch-fidelity", partial(frechet_by_torch_fidelity, *FEW),
             "eigenvalues that should be 0 are rounding errors, whose roots are larger"),
        )
    ],
    *[
        Comparison(
            "Distances between features", "kernel distance, all samples", package, SETS.format(*KERNEL),
            ours(kernel_distance, KERNEL), theirs, bound=1e-10,
        )
        for package, theirs in (
            ("scikit-learn", partial(kernel_by_scikit_learn, *KERNEL)),
            ("torch-fidelity", partial(kernel_by_torch_fidelity, *KERNEL, subsets=1, size=KERNEL[0])),
            ("torchmetrics", partial(kernel_by_torchmetrics, KERNEL[0])),
            ("clean-fid", partial(kernel_by_clean_fid, *KERNEL)),
        )
    ],
    Comparison(
        "Distances between features", "precision and recall", "torch-fidelity", SETS.format(*MANY),
        lambda: [precision(*features(*MANY)), recall(*features(*MANY))],
        partial(neighbours_by_torch_fidelity, *MANY), bound=1e-6, why="float32",
    ),
    Comparison(
        "Distances between features", "Fréchet, covariance divided by N (ddof 0)", "scipy",
        SETS.format(*TINY), ours(frechet_distance, TINY), partial(frechet_by_scipy, *TINY, ddof=0),
        bound=0.2, least=0.02, why="some FVD code does so; ours is unbiased (ddof 1), as FID's",
    ),
    Comparison(
        "Distances between features", "kernel distance, 100 subsets of 50", "torch-fidelity",
        SETS.format(*KERNEL),
        ours(kernel_distance, KERNEL), partial(kernel_by_torch_fidelity, *KERNEL, subsets=100, size=50),
        bound=0.5, least=1e-6,
        why="the mean over random subsets, as in published KIDs: it depends on the seed",
    ),
    Comparison(
        "Labels", "macro-F1", "scikit-learn", "200 readings of six labels, seed 0",
        our_f1, f1_of_scikit_learn, bound=1e-12,
    ),
)  # fmt: skip
