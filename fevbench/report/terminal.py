"""Results, comparisons and differences as tables for a terminal, with rich."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.difference import ClipDifference, Difference, MetricDifference, ShownClips
from fevbench.report.rows import Comparison, Row, interval, notes, notes_on_values, number
from fevbench.report.seeds import SeededModel
from fevbench.results.schema import MetricResult, Result
from fevbench.sanitise import LONGEST, LONGEST_NAME, one_line
from fevbench.stats.paired import ALPHA
from fevbench.wording import grouped, n_clips, n_subjects, quantity

NAME_WIDTH = 32
"""Columns of a model's name; a longer one is folded."""


def line(text: str, style: str = "", longest: int = LONGEST) -> Text:
    """Text for one line or one cell; it may be untrusted."""
    return Text(one_line(text, longest), style=style)


def name_cell(text: str) -> Text:
    """An untrusted name in a cell."""
    return line(text, longest=LONGEST_NAME)


def result_table(result: Result) -> RenderableType:
    """One run: one line per metric, with interval, ceiling and N."""
    data = result.dataset
    title = (
        f"{result.model.name} on {data.name} {data.version}, {data.split} split, {result.protocol.id}, "
        f"seed {result.seed}: {n_clips(data.clips)}, {n_subjects(data.subjects)}"
    )
    shown = values_table(title, result.metrics)
    return Group(*shown, _times(result), *_notes(notes(result)))


def scores_table(title: str, metrics: Mapping[str, MetricResult], remarks: Iterable[str]) -> RenderableType:
    """Values of clips that belong to no run: one line per metric, and notes below."""
    return Group(*values_table(title, metrics), *_notes([*remarks, *notes_on_values(metrics)]))


def values_table(title: str, metrics: Mapping[str, MetricResult]) -> Iterator[RenderableType]:
    """A title, and one line per metric with interval, ceiling and N, and the value of each label."""
    table = Table()
    table.add_column("metric", overflow="fold")
    for heading in ("value", "95 % interval", "true clips", "N"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, metric in metrics.items():
        heading = f"{name} {catalog.get(name).arrow}" + (f" ({metric.unit})" if metric.unit else "")
        value, ceiling = number(name, metric.value), number(name, metric.ceiling)
        n = quantity(metric.n, metric.sample.removesuffix("s"))
        table.add_row(*map(Text, (heading, value, interval(name, metric), ceiling, n)))
    yield line(title, "italic")
    yield table
    for name, metric in metrics.items():
        if metric.by_label:
            own = ", ".join(f"{label} {number(name, v)}" for label, v in metric.by_label.items())
            yield line(f"{name} of {own}")


def seeds_table(models: Sequence[SeededModel]) -> RenderableType:
    """Models over seeds: one line per model and metric."""
    table = Table()
    for heading in ("model", "metric"):
        table.add_column(heading, overflow="fold")
    for heading in ("mean", "95 % interval", "sd of seeds", "seeds' part"):
        table.add_column(heading, justify="right", no_wrap=True)
    for model in models:
        for name, found in model.metrics.items():
            low, high = found.low, found.high
            bounds = "" if low is None or high is None else f"[{number(name, low)}, {number(name, high)}]"
            part = "" if found.share is None else f"{100 * found.share:.0f} %"
            cells = (name, number(name, found.value), bounds, number(name, found.of_seeds), part)
            table.add_row(name_cell(model.name), *map(Text, cells))
    seeds = "; ".join(f"{model.name}: seeds {', '.join(map(str, model.seeds))}" for model in models)
    told = "over seeds and subjects; the part of a mean's variance that is of the seeds"
    return Group(line(f"{told} ({seeds})", "italic"), table)


def _times(result: Result) -> Text:
    stages = [f"{name} {stage.seconds:.1f}" for name, stage in result.stages.items()]
    return line(f"seconds: {', '.join(stages)}; on {result.environment.device}", style="dim")


def _notes(lines: Iterable[str]) -> list[Text]:
    return [line(f"note: {text}", "yellow") for text in lines]


def headline_table(comparison: Comparison, hidden: int) -> RenderableType:
    """Runs in rank order, one line each, without intervals, so that four metrics fit 80 columns."""
    table = _part(comparison, list(comparison.columns), intervals=False)
    rest = f"--all shows {hidden} more metrics, and intervals" if hidden else "--all shows intervals"
    order = "true clips first, then models by mean rank over all metrics, then controls"
    return Group(
        Text(comparison.title, style="italic"),
        table,
        *_legend(comparison, f"{order}; {rest}"),
    )


def comparison_table(comparison: Comparison, width: int) -> RenderableType:
    """Runs side by side, split into several tables if one does not fit ``width`` columns."""
    tables = [_part(comparison, columns) for columns in _groups(comparison, width)]
    intervals = "[ ]: 95 % interval"
    return Group(Text(comparison.title, style="italic"), *tables, *_legend(comparison, intervals))


def _legend(comparison: Comparison, more: str) -> list[Text]:
    legend = [f"bold: best of the models; {more}; ↑ higher, ↓ lower is better"]
    legend += [f"#: {comparison.legend}"] if comparison.legend else []
    return [*(Text(line, style="dim") for line in legend), *_notes(comparison.footnotes)]


def fits(comparison: Comparison, width: int) -> bool:
    """Whether one table of ``width`` columns holds all metrics with their intervals."""
    return len(_groups(comparison, width)) == 1


def _groups(comparison: Comparison, width: int) -> list[list[str]]:
    """The metrics of each table."""
    names = min(max(len(row.name) for row in comparison.rows), NAME_WIDTH) + 4
    groups: list[list[str]] = [[]]
    used = names
    for column in comparison.columns:
        wide = _width(comparison, column) + 3
        if groups[-1] and used + wide > width:
            groups.append([])
            used = names
        groups[-1].append(column)
        used += wide
    return groups


def _width(comparison: Comparison, column: str, intervals: bool = True) -> int:
    cells = [row.cells[column] for row in comparison.rows]
    reach = _reach(comparison, column)
    widest = max(max(len(cell.text) + reach, intervals * len(cell.interval)) for cell in cells)
    return max(widest, len(comparison.headings[column]))


def _reach(comparison: Comparison, column: str) -> int:
    """Characters that ranks need; all values leave this space, so that their decimal points align."""
    return max(len(_rank(row, column)) for row in comparison.rows)


def _rank(row: Row, column: str) -> str:
    cell = row.cells[column]
    return f" #{cell.rank}{cell.mark}" if cell.rank is not None else ""


def _part(comparison: Comparison, columns: list[str], intervals: bool = True) -> Table:
    table = Table(show_lines=intervals)
    table.add_column("model", max_width=NAME_WIDTH, overflow="fold")
    width = {column: _width(comparison, column, intervals) for column in columns}
    reach = {column: _reach(comparison, column) for column in columns}
    for column in columns:
        # Aligned here: rich would drop the spaces if a rank is missing.
        table.add_column(comparison.headings[column].rjust(width[column]), no_wrap=True)
    for row in comparison.rows:
        cells = []
        for column in columns:
            cell = row.cells[column]
            blank = " " * (width[column] - reach[column] - len(cell.text))
            text = Text(blank).append(cell.text, style="bold" if cell.best else "")
            text.append(_rank(row, column))
            if intervals and cell.interval:
                text.append(f"\n{cell.interval:>{width[column]}}", style="dim")
            cells.append(text)
        table.add_row(Text(row.name, style="italic" if row.result is None else ""), *cells)
    return table


def difference_table(difference: Difference, clips: ShownClips | None, width: int = 80) -> RenderableType:
    """The differences, then the metrics, then single clips if given; 60 columns are enough."""
    one, other = difference.names
    parts: list[RenderableType] = [Text(f"A: {one}\nB: {other}", style="italic"), _facts(difference)]
    parts += [line(f"cannot be compared: {reason}", style="yellow") for reason in difference.incomparable]
    parts += [
        _metrics(difference, width),
        Text(
            "B - A with its 95 % interval over subjects; p of a paired test over them, of this metric alone "
            f"(not corrected for their number); bold: better, p < {ALPHA}",
            style="dim",
        ),
    ]
    tested = () if difference.incomparable else difference.metrics
    reasons = grouped((row.test.reason, row.name) for row in tested if row.test.reason)
    parts += [
        line(f"no test of {', '.join(names)}: {reason}", style="yellow") for reason, names in reasons.items()
    ]
    if clips is not None:
        parts += _clips(*clips)
    return Group(*parts)


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
    """A text for a narrow column: only the beginning of long hashes."""
    if text is None:
        return "–"
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{20,}", r"\1", one_line(text, LONGEST_NAME))


def _metrics(difference: Difference, width: int) -> Table:
    rows = [_row(row) for row in difference.metrics]
    headings = ("metric", "A", "B", "B - A", "95 % interval", "p")
    widest = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    # If names would be broken, intervals are put below differences, and into two lines if necessary.
    below = sum(widest) + 3 * len(widest) - 1 > width
    table = Table(pad_edge=False)
    table.add_column("metric", overflow="fold")
    for heading in headings[1:]:
        if not (below and heading == "95 % interval"):
            table.add_column(heading, justify="right", no_wrap=not (below and heading == "B - A"))
    for (name, a, b, change, bounds, p), one in zip(rows, difference.metrics, strict=True):
        better = _better(one)
        shown = [Text(v, style="bold" if better == i else "") for i, v in enumerate((a, b))]
        change_and_interval = [f"{change}\n{bounds}".strip()] if below else [change, bounds]
        table.add_row(name, *shown, *change_and_interval, p)
    return table


def _row(row: MetricDifference) -> tuple[str, str, str, str, str, str]:
    name, test = row.name, row.test
    a, b = (number(name, part.value if part else None) for part in (row.first, row.second))
    low, high = (number(name, bound) for bound in test.interval or (None, None))
    interval = f"[{low}, {high}]" if test.interval else ""
    return f"{name} {catalog.get(name).arrow}", a, b, signed(name, test.difference), interval, _p(test.p)


def _better(row: MetricDifference) -> int | None:
    """Which of the two is significantly better; None if neither."""
    if row.test.p is None or row.test.p >= ALPHA or not row.test.difference:
        return None
    return int((row.test.difference > 0) == catalog.get(row.name).higher_is_better)


def _clips(name: str, rows: Sequence[ClipDifference], count: int, reason: str) -> list[RenderableType]:
    if not rows:
        return [line(f"no clips side by side in {name}: {reason}", style="yellow")]
    title = f"{name} {catalog.get(name).arrow}: of {n_clips(count)} those in which B is worst against A"
    if any(row.first is None or row.second is None for row in rows):
        title += "; none counts as in the mean"
    table = Table()
    table.add_column("clip", overflow="fold")
    table.add_column("subject", overflow="fold")
    for heading in ("A", "B", "B - A"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
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
