"""Accuracy weighs samples, mean recall weighs labels, and a confusion counts every sample once."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.fevsynth.measure.record import agreement

LABELS, ANSWERS = ["fear", "joy"], ["joy", "fear", "none"]


def test_a_case_counted_by_hand() -> None:
    """Fear is read right 3 times of 4 and missed once, joy is read as fear twice."""
    shown = np.array([0, 0, 0, 0, 1, 1])
    answered = np.array([1, 1, 1, 2, 1, 1])
    found = agreement(shown, answered, ["a", "a", "b", "b", "a", "b"], LABELS, ANSWERS, "clips")
    assert found.confusion == [[0, 3, 1], [0, 2, 0]]
    assert found.accuracy.value == pytest.approx(3 / 6)
    assert found.mean_recall.value == pytest.approx((3 / 4 + 0) / 2)
    assert (found.accuracy.n, found.accuracy.subjects) == (6, 2)


def test_the_interval_of_mean_recall_is_over_people() -> None:
    """One person is always right and one never: resamples of two are right never, half, or always."""
    shown, who = np.array([0, 1] * 10), ["a"] * 10 + ["b"] * 10
    answered = np.where(np.array(who) == "a", np.array([1, 0])[shown], 2)
    found = agreement(shown, answered, who, LABELS, ANSWERS, "clips")
    assert found.mean_recall.interval is not None
    assert (found.mean_recall.interval.low, found.mean_recall.interval.high) == (0, 1)


def test_a_label_that_nobody_shows_has_no_recall() -> None:
    found = agreement(np.zeros(3, int), np.ones(3, int), ["a", "b", "c"], LABELS, ANSWERS, "clips")
    assert found.mean_recall.value is None
    assert found.accuracy.value == 1
