"""From features to metric values, for the generated clips and for the true ones (the ceiling)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.engine.least import few_people, lack
from fevbench.extractors.base import Unit, extractors
from fevbench.metrics.catalog import metrics as catalog
from fevbench.metrics.identity import InputFaces
from fevbench.metrics.measurement import Measurement
from fevbench.metrics.view import ClipView
from fevbench.results.schema import Interval, MetricResult
from fevbench.stats.bootstrap import LEAST_PEOPLE, LEVEL, subject_bootstrap
from fevbench.stats.bootstrap import METHOD as BOOTSTRAP
from fevbench.stats.jackknife import (
    EQUAL_METHOD,
    LEAST_GROUPS,
    group_sizes,
    groups_of,
    jackknife_interval,
)
from fevbench.stats.jackknife import METHOD as JACKKNIFE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Clip, Frames
    from fevbench.metrics.catalog import Metric

    Features = Sequence[NDArray[np.floating[Any]]]


ABLE = 0.5
"""How much better than chance a classifier must read true clips, as a part of the best there is."""


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
    found = measure(metric, clips, made, true)
    if found.value is not None and (reason := misreads(metric, clips, true)):
        absent: dict[str, Any] = {
            "value": None,
            "interval": None,
            "replicates": [],
            "per_clip": {},
            "reason": reason,
        }
        found = found.model_copy(update=absent)
    if metric.kind == "set":
        return found.model_copy(update={"ceiling": _measure_set(metric, clips, true, true).value})
    best = _score_clips(metric, clips, true, true)
    return found.model_copy(update={"ceiling": best.value, "ceiling_readings": best.readings})


def misreads(metric: Metric, clips: Sequence[Clip], true: Side) -> str:
    """That the classifier behind a metric reads too few true clips right to say anything; else empty.

    Right by chance is one in so many labels. A classifier counts as able if it gets at least half of the way
    from there to all (Cohen's kappa of 0.5; of six labels, 0.583 of the clips): of one that does not, a wrong
    reading says more about itself than about the clip.

    Args:
        metric: Its declaration.
        clips: Those that are scored.
        true: The true ones.
    """
    if not metric.reader:
        return ""
    read = _score_clips(catalog.get(metric.reader), clips, true, true).value
    chance = 1 / len(true.labels)
    least = chance + ABLE * (1 - chance)
    if read is None or read >= least:
        return ""
    return f"its classifier reads {read:.3f} of these true clips right, needs at least {least:.3f}"


def measure(metric: Metric, clips: Sequence[Clip], made: Side, true: Side) -> MetricResult:
    """The same without the ceiling."""
    return (_score_set if metric.kind == "set" else _score_clips)(metric, clips, made, true)


def unscored(metric: Metric, clips: Sequence[Clip], reason: str) -> MetricResult:
    """What a metric that cannot be computed says."""
    return _result(metric, clips, value=None, reason=reason, n=0, sample=metric.sample)


def _score_set(metric: Metric, clips: Sequence[Clip], made: Side, true: Side) -> MetricResult:
    rows = _rows(metric, made, true)
    n = sum(rows)
    if missing := lack(metric, clips, rows, true.labels):
        return _result(metric, clips, value=None, reason=missing, n=n, sample=metric.sample)
    arrays = _arrays(metric, clips, made, true)
    groups = groups_of([clip.subject for clip in clips])
    replicates: list[float] = []
    if groups.max() + 1 >= LEAST_GROUPS:
        value, replicates = metric.with_replicates(arrays, np.repeat(groups, rows))
    else:
        value = float(metric.compute(*arrays))
    if not np.isfinite(replicates).all():  # without some people there is no such number
        replicates = []
    counted = [clip for clip, count in zip(clips, rows, strict=True) if count]
    sizes = group_sizes([clip.subject for clip in clips], [count > 0 for count in rows])
    return _result(
        metric,
        counted,
        value=value,
        n=n,
        sample=metric.sample,
        excused=len(clips) - len(counted),
        excused_clips=[clip.id for clip, count in zip(clips, rows, strict=True) if not count],
        interval=interval_of_set(metric, value, replicates, sizes),
        replicates=replicates,
        by_label={true.labels[i]: own for i, own in metric.of_each_label(arrays).items()},
    )


def _arrays(metric: Metric, clips: Sequence[Clip], made: Side, true: Side) -> tuple[NDArray[Any], ...]:
    """What a set metric computes from, a row a sample: a clip has as many made samples as true ones."""
    samples = _samples(metric, made, true)
    subjects = sorted({clip.subject for clip in clips})
    told = {
        "label": [true.labels.index(clip.label) for clip in clips],
        "person": [subjects.index(clip.subject) for clip in clips],
    }
    rows = [len(of_clip) for of_clip in samples]
    of_samples = [np.repeat(np.array(told[what], np.int64), rows) for what in metric.told]
    return (np.concatenate(samples), np.concatenate(_samples(metric, true, true)), *of_samples)


def _measure_set(metric: Metric, clips: Sequence[Clip], made: Side, true: Side) -> Measurement:
    missing = lack(metric, clips, _rows(metric, made, true), true.labels)
    if missing:
        return Measurement(None, missing)
    return Measurement(float(metric.compute(*_arrays(metric, clips, made, true))))


def _rows(metric: Metric, made: Side, true: Side) -> list[int]:
    """How many samples each clip has."""
    return [len(samples) for samples in _samples(metric, made, true)]


def _samples(metric: Metric, side: Side, true: Side) -> Features:
    """The samples of each clip: its features, or the row they are reduced to beside its true clip's."""
    (extractor,) = metric.extractors
    features = side.features[extractor]
    if metric.first:
        features = [of_clip[metric.first :] for of_clip in features]
    if not metric.reduction:
        return features
    pairs = zip(features, true.features[extractor], strict=True)
    return [metric.reduce(of_clip, of_true) for of_clip, of_true in pairs]


def interval_of_mean(values: Sequence[float], subjects: Sequence[str]) -> Interval | None:
    """The interval of a clip metric.

    Args:
        values: What each clip counts.
        subjects: The person of each clip.
    """
    enough = len(set(subjects)) >= LEAST_PEOPLE
    return _interval(subject_bootstrap(values, subjects) if enough else None, BOOTSTRAP)


def interval_of_set(
    metric: Metric, value: float, replicates: Sequence[float], sizes: Sequence[int] | None
) -> Interval | None:
    """The interval of a set metric, cut to what the metric can be: no distance is below 0.

    Args:
        metric: Its declaration.
        value: Its number.
        replicates: The number without each group of people in turn.
        sizes: How many clips each group has; None for the interval of results of before groups were weighed.
    """
    bounds = jackknife_interval(value, replicates, sizes)
    within = bounds and (max(bounds[0], metric.range[0]), min(bounds[1], metric.range[1]))
    return _interval(within, EQUAL_METHOD if sizes is None else JACKKNIFE)


def _interval(bounds: tuple[float, float] | None, method: str) -> Interval | None:
    return Interval(low=bounds[0], high=bounds[1], level=LEVEL, method=method) if bounds else None


def _score_clips(metric: Metric, clips: Sequence[Clip], made: Side, true: Side) -> MetricResult:
    if few := few_people(metric, clips):
        return unscored(metric, clips, few)
    measured = _measure_clips(metric, clips, made, true)
    counted = [clip for clip in clips if not measured[clip.id].excused]
    values = [measured[clip.id].value for clip in counted]
    observed = sum(value is not None for value in values)
    value, interval, reason = None, None, ""
    if observed < metric.minimum:
        reason = next((m.reason for m in measured.values() if m.reason), "no clip")
    else:
        filled = metric.with_missing(values)
        value = float(np.mean(filled))
        interval = interval_of_mean(filled, [clip.subject for clip in counted])
    return _result(
        metric,
        counted,
        value=value,
        reason=reason,
        n=len(counted),
        sample="clips",
        missing=len(counted) - observed,
        excused=len(clips) - len(counted),
        excused_clips=[clip.id for clip in clips if measured[clip.id].excused],
        interval=interval,
        per_clip={clip_id: m.value for clip_id, m in measured.items()},
        readings={clip_id: m.reading for clip_id, m in measured.items() if m.reading},
    )


def _measure_clips(metric: Metric, clips: Sequence[Clip], made: Side, true: Side) -> dict[str, Measurement]:
    """What a clip metric says of each clip, by its id."""
    faces = {name: _input_faces(clips, true.features[name]) for name in metric.extractors}
    units = {name: extractors.get(name).unit for name in metric.extractors}
    measured = {}
    for i, clip in enumerate(clips):
        frames, truth = made.frames(clip), true.frames(clip)

        def seen(side: Side, place: int = i, length: int = len(truth)) -> dict[str, NDArray[Any]]:
            features = {name: side.features[name][place] for name in metric.extractors}
            return {n: _from(metric.first, rows, units[n], length) for n, rows in features.items()}

        measured[clip.id] = metric.compute(
            ClipView(
                frames=frames[metric.first :],
                truth=truth[metric.first :],
                label=clip.label,
                subject=clip.subject,
                labels=true.labels,
                generated=seen(made),
                true=seen(true),
                input={name: true.features[name][i][:1] for name in metric.extractors},
                faces=faces,
            )
        )
    return measured


def _from(first: int, rows: NDArray[Any], unit: Unit, frames: int) -> NDArray[Any]:
    """A clip's features without those of the frames before ``first``.

    Args:
        first: The first frame that is looked at.
        rows: ``float32[N, D]``.
        unit: What a row is of: a frame, or the same frames of one pair of clips after the other.
        frames: Frames a clip.
    """
    if not first:
        return rows
    if unit == "draws":
        return rows.reshape(-1, frames, rows.shape[1])[:, first:].reshape(-1, rows.shape[1])
    return rows[first:]


def _input_faces(clips: Sequence[Clip], features: Features) -> InputFaces:
    """The features of all input faces of each subject."""
    first: dict[str, list[NDArray[np.floating[Any]]]] = {}
    for clip, of_clip in zip(clips, features, strict=True):
        first.setdefault(clip.subject, []).append(of_clip[:1])
    return InputFaces({subject: np.concatenate(rows) for subject, rows in first.items()})


def _result(metric: Metric, clips: Sequence[Clip], **measured: Any) -> MetricResult:
    """What was measured, beside what the metric declares of itself."""
    return MetricResult(
        id=metric.id,
        higher_is_better=metric.higher_is_better,
        unit=metric.unit,
        subjects=len({clip.subject for clip in clips}),
        **measured,
    )
