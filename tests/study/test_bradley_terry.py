"""The fit: against a general optimiser, and where the plain model has no answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_expit

from fevbench.errors import RunError
from fevbench.study.choices import PRIOR, check_connected, fit, preferred, win_rates


def likelihood(strengths: np.ndarray, wins: np.ndarray) -> float:
    """Written out on purpose, the negative logarithm with the prior."""
    total = 0.0
    for i in range(len(strengths)):
        total += PRIOR / 2 * (log_expit(strengths[i]) + log_expit(-strengths[i]))
        for j in range(len(strengths)):
            total += wins[i, j] * log_expit(strengths[i] - strengths[j])
    return -float(total)


@pytest.mark.parametrize("seed", range(3))
def test_no_strengths_are_likelier(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wins = rng.integers(0, 9, (5, 5)) * (1 - np.eye(5)) / 2
    found = minimize(likelihood, np.zeros(5), args=(wins,), tol=1e-12)
    assert fit(wins) == pytest.approx(found.x, abs=1e-4)


def test_two_models_have_the_share_of_wins_but_for_the_prior() -> None:
    wins = np.array([[0, 3000.0], [1000.0, 0]])
    assert win_rates(fit(wins)) == pytest.approx([0.75, 0.25], abs=1e-3)


def test_who_wins_everything_stays_finite_and_first() -> None:
    wins = np.zeros((3, 3))
    wins[0, 1] = wins[0, 2] = wins[1, 2] = 1e5
    strengths = fit(wins)
    assert np.isfinite(strengths).all()
    assert strengths[0] > strengths[1] > strengths[2]
    assert win_rates(strengths)[0] > 0.999


def test_more_wins_in_a_row_are_stronger_evidence() -> None:
    few, many = (win_rates(fit(np.array([[0, n], [0, 0.0]])))[0] for n in (3, 30))
    assert 0.5 < few < many < 1


def test_ties_alone_make_equals() -> None:
    wins = 4 * (1 - np.eye(4))
    assert fit(wins) == pytest.approx(np.zeros(4), abs=1e-9)
    assert win_rates(fit(wins)) == pytest.approx([0.5] * 4)


def test_the_order_of_the_models_does_not_matter_and_many_fits_are_single_ones() -> None:
    rng = np.random.default_rng(1)
    wins = rng.integers(0, 9, (20, 4, 4)).astype(float) * (1 - np.eye(4))
    turn = [2, 0, 3, 1]
    together = fit(wins)
    for one, alone in zip(together, wins, strict=True):
        assert fit(alone) == pytest.approx(one)
        assert fit(alone[np.ix_(turn, turn)]) == pytest.approx(one[turn])


def test_chances_of_both_sum_to_one_and_win_rates_to_half_the_models() -> None:
    strengths = np.array([2.0, -1.0, 0.3])
    chance = preferred(strengths)
    assert chance + chance.T == pytest.approx(np.ones((3, 3)))
    assert win_rates(strengths).sum() == pytest.approx(1.5)


def test_models_that_nothing_connects_are_refused_by_name() -> None:
    wins = np.zeros((4, 4))
    wins[0, 1] = wins[2, 3] = 1
    with pytest.raises(RunError, match="no comparison connects a, b with c, d: collect more answers"):
        check_connected(wins, "abcd")
    wins[1, 2] = 0.5
    check_connected(wins, "abcd")
