"""``fevbench compare``: runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from fevbench.cli.output import note, say


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN…")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "md", "csv", "latex", "json"]),
    default="table",
    show_default=True,
    help="How to print the comparison; latex needs its package booktabs.",
)
@click.option(
    "--metrics",
    multiple=True,
    metavar="NAMES",
    help="Only these columns, with commas between.  [default: all]",
)
@click.option("--transpose", is_flag=True, help="A row a metric, for --format md.")
@click.option("--no-intervals", is_flag=True, help="Numbers without intervals, for --format latex.")
def command(
    runs: tuple[Path, ...], form: str, metrics: tuple[str, ...], transpose: bool, no_intervals: bool
) -> None:
    """Set runs side by side, with the true clips as the ceiling row, and rank the models.

    Each RUN is a run folder or a result.json, scored on the same clips; trainings, unfinished runs and other
    sample sizes are left out with a note. Models that paired tests over people cannot tell apart share a
    rank; controls have none.

    \b
    Example:
      fevbench compare runs/copy--* runs/shuffled--*
      fevbench compare runs/* --metrics csim,accuracy,fvd --format latex > table.tex
    """
    from fevbench.engine.plan import choose_metrics
    from fevbench.errors import FevbenchError
    from fevbench.report.comparable import select
    from fevbench.report.rows import compare

    if transpose and form != "md":
        raise click.UsageError("--transpose needs --format md")
    if no_intervals and form != "latex":
        raise click.UsageError("--no-intervals needs --format latex")
    only = [metric.name for metric in choose_metrics(metrics)] if metrics else None
    selection = select(runs)
    for left_out in selection.notes:
        note(left_out)
    comparison = compare(selection.results, only)
    if only and (absent := _absent(metrics, only, comparison.columns)):
        raise FevbenchError(
            f"no run was scored in {', '.join(absent)}",
            "repeat their commands with these --metrics, or leave them out",
        )
    if form == "table":
        from fevbench.cli.console import print_text, terminal_width
        from fevbench.report.terminal import comparison_table

        print_text(comparison_table(comparison, terminal_width()))
        return
    from fevbench.report.text import FORMATS, latex, markdown

    if transpose:
        text = markdown(comparison, True)
    else:
        text = latex(comparison, intervals=False) if no_intervals else FORMATS[form](comparison)
    say(text, nl=False)


def _absent(asked: Sequence[str], chosen: Sequence[str], shown: Sequence[str]) -> list[str]:
    """Metrics that were named and that no run has; of a family that was named, all only if it has none."""
    from fevbench.engine.plan import split_names

    named = split_names(*asked)
    return [name for name in chosen if name not in shown and (name in named or not shown)]
