"""What differs between two runs, and by how much; also for runs that cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fevbench.errors import FevbenchError, UnknownName
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.comparable import clip_differences, distinct_names, other_weights
from fevbench.report.ranking import Sample, compare_samples, sample_of, subjects_of
from fevbench.results.schema import MetricResult, Result
from fevbench.stats.paired import PairedTest
from fevbench.wording import n_subjects


@dataclass(frozen=True)
class Fact:
    """A fact in which the runs differ; None if a run lacks it."""

    what: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class MetricDifference:
    """One metric of both runs; the test is of the second minus the first."""

    name: str
    first: MetricResult | None
    second: MetricResult | None
    test: PairedTest


@dataclass(frozen=True)
class ClipDifference:
    """One clip in one metric.

    A missing value is None, and counts in the mean as the floor or the worst value. The difference is the
    second run's value in the mean minus the first's.
    """

    clip: str
    subject: str | None
    first: float | None
    second: float | None
    difference: float


@dataclass(frozen=True)
class Difference:
    """Two runs, the first as the reference; ``incomparable`` says why their values cannot be subtracted."""

    names: tuple[str, str]
    facts: tuple[Fact, ...]
    incomparable: tuple[str, ...]
    metrics: tuple[MetricDifference, ...]


ShownClips = tuple[str, Sequence[ClipDifference], int, str]
"""Metric, the clips to show, how many there are, and why there are none."""


def differ(first: Result, second: Result) -> Difference:
    """The differences of two runs."""
    one, other = distinct_names([first, second])
    incomparable = clip_differences(first, second)
    present = first.metrics.keys() | second.metrics.keys()
    return Difference(
        names=(one, other),
        facts=tuple(_facts(first, second)),
        incomparable=tuple(f"scored on {difference}" for difference in incomparable),
        metrics=tuple(
            MetricDifference(
                name,
                first.metrics.get(name),
                second.metrics.get(name),
                PairedTest(None, None, None, "not of the same clips")
                if incomparable
                else _test(name, (one, other), (first, second)),
            )
            for name in catalog
            if name in present
        ),
    )


def clip_differences_in(name: str, first: Result, second: Result) -> tuple[list[ClipDifference], str]:
    """Clips of both runs in a metric, those where the second is worst first; or why there are none.

    Runs with different limits are compared in their common clips: data set and protocol determine a clip.
    Excused clips are left out.

    Raises:
        UnknownName: Neither run has such a metric.
        FevbenchError: The metric has no values per clip.
    """
    known = [metric for metric in catalog if metric in first.metrics or metric in second.metrics]
    if name not in known:
        raise UnknownName("metric of these runs", name, known)
    metric = catalog.get(name)
    if metric.kind == "set":
        raise FevbenchError(f"{name} has no values per clip", "choose another metric")
    if reason := _other_clips(name, first, second) or _undefined(name, first, second):
        return [], reason
    samples = _samples(name, distinct_names([first, second]), (first, second))
    if reason := samples[0].reason or samples[1].reason:
        return [], reason
    subjects = {**subjects_of([first]), **subjects_of([second])}
    sign = 1 if metric.higher_is_better else -1
    clips = [
        ClipDifference(
            clip,
            subjects.get(clip),
            first.metrics[name].per_clip[clip],
            second.metrics[name].per_clip[clip],
            samples[1].clips[clip] - samples[0].clips[clip],
        )
        for clip in samples[0].clips.keys() & samples[1].clips.keys()
    ]
    clips.sort(key=lambda row: (sign * row.difference, row.clip))
    return clips, "" if clips else "they share no clip"


def _other_clips(name: str, first: Result, second: Result) -> str:
    """Why clips of the same id differ between both runs, or may differ; empty if they do not."""
    a, b = first.dataset, second.dataset
    for what, x, y in (
        ("data sets", (a.name, a.version, a.split), (b.name, b.version, b.split)),
        ("protocols", first.protocol, second.protocol),
    ):
        if x != y:
            return f"scored on different {what}"
    ids = [metric.per_clip.keys() for result in (first, second) if (metric := result.metrics.get(name))]
    if a.digest != b.digest and len(ids) == 2 and ids[0] == ids[1]:
        return "clips with the same names differ"
    return ""


def _undefined(name: str, first: Result, second: Result) -> str:
    """Why values of a metric are not of the same definition and network; empty if they are."""
    ids = [metric.id for result in (first, second) if (metric := result.metrics.get(name))]
    if len(ids) < 2:
        return ""
    if ids[0] != ids[1]:
        return f"different definitions ({', '.join(ids)})"
    return other_weights(catalog.get(name), first, second)


def _samples(name: str, names: Sequence[str], results: Sequence[Result]) -> list[Sample]:
    metric = catalog.get(name)
    return [
        sample_of(metric, run, result.metrics.get(name)) for run, result in zip(names, results, strict=True)
    ]


def _test(name: str, names: Sequence[str], results: Sequence[Result]) -> PairedTest:
    if reason := _undefined(name, *results):
        return PairedTest(None, None, None, reason)
    first, second = _samples(name, names, results)
    return compare_samples(catalog.get(name), second, first, subjects_of(results))


def _facts(first: Result, second: Result) -> list[Fact]:
    one, other = _described(first), _described(second)
    names = dict.fromkeys([*one, *other])
    return [Fact(n, one.get(n), other.get(n)) for n in names if one.get(n) != other.get(n)]


def _described(result: Result) -> dict[str, str]:
    """The facts of a run, without its date, duration and values."""
    model, data, protocol, where = result.model, result.dataset, result.protocol, result.environment
    pace = f"{protocol.fps:g} a second" if protocol.fps else f"every {protocol.stride}"
    return {
        "model": model.name,
        "origin": model.origin,
        "fingerprint": model.fingerprint,
        "control": "yes" if model.control else "no",
        "adapted": "yes" if model.adapted else "no",
        "data set": f"{data.name} {data.version}",
        "split": data.split,
        "limit": "none" if data.limit is None else str(data.limit),
        "clips": f"{data.clips} of {n_subjects(data.subjects)}",
        "digest of clips": data.digest,
        "protocol": f"{protocol.id} ({protocol.frames} of {protocol.size}², {pace})",
        "seed": str(result.seed),
        "device": where.device,
        "threads": str(where.threads),
        "fevbench": where.fevbench,
        "commit": where.commit or "none",
        "python": where.python,
        "platform": where.platform,
        **{f"weights {record.name}": record.sha256 for record in result.weights},
        **{f"package {name}": version for name, version in where.packages.items()},
        **{f"definition of {name}": metric.id for name, metric in result.metrics.items()},
        "notes": "; ".join(model.notes) or "none",
    }
