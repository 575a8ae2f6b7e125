"""The kernel distance: its blocks, its expectation, and what it sees."""

import numpy as np
import pytest

from fevbench.metrics import kernel
from fevbench.metrics.kernel import jedi, jedi_jackknife, kernel_distance, kernel_jackknife


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(17, 9)), rng.normal(1, 2, size=(23, 9))
    at_once = kernel_distance(x, y)
    monkeypatch.setattr(kernel, "BLOCK", 3)
    assert kernel_distance(x, y) == pytest.approx(at_once, rel=1e-10)


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


@pytest.mark.parametrize("block", [4, 2048])
def test_replicates_are_the_distance_of_the_others(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(23, 6)), rng.normal(0.5, 1, size=(23, 6))
    groups = rng.permutation(np.arange(23) % 4)
    monkeypatch.setattr(kernel, "BLOCK", block)
    for plain, jackknife in ((kernel_distance, kernel_jackknife), (jedi, jedi_jackknife)):
        value, replicates = jackknife(x, y, groups)
        assert value == pytest.approx(plain(x, y), rel=1e-10)
        wanted = [plain(x[groups != g], y[groups != g]) for g in range(4)]
        assert replicates == pytest.approx(wanted, rel=1e-10)
