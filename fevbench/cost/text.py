"""What models cost, as a table for a terminal and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from fevbench.report.terminal import line, name_cell
from fevbench.sanitise import escape_markdown, markdown_row

if TYPE_CHECKING:
    from fevbench.cost.measure import Cost, CostTable

HEADS = ("model", "parameters", "GFLOPs", "ms for 1 clip", "ms for 16", "clips/s")
MEMORY = "peak MB"


def cost_table(table: CostTable) -> Table:
    """One row per model."""
    shown = Table(title=line(_title(table, table.environment.device)))
    for i, head in enumerate(_heads(table)):
        shown.add_column(head, justify="right" if i else "left")
    for row in _rows(table):
        shown.add_row(*(name_cell(cell) for cell in row))
    return shown


def cost_markdown(table: CostTable) -> str:
    """The same."""
    heads = _heads(table)
    lines = [markdown_row(heads), f"|---{'|--:' * (len(heads) - 1)}|"]
    lines += [markdown_row((escape_markdown(name), *cells)) for name, *cells in _rows(table)]
    return f"{_title(table, escape_markdown(table.environment.device))}\n\n" + "\n".join(lines) + "\n"


def _title(table: CostTable, device: str) -> str:
    threads = table.environment.threads
    return f"{table.protocol}, {device}, threads: {threads}; GFLOPs a clip; median [quartiles]"


def _heads(table: CostTable) -> tuple[str, ...]:
    return (*HEADS, MEMORY) if any(cost.peak_memory is not None for cost in table.costs) else HEADS


def _rows(table: CostTable) -> list[tuple[str, ...]]:
    width = len(_heads(table))
    return [(*_row(cost), _memory(cost))[:width] for cost in table.costs]


def _row(cost: Cost) -> tuple[str, ...]:
    """A model's cells, memory left out; of times the median and the quartiles."""
    times = [f"{1e3 * one.median:.0f} [{1e3 * one.low:.0f}, {1e3 * one.high:.0f}]" for one in cost.latencies]
    flops = "–" if cost.flops is None else f"{cost.flops / 1e9:.2f}"
    pace = f"{cost.latencies[-1].clips_per_second:.1f}"
    return (cost.model, f"{cost.parameters:,}".replace(",", " "), flops, *times, pace)


def _memory(cost: Cost) -> str:
    return "–" if cost.peak_memory is None else f"{cost.peak_memory / 1e6:.0f}"
