"""Comparisons as Markdown, CSV, LaTeX and JSON, differences as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict

from fevbench.report.difference import Difference, ShownClips
from fevbench.report.ranking import Ranking
from fevbench.report.rows import Comparison, Row, bounds_of
from fevbench.sanitise import escape_csv, escape_latex, escape_markdown, markdown_row

COLUMNS = (
    "model", "metric", "id", "value", "low", "high", "n", "sample", "subjects", "missing", "ceiling",
    "reason", "control", "rank", "p_best",
)  # fmt: skip


def markdown(comparison: Comparison, transposed: bool = False) -> str:
    """A Markdown table; the best value of a column is bold, a superscript is a rank."""

    def cell(row: Row, column: str) -> str:
        shown = row.cells[column]
        text = f"**{shown.text}**" if shown.best else shown.text
        # Not "#1", which becomes a link to an issue where tables are pasted.
        text += f"<sup>{shown.rank}{shown.mark}</sup>" if shown.rank is not None else ""
        return f"{text} {shown.interval}".strip()

    names = [escape_markdown(row.name) for row in comparison.rows]
    heads = [comparison.headings[column] for column in comparison.columns]
    body = [[cell(row, column) for column in comparison.columns] for row in comparison.rows]
    corner = "model"
    if transposed:
        corner, names, heads = "metric", heads, names
        body = [list(column) for column in zip(*body, strict=True)]
    lines = [
        escape_markdown(comparison.title),
        "",
        markdown_row([corner, *heads]),
        markdown_row(["---", *["--:"] * len(heads)]),
    ]
    lines += [markdown_row([name, *cells]) for name, cells in zip(names, body, strict=True)]
    notes = [f"superscript: {comparison.legend}."] * bool(comparison.legend)
    notes += map(escape_markdown, comparison.footnotes)
    lines += [""] * bool(notes) + [f"* {note}" for note in notes]
    return "\n".join(lines) + "\n"


def as_csv(comparison: Comparison) -> str:
    """One line per run and metric, in full precision; absent values are empty.

    ``rank`` is the run's rank in the metric, ``p_best`` the corrected p-value against the best of the ranked
    models, ``reason`` why there is no value, or no rank although others have one.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for i, row in enumerate(comparison.rows):
        for name, metric in (row.result.metrics if row.result else {}).items():
            if name not in comparison.columns:
                continue
            ranking = comparison.rankings.get(name, Ranking())
            found = bounds_of(metric)
            bounds = (found.low, found.high) if found else ("", "")
            writer.writerow(
                (
                    escape_csv(row.name),
                    name,
                    escape_csv(metric.id),
                    "" if metric.value is None else metric.value,
                    *bounds,
                    metric.n,
                    metric.sample,
                    metric.subjects,
                    metric.missing,
                    "" if metric.ceiling is None else metric.ceiling,
                    escape_csv(metric.reason or ranking.unranked.get(i, "")),
                    row.result is not None and row.result.model.control,
                    ranking.ranks.get(i, ""),
                    "" if i not in ranking.against_best else _rounded(ranking.against_best[i]),
                )
            )
    return out.getvalue()


def latex(comparison: Comparison, intervals: bool = True) -> str:
    """A booktabs table; the best value of a column is bold, a superscript is a rank."""

    def cell(row: Row, column: str) -> str:
        shown = row.cells[column]
        text = shown.text.replace("–", "--")
        text = rf"\textbf{{{text}}}" if shown.best else text
        mark = shown.mark.replace("†", r"\dagger").replace("‡", r"\ddagger")
        text += f"$^{{{shown.rank}{mark}}}$" if shown.rank is not None else ""
        return f"{text} {{\\scriptsize {shown.interval}}}" if intervals and shown.interval else text

    def arrow(column: str) -> str:
        heading = escape_latex(comparison.headings[column])
        return heading.replace("↑", r"$\uparrow$").replace("↓", r"$\downarrow$")

    heads = " & ".join(["Model", *[arrow(column) for column in comparison.columns]])
    body = [
        " & ".join([escape_latex(row.name), *[cell(row, column) for column in comparison.columns]])
        for row in comparison.rows
    ]
    body.insert(-1, r"\midrule")
    lines = [line if line == r"\midrule" else rf"{line} \\" for line in body]
    return "\n".join(
        [
            rf"% {comparison.title}",
            *(["% [ ]: 95 % intervals"] if intervals else []),
            *([f"% superscript: {comparison.legend}"] if comparison.legend else []),
            *[f"% {note}" for note in comparison.footnotes],
            rf"\begin{{tabular}}{{l{'r' * len(comparison.columns)}}}",
            r"\toprule",
            rf"{heads} \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def as_json(comparison: Comparison) -> str:
    """The complete results in the order given, and for each metric its ranks and the tests of all pairs."""
    names = [row.name for row in comparison.rows]
    content = {
        "results": [row.result.model_dump(mode="json") for row in comparison.rows if row.result],
        "names": names[:-1],
        "standings": {name: _ranking(names, s) for name, s in comparison.rankings.items()},
    }
    return json.dumps(content, indent=1) + "\n"


def _ranking(names: list[str], ranking: Ranking) -> dict[str, object]:
    unranked = {names[i]: reason for i, reason in ranking.unranked.items()}
    return {
        "ranks": {names[i]: rank for i, rank in ranking.ranks.items()},
        **({"unranked": unranked} if unranked else {}),
        "reason": ranking.reason,
        "pairs": [
            {
                "first": names[pair.first],
                "second": names[pair.second],
                "difference": _rounded(pair.test.difference),
                "interval": pair.test.interval and [_rounded(bound) for bound in pair.test.interval],
                "p": _rounded(pair.test.p),
                "reason": pair.test.reason,
                "p_holm": _rounded(pair.corrected),
                "better": names[pair.order[0]] if pair.order else None,
            }
            for pair in ranking.pairs
        ],
    }


def _rounded(value: float | None) -> float | None:
    """A number without its last digits, in which two processors may differ."""
    return None if value is None else float(f"{value:.10g}")


def difference_json(difference: Difference, clips: ShownClips | None) -> str:
    """A difference as JSON, in full precision and with complete hashes."""
    content: dict[str, object] = {
        "a": difference.names[0],
        "b": difference.names[1],
        "differs": {fact.what: [fact.first, fact.second] for fact in difference.facts},
        "incomparable": list(difference.incomparable),
        "metrics": {
            row.name: {
                "a": row.first and row.first.value,
                "b": row.second and row.second.value,
                **asdict(row.test),
            }
            for row in difference.metrics
        },
    }
    if clips is not None:
        name, shown, count, reason = clips
        rows = [
            {"clip": c.clip, "subject": c.subject, "a": c.first, "b": c.second, "difference": c.difference}
            for c in shown
        ]
        content["clips"] = {"metric": name, "of": count, "reason": reason, "rows": rows}
    return json.dumps(content, indent=1) + "\n"


FORMATS: dict[str, Callable[[Comparison], str]] = {
    "md": markdown, "csv": as_csv, "latex": latex, "json": as_json,
}  # fmt: skip
