"""The compare view: one clip of several models beside the true clip."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import pstdev
from typing import Any

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.headline import headline
from fevbench.report.rows import number
from leaderboard.site.breakdown import clip_metrics, labels_of, subjects_in
from leaderboard.site.clips import CLIPS_FOLDER, Clips
from leaderboard.site.tables import Run, Table
from leaderboard.small_clips import TRUE_CLIPS

MOST = 6
"""Most models side by side."""
FIRST = 4
"""Number of models shown at first."""
VALUES_FOLDER = "values"


@dataclass(frozen=True)
class ComparePage:
    """A table's compare view.

    Attributes:
        first: The clip shown at first; empty without clips.
        shown: The runs shown at first.
        runs: The runs that have clips.
        absent: The runs that have none.
        data: What the page's script needs.
    """

    table: Table
    first: str
    shown: tuple[Run, ...]
    runs: tuple[Run, ...]
    absent: tuple[Run, ...]
    data: dict[str, Any]


def make_compare_page(table: Table, clips: Clips, models: dict[str, str]) -> ComparePage:
    """Gather what the compare view shows; ``models`` is model name to the slug of its page."""
    subjects, labels = subjects_in(table), labels_of(table)
    ids = shown_clips(clips, table)
    runs = tuple(run for run in table.runs if any(clips.has(run.slug, clip) for clip in ids))
    makers = [{"slug": TRUE_CLIPS, "name": "true clip"}, *(_maker(run, models) for run in runs)]
    for maker in makers:
        if lacking := [i for i, clip in enumerate(ids) if not clips.has(str(maker["slug"]), clip)]:
            maker["lacks"] = lacking
    first = front_clip(clips, table)
    data = {
        "first": ids.index(first) if ids else 0,
        "frames": table.first.protocol.frames,
        "folder": CLIPS_FOLDER,
        "most": MOST,
        "clips": [
            {"id": c, "file": clips.name(c), "subject": subjects.get(c, ""), "label": labels.get(c, "")}
            for c in ids
        ],
        "makers": makers,
        "metrics": {name: catalog.get(name).arrow for name in clip_metrics(table)},
    }
    absent = tuple(run for run in table.runs if run not in runs)
    return ComparePage(table, first, runs[:FIRST], runs, absent, data)


def shown_clips(clips: Clips, table: Table) -> list[str]:
    """The clips that at least one run has."""
    makers = (TRUE_CLIPS, *(run.slug for run in table.runs))
    return [clip for clip in clips.ids if any(clips.has(maker, clip) for maker in makers)]


def front_clip(clips: Clips, table: Table) -> str:
    """The clip for the first screen: of those that most models have, the one where these differ most.

    They differ by the spread of their values in the headline metrics of clips, each in units of its own mean
    spread. Empty without clips.
    """
    ids = shown_clips(clips, table)
    spread = dict.fromkeys(ids, 0.0)
    for name in headline(table.comparison.columns).values():
        found = [run.result.metrics[name].per_clip for run in table.models if name in run.result.metrics]
        values = {clip: [v for of in found if (v := of.get(clip)) is not None] for clip in ids}
        each = {clip: pstdev(some) for clip, some in values.items() if len(some) > 1}
        mean = sum(each.values()) / len(each) if each else 0.0
        for clip, one in each.items():
            spread[clip] += one / mean if mean else 0.0

    def place(clip: str) -> tuple[int, float]:
        return sum(clips.has(run.slug, clip) for run in table.runs), round(spread[clip], 9)

    return max(ids, key=place, default="")


def values_script(run: Run, page: ComparePage) -> str:
    """A run's values of all clips, as a script: a page opened from disk can load no other data."""
    values = {}
    for name in page.data["metrics"]:
        found = run.result.metrics.get(name)
        if found is not None and found.per_clip:
            values[name] = [number(name, found.per_clip.get(clip["id"])) for clip in page.data["clips"]]
    return f"clipValues({json.dumps(run.slug)},{json.dumps(values, separators=(',', ':'))});\n"


def _maker(run: Run, models: dict[str, str]) -> dict[str, Any]:
    page = models[run.result.model.name]
    return {"slug": run.slug, "name": run.row.name, "page": page, "tags": run.about.tags}
