"""The comparison as plain rows, shared by every format."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fevbench.metrics.catalog import Metric
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.comparable import check_comparable, distinct_names, same_weights, weight_differences
from fevbench.report.ranking import LEGEND, Ranking, rank_models, remarks
from fevbench.results.schema import Interval, MetricResult, Result
from fevbench.sanitise import one_line
from fevbench.stats.bootstrap import LEAST_SUBJECTS
from fevbench.wording import grouped, n_clips, n_subjects

CEILING = "true clips (ceiling)"


@dataclass(frozen=True)
class Cell:
    """One number of a comparison.

    Attributes:
        value: The value; None if absent.
        text: The value as shown, without its interval.
        interval: The 95 % interval as shown, or empty.
        best: Whether no other ranked model has a better value, or, without ranks, no other model. Never for
            controls, nor if models without ranks were measured by different networks, nor if the value is
            better than that of the true clips and these are the best possible.
        rank: 1 + the number of models that are significantly better; None without a rank.
        mark: Whether it is significantly worse than the best value: ``†``, ``‡``, or empty.
    """

    value: float | None
    text: str
    interval: str
    best: bool
    rank: int | None = None
    mark: str = ""


@dataclass(frozen=True)
class Row:
    """One run, or the ceiling."""

    name: str
    cells: dict[str, Cell]
    result: Result | None


@dataclass(frozen=True)
class Comparison:
    """Runs side by side: one column per metric, the true clips' ceiling in the last row.

    Attributes:
        title: Data set, split, protocol, numbers of clips and subjects. Like names and footnotes, it is one
            printable line, whatever the results hold.
        columns: Metric names in the catalogue's order.
        headings: Metric name to its heading with the arrow.
        rows: One per run in the order given, then the ceiling.
        footnotes: Notes on the ranks and on single runs.
        rankings: Metric name to the tests behind its ranks.
        legend: What ranks and marks mean; empty if there are none.
    """

    title: str
    columns: tuple[str, ...]
    headings: dict[str, str]
    rows: tuple[Row, ...]
    footnotes: tuple[str, ...]
    rankings: dict[str, Ranking]
    legend: str


def compare(results: Sequence[Result], only: Collection[str] | None = None) -> Comparison:
    """Compare results in all metrics or ``only`` in some, and rank the models among them by tests.

    Raises:
        RunError: They were not scored on the same clips under the same definitions.
    """
    check_comparable(results)
    present = {name for result in results for name in result.metrics}
    columns = tuple(name for name in catalog if name in present and (only is None or name in only))
    names = distinct_names(results)
    rankings = {column: rank_models(catalog.get(column), names, results) for column in columns}
    best = {name: _best(name, results, rankings[name]) for name in columns}
    rows = [
        Row(
            name,
            {column: _cell(column, result, best[column], rankings[column], i) for column in columns},
            result,
        )
        for i, (name, result) in enumerate(zip(names, results, strict=True))
    ]
    first = results[0]
    true = {name: _ceiling_of(name, results) for name in columns}
    ceiling = {name: Cell(value, number(name, value), "", False) for name, value in true.items()}
    rows.append(Row(CEILING, ceiling, None))
    title = (
        f"{first.dataset.name} {first.dataset.version}, {first.dataset.split} split, {first.protocol.id}: "
        f"{n_clips(first.dataset.clips)}, {n_subjects(first.dataset.subjects)}"
    )
    headings = {name: f"{name} {catalog.get(name).arrow}" for name in columns}
    lines = [*remarks(rankings, names, results), *_footnotes(names, results, columns)]
    if only is None:
        lines += _unknown(names, results)
    footnotes = [one_line(line) for line in lines]
    legend = LEGEND if any(ranking.ranks for ranking in rankings.values()) else ""
    return Comparison(one_line(title), columns, headings, tuple(rows), tuple(footnotes), rankings, legend)


def number(name: str, value: float | None) -> str:
    """A metric's value as shown."""
    if value is None:
        return "–"
    text = f"{value:.{catalog.get(name).definition.decimals}f}"
    return text if float(text) else text.removeprefix("-")  # no minus zero


def interval(name: str, metric: MetricResult) -> str:
    """A metric's interval as shown, or an empty text."""
    bounds = bounds_of(metric)
    return f"[{number(name, bounds.low)}, {number(name, bounds.high)}]" if bounds else ""


def bounds_of(metric: MetricResult) -> Interval | None:
    """A metric's interval, unless it is an older result's interval of too few subjects."""
    return metric.interval if metric.subjects >= LEAST_SUBJECTS else None


def _best(name: str, results: Sequence[Result], ranking: Ranking) -> float | None:
    models = [r for i, r in enumerate(results) if not r.model.control and i not in ranking.unranked]
    values = [v for r in models if (m := r.metrics.get(name)) and (v := m.value) is not None]
    metric = catalog.get(name)
    if len(values) < 2 or not metric.definition.ranked or not same_weights(metric, models):
        return None
    best, ceiling = metric.best(values), _ceiling_of(name, results)
    return None if _beyond(metric, best, ceiling) else best


def _beyond(metric: Metric, value: float, ceiling: float | None) -> bool:
    """Whether a value, as shown, is better than the true clips', for metrics where this is no merit."""
    if ceiling is None or not metric.definition.truth_is_best:
        return False
    if number(metric.name, value) == number(metric.name, ceiling):
        return False
    return value == metric.best([value, ceiling])


def _cell(name: str, result: Result, best: float | None, ranking: Ranking, run: int) -> Cell:
    metric = result.metrics.get(name)
    if metric is None:
        return Cell(None, "–", "", False)
    # Values equal as shown count as equal: bold must not depend on hidden digits.
    text = number(name, metric.value)
    rank, mark = ranking.ranks.get(run), ranking.mark(run)
    competes = not result.model.control and run not in ranking.unranked
    is_best = best is not None and competes and text == number(name, best)
    return Cell(metric.value, text, interval(name, metric), is_best, rank, mark)


def _ceiling_of(name: str, results: Sequence[Result]) -> float | None:
    """The true clips' value; None if runs have different ones, by different networks."""
    if not same_weights(catalog.get(name), results):
        return None
    return next((m.ceiling for r in results if (m := r.metrics.get(name)) is not None), None)


def _footnotes(names: Sequence[str], results: Sequence[Result], columns: Collection[str]) -> list[str]:
    adapted = [name for name, result in zip(names, results, strict=True) if result.model.adapted]
    lines = [f"adapted, not as published: {', '.join(adapted)}"] if adapted else []
    said_of = grouped(
        (note, name) for name, run in zip(names, results, strict=True) for note in notes(run, columns)
    )
    lines += [f"{', '.join(whom)}: {note}" for note, whom in said_of.items()]
    return lines + weight_differences(names, results)


def _unknown(names: Sequence[str], results: Sequence[Result]) -> list[str]:
    """Metrics of other versions' runs that this version cannot show, one line each."""
    found = [[metric for metric in result.metrics if metric not in catalog] for result in results]
    return [
        f"{name}: not shown, as this version does not know it: {', '.join(unknown)}"
        for name, unknown in zip(names, found, strict=True)
        if unknown
    ]


def notes(result: Result, only: Collection[str] | None = None) -> list[str]:
    """Notes on a run's values, one line each; ``only`` for the shown metrics."""
    shown = {name: m for name, m in result.metrics.items() if only is None or name in only}
    return [*result.model.notes, *notes_on_values(shown)]


def notes_on_values(metrics: Mapping[str, MetricResult]) -> list[str]:
    """Notes on values, one line each: clips at the floor, clips left out, and why."""
    shown = list(metrics.items())
    there = [(name, m) for name, m in shown if m.value is not None]
    absent = grouped((m.reason, name) for name, m in shown if m.value is None)
    few = grouped((m.subjects, name) for name, m in there if 0 < m.subjects < LEAST_SUBJECTS)
    counted = grouped((m.missing, name) for name, m in there if m.missing)
    excused = grouped((m.excused, name) for name, m in shown if m.excused)
    return [
        *(
            f"{n_clips(count)} that lost the face counted at the floor of {', '.join(which)}"
            for count, which in counted.items()
        ),
        *(
            f"{n_clips(count)} left out of {', '.join(which)}: the true clip gives no value"
            for count, which in excused.items()
        ),
        *(
            f"no interval of {', '.join(which)}: {n_subjects(count)}, needs at least {LEAST_SUBJECTS}"
            for count, which in few.items()
        ),
        *(f"no {', '.join(which)}: {reason}" for reason, which in absent.items()),
    ]
