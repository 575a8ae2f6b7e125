"""Who can be told apart from whom, metric by metric: all pairs of models, corrected, and the ranks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from fevbench.metrics.catalog import Metric
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.pairs import compare_samples, sample_of, subjects_of
from fevbench.results.schema import Result
from fevbench.stats.paired import PairedTest, smallest_p
from fevbench.stats.ranks import ALPHA, holm, rank

MARKS = ((0.01, "‡"), (ALPHA, "†"))
"""Below which corrected p a model that is worse than the best is marked, and how."""
LEGEND = (
    "rank, 1 + the number of models that are significantly better (5 %); worse than the best, † p < 0.05, "
    "‡ p < 0.01. Paired tests over people: sign flips of means, the jackknife's t of sets; Holm's correction "
    "over all pairs of models in a metric"
)


@dataclass(frozen=True)
class Pair:
    """Two runs in one metric, by their place in the comparison.

    Attributes:
        first: One run.
        second: The other.
        test: The test of the first less the second.
        corrected: Its p-value after Holm's correction; None without a test.
        order: The significantly better one and the worse one; None if they cannot be told apart.
    """

    first: int
    second: int
    test: PairedTest
    corrected: float | None = None
    order: tuple[int, int] | None = None


@dataclass(frozen=True)
class Standing:
    """One metric of a comparison.

    Attributes:
        pairs: All pairs of models that have a number; controls are no models.
        ranks: Run to rank; empty if any pair could not be tested.
        against_best: Run to the corrected p-value of its test against the best number, whose own is 1.
        reason: Why there are no ranks; empty where there are, or where there is nothing to rank.
    """

    pairs: tuple[Pair, ...] = ()
    ranks: Mapping[int, int] = field(default_factory=dict)
    against_best: Mapping[int, float] = field(default_factory=dict)
    reason: str = ""

    def mark(self, run: int) -> str:
        """How a run's number is marked: significantly worse than the best one, or nothing."""
        p = self.against_best.get(run, 1.0)
        return next((mark for bound, mark in MARKS if p < bound), "")


def stand(metric: Metric, names: Sequence[str], results: Sequence[Result]) -> Standing:
    """Test all pairs of models in a metric and rank them.

    Runs of controls read the true clips and take no part, nor do runs without a number. Where one pair cannot
    be tested, nobody has a rank: a rank counts all the others.

    Args:
        metric: The metric.
        names: What the runs are called.
        results: Runs of the same clips under the same definitions.
    """
    if not metric.ranked:
        return Standing(reason="more of it is not better by itself")
    samples = {
        i: sample_of(metric, names[i], result.metrics.get(metric.name))
        for i, result in enumerate(results)
        if not result.model.control
    }
    subjects = subjects_of(results)
    models = [i for i, sample in samples.items() if sample.value is not None]
    pairs = [
        Pair(i, j, compare_samples(metric, samples[i], samples[j], subjects))
        for i, j in combinations(models, 2)
    ]
    reason = next((pair.test.reason for pair in pairs if pair.test.reason), "")
    if reason or not pairs:
        return Standing(tuple(pairs), reason=reason)
    corrected = holm([p for pair in pairs if (p := pair.test.p) is not None])
    decided = [_decide(metric, pair, p) for pair, p in zip(pairs, corrected, strict=True)]
    ranks = rank(models, [pair.order for pair in decided if pair.order])
    values = {i: value for i in models if (value := samples[i].value) is not None}
    best = metric.best(list(values.values()))
    against: dict[int, float] = {i: 1.0 for i, value in values.items() if value == best}
    for pair in decided:
        for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
            if values[one] == best != values[other] and pair.corrected is not None:
                against[other] = min(against.get(other, 1.0), pair.corrected)
    return Standing(tuple(decided), ranks, against)


def remarks(standings: Mapping[str, Standing], names: Sequence[str], results: Sequence[Result]) -> list[str]:
    """What a reader must know of the ranks: who takes no part, where there are none, what cannot be seen."""
    controls = [name for name, result in zip(names, results, strict=True) if result.model.control]
    lines = [f"no model, so neither ranked nor best: {', '.join(controls)}"] if controls else []
    reasons: dict[str, list[str]] = {}
    few: dict[tuple[int, int], list[str]] = {}
    for name, standing in standings.items():
        if standing.reason:
            reasons.setdefault(standing.reason, []).append(name)
        elif standing.pairs and catalog.get(name).kind == "clip":
            people = min(result.metrics[name].subjects for result in results if name in result.metrics)
            if len(standing.pairs) * smallest_p(people) >= ALPHA:
                few.setdefault((people, len(standing.pairs)), []).append(name)
    lines += [f"no ranks in {', '.join(which)}: {reason}" for reason, which in reasons.items()]
    return lines + [
        f"{people} people are too few to tell any two models apart in {pairs} pairs: {', '.join(which)}"
        for (people, pairs), which in few.items()
    ]


def _decide(metric: Metric, pair: Pair, corrected: float) -> Pair:
    order = None
    if corrected < ALPHA and pair.test.difference:
        first_is_better = (pair.test.difference > 0) == metric.higher_is_better
        order = (pair.first, pair.second) if first_is_better else (pair.second, pair.first)
    return replace(pair, corrected=corrected, order=order)
