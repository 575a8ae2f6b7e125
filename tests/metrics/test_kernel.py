"""The kernel distance against scikit-learn's polynomial kernel, and its expectation."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import polynomial_kernel

from fevbench.metrics import kernel
from fevbench.metrics.kernel import kernel_distance


def by_definition(x: np.ndarray, y: np.ndarray) -> float:
    xx, yy, xy = (polynomial_kernel(a, b, degree=3, coef0=1) for a, b in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return within - 2 * xy.mean()


@pytest.mark.parametrize("block", [3, 4096])
def test_equals_the_definition(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "BLOCK", block)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(17, 9)), rng.normal(1, 2, size=(23, 9))
    assert kernel_distance(x, y) == pytest.approx(by_definition(x, y), rel=1e-10)


def test_is_unbiased() -> None:
    """Over many pairs of samples of one distribution the mean is 0 within its standard error."""
    rng = np.random.default_rng(1)
    values = [kernel_distance(rng.normal(size=(8, 5)), rng.normal(size=(8, 5))) for _ in range(2000)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


def test_sees_a_shift() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(50, 5)), rng.normal(size=(50, 5))
    assert kernel_distance(x + 1, y) > 10 * abs(kernel_distance(x, y))


def test_refuses_single_samples() -> None:
    with pytest.raises(ValueError, match="2 samples"):
        kernel_distance(np.ones((1, 3)), np.ones((5, 3)))
