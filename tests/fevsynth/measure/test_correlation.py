"""Correlations are SciPy's; their intervals are over people."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fevbench.fevsynth.measure.blendshapes import pearson, spearman

RNG = np.random.default_rng(0)
X = RNG.normal(5, 1, 60)
Y = X + RNG.normal(0, 1, 60)
PEOPLE = [f"p{i % 6}" for i in range(60)]


def test_values_are_scipys() -> None:
    assert pearson(X, Y, PEOPLE, "frames").value == pytest.approx(stats.pearsonr(X, Y).statistic)
    assert spearman(X.round(), Y) == pytest.approx(stats.spearmanr(X.round(), Y).statistic)


def test_frames_of_one_person_add_no_certainty() -> None:
    once = pearson(X, Y, PEOPLE, "frames").interval
    often = pearson(np.tile(X, 9), np.tile(Y, 9), PEOPLE * 9, "frames").interval
    assert once is not None
    assert often is not None
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert once.low < stats.pearsonr(X, Y).statistic < once.high


def test_a_score_that_never_changes_has_none() -> None:
    found = pearson(X, np.ones(60), PEOPLE, "frames")
    assert (found.value, found.interval) == (None, None)
    assert "never changes" in found.reason


def test_small_changes_on_a_large_number_keep_their_digits() -> None:
    assert pearson(X + 1e6, Y + 1e6, PEOPLE, "frames").value == pytest.approx(
        stats.pearsonr(X, Y).statistic, abs=1e-6
    )
