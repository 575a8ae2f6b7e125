"""From features to metric values, for the generated clips and for the true ones (the ceiling)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Clip
from fevbench.engine.noise import made_again
from fevbench.engine.plan import Evaluation, shortage, subject_shortage
from fevbench.engine.rows import Rows, joined
from fevbench.extractors.base import extractors
from fevbench.global_state import fixed_global_state
from fevbench.metrics.catalog import Metric
from fevbench.metrics.catalog import metrics as catalog
from fevbench.metrics.identity import InputFaces
from fevbench.metrics.measurement import ClipView, Measurement
from fevbench.progress import Progress
from fevbench.results.schema import Interval, MetricResult
from fevbench.stats.bootstrap import LEAST_SUBJECTS, LEVEL, subject_bootstrap
from fevbench.stats.bootstrap import METHOD as BOOTSTRAP
from fevbench.stats.jackknife import (
    EQUAL_METHOD,
    LEAST_GROUPS,
    group_sizes,
    groups_of,
    jackknife_interval,
)
from fevbench.stats.jackknife import METHOD as JACKKNIFE

LEAST_KAPPA = 0.5
"""Least Cohen's kappa of a classifier on the true clips; see `weak_classifier`."""


@dataclass(frozen=True)
class ClipSet:
    """The generated clips, or the true ones.

    Attributes:
        features: Extractor name to clip id to its features, one row per sample.
        folder: Where large sets of samples are joined on disk; None for memory.
    """

    labels: Sequence[str]
    frames: int
    features: Mapping[str, Mapping[str, Rows]]
    folder: Path | None = None

    def of(self, extractor: str, clips: Sequence[Clip]) -> list[Rows]:
        """The features of some clips, in their order."""
        known = self.features[extractor]
        return [known[clip.id] for clip in clips]


def clip_set(
    labels: Sequence[str],
    frames: int,
    features: Mapping[str, Mapping[str, tuple[Rows, Rows]]],
    side: int,
    folder: Path | None = None,
) -> ClipSet:
    """The generated clips (side 0) or the true ones (1) of features by extractor and clip id."""
    own = {e: {clip: both[side] for clip, both in of.items()} for e, of in features.items()}
    return ClipSet(labels, frames, own, folder)


def score_all(
    evaluation: Evaluation,
    clips: Sequence[Clip],
    features: Mapping[str, Mapping[str, tuple[Rows, Rows]]],
    progress: Progress,
    folder: Path,
) -> tuple[dict[str, MetricResult], float]:
    """The result of every metric of an evaluation, and the seconds it took.

    ``features`` is extractor to clip id to its rows: of the made clip and of the true clip. Large sets of
    samples are joined on disk in ``folder``.
    """
    labels, frames = evaluation.dataset.labels, evaluation.protocol.frames
    made, true = (clip_set(labels, frames, features, side, folder) for side in (0, 1))
    values: dict[str, MetricResult] = {}
    began = time.perf_counter()
    progress.start("score", len(evaluation.metrics))
    with fixed_global_state():
        for metric in evaluation.metrics:
            reason = evaluation.unavailable(metric)
            own = made_again(clips) if metric.sampling.noise_samples > 1 else clips
            values[metric.name] = unscored(metric, own, reason) if reason else score(metric, own, made, true)
            progress.advance(1)
    return values, time.perf_counter() - began


def score(metric: Metric, clips: Sequence[Clip], made: ClipSet, true: ClipSet) -> MetricResult:
    """Compute one metric of the generated clips, with its ceiling on the true clips."""
    found = measure(metric, clips, made, true)
    if found.value is not None and (reason := weak_classifier(metric, clips, true)):
        absent: dict[str, Any] = {
            "value": None,
            "interval": None,
            "replicates": [],
            "per_clip": {},
            "reason": reason,
        }
        found = found.model_copy(update=absent)
    if metric.kind == "set":
        return found.model_copy(update={"ceiling": _ceiling_of_set(metric, clips, true)})
    best = _score_clips(metric, clips, true, true)
    return found.model_copy(update={"ceiling": best.value, "ceiling_readings": best.readings})


def weak_classifier(metric: Metric, clips: Sequence[Clip], true: ClipSet) -> str:
    """That the classifier behind a metric recognises too few true clips to be used; else empty.

    Chance is one divided by the number of labels. A classifier must reach at least half of the way from there
    to all clips (Cohen's kappa of 0.5; for six labels, 0.583 of the clips): below it, a wrong reading says
    more about the classifier than about the clip.
    """
    if not metric.computation.accuracy:
        return ""
    read = _score_clips(catalog.get(metric.computation.accuracy), clips, true, true).value
    chance = 1 / len(true.labels)
    least = chance + LEAST_KAPPA * (1 - chance)
    if read is None or read >= least:
        return ""
    return f"its classifier reads {read:.3f} of these true clips right, needs at least {least:.3f}"


def measure(metric: Metric, clips: Sequence[Clip], made: ClipSet, true: ClipSet) -> MetricResult:
    """As `score`, without the ceiling."""
    return (_score_set if metric.kind == "set" else _score_clips)(metric, clips, made, true)


def unscored(metric: Metric, clips: Sequence[Clip], reason: str) -> MetricResult:
    """The result of a metric that cannot be computed."""
    return _result(metric, clips, value=None, reason=reason, n=0, sample=metric.sampling.counts)


def _score_set(metric: Metric, clips: Sequence[Clip], made: ClipSet, true: ClipSet) -> MetricResult:
    arrays, counts = _arrays(metric, clips, made, true)
    about: dict[str, Any] = {"n": sum(counts), "sample": metric.sampling.counts}
    if short := shortage(metric, clips, counts, true.labels):
        return _result(metric, clips, value=None, reason=short, **about)
    subjects = [clip.subject for clip in clips]
    groups = groups_of(subjects)
    replicates: list[float] = []
    if groups.max() + 1 >= LEAST_GROUPS:
        value, replicates = metric.with_replicates(arrays, np.repeat(groups, counts))
    else:
        value = float(metric.compute(*arrays))
    if not np.isfinite(replicates).all():  # without some subjects, too few samples are left
        replicates = []
    counted = [clip for clip, count in zip(clips, counts, strict=True) if count]
    sizes = group_sizes(subjects, [count > 0 for count in counts])
    return _result(
        metric,
        counted,
        value=value,
        excused=len(clips) - len(counted),
        excused_clips=[clip.id for clip, count in zip(clips, counts, strict=True) if not count],
        interval=interval_of_set(metric, value, replicates, sizes),
        replicates=replicates,
        by_label={true.labels[i]: own for i, own in metric.per_label(arrays).items()},
        **about,
    )


def _ceiling_of_set(metric: Metric, clips: Sequence[Clip], true: ClipSet) -> float | None:
    arrays, counts = _arrays(metric, clips, true, true)
    return None if shortage(metric, clips, counts, true.labels) else float(metric.compute(*arrays))


def _arrays(
    metric: Metric, clips: Sequence[Clip], made: ClipSet, true: ClipSet
) -> tuple[tuple[NDArray[Any], ...], list[int]]:
    """The arrays of a set metric, one row per sample, and the number of samples of each made or true clip."""
    sides = (made,) if made is true else (made, true)  # for the ceiling, the true clips are joined once
    samples = [_samples(metric, clips, side, true) for side in sides]
    counts = [len(of_clip) for of_clip in samples[0]]
    subjects = sorted({clip.subject for clip in clips})
    info = {
        "label": [true.labels.index(clip.label) for clip in clips],
        "subject": [subjects.index(clip.subject) for clip in clips],
    }
    of_samples = [np.repeat(np.array(info[what], np.int64), counts) for what in metric.sampling.sample_info]
    features = [joined(rows, true.folder) if clips else np.empty((0, 0)) for rows in samples]
    return (features[0], features[-1], *of_samples), counts


def _samples(metric: Metric, clips: Sequence[Clip], side: ClipSet, true: ClipSet) -> Sequence[Rows]:
    """The samples of each clip: its features, or one row to which they are reduced with the true clip's."""
    extractor, first = metric.computation.extractor, metric.sampling.first_frame
    features = [of_clip[first:] for of_clip in side.of(extractor, clips)]
    if not metric.computation.reduction:
        return features
    pairs = zip(features, true.of(extractor, clips), strict=True)
    return [metric.reduce(of_clip, of_true) for of_clip, of_true in pairs]


def interval_of_mean(values: Sequence[float], subjects: Sequence[str]) -> Interval | None:
    """The interval of a clip metric, from the value and the subject of each clip."""
    enough = len(set(subjects)) >= LEAST_SUBJECTS
    return _interval(subject_bootstrap(values, subjects) if enough else None, BOOTSTRAP)


def interval_of_set(
    metric: Metric, value: float, replicates: Sequence[float], sizes: Sequence[int] | None
) -> Interval | None:
    """The interval of a set metric, cut to the metric's range: no distance is below 0.

    ``replicates`` are the value without each group of subjects in turn, ``sizes`` the clips per group; None
    for older results, whose groups were not weighted by size.
    """
    bounds = jackknife_interval(value, replicates, sizes)
    least, most = metric.definition.range
    within = bounds and (max(bounds[0], least), min(bounds[1], most))
    return _interval(within, EQUAL_METHOD if sizes is None else JACKKNIFE)


def _interval(bounds: tuple[float, float] | None, method: str) -> Interval | None:
    return Interval(low=bounds[0], high=bounds[1], level=LEVEL, method=method) if bounds else None


def _score_clips(metric: Metric, clips: Sequence[Clip], made: ClipSet, true: ClipSet) -> MetricResult:
    if few := subject_shortage(metric, clips):
        return unscored(metric, clips, few)
    measured = _measure_clips(metric, clips, made, true)
    counted = [clip for clip in clips if not measured[clip.id].excused]
    values = [measured[clip.id].value for clip in counted]
    observed = sum(value is not None for value in values)
    value, interval, reason = None, None, ""
    if observed < metric.sampling.least:
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


def _measure_clips(
    metric: Metric, clips: Sequence[Clip], made: ClipSet, true: ClipSet
) -> dict[str, Measurement]:
    """Clip id to the value of a clip metric."""
    extractor, first = metric.computation.extractor, metric.sampling.first_frame
    of_noise = extractors.get(extractor).unit == "noise pair"
    both = made.of(extractor, clips), true.of(extractor, clips)
    input_faces = _input_faces(clips, both[1])
    measured = {}
    for clip, generated, truth in zip(clips, *both, strict=True):
        input_row = truth[:1]
        if first and of_noise:  # equal frame numbers, one pair of clips after the other
            generated, truth = (
                rows.reshape(-1, true.frames, rows.shape[1])[:, first:].reshape(-1, rows.shape[1])
                for rows in (generated, truth)
            )
        else:
            generated, truth = generated[first:], truth[first:]
        measured[clip.id] = metric.compute(
            ClipView(generated, truth, clip.label, clip.subject, true.labels, input_row, input_faces)
        )
    return measured


def _input_faces(clips: Sequence[Clip], features: Sequence[Rows]) -> InputFaces:
    """The features of all input faces of each subject."""
    first: dict[str, list[NDArray[np.floating[Any]]]] = {}
    for clip, of_clip in zip(clips, features, strict=True):
        first.setdefault(clip.subject, []).append(of_clip[:1])
    return InputFaces({subject: np.concatenate(rows) for subject, rows in first.items()})


def _result(metric: Metric, clips: Sequence[Clip], **measured: Any) -> MetricResult:
    """The result of a metric, with the declarations that it stores."""
    return MetricResult(
        id=metric.id,
        higher_is_better=metric.higher_is_better,
        unit=metric.definition.unit,
        subjects=len({clip.subject for clip in clips}),
        **measured,
    )
