"""JEDi's distance: the values of its authors' package, and what a squared norm must be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import polynomial_kernel

from fevbench.metrics.kernel import jedi


def test_a_value_by_hand() -> None:
    """The kernel is (x.y / 2)^2, and a sample's kernel with itself counts."""
    x, y = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0, 1.0]])
    within, second, between = np.mean([0.25, 0, 0, 0.25]), 1.0, 0.25
    assert jedi(x, y) == pytest.approx(100 * (within + second - 2 * between))


def test_the_value_of_the_authors_package() -> None:
    """Its ``mmd_polynomial.py`` says 270.7 of this pair, before the factor of 100."""
    x = np.arange(1, 10).reshape(3, 3)
    y = np.array([[7, 6, 5], [4, 3, 2], [1, 1, 8], [0, 2, 5]])
    assert jedi(x, y) == pytest.approx(27072.2222, abs=1e-3)


def test_equals_scikit_learns_kernel() -> None:
    """What the authors' package computes with: degree 2, gamma 1 / D, no constant."""
    x, y = np.random.default_rng(0).random((2, 40, 30))
    y = y[:25] ** 2
    within, second, between = (
        polynomial_kernel(*pair, 2, None, 0).mean() for pair in ((x, x), (y, y), (x, y))
    )
    assert jedi(x, y) == pytest.approx(100 * (within + second - 2 * between), rel=1e-10)


@given(st.integers(0, 2**32 - 1))
def test_it_is_a_distance_between_second_moments(seed: int) -> None:
    """With this kernel the MMD is the Frobenius distance of the uncentred second moments, over D."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(7, 5)), rng.normal(size=(9, 5))
    moments = [a.T @ a / len(a) for a in (x, y)]
    assert jedi(x, y) == pytest.approx(100 * np.sum((moments[0] - moments[1]) ** 2) / 25, rel=1e-9, abs=1e-9)
    assert jedi(x, y) == pytest.approx(jedi(y, x))
    assert jedi(x, x[::-1]) == pytest.approx(0, abs=1e-9)
    assert jedi(x, x) >= 0
