"""The leaderboard's table as it is shown: groups of columns, shaded cells, what links where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fevbench.counts import clips
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.rows import number
from leaderboard.site.costs import COLUMNS, cost_cells
from leaderboard.site.tables import GROUPS, Run, Table

SHADES = 5
"""Steps of the colour scale, 0 the lightest."""
COST_GROUP = "cost"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: Its heading, without the arrow.
        title: What it measures.
        higher_is_better: Its direction.
        group: Its group's key.
        page: The slug of its metric's page; empty for costs.
        sample: What its numbers rest on.
        unit: Its unit, or empty.
        first: Whether it is the first of its group.
    """

    name: str
    title: str
    higher_is_better: bool
    group: str
    page: str
    sample: str
    unit: str = ""
    first: bool = False

    @property
    def arrow(self) -> str:
        """The direction as an arrow."""
        return "↑" if self.higher_is_better else "↓"


@dataclass(frozen=True)
class Shown:
    """One cell.

    Attributes:
        text: The number.
        value: What it is sorted by; empty for none.
        interval: The 95 % interval, or empty.
        shade: The colour step, or None.
        rank: The rank with its mark, as a superscript; or empty.
        spoken: The same in words.
        best: Whether no other model's number is better.
        why: Why there is no number.
        source: The slug of the run whose file holds it, where that is not the row's.
    """

    text: str
    value: str = ""
    interval: str = ""
    shade: int | None = None
    rank: str = ""
    spoken: str = ""
    best: bool = False
    why: str = ""
    source: str = ""


@dataclass(frozen=True)
class Line:
    """One row: a run with its cells."""

    run: Run
    cells: tuple[Shown, ...]


@dataclass(frozen=True)
class Board:
    """A whole table."""

    groups: Mapping[str, tuple[str, int]]
    columns: tuple[Column, ...]
    ceiling: tuple[Shown, ...]
    models: tuple[Line, ...]
    controls: tuple[Line, ...]


def make_board(table: Table, pages: Mapping[str, str]) -> Board:
    """Lay out a table."""
    names = [name for name in table.comparison.columns if name in pages]
    columns = [
        _column(table, name, key, pages[name])
        for key, (_, families) in GROUPS.items()
        for name in names
        if catalog.get(name).definition.family in families
    ]
    metrics = [column.name for column in columns]
    if table.costs:
        columns += [Column(c.name, c.title, c.higher_is_better, COST_GROUP, "", "") for c in COLUMNS]
    columns = [
        replace(column, first=i == 0 or columns[i - 1].group != column.group)
        for i, column in enumerate(columns)
    ]
    titles = {key: title for key, (title, _) in GROUPS.items()} | {COST_GROUP: "Cost"}
    counted = {key: sum(column.group == key for column in columns) for key in titles}
    lines = [Line(run, tuple(_cells(table, run, metrics))) for run in table.runs]
    ceiling = [_ceiling(table, name) for name in metrics]
    ceiling += [Shown("")] * (len(columns) - len(metrics))
    return Board(
        {key: (title, counted[key]) for key, title in titles.items() if counted[key]},
        tuple(columns),
        tuple(ceiling),
        tuple(line for line in lines if not line.run.result.model.control),
        tuple(line for line in lines if line.run.result.model.control),
    )


def _column(table: Table, name: str, group: str, page: str) -> Column:
    metric = catalog.get(name)
    counts = [m.n for run in table.runs if (m := run.result.metrics.get(name)) and m.value is not None]
    least, most = (min(counts), max(counts)) if counts else (0, 0)
    unit = metric.sampling.counts if most != 1 else metric.sampling.counts.removesuffix("s")
    sample = f"{least} {unit}" if least == most else f"{least} to {most} {unit}"
    what = metric.definition
    return Column(name, what.title, what.higher_is_better, group, page, sample, what.unit)


def _ceiling(table: Table, name: str) -> Shown:
    cell = table.comparison.rows[-1].cells[name]
    if cell.value is None:
        return Shown(cell.text)
    # The comparison takes it from the first run that has the metric.
    holder = min((run for run in table.runs if name in run.result.metrics), key=lambda run: run.index)
    return Shown(cell.text, f"{cell.value:.9g}", source=holder.slug)


def _cells(table: Table, run: Run, metrics: Sequence[str]) -> list[Shown]:
    cells = []
    for name in metrics:
        cell = run.row.cells[name]
        found = run.result.metrics.get(name)
        ranks = table.comparison.rankings[name].ranks
        spoken = f"rank {cell.rank} of {len(ranks)}" if cell.rank else ""
        worse = {"†": ", worse than the best, p < 0.05", "‡": ", worse than the best, p < 0.01"}
        cells.append(
            Shown(
                cell.text,
                "" if cell.value is None else f"{cell.value:.9g}",
                cell.interval,
                None if cell.rank is None else shade_of_rank(cell.rank, len(ranks)),
                "" if cell.rank is None else f"{cell.rank}{cell.mark}",
                spoken + worse.get(cell.mark, "") if spoken else "",
                cell.best,
                "not scored" if found is None else found.reason,
            )
        )
    if table.costs:
        why = table.costs.reason_absent(run.result.model)
        for value, text in cost_cells(table.costs.of(run.result.model)):
            cells.append(Shown(text, "" if value is None else f"{value:.9g}", why=why))
    return cells


def shade_of_rank(rank: int, models: int) -> int:
    """The colour step of a rank: the darkest for whoever nobody beats, the others by their place."""
    return SHADES - 1 if rank == 1 else max(0, SHADES - 2 - (SHADES - 1) * (rank - 1) // models)


def shade_of_part(part: float) -> int:
    """The colour step of a part between 0 and 1."""
    return min(SHADES - 1, max(0, int(part * SHADES)))


def missing_text(run: Run, name: str) -> str:
    """How many clips of a run count at a metric's floor or are left out, in words; or nothing."""
    found = run.result.metrics[name]
    parts = [f"{clips(found.missing)} at the floor"] * bool(found.missing)
    parts += [f"{clips(found.excused)} left out"] * bool(found.excused)
    return ", ".join(parts)


def value_text(name: str, value: float | None) -> str:
    """A metric's value with its unit."""
    unit = catalog.get(name).definition.unit
    if not unit or value is None:
        return number(name, value)
    return f"{number(name, value)}{'' if unit == '°' else ' '}{unit}"
