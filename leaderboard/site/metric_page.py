"""A metric's page: what it means, when not to believe it, what it notices, and everybody's number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from fevbench.audit.record import Audit, Responses, Verdict
from fevbench.audit.report import KINDS, relative_text
from fevbench.metrics.catalog import metrics as catalog
from fevbench.metrics.metric import Metric
from fevbench.report.rows import number
from fevbench.toml import read_toml
from leaderboard.site.board import shade_of_part
from leaderboard.site.model_page import ceiling_of, dots_of
from leaderboard.site.plots import Axis, strip
from leaderboard.site.tables import Run, Table

FILE = Path(__file__).with_name("words.toml")


@dataclass(frozen=True)
class Words:
    """What is said of a metric: what a number of it means, and when to doubt it."""

    means: str
    doubt: tuple[str, ...]


def read_words() -> dict[str, Words]:
    """What is said of every metric, by name."""
    return {name: Words(said["means"], tuple(said["doubt"])) for name, said in read_toml(FILE).items()}


@dataclass(frozen=True)
class Strength:
    """How much worse a metric got at one strength of a damage; without a colour step where it did not."""

    text: str
    shade: int | None


@dataclass(frozen=True)
class Damage:
    """A damage, and what the metric made of it."""

    name: str
    title: str
    kind: str
    strengths: tuple[Strength, ...]
    must: str
    kept: bool
    why: str


@dataclass(frozen=True)
class Place:
    """A metric in one table: everybody's number on one axis, and the audit there."""

    table: Table
    numbers: tuple[tuple[Run, str, str, str, Markup], ...]
    ceiling: str
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
    """Gather what there is of a metric."""
    metric = catalog.get(name)
    ids = sorted({m.id for table in tables for run in table.runs if (m := run.result.metrics.get(name))})
    places = [_place(table, metric) for table in tables]
    shown = tuple(place for place in places if place.numbers or place.damages)
    return MetricPage(metric, words, _facts(metric, ids), shown)


def _facts(metric: Metric, ids: Sequence[str]) -> tuple[tuple[str, str], ...]:
    low, high = (f"{bound:g}" for bound in metric.definition.range)
    unit = f" {metric.definition.unit}" if metric.definition.unit else ""
    each = (
        "each clip has a value, their mean is reported" if metric.kind == "clip" else "one value of all clips"
    )
    sampling, missing = metric.sampling, metric.sampling.missing_value
    lost = "" if missing is None else f"counts {missing:g}, or the worst observed if that is worse"
    facts = [
        ("definition", ", ".join(ids) or metric.id),
        ("direction", "higher is better" if metric.higher_is_better else "lower is better"),
        ("range", f"{low} to {high}{unit}".replace("inf", "∞")),
        ("sample", f"{each}; at least {sampling.least} {sampling.counts}" if sampling.least > 1 else each),
        ("networks", ", ".join(metric.extractors) or "none"),
        ("without a face", lost),
        ("must notice", ", ".join(metric.audit.notices)),
        ("must ignore", ", ".join(metric.audit.ignores)),
        ("source", metric.definition.citation),
    ]  # fmt: skip
    return tuple((label, text) for label, text in facts if text)


def _place(table: Table, metric: Metric) -> Place:
    name = metric.name
    damages, audited = _damages(table.audit, name) if table.audit else ((), "")
    if name not in table.comparison.columns:
        return Place(table, (), "–", damages, audited, sum(not damage.kept for damage in damages))
    dots, ceiling = dots_of(table, name), ceiling_of(table, name)
    numbers = []
    if dots:
        axis = Axis.over(dots.values(), ceiling, metric.higher_is_better)
        ranks = table.comparison.rankings[name].ranks
        first = sorted(
            table.runs,
            key=lambda run: (run.result.model.control, ranks.get(run.index, math.inf), _worse(metric, run)),
        )
        for run in first:
            if run.index in dots:
                dot, cell = dots[run.index], run.row.cells[name]
                rank = f"{cell.rank}{cell.mark}" if cell.rank else ""
                plot = strip(dot, (), ceiling, axis, f"{dot.name}: {dot.text}")
                numbers.append((run, cell.text, cell.interval, rank, plot))
    broken = sum(not damage.kept for damage in damages)
    return Place(table, tuple(numbers), number(name, ceiling), damages, audited, broken)


def _worse(metric: Metric, run: Run) -> float:
    found = run.result.metrics.get(metric.name)
    value = found.value if found is not None and found.value is not None else 0.0
    return -value if metric.higher_is_better else value


def _damages(audit: Audit, name: str) -> tuple[tuple[Damage, ...], str]:
    """The metric's row of the heat map, a line a damage."""
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
    return tuple(found), f"{sample.clips} true clips of {sample.subjects} people"


def _strength(part: float) -> Strength:
    return Strength(relative_text(part), shade_of_part(round(min(part, 1.0), 9)) if part > 0.005 else None)
