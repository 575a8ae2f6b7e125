"""``fevbench confusion``: which expressions are taken for which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli.output import note, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import RenderableType

    from fevbench.report.confusion import Confusion


@click.command("confusion")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN…")
@click.option(
    "--metric",
    default="accuracy",
    show_default=True,
    metavar="NAME",
    help="Whose readings: accuracy is the judge's, accuracy-fer and others are strangers'.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw it, too (.png)."
)
def command(runs: tuple[Path, ...], metric: str, form: str, out: Path | None) -> None:
    """Show as what the expressions of RUNs are read: the confusion matrix, beside that of the true clips.

    Each RUN is a run folder or a result.json, scored on the same clips; trainings, unfinished runs and other
    sample sizes are left out with a note. A row is an expression that was asked for, a column one that was
    read; the diagonal is right.

    \b
    Example:
      fevbench confusion runs/fev-gan-warp--*
      fevbench confusion runs/* --metric accuracy-fer --out confusion.png
    """
    from fevbench.errors import FevbenchError
    from fevbench.metrics.catalog import metrics
    from fevbench.packages import need_drawing
    from fevbench.report.comparable import check_comparable, distinct_names, other_weights, select
    from fevbench.report.confusion import confusion_csv, confusion_json, confusion_of, draw_confusions

    if out is not None:
        need_drawing("the confusion matrix")
        if out.suffix.lower() != ".png":
            raise FevbenchError(f"{out} is of no known format", "end its name in .png")
    metrics.get(metric)
    selection = select(runs)
    for left_out in selection.notes:
        note(left_out)
    results = selection.results
    check_comparable(results)
    found = [
        replace(confusion_of(result, metric), model=name)
        for name, result in zip(distinct_names(results), results, strict=True)
    ]
    for result in results[1:]:
        if reason := other_weights(metrics.get(metric), results[0], result):
            raise FevbenchError(f"{metric} was {reason}", "show these runs one by one")
    if out is not None:
        draw_confusions(out, found)
    if form == "table":
        from fevbench.cli.console import print_text

        print_text(_tables(found))
    else:
        say({"csv": confusion_csv, "json": confusion_json}[form](found), nl=False)


def _tables(confusions: list[Confusion]) -> RenderableType:
    """The true clips first, then a matrix a model."""
    from rich.console import Group
    from rich.text import Text

    first = confusions[0]
    parts = [_table(first, "true clips", first.true)]
    parts += [_table(confusion, confusion.model, confusion.made) for confusion in confusions]
    legend = f"{first.metric}: rows were asked for, columns were read; as many clips as the number says"
    return Group(*parts, Text(legend, style="dim"))


def _table(confusion: Confusion, title: str, counts: NDArray[np.int64]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from fevbench.report.confusion import NONE_READ
    from fevbench.report.terminal import line, name_cell

    right = int(counts.diagonal().sum())
    table = Table(title=line(f"{title}: {right} of {int(counts.sum())} right"), title_justify="left")
    table.add_column("asked for", no_wrap=True)
    none = bool(counts[:, -1].any())
    for label in (*confusion.labels, *[NONE_READ] * none):
        table.add_column(name_cell(label), justify="right", overflow="fold")
    for i, label in enumerate(confusion.labels):
        cells = [
            Text("·" if not count else str(count), style="bold" if i == j else "dim" if not count else "")
            for j, count in enumerate(counts[i, : len(confusion.labels) + none].tolist())
        ]
        table.add_row(name_cell(label), *cells)
    return table
