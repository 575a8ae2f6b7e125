"""Models that were run with several seeds: the mean, and the seeds' part of the variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fevbench.metrics.catalog import Metric
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.ranking import sample_of, sizes_of
from fevbench.results.schema import Result
from fevbench.stats.two_levels import TwoLevels, means_over_seeds, sets_over_seeds


@dataclass(frozen=True)
class SeededModel:
    """One model, run with several seeds on the same clips, and metrics with a value for every seed."""

    name: str
    seeds: tuple[int, ...]
    metrics: dict[str, TwoLevels]


def over_seeds(results: Sequence[Result], names: Sequence[str]) -> list[SeededModel]:
    """The models that were run with several seeds, in the order of their first results."""
    groups: dict[tuple[str, ...], dict[int, Result]] = {}
    for result in results:
        data = result.dataset
        key = (result.model.name, result.model.fingerprint, result.protocol.id, data.name, data.digest)
        groups.setdefault(key, {}).setdefault(result.seed, result)
    found = []
    for by_seed in groups.values():
        if len(by_seed) > 1:
            seeds, runs = zip(*sorted(by_seed.items()), strict=True)
            joined = {
                name: _joined(catalog.get(name), runs)
                for name in catalog
                if name in names and _has_all(name, runs)
            }
            values = {name: one for name, one in joined.items() if one is not None}
            found.append(SeededModel(runs[0].model.name, seeds, values))
    return found


def _has_all(name: str, runs: Sequence[Result]) -> bool:
    """Whether a metric has a value of one definition with every seed."""
    own = [run.metrics.get(name) for run in runs]
    return len({one.id if one else None for one in own}) == 1 and all(
        one is not None and one.value is not None for one in own
    )


def _joined(metric: Metric, runs: Sequence[Result]) -> TwoLevels | None:
    """A metric over seeds; None if its samples are not of the same clips."""
    samples = [sample_of(metric, run.model.name, run.metrics[metric.name]) for run in runs]
    subjects = runs[0].dataset.subjects_of
    if any(sample.reason for sample in samples):
        return None
    if metric.kind == "clip":
        clips = sorted(samples[0].clips)
        if any(sorted(sample.clips) != clips for sample in samples):
            return None
        values = np.array([[sample.clips[clip] for clip in clips] for sample in samples])
        return means_over_seeds(values, [subjects[clip] for clip in clips])
    if len({len(sample.replicates) for sample in samples}) > 1 or any(sample.excused for sample in samples):
        return None
    values_of_sets = [sample.value for sample in samples if sample.value is not None]
    replicates = np.array([sample.replicates for sample in samples])
    return sets_over_seeds(values_of_sets, replicates, sizes_of(samples[0], subjects))
