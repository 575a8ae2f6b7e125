"""Tables for a terminal, with rich."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fevbench.counts import clips, people
from fevbench.foreign import LONGEST, LONGEST_NAME, one_line
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.rows import Comparison, Row, interval, notes, number
from fevbench.results.schema import Result

NAME_WIDTH = 32
"""Columns of a model's name; a longer one is folded."""


def line(text: str, style: str = "", longest: int = LONGEST) -> Text:
    """Words on a line of their own or in a cell, other people's among them."""
    return Text(one_line(text, longest), style=style)


def name_cell(text: str) -> Text:
    """A name, which may be anybody's, in a cell."""
    return line(text, longest=LONGEST_NAME)


def result_table(result: Result) -> RenderableType:
    """One run: a line a metric, with interval, ceiling and N."""
    data = result.dataset
    title = (
        f"{result.model.name} on {data.name} {data.version}, {data.split} split, {result.protocol.id}, "
        f"seed {result.seed}: {clips(data.clips)}, {people(data.subjects)}"
    )
    table = Table()
    table.add_column("metric", overflow="fold")
    for heading in ("value", "95 % interval", "true clips", "N"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, metric in result.metrics.items():
        heading = f"{name} {catalog.get(name).arrow}" + (f" ({metric.unit})" if metric.unit else "")
        value, ceiling = number(name, metric.value), number(name, metric.ceiling)
        n = f"{metric.n} {metric.sample if metric.n != 1 else metric.sample.removesuffix('s')}"
        table.add_row(*map(Text, (heading, value, interval(name, metric), ceiling, n)))
    own = [
        line(f"{name} of {', '.join(f'{label} {number(name, v)}' for label, v in metric.by_label.items())}")
        for name, metric in result.metrics.items()
        if metric.by_label
    ]
    return Group(line(title, "italic"), table, *own, _times(result), *_notes(notes(result)))


def _times(result: Result) -> Text:
    stages = [f"{name} {stage.seconds:.1f}" for name, stage in result.stages.items()]
    return line(f"seconds: {', '.join(stages)}; on {result.environment.device}", style="dim")


def _notes(lines: Iterable[str]) -> list[Text]:
    return [line(f"note: {text}", "yellow") for text in lines]


def comparison_table(comparison: Comparison, width: int) -> RenderableType:
    """Runs side by side, split into several tables where one would not fit ``width`` columns."""
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
    tables = [_part(comparison, columns) for columns in groups]
    legend = ["bold: best of the models; [ ]: 95 % interval; ↑ higher, ↓ lower is better"]
    legend += [f"#: {comparison.legend}"] if comparison.legend else []
    title = Text(comparison.title, style="italic")
    lines = [Text(line, style="dim") for line in legend]
    return Group(title, *tables, *lines, *_notes(comparison.footnotes))


def _width(comparison: Comparison, column: str) -> int:
    cells = [row.cells[column] for row in comparison.rows]
    reach = _reach(comparison, column)
    widest = max(max(len(cell.text) + reach, len(cell.interval)) for cell in cells)
    return max(widest, len(comparison.headings[column]))


def _reach(comparison: Comparison, column: str) -> int:
    """Columns that ranks take; all numbers leave as many free, so that their points stand in a line."""
    return max(len(_rank(row, column)) for row in comparison.rows)


def _rank(row: Row, column: str) -> str:
    cell = row.cells[column]
    return f" #{cell.rank}{cell.mark}" if cell.rank is not None else ""


def _part(comparison: Comparison, columns: list[str]) -> Table:
    table = Table(show_lines=True)
    table.add_column("model", max_width=NAME_WIDTH, overflow="fold")
    width = {column: _width(comparison, column) for column in columns}
    reach = {column: _reach(comparison, column) for column in columns}
    for column in columns:
        # Aligned here: rich would drop the blanks where a rank is missing.
        table.add_column(comparison.headings[column].rjust(width[column]), no_wrap=True)
    for row in comparison.rows:
        cells = []
        for column in columns:
            cell = row.cells[column]
            blank = " " * (width[column] - reach[column] - len(cell.text))
            text = Text(blank).append(cell.text, style="bold" if cell.best else "")
            text.append(_rank(row, column))
            if cell.interval:
                text.append(f"\n{cell.interval:>{width[column]}}", style="dim")
            cells.append(text)
        table.add_row(Text(row.name, style="italic" if row.result is None else ""), *cells)
    return table
