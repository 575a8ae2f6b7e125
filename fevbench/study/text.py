"""A study's outcome in words and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fevbench.stats.bootstrap import LEVEL
from fevbench.study.choices import METHOD, PRIOR
from fevbench.study.outcome import Bounds, Outcome
from fevbench.wording import grouped, quantity

MODEL = (
    f"Bradley-Terry; a tie is half a win for each; every model also meets a virtual opponent of strength 0 "
    f"in {PRIOR:g} comparison, half won, so that who wins everything stays finite"
)
FIXED = "of the whole set: held fixed in the resamples, so that its interval is too narrow"


def outcome_json(outcome: Outcome) -> str:
    """The outcome as JSON."""
    raters, study = outcome.raters, outcome.study
    content: dict[str, Any] = {
        "study": study.hash,
        "question": study.question,
        "dataset": study.dataset,
        "protocol": study.protocol,
        "raters": {
            "kept": [answers.rater for answers in raters.kept],
            "failed_checks": raters.failed,
            "answered_no_check": list(raters.unchecked),
            "compared_nothing": list(raters.empty),
            "duplicate_files": raters.duplicates,
        },
        "checks": len(study.checks),
        "subjects": outcome.subjects,
        "comparisons": outcome.comparisons,
        "no_difference": outcome.same,
        "left_preferred": outcome.left,
        "model": MODEL,
        "intervals": outcome.no_interval or METHOD,
        "level": LEVEL,
        "models": [asdict(one) | {"comparisons": one.comparisons} for one in outcome.models],
        "pairs": [asdict(duel) for duel in outcome.duels],
        "agreement": [asdict(one) for one in outcome.agreement],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def outcome_table(outcome: Outcome) -> RenderableType:
    """The outcome for a terminal."""
    raters = outcome.raters
    lines = [
        f"{quantity(len(raters.kept), 'rater')} and {quantity(outcome.comparisons, 'comparison')} count, of "
        f"{quantity(outcome.subjects, 'subject')}; no difference in {outcome.same:.0%}"
        + ("" if outcome.left is None else f", left preferred in {outcome.left:.0%} of the others"),
        f"left out: {raters.left_out or 'nobody'}"
        + ("" if outcome.study.checks else " (the study has no attention checks)"),
    ]
    if raters.duplicates:
        lines.append(
            f"{quantity(raters.duplicates, 'file')} held nothing that another of the same rater does not"
        )
    models = _table("model", "win rate", "95 %", "won/tied/lost")
    for one in outcome.models:
        record = f"{one.wins}/{one.ties}/{one.losses}"
        name = f"{one.name} (control)" if one.control else one.name
        models.add_row(Text(name), f"{one.win_rate:.2f}", _interval(one.interval), record)
    agreement = _table("metric", "tau", "95 %", "models")
    for metric in outcome.agreement:
        if metric.tau is not None:
            bounds = _interval(metric.interval) + ("*" if metric.whole_set and metric.interval else "")
            agreement.add_row(Text(metric.metric), f"{metric.tau:+.2f}", bounds, str(metric.models))
    parts: list[RenderableType] = [*map(Text, lines), models]
    if agreement.row_count:
        head = "Agreement of metrics with raters: Kendall's tau-b over models; 1 is the same order"
        parts += [Text(head), agreement]
    reasons = grouped((metric.reason, metric.metric) for metric in outcome.agreement if metric.tau is None)
    notes = [f"no tau for {', '.join(names)}: {reason}" for reason, names in reasons.items()]
    if not outcome.study.metrics:
        notes.append("the runs were scored in no metric: nothing can be compared with the raters' choices")
    if any(metric.whole_set and metric.interval for metric in outcome.agreement):
        notes.append(f"* {FIXED}")
    notes += [
        f"win rate: how often a model is preferred to another of these, on average over them. {MODEL}",
        f"no intervals: {outcome.no_interval}" if outcome.no_interval else f"intervals: {METHOD}",
    ]
    return Group(*parts, *map(Text, notes))


def _table(name: str, *numbers: str) -> Table:
    table = Table()
    table.add_column(name, overflow="fold")
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def _interval(bounds: Bounds) -> str:
    return f"[{bounds[0]:.2f}, {bounds[1]:.2f}]" if bounds else "–"
