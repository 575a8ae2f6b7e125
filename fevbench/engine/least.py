"""What a metric needs at least, and whether clips are enough: known before anything is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fevbench.counts import people
from fevbench.extractors.base import extractors

if TYPE_CHECKING:
    from fevbench.data.clip import Clip
    from fevbench.metrics.catalog import Metric


def most_rows(metric: Metric, frames: int) -> int:
    """How many samples a set metric has of a clip, at most.

    Args:
        metric: Its declaration.
        frames: Frames a clip.
    """
    from fevbench.engine.extract import sample_count  # with it comes PyAV, which a comparison does not need

    unit = extractors.get(metric.extractors[0]).unit
    return 1 if metric.reduction or unit == "clip" else sample_count(unit, frames) - metric.first


def lack(metric: Metric, clips: Sequence[Clip], rows: Sequence[int], labels: Sequence[str]) -> str:
    """What clips have too little of for a metric; empty if nothing.

    Args:
        metric: Its declaration.
        clips: The clips.
        rows: How many samples of a set metric each has.
        labels: The data set's labels.
    """
    if metric.kind == "clip":
        return few_people(metric, clips)
    if sum(rows) < metric.minimum:
        count = sum(rows)
        samples = metric.sample if count != 1 else metric.sample.removesuffix("s")
        return f"{count} {samples}, needs at least {metric.minimum}"
    if few := few_people(metric, [clip for clip, count in zip(clips, rows, strict=True) if count]):
        return few
    of_label = {name: sum(r for c, r in zip(clips, rows, strict=True) if c.label == name) for name in labels}
    short = [f"{count} of {name}" for name, count in of_label.items() if count < metric.each]
    return f"{metric.sample}: {', '.join(short)}, needs at least {metric.each} of each label" if short else ""


def few_people(metric: Metric, clips: Sequence[Clip]) -> str:
    """That a metric needs more people; empty if there are enough."""
    count = len({clip.subject for clip in clips})
    return "" if count >= metric.people else f"{people(count)}, needs at least {metric.people}"
