"""``fevbench show``: look at the clips of runs."""

from __future__ import annotations

from pathlib import Path

import click

from fevbench.cli.limits import SHOWN, Count
from fevbench.cli.output import note, say


@click.command("show")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN…")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help=".png, .mp4 or .gif."
)
@click.option("--clips", "count", type=Count(1, 1000, SHOWN), default=6, show_default=True, help="How many.")
@click.option("--id", "ids", metavar="CLIP", multiple=True, help="This clip; may be repeated.")
@click.option("--worst", metavar="METRIC", help="The first run's worst; last, those without a value.")
@click.option("--frames", type=Count(2, 256, SHOWN), default=8, show_default=True, help="Of a PNG's rows.")
@click.option("--scale", type=click.IntRange(1, 16), default=2, show_default=True, help="Enlarge them.")
@click.option("--dataset", metavar="NAME:DIR", help="Where the true clips are.  [default: as the runs say]")
def command(
    runs: tuple[Path, ...],
    out: Path,
    count: int,
    ids: tuple[str, ...],
    worst: str | None,
    frames: int,
    scale: int,
    dataset: str | None,
) -> None:
    """Show clips of RUNs, all of the same clips, below or beside the true ones.

    Without --id and --worst, clips of all labels in turn and of different people are chosen by the hash of
    their id: the same for every run of a data set, and nobody's favourites.

    \b
    Example:
      fevbench show runs/copy--* runs/fev-gan-warp--* --out sheet.png
      fevbench show runs/fev-gan-warp--* --worst csim --clips 4 --out failures.png
      fevbench show runs/* --out side-by-side.mp4
    """
    from fevbench.counts import clips, some
    from fevbench.errors import FevbenchError
    from fevbench.report.comparable import select
    from fevbench.report.sheet import SUFFIXES, Runs, write_playing, write_sheet

    if out.suffix.lower() not in SUFFIXES:
        raise FevbenchError(f"{out} is of no known format", f"end its name in {', '.join(SUFFIXES)}")
    if ids and worst:
        raise FevbenchError("--id and --worst choose clips twice", "leave one out")
    selection = select(runs)
    for left_out in selection.notes:
        note(left_out)
    looked_at = Runs(selection.paths, dataset)
    if ids:
        chosen = looked_at.named(ids)
    else:
        chosen = looked_at.worst(worst, count) if worst else looked_at.typical(count)
    if worst and (without := looked_at.without_value(worst)):
        names = some([clip.id for clip in without])
        note(f"{clips(len(without))} without {worst} come last: {names}")
    shown = [looked_at.show(clip, worst) for clip in chosen]
    if out.suffix.lower() == ".png":
        write_sheet(out, shown, frames, scale)
    else:
        write_playing(out, shown, looked_at.fps, scale)
    say(f"{out}: {', '.join(clip.id for clip in chosen)}")
