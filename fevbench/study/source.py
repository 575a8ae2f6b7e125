"""The runs of a study: that they belong together, and what their results say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from fevbench.errors import RunError
from fevbench.metrics.catalog import Metric
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.comparable import clip_differences, distinct_names, same_weights
from fevbench.report.pairs import sample_of
from fevbench.report.sheet import Runs
from fevbench.results.files import read_result
from fevbench.results.schema import MetricResult, Result
from fevbench.study.record import Score, StudyMetric, StudyModel


def open_runs(folders: Sequence[Path], dataset: str | None = None) -> Runs:
    """Open runs whose clips can be shown side by side.

    Args:
        folders: Their folders.
        dataset: What to open for the true clips; by default what the results name.

    Raises:
        RunError: There are fewer than two, one is there twice, or they are not of the same clips.
        DatasetError: The data set cannot be opened here, or is not the one that was scored.
    """
    if len(folders) < 2:
        raise RunError("a comparison needs two runs, and one is given", "name another run")
    results = [read_result(folder) for folder in folders]
    for (one, first), (other, second) in combinations(zip(folders, results, strict=True), 2):
        if first == second:
            raise RunError(f"{one} and {other} are the same run", "name it once")
    for other, result in zip(folders[1:], results[1:], strict=True):
        for difference in clip_differences(results[0], result):
            raise RunError(
                f"{folders[0]} and {other} were scored on {difference}",
                "compare runs of one data set, split, protocol and limit",
            )
    return Runs(folders, dataset)


def models_of(results: Sequence[Result]) -> list[StudyModel]:
    """What the study says of each run."""
    return [
        StudyModel(name=name, fingerprint=result.model.fingerprint, control=result.model.control)
        for name, result in zip(distinct_names(results), results, strict=True)
    ]


def metrics_of(results: Sequence[Result], subjects: Mapping[str, str]) -> dict[str, StudyMetric]:
    """The metrics that some run has a number in, in the catalogue's order.

    Args:
        results: Runs of the same clips under the same definitions.
        subjects: Scored clip to the person it shows.
    """
    found = {}
    for metric in (catalog.get(name) for name in catalog):
        those = [result.metrics.get(metric.name) for result in results]
        named = next((one for one in those if one is not None), None)
        if named is None:
            continue
        found[metric.name] = StudyMetric(
            id=named.id,
            higher_is_better=named.higher_is_better,
            scores=[_score(metric, one, subjects) for one in those],
            reason=_why_not(metric, results),
        )
    return found


def _why_not(metric: Metric, results: Sequence[Result]) -> str:
    if not metric.definition.ranked:
        return "more of it is not better by itself"
    return "" if same_weights(metric, results) else "measured by different files of its networks"


def _score(metric: Metric, result: MetricResult | None, subjects: Mapping[str, str]) -> Score:
    if result is None:
        return Score(value=None)
    clips = sample_of(metric, metric.name, result).clips
    if not subjects.keys() >= clips.keys():
        return Score(value=result.value)
    counts = Counter(subjects[clip] for clip in clips)
    sums = dict.fromkeys(counts, 0.0)
    for clip, value in clips.items():
        sums[subjects[clip]] += value
    return Score(value=result.value, subjects={who: (sums[who], counts[who]) for who in sorted(counts)})
