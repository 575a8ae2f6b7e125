"""From features to metric values, for the generated clips and for the true ones (the ceiling)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.metrics.measurement import Measurement
from fevbench.metrics.view import ClipView
from fevbench.results.schema import Interval, MetricResult
from fevbench.stats.bootstrap import LEVEL, METHOD, subject_bootstrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Clip, Frames
    from fevbench.metrics.catalog import Metric

    Features = Sequence[NDArray[np.float32]]


@dataclass(frozen=True)
class Side:
    """The generated clips, or the true ones.

    Attributes:
        frames: A clip's pixels.
        labels: The data set's labels.
        features: Extractor name to the features of each clip, in the clips' order.
    """

    frames: Callable[[Clip], Frames]
    labels: Sequence[str]
    features: Mapping[str, Features]


def score(metric: Metric, clips: Sequence[Clip], made: Side, true: Side) -> MetricResult:
    """Compute one metric of the generated clips, with its ceiling on the true clips."""
    compute = _score_clips if metric.kind == "clip" else _score_set
    ceiling = compute(metric, clips, true, true)
    return compute(metric, clips, made, true).model_copy(update={"ceiling": ceiling.value})


def unscored(metric: Metric, clips: Sequence[Clip], reason: str) -> MetricResult:
    """What a metric that cannot be computed says."""
    return _result(metric, clips, value=None, reason=reason, n=0, sample=metric.sample)


def _score_set(metric: Metric, clips: Sequence[Clip], side: Side, true: Side) -> MetricResult:
    (extractor,) = metric.extractors
    generated, real = (np.concatenate(s.features[extractor]) for s in (side, true))
    n = len(generated)
    value, reason = None, f"{n} {metric.sample}, needs at least {metric.minimum}"
    if n >= metric.minimum:
        value, reason = float(metric.compute(generated, real)), ""
    return _result(metric, clips, value=value, reason=reason, n=n, sample=metric.sample)


def _score_clips(metric: Metric, clips: Sequence[Clip], side: Side, true: Side) -> MetricResult:
    measured: dict[str, Measurement] = {}
    for i, clip in enumerate(clips):
        view = ClipView(
            frames=side.frames(clip),
            truth=true.frames(clip),
            label=true.labels.index(clip.label),
            generated={name: side.features[name][i] for name in metric.extractors},
            input={name: true.features[name][i][:1] for name in metric.extractors},
        )
        measured[clip.id] = metric.compute(view)
    counted = [clip for clip in clips if not measured[clip.id].excused]
    observed = [value for m in measured.values() if (value := m.value) is not None]
    missing = [clip for clip in counted if measured[clip.id].value is None]
    value, interval, reason = None, None, ""
    if len(observed) < metric.minimum:
        reason = next((m.reason for m in measured.values() if m.reason), "no clip")
    else:
        values = _with_missing(metric, [measured[clip.id].value for clip in counted], observed)
        value = float(np.mean(values))
        bounds = subject_bootstrap(values, [clip.subject for clip in counted])
        if bounds is not None:
            interval = Interval(low=bounds[0], high=bounds[1], level=LEVEL, method=METHOD)
    return _result(
        metric,
        counted,
        value=value,
        reason=reason,
        n=len(counted),
        sample="clips",
        missing=len(missing),
        excused=len(clips) - len(counted),
        interval=interval,
        per_clip={clip_id: m.value for clip_id, m in measured.items()},
    )


def _result(metric: Metric, clips: Sequence[Clip], **measured: Any) -> MetricResult:
    """What was measured, beside what the metric declares of itself."""
    return MetricResult(
        id=metric.id,
        higher_is_better=metric.higher_is_better,
        unit=metric.unit,
        subjects=len({clip.subject for clip in clips}),
        **measured,
    )


def _with_missing(metric: Metric, values: Sequence[float | None], observed: list[float]) -> list[float]:
    """Give clips without a value the metric's floor, or the worst observed value if that is worse."""
    stand_in = metric.worst(observed if metric.floor is None else [*observed, metric.floor])
    return [stand_in if value is None else value for value in values]
