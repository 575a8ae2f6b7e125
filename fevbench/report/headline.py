"""The four headline metrics of a model, and the order of models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.rows import Comparison

ASPECTS = {
    "identity": ("csim", "csim-r50"),
    "expression": ("accuracy", "accuracy-fer", "accuracy-face-api", "accuracy-hsemotion"),
    "motion": ("motion", "mesh-motion"),
    "realism": ("fvd", "fid", "kvd", "kid", "lpips", "ssim"),
}
"""Aspect of quality to the metrics that may represent it; the first that a comparison has is used."""
GROUPS = {
    "identity": ("Identity", ("identity",)),
    "expression": ("Expression", ("expression",)),
    "motion": ("Motion", ("motion", "facial-motion")),
    "realism": ("Realism", ("distribution", "pixels")),
    "diversity": ("Diversity", ("diversity",)),
}
"""Groups of columns: title to families of metrics. Each group counts once in a mean rank."""


def headline(columns: Sequence[str]) -> dict[str, str]:
    """Aspect to the metric that represents it among a table's metrics; aspects without one are absent."""
    found = {aspect: [name for name in names if name in columns] for aspect, names in ASPECTS.items()}
    return {aspect: names[0] for aspect, names in found.items() if names}


def mean_rank(comparison: Comparison, index: int) -> float:
    """The mean over groups of a run's mean rank within a group; infinite if no metric has ranks."""
    means = []
    for _, families in GROUPS.values():
        # A model without a rank counts as behind all ranked ones: a missing rank is never an advantage.
        ranks = [
            ranking.ranks.get(index, len(ranking.ranks) + 1)
            for name, ranking in comparison.rankings.items()
            if catalog.get(name).definition.family in families and ranking.ranks
        ]
        if ranks:
            means.append(sum(ranks) / len(ranks))
    return round(sum(means) / len(means), 9) if means else math.inf


def in_rank_order(comparison: Comparison) -> Comparison:
    """The same rows: the true clips, models by their mean rank, controls by name."""

    def key(index: int) -> tuple[int, float, str]:
        row = comparison.rows[index]
        if row.result is None:
            return 0, 0.0, ""
        control = row.result.model.control
        return (2, 0.0, row.name) if control else (1, mean_rank(comparison, index), row.name)

    rows = tuple(comparison.rows[i] for i in sorted(range(len(comparison.rows)), key=key))
    return replace(comparison, rows=rows)
