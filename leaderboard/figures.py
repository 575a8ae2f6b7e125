"""Whether the numbers of a result follow from each other: means and intervals, from its own clips' values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from fevbench.data.clip import Clip
from fevbench.engine.noise import made_again
from fevbench.engine.score import interval_of_mean, interval_of_set
from fevbench.extractors.base import extractors, sample_count
from fevbench.metrics.catalog import Metric
from fevbench.report.pairs import Sample, clips_that_count, is_mean_of, sizes_of
from fevbench.results.schema import Interval, MetricResult, Result
from fevbench.stats.jackknife import EQUAL_METHOD, LEAST_GROUPS, group_sizes
from leaderboard.layout import scored_clips

SLACK = 1e-6
"""How far rounding may take a number out of its range, relative to its size."""


def wrong_figures(result: Result, metric: Metric) -> Iterator[str]:
    """Yield what does not follow from the rest of a result, a line each.

    Args:
        result: The result.
        metric: One of its metrics, as declared by this version, under the definition it was scored by.
    """
    found = result.metrics[metric.name]
    if (found.higher_is_better, found.sample) != (metric.higher_is_better, metric.sampling.counts):
        yield "its direction or its sample is not the metric's"
    values = [found.value, found.ceiling, *found.per_clip.values(), *found.replicates]
    if outside := [value for value in values if value is not None and not _within(metric, value)]:
        yield f"{outside[0]:g} is outside {metric.definition.range[0]:g} to {metric.definition.range[1]:g}"
    if found.value is None:
        if not found.reason:
            yield "it has neither a value nor a reason"
    elif metric.kind == "clip":
        yield from _of_clips(result, metric, found)
    else:
        yield from _of_set(result, metric, found)


def _clips_of(result: Result, metric: Metric) -> set[str]:
    """The clips a metric has values of: all, or those that are made several times."""
    if metric.sampling.noise_samples == 1:
        return set(scored_clips(result))
    data = result.dataset
    clips = [
        Clip(clip, subject, data.labels_of.get(clip, ""), data.split, Path(clip))
        for clip, subject in data.subjects_of.items()
    ]
    return {clip.id for clip in made_again(clips)}


def _of_clips(result: Result, metric: Metric, found: MetricResult) -> Iterator[str]:
    if found.per_clip.keys() != _clips_of(result, metric):
        yield "its clips are not the scored ones"
        return
    counted = clips_that_count(metric, found)
    if not counted:
        yield "it does not tell what each clip counts"
        return
    if not is_mean_of(found.value, counted):
        yield f"it says {found.value:g}, and its clips say {math.fsum(counted.values()) / len(counted):g}"
    missing = sum(found.per_clip[clip] is None for clip in counted)
    yield from _count("n", found.n, len(counted))
    yield from _count("missing", found.missing, missing)
    yield from _count("excused", found.excused, len(found.per_clip) - len(counted))
    people = result.dataset.subjects_of
    if people:
        subjects = [people[clip] for clip in counted]
        yield from _count("people", found.subjects, len(set(subjects)))
        yield from _interval(found.interval, interval_of_mean(list(counted.values()), subjects))
    if unknown := {*found.readings.values(), *found.ceiling_readings.values()} - set(result.dataset.labels):
        yield f"it reads what the data set has no label for, {sorted(unknown)[0]!r} for one"
    labels = result.dataset.labels_of
    if found.readings and labels:
        observed = {clip: value for clip in counted if (value := found.per_clip[clip]) is not None}
        wrong = [c for c, value in observed.items() if value != (found.readings.get(c) == labels.get(c))]
        if wrong:
            count = "1 clip counts" if len(wrong) == 1 else f"{len(wrong)} clips count"
            yield f"{count} as what was not read in it, {wrong[0]} for one"


def _of_set(result: Result, metric: Metric, found: MetricResult) -> Iterator[str]:
    unit, first = extractors.get(metric.computation.extractor).unit, metric.sampling.first_frame
    rows = sample_count(unit, result.protocol.frames) - first
    clips = result.dataset.clips - found.excused
    yield from _count("n", found.n, clips if metric.sampling.counts == "clips" else clips * rows)
    people = set(result.dataset.subjects_of.values())
    if not found.excused and people:
        yield from _count("people", found.subjects, len(people))
    fewest = (clips - max(group_sizes(list(result.dataset.subjects_of.values())), default=0)) * max(rows, 1)
    enough = not metric.sampling.least_per_label and fewest >= metric.sampling.least // 2
    if not found.replicates and (found.interval or (len(people) >= LEAST_GROUPS and enough)):
        yield "it holds no replicates, though its people are enough for them"
    elif found.value is not None and (found.replicates or found.interval):
        older = found.interval is not None and found.interval.method == EQUAL_METHOD
        sample = Sample(found.value, replicates=found.replicates, excused=found.excused_clips)
        sizes = None if older else sizes_of(sample, result.dataset.subjects_of)
        yield from _interval(found.interval, interval_of_set(metric, found.value, found.replicates, sizes))


def _count(what: str, said: int, found: int) -> Iterator[str]:
    if said != found:
        yield f"{what} is {said}, and what it holds says {found}"


def _interval(said: Interval | None, found: Interval | None) -> Iterator[str]:
    if found is None and said is not None:
        return  # of fewer people than an interval takes today: older results have one, and no view shows it
    if said is None or found is None:
        if said != found:
            yield f"interval {_text(said)}, and what it holds says {_text(found)}"
    elif (said.method, said.level) != (found.method, found.level):
        yield f"interval by {said.method!r} at {said.level:g}, and this version makes them otherwise"
    elif not (_close(said.low, found.low) and _close(said.high, found.high)):
        yield f"interval {_text(said)}, and what it holds says {_text(found)}"


def _text(interval: Interval | None) -> str:
    return "none" if interval is None else f"[{interval.low:g}, {interval.high:g}]"


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def _within(metric: Metric, value: float) -> bool:
    slack = SLACK * (1 + abs(value))
    return metric.definition.range[0] - slack <= value <= metric.definition.range[1] + slack
