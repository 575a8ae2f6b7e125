"""The Bradley-Terry model: a strength for every model, from who was preferred to whom.

P(i preferred to j) = 1 / (1 + exp(-(s_i - s_j))) (Bradley and Terry, Biometrika 39, 1952). A tie is half a
win for each. Every model also meets a virtual opponent of strength 0 in one comparison, half won: who wins
everything keeps a finite strength, and the strengths have a zero point. In logits it is the Beta(1/2, 1/2)
prior of the chance to beat that opponent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from fevbench.errors import RunError

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRIOR = 1.0
"""Comparisons with the virtual opponent, of every model."""
STEP = 2.0
"""No step of Newton's method goes further, so that it cannot diverge."""
EXACT = 1e-9
MOST_STEPS = 200


def fit(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """The strengths that maximise the likelihood with the prior, by Newton's method; it is concave.

    Args:
        wins: ``float64[..., M, M]``: how often i was preferred to j, ties counted as half a win for each.

    Returns:
        ``float64[..., M]``, natural logarithm of odds.

    Raises:
        ArithmeticError: It does not converge.
    """
    both = wins + np.swapaxes(wins, -1, -2)
    total = wins.sum(-1)
    models = wins.shape[-1]
    strengths = np.zeros(wins.shape[:-1])
    for _ in range(MOST_STEPS):
        chance = expit(strengths[..., :, None] - strengths[..., None, :])
        virtual = expit(strengths)
        gradient = total - (both * chance).sum(-1) + PRIOR * (0.5 - virtual)
        spread = both * chance * (1 - chance)
        diagonal = spread.sum(-1) + PRIOR * virtual * (1 - virtual)
        curvature = diagonal[..., :, None] * np.eye(models) - spread
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        largest = np.abs(step).max(-1, keepdims=True)
        strengths += step * np.minimum(1.0, STEP / np.maximum(largest, STEP))
        if largest.max() < EXACT:
            return strengths
    raise ArithmeticError("the Bradley-Terry fit does not converge")


def preferred(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """``float64[..., M]`` strengths to ``float64[..., M, M]``: how often i is preferred to j."""
    return np.asarray(expit(strengths[..., :, None] - strengths[..., None, :]), np.float64)


def win_rates(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often each model is preferred to another one, on average over the others: ``float64[..., M]``."""
    models = strengths.shape[-1]
    return np.asarray((preferred(strengths).sum(-1) - 0.5) / (models - 1), np.float64)


def check_connected(wins: NDArray[np.float64], names: Sequence[str]) -> None:
    """See that comparisons lead from every model to every other.

    Args:
        wins: ``float64[M, M]``: as in `fit`.
        names: What the models are called.

    Raises:
        RunError: They do not: strengths of models that nothing connects cannot be compared.
    """
    parts, part = connected_components(wins + wins.T > 0, directed=False)
    if parts > 1:
        first = [name for name, at in zip(names, part, strict=True) if at == part[0]]
        others = [name for name, at in zip(names, part, strict=True) if at != part[0]]
        raise RunError(
            f"no comparison connects {', '.join(first)} with {', '.join(others)}", "collect more answers"
        )
