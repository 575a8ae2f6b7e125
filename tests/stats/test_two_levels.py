"""Means over seeds: by hand, and how often their intervals hold the truth in made-up studies."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.stats.two_levels import means_over_seeds, sets_over_seeds


def test_by_hand() -> None:
    """Two seeds, three subjects of one clip each: variances 0.02 / 2 between seeds, 1 / 3 of subjects."""
    values = np.array([[1.0, 2.0, 3.0], [1.2, 2.2, 3.2]])
    found = means_over_seeds(values, ["ann", "bob", "cem"])
    assert found.value == pytest.approx(2.1)
    assert found.of_seeds == pytest.approx(0.2 / 2**0.5)
    assert found.share == pytest.approx(0.01 / (0.01 + 1 / 3))
    assert found.low is None
    assert found.high is None


def test_of_seeds_that_agree_all_is_of_subjects_and_of_equal_subjects_all_of_seeds() -> None:
    subjects = [f"s{i}" for i in range(8)]
    same = np.tile(np.arange(8.0), (3, 1))
    assert means_over_seeds(same, subjects).share == 0
    shifted = np.zeros((3, 8)) + np.arange(3.0)[:, None]
    found = means_over_seeds(shifted, subjects)
    assert found.share == 1
    assert found.low is not None
    assert found.low < 0 < 2 < (found.high or 0), "three seeds say little"
    assert means_over_seeds(shifted[:2], subjects).low is None, "and two too little"
    nothing = means_over_seeds(np.ones((3, 8)), subjects)
    assert (nothing.low, nothing.high, nothing.share) == (1, 1, None)


def test_a_set_metric_has_the_replicates_of_its_mean() -> None:
    replicates = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]] * 2) + np.array([[0.0], [1.0]])
    found = sets_over_seeds([3.5, 4.5], replicates, [4] * 6)
    of_subjects = 5 / 6 * ((np.arange(1, 7) - 3.5) ** 2).sum()
    assert found.value == 4
    assert found.share == pytest.approx(0.25 / (0.25 + of_subjects))


@pytest.mark.parametrize("seed_sd", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_holds_the_truth_as_often_as_it_says(seed_sd: float, seeds: int) -> None:
    """600 studies of 12 subjects with 2 clips each; at least 93 % of 95 %, wider where both levels count."""
    rng = np.random.default_rng(int(10 * seed_sd) + seeds)
    subjects = [f"s{i // 2}" for i in range(24)]
    held = 0
    for _ in range(600):
        of_subject = np.repeat(rng.normal(size=12), 2)
        values = of_subject + seed_sd * rng.normal(size=(seeds, 1)) + 0.5 * rng.normal(size=(seeds, 24))
        found = means_over_seeds(values, subjects)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0 <= found.high
    assert held / 600 >= 0.93


def test_one_level_alone_would_be_too_narrow() -> None:
    """What the second level is for: subjects alone, with seeds that differ as much, miss in a third."""
    rng = np.random.default_rng(0)
    subjects = [f"s{i}" for i in range(12)]
    held = 0
    for _ in range(400):
        values = rng.normal(size=12) + rng.normal(size=(3, 1))
        found = means_over_seeds(values, subjects)
        assert found.share is not None
        reach = 2.2 * (values.mean(axis=0).std(ddof=1) / 12**0.5)
        held += abs(found.value) <= reach
    assert held / 400 < 0.75
