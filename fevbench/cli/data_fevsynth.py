"""``fevbench data render`` and ``measure``: a rendered data set as large as wanted, and what it is worth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli import options
from fevbench.cli.output import say
from fevbench.data.datasets import SPLITS, open_dataset
from fevbench.data.protocol import DEFAULT_PROTOCOL, protocols
from fevbench.errors import DatasetError, MissingPackage

if TYPE_CHECKING:
    from fevbench.fevsynth.render.plan import Settings
    from fevbench.fevsynth.render.sets import Make


@click.command("render")
@click.argument("dataset", type=click.Choice(["fevsynth"]))
@options.option(
    "--subjects",
    "--people",
    "subjects",
    default=96,
    type=click.IntRange(1, 100_000),
    help="Number of subjects.",
)
@options.option(
    "--repetitions",
    "--takes",
    "takes",
    default=2,
    type=options.Count(1, 1000, "a set needs no more"),
    help="Clips per subject and label.",
)
@options.option("--frames", default=32, type=options.clip_length(8), help="Frames per clip.")
@options.option("--size", default=128, type=options.frame_size(32), help="Width and height, pixels.")
@options.seed("Seed; another seed gives other subjects.", default=1)
@options.out(options.FOLDER, required=True, help="Folder to write.")
@options.jobs
@click.option(
    "--assets",
    type=options.FOLDER,
    help="Folder of the two asset archives, downloaded if missing.  [default: in the cache]",
)
def render_command(
    dataset: str,
    subjects: int,
    takes: int,
    frames: int,
    size: int,
    seed: int,
    out: Path,
    jobs: int | None,
    assets: Path | None,
) -> None:
    """Render subjects who perform the six expressions, with ground truth for every frame.

    Of every twelve subjects, eight are train, one is val and three are test; each split is balanced. For
    every subject and take, a clip of each expression and a neutral image are rendered.

    If it is stopped, the same command continues; at most the clips in progress are lost. To extend a set,
    repeat the command with more --subjects or --repetitions: only the rest is rendered, and subjects keep
    their split.

    \b
    Example:
      fevbench data render fevsynth --subjects 12 --repetitions 1 --out my-faces
      fevbench run copy fevsynth:my-faces
    """
    from fevbench.cli.console import ProgressDisplay
    from fevbench.fevsynth.render.assets import assets_folder, locate
    from fevbench.fevsynth.render.files import is_done
    from fevbench.fevsynth.render.plan import Settings, claim_folder, jobs_of
    from fevbench.fevsynth.render.sets import render_all, write_set

    render = _renderer()
    settings = Settings(subjects, takes, frames, size, seed)
    claim_folder(out, settings)
    archives = assets or assets_folder()
    all_jobs = list(jobs_of(settings, out, archives))
    todo = [job for job in all_jobs if not is_done(job)]
    seconds = 0.0
    if todo:
        locate(archives)  # before the workers start, so that only one process fetches
        with ProgressDisplay() as display:
            if len(todo) < len(all_jobs):
                display.note(f"continuing: {len(all_jobs) - len(todo)} of {len(all_jobs)} files are there")
            display.start("frames", sum(job.frames for job in todo))
            workers = jobs or os.cpu_count() or 1
            seconds = render_all(todo, workers, render, lambda job: display.advance(job.frames))
    write_set(out, settings, all_jobs)
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

    from fevbench import wording
    from fevbench.fevsynth.adapter import FEVSynth

    data = FEVSynth(out)
    clips = {split: len(data.clips(split)) for split in SPLITS}
    shown = ", ".join(f"{count} {split}" for split, count in clips.items() if count)
    size = decimal(sum(path.stat().st_size for path in data.files()))
    pace = f"{rendered} frames rendered, {seconds / rendered:.2f} s each" if rendered else "all was there"
    there = f"{wording.n_subjects(settings.people)}, {wording.n_clips(sum(clips.values()))} ({shown})"
    say(f"{out}: {there}, {size}; {pace}")
    if protocols.get(DEFAULT_PROTOCOL).covers(settings.frames):
        split = "" if clips["test"] else " --split train"
        say(f"score a model on it: fevbench run copy fevsynth:{out}{split}")


@click.command("measure")
@click.argument("dataset")
@click.option(
    "--folder",
    type=options.PATH,
    metavar="DIR",
    help="A set that you rendered, as fevsynth:DIR.  [default: the included set]",
)
@click.option(
    "--only", metavar="NAMES", multiple=True, help="Only these measures, comma-separated.  [default: all]"
)
@options.option(
    "--stride", type=options.POSITIVE, default=4, metavar="N", help="Track face units in every N-th frame."
)
@options.out(
    options.FILE, default=Path("measured.json"), help="File to write; measures already in it are reused."
)
@click.option("--contact-sheet", type=options.PATH, metavar="DIR", help="Write pictures of the set as well.")
@options.device()
@options.offline
def measure_command(
    dataset: str,
    folder: Path | None,
    only: tuple[str, ...],
    stride: int,
    out: Path,
    contact_sheet: Path | None,
    device: str,
    offline: bool,
) -> None:
    """Measure the quality of a rendered DATASET: fevsynth, or fevsynth:DIR.

    \b
    composition   counts of subjects, labels and clips, and how faces move
    detection     whether a detector finds faces at the right position
    identity      whether a face network distinguishes subjects across takes
    blendshapes   whether a face tracker recognises the action units
    expressions   whether existing networks recognise the expressions
    border        whether the background reveals the subject
    reader        whether a small network learns the expressions of new subjects

    Every number comes with its N and, if possible, a 95 % interval over subjects. If it is stopped, the same
    command continues.

    \b
    Example:
      fevbench data measure fevsynth
      fevbench data measure fevsynth --folder my_set --only identity,border
    """
    from fevbench.cli.console import ProgressDisplay, print_text
    from fevbench.engine.plan import choose_device, split_names
    from fevbench.fevsynth.adapter import FEVSynth
    from fevbench.fevsynth.measure.folder import RenderedSet
    from fevbench.fevsynth.measure.study import MEASURES, Study, carry_out, choose_measures

    asked = split_names(*only)
    if only and not asked:
        raise click.UsageError("--only names none")
    names = choose_measures(asked)
    data = open_dataset(dataset if folder is None else f"{dataset}:{folder}")
    if not isinstance(data, FEVSynth):
        raise DatasetError(
            f"{dataset} has no ground truth to measure against", "use fevsynth or fevsynth:DIR"
        )
    rendered = RenderedSet(data)

    from fevbench.fevsynth.measure.sheets import write_sheets
    from fevbench.fevsynth.measure.study import Networks

    device = choose_device(device)
    with ProgressDisplay() as display:
        needed = dict.fromkeys(extractor for name in names for extractor in MEASURES[name])
        networks = Networks(needed, device, display, offline, display.pull)
        measured = carry_out(Study(rendered, networks, display, device, stride), names, out)
        sheets = write_sheets(rendered, contact_sheet, display) if contact_sheet else []

    from fevbench.fevsynth.measure.views import view

    print_text(view(measured, names))
    for path in (out, *sheets):
        say(str(path))
