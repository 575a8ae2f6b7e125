"""The comparison as plain rows, shared by every format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fevbench.errors import RunError
from fevbench.metrics.catalog import metrics as catalog
from fevbench.results.schema import MetricResult, Result

CEILING = "true clips (ceiling)"


@dataclass(frozen=True)
class Cell:
    """One number of a comparison.

    Attributes:
        value: The number; None if absent.
        text: The number as shown, without its interval.
        interval: The 95 % interval as shown, or empty.
        best: Whether no other model's number is better.
        why: Why the number is absent.
    """

    value: float | None
    text: str
    interval: str
    best: bool
    why: str = ""


@dataclass(frozen=True)
class Row:
    """One run, or the ceiling."""

    name: str
    cells: dict[str, Cell]
    clips: int
    control: bool
    result: Result | None


@dataclass(frozen=True)
class Comparison:
    """Runs side by side: one column a metric, the true clips' ceiling last.

    Attributes:
        title: Data set, split, protocol, seed-independent.
        columns: Metric names in the catalogue's order.
        headings: Metric name to its heading with the arrow.
        rows: One a run in the order given, then the ceiling.
        footnotes: What a reader must know about single runs.
    """

    title: str
    columns: tuple[str, ...]
    headings: dict[str, str]
    rows: tuple[Row, ...]
    footnotes: tuple[str, ...]


def compare(results: Sequence[Result]) -> Comparison:
    """Set results side by side.

    Raises:
        RunError: They were not scored on the same clips under the same definitions.
    """
    _check_comparable(results)
    present = {name for result in results for name in result.metrics}
    columns = tuple(name for name in catalog if name in present)
    best = {name: _best(name, results) for name in columns}
    rows = [
        Row(
            result.model.name,
            {name: _cell(name, result.metrics.get(name), best[name]) for name in columns},
            result.dataset.clips,
            result.model.control,
            result,
        )
        for result in results
    ]
    first = results[0]
    ceiling = {name: _ceiling(name, results) for name in columns}
    rows.append(Row(CEILING, ceiling, first.dataset.clips, True, None))
    title = (
        f"{first.dataset.name} {first.dataset.version}, {first.dataset.split} split, {first.protocol.id}: "
        f"{first.dataset.clips} clips of {first.dataset.subjects} people"
    )
    headings = {name: f"{name} {catalog.get(name).arrow}" for name in columns}
    return Comparison(title, columns, headings, tuple(rows), tuple(_footnotes(results)))


def number(name: str, value: float | None) -> str:
    """A metric's value as shown."""
    if value is None:
        return "–"
    return f"{value:.{catalog.get(name).decimals}f}"


def interval(name: str, metric: MetricResult) -> str:
    """A metric's interval as shown, or nothing."""
    if metric.interval is None:
        return ""
    return f"[{number(name, metric.interval.low)}, {number(name, metric.interval.high)}]"


def _check_comparable(results: Sequence[Result]) -> None:
    first = results[0]
    for result in results[1:]:
        for what, a, b in (
            ("data sets", _dataset(first), _dataset(result)),
            ("protocols", first.protocol.id, result.protocol.id),
            ("numbers of clips", first.dataset.clips, result.dataset.clips),
            ("clips", first.dataset.digest, result.dataset.digest),
        ):
            if a != b:
                raise RunError(
                    f"{first.model.name} and {result.model.name} were scored on different {what} ({a}, {b})",
                    "compare runs of one data set, split, protocol and limit",
                )
        for name, metric in result.metrics.items():
            other = first.metrics.get(name)
            if other is not None and other.id != metric.id:
                raise RunError(
                    f"{name} is {other.id} in {first.model.name} and {metric.id} in {result.model.name}",
                    "repeat the older run with this version",
                )


def _dataset(result: Result) -> str:
    return f"{result.dataset.name} {result.dataset.version} {result.dataset.split}"


def _best(name: str, results: Sequence[Result]) -> float | None:
    values = [v for r in results if (m := r.metrics.get(name)) and (v := m.value) is not None]
    return catalog.get(name).best(values) if len(values) > 1 else None


def _cell(name: str, metric: MetricResult | None, best: float | None) -> Cell:
    if metric is None:
        return Cell(None, "–", "", False, "not computed in this run")
    # Equal as shown is equal: bold must not depend on digits nobody sees.
    is_best = best is not None and number(name, metric.value) == number(name, best)
    return Cell(metric.value, number(name, metric.value), interval(name, metric), is_best, metric.reason)


def _ceiling(name: str, results: Sequence[Result]) -> Cell:
    value = next((m.ceiling for r in results if (m := r.metrics.get(name)) is not None), None)
    return Cell(value, number(name, value), "", False)


def _footnotes(results: Sequence[Result]) -> list[str]:
    notes = []
    for result in results:
        name = result.model.name
        notes += [f"{name}: {note}" for note in result.model.notes]
        absent: dict[str, list[str]] = {}
        for metric, value in result.metrics.items():
            if value.value is None:
                absent.setdefault(value.reason, []).append(metric)
            if value.missing:
                notes.append(f"{name}: {metric} counts {value.missing} clips without a face at its floor")
            if value.excused:
                notes.append(
                    f"{name}: {metric} leaves out {value.excused} clips whose true clip gives no value"
                )
        notes += [f"{name}: no {', '.join(which)}: {reason}" for reason, which in absent.items()]
    return notes
