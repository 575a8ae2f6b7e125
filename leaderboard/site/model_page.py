"""A model's page: its card, every number beside the others', what its expressions are read as, its clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fevbench.errors import RunError
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.confusion import NONE_READ, confusion_of
from fevbench.report.rows import bounds_of, interval, notes, number
from fevbench.results.schema import Result
from leaderboard.site.board import missing_text, shade_of_part, value_text
from leaderboard.site.cards import Card, Pictures, card_of
from leaderboard.site.clips import Clips, examples
from leaderboard.site.costs import COLUMNS, cost_cells
from leaderboard.site.plots import Axis, Dot, strip
from leaderboard.site.tables import GROUPS, Run, Table
from leaderboard.small_clips import TRUE_CLIPS

READER = "accuracy"
"""The metric whose readings are shown; it is the one every run has."""


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: a row a label that was asked for, cells with a count and a colour step."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
    right: int
    total: int


def matrices_of(result: Result) -> tuple[tuple[Matrix, ...], str]:
    """The confusion of the made and of the true clips; or none, and why."""
    try:
        confusion = confusion_of(result, READER)
    except RunError as error:
        return (), error.what
    none = bool(confusion.made[:, -1].any() or confusion.true[:, -1].any())
    columns = (*confusion.labels, *[NONE_READ] * none)
    found = []
    for title, counts in ((confusion.model, confusion.made), ("true clips", confusion.true)):
        rows = []
        for i, label in enumerate(confusion.labels):
            row = counts[i, : len(columns)].tolist()
            rows.append((label, tuple((n, shade_of_part(n / (sum(row) or 1))) for n in row)))
        found.append(Matrix(title, columns, tuple(rows), int(counts.diagonal().sum()), int(counts.sum())))
    return tuple(found), ""


@dataclass(frozen=True)
class Number:
    """One metric of one run."""

    name: str
    title: str
    page: str
    arrow: str
    text: str
    interval: str
    rank: str
    ceiling: str
    note: str
    plot: Markup


@dataclass(frozen=True)
class Typical:
    """A clip metric's best, median and worst clip: id, value, paths of made and true one (or none)."""

    metric: str
    clips: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Section:
    """One run on a model's page."""

    table: Table
    run: Run
    groups: tuple[tuple[str, tuple[Number, ...]], ...]
    matrices: tuple[Matrix, ...]
    no_matrices: str
    typical: tuple[Typical, ...]
    notes: tuple[str, ...]
    costs: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ModelPage:
    """All runs of one model."""

    name: str
    card: Card
    control: bool
    adapted: bool
    sections: tuple[Section, ...]


def make_model_page(
    name: str, runs: Sequence[tuple[Table, Run, Clips]], pages: Mapping[str, str], pictures: Pictures
) -> ModelPage:
    """Gather what there is of a model."""
    first = runs[0][1].result.model
    sections = tuple(_section(table, run, clips, pages) for table, run, clips in runs)
    return ModelPage(name, card_of(first, pictures), first.control, first.adapted, sections)


def dots_of(table: Table, metric: str) -> dict[int, Dot]:
    """Run to its dot, of all runs that have a number."""
    dots = {}
    for run in table.runs:
        found = run.result.metrics.get(metric)
        if found is not None and found.value is not None:
            bounds = bounds_of(found)
            low, high = (bounds.low, bounds.high) if bounds else (None, None)
            text = f"{value_text(metric, found.value)} {interval(metric, found)}".strip()
            dots[run.index] = Dot(run.row.name, found.value, low, high, text)
    return dots


def ceiling_of(table: Table, metric: str) -> float | None:
    """The true clips' number."""
    return table.comparison.rows[-1].cells[metric].value


def _section(table: Table, run: Run, clips: Clips, pages: Mapping[str, str]) -> Section:
    names = [name for name in table.comparison.columns if name in run.result.metrics and name in pages]
    groups = [
        (
            title,
            tuple(
                _number(table, run, name, pages[name])
                for name in names
                if catalog.get(name).definition.family in families
            ),
        )
        for title, families in GROUPS.values()
    ]
    matrices, no_matrices = matrices_of(run.result)
    cost = table.costs.of(run.result.model) if table.costs else None
    costs = zip(COLUMNS, cost_cells(cost), strict=True) if cost else ()
    return Section(
        table,
        run,
        tuple(group for group in groups if group[1]),
        matrices,
        no_matrices,
        tuple(_typical(run, name, clips) for name in names if examples(run, name)),
        tuple(notes(run.result)),
        tuple((column.name, text, column.title) for column, (_, text) in costs),
        _facts(run),
    )


def _number(table: Table, run: Run, name: str, page: str) -> Number:
    metric, found = catalog.get(name), run.result.metrics[name]
    dots, ceiling = dots_of(table, name), ceiling_of(table, name)
    plot = Markup("")
    if run.index in dots:
        # Controls are no models, and some are as far off as can be: the axis is that of models and this run.
        models = {other.index for other in table.models}
        shown = {i: dot for i, dot in dots.items() if i == run.index or i in models}
        axis = Axis.over(shown.values(), ceiling, metric.higher_is_better)
        others = [dot for i, dot in shown.items() if i != run.index]
        label = f"{name}: {dots[run.index].text}"
        label += f"; true clips {number(name, ceiling)}" if ceiling is not None else ""
        plot = strip(dots[run.index], others, ceiling, axis, label)
    cell = run.row.cells[name]
    ranked = len(table.comparison.rankings[name].ranks)
    rank = f"{cell.rank}{cell.mark} of {ranked}" if cell.rank else ""
    text = value_text(name, found.value) if found.value is not None else f"none: {found.reason}"
    return Number(
        name, metric.definition.title, page, metric.arrow, text, cell.interval, rank, number(name, ceiling),
        missing_text(run, name), plot,
    )  # fmt: skip


def _typical(run: Run, metric: str, clips: Clips) -> Typical:
    return Typical(
        metric,
        tuple(
            {
                "clip": example.clip,
                "text": example.text,
                "made": clips.path(run.slug, example.clip),
                "true": clips.path(TRUE_CLIPS, example.clip),
            }
            for example in examples(run, metric)
        ),
    )


def _facts(run: Run) -> tuple[tuple[str, str], ...]:
    result = run.result
    where, data = result.environment, result.dataset
    return (
        ("origin", result.model.origin),
        ("code and weights", f"sha256 {result.model.fingerprint}"),
        (
            "data",
            f"{data.name} {data.version}, {data.split} split, {data.clips} clips of {data.subjects} people",
        ),
        ("clips", f"sha256 {data.digest}"),
        ("protocol", f"{result.protocol.id}: {result.protocol.size} px, {result.protocol.frames} frames"),
        ("seed", str(result.seed)),
        ("scored", f"{result.created} with fevbench {where.fevbench}, commit {where.commit or 'unknown'}"),
        ("machine", f"{where.device}, Python {where.python}, {where.platform}"),
    )
