"""The jackknife over people: a case by hand, its limits, and whether it says how far a distance moves."""

import numpy as np
import pytest

from fevbench.metrics.catalog import metrics
from fevbench.metrics.frechet import frechet_distance
from fevbench.metrics.kernel import kernel_distance
from fevbench.stats.jackknife import (
    MOST_GROUPS,
    group_sizes,
    groups_of,
    jackknife_error,
    jackknife_interval,
)


def test_the_error_of_a_mean_is_the_textbooks() -> None:
    values = np.array([1.0, 4.0, 2.0, 7.0, 3.0, 4.0])
    without = [np.delete(values, i).mean() for i in range(6)]
    assert jackknife_error(without) == pytest.approx(values.std(ddof=1) / np.sqrt(6))
    bounds = jackknife_interval(values.mean(), without)
    assert bounds is not None
    assert (bounds[1] - bounds[0]) / 2 == pytest.approx(2.570582 * values.std(ddof=1) / np.sqrt(6))
    assert sum(bounds) / 2 == pytest.approx(3.5)


def test_few_people_have_no_interval() -> None:
    assert jackknife_interval(1.0, [0.9, 1.1]) is None
    assert jackknife_interval(1.0, [0.9, 1.1, 1.0, 0.95, 1.05]) is None


def test_unequal_groups_by_hand() -> None:
    """Groups {1}, {4, 2} and {7, 3, 4}: h is 6, 3, 2, the mean 3.5; pseudo-values are the groups' means."""
    without = [20 / 5, 15 / 4, 7 / 3]
    pseudo, h = np.array([1.0, 3.0, 14 / 3]), np.array([6.0, 3.0, 2.0])
    wanted = np.sqrt((((pseudo - 3.5) ** 2) / (h - 1)).mean())
    assert jackknife_error(without, 3.5, [1, 2, 3]) == pytest.approx(wanted)


def test_equal_groups_need_no_sizes() -> None:
    without = [3.1, 2.9, 3.4, 3.0]
    assert jackknife_error(without, 3.0, [2, 2, 2, 2]) == jackknife_error(without)
    # The formula for unequal groups comes to the same where they are nearly of one size.
    near = jackknife_error(without, 3.0, [10**6, 10**6, 10**6, 10**6 + 1])
    assert near == pytest.approx(jackknife_error(without), rel=1e-5)


def test_a_bias_of_the_order_of_one_in_n_is_no_scatter() -> None:
    """A statistic that is nothing but its bias, 1 / n, moves with no people at all."""
    sizes = [1, 2, 3, 4, 5, 6]
    without = [1 / (21 - size) for size in sizes]
    assert jackknife_error(without, 1 / 21, sizes) == pytest.approx(0, abs=1e-12)
    assert jackknife_error(without) > 0.01


def test_groups_are_as_large_as_their_clips_that_count() -> None:
    assert group_sizes(["b", "a", "b", "c"]) == [1, 2, 1]
    assert group_sizes(["b", "a", "b", "c"], [True, False, False, True]) == [1, 1]
    assert sum(group_sizes([f"p{i:02}" for i in range(22)])) == 22


@pytest.mark.parametrize(
    ("people", "clips"),
    [(13, 4), (18, 3), (22, None), (9, None)],
    ids=["13 people", "18 people", "22 people, 48 clips by hash", "9 people, 48 clips by hash"],
)
def test_the_error_of_unequal_groups_is_right_to_a_tenth(people: int, clips: int | None) -> None:
    """People that twelve groups do not divide, with as many features as I3D has.

    Of equal groups alone the error would be 1.17 to 1.42 times too large.
    """
    rng = np.random.default_rng(0)
    values, errors = [], []
    for draw in range(500):
        of_whom = np.repeat(np.arange(people), clips or 1)
        while clips is None and (len(of_whom) != 48 or len(set(of_whom)) < people):
            of_whom = np.sort(rng.choice(np.repeat(np.arange(people), 12), 48, replace=False))
        real = rng.normal(size=(people, 400))[of_whom] + rng.normal(size=(len(of_whom), 400))
        made = 0.9 * real + 0.6 * rng.normal(size=real.shape)
        values.append(frechet_distance(made, real))
        if draw < 40:
            names = [f"p{who:03}" for who in of_whom]
            without = metrics.get("fvd").with_replicates((made, real), groups_of(names))[1]
            errors.append(jackknife_error(without, values[-1], group_sizes(names)))
    assert 0.9 < np.sqrt(np.mean(np.square(errors))) / np.std(values) < 1.1


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
    value, found = metrics.get(name).with_replicates((made, real), groups)
    assert value == pytest.approx(statistic(made, real), rel=1e-9)
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
            errors.append(jackknife_error(metrics.get(name).with_replicates((made, real), groups)[1]))
    assert 0.7 < np.sqrt(np.mean(np.square(errors))) / np.std(values) < 1.4
