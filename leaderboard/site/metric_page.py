"""A metric's page: its meaning, its limits, its audit, and all models' values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from fevbench.audit.record import Audit, Responses, Verdict
from fevbench.audit.report import KINDS, relative_text
from fevbench.extractors.base import extractors
from fevbench.metrics.catalog import metrics as catalog
from fevbench.metrics.metric import Metric
from fevbench.report.rows import number
from leaderboard.site.board import saturation, shade_of_part
from leaderboard.site.breakdown import NO_LABELS, Breakdown, break_down, labels_of, subjects_in
from leaderboard.site.model_page import dots_of
from leaderboard.site.plots import Axis, strip
from leaderboard.site.tables import Run, Table
from leaderboard.site.words import Words


@dataclass(frozen=True)
class Strength:
    """How much worse a metric got at one strength of a damage, in percent of its largest deterioration."""

    text: str
    shade: int | None


@dataclass(frozen=True)
class Damage:
    """A damage, and the metric's response."""

    name: str
    title: str
    kind: str
    strengths: tuple[Strength, ...]
    must: str
    kept: bool
    why: str


@dataclass(frozen=True)
class Place:
    """A metric in one table: all values on one axis, its parts, and its audit.

    Attributes:
        numbers: For each run its value, its interval, its rank and its plot.
        note: Why there are no ranks, or which models have no significant differences.
        parts: Means by expression and by subject.
        no_labels: Why there are none by expression.
        damages: Its responses to damages.
        audited: The number of audited clips, or why there is no audit.
        broken: Number of declarations that do not hold.
    """

    table: Table
    numbers: tuple[tuple[Run, str, str, str, Markup], ...]
    true: str
    note: str
    parts: tuple[tuple[str, Breakdown], ...]
    no_labels: str
    damages: tuple[Damage, ...]
    audited: str
    broken: int


@dataclass(frozen=True)
class MetricPage:
    """A metric."""

    metric: Metric
    words: Words | None
    facts: tuple[tuple[str, str], ...]
    places: tuple[Place, ...]


def make_metric_page(name: str, words: Words | None, tables: Sequence[Table]) -> MetricPage:
    """Gather the content of a metric's page."""
    metric = catalog.get(name)
    ids = sorted({m.id for table in tables for run in table.runs if (m := run.result.metrics.get(name))})
    places = [_place(table, metric) for table in tables]
    shown = tuple(place for place in places if place.numbers or place.damages)
    return MetricPage(metric, words, _facts(metric, ids), shown)


def _facts(metric: Metric, ids: Sequence[str]) -> tuple[tuple[str, str], ...]:
    low, high = (f"{bound:g}" for bound in metric.definition.range)
    unit = f" {metric.definition.unit}" if metric.definition.unit else ""
    each = (
        "one value per clip; their mean is reported" if metric.kind == "clip" else "one value for all clips"
    )
    floor = (
        ""
        if metric.sampling.missing_value is None
        else f"counts as {metric.sampling.missing_value:g}, or as the worst observed value if that is worse"
    )
    sampling, extractor = metric.sampling, extractors.get(metric.computation.extractor)
    facts = [
        ("definition", ", ".join(ids) or metric.id),
        ("direction", "higher is better" if metric.higher_is_better else "lower is better"),
        ("range", f"{low} to {high}{unit}".replace("inf", "∞")),
        ("sample", f"{each}; at least {sampling.least} {sampling.counts}" if sampling.least > 1 else each),
        ("networks", extractor.name if extractor.weights else "none"),
        ("without a face", floor),
        ("must notice", ", ".join(metric.audit.notices)),
        ("must ignore", ", ".join(metric.audit.ignores)),
        ("source", metric.definition.citation),
    ]  # fmt: skip
    return tuple((label, text) for label, text in facts if text)


def _place(table: Table, metric: Metric) -> Place:
    name = metric.name
    damages, audited = _damages(table.audit, name) if table.audit else ((), "")
    if name not in table.comparison.columns:
        broken = sum(not damage.kept for damage in damages)
        return Place(table, (), "–", "", (), "", damages, audited, broken)
    dots, true = dots_of(table, name), table.true_value(name)
    numbers = []
    if dots:
        axis = Axis.over(dots.values(), true, metric.higher_is_better)
        ranks = table.comparison.rankings[name].ranks
        first = sorted(
            table.runs,
            key=lambda run: (run.result.model.control, ranks.get(run.index, math.inf), _worse(metric, run)),
        )
        for run in first:
            if run.index in dots:
                dot, cell = dots[run.index], run.row.cells[name]
                rank = str(cell.rank) if cell.rank else ""
                plot = strip(dot, (), true, axis, f"{dot.name}: {dot.text}")
                numbers.append((run, cell.text, cell.interval, rank, plot))
    broken = sum(not damage.kept for damage in damages)
    note = "; ".join(filter(None, (saturation(table, name), table.comparison.rankings[name].reason)))
    parts, no_labels = _parts(table, metric)
    return Place(table, tuple(numbers), number(name, true), note, parts, no_labels, damages, audited, broken)


def _parts(table: Table, metric: Metric) -> tuple[tuple[tuple[str, Breakdown], ...], str]:
    """Means by expression and by subject, if any; and why there are none by expression."""
    if metric.kind != "clip":
        return (), ""
    labels = labels_of(table)
    found = [
        (title, break_down(table, metric.name, groups))
        for title, groups in (("expression", labels), ("subject", subjects_in(table)))
        if groups
    ]
    return tuple((title, parts) for title, parts in found if parts.lines), "" if labels else NO_LABELS


def _worse(metric: Metric, run: Run) -> float:
    found = run.result.metrics.get(metric.name)
    value = found.value if found is not None and found.value is not None else 0.0
    return -value if metric.higher_is_better else value


def _damages(audit: Audit, name: str) -> tuple[tuple[Damage, ...], str]:
    """The metric's row of the heat map, one line per damage."""
    if name not in audit.samples:
        return (), audit.unscored.get(name, "")
    responses = Responses(audit.steps)
    if name not in responses.metrics:
        return (), ""
    verdicts: dict[str, Verdict] = {v.damage: v for v in audit.verdicts if v.metric == name}
    found = []
    for damage in responses.damages:
        strengths = [_strength(responses.relative(step)) for step in responses.steps(name, damage)[1:]]
        verdict, about = verdicts.get(damage), audit.damages[damage]
        found.append(
            Damage(
                damage,
                about.title,
                KINDS.get(about.kind, about.kind),
                tuple(strengths),
                verdict.must if verdict else "",
                verdict is None or verdict.kept,
                verdict.why if verdict else "",
            )
        )
    sample = audit.samples[name]
    return tuple(found), f"{sample.clips} true clips of {sample.subjects} subjects"


def _strength(part: float) -> Strength:
    return Strength(relative_text(part), shade_of_part(round(min(part, 1.0), 9)) if part > 0.005 else None)
