"""The compare view: one clip as every model makes it, beside the true one; metrics by person and label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.rows import number
from leaderboard.site.breakdown import (
    NO_LABELS,
    Breakdown,
    break_down,
    clip_metrics,
    labels_of,
    people_of,
)
from leaderboard.site.clips import CLIPS_FOLDER, Clips
from leaderboard.site.tables import Run, Table
from leaderboard.small_clips import TRUE_CLIPS


@dataclass(frozen=True)
class ComparePage:
    """A table's compare view.

    Attributes:
        table: The runs.
        first: The clip that is shown before another is chosen; empty without clips.
        runs: The runs that have clips.
        absent: The runs that have none.
        data: What the page's script needs.
        by_label: Metric to its breakdown by expression.
        by_person: Metric to its breakdown by person.
        reason: Why there is no breakdown by expression.
    """

    table: Table
    first: str
    runs: tuple[Run, ...]
    absent: tuple[Run, ...]
    data: dict[str, Any]
    by_label: dict[str, Breakdown]
    by_person: dict[str, Breakdown]
    reason: str


def make_compare_page(table: Table, clips: Clips) -> ComparePage:
    """Gather what the compare view shows."""
    people, labels = people_of(table), labels_of(table)
    names = clip_metrics(table)
    shown = [run for run in table.runs if any(clips.has(run.slug, clip) for clip in clips.ids)]
    ids = [c for c in clips.ids if any(clips.has(slug, c) for slug in (TRUE_CLIPS, *(r.slug for r in shown)))]
    data = {
        "frames": table.first.protocol.frames,
        "folder": CLIPS_FOLDER,
        "clips": [
            {"id": c, "file": clips.name(c), "person": people.get(c, ""), "label": labels.get(c, "")}
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
    by_person = {name: break_down(table, name, people) for name in names} if people else {}
    absent = tuple(run for run in table.runs if run not in shown)
    reason = "" if labels else NO_LABELS
    return ComparePage(table, ids[0] if ids else "", tuple(shown), absent, data, by_label, by_person, reason)


def _value(run: Run, name: str, clip: str) -> str:
    found = run.result.metrics.get(name)
    return number(name, found.per_clip.get(clip)) if found is not None else "–"
