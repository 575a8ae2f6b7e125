"""``fevbench compare``: runs side by side."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN…")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "md", "csv", "latex", "json"]),
    default="table",
    show_default=True,
    help="How to print the comparison.",
)
@click.option(
    "--metrics",
    multiple=True,
    metavar="NAMES",
    help="Only these columns, with commas between.  [default: all]",
)
@click.option("--transpose", is_flag=True, help="A row a metric, for --format md.")
def command(runs: tuple[Path, ...], form: str, metrics: tuple[str, ...], transpose: bool) -> None:
    """Set runs side by side, with the true clips as the ceiling row, and rank the models.

    Each RUN is a run folder or a result.json. All must be scored on the same clips. Models that paired tests
    over people cannot tell apart share a rank; controls have none.

    \b
    Example:
      fevbench compare runs/copy--* runs/shuffled--*
      fevbench compare runs/* --metrics csim,accuracy,fvd --format latex > table.tex
    """
    from fevbench.report.rows import compare
    from fevbench.results.files import read_result
    from fevbench.run.plan import choose_metrics

    if transpose and form != "md":
        raise click.UsageError("--transpose needs --format md")
    only = [metric.name for metric in choose_metrics(metrics)] if metrics else None
    comparison = compare([read_result(run) for run in runs], only)
    if form == "table":
        from fevbench.cli.console import print_text, terminal_width
        from fevbench.report.terminal import comparison_table

        print_text(comparison_table(comparison, terminal_width()))
        return
    from fevbench.report.text import FORMATS, markdown

    click.echo(markdown(comparison, True) if transpose else FORMATS[form](comparison), nl=False)
