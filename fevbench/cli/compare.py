"""``fevbench compare``, ``diff``, ``confusion`` and ``show``: runs side by side, as numbers and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli import options
from fevbench.cli.output import note, say
from fevbench.errors import FevbenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import RenderableType

    from fevbench.report.comparable import Selection
    from fevbench.report.confusion import Confusion
    from fevbench.report.rows import Comparison
    from fevbench.results.schema import Result

DIFFERENT_CLIPS = 10
"""Clips that ``diff`` shows unless asked otherwise."""


@click.command("compare")
@options.runs
@options.output_format(
    "table",
    "md",
    "csv",
    "latex",
    "json",
    help="Output format; latex needs the package booktabs.",
)
@options.metrics("Only these metrics, comma-separated.  [default: four in the terminal, else all]")
@click.option(
    "--all", "everything", is_flag=True, help="All metrics and their intervals, also in the terminal."
)
@click.option("--no-intervals", is_flag=True, help="With --format latex, leave out intervals.")
def compare_command(
    runs: tuple[Path, ...], output_format: str, metrics: tuple[str, ...], everything: bool, no_intervals: bool
) -> None:
    """Show the scores of several runs and of the true clips in one table, and rank the models.

    Each RUN is a run folder or a result.json, scored on the same clips. Trainings, unfinished runs and runs
    of other sample sizes are left out with a note. Models that do not differ significantly (paired tests over
    subjects) share a rank. Controls have none.

    \b
    Example:
      fevbench compare runs/copy--* runs/shuffled--*
      fevbench compare runs/* --metrics csim,accuracy,fvd --format latex > table.tex
    """
    from fevbench.engine.plan import choose_metrics
    from fevbench.report.rows import compare

    if no_intervals and output_format != "latex":
        raise click.UsageError("--no-intervals needs --format latex")
    only = [metric.name for metric in choose_metrics(metrics)] if metrics else None
    results = _select(runs).results
    comparison = compare(results, only)
    if only and (absent := _absent(metrics, only, comparison.columns)):
        raise FevbenchError(
            f"no run has a score for {', '.join(absent)}",
            "repeat their commands with these --metrics, or leave them out",
        )
    if output_format == "table":
        print_comparison(results, comparison, everything=everything or bool(only))
        return
    from fevbench.report.text import FORMATS, latex

    text = latex(comparison, intervals=False) if no_intervals else FORMATS[output_format](comparison)
    say(text, nl=False)


def print_comparison(results: Sequence[Result], comparison: Comparison, everything: bool) -> None:
    """Print runs side by side, and models that were run with several seeds over their seeds.

    With ``everything``, all metrics are printed, whatever the width.
    """
    from fevbench.cli.console import print_text, terminal_width
    from fevbench.report.headline import headline, in_rank_order
    from fevbench.report.rows import compare
    from fevbench.report.seeds import over_seeds
    from fevbench.report.terminal import comparison_table, fits, headline_table, seeds_table

    width = terminal_width()
    few = tuple(headline(comparison.columns).values())
    shown = comparison.columns
    if everything or not few or fits(comparison, width):
        print_text(comparison_table(comparison, width))
    else:
        shown = few
        hidden = len(comparison.columns) - len(few)
        chosen = compare(results, few)
        print_text(headline_table(replace(chosen, rows=in_rank_order(comparison).rows), hidden))
    if seeded := over_seeds(results, shown):
        print_text(seeds_table(seeded))


def _select(runs: Sequence[Path]) -> Selection:
    """The runs that can be set side by side; why others cannot is said."""
    from fevbench.report.comparable import select

    selection = select(runs)
    for left_out in selection.notes:
        note(left_out)
    return selection


def _absent(asked: Sequence[str], chosen: Sequence[str], shown: Sequence[str]) -> list[str]:
    """Metrics that were named and that no run has; of a family that was named, all only if it has none."""
    from fevbench.engine.plan import split_names

    named = split_names(*asked)
    return [name for name in chosen if name not in shown and (name in named or not shown)]


@click.command("diff")
@click.argument("run_a", type=options.PATH)
@click.argument("run_b", type=options.PATH)
@click.option(
    "--metric", metavar="NAME", help="Also list the clips in which B is worst compared with A in this metric."
)
@click.option(
    "--clips", "count", type=options.CLIPS_SHOWN, help=f"Number of these clips.  [default: {DIFFERENT_CLIPS}]"
)
@options.output_format("table", "json")
def diff_command(run_a: Path, run_b: Path, metric: str | None, count: int | None, output_format: str) -> None:
    """Show what differs between RUN_A and RUN_B, and by how much.

    Each is a run folder or a result.json. First come the settings that differ: model, weights, data,
    protocol, seed, device, versions, definitions. Then come, for each metric, both values, the difference
    B - A with its interval over subjects, and the p-value of a paired test. Runs that cannot be compared are
    shown without a difference, with the reason.

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
        clips = metric, rows[: count or DIFFERENT_CLIPS], len(rows), reason
    difference = differ(first, second)
    from fevbench.report.terminal import difference_table
    from fevbench.report.text import difference_json

    if output_format == "json":
        say(difference_json(difference, clips), nl=False)
        return
    from fevbench.cli.console import print_text, terminal_width

    print_text(difference_table(difference, clips, terminal_width()))


@click.command("confusion")
@options.runs
@options.option(
    "--metric",
    default="accuracy",
    metavar="NAME",
    help="The classifier: accuracy is fevbench's own, accuracy-fer and others are independent.",
)
@options.output_format("table", "csv", "json")
@options.out(options.FILE, metavar="FILE", help="Also write a picture (.png).")
def confusion_command(runs: tuple[Path, ...], metric: str, output_format: str, out: Path | None) -> None:
    """Show the confusion matrices of RUNs beside that of the true clips.

    Each RUN is a run folder or a result.json, scored on the same clips. Trainings, unfinished runs and runs
    of other sample sizes are left out with a note. Rows are requested expressions, columns recognised ones;
    the diagonal is correct.

    \b
    Example:
      fevbench confusion runs/fev-gan-warp--*
      fevbench confusion runs/* --metric accuracy-fer --out confusion.png
    """
    from fevbench.metrics.catalog import metrics
    from fevbench.packages import need_drawing
    from fevbench.report.comparable import check_comparable, distinct_names, other_weights
    from fevbench.report.confusion import confusion_csv, confusion_json, confusion_of, draw_confusions

    if out is not None:
        need_drawing("the confusion matrix")
        options.check_suffix(out, ".png")
    metrics.get(metric)
    results = _select(runs).results
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
    if output_format == "table":
        from fevbench.cli.console import print_text

        print_text(_confusion_tables(found))
    else:
        say({"csv": confusion_csv, "json": confusion_json}[output_format](found), nl=False)


def _confusion_tables(confusions: list[Confusion]) -> RenderableType:
    """The true clips first, then a matrix a model."""
    from rich.console import Group
    from rich.text import Text

    first = confusions[0]
    parts = [_confusion_table(first, "true clips", first.true)]
    parts += [_confusion_table(confusion, confusion.model, confusion.made) for confusion in confusions]
    legend = f"{first.metric}: number of clips per requested (row) and recognised (column) expression"
    return Group(*parts, Text(legend, style="dim"))


def _confusion_table(confusion: Confusion, title: str, counts: NDArray[np.int64]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from fevbench.report.confusion import NONE_READ
    from fevbench.report.terminal import line, name_cell

    right = int(counts.diagonal().sum())
    table = Table(title=line(f"{title}: {right} of {int(counts.sum())} correct"), title_justify="left")
    table.add_column("requested", no_wrap=True)
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


@click.command("show")
@options.runs
@options.out(required=True, metavar="FILE", help="File to write: .png, .mp4 or .gif.")
@options.clips_shown(6)
@click.option("--id", "ids", metavar="CLIP", multiple=True, help="Show this clip; may be repeated.")
@click.option("--worst", metavar="METRIC", help="Show the clips in which the first run is worst.")
@options.frames_shown("Frames per row of a PNG.")
@options.scale(2)
@options.dataset("Folder of the true clips.  [default: as recorded in the runs]")
def show_command(
    runs: tuple[Path, ...],
    out: Path,
    count: int,
    ids: tuple[str, ...],
    worst: str | None,
    frames: int,
    scale: int,
    dataset: str | None,
) -> None:
    """Show the same clips of several RUNs together with the true clips, as a picture or a video.

    Without --id and --worst, clips of all labels in turn and of different subjects are chosen by the hash of
    their id, so they are the same for every run of a data set.

    \b
    Example:
      fevbench show runs/copy--* runs/fev-gan-warp--* --out sheet.png
      fevbench show runs/fev-gan-warp--* --worst csim --clips 4 --out failures.png
      fevbench show runs/* --out side-by-side.mp4
    """
    from fevbench.report.sheet import SUFFIXES, Runs, write_playing, write_sheet
    from fevbench.wording import first_few, n_clips

    options.check_suffix(out, *SUFFIXES)
    if ids and worst:
        raise FevbenchError("--id and --worst cannot be used together", "leave one out")
    selection = _select(runs)
    clips_of_runs = Runs(selection.paths, dataset)
    if ids:
        chosen = clips_of_runs.named(ids)
    else:
        chosen = clips_of_runs.worst(worst, count) if worst else clips_of_runs.balanced(count)
    if worst and (without := clips_of_runs.without_value(worst)):
        names = first_few([clip.id for clip in without])
        note(f"{n_clips(len(without))} without {worst} come last: {names}")
    shown = [clips_of_runs.show(clip, worst) for clip in chosen]
    if out.suffix.lower() == ".png":
        write_sheet(out, shown, frames, scale)
    else:
        write_playing(out, shown, clips_of_runs.fps, scale)
    say(f"{out}: {', '.join(clip.id for clip in chosen)}")
