"""Raters' choices: their Bradley-Terry model, and resampling of raters and subjects together.

P(i preferred to j) = 1 / (1 + exp(-(s_i - s_j))) (Bradley and Terry, Biometrika 39, 1952). A tie is half a
win for each. Every model also meets a virtual opponent of strength 0 in one comparison, half won: so a
model that wins everything has a finite strength, and the strengths have a zero point. In logits it is the
Beta(1/2, 1/2) prior of the chance to beat that opponent.

Choices of one rater are not independent, nor are choices about one subject. Raters and subjects are resampled
with replacement, and the weight of a choice is the product of the counts of its rater and its subject: the
pigeonhole bootstrap (Owen, Annals of Applied Statistics 1, 2007). It is conservative: the variance of single
choices is counted up to three times, so that intervals are too wide if raters and subjects differ little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from fevbench.errors import RunError
from fevbench.stats.bootstrap import LEAST_SUBJECTS, RESAMPLES, draw_subjects
from fevbench.wording import quantity

if TYPE_CHECKING:
    from fevbench.study.record import Answers, Study


PRIOR = 1.0
"""Number of comparisons of each model with the virtual opponent."""
STEP = 2.0
"""Longest step of Newton's method, so that it cannot diverge."""
EXACT = 1e-9
MOST_STEPS = 200
METHOD = f"bootstrap over raters and subjects at once (pigeonhole), percentile, {RESAMPLES} resamples"
BLOCK = 1 << 22
"""Number of weights in memory at a time."""


def fit(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """The strengths that maximise the likelihood with the prior, by Newton's method; it is concave.

    ``wins`` is ``float64[..., M, M]``, how often i was preferred to j, with ties as half a win for each. The
    strengths are ``float64[..., M]``, natural logarithms of odds.

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
    """How often each model is preferred, on average over the other models: ``float64[..., M]``."""
    models = strengths.shape[-1]
    return np.asarray((preferred(strengths).sum(-1) - 0.5) / (models - 1), np.float64)


def check_connected(wins: NDArray[np.float64], names: Sequence[str]) -> None:
    """Check that comparisons connect every model with every other.

    Raises:
        RunError: They do not: strengths of unconnected models cannot be compared.
    """
    parts, part = connected_components(wins + wins.T > 0, directed=False)
    if parts > 1:
        first = [name for name, at in zip(names, part, strict=True) if at == part[0]]
        others = [name for name, at in zip(names, part, strict=True) if at != part[0]]
        raise RunError(
            f"no comparison connects {', '.join(first)} with {', '.join(others)}", "collect more answers"
        )


@dataclass(frozen=True)
class Choices:
    """The comparisons that count.

    Attributes:
        first: ``int[N]``: one model of each.
        second: ``int[N]``: the other.
        score: ``float[N]``: 1 where the first was preferred, 0 where the second was, 0.5 for no difference.
        subject: ``int[N]``: the index of the subject in ``subjects``.
        rater: ``int[N]``: the index of the rater in ``raters``.
        left: ``bool[N]``: whether the clip on the left was preferred.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    score: NDArray[np.float64]
    subject: NDArray[np.int64]
    rater: NDArray[np.int64]
    left: NDArray[np.bool_]
    subjects: tuple[str, ...]
    raters: int
    models: int

    def wins(self) -> NDArray[np.float64]:
        """``float64[M, M]``: how often i was preferred to j, ties counted as half a win for each."""
        (wins,) = self._wins(np.ones((1, len(self.score))))
        return np.asarray(wins, np.float64)

    def resampled_wins(self) -> NDArray[np.float64]:
        """``float64[RESAMPLES, M, M]``: the wins in each resample."""
        of_subjects, of_raters = self.draws()
        step = max(1, BLOCK // len(self.score))
        return np.concatenate(
            [
                self._wins(of_subjects[i : i + step, self.subject] * of_raters[i : i + step, self.rater])
                for i in range(0, RESAMPLES, step)
            ]
        )

    def draws(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How often each subject and each rater is drawn: ``float64[RESAMPLES, …]`` each."""
        return draw_subjects(len(self.subjects), seed=0), draw_subjects(self.raters, seed=1)

    def why_no_interval(self) -> str:
        """Why there are no intervals; empty if there are."""
        few = [
            quantity(count, name)
            for count, name in ((self.raters, "rater"), (len(self.subjects), "subject"))
            if count < LEAST_SUBJECTS
        ]
        return f"{' and '.join(few)}, and an interval needs {LEAST_SUBJECTS} of each" if few else ""

    def _wins(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """``float64[B, N]`` weights of choices to ``float64[B, M, M]`` wins."""
        m, n = self.models, len(self.score)
        cells = np.concatenate([self.first * m + self.second, self.second * m + self.first])
        values = np.concatenate([self.score, 1 - self.score])
        # One row per cell of the matrix, one column per choice.
        matrix = csr_matrix((values, (cells, np.tile(np.arange(n), 2))), shape=(m * m, n))
        return np.asarray((matrix @ weights.T).T, np.float64).reshape(-1, m, m)


def choices_of(study: Study, kept: Sequence[Answers]) -> Choices:
    """The comparisons of raters whose answers count, without attention checks."""
    pairs = {pair.id: pair for pair in study.pairs}
    rows = [
        (pairs[answer.question], answer, i)
        for i, answers in enumerate(kept)
        for answer in answers.answers
        if answer.question in pairs
    ]
    subjects = sorted({pair.subject for pair, _, _ in rows})
    place = {subject: i for i, subject in enumerate(subjects)}
    worth = {"a": 1.0, "b": 0.0, "same": 0.5}
    return Choices(
        first=np.array([pair.a for pair, _, _ in rows], np.int64),
        second=np.array([pair.b for pair, _, _ in rows], np.int64),
        score=np.array([worth[answer.choice] for _, answer, _ in rows], np.float64),
        subject=np.array([place[pair.subject] for pair, _, _ in rows], np.int64),
        rater=np.array([i for _, _, i in rows], np.int64),
        left=np.array([answer.choice == answer.left for _, answer, _ in rows], np.bool_),
        subjects=tuple(subjects),
        raters=len(kept),
        models=len(study.models),
    )
