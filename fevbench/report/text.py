"""Comparisons as Markdown, CSV, LaTeX and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

from fevbench.report.rows import Comparison, Row

LATEX_SPECIAL = str.maketrans(
    {
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
    }
)


def markdown(comparison: Comparison) -> str:
    """A Markdown table; the best number of a column is bold."""

    def cell(row: Row, column: str) -> str:
        shown = row.cells[column]
        text = f"**{shown.text}**" if shown.best else shown.text
        return f"{text} {shown.interval}".strip()

    heads = ["model", *[comparison.headings[column] for column in comparison.columns]]
    lines = [f"{comparison.title}", "", _bar(heads), _bar(["---", *["--:"] * len(comparison.columns)])]
    for row in comparison.rows:
        name = row.name.replace("|", r"\|")
        lines.append(_bar([name, *[cell(row, column) for column in comparison.columns]]))
    lines += [""] * bool(comparison.footnotes) + [f"* {note}" for note in comparison.footnotes]
    return "\n".join(lines) + "\n"


def _bar(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def as_csv(comparison: Comparison) -> str:
    """One line a run and metric, full precision: model, metric, id, value, low, high, n, sample, ceiling."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        (
            "model",
            "metric",
            "id",
            "value",
            "low",
            "high",
            "n",
            "sample",
            "subjects",
            "missing",
            "ceiling",
            "reason",
        )
    )
    for row in comparison.rows:
        for name, metric in (row.result.metrics if row.result else {}).items():
            bounds = (metric.interval.low, metric.interval.high) if metric.interval else ("", "")
            writer.writerow(
                (
                    row.name,
                    name,
                    metric.id,
                    "" if metric.value is None else metric.value,
                    *bounds,
                    metric.n,
                    metric.sample,
                    metric.subjects,
                    metric.missing,
                    "" if metric.ceiling is None else metric.ceiling,
                    metric.reason,
                )
            )
    return out.getvalue()


def latex(comparison: Comparison) -> str:
    """A booktabs table; the best number of a column is bold."""

    def cell(row: Row, column: str) -> str:
        shown = row.cells[column]
        text = shown.text.replace("–", "--")
        return rf"\textbf{{{text}}}" if shown.best else text

    def arrow(column: str) -> str:
        heading = comparison.headings[column].translate(LATEX_SPECIAL)
        return heading.replace("↑", r"$\uparrow$").replace("↓", r"$\downarrow$")

    heads = " & ".join(["Model", *[arrow(column) for column in comparison.columns]])
    body = [
        " & ".join([row.name.translate(LATEX_SPECIAL), *[cell(row, column) for column in comparison.columns]])
        for row in comparison.rows
    ]
    body.insert(-1, r"\midrule")
    lines = [line if line == r"\midrule" else rf"{line} \\" for line in body]
    return "\n".join(
        [
            rf"% {comparison.title}",
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
    """The whole results in a list, in the order given."""
    results = [row.result.model_dump(mode="json") for row in comparison.rows if row.result]
    return json.dumps(results, indent=1) + "\n"


FORMATS: dict[str, Callable[[Comparison], str]] = {
    "md": markdown,
    "csv": as_csv,
    "latex": latex,
    "json": as_json,
}
