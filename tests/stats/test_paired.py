"""Paired tests: cases by hand, their invariances and limits, and how often they are wrong and right."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import stdtr
from scipy.stats import ttest_1samp

from fevbench.metrics.catalog import metrics as catalog
from fevbench.metrics.kernel import kernel_jackknife
from fevbench.stats import paired
from fevbench.stats.bootstrap import LEAST_SUBJECTS
from fevbench.stats.jackknife import groups_of, jackknife_error
from fevbench.stats.paired import (
    NO_SCATTER,
    compare_means,
    compare_sets,
    sign_flip_p,
    smallest_p,
)


def people(count: int, clips: int) -> list[str]:
    return [f"p{i:02}" for i in range(count) for _ in range(clips)]


def test_sign_flips_by_hand() -> None:
    """1, 2 and 4 with signs: sums 7, 5, 3, 1 and their negatives; -1 + 2 + 4 = 5 is reached by 4 of 8."""
    assert sign_flip_p([1, 2, 4]) == 2 / 8
    assert sign_flip_p([-1, 2, 4]) == 4 / 8
    assert sign_flip_p([1, -2, 4]) == 6 / 8
    assert sign_flip_p([1, 2, -4]) == 1
    assert sign_flip_p([3]) == 1


@pytest.mark.parametrize("count", [2, 5, 8, 11])
def test_counting_by_halves_is_counting_all(count: int) -> None:
    """Small whole numbers, so that many sums are equal."""
    rng = np.random.default_rng(count)
    for _ in range(20):
        totals = rng.integers(-4, 5, size=count) * 0.1
        sums = [abs(np.dot(signs, totals)) for signs in itertools.product((1, -1), repeat=count)]
        wanted = np.mean([value >= abs(totals.sum()) - 1e-9 for value in sums])
        assert sign_flip_p(totals) == wanted


@pytest.mark.parametrize("mean", [0.0, 0.3, 0.8, 1.5])
@pytest.mark.parametrize("whole", [False, True], ids=["real", "whole"])
def test_sums_on_a_grid_are_never_below_all_and_next_to_them(
    monkeypatch: pytest.MonkeyPatch, mean: float, whole: bool
) -> None:
    """Whole numbers have many equal sums, one wildly large number a coarse grid for all others."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        totals = rng.normal(mean, 1, size=18)
        if whole:
            totals = np.rint(2 * totals)
        totals[0] *= rng.choice([1, 50])
        monkeypatch.setattr(paired, "EXACT_SUBJECTS", 18)
        exact = sign_flip_p(totals)
        monkeypatch.setattr(paired, "EXACT_SUBJECTS", 17)
        assert exact <= sign_flip_p(totals) * (1 + 1e-12)
        assert sign_flip_p(totals) == pytest.approx(exact, rel=0.03, abs=2**-17)


def test_many_people_can_tell_46_models_apart() -> None:
    """1035 pairs multiply p by as much; 20,000 random flips gave no p below 5e-5."""
    assert sign_flip_p(np.ones(46)) == pytest.approx(smallest_p(46))
    assert sign_flip_p(np.random.default_rng(0).normal(1, 1, size=46)) * 46 * 45 / 2 < 0.01


def test_the_smallest_p() -> None:
    assert sign_flip_p([1.0] * LEAST_SUBJECTS) == smallest_p(LEAST_SUBJECTS) < 0.05
    assert sign_flip_p([1.0] * (LEAST_SUBJECTS - 1)) == smallest_p(LEAST_SUBJECTS - 1) > 0.05


def test_a_model_against_itself() -> None:
    values, subjects = np.random.default_rng(1).normal(size=24), people(8, 3)
    test = compare_means(values, values, subjects)
    assert (test.difference, test.interval, test.p, test.reason) == (0, (0, 0), 1, "")
    own = [3.1, 2.9, 3.2, 3.0, 3.1, 2.8]
    alone = compare_sets(3.0, 3.0, own, own)
    assert (alone.difference, alone.interval, alone.p) == (0, (0, 0), 1)


def test_ties_and_rounding_are_no_evidence() -> None:
    """Ten people with the same tiny rounding error are no ten witnesses."""
    a, subjects = np.full(20, 0.3), people(10, 2)
    assert compare_means(a, a + 1e-13, subjects).p == 1
    assert compare_sets(0.0, 1e-13, [0.0] * 5, [2e-13] * 5).p == 1
    only_one = a.copy()
    only_one[0] += 0.1
    assert compare_means(only_one, a, subjects).p == 1


def test_too_few_people_is_a_reason_and_not_a_number() -> None:
    test = compare_means([1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0], people(2, 2))
    assert test.difference == 2.5
    assert test.interval is None
    assert (test.p, test.reason) == (None, "2 subjects, and a test needs 6")
    assert compare_means(np.arange(5.0), np.zeros(5), people(5, 1)).interval is None
    assert compare_means(np.arange(6.0), np.zeros(6), people(6, 1)).interval is not None
    sets = compare_sets(2.0, 1.0, [2.0, 2.0], [1.0, 1.0])
    assert (sets.difference, sets.interval, sets.p) == (1, None, None)
    assert sets.reason == "2 subjects, and a test needs 3"
    with pytest.raises(ValueError, match="no clip"):
        compare_means([], [], [])
    with pytest.raises(ValueError, match="3 replicates for 4"):
        compare_sets(0.0, 0.0, [0.0] * 3, [0.0] * 4)


@pytest.mark.parametrize("rounding", [0.0, 1e-12])
def test_replicates_without_scatter_are_no_certainty(rounding: float) -> None:
    """As of a share that is 1 whoever is left out, or of two numbers that move together to the last digit."""
    noise = rounding * np.array([1.0, -1, 1, -1, 1, -1])
    test = compare_sets(1.0, 0.5, 1 + noise, [0.5] * 6)
    assert (test.difference, test.p, test.interval, test.reason) == (0.5, None, None, NO_SCATTER)
    assert compare_sets(1.0, 0.5, [1.0, 0.9, 1, 1, 1, 1], [0.5] * 6).p is not None


def test_the_jackknife_of_differences_knows_the_groups() -> None:
    """Of means, with whole people left out, it is the jackknife of unequal groups of the differences."""
    rng = np.random.default_rng(6)
    of_whom = np.repeat(np.arange(8), [1, 2, 3, 4, 5, 6, 7, 8])
    a, b = rng.normal(size=36), rng.normal(0.5, 1, size=36)
    without = [[v[of_whom != i].mean() for i in range(8)] for v in (a, b, a - b)]
    sizes = np.bincount(of_whom).tolist()
    test = compare_sets(a.mean(), b.mean(), *without[:2], sizes)
    error = jackknife_error(without[2], (a - b).mean(), sizes)
    assert test.p == pytest.approx(2 * stdtr(7, -abs((a - b).mean()) / error))
    assert test.p != compare_sets(a.mean(), b.mean(), *without[:2]).p


def test_exchanging_the_models_turns_the_difference_round() -> None:
    rng = np.random.default_rng(2)
    a, b, subjects = rng.normal(size=40), rng.normal(size=40), people(10, 4)
    order = rng.permutation(40)
    one = compare_means(a, b, subjects)
    other = compare_means(b[order], a[order], [subjects[i] for i in order])
    assert one.interval is not None
    assert other.interval is not None
    assert other.difference == pytest.approx(-one.difference)  # type: ignore[operator]
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]))
    assert other.p == one.p


def test_people_weigh_as_in_the_mean() -> None:
    """One person with many clips moves the mean, and the test, more than one with a single clip."""
    subjects = ["p0"] * 30 + [f"p{i}" for i in range(1, 8)]
    a = np.array([-1.0] * 30 + [2.0] * 7)
    test = compare_means(a, np.zeros(37), subjects)
    assert test.difference == pytest.approx(a.mean())
    assert test.p == sign_flip_p([-30, 2, 2, 2, 2, 2, 2, 2]) == 1


def test_the_jackknife_of_means_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=12), rng.normal(0.5, 1, size=12)
    without = [[np.delete(v, i).mean() for i in range(12)] for v in (a, b)]
    test = compare_sets(a.mean(), b.mean(), *without)
    assert test.p == pytest.approx(ttest_1samp(a - b, 0).pvalue)


@pytest.mark.parametrize("count", [8, 24])
def test_sign_flips_are_wrong_as_seldom_as_they_say_and_see_what_is_there(count: int) -> None:
    """600 draws of equals, people differing in number of clips: 5 %, within 4 standard errors above."""
    rng = np.random.default_rng(4)
    wrong = right = 0
    for draw in range(600):
        clips = rng.integers(1, 9, size=count)
        subjects = np.repeat([f"p{i:02}" for i in range(count)], clips).tolist()
        person = np.repeat(rng.normal(size=count), clips)
        equal = person + rng.normal(size=len(subjects))
        wrong += _below(compare_means(equal, np.zeros_like(equal), subjects).p)
        if draw < 100:
            right += _below(compare_means(equal + 2, np.zeros_like(equal), subjects).p)
    assert wrong / 600 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 600)
    assert right / 100 > 0.9


@pytest.mark.parametrize(("count", "power"), [(8, 0.6), (24, 0.9)])
def test_the_jackknife_is_wrong_as_seldom_as_it_says_and_sees_what_is_there(count: int, power: float) -> None:
    """Kernel distances of two equal models, and of one that is clearly further from the truth."""
    rng = np.random.default_rng(5)
    groups, wrong, right = groups_of(people(count, 4)), 0, 0
    for draw in range(200):
        effect = rng.normal(size=(count, 1, 5))
        real = (effect + 0.6 * rng.normal(size=(count, 4, 5))).reshape(-1, 5)
        made = [
            real + shift + 0.3 * np.repeat(rng.normal(size=(count, 5)), 4, axis=0)
            for shift in (0.4, 0.4, 1.2)
        ]
        first, equal, worse = (kernel_jackknife(m, real, groups) for m in made)
        wrong += _below(compare_sets(first[0], equal[0], first[1], equal[1]).p)
        if draw < 50:
            right += _below(compare_sets(first[0], worse[0], first[1], worse[1]).p)
    assert wrong / 200 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)
    assert right / 50 > power


def _below(p: float | None) -> bool:
    assert p is not None
    return p < 0.05


def test_the_jackknife_of_shares_is_wrong_no_more_often_than_it_says() -> None:
    """Macro-F1 and shares of neighbourhoods move in steps: what holds for means may not hold for them."""
    rng, of_whom = np.random.default_rng(0), np.repeat(np.arange(8), 4)
    groups, labels = groups_of(people(8, 4)), np.tile(np.arange(6), 6)[:32]
    wrong = dict.fromkeys(("macro-f1", "precision", "recall", "density", "coverage"), 0)

    def reader() -> NDArray[np.float64]:
        """Right in 60 % of the clips, of some people more often than of others."""
        right = rng.random(32) < rng.normal(0.6, 0.2, size=8)[of_whom]
        return np.eye(6)[np.where(right, labels, rng.integers(6, size=32))]

    def features(spread: float, shift: float) -> NDArray[np.float64]:
        return faces + spread * rng.normal(size=(32, 20)) + shift

    for _ in range(200):
        faces = (0.7 * rng.normal(size=(8, 20)))[of_whom]
        real, pair = features(1.0, 0.0), (features(0.8, 0.3), features(0.8, 0.3))
        readings = (reader(), reader())
        for name in wrong:
            metric = catalog.get(name)
            sides = [(logits, logits, labels) for logits in readings]
            if name != "macro-f1":
                sides = [(made, real) for made in pair]  # type: ignore[misc]
            (first, of_first), (second, of_second) = (
                metric.with_replicates(arrays, groups) for arrays in sides
            )
            wrong[name] += _below(compare_sets(first, second, of_first, of_second).p)
    assert max(wrong.values()) / 200 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200), wrong
