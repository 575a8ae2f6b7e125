"""Checking results: by themselves, and against the data sets on this machine."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fevbench import weights
from fevbench.data.clip import Clip
from fevbench.engine.noise import made_again
from fevbench.engine.score import interval_of_mean, interval_of_set
from fevbench.errors import FevbenchError
from fevbench.extractors.base import extractors, sample_count
from fevbench.judge.files import MODEL as JUDGE
from fevbench.judge.files import find_judge
from fevbench.metrics.catalog import Metric
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.ranking import Sample, clips_that_count, is_mean_of, sizes_of
from fevbench.results.schema import Interval, MetricResult, Result
from fevbench.stats.jackknife import EQUAL_METHOD, LEAST_GROUPS, group_sizes
from fevbench.wording import first_few, quantity
from leaderboard.entries import Entry
from leaderboard.ground_truth import GroundTruth
from leaderboard.layout import is_packaged, place, scored_clips, small_clips, small_of
from leaderboard.small_clips import ARCHIVE_SUFFIX, CLIPS_SUFFIX, TRUE_CLIPS, find_small_clips

SLACK = 1e-6
"""Relative tolerance of a metric's range, for rounding."""
ALIKE = 1e-3
"""Relative tolerance between values of two machines: a margin, not a measurement."""
ALIKE_NEAR_ZERO = 1e-5
"""Absolute tolerance for values near zero."""
DIRTY = "+dirty"
LONGEST_NAME = 100
"""Most characters of a model's name."""


def wrong_figures(result: Result, metric: Metric) -> Iterator[str]:
    """Yield contradictions within a result, one line each."""
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
    """The clips with values in a metric: all, or those with noise samples."""
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
        yield "it lacks the values of its clips"
        return
    if not is_mean_of(found.value, counted):
        yield f"its value is {found.value:g}, its clips have {math.fsum(counted.values()) / len(counted):g}"
    missing = sum(found.per_clip[clip] is None for clip in counted)
    yield from _count("n", found.n, len(counted))
    yield from _count("missing", found.missing, missing)
    yield from _count("excused", found.excused, len(found.per_clip) - len(counted))
    subject_of = result.dataset.subjects_of
    if subject_of:
        subjects = [subject_of[clip] for clip in counted]
        yield from _count("subjects", found.subjects, len(set(subjects)))
        yield from _interval(found.interval, interval_of_mean(list(counted.values()), subjects))
    if unknown := {*found.readings.values(), *found.ceiling_readings.values()} - set(result.dataset.labels):
        yield f"its readings hold labels that the data set lacks, such as {sorted(unknown)[0]!r}"
    labels = result.dataset.labels_of
    if found.readings and labels:
        observed = {clip: value for clip in counted if (value := found.per_clip[clip]) is not None}
        wrong = [c for c, value in observed.items() if value != (found.readings.get(c) == labels.get(c))]
        if wrong:
            count = quantity(len(wrong), "clip counts", "clips count")
            yield f"{count} otherwise than its reading says, such as {wrong[0]}"


def _of_set(result: Result, metric: Metric, found: MetricResult) -> Iterator[str]:
    unit, first = extractors.get(metric.computation.extractor).unit, metric.sampling.first_frame
    rows = sample_count(unit, result.protocol.frames) - first
    clips = result.dataset.clips - found.excused
    yield from _count("n", found.n, clips if metric.sampling.counts == "clips" else clips * rows)
    subjects = set(result.dataset.subjects_of.values())
    if not found.excused and subjects:
        yield from _count("subjects", found.subjects, len(subjects))
    fewest = (clips - max(group_sizes(list(result.dataset.subjects_of.values())), default=0)) * max(rows, 1)
    enough = not metric.sampling.least_per_label and fewest >= metric.sampling.least // 2
    if not found.replicates and (found.interval or (len(subjects) >= LEAST_GROUPS and enough)):
        yield "it holds no replicates, although it has enough subjects"
    elif found.value is not None and (found.replicates or found.interval):
        older = found.interval is not None and found.interval.method == EQUAL_METHOD
        sample = Sample(found.value, replicates=found.replicates, excused=found.excused_clips)
        sizes = None if older else sizes_of(sample, result.dataset.subjects_of)
        yield from _interval(found.interval, interval_of_set(metric, found.value, found.replicates, sizes))


def _count(what: str, said: int, found: int) -> Iterator[str]:
    if said != found:
        yield f"{what} is {said}, computed again {found}"


def _interval(said: Interval | None, found: Interval | None) -> Iterator[str]:
    if found is None and said is not None:
        return  # an older result's interval of too few subjects, which no view shows
    if said is None or found is None:
        if said != found:
            yield f"interval {_text(said)}, computed again {_text(found)}"
    elif (said.method, said.level) != (found.method, found.level):
        yield f"interval by {said.method!r} at {said.level:g}, which this version computes differently"
    elif not (_close(said.low, found.low) and _close(said.high, found.high)):
        yield f"interval {_text(said)}, computed again {_text(found)}"


def _text(interval: Interval | None) -> str:
    return "none" if interval is None else f"[{interval.low:g}, {interval.high:g}]"


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def _within(metric: Metric, value: float) -> bool:
    slack = SLACK * (1 + abs(value))
    return metric.definition.range[0] - slack <= value <= metric.definition.range[1] + slack


@dataclass(frozen=True)
class Finding:
    """A finding in one line: a fault, which excludes the result, or a note."""

    what: str
    fault: bool = True


def alike(one: float | None, other: float | None) -> bool:
    """Whether two values agree, allowing for two machines."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=ALIKE, abs_tol=ALIKE_NEAR_ZERO)


def check_result(result: Result, ground_truth: GroundTruth) -> Iterator[Finding]:
    """Yield the findings on a result by itself."""
    for what in ground_truth.faults(result):
        yield Finding(what)
    name = result.model.name
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        yield Finding(f"its model's name is not one line of 1 to {LONGEST_NAME} printable characters")
    try:
        datetime.datetime.fromisoformat(result.created)
    except ValueError:
        yield Finding(f"created {result.created!r} is not a time")
    if not result.metrics:
        yield Finding("it holds no metric")
    yield from _weights(result, ground_truth)
    if (result.environment.commit or "").endswith(DIRTY):
        yield Finding("made by code with uncommitted changes, which nobody else has", fault=False)
    current = current_metrics(result)
    for name, found in result.metrics.items():
        if name not in catalog:
            yield Finding(f"no metric is called {name!r} here")
        elif name not in current:
            here = catalog.get(name).for_protocol(result.protocol).id
            yield Finding(
                f"{name}: its definition is {found.id}, this version's {here}: not checked", fault=False
            )
        else:
            for what in wrong_figures(result, current[name]):
                yield Finding(f"{name}: {what}")


def current_metrics(result: Result) -> dict[str, Metric]:
    """The metrics of a result that have this version's definitions, as this version declares them."""
    judge = next((record.sha256 for record in result.weights if record.name == JUDGE), None)
    known = [
        catalog.get(name).with_judge(judge).for_protocol(result.protocol)
        for name in catalog
        if name in result.metrics
    ]
    return {metric.name: metric for metric in known if result.metrics[metric.name].id == metric.id}


def left_out(result: Result) -> list[str]:
    """The default metrics that a result lacks, perhaps because they were bad."""
    return [
        name for name in catalog if catalog.get(name).selected_by == "default" and name not in result.metrics
    ]


def _weights(result: Result, ground_truth: GroundTruth) -> Iterator[Finding]:
    registry = weights.load_registry()
    used = {record.name: record.sha256 for record in result.weights}
    for name, sha256 in used.items():
        if name == JUDGE:
            yield from _judge(result, sha256, ground_truth)
        elif name not in registry:
            yield Finding(f"no weight is called {name!r} here")
        elif sha256 not in {file.sha256 for file in registry[name].files}:
            yield Finding(f"{name} was {sha256[:12]}, which is not a registered file")
    for metric in current_metrics(result).values():
        needed = set(extractors.get(metric.computation.extractor).weights)
        if result.metrics[metric.name].value is not None and (lacking := needed - used.keys()):
            yield Finding(f"{metric.name}: it does not say which {', '.join(sorted(lacking))} it used")


def _judge(result: Result, sha256: str, ground_truth: GroundTruth) -> Iterator[Finding]:
    try:
        truth = ground_truth.of(result)
    except FevbenchError:  # already reported
        return
    here = find_judge(truth.corpus.dataset, truth.protocol)
    if here is None or here.sha256 != sha256:
        yield Finding(
            f"its expression classifier, {sha256[:12]}, is not the one here, so nobody can check it",
            fault=False,
        )


def check_entry(entry: Entry, ground_truth: GroundTruth) -> Iterator[Finding]:
    """Yield the findings on a result of the leaderboard, on its place, and on its small clips."""
    yield from check_result(entry.result, ground_truth)
    try:
        wanted = place(entry.result)
    except FevbenchError as error:
        yield Finding(str(error))
    else:
        if entry.file.resolve().parts[-len(wanted.parts) :] != wanted.parts:
            yield Finding(f"it belongs at {wanted}")
    if not is_packaged(entry.file):
        yield from _small_clips(entry)


def _small_clips(entry: Entry) -> Iterator[Finding]:
    scored = scored_clips(entry.result)
    for name in (entry.file.stem, TRUE_CLIPS):
        clips = find_small_clips(entry.file.parent, name)
        if clips is None:
            yield Finding(f"no small clips in {name}{ARCHIVE_SUFFIX}: add its run again with --replace")
            return
        try:
            there = clips.files()
        except OSError as error:
            yield Finding(f"{clips.name} cannot be read ({error.strerror}): add its run again with --replace")
            return
        if lacking := sorted({f"{clip}{CLIPS_SUFFIX}" for clip in small_of(scored)} - there):
            yield Finding(f"{clips.name} lacks {first_few(lacking)}")
        if name != TRUE_CLIPS and (more := sorted(there - {f"{clip}{CLIPS_SUFFIX}" for clip in scored})):
            yield Finding(f"{clips.name} holds files that are not its clips: {first_few(more)}")
    for clip, content in small_clips(entry):
        if content[4:8] != b"ftyp":
            yield Finding(f"{clip}{CLIPS_SUFFIX} is not an MP4")


def check_together(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Finding]]:
    """Yield results whose true clips have other values than in the first result of the same clips."""
    first: dict[tuple[str, str, str], tuple[Entry, float]] = {}
    for entry in entries:
        for name, metric in entry.result.metrics.items():
            if metric.ceiling is None:
                continue
            key = (entry.result.dataset.digest, entry.result.protocol.id, metric.id)
            other, ceiling = first.setdefault(key, (entry, metric.ceiling))
            if not alike(ceiling, metric.ceiling):
                what = f"{name}: the true clips have {metric.ceiling:g}, but {ceiling:g} in {other.file.name}"
                yield entry, Finding(what)
