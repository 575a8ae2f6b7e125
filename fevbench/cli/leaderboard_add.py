"""``fevbench leaderboard add``: file a run among the results that count."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.output import say


@click.command("add")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("leaderboard/results"),
    show_default=True,
    metavar="DIR",
    help="Where results are filed.",
)
@click.option("--replace", is_flag=True, help="Take the place of the model's earlier result.")
@click.option("--allow-dirty", is_flag=True, help="Also a run of code that was changed after its commit.")
@click.option("--dataset", metavar="NAME:DIR", help="Where a data set of your own is.")
def command(run: Path, results: Path, replace: bool, allow_dirty: bool, dataset: str | None) -> None:
    """File RUN, a run folder or a checked submission, with small copies of its clips.

    It must pass `fevbench leaderboard check` and not be there already.

    \b
    Example:
      fevbench leaderboard add runs/my-model--fevsynth--64x16--test--seed0
      fevbench leaderboard add my-model.zip
    """
    from leaderboard.add import add
    from leaderboard.archive import SUFFIX, opened
    from leaderboard.ground_truth import GroundTruth

    truths = GroundTruth(dataset)
    if run.suffix == SUFFIX:
        with opened(run) as (folder, _):
            entry = add(folder, results, truths, replace, allow_dirty)
    else:
        entry = add(run, results, truths, replace, allow_dirty)
    say(f"{entry.file}: {entry.id}")
