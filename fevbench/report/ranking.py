"""Tests between runs, metric by metric, and the ranks of models that follow from them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from fevbench.metrics.catalog import Metric
from fevbench.report.comparable import other_weights
from fevbench.results.schema import MetricResult, Result
from fevbench.stats.jackknife import LEAST_GROUPS, group_sizes
from fevbench.stats.paired import ALPHA, PairedTest, compare_means, compare_sets, smallest_p, too_few
from fevbench.stats.ranks import holm, rank, rankable
from fevbench.wording import grouped

NO_SUBJECTS = (
    "no result says whose clips these are (older version); repeat a run's command, which keeps its clips"
)
NO_REPLICATES = (
    "without one of the groups of subjects it has no number, or it is of an older version "
    "(repeat its command)"
)
MARKS = ((0.01, "‡"), (ALPHA, "†"))
"""Corrected p below which a model that is worse than the best is marked, and the mark."""
LEGEND = (
    "rank, 1 + the number of models that are significantly better (5 %) than it or than any with a number "
    "at least as good; worse than the best, † p < 0.05, "
    "‡ p < 0.01. Paired tests over subjects: sign flips of means, the jackknife's t of sets; Holm's "
    "correction over all pairs of models in a metric"
)


@dataclass(frozen=True)
class Sample:
    """One run's values for a test in one metric.

    Attributes:
        value: Its value; None if it has none.
        clips: For clip metrics, the value of each clip in the mean; excused clips are left out.
        replicates: For set metrics, the value without each group of subjects in turn.
        excused: For set metrics, clips that are left out of the value.
        reason: Why it cannot be tested; empty if it can.
    """

    value: float | None
    clips: Mapping[str, float] = field(default_factory=dict)
    replicates: Sequence[float] = ()
    excused: Collection[str] = ()
    reason: str = ""


def subjects_of(results: Sequence[Result]) -> dict[str, str]:
    """Clip to subject, from the first result of the same clips that holds them; empty if none does."""
    return next((r.dataset.subjects_of for r in results if r.dataset.subjects_of), {})


def sample_of(metric: Metric, name: str, result: MetricResult | None) -> Sample:
    """A run's sample in a metric."""
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
    """Test the difference of two runs in a metric, the first minus the second.

    The difference is given even if there is no test.
    """
    if first.value is None or second.value is None:
        return PairedTest(None, None, None, first.reason or second.reason)
    difference = first.value - second.value
    if first.reason or second.reason:
        return PairedTest(difference, None, None, first.reason or second.reason)
    if metric.kind == "set":
        if len(first.replicates) != len(second.replicates):
            return PairedTest(difference, None, None, "the two left out other groups of subjects")
        sizes = sizes_of(first, subjects)
        return compare_sets(first.value, second.value, first.replicates, second.replicates, sizes)
    # A clip excused in one run is left out of both; it depends on the true clip, so usually both agree.
    both = sorted(first.clips.keys() & second.clips.keys())
    if not both:
        return PairedTest(difference, None, None, "no clip counts for both")
    if not subjects.keys() >= set(both):
        return PairedTest(difference, None, None, NO_SUBJECTS)
    return compare_means(
        [first.clips[clip] for clip in both],
        [second.clips[clip] for clip in both],
        [subjects[clip] for clip in both],
    )


def sizes_of(sample: Sample, subjects: Mapping[str, str]) -> list[int] | None:
    """Number of clips of each group of subjects in the replicates; None if unknown."""
    if not subjects:
        return None
    sizes = group_sizes(list(subjects.values()), [clip not in sample.excused for clip in subjects])
    return sizes if len(sizes) == len(sample.replicates) else None


def clips_that_count(metric: Metric, result: MetricResult) -> dict[str, float]:
    """The value of each clip in the mean; empty if the result does not hold them.

    The floor is this version's.
    """
    without = {clip for clip, value in result.per_clip.items() if value is None}
    excused = set(result.excused_clips)
    if len(excused) != result.excused:
        # An older result holds how many are excused, not which; that is clear if nothing else is missing.
        if result.missing or len(without) != result.excused:
            return {}
        excused = without
    ids = [clip for clip in result.per_clip if clip not in excused]
    if without.issuperset(ids):
        return {}
    return dict(zip(ids, metric.with_missing([result.per_clip[clip] for clip in ids]), strict=True))


def is_mean_of(value: float | None, clips: Mapping[str, float]) -> bool:
    """Whether a value is the mean of the clips' values; not if an older definition had another floor."""
    mean = math.fsum(clips.values()) / len(clips) if clips else math.nan
    return value is not None and math.isclose(mean, value, rel_tol=1e-9, abs_tol=1e-12)


@dataclass(frozen=True)
class Pair:
    """Two runs in one metric, by their index in the comparison.

    The test is of the first minus the second, ``corrected`` its p-value after Holm's correction (None without
    a test, or beside a model without a rank), ``order`` the significantly better one and the worse one.
    """

    first: int
    second: int
    test: PairedTest
    corrected: float | None = None
    order: tuple[int, int] | None = None


@dataclass(frozen=True)
class Ranking:
    """One metric of a comparison.

    Attributes:
        pairs: All pairs of models with a value; controls are not models.
        ranks: Run to rank; empty if no two models could be tested, or none differ significantly.
        unranked: Run to the reason why it has no rank although others have one.
        against_best: Run to the corrected p-value of its test against the best number of the ranked models,
            whose own is 1.
        reason: Why there are no ranks; empty if there are, or if there is nothing to rank.
    """

    pairs: tuple[Pair, ...] = ()
    ranks: Mapping[int, int] = field(default_factory=dict)
    unranked: Mapping[int, str] = field(default_factory=dict)
    against_best: Mapping[int, float] = field(default_factory=dict)
    reason: str = ""

    def mark(self, run: int) -> str:
        """The mark of a run's value: significantly worse than the best one, or empty."""
        p = self.against_best.get(run, 1.0)
        return next((mark for bound, mark in MARKS if p < bound), "")


def unranked_reason(metric: Metric) -> str:
    """Why a metric that declares no ranks has none."""
    return f"a {'larger' if metric.higher_is_better else 'smaller'} value is not better by itself"


def rank_models(metric: Metric, names: Sequence[str], results: Sequence[Result]) -> Ranking:
    """Test all pairs of models in a metric and rank them.

    Controls, which read the true clips, and runs without a value are left out. A rank counts all other
    models; models that cannot be tested against them have none (`fevbench.stats.ranks.rankable`).
    """
    if not metric.definition.ranked:
        return Ranking(reason=unranked_reason(metric))
    samples = {
        i: sample_of(metric, names[i], result.metrics.get(metric.name))
        for i, result in enumerate(results)
        if not result.model.control
    }
    subjects = subjects_of(results)
    models = [i for i, sample in samples.items() if sample.value is not None]
    pairs = [
        Pair(i, j, _test(metric, (samples[i], samples[j]), (results[i], results[j]), subjects))
        for i, j in combinations(models, 2)
    ]
    if not pairs:
        return Ranking()
    ranked = rankable(models, [(pair.first, pair.second) for pair in pairs if pair.test.reason])
    without = {i: _unranked_reason(i, pairs, ranked, samples, names) for i in models if i not in ranked}
    if not ranked:
        return Ranking(tuple(pairs), reason="; ".join(sorted({*without.values()} - {""})))
    decided = _corrected(metric, pairs, ranked)
    values = {i: value for i in ranked if (value := samples[i].value) is not None}
    ranks = rank(values, [pair.order for pair in decided if pair.order], metric.higher_is_better)
    if set(ranks.values()) == {1}:  # a rank shared by all means nothing
        return Ranking(decided, unranked=without, reason=_no_ranks_reason(metric, ranked, decided, results))
    best = metric.best(list(values.values()))
    against: dict[int, float] = {i: 1.0 for i, value in values.items() if value == best}
    for pair in decided:
        if pair.corrected is None:
            continue
        for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
            if values[one] == best != values[other]:
                against[other] = min(against.get(other, 1.0), pair.corrected)
    return Ranking(decided, ranks, without, against)


def remarks(rankings: Mapping[str, Ranking], names: Sequence[str], results: Sequence[Result]) -> list[str]:
    """Notes on the ranks: models without ranks, metrics without ranks, and undetectable differences."""
    controls = [name for name, result in zip(names, results, strict=True) if result.model.control]
    lines = [f"no model, so neither ranked nor best: {', '.join(controls)}"] if controls else []
    lines += [
        f"{names[i]} and {names[j]} are one result, and count as two models"
        for i, j in combinations(range(len(results)), 2)
        if results[i] == results[j] and not results[i].model.control
    ]
    reasons = grouped((ranking.reason, name) for name, ranking in rankings.items() if ranking.reason)
    single = grouped(
        ((names[run], reason), name)
        for name, ranking in rankings.items()
        for run, reason in ranking.unranked.items()
    )
    lines += [f"no ranks in {', '.join(which)}: {reason}" for reason, which in reasons.items()]
    lines += [
        f"{model} has no rank in {', '.join(which)}: {reason}" for (model, reason), which in single.items()
    ]
    return lines


def _no_ranks_reason(
    metric: Metric, ranked: Collection[int], pairs: Sequence[Pair], results: Sequence[Result]
) -> str:
    """Why all share one rank: too few subjects for this many pairs, or no significant difference."""
    if metric.kind == "clip":
        subjects = min(results[run].metrics[metric.name].subjects for run in ranked)
        tested = sum(pair.corrected is not None for pair in pairs)
        if tested * smallest_p(subjects) >= ALPHA:
            return f"{subjects} subjects are too few for a significant difference in {tested} pairs of models"
    return "no two models differ significantly"


def _test(
    metric: Metric,
    samples: tuple[Sample, Sample],
    results: tuple[Result, Result],
    subjects: Mapping[str, str],
) -> PairedTest:
    if reason := other_weights(metric, *results):
        return PairedTest(None, None, None, reason)
    return compare_samples(metric, *samples, subjects)


def _unranked_reason(
    run: int,
    pairs: Sequence[Pair],
    ranked: Collection[int],
    samples: Mapping[int, Sample],
    names: Sequence[str],
) -> str:
    """Why a model has no rank: its own reason, or that of a missing test against a ranked model.

    The first by name, so that the reason does not depend on the order of the runs.
    """
    if samples[run].reason:
        return samples[run].reason
    found = [
        (other not in ranked, names[other], pair.test.reason)
        for pair in pairs
        if pair.test.reason and run in (pair.first, pair.second)
        for other in (pair.first, pair.second)
        if other != run
    ]
    return min(found, default=(True, "", ""))[2]


def _corrected(metric: Metric, pairs: Sequence[Pair], ranked: Collection[int]) -> tuple[Pair, ...]:
    """The same pairs; those of ranked models, one family of tests, with corrected p and the better model."""
    family = [i for i, pair in enumerate(pairs) if pair.first in ranked and pair.second in ranked]
    corrected = holm([p for i in family if (p := pairs[i].test.p) is not None])
    decided = list(pairs)
    for i, p in zip(family, corrected, strict=True):
        test, order = pairs[i].test, None
        if p < ALPHA and test.difference:
            first_is_better = (test.difference > 0) == metric.higher_is_better
            both = (pairs[i].first, pairs[i].second)
            order = both if first_is_better else both[::-1]
        decided[i] = replace(pairs[i], corrected=p, order=order)
    return tuple(decided)
