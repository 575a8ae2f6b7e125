"""Which metric agrees with people: Kendall's tau between models' strengths and their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fevbench.stats.bootstrap import RESAMPLES, draw_subjects, percentile_interval
from fevbench.stats.paired import TIE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fevbench.study.record import Score, StudyMetric
    from fevbench.study.resampling import Choices

LEAST_MODELS = 3
"""Of two models, tau is 1 or -1 and says nothing."""


@dataclass(frozen=True)
class Agreement:
    """One metric against people.

    Attributes:
        metric: Its name.
        id: Its exact definition.
        models: How many models have a number in it.
        tau: Kendall's tau-b, 1 where the metric orders the models as people do; None if there is none.
        interval: Its 95 % interval; None without one.
        whole_set: Whether its numbers were held fixed in the resamples, because they are no means over clips.
        reason: Why there is no tau, or no interval.
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
    """Hold every metric against people's choices, those that agree most first.

    Args:
        metrics: Metric name to what it says of the models.
        strengths: ``float64[M]``: the models' strengths.
        resampled: ``float64[RESAMPLES, M]``: those of each resample; None if there are no intervals.
        choices: What the strengths are from.
    """
    found = [_agreement(name, metric, strengths, resampled, choices) for name, metric in metrics.items()]
    return sorted(found, key=lambda one: (one.tau is None, -(one.tau or 0.0)))


def kendall_tau(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's tau-b (Biometrika 33, 1945) along the last axis; NaN where all values of one are equal.

    Args:
        first: ``float64[..., M]``.
        second: ``float64[..., M]``. Values nearer than `TIE`, absolutely or relatively, are equal.
    """
    one, other = _order(first), _order(second)
    with np.errstate(invalid="ignore"):
        tau = (one * other).sum(-1) / np.sqrt((one**2).sum(-1) * (other**2).sum(-1))
    return np.asarray(tau, np.float64)


def _order(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """For every two values, the sign of their difference."""
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
    """``float64[RESAMPLES, models]``: the metric with people drawn anew.

    Those whom the study shows are drawn as for the choices; the others of the runs are drawn by themselves.
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
        # A resample may hold nobody who counts in a metric that excuses clips: it says nothing then.
        means.append(np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0))
    return np.stack(means, axis=1)
