"""Tests between runs, from what their results hold: clips' values, replicates, and whose clips they are."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from fevbench.metrics.catalog import Metric
from fevbench.results.schema import MetricResult, Result
from fevbench.stats.jackknife import LEAST_GROUPS, group_sizes
from fevbench.stats.paired import PairedTest, compare_means, compare_sets, too_few

NO_PEOPLE = (
    "no result says whose clips these are (older version); repeat a run's command, which keeps its clips"
)


NO_REPLICATES = (
    "without one of the groups of people it has no number, or it is of an older version (repeat its command)"
)


@dataclass(frozen=True)
class Sample:
    """What one run brings to a test in one metric.

    Attributes:
        value: Its number; None if it has none.
        clips: For clip metrics, what each clip counts in the mean; excused ones are left out.
        replicates: For set metrics, the number without each group of people in turn.
        excused: For set metrics, clips that have no part in it.
        reason: Why it cannot be tested; empty if it can.
    """

    value: float | None
    clips: Mapping[str, float] = field(default_factory=dict)
    replicates: Sequence[float] = ()
    excused: Collection[str] = ()
    reason: str = ""


def subjects_of(results: Sequence[Result]) -> dict[str, str]:
    """Clip to person, from any of some results of the same clips; empty if none of them knows."""
    return next((r.dataset.subjects_of for r in results if r.dataset.subjects_of), {})


def sample_of(metric: Metric, name: str, result: MetricResult | None) -> Sample:
    """A run's sample in a metric.

    Args:
        metric: The metric's declaration.
        name: What the run is called.
        result: What it holds of this metric.
    """
    if result is None:
        return Sample(None, reason=f"{name} was not scored in it")
    if result.value is None:
        return Sample(None, reason=f"{name} has no number ({result.reason})")
    if metric.kind == "clip":
        clips = clips_that_count(metric, result)
        clips = clips if is_mean_of(result.value, clips) else {}
        return Sample(
            result.value, clips, reason="" if clips else f"{name} does not hold what each clip counts"
        )
    if len(result.replicates) >= LEAST_GROUPS:
        return Sample(result.value, replicates=result.replicates, excused=result.excused_clips)
    if result.subjects < LEAST_GROUPS:
        return Sample(result.value, reason=too_few(result.subjects, LEAST_GROUPS))
    return Sample(result.value, reason=f"{name} holds no replicates: {NO_REPLICATES}")


def compare_samples(metric: Metric, first: Sample, second: Sample, subjects: Mapping[str, str]) -> PairedTest:
    """Test the difference of two runs in a metric, the first less the second.

    Without a test, the difference is still the one of the two numbers.
    """
    if first.value is None or second.value is None:
        return PairedTest(None, None, None, first.reason or second.reason)
    difference = first.value - second.value
    if first.reason or second.reason:
        return PairedTest(difference, None, None, first.reason or second.reason)
    if metric.kind == "set":
        if len(first.replicates) != len(second.replicates):
            return PairedTest(difference, None, None, "the two left out other groups of people")
        sizes = sizes_of(first, subjects)
        return compare_sets(first.value, second.value, first.replicates, second.replicates, sizes)
    # An excused clip is excused for both; which clips are is a matter of the true clip, so usually the same.
    both = sorted(first.clips.keys() & second.clips.keys())
    if not both:
        return PairedTest(difference, None, None, "no clip counts for both")
    if not subjects.keys() >= set(both):
        return PairedTest(difference, None, None, NO_PEOPLE)
    return compare_means(
        [first.clips[clip] for clip in both],
        [second.clips[clip] for clip in both],
        [subjects[clip] for clip in both],
    )


def sizes_of(sample: Sample, subjects: Mapping[str, str]) -> list[int] | None:
    """How many clips each group of people has that was left out; None where nobody can tell.

    Args:
        sample: What a run brings, of a set metric.
        subjects: Clip to person, of all scored clips.
    """
    if not subjects:
        return None
    sizes = group_sizes(list(subjects.values()), [clip not in sample.excused for clip in subjects])
    return sizes if len(sizes) == len(sample.replicates) else None


def clips_that_count(metric: Metric, result: MetricResult) -> dict[str, float]:
    """What each clip counts in the mean; empty where the result does not tell.

    The floor is this version's.

    Args:
        metric: The metric's declaration, one of kind ``clip``.
        result: What a result holds of it.
    """
    without = {clip for clip, value in result.per_clip.items() if value is None}
    excused = set(result.excused_clips)
    if len(excused) != result.excused:
        # An older result says how many are excused, not which: clear only if nothing else is missing.
        if result.missing or len(without) != result.excused:
            return {}
        excused = without
    ids = [clip for clip in result.per_clip if clip not in excused]
    if without.issuperset(ids):
        return {}
    return dict(zip(ids, metric.with_missing([result.per_clip[clip] for clip in ids]), strict=True))


def is_mean_of(value: float | None, clips: Mapping[str, float]) -> bool:
    """Whether a number is the mean of what clips count; where a definition had another floor, it is not."""
    mean = math.fsum(clips.values()) / len(clips) if clips else math.nan
    return value is not None and math.isclose(mean, value, rel_tol=1e-9, abs_tol=1e-12)
