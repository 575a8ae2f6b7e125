"""``fevbench diff``: what two runs differ in, and where their numbers part."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.limits import SHOWN, Count
from fevbench.cli.output import say

CLIPS = 10


@click.command("diff")
@click.argument("run_a", type=click.Path(path_type=Path))
@click.argument("run_b", type=click.Path(path_type=Path))
@click.option(
    "--metric", metavar="NAME", help="Show single clips in this metric, where B is worst against A."
)
@click.option("--clips", "count", type=Count(1, 1000, SHOWN), help=f"How many of them.  [default: {CLIPS}]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
def command(run_a: Path, run_b: Path, metric: str | None, count: int | None, form: str) -> None:
    """Show what RUN_A and RUN_B differ in, and where their numbers part.

    Each is a run folder or a result.json. First what is not the same: model, weights, data, protocol, seed,
    device, versions, definitions. Then each metric of both, the difference B - A with its interval over
    people, and the p-value of a paired test. Runs that cannot be compared are shown side by side, and why.

    \b
    Example:
      fevbench diff runs/fev-gan-warp--* runs/nearest--*
      fevbench diff runs/before runs/after --metric csim --clips 5
    """
    from fevbench.report.difference import clip_differences_in, differ
    from fevbench.results.files import read_result

    if count is not None and metric is None:
        raise click.UsageError("--clips needs --metric NAME")
    first, second = read_result(run_a), read_result(run_b)
    clips = None
    if metric is not None:
        rows, reason = clip_differences_in(metric, first, second)
        clips = metric, rows[: count or CLIPS], len(rows), reason
    difference = differ(first, second)
    from fevbench.report.terminal import difference_table
    from fevbench.report.text import difference_json

    if form == "json":
        say(difference_json(difference, clips), nl=False)
        return
    from fevbench.cli.console import print_text, terminal_width

    print_text(difference_table(difference, clips, terminal_width()))
