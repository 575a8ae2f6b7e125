"""The outcome of a study: which models raters prefer, with intervals, and which metrics agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fevbench.stats.bootstrap import RESAMPLES, draw_subjects, percentile_interval
from fevbench.stats.paired import TIE
from fevbench.study.choices import check_connected, choices_of, fit, preferred, win_rates

if TYPE_CHECKING:
    from fevbench.study.choices import Choices
    from fevbench.study.record import Raters, Score, Study, StudyMetric


LEAST_MODELS = 3
"""Fewest models for tau; with two, it is always 1 or -1."""
Bounds = tuple[float, float] | None


@dataclass(frozen=True)
class Agreement:
    """One metric and raters: Kendall's tau-b, 1 if it orders the models as they do.

    With ``whole_set`` its values were held fixed in the resamples, because they are not means over clips.
    ``reason`` says why there is no tau, or no interval.
    """

    metric: str
    id: str
    models: int
    tau: float | None
    interval: tuple[float, float] | None
    whole_set: bool = False
    reason: str = ""


def agreements(
    metrics: Mapping[str, StudyMetric],
    strengths: NDArray[np.float64],
    resampled: NDArray[np.float64] | None,
    choices: Choices,
) -> list[Agreement]:
    """Compare every metric with raters' choices, those that agree most first.

    ``strengths`` are those of the models, ``float64[M]``, and of each resample,
    ``float64[RESAMPLES, M]``; None if there are no intervals.
    """
    found = [_agreement(name, metric, strengths, resampled, choices) for name, metric in metrics.items()]
    return sorted(found, key=lambda one: (one.tau is None, -(one.tau or 0.0)))


def kendall_tau(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's tau-b (Biometrika 33, 1945) along the last axis; NaN where all values of one are equal.

    Values nearer than `TIE`, absolutely or relatively, are equal.
    """
    one, other = _order(first), _order(second)
    with np.errstate(invalid="ignore"):
        tau = (one * other).sum(-1) / np.sqrt((one**2).sum(-1) * (other**2).sum(-1))
    return np.asarray(tau, np.float64)


def _order(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sign of the difference of each pair of values."""
    i, j = np.triu_indices(values.shape[-1], 1)
    a, b = values[..., i], values[..., j]
    return np.where(np.isclose(a, b, rtol=TIE, atol=TIE), 0.0, np.sign(a - b))


def _agreement(
    name: str,
    metric: StudyMetric,
    strengths: NDArray[np.float64],
    resampled: NDArray[np.float64] | None,
    choices: Choices,
) -> Agreement:
    there = [i for i, score in enumerate(metric.scores) if score.value is not None]
    scores = [metric.scores[i] for i in there]

    def none(reason: str) -> Agreement:
        return Agreement(name, metric.id, len(there), None, None, reason=reason)

    if metric.reason:
        return none(metric.reason)
    if len(there) < LEAST_MODELS:
        return none(f"{len(there)} of the models have a number, and tau needs {LEAST_MODELS}")
    sign = 1 if metric.higher_is_better else -1
    values = sign * np.array([score.value for score in scores], np.float64)
    tau = float(kendall_tau(strengths[there], values))
    if np.isnan(tau):
        return none("all models have the same number")
    whole_set = not all(score.subjects for score in scores)
    if resampled is None:
        return Agreement(name, metric.id, len(there), tau, None, whole_set, choices.why_no_interval())
    moved = values[None] if whole_set else sign * _resampled_means(scores, choices)
    taus = kendall_tau(resampled[:, there], np.broadcast_to(moved, (RESAMPLES, len(there))))
    if np.isnan(taus).all():
        return Agreement(name, metric.id, len(there), tau, None, whole_set, "no resample has a tau")
    return Agreement(name, metric.id, len(there), tau, percentile_interval(taus), whole_set)


def _resampled_means(scores: Sequence[Score], choices: Choices) -> NDArray[np.float64]:
    """``float64[RESAMPLES, models]``: the metric over resampled subjects.

    Those of the study are resampled as for the choices, other subjects of the runs separately.
    """
    shown = {subject: i for i, subject in enumerate(choices.subjects)}
    others = sorted({subject for score in scores for subject in score.subjects} - shown.keys())
    draws = choices.draws()[0]
    if others:
        draws = np.concatenate([draws, draw_subjects(len(others), seed=2)], axis=1)
    everyone = [*choices.subjects, *others]
    means = []
    for score in scores:
        of = [score.subjects.get(subject, (0.0, 0)) for subject in everyone]
        sums, counts = (draws @ np.array(column, np.float64) for column in zip(*of, strict=True))
        # If a metric excuses clips, a resample may hold no subject that counts; its mean is then NaN.
        means.append(np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0))
    return np.stack(means, axis=1)


@dataclass(frozen=True)
class ModelOutcome:
    """One model.

    Its Bradley-Terry strength, the models' mean being 0; and how often it is preferred to another of the
    models, on average over them, by the fit.
    """

    name: str
    control: bool
    strength: float
    win_rate: float
    interval: Bounds
    wins: int
    ties: int
    losses: int

    @property
    def comparisons(self) -> int:
        """The number of its comparisons."""
        return self.wins + self.ties + self.losses


@dataclass(frozen=True)
class Duel:
    """Two models: the one preferred more often, by the fit, the other, and how often, with its interval."""

    first: str
    second: str
    preferred: float
    interval: Bounds
    comparisons: int


@dataclass(frozen=True)
class Outcome:
    """A study's outcome, from the comparisons that count.

    ``same`` is the share of them without a preference, ``left`` the share of the others in which the clip on
    the left was preferred, None if there are none. Models that raters prefer and metrics that agree most come
    first.
    """

    study: Study
    raters: Raters
    subjects: int
    comparisons: int
    same: float
    left: float | None
    models: tuple[ModelOutcome, ...]
    duels: tuple[Duel, ...]
    agreement: tuple[Agreement, ...]
    no_interval: str


def find_outcome(study: Study, raters: Raters) -> Outcome:
    """Fit the Bradley-Terry model to all comparisons that count, and again to every resample of them.

    Raises:
        RunError: No comparisons connect some of the models.
    """
    choices = choices_of(study, raters.kept)
    names = [model.name for model in study.models]
    wins = choices.wins()
    check_connected(wins, names)
    strengths = fit(wins)
    no_interval = choices.why_no_interval()
    resampled = None if no_interval else fit(choices.resampled_wins())
    rates = win_rates(strengths)
    chances = preferred(strengths)
    rate_bounds = None if resampled is None else _bounds(win_rates(resampled))
    chance_bounds = None if resampled is None else _bounds(preferred(resampled))
    order = sorted(range(len(names)), key=lambda i: (-strengths[i], names[i]))
    tied = choices.score == 0.5
    models = []
    for i in order:
        own = np.where(
            choices.first == i, choices.score, np.where(choices.second == i, 1 - choices.score, -1)
        )
        models.append(
            ModelOutcome(
                name=names[i],
                control=study.models[i].control,
                strength=float(strengths[i] - strengths.mean()),
                win_rate=float(rates[i]),
                interval=None if rate_bounds is None else rate_bounds[i],
                wins=int((own == 1).sum()),
                ties=int((own == 0.5).sum()),
                losses=int((own == 0).sum()),
            )
        )
    duels = [
        Duel(
            first=names[i],
            second=names[j],
            preferred=float(chances[i, j]),
            interval=None if chance_bounds is None else chance_bounds[i * len(names) + j],
            comparisons=round(wins[i, j] + wins[j, i]),
        )
        for i, j in combinations(order, 2)
    ]
    return Outcome(
        study=study,
        raters=raters,
        subjects=len(choices.subjects),
        comparisons=len(tied),
        same=float(tied.mean()),
        left=None if tied.all() else float(choices.left[~tied].mean()),
        models=tuple(models),
        duels=tuple(duels),
        agreement=tuple(agreements(study.metrics, strengths, resampled, choices)),
        no_interval=no_interval,
    )


def _bounds(resampled: NDArray[np.float64]) -> list[tuple[float, float]]:
    """The interval of each of the statistics in ``float64[RESAMPLES, …]``, in the order of their rows."""
    return [percentile_interval(column) for column in resampled.reshape(len(resampled), -1).T]
