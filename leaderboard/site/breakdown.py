"""A metric by expression and by subject: means over groups of clips, with the values of the whole mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.ranking import sample_of, subjects_of
from fevbench.report.rows import number
from leaderboard.site.board import shade_of_part
from leaderboard.site.tables import Run, Table

NO_LABELS = "These results are of an older version, which does not store the expression of each clip."


@dataclass(frozen=True)
class Part:
    """One mean, and its colour step between the worst and the best of this breakdown."""

    text: str
    shade: int | None


@dataclass(frozen=True)
class Breakdown:
    """One metric, all runs: the columns with their numbers of clips, and each run with its means."""

    heads: tuple[tuple[str, int], ...]
    lines: tuple[tuple[Run, tuple[Part, ...]], ...]


def labels_of(table: Table) -> dict[str, str]:
    """Clip to expression, from a run that holds them; empty if none does."""
    return next((r.dataset.labels_of for run in table.runs if (r := run.result).dataset.labels_of), {})


def subjects_in(table: Table) -> dict[str, str]:
    """Clip to subject, from a run that holds them; empty if none does."""
    return subjects_of([run.result for run in table.runs])


def clip_metrics(table: Table) -> list[str]:
    """The metrics of a table that have values per clip."""
    return [
        name
        for name in table.comparison.columns
        if catalog.get(name).kind == "clip"
        and any((m := run.result.metrics.get(name)) and m.per_clip for run in table.runs)
    ]


def break_down(table: Table, metric: str, groups: Mapping[str, str]) -> Breakdown:
    """Means of a metric of clips over groups of them."""
    declared = catalog.get(metric)
    names = sorted(set(groups.values()))
    count = Counter(groups.values())
    heads = tuple((name, count[name]) for name in names)
    means: list[tuple[Run, list[float | None]]] = []
    for run in table.runs:
        counted = sample_of(declared, run.row.name, run.result.metrics.get(metric)).clips
        values: dict[str, list[float]] = {name: [] for name in names}
        for clip, value in counted.items():
            if clip in groups:
                values[groups[clip]].append(value)
        means.append((run, [fsum(some) / len(some) if some else None for some in values.values()]))
    found = [mean for _, some in means for mean in some if mean is not None]
    if not found:
        return Breakdown(heads, ())
    best, worst = declared.best(found), declared.worst(found)

    def part(mean: float | None) -> Part:
        if mean is None:
            return Part("–", None)
        share = (mean - worst) / (best - worst) if best != worst else 0.5
        return Part(number(metric, mean), shade_of_part(round(share, 9)))

    return Breakdown(heads, tuple((run, tuple(part(mean) for mean in some)) for run, some in means))
