"""The difference of two runs for a terminal, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fevbench.counts import clips as clips_in_words
from fevbench.foreign import LONGEST_NAME, one_line
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.difference import ClipDifference, Difference, MetricDifference
from fevbench.report.rows import number
from fevbench.report.terminal import line, name_cell
from fevbench.stats.ranks import ALPHA

Clips = tuple[str, Sequence[ClipDifference], int, str]
"""Metric, the clips to show, how many there are, and why there are none."""


def difference_table(difference: Difference, clips: Clips | None, width: int = 80) -> RenderableType:
    """What differs, then the metrics, then single clips if asked for; 60 columns are enough.

    Args:
        difference: What to show.
        clips: Single clips in a metric; None if not asked for.
        width: Columns of the terminal.
    """
    one, other = difference.names
    parts: list[RenderableType] = [Text(f"A: {one}\nB: {other}", style="italic"), _facts(difference)]
    parts += [line(f"cannot be compared: {reason}", style="yellow") for reason in difference.incomparable]
    parts += [
        _metrics(difference, width),
        Text(
            "B - A with its 95 % interval over people; p of a paired test over people, of this metric alone "
            f"(not corrected for their number); bold: better, p < {ALPHA}",
            style="dim",
        ),
    ]
    reasons: dict[str, list[str]] = {}
    for row in difference.metrics:
        if row.test.reason and not difference.incomparable:
            reasons.setdefault(row.test.reason, []).append(row.name)
    parts += [
        line(f"no test of {', '.join(names)}: {reason}", style="yellow") for reason, names in reasons.items()
    ]
    if clips is not None:
        parts += _clips(*clips)
    return Group(*parts)


def difference_json(difference: Difference, clips: Clips | None) -> str:
    """The same, in full precision and with whole hashes."""
    content: dict[str, object] = {
        "a": difference.names[0],
        "b": difference.names[1],
        "differs": {fact.what: [fact.first, fact.second] for fact in difference.facts},
        "incomparable": list(difference.incomparable),
        "metrics": {row.name: _metric(row) for row in difference.metrics},
    }
    if clips is not None:
        name, shown, count, reason = clips
        rows = [
            {"clip": c.clip, "subject": c.subject, "a": c.first, "b": c.second, "difference": c.difference}
            for c in shown
        ]
        content["clips"] = {"metric": name, "of": count, "reason": reason, "rows": rows}
    return json.dumps(content, indent=1) + "\n"


def _metric(row: MetricDifference) -> dict[str, object]:
    value = {"a": row.first and row.first.value, "b": row.second and row.second.value}
    return {**value, **asdict(row.test)}


def _facts(difference: Difference) -> RenderableType:
    if not difference.facts:
        return Text("no difference in model, data, protocol, seed, weights, versions or device")
    table = Table()
    for heading in ("what differs", "A", "B"):
        table.add_column(heading, overflow="fold")
    for fact in difference.facts:
        table.add_row(*(Text(_short(text)) for text in (fact.what, fact.first, fact.second)))
    return table


def _short(text: str | None) -> str:
    """A text for a narrow column: of long hashes the beginning."""
    if text is None:
        return "–"
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{20,}", r"\1", one_line(text, LONGEST_NAME))


def _metrics(difference: Difference, width: int) -> Table:
    rows = [_row(row) for row in difference.metrics]
    headings = ("metric", "A", "B", "B - A", "95 % interval", "p")
    widest = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    # Where names would be broken, intervals go below differences, and in two lines if need be.
    below = sum(widest) + 3 * len(widest) - 1 > width
    table = Table(pad_edge=False)
    table.add_column("metric", overflow="fold")
    for heading in headings[1:]:
        if not (below and heading == "95 % interval"):
            table.add_column(heading, justify="right", no_wrap=not (below and heading == "B - A"))
    for (name, a, b, change, interval, p), one in zip(rows, difference.metrics, strict=True):
        better = _better(one)
        shown = [Text(v, style="bold" if better == i else "") for i, v in enumerate((a, b))]
        change_and_interval = [f"{change}\n{interval}".strip()] if below else [change, interval]
        table.add_row(name, *shown, *change_and_interval, p)
    return table


def _row(row: MetricDifference) -> tuple[str, str, str, str, str, str]:
    name, test = row.name, row.test
    a, b = (number(name, part.value if part else None) for part in (row.first, row.second))
    low, high = (number(name, bound) for bound in test.interval or (None, None))
    interval = f"[{low}, {high}]" if test.interval else ""
    return f"{name} {catalog.get(name).arrow}", a, b, signed(name, test.difference), interval, _p(test.p)


def _better(row: MetricDifference) -> int | None:
    """Which of the two is better for sure; None if neither."""
    if row.test.p is None or row.test.p >= ALPHA or not row.test.difference:
        return None
    return int((row.test.difference > 0) == catalog.get(row.name).higher_is_better)


def _clips(name: str, clips: Sequence[ClipDifference], count: int, reason: str) -> list[RenderableType]:
    if not clips:
        return [line(f"no clips side by side in {name}: {reason}", style="yellow")]
    title = (
        f"{name} {catalog.get(name).arrow}: of {clips_in_words(count)} those in which B is worst against A"
    )
    if any(row.first is None or row.second is None for row in clips):
        title += "; none counts as in the mean"
    table = Table()
    table.add_column("clip", overflow="fold")
    table.add_column("person", overflow="fold")
    for heading in ("A", "B", "B - A"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in clips:
        values = ["none" if value is None else number(name, value) for value in (row.first, row.second)]
        shown = (name_cell(row.clip), name_cell(row.subject or "–"))
        table.add_row(*shown, *values, signed(name, row.difference))
    return [Text(title, style="italic"), table]


def signed(name: str, difference: float | None) -> str:
    """A difference in a metric as shown, with its sign unless it is 0 as shown."""
    text = number(name, difference)
    return f"+{text}" if difference is not None and float(text) > 0 else text


def _p(p: float | None) -> str:
    if p is None:
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.3f}"
