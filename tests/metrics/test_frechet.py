"""The Fréchet distance against closed forms, and at its edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevbench.metrics.frechet import distances, frechet_distance, frechet_jackknife

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.sampled_from([(2, 3), (5, 12), (12, 12), (40, 7), (13, 12), (64, 3)])


def sample(seed: int, n: int, d: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * rng.uniform(0.1, 3, size=d) + rng.normal(size=d)


def whitened(seed: int, n: int, d: int) -> np.ndarray:
    """Samples whose mean is exactly 0 and whose unbiased covariance is exactly the identity."""
    x = np.random.default_rng(seed).normal(size=(n, d))
    x -= x.mean(axis=0)
    q, _ = np.linalg.qr(x)
    return q * np.sqrt(n - 1)


@given(SEEDS, SIZES)
def test_of_a_set_with_itself_is_zero(seed: int, size: tuple[int, int]) -> None:
    x = sample(seed, *size)
    assert frechet_distance(x, x) <= 1e-10 * (1 + np.var(x) * size[1])


@given(SEEDS, SIZES, st.floats(-5, 5))
def test_of_a_shift_is_its_squared_length(seed: int, size: tuple[int, int], shift: float) -> None:
    x = sample(seed, *size)
    assert frechet_distance(x + shift, x) == pytest.approx(shift**2 * size[1], rel=1e-9, abs=1e-8)


@given(SEEDS, SIZES, st.floats(0, 4))
def test_of_a_scaling_is_the_closed_form(seed: int, size: tuple[int, int], scale: float) -> None:
    x = sample(seed, *size)
    x -= x.mean(axis=0)
    trace = x.var(axis=0, ddof=1).sum()
    assert frechet_distance(scale * x, x) == pytest.approx((1 - scale) ** 2 * trace, rel=1e-7, abs=1e-8)


@given(SEEDS, SEEDS, st.integers(1, 10))
def test_of_diagonal_gaussians_is_the_closed_form(seed: int, other: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    s1, s2, shift = rng.uniform(0, 3, size=(3, d))
    x, y = whitened(seed, 50, d) * s1 + shift, whitened(other, 70, d) * s2
    expected = (shift**2).sum() + ((s1 - s2) ** 2).sum()
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9, abs=1e-8)


@given(SEEDS, SEEDS)
def test_both_ways_of_computing_agree(seed: int, other: int) -> None:
    """Appending constant features changes nothing but the way: N >= D becomes N < D."""
    x, y = sample(seed, 30, 8), sample(other, 25, 8)
    wide = [np.hstack([v, np.ones((len(v), 40))]) for v in (x, y)]
    assert frechet_distance(*wide) == pytest.approx(frechet_distance(x, y), rel=1e-8, abs=1e-9)


@given(SEEDS, SEEDS)
def test_does_not_depend_on_rotation_order_or_sides(seed: int, other: int) -> None:
    x, y = sample(seed, 20, 6), sample(other, 30, 6)
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))
    distance = frechet_distance(x, y)
    assert frechet_distance(x @ rotation, y @ rotation) == pytest.approx(distance, rel=1e-8)
    assert frechet_distance(x[::-1], np.roll(y, 7, axis=0)) == pytest.approx(distance, rel=1e-10)
    assert frechet_distance(y, x) == pytest.approx(distance, rel=1e-8)


@pytest.mark.parametrize("n", [2, 5, 60])
def test_is_finite_for_degenerate_features(n: int) -> None:
    constant, ramp = np.ones((n, 20)), np.outer(np.arange(n), np.ones(20))
    for x, y in ((constant, constant), (constant, ramp), (ramp, ramp * 1e-9), (ramp * 1e6, constant)):
        assert np.isfinite(frechet_distance(x, y))


@pytest.mark.parametrize("bad", [np.ones((1, 4)), np.ones(4), np.full((3, 4), np.nan)])
def test_refuses_what_has_no_distance(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="Fréchet"):
        frechet_distance(bad, np.ones((3, 4)))


def straightforward(x: np.ndarray, y: np.ndarray) -> float:
    """The distance of two sets from singular values of their centred samples: no covariance is formed."""
    a, b = ((v - v.mean(axis=0)) / np.sqrt(len(v) - 1) for v in (x, y))
    nuclear_norm = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    mean_term = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    return float(mean_term + (a**2).sum() + (b**2).sum() - 2 * nuclear_norm)


def like_features(seed: int, n: int, d: int, decay: float = 9.0) -> np.ndarray:
    """Non-negative, float32, with a mean beyond the spread and variances of many magnitudes."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(d, d)) / np.sqrt(d)
    scale = np.exp(-decay * np.arange(d) / d)
    features: np.ndarray = np.abs(rng.normal(size=(n, d)) * scale @ mixing + 0.4 + 0.01 * seed)
    return features.astype(np.float32)


@pytest.mark.parametrize("decay", [0.0, 9.0, 14.0])
@pytest.mark.parametrize(("n", "m"), [(150, 150), (149, 151), (160, 900), (40, 40), (40, 900), (900, 900)])
def test_equals_the_straightforward_way(n: int, m: int, decay: float) -> None:
    """Fewer samples than the 150 features, as many, more; on one side only."""
    x, y = (like_features(i, size, 150, decay).astype(float) for i, size in enumerate((n, m)))
    assert frechet_distance(x, y) == pytest.approx(straightforward(x, y), rel=1e-9)
    assert frechet_distance([x[:7], x[7:]], y) == pytest.approx(straightforward(x, y), rel=1e-9)


@pytest.mark.parametrize("distinct", [2, 30])
def test_of_a_collapsed_set_equals_the_straightforward_way(distinct: int) -> None:
    """Of a rank below its 150 features: with few samples to rounding, and with many to the root of that.

    The covariance of many, rounded by e, has deviations of the root of e where there are none.
    """
    real = like_features(1, 600, 150).astype(float)
    few, many = (like_features(0, distinct, 150).astype(float)[np.arange(n) % distinct] for n in (100, 600))
    assert frechet_distance(few, real) == pytest.approx(straightforward(few, real), rel=1e-9)
    assert frechet_distance(many, real) == pytest.approx(straightforward(many, real), rel=2e-8)
    dead = real.copy()
    dead[:, ::3] = 0  # features that never fire cost nothing
    assert frechet_distance(dead, real) == pytest.approx(straightforward(dead, real), rel=1e-9)


@pytest.mark.parametrize("n", [60, 156, 160, 700])
def test_replicates_equal_the_straightforward_way(n: int) -> None:
    """Of 150 features and 12 groups; of 156 and 160 samples the replicates alone have fewer than features."""
    x, y = (like_features(seed, n, 150) for seed in (0, 1))
    groups = np.random.default_rng(0).permutation(np.arange(n) % 12)
    value, replicates = frechet_jackknife(x, y, groups)
    x, y = x.astype(float), y.astype(float)
    wanted = [straightforward(x[groups != g], y[groups != g]) for g in range(12)]
    assert [value, *replicates] == pytest.approx([straightforward(x, y), *wanted], rel=1e-9)


def test_unions_of_groups() -> None:
    x, y = like_features(0, 200, 20), like_features(1, 200, 20)
    groups = np.arange(200) % 5
    unions = np.array(
        [[1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [1, 1, 0, 1, 1], [0, 0, 0, 0, 0]], bool
    )
    found = distances(x, y, groups, unions)
    kept = [union[groups] for union in unions[:4]]
    wanted = [straightforward(x[some].astype(float), y[some].astype(float)) for some in kept]
    assert found[:4] == pytest.approx(wanted, rel=1e-9)
    assert np.isnan(found[4])
