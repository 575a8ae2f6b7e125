"""The compare view: one clip as every model makes it, beside the true one; metrics by subject and label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.ranking import sample_of, subjects_of
from fevbench.report.rows import number
from leaderboard.site.board import shade_of_part
from leaderboard.site.clips import CLIPS_FOLDER, Clips
from leaderboard.site.tables import Run, Table
from leaderboard.small_clips import TRUE_CLIPS

NO_LABELS = "These results do not say which expression each clip shows (they are of an older version)."


@dataclass(frozen=True)
class Part:
    """One mean, and its colour step between the breakdown's worst and best; None without a number."""

    text: str
    shade: int | None


@dataclass(frozen=True)
class Breakdown:
    """One metric, all runs."""

    heads: tuple[tuple[str, int], ...]
    lines: tuple[tuple[Run, tuple[Part, ...]], ...]


def labels_of(table: Table) -> dict[str, str]:
    """Clip to expression, from any run that says it; empty if none does."""
    return next((r.dataset.labels_of for run in table.runs if (r := run.result).dataset.labels_of), {})


def clip_metrics(table: Table) -> list[str]:
    """The metrics of a table that have values of clips."""
    return [
        name
        for name in table.comparison.columns
        if catalog.get(name).kind == "clip"
        and any((m := run.result.metrics.get(name)) and m.per_clip for run in table.runs)
    ]


def break_down(table: Table, metric: str, groups: Mapping[str, str]) -> Breakdown:
    """Means of a metric over groups of clips."""
    declared = catalog.get(metric)
    names = sorted(set(groups.values()))
    heads = tuple((name, sum(group == name for group in groups.values())) for name in names)
    means: list[tuple[Run, list[float | None]]] = []
    for run in table.runs:
        counted = sample_of(declared, run.row.name, run.result.metrics.get(metric)).clips
        values = [[v for clip, v in counted.items() if groups.get(clip) == name] for name in names]
        means.append((run, [fsum(some) / len(some) if some else None for some in values]))
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


@dataclass(frozen=True)
class ComparePage:
    """A table's compare view, with the clip that is shown before another is chosen."""

    table: Table
    first: str
    runs: tuple[Run, ...]
    absent: tuple[Run, ...]
    data: dict[str, Any]
    by_label: dict[str, Breakdown]
    by_subject: dict[str, Breakdown]
    reason: str


def make_compare_page(table: Table, clips: Clips) -> ComparePage:
    """Gather what the compare view shows."""
    subjects = subjects_of([run.result for run in table.runs])
    labels = labels_of(table)
    names = clip_metrics(table)
    shown = [run for run in table.runs if any(clips.has(run.slug, clip) for clip in clips.ids)]
    ids = [c for c in clips.ids if any(clips.has(slug, c) for slug in (TRUE_CLIPS, *(r.slug for r in shown)))]
    data = {
        "frames": table.first.protocol.frames,
        "folder": CLIPS_FOLDER,
        "clips": [
            {"id": c, "file": clips.name(c), "person": subjects.get(c, ""), "label": labels.get(c, "")}
            for c in ids
        ],
        "makers": [{"slug": TRUE_CLIPS, "has": [clips.has(TRUE_CLIPS, c) for c in ids]}]
        + [{"slug": run.slug, "has": [clips.has(run.slug, c) for c in ids]} for run in shown],
        "metrics": {
            name: {
                "arrow": catalog.get(name).arrow,
                "values": {run.slug: [_value(run, name, c) for c in ids] for run in shown},
            }
            for name in names
        },
    }
    by_label = {name: break_down(table, name, labels) for name in names} if labels else {}
    by_subject = {name: break_down(table, name, subjects) for name in names} if subjects else {}
    absent = tuple(run for run in table.runs if run not in shown)
    reason = "" if labels else NO_LABELS
    return ComparePage(table, ids[0] if ids else "", tuple(shown), absent, data, by_label, by_subject, reason)


def _value(run: Run, name: str, clip: str) -> str:
    found = run.result.metrics.get(name)
    return number(name, found.per_clip.get(clip)) if found is not None else "–"
