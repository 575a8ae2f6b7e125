"""The first screen of a table: who wins, why, how sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.headline import headline
from leaderboard.site.board import Board, Column, Line, Shown
from leaderboard.site.charts import identity_against_motion
from leaderboard.site.compare_page import front_clip
from leaderboard.site.model_page import Look
from leaderboard.site.plots import Axis, Dot, small_strip
from leaderboard.site.tables import Run, Table
from leaderboard.site.verdict import WinRow, sentence, win_matrix
from leaderboard.small_clips import TRUE_CLIPS

MOST_ROWS = 50
"""Most models on the first screen, to keep the page small."""
MOST_IN_MATRIX = 12
NEAR = 15
"""Rows whose clip is loaded without a script."""


@dataclass(frozen=True)
class Head:
    """The cell of a headline value: its aspect, its column, its content, and its plot."""

    aspect: str
    column: Column
    shown: Shown
    plot: Markup


@dataclass(frozen=True)
class Row:
    """A row of the first screen.

    Attributes:
        run: The run; None for the true clips.
        rank: Its mean rank as shown, or empty.
        clip: The path of its clip within the table's folder, or empty.
        heads: Its headline numbers.
        near: Whether its clip is loaded at once.
    """

    run: Run | None
    rank: str
    clip: str
    heads: tuple[Head, ...]
    near: bool = True


@dataclass(frozen=True)
class Front:
    """The first screen of a table.

    Attributes:
        sentence: Which model leads, in what, and which differences are not significant.
        clip: The clip of all rows; empty without clips.
        columns: Aspect and column of each headline number.
        models: The first rows of the models.
        scatter: Preserved identity against motion; may be empty.
        compared: The runs in the matrix.
        matrix: Which of these is significantly better than which.
    """

    table: Table
    board: Board
    sentence: Markup
    clip: str
    columns: tuple[tuple[str, Column], ...]
    true: Row
    models: tuple[Row, ...]
    controls: tuple[Row, ...]
    scatter: Markup
    compared: tuple[Run, ...]
    matrix: tuple[WinRow, ...]


def make_front(look: Look, board: Board) -> Front:
    """Gather what the first screen of a table shows."""
    table, clips = look.table, look.clips
    named = headline([column.name for column in board.columns])
    place = {column.name: i for i, column in enumerate(board.columns)}
    columns = tuple((aspect, board.columns[place[name]]) for aspect, name in named.items())
    axes = {column.name: _axis(look, column.name) for _, column in columns}
    clip = front_clip(clips, table)

    def row(line: Line, near: bool = True) -> Row:
        heads = [
            Head(aspect, column, line.cells[place[column.name]], _plot(look, line.run, column.name, axes))
            for aspect, column in columns
        ]
        rank = f"{line.run.mean_rank:.2f}" if line.run.place and math.isfinite(line.run.mean_rank) else ""
        return Row(line.run, rank, clips.path(line.run.slug, clip), tuple(heads), near)

    true = [Head(aspect, column, board.true[place[column.name]], Markup("")) for aspect, column in columns]
    compared = table.models[:MOST_IN_MATRIX]
    return Front(
        table,
        board,
        sentence(table, look.wins),
        clip,
        columns,
        Row(None, "", clips.path(TRUE_CLIPS, clip), tuple(true)),
        tuple(row(line, i < NEAR) for i, line in enumerate(board.models[:MOST_ROWS])),
        tuple(row(line, len(board.models) < NEAR) for line in board.controls[:MOST_ROWS]),
        identity_against_motion(table),
        compared,
        win_matrix(compared, look.wins, table.ranked) if len(compared) > 1 else (),
    )


def _axis(look: Look, metric: str) -> Axis | None:
    """The axis of the models' numbers, the better ones at the right; None if there are none."""
    dots = [dot for i, dot in look.dots(metric).items() if i in look.models]
    values = [Dot(dot.name, dot.value) for dot in dots]  # without intervals, which may be wide and are cut
    true = look.table.true_value(metric)
    return Axis.over(values, true, catalog.get(metric).higher_is_better) if values else None


def _plot(look: Look, run: Run, metric: str, axes: dict[str, Axis | None]) -> Markup:
    dot, axis = look.dots(metric).get(run.index), axes[metric]
    if dot is None or axis is None:
        return Markup("")

    def within(value: float) -> float:
        return min(max(value, axis.low), axis.high)

    low, high = (None, None) if dot.low is None or dot.high is None else (within(dot.low), within(dot.high))
    shown = Dot(dot.name, within(dot.value), low, high)
    return small_strip(shown, look.table.true_value(metric), axis)


def kinds_of(lines: Sequence[Line]) -> list[str]:
    """The kinds of models in a table, for its filter."""
    return sorted({line.run.about.kind for line in lines})


def trained_on(lines: Sequence[Line]) -> list[str]:
    """What the models of a table were trained on, for its filter."""
    return sorted({line.run.about.trained_on for line in lines})
