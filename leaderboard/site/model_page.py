"""A model's page: its clips, facts, strengths and weaknesses, and all values beside the others'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fevbench.data.corpus import hash_of
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.headline import GROUPS, headline
from fevbench.report.rows import bounds_of, interval, notes, number
from leaderboard.site.about import About, entry_applies
from leaderboard.site.board import is_beyond, missing_text, value_text
from leaderboard.site.breakdown import labels_of
from leaderboard.site.cards import Card, card_of
from leaderboard.site.clips import Clips, examples
from leaderboard.site.costs import COLUMNS, cost_cells
from leaderboard.site.curve_plots import learning_curve
from leaderboard.site.matrices import Matrix, matrices_of
from leaderboard.site.pictures import Pictures
from leaderboard.site.plots import Axis, Dot, strip
from leaderboard.site.tables import Run, Table
from leaderboard.site.verdict import Verdict, Wins, verdict_of
from leaderboard.small_clips import TRUE_CLIPS

MOST_PICTURES = 6


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
    true: str
    note: str
    plot: Markup
    beyond: bool


@dataclass(frozen=True)
class Typical:
    """A clip metric's best, median and worst clip: id, value in words, paths of made and true clip."""

    metric: str
    clips: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Section:
    """One run on a model's page.

    Attributes:
        pictures: A clip of each label: its id, its label, the paths of the made and of the true clip.
        headline: Its headline numbers, for a citation.
        groups: Title of a group to its numbers.
        no_matrices: Why there are none.
        typical: Its best, median and worst clips by each metric in which they differ.
        kept: The number of clips they were chosen from, if not from all scored clips; else 0.
        costs: Name, text and meaning of each cost.
        curves: A plot of each metric that was measured during its training.
        facts: The origin of the values.
    """

    table: Table
    run: Run
    pictures: tuple[dict[str, str], ...]
    verdict: Verdict
    headline: tuple[Number, ...]
    groups: tuple[tuple[str, tuple[Number, ...]], ...]
    matrices: tuple[Matrix, ...]
    no_matrices: str
    typical: tuple[Typical, ...]
    kept: int
    notes: tuple[str, ...]
    costs: tuple[tuple[str, str, str], ...]
    curves: tuple[Markup, ...]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ModelPage:
    """All runs of one model."""

    name: str
    card: Card
    about: About
    sections: tuple[Section, ...]


class Look:
    """The common parts of all models' pages of a table, made once."""

    def __init__(self, table: Table, clips: Clips, wins: Wins) -> None:
        self.table = table
        self.clips = clips
        self.wins = wins
        self.models = {run.index for run in table.models}
        self.labels = labels_of(table)
        self._dots: dict[str, dict[int, Dot]] = {}

    def dots(self, metric: str) -> dict[int, Dot]:
        """Run to its dot, for all runs with a value."""
        if metric not in self._dots:
            self._dots[metric] = dots_of(self.table, metric)
        return self._dots[metric]


def make_model_page(
    name: str, runs: Sequence[tuple[Look, Run]], pages: Mapping[str, str], pictures: Pictures
) -> ModelPage:
    """Gather the content of a model's page, from its runs with the common parts of their tables' pages.

    ``pages`` is metric name to the slug of its page; ``pictures`` receives the names of those its card shows.
    """
    first = runs[0][1]
    sections = tuple(_section(look, run, pages) for look, run in runs)
    return ModelPage(name, card_of(first.result.model, pictures), first.about, sections)


def dots_of(table: Table, metric: str) -> dict[int, Dot]:
    """Run to its dot, for all runs with a value."""
    dots = {}
    for run in table.runs:
        found = run.result.metrics.get(metric)
        if found is not None and found.value is not None:
            bounds = bounds_of(found)
            low, high = (bounds.low, bounds.high) if bounds else (None, None)
            text = f"{value_text(metric, found.value)} {interval(metric, found)}".strip()
            dots[run.index] = Dot(run.row.name, found.value, low, high, text)
    return dots


def _section(look: Look, run: Run, pages: Mapping[str, str]) -> Section:
    table, clips = look.table, look.clips
    names = [name for name in table.comparison.columns if name in run.result.metrics and name in pages]
    numbers = {name: _number(look, run, name, pages[name]) for name in names}
    groups = [
        (title, tuple(numbers[name] for name in names if catalog.get(name).definition.family in families))
        for title, families in GROUPS.values()
    ]
    matrices, no_matrices = matrices_of(run.result)
    cost = table.costs.of(run.result.model) if table.costs else None
    costs = zip(COLUMNS, cost_cells(cost), strict=True) if cost else ()
    typical = [one for name in names if (one := _typical(run, name, clips))]
    beyond = [name for name in names if numbers[name].beyond]
    kept = sum(clips.has(run.slug, clip) for clip in clips.ids)
    return Section(
        table,
        run,
        _pictures(look, run),
        verdict_of(table, run, look.wins, beyond),
        tuple(numbers[name] for name in headline(table.comparison.columns).values() if name in numbers),
        tuple(group for group in groups if group[1]),
        matrices,
        no_matrices,
        tuple(typical),
        kept if kept < len(clips.ids) else 0,
        tuple(notes(run.result)),
        tuple((column.name, text, column.title) for column, (_, text) in costs),
        _curves(table, run),
        _facts(run),
    )


def _curves(table: Table, run: Run) -> tuple[Markup, ...]:
    model = run.result.model
    if table.curves is None or not entry_applies(model):
        return ()
    return tuple(learning_curve(metric, curve) for metric, curve in table.curves.of(model.name))


def _pictures(look: Look, run: Run) -> tuple[dict[str, str], ...]:
    """One clip of each label, the first by the hash of its id; without labels, of the first clips."""
    there = [clip for clip in look.clips.ids if look.clips.has(run.slug, clip)]
    there.sort(key=hash_of)
    chosen: dict[str, str] = {}
    for clip in there:
        chosen.setdefault(look.labels.get(clip, clip), clip)
    return tuple(
        {
            "clip": clip,
            "label": look.labels.get(clip, ""),
            "made": look.clips.path(run.slug, clip),
            "true": look.clips.path(TRUE_CLIPS, clip),
        }
        for _, clip in sorted(chosen.items())[:MOST_PICTURES]
    )


def _number(look: Look, run: Run, name: str, page: str) -> Number:
    table, metric, found = look.table, catalog.get(name), run.result.metrics[name]
    dots, true = look.dots(name), table.true_value(name)
    plot = Markup("")
    if run.index in dots:
        # Controls are not models, and some are extreme: the axis is that of the models and this run.
        shown = {i: dot for i, dot in dots.items() if i == run.index or i in look.models}
        axis = Axis.over(shown.values(), true, metric.higher_is_better)
        others = [dot for i, dot in shown.items() if i != run.index]
        label = f"{name}: {dots[run.index].text}"
        label += f"; true clips {number(name, true)}" if true is not None else ""
        plot = strip(dots[run.index], others, true, axis, label)
    cell = run.row.cells[name]
    ranked = len(table.comparison.rankings[name].ranks)
    rank = f"{cell.rank} of {ranked}" if cell.rank else ""
    text = value_text(name, found.value) if found.value is not None else f"none: {found.reason}"
    return Number(
        name, metric.definition.title, page, metric.arrow, text, cell.interval, rank, number(name, true),
        missing_text(run, name), plot, is_beyond(metric, found.value, true),
    )  # fmt: skip


def _typical(run: Run, metric: str, clips: Clips) -> Typical | None:
    """A run's best, median and worst clips by a metric; None if they do not differ."""
    found = examples(run, metric, clips)
    if len({example.text for example in found}) < 2:
        return None
    return Typical(
        metric,
        tuple(
            {
                "clip": example.clip,
                "text": example.text,
                "made": clips.path(run.slug, example.clip),
                "true": clips.path(TRUE_CLIPS, example.clip),
            }
            for example in found
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
            f"{data.name} {data.version}, {data.split} split, {data.clips} clips of {data.subjects} subjects",
        ),
        ("clips", f"sha256 {data.digest}"),
        ("protocol", f"{result.protocol.id}: {result.protocol.size} px, {result.protocol.frames} frames"),
        ("seed", str(result.seed)),
        ("scored", f"{result.created} with fevbench {where.fevbench}, commit {where.commit or 'unknown'}"),
        ("machine", f"{where.device}, Python {where.python}, {where.platform}"),
    )
