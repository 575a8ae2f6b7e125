"""``fevbench data render``: a rendered data set, as large as wanted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli.limits import JOBS, Count, length, pixels
from fevbench.cli.output import say
from fevbench.errors import MissingPackage

if TYPE_CHECKING:
    from fevbench.fevsynth.render.plan import Settings
    from fevbench.fevsynth.render.sets import Make


@click.command("render")
@click.argument("dataset", type=click.Choice(["fevsynth"]))
@click.option("--people", default=96, show_default=True, type=click.IntRange(1, 100_000), help="How many.")
@click.option(
    "--takes",
    default=2,
    show_default=True,
    type=Count(1, 1000, "nobody shows an expression as often"),
    help="Clips a person and label.",
)
@click.option("--frames", default=32, show_default=True, type=length(8), help="Length of a clip.")
@click.option("--size", default=128, show_default=True, type=pixels(32), help="Width and height, pixels.")
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0), help="Other people for another."
)
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write."
)
@click.option("--jobs", type=JOBS, metavar="J", help="Processes.  [default: one a core]")
@click.option(
    "--assets",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the two asset archives, fetched there if missing.  [default: in the cache]",
)
def command(
    dataset: str,
    people: int,
    takes: int,
    frames: int,
    size: int,
    seed: int,
    out: Path,
    jobs: int | None,
    assets: Path | None,
) -> None:
    """Render people who perform the six expressions, with the truth about every frame.

    Of every twelve people, eight are to train on, one is to validate and three are to test on; each split is
    balanced. Every person and take gets a clip of each expression and a neutral image.

    Kill it anywhere: the same command continues, and loses at most the clips in progress. A set may grow:
    with more --people or --takes, what is there keeps its split and only the rest is rendered.

    \b
    Example:
      fevbench data render fevsynth --people 12 --takes 1 --out my-faces
      fevbench run copy fevsynth:my-faces
    """
    from fevbench.cli.console import RunDisplay, error_console
    from fevbench.fevsynth.render.assets import assets_folder, locate
    from fevbench.fevsynth.render.files import is_done
    from fevbench.fevsynth.render.plan import Settings, claim_folder, jobs_of
    from fevbench.fevsynth.render.sets import render_all, write_set

    make = _renderer()
    settings = Settings(people, takes, frames, size, seed)
    claim_folder(out, settings)
    archives = assets or assets_folder()
    wanted = list(jobs_of(settings, out, archives))
    todo = [job for job in wanted if not is_done(job)]
    seconds = 0.0
    if todo:
        locate(archives)  # before the workers start, so that only one process fetches
        with RunDisplay(error_console()) as display:
            if len(todo) < len(wanted):
                display.note(f"continuing: {len(wanted) - len(todo)} of {len(wanted)} files are there")
            display.start("frames", sum(job.frames for job in todo))
            workers = jobs or os.cpu_count() or 1
            seconds = render_all(todo, workers, make, lambda job: display.advance(job.frames))
    write_set(out, settings, wanted)
    _summarise(out, settings, sum(job.frames for job in todo), seconds)


def _renderer() -> Make:
    try:
        from fevbench.fevsynth.render.frame import render_frames
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        raise MissingPackage("rendering", "numba", "render") from error
    return render_frames


def _summarise(out: Path, settings: Settings, rendered: int, seconds: float) -> None:
    """Say what there is now and what can be done with it."""
    from rich.filesize import decimal

    from fevbench import counts
    from fevbench.data.datasets import SPLITS
    from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
    from fevbench.fevsynth.adapter import FEVSynth

    data = FEVSynth(out)
    clips = {split: len(data.clips(split)) for split in SPLITS}
    shown = ", ".join(f"{count} {split}" for split, count in clips.items() if count)
    size = decimal(sum(path.stat().st_size for path in data.files()))
    pace = f"{rendered} frames rendered, {seconds / rendered:.2f} s each" if rendered else "all was there"
    there = f"{counts.people(settings.people)}, {counts.clips(sum(clips.values()))} ({shown})"
    say(f"{out}: {there}, {size}; {pace}")
    if protocols.get(DEFAULT_PROTOCOL).covers(settings.frames):
        split = "" if clips["test"] else " --split train"
        say(f"score a model on it: fevbench run copy fevsynth:{out}{split}")
