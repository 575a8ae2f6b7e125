"""What is found of simulated raters, whose truth is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import kendalltau
from simulated_raters import answer, file, metric, raters, study

from fevbench.errors import RunError
from fevbench.study.choices import fit, win_rates
from fevbench.study.outcome import Outcome, find_outcome, kendall_tau
from fevbench.study.record import Answers, Raters, Score, Study, StudyMetric
from fevbench.study.text import outcome_json


def found(made: Study, everyone: list[Answers]) -> Outcome:
    return find_outcome(made, Raters(tuple(everyone), {}, (), (), 0))


def test_the_order_of_the_models_is_recovered() -> None:
    made = study(5, subjects=12, pairs=60)
    truth = [0.0, 2.0, -1.0, 1.0, -2.0]
    rng = np.random.default_rng(0)
    outcome = found(made, raters(made, truth, 20, rng, of_subjects=0.3, of_raters=0.3, ties=0.1))
    assert [one.name for one in outcome.models] == ["m1", "m3", "m0", "m2", "m4"]
    assert outcome.same == pytest.approx(0.1, abs=0.03)
    for one in outcome.models:
        assert one.interval is not None
        assert one.interval[0] < one.win_rate < one.interval[1]
        assert one.comparisons == 20 * 24
    assert outcome.duels[0].comparisons == 20 * 6
    assert sum(duel.comparisons for duel in outcome.duels) == outcome.comparisons == 1200


def test_without_ties_strengths_themselves_are_recovered() -> None:
    made = study(3, subjects=12, pairs=36)
    outcome = found(made, raters(made, [1.0, 0.0, -1.0], 150, np.random.default_rng(1)))
    assert [one.strength for one in outcome.models] == pytest.approx([1, 0, -1], abs=0.1)


@pytest.mark.parametrize(("of_subjects", "of_raters"), [(0.7, 0.0), (0.0, 0.7), (0.5, 0.5)])
def test_intervals_cover_where_subjects_or_raters_differ(of_subjects: float, of_raters: float) -> None:
    strengths = np.array([0.6, 0.0, -0.6])
    rng = np.random.default_rng(2)
    # The truth is of all subjects and raters: how often i is preferred to j on average over both.
    spread = np.sqrt(2 * (of_subjects**2 + of_raters**2))
    noise = spread * rng.normal(size=200_000)
    chance = np.array([[np.mean(1 / (1 + np.exp(-(a - b + noise)))) for b in strengths] for a in strengths])
    truth = win_rates(fit(1e6 * chance * (1 - np.eye(3))))
    covered, times = 0, 30
    for seed in range(times):
        made = study(3, subjects=12, pairs=36, seed=seed)
        outcome = found(made, raters(made, strengths, 12, rng, of_subjects, of_raters))
        for one in outcome.models:
            assert one.interval is not None
            covered += one.interval[0] <= truth[int(one.name[1])] <= one.interval[1]
    assert covered / (3 * times) >= 0.92  # of 95 %; thirty draws of three dependent intervals


def test_intervals_are_wider_where_raters_or_subjects_differ() -> None:
    def width(**effects: float) -> float:
        made = study(2, subjects=10, pairs=20)
        outcome = found(made, raters(made, [0.5, -0.5], 30, np.random.default_rng(3), **effects))
        low, high = outcome.models[0].interval or (0, 0)
        return high - low

    assert width(of_subjects=1.5) > 1.5 * width()
    assert width(of_raters=1.5) > 1.2 * width()


def test_who_wins_everything_has_a_win_rate_below_one() -> None:
    made = study(3, checks=0)
    best = {pair.id: "ab"[pair.b == 0] if 0 in (pair.a, pair.b) else "same" for pair in made.pairs}
    answers = [answer(question, choice) for question, choice in best.items()]
    outcome = found(made, [file(made, f"r{i}", answers) for i in range(8)])
    first = outcome.models[0]
    assert (first.name, first.ties, first.losses) == ("m0", 0, 0)
    assert 0.95 < first.win_rate < 1
    assert first.interval is not None
    assert first.interval[1] < 1
    json.loads(outcome_json(outcome))


def test_a_choice_of_no_difference_is_half_a_win_for_each() -> None:
    made = study(2, checks=0, pairs=8)
    outcome = found(made, [file(made, "r", [answer(pair.id, "same") for pair in made.pairs])])
    assert [one.win_rate for one in outcome.models] == pytest.approx([0.5, 0.5])
    assert (outcome.same, outcome.left) == (1.0, None)


def test_models_that_no_answer_connects_are_refused() -> None:
    made = study(4, checks=0, pairs=12)
    some = [answer(pair.id, "a") for pair in made.pairs if {pair.a, pair.b} in ({0, 1}, {2, 3})]
    with pytest.raises(RunError, match="no comparison connects m0, m1 with m2, m3"):
        found(made, [file(made, "r", some)])


@pytest.mark.parametrize(("count", "subjects", "words"), [(5, 8, "5 raters, and"), (8, 5, "5 subjects, and")])
def test_too_few_raters_or_subjects_make_no_interval(count: int, subjects: int, words: str) -> None:
    made = study(3, subjects=subjects, metrics={"csim": metric([3, 2, 1])})
    outcome = found(made, raters(made, [1, 0, -1], count, np.random.default_rng(0)))
    assert words in outcome.no_interval
    assert all(one.interval is None for one in (*outcome.models, *outcome.duels, *outcome.agreement))
    assert outcome.agreement[0].tau == 1


def test_what_is_always_left_is_seen() -> None:
    made = study(2, checks=0, pairs=8)
    outcome = found(made, [file(made, "r", [answer(pair.id, "b", left="b") for pair in made.pairs])])
    assert outcome.left == 1


def test_tau_is_the_known_one() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        one, other = rng.integers(0, 5, (2, 7)).astype(float)
        assert kendall_tau(one, other) == pytest.approx(kendalltau(one, other).statistic, nan_ok=True)


def test_which_metric_agrees_with_people() -> None:
    truth = [2.0, 0.7, -0.7, -2.0]
    metrics = {
        "against": metric([1, 2, 3, 4], subjects=10),
        "agrees": metric([4, 3, 2, 1], subjects=10),
        "error": metric([0.1, 0.2, 0.3, 0.4], higher_is_better=False),
        "flat": metric([1, 1, 1, 1]),
        "absent": metric([1, None, None, 2]),
        "part": metric([3, 2, None, 1]),
        "unranked": metric([1, 2, 3, 4]).model_copy(
            update={"reason": "a larger value is not better by itself"}
        ),
    }
    made = study(4, subjects=10, pairs=48, metrics=metrics)
    outcome = found(made, raters(made, truth, 30, np.random.default_rng(5)))
    by_name = {one.metric: one for one in outcome.agreement}
    assert {name: one.tau for name, one in by_name.items()} == {
        "agrees": 1,
        "error": 1,
        "part": 1,
        "against": -1,
        "flat": None,
        "absent": None,
        "unranked": None,
    }
    assert by_name["part"].models == 3
    assert by_name["absent"].reason == "2 of the models have a number, and tau needs 3"
    assert (by_name["agrees"].whole_set, by_name["error"].whole_set) == (False, True)
    assert outcome.agreement[-1].tau is None
    assert all(one.interval for one in outcome.agreement if one.tau is not None)


def test_what_moves_with_the_people_makes_tau_uncertain() -> None:
    def scores(value: float, sway: float) -> Score:
        sums = {f"p{who}": (value + sway * (-1) ** who, 1) for who in range(10)}
        return Score(value=value, subjects=sums)

    steady = StudyMetric(id="x@1", higher_is_better=True, scores=[scores(v, 0) for v in (3, 2, 1)])
    swaying = steady.model_copy(update={"scores": [scores(v, s) for v, s in ((3, 9), (2, 0), (1, -9))]})
    made = study(3, subjects=10, pairs=30, metrics={"steady": steady, "swaying": swaying})
    outcome = found(made, raters(made, [2, 0, -2], 30, np.random.default_rng(6)))
    by_name = {one.metric: one for one in outcome.agreement}
    assert by_name["steady"].interval == (1, 1)
    assert by_name["swaying"].tau == 1
    assert (by_name["swaying"].interval or (1, 1))[0] < 0
