"""Tables for a terminal, with rich."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.rows import Comparison, Row, interval, number
from fevbench.results.schema import Result


def result_table(result: Result) -> RenderableType:
    """One run: a line a metric, with interval, ceiling and N."""
    data = result.dataset
    title = (
        f"{result.model.name} on {data.name} {data.version}, {data.split} split, {result.protocol.id}: "
        f"{data.clips} clips of {data.subjects} people, seed {result.seed}"
    )
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("true clips", justify="right")
    table.add_column("N", justify="right")
    for name, metric in result.metrics.items():
        heading = f"{name} {catalog.get(name).arrow}" + (f" ({metric.unit})" if metric.unit else "")
        shown = number(name, metric.value) if metric.value is not None else f"– {metric.reason}"
        n = f"{metric.n} {metric.sample}"
        table.add_row(heading, shown, interval(name, metric), number(name, metric.ceiling), n)
    notes = [Text(f"note: {note}", style="yellow") for note in result.model.notes]
    notes += [
        Text(f"note: {name} counts {metric.missing} clips without a face at its floor", style="yellow")
        for name, metric in result.metrics.items()
        if metric.missing
    ]
    return Group(table, *notes)


def comparison_table(comparison: Comparison, width: int) -> RenderableType:
    """Runs side by side, split into several tables where one would not fit ``width`` columns."""
    names = max(len(row.name) for row in comparison.rows) + 4
    groups: list[list[str]] = [[]]
    used = names
    for column in comparison.columns:
        wide = max(_width(row, column) for row in comparison.rows)
        wide = max(wide, len(comparison.headings[column])) + 3
        if groups[-1] and used + wide > width:
            groups.append([])
            used = names
        groups[-1].append(column)
        used += wide
    tables = [_part(comparison, columns, first=not i) for i, columns in enumerate(groups)]
    notes = [Text(f"note: {note}", style="yellow") for note in comparison.footnotes]
    legend = Text(
        "bold: best of the runs; below a mean: its 95 % interval over people; ↑ higher, ↓ lower is better",
        style="dim",
    )
    return Group(*tables, legend, *notes)


def _width(row: Row, column: str) -> int:
    cell = row.cells[column]
    return max(len(cell.text), len(cell.interval))


def _part(comparison: Comparison, columns: list[str], first: bool) -> Table:
    table = Table(title=comparison.title if first else None, title_justify="left", show_lines=True)
    table.add_column("model", no_wrap=True)
    for column in columns:
        table.add_column(comparison.headings[column], justify="right", no_wrap=True)
    for row in comparison.rows:
        cells = []
        for column in columns:
            cell = row.cells[column]
            text = Text(cell.text, style="bold" if cell.best else "")
            if cell.interval:
                text.append(f"\n{cell.interval}", style="not bold dim")
            cells.append(text)
        table.add_row(Text(row.name, style="italic" if row.result is None else ""), *cells)
    return table
