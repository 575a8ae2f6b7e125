"""The Fréchet distance against closed forms, and at its edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevbench.metrics.frechet import frechet_distance

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
