"""``fevbench leaderboard submit``: a run in one file, to send in."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.output import say


@click.command("submit")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.zip",
    help="File to write.",
)
@click.option(
    "--card", type=click.Path(path_type=Path), metavar="FILE", help="What to say of the model: a text."
)
@click.option("--contact", default="", help="Whom to ask, if you like to be asked.")
@click.option("--dataset", metavar="NAME:DIR", help="Where a data set of your own is.")
def command(run: Path, out: Path, card: Path | None, contact: str, dataset: str | None) -> None:
    """Put RUN into one file that anybody can check: its result and its clips without loss.

    The same run gives the same file. Whoever gets it scores the clips again with
    `fevbench leaderboard check FILE.zip`.

    \b
    Example:
      fevbench leaderboard submit runs/my-model--* --out my-model.zip --card README.md
    """
    from fevbench.errors import FevbenchError
    from leaderboard.archive import SUFFIX, write_archive
    from leaderboard.ground_truth import GroundTruth
    from leaderboard.runs import check_sound

    if out.suffix != SUFFIX:
        raise FevbenchError(f"{out} is of no known format", f"end its name in {SUFFIX}")
    check_sound(run, GroundTruth(dataset))
    write_archive(run, out, card, contact)
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
