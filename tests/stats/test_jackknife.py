"""The jackknife over people: a case by hand, its limits, and whether it says how far a distance moves."""

import numpy as np
import pytest

from fevbench.metrics.catalog import metrics
from fevbench.metrics.frechet import frechet_distance
from fevbench.metrics.kernel import kernel_distance
from fevbench.stats.jackknife import MOST_GROUPS, groups_of, jackknife_error, jackknife_interval


def test_the_error_of_a_mean_is_the_textbooks() -> None:
    values = np.array([1.0, 4.0, 2.0, 7.0])
    without = [np.delete(values, i).mean() for i in range(4)]
    assert jackknife_error(without) == pytest.approx(values.std(ddof=1) / 2)
    bounds = jackknife_interval(values.mean(), without)
    assert bounds is not None
    assert (bounds[1] - bounds[0]) / 2 == pytest.approx(3.182446 * values.std(ddof=1) / 2)
    assert sum(bounds) / 2 == pytest.approx(3.5)


def test_two_groups_say_nothing() -> None:
    assert jackknife_interval(1.0, [0.9, 1.1]) is None


def test_people_are_dealt_out_whatever_the_order_of_clips() -> None:
    subjects = [f"p{i:02}" for i in range(30)] * 2
    groups = groups_of(subjects)
    assert sorted(np.bincount(groups)) == [4] * 6 + [6] * 6
    assert len(np.bincount(groups)) == MOST_GROUPS
    order = np.random.default_rng(0).permutation(60)
    assert (groups_of([subjects[i] for i in order]) == groups[order]).all()
    assert groups_of(["b", "a", "b"]).tolist() == [1, 0, 1]


@pytest.mark.parametrize(("name", "statistic"), [("fvd", frechet_distance), ("kvd", kernel_distance)])
@pytest.mark.parametrize("features", [3, 40])
def test_replicates_are_the_statistic_of_the_others(name: str, statistic, features: int) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    made, real = rng.normal(1, 2, size=(30, features)), rng.normal(size=(30, features))
    groups = np.arange(30) % 5
    found = metrics.get(name).without_each((made, real), groups)
    wanted = [statistic(made[groups != g], real[groups != g]) for g in range(5)]
    assert found == pytest.approx(wanted, rel=1e-9)


def drawn(rng: np.random.Generator, people: int, clips: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """True features with a person effect, and made ones: paler, shifted, noisy."""
    scale = np.sqrt(np.exp(-8 * np.arange(features) / features) + 0.01)
    person = 0.8 * rng.normal(size=(people, 1, features))
    real = scale * (person + 0.6 * rng.normal(size=(people, clips, features)))
    made = 0.8 * real + scale * (0.3 + 0.3 * rng.normal(size=real.shape))
    return made.reshape(-1, features), real.reshape(-1, features)


@pytest.mark.parametrize(("name", "statistic"), [("fvd", frechet_distance), ("kvd", kernel_distance)])
@pytest.mark.parametrize("features", [20, 150])
def test_the_error_is_how_far_the_distance_moves_with_other_people(  # type: ignore[no-untyped-def]
    name: str, statistic, features: int
) -> None:
    """With more and with fewer clips than features; between 0.7 and 1.4 of what 80 draws of people show."""
    rng = np.random.default_rng(2)
    groups = groups_of([f"p{i // 4:02}" for i in range(96)])
    values, errors = [], []
    for draw in range(80):
        made, real = drawn(rng, 24, 4, features)
        values.append(statistic(made, real))
        if draw < 16:
            errors.append(jackknife_error(metrics.get(name).without_each((made, real), groups)))
    assert 0.7 < np.sqrt(np.mean(np.square(errors))) / np.std(values) < 1.4
