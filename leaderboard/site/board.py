"""A table as it is shown: groups of columns, cells with shade, rank and interval, links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fevbench.metrics.catalog import metrics as catalog
from fevbench.metrics.metric import Metric
from fevbench.report.headline import GROUPS, headline
from fevbench.report.rows import number
from fevbench.wording import n_clips, quantity
from leaderboard.site.costs import COLUMNS, cost_cells
from leaderboard.site.tables import Run, Table

SHADES = 5
"""Steps of the colour scale, 0 the lightest."""
COST_GROUP = "cost"
ABOUT_GROUP = "about"
ABOUT_COLUMNS = (
    ("kind", "how it makes clips"),
    ("trained on", "what its weights were trained on"),
    ("authors", "who made the method"),
    ("licence", "of its code and weights"),
    ("scored", "who generated the clips, and who scored them"),
    ("date", "when the result was written"),
)
ALPHA = 0.05
"""Models with at least this corrected p against the best value are not distinguishable from it."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: Its heading, without the arrow.
        group: Its group's key.
        page: The slug of its metric's page; empty for others.
        sample: The samples of its values, in words.
        unit: Its unit, or empty.
        first: Whether it is the first of its group.
        note: Why there are no ranks, or which models have no significant differences; or empty.
        true: The true clips' number as shown, or empty.
    """

    name: str
    title: str
    higher_is_better: bool
    group: str
    page: str
    sample: str
    unit: str = ""
    first: bool = False
    note: str = ""
    true: str = ""

    @property
    def arrow(self) -> str:
        """The direction as an arrow; empty for columns of words."""
        return "" if self.group == ABOUT_GROUP else "↑" if self.higher_is_better else "↓"


@dataclass(frozen=True)
class Shown:
    """One cell.

    Attributes:
        text: The number, or words.
        value: The value for sorting; empty for none.
        interval: The 95 % interval, or empty.
        shade: The colour step between the worst model and the true clips, or None.
        rank: The rank, or empty.
        ranked: The number of ranked models.
        p: The corrected p against the best number, or empty.
        alike: Whether it is ranked, and not distinguishable from the best number.
        beyond: Whether it is better than the true clips', for metrics where this is no merit.
        best: Whether no other model's number is better.
        sample: The samples of the value, if they differ from the column's.
        source: The slug of the run whose file holds it, if that is not the row's.
    """

    text: str
    value: str = ""
    interval: str = ""
    shade: int | None = None
    rank: str = ""
    ranked: int = 0
    p: str = ""
    alike: bool = False
    beyond: bool = False
    best: bool = False
    why: str = ""
    sample: str = ""
    source: str = ""


@dataclass(frozen=True)
class Line:
    """One row: a run with its cells."""

    run: Run
    cells: tuple[Shown, ...]


@dataclass(frozen=True)
class Board:
    """A whole table.

    Attributes:
        groups: Key to title and number of columns.
        columns: In the order of the groups.
        true: The true clips' cells.
        models: The runs that compete.
        controls: The runs that read the true clips.
        presets: Name to the columns it shows, with spaces between them.
    """

    groups: Mapping[str, tuple[str, int]]
    columns: tuple[Column, ...]
    true: tuple[Shown, ...]
    models: tuple[Line, ...]
    controls: tuple[Line, ...]
    presets: Mapping[str, tuple[str, ...]]

    def cell(self, line: Line, column: str) -> Shown:
        """The cell of a line in a column."""
        return line.cells[[one.name for one in self.columns].index(column)]


def make_board(table: Table, pages: Mapping[str, str]) -> Board:
    """Lay out a table; ``pages`` is metric name to the slug of its page."""
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
    columns += [Column(name, title, True, ABOUT_GROUP, "", "") for name, title in ABOUT_COLUMNS]
    columns = [
        replace(column, first=i == 0 or columns[i - 1].group != column.group)
        for i, column in enumerate(columns)
    ]
    titles = {key: title for key, (title, _) in GROUPS.items()} | {COST_GROUP: "Cost", ABOUT_GROUP: "About"}
    counted = {key: sum(column.group == key for column in columns) for key in titles}
    scales = {name: _scale(table, name) for name in metrics}
    lines = [Line(run, tuple(_cells(table, run, scales))) for run in table.runs]
    true = [_true(table, name) for name in metrics]
    true += [Shown("")] * (len(columns) - len(metrics))
    presets = {"headline": tuple(headline(metrics).values())}
    for key in titles:
        if counted[key]:
            presets[key] = tuple(column.name for column in columns if column.group == key)
    return Board(
        {key: (title, counted[key]) for key, title in titles.items() if counted[key]},
        tuple(columns),
        tuple(true),
        tuple(line for line in lines if not line.run.result.model.control),
        tuple(line for line in lines if line.run.result.model.control),
        {name: some for name, some in presets.items() if some},
    )


def _column(table: Table, name: str, group: str, page: str) -> Column:
    metric = catalog.get(name)
    found = [m for run in table.runs if (m := run.result.metrics.get(name)) and m.value is not None]
    counts, subjects = [m.n for m in found] or [0], [m.subjects for m in found] or [0]
    counted = metric.sampling.counts.removesuffix("s")
    sample = f"{_span(counts, counted)}, {_span(subjects, 'subject')}"
    true = table.true_value(name)
    text = "" if true is None else number(name, true)
    return Column(
        name, metric.definition.title, metric.higher_is_better, group, page, sample, metric.definition.unit,
        note="; ".join(filter(None, (saturation(table, name), table.comparison.rankings[name].reason))),
        true=text,
    )  # fmt: skip


def _span(counts: Sequence[int], what: str) -> str:
    least, most = min(counts), quantity(max(counts), what)
    return most if least == max(counts) else f"{least} to {most}"


def saturation(table: Table, name: str) -> str:
    """A note if a metric is saturated: two or more models have the best possible value; else empty."""
    metric = catalog.get(name)
    if not metric.definition.ranked:
        return ""
    end = number(name, metric.definition.range[1] if metric.higher_is_better else metric.definition.range[0])
    there = [
        run
        for run in table.models
        if (m := run.result.metrics.get(name)) and m.value is not None and number(name, m.value) == end
    ]
    if len(there) < 2:
        return ""
    return f"{len(there)} models reach {end}, the best possible value: it cannot distinguish them"


def _true(table: Table, name: str) -> Shown:
    cell = table.comparison.rows[-1].cells[name]
    if cell.value is None:
        return Shown(cell.text)
    # The comparison takes it from the first run that has the metric.
    holder = min((run for run in table.runs if name in run.result.metrics), key=lambda run: run.index)
    return Shown(cell.text, f"{cell.value:.9g}", source=holder.slug)


def _scale(table: Table, name: str) -> tuple[float, float] | None:
    """The two ends of a metric's colours: the worst model, and the true clips, or else the best model."""
    metric = catalog.get(name)
    values = [m.value for run in table.models if (m := run.result.metrics.get(name)) and m.value is not None]
    if not metric.definition.ranked or not values:
        return None
    true = table.true_value(name)
    worst, end = metric.worst(values), true if true is not None else metric.best(values)
    return (end, end) if metric.best([worst, end]) == worst else (worst, end)  # all beat the true clips


def _cells(table: Table, run: Run, scales: Mapping[str, tuple[float, float] | None]) -> list[Shown]:
    cells = []
    for name in scales:
        cell = run.row.cells[name]
        found = run.result.metrics.get(name)
        standing = table.comparison.rankings[name]
        p = standing.against_best.get(run.index)
        cells.append(
            Shown(
                cell.text,
                "" if cell.value is None else f"{cell.value:.9g}",
                cell.interval,
                shade_of_value(cell.value, scales[name]),
                "" if cell.rank is None else str(cell.rank),
                len(standing.ranks),
                "" if p is None else f"{p:.2g}",
                p is not None and p >= ALPHA,
                is_beyond(catalog.get(name), cell.value, table.true_value(name)),
                cell.best,
                "not scored" if found is None else found.reason,
                "" if found is None else f"{found.n} {found.sample}, {found.subjects} subjects",
            )
        )
    if table.costs:
        why = table.costs.unavailable_reason(run.result.model)
        for value, text in cost_cells(table.costs.of(run.result.model)):
            cells.append(Shown(text, "" if value is None else f"{value:.9g}", why=why))
    about = run.about
    said = (about.kind, about.trained_on, about.authors, about.licence, about.scored, run.result.created[:10])
    return cells + [Shown(words) for words in said]


def is_beyond(metric: Metric, value: float | None, true: float | None) -> bool:
    """Whether a value, as shown, is better than the true clips', for metrics where this is no merit."""
    if value is None or true is None or not metric.definition.truth_is_best:
        return False
    return number(metric.name, value) != number(metric.name, true) and metric.best([value, true]) == value


def shade_of_value(value: float | None, scale: tuple[float, float] | None) -> int | None:
    """The colour step of a number between the worst model's and the true clips'; beyond, the darkest."""
    if value is None or scale is None:
        return None
    worst, true = scale
    return SHADES - 1 if worst == true else shade_of_part(round((value - worst) / (true - worst), 9))


def shade_of_part(part: float) -> int:
    """The colour step of a part between 0 and 1."""
    return min(SHADES - 1, max(0, int(part * SHADES)))


def missing_text(run: Run, name: str) -> str:
    """How many clips of a run count at a metric's floor or are left out, in words; empty if none."""
    found = run.result.metrics[name]
    parts = [f"{n_clips(found.missing)} at the floor"] * bool(found.missing)
    parts += [f"{n_clips(found.excused)} left out"] * bool(found.excused)
    return ", ".join(parts)


def value_text(name: str, value: float | None) -> str:
    """A metric's value with its unit."""
    unit = catalog.get(name).definition.unit
    if not unit or value is None:
        return number(name, value)
    return f"{number(name, value)}{'' if unit == '°' else ' '}{unit}"
