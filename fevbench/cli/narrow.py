"""Tables in terminals that are too narrow for them: every row as lines, so that no name is lost."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

NAME = 12
"""Columns that a name, which heads a row, must have before it is folded."""
CELL = 4
"""The same of any other cell that may be folded."""


def fitted(shown: RenderableType, width: int) -> RenderableType:
    """The same, with every table that does not fit as lines.

    Args:
        shown: A table, a text, or a group of them.
        width: Columns of the terminal.
    """
    if isinstance(shown, Group):
        return Group(*(fitted(part, width) for part in shown.renderables))
    if isinstance(shown, Table) and _least_width(shown) > width:
        return Group(*_lines(shown))
    return shown


def _least_width(table: Table) -> int:
    """Columns below which rich would cut numbers, or fold names letter by letter."""
    widths = [_least(column, NAME if i == 0 else CELL) for i, column in enumerate(table.columns)]
    _, right, _, left = table.padding
    edges = 0 if table.box is None else len(widths) + (1 if table.show_edge else -1)
    outside = 0 if table.pad_edge else left + right
    return sum(widths) + (left + right) * len(widths) + edges - outside


def _least(column: Column, folded: int) -> int:
    lines = [line for cell in (column.header, *column.cells) for line in _text(cell).plain.splitlines()]
    longest = max(map(cell_len, lines), default=0)
    return longest if column.no_wrap else min(longest, folded)


def _lines(table: Table) -> Iterable[Text]:
    """Each row: its first cell, then the others below it, each after its column's heading."""
    if table.title:
        yield _text(table.title)
    others = table.columns[1:]
    cells = [list(column.cells) for column in table.columns]
    for name, *values in zip(*cells, strict=True):
        yield _text(name)
        for column, value in zip(others, values, strict=True):
            text = Text(" ").join(_text(value).split("\n"))
            if text.plain.strip():
                heading = " ".join(_text(column.header).plain.split())
                yield Text(f"  {heading}: ").append(_stripped(text))


def _stripped(text: Text) -> Text:
    """A cell without the blanks that aligned it."""
    text = text.copy()
    text.rstrip()
    return text[len(text.plain) - len(text.plain.lstrip()) :]


def _text(cell: RenderableType) -> Text:
    return cell if isinstance(cell, Text) else Text.from_markup(str(cell))
