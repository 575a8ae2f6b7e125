"""Choices, and resamples of them by raters and by subjects at once.

Choices of one rater are not independent, nor are choices about one subject. Both are drawn anew with
replacement, and a choice counts as often as its rater times as often as its subject was drawn: the
pigeonhole bootstrap (Owen, Annals of Applied Statistics 1, 2007). It is conservative: what is chance in
single choices is counted up to three times, so that intervals are too wide where raters and subjects differ
little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from fevbench.stats.bootstrap import LEAST_PEOPLE, RESAMPLES, draw_subjects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fevbench.study.answers import Answers
    from fevbench.study.record import Study

METHOD = f"bootstrap over raters and subjects at once (pigeonhole), percentile, {RESAMPLES} resamples"
BLOCK = 1 << 22
"""Weights that are in memory at a time."""


@dataclass(frozen=True)
class Choices:
    """Comparisons that count.

    Attributes:
        first: ``int[N]``: one model of each.
        second: ``int[N]``: the other.
        score: ``float[N]``: 1 where the first was preferred, 0 where the second was, 0.5 for no difference.
        subject: ``int[N]``: the person shown, as a place in ``subjects``.
        rater: ``int[N]``: who chose, as a place among ``raters``.
        left: ``bool[N]``: whether what was at the left was preferred.
        subjects: The people shown, in order.
        raters: How many raters there are.
        models: How many models there are.
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
        """``float64[RESAMPLES, M, M]``: the same of each resample."""
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
            f"{count} {name}{'s' * (count != 1)}"
            for count, name in ((self.raters, "rater"), (len(self.subjects), "subject"))
            if count < LEAST_PEOPLE
        ]
        return f"{' and '.join(few)}, and an interval needs {LEAST_PEOPLE} of each" if few else ""

    def _wins(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """``float64[B, N]`` weights of choices to ``float64[B, M, M]`` wins."""
        m, n = self.models, len(self.score)
        cells = np.concatenate([self.first * m + self.second, self.second * m + self.first])
        values = np.concatenate([self.score, 1 - self.score])
        # A cell a row, a choice a column.
        matrix = csr_matrix((values, (cells, np.tile(np.arange(n), 2))), shape=(m * m, n))
        return np.asarray((matrix @ weights.T).T, np.float64).reshape(-1, m, m)


def choices_of(study: Study, kept: Sequence[Answers]) -> Choices:
    """The comparisons of raters whose answers count; attention checks are none."""
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
