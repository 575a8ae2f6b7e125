"""A table's tests in words: which model leads, in what, and how clearly; strengths and weaknesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.headline import GROUPS, headline
from fevbench.report.rows import number
from leaderboard.site.about import UNKNOWN
from leaderboard.site.board import saturation, shade_of_part
from leaderboard.site.tables import Run, Table
from leaderboard.site.words import aspects

MOST_CHALLENGERS = 2


class Wins:
    """Which run of a table is significantly better than which, by metric."""

    def __init__(self, table: Table) -> None:
        self._of: dict[tuple[int, int], list[str]] = {}
        self._losses: dict[tuple[str, int], int] = {}
        for name in table.comparison.columns:
            for pair in table.comparison.rankings[name].pairs:
                if pair.order:
                    self._of.setdefault(pair.order, []).append(name)
                    lost = name, pair.order[1]
                    self._losses[lost] = self._losses.get(lost, 0) + 1

    def of(self, better: Run, worse: Run) -> tuple[str, ...]:
        """The metrics in which one run is significantly better than another."""
        return tuple(self._of.get((better.index, worse.index), ()))

    def losses(self, run: Run, metric: str) -> int:
        """How many models are significantly better than one."""
        return self._losses.get((metric, run.index), 0)


@dataclass(frozen=True)
class WinRow:
    """A row of the matrix of wins: per column the number of metrics, its colour step, and which they are.

    Attributes:
        run: The better run.
        cells: For each column's run the count, the colour step and the metrics as a hexadecimal number whose
            bits are their indices; None for the run itself.
    """

    run: Run
    cells: tuple[tuple[int, int, str] | None, ...]


def win_matrix(runs: Sequence[Run], wins: Wins, columns: Sequence[str]) -> tuple[WinRow, ...]:
    """In how many metrics each run is significantly better than each other one.

    The indices of ``columns``, the metrics, are the bits of a cell.
    """
    place = {name: i for i, name in enumerate(columns)}
    rows = []
    for run in runs:
        cells: list[tuple[int, int, str] | None] = []
        for other in runs:
            which = wins.of(run, other)
            bits = sum(1 << place[name] for name in which)
            shade = shade_of_part(len(which) / max(len(columns), 1))
            cells.append(None if run is other else (len(which), shade, f"{bits:x}"))
        rows.append(WinRow(run, tuple(cells)))
    return tuple(rows)


def sentence(table: Table, wins: Wins) -> Markup:
    """Which model leads, in what, and what is not significant: one sentence, names in bold."""
    models = table.models
    if not models:
        return Markup("There is no model in this table so far, only controls.")
    leader = models[0]
    if len(models) == 1:
        return Markup(
            "<b>{}</b> is the only model in this table so far, so there is nothing to compare it with."
        ).format(leader.row.name)
    ranked = table.ranked
    if not ranked:
        return Markup("So far no two of {} models differ significantly in any metric.").format(len(models))
    first = sum(table.comparison.rankings[name].ranks.get(leader.index) == 1 for name in ranked)
    lines = [
        Markup("<b>{}</b>{} leads by mean rank, with rank 1 in {} of {} metrics").format(
            leader.row.name, _kind(leader), first, len(ranked)
        )
    ]
    lines += _challengers(table, leader, wins)
    second = models[1]
    both = len(wins.of(leader, second)) + len(wins.of(second, leader))
    same = len(ranked) - both
    differs = f"does not differ significantly from the leader in {same} of {len(ranked)}"
    if not same:
        differs = f"differs significantly from the leader in all of {len(ranked)}"
    lines.append(Markup("<b>{}</b> in second place {}").format(second.row.name, differs))
    for name in headline(table.comparison.columns).values():
        if said := saturation(table, name):
            lines.append(escape(f"{name} is saturated ({said})"))
    return Markup("; ").join(lines) + Markup(".")


def _challengers(table: Table, leader: Run, wins: Wins) -> list[Markup]:
    """Models significantly better than the leader in a headline value, and where they are worse."""
    found = headline(table.comparison.columns)
    said = []
    named: set[int] = set()
    for aspect in aspects():
        metric = found.get(aspect.key, "")
        better = [run for run in table.models[1:] if metric and metric in wins.of(run, leader)]
        if not better:
            continue
        best = catalog.get(metric).best([_value(run, metric) for run in better])
        run = next(run for run in better if _value(run, metric) == best)
        if run.index in named or len(named) == MOST_CHALLENGERS:
            continue
        named.add(run.index)
        text = Markup("<b>{}</b>{} {} ({})").format(
            run.row.name, _kind(run), aspect.better, _against(table, run, leader, metric)
        )
        for other in aspects():
            if (lost := found.get(other.key)) and lost in wins.of(leader, run):
                text += Markup(" but {} ({})").format(other.worse, _against(table, run, leader, lost))
                break
        said.append(text)
    return said


def _against(table: Table, run: Run, leader: Run, metric: str) -> str:
    true = table.true_value(metric)
    ceiling = "" if true is None else f", true clips {number(metric, true)}"
    ours, theirs = (number(metric, _value(one, metric)) for one in (run, leader))
    return f"{metric} {ours}, leader {theirs}{ceiling}"


def _value(run: Run, metric: str) -> float:
    value = run.result.metrics[metric].value
    assert value is not None  # only models with a value are tested
    return value


def _kind(run: Run) -> str:
    return "" if run.about.kind == UNKNOWN else f" ({run.about.tags})"


@dataclass(frozen=True)
class Verdict:
    """The results of the tests for one model.

    Attributes:
        place: Its row number, the number of rows, and its mean rank, in words.
        strengths: Title of a group to the metrics in which no model is significantly better.
        weaknesses: The same for metrics in which at least half of the other models are.
        beyond: The metrics in which it is better than the true clips, although this is no merit.
    """

    place: str
    strengths: tuple[tuple[str, tuple[str, ...]], ...]
    weaknesses: tuple[tuple[str, tuple[str, ...]], ...]
    beyond: tuple[str, ...]


def verdict_of(table: Table, run: Run, wins: Wins, beyond: Sequence[str]) -> Verdict:
    """The results of the tests for a model; controls are not ranked and have no strengths or weaknesses.

    ``beyond`` are the metrics in which it is better than the true clips.
    """
    strong, weak = [], []
    models = len(table.models)
    for name in table.ranked:
        standing = table.comparison.rankings[name]
        if run.index not in standing.ranks:
            continue
        if standing.ranks[run.index] == 1:
            strong.append(name)
        elif 2 * wins.losses(run, name) >= len(standing.ranks) - 1:
            weak.append(name)
    place = (
        f"row {run.place} of {models}, mean rank {run.mean_rank:.2f}" if run.place and table.ranked else ""
    )
    return Verdict(place, _grouped(strong), _grouped(weak), tuple(beyond))


def _grouped(names: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    grouped = []
    for title, families in GROUPS.values():
        some = tuple(name for name in names if catalog.get(name).definition.family in families)
        if some:
            grouped.append((title, some))
    return tuple(grouped)
