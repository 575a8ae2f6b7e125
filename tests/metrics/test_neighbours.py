"""Precision, recall, density and coverage: by hand, on what they must see, and against a second writing."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.metrics import neighbours
from fevbench.metrics.neighbours import coverage, density, precision, recall

LINE = np.arange(8.0)[:, None]


def test_by_hand_on_a_line() -> None:
    """Real samples 0..7; the third neighbour of 0 is at distance 3, of 3 at 2, of 7 at 3."""
    assert precision(np.array([[-3.0]]), LINE) == 1
    assert precision(np.array([[-3.1]]), LINE) == 0
    assert precision(np.array([[-3.1], [5.0]]), LINE) == 0.5
    # The fifth neighbours' distances are 5 4 3 3 3 3 4 5: seven of eight hold 2.9, and 5 is k.
    assert density(np.array([[2.9]]), LINE) == pytest.approx(8 / 5)
    assert density(np.array([[-4.0]]), LINE) == pytest.approx(1 / 5)
    assert coverage(np.array([[-4.0]]), LINE) == pytest.approx(1 / 8)


def test_a_set_is_real_and_complete_to_itself() -> None:
    x = np.random.default_rng(0).normal(size=(40, 6))
    assert precision(x, x) == recall(x, x) == coverage(x, x) == 1
    assert density(x, x) >= 1


def test_they_tell_what_is_wrong() -> None:
    rng = np.random.default_rng(1)
    real, same = rng.normal(size=(200, 4)), rng.normal(size=(200, 4))
    assert density(same, real) == pytest.approx(1, abs=0.15)
    far, narrow = same + 8, 0.1 * same
    assert precision(far, real) < 0.05
    assert recall(far, real) < 0.05
    assert precision(narrow, real) > 0.95, "what crowds in the middle is real"
    assert recall(narrow, real) < 0.1, "and little of what there is"
    assert coverage(narrow, real) < 0.5 * coverage(same, real)
    assert density(narrow, real) > 1.2


def test_one_outlier_spoils_recall_and_not_coverage() -> None:
    rng = np.random.default_rng(2)
    real, narrow = rng.normal(size=(100, 4)), 0.1 * rng.normal(size=(100, 4))
    outliers = np.concatenate([narrow, [[30.0] * 4, [31.0] * 4]])
    assert recall(outliers, real) - recall(narrow, real) > 0.3
    assert abs(coverage(outliers, real) - coverage(narrow, real)) < 0.05


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="needs more than 5 samples, got 5"):
        density(LINE, LINE[:5])


@pytest.mark.parametrize("name", ["precision", "recall", "density", "coverage"])
@pytest.mark.parametrize("block", [7, 2048])
def test_replicates_are_the_number_of_the_others(
    name: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without blocks and groups, from all distances at once."""
    rng = np.random.default_rng(3)
    made, real = rng.normal(0.3, 1, size=(40, 4)), rng.normal(size=(40, 4))
    groups = rng.permutation(np.arange(40) % 6)

    def plain(made: np.ndarray, real: np.ndarray) -> float:
        made, real = (real, made) if name == "recall" else (made, real)
        k = 5 if name in ("density", "coverage") else 3
        reach = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
        within = np.linalg.norm(made[:, None] - real, axis=2) <= reach
        share = {"density": within.sum(axis=1) / k, "coverage": within.any(axis=0)}
        return float(share.get(name, within.any(axis=1)).mean())

    monkeypatch.setattr(neighbours, "BLOCK", block)
    value, replicates = getattr(neighbours, f"{name}_jackknife")(made, real, groups)
    assert value == getattr(neighbours, name)(made, real) == pytest.approx(plain(made, real))
    kept = [groups != group for group in range(6)]
    assert replicates == pytest.approx([plain(made[some], real[some]) for some in kept])


def test_a_replicate_of_too_few_is_none() -> None:
    groups = np.array([0, 0, 0, 0, 0, 1, 1, 2])
    _, replicates = neighbours.density_jackknife(LINE + 0.1, LINE, groups)
    assert list(np.isnan(replicates)) == [True, False, False]
