"""The subject bootstrap: its limits, its invariances, its coverage."""

import numpy as np
import pytest

from fevbench.stats.bootstrap import RESAMPLES, draw_subjects, percentile_interval, subject_bootstrap


def test_needs_two_people() -> None:
    assert subject_bootstrap([0.1, 0.9], ["a", "a"]) is None
    assert subject_bootstrap([], []) is None


def test_refuses_values_without_subjects() -> None:
    with pytest.raises(ValueError, match="subjects"):
        subject_bootstrap([1.0], [])


def test_does_not_depend_on_the_order_of_clips() -> None:
    rng = np.random.default_rng(0)
    values, subjects = rng.normal(size=30), [f"p{i % 7}" for i in range(30)]
    order = rng.permutation(30)
    shuffled = subject_bootstrap([values[i] for i in order], [subjects[i] for i in order])
    assert shuffled == pytest.approx(subject_bootstrap(list(values), subjects))


def test_clips_of_one_person_add_no_certainty() -> None:
    """Ten copies of every clip are no new information; a bootstrap over clips would shrink by sqrt(10)."""
    rng = np.random.default_rng(1)
    values, subjects = list(rng.normal(size=12)), [f"p{i}" for i in range(12)]
    once = subject_bootstrap(values, subjects)
    assert subject_bootstrap(values * 10, subjects * 10) == pytest.approx(once)


def test_covers_the_truth_about_as_often_as_it_says() -> None:
    """24 people with a person effect, 6 clips each: at least 88 % of 95 % intervals hold the mean."""
    rng = np.random.default_rng(2)
    subjects = [f"p{i // 6}" for i in range(144)]
    hits = 0
    for _ in range(200):
        values = np.repeat(rng.normal(size=24), 6) + rng.normal(size=144)
        bounds = subject_bootstrap(list(values), subjects)
        assert bounds is not None
        hits += bounds[0] <= 0 <= bounds[1]
    assert 0.88 <= hits / 200 <= 0.99


def test_draws_of_people_give_the_interval_of_the_mean() -> None:
    """Whoever computes another statistic of the same draws gets an interval that goes with the mean's."""
    values, subjects = [0.0, 1.0, 5.0, 2.0], ["a", "a", "b", "c"]
    draws = draw_subjects(3)
    assert draws.sum(axis=1).tolist() == [3] * RESAMPLES
    means = draws @ np.array([1.0, 5.0, 2.0]) / (draws @ np.array([2, 1, 1]))
    assert percentile_interval(means) == subject_bootstrap(values, subjects)


def test_resamples_without_a_value_are_left_out() -> None:
    assert percentile_interval(np.array([np.nan, 2.0, 2.0])) == (2, 2)
