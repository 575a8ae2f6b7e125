"""Render a FEVSynth set: ``python -m fevbench.data.fevsynth.render --people 20 --test 8 --out DIR``."""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from fevbench.data.fevsynth.render.assets import assets_folder, locate
from fevbench.data.fevsynth.render.expression import LABELS
from fevbench.data.fevsynth.render.population import design
from fevbench.errors import FevbenchError


@click.command()
@click.option("--people", default=20, show_default=True, type=click.IntRange(1), help="People in all.")
@click.option(
    "--test", default=8, show_default=True, type=click.IntRange(0), help="How many of them to test on."
)
@click.option(
    "--takes", default=1, show_default=True, type=click.IntRange(1), help="Clips per person and label."
)
@click.option("--frames", default=32, show_default=True, type=click.IntRange(8), help="Length of a clip.")
@click.option(
    "--size", default=128, show_default=True, type=click.IntRange(32), help="Width and height, pixels."
)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Seed of the whole set.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write."
)
@click.option("--jobs", default=os.cpu_count() or 1, show_default="all cores", type=click.IntRange(1))
@click.option(
    "--assets",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the two asset archives, which are fetched there if missing.",
)
def main(
    people: int,
    test: int,
    takes: int,
    frames: int,
    size: int,
    seed: int,
    out: Path,
    jobs: int,
    assets: Path | None,
) -> None:
    """Render people making the six expressions, and the manifest that lists them.

    A clip already there is not rendered again, so a run that was stopped goes on where it was.
    """
    if test > people:
        raise click.BadParameter(f"{test} of {people} people cannot be the test split", param_hint="--test")
    try:
        _render_set(people, test, takes, frames, size, seed, out, jobs, assets or assets_folder())
    except FevbenchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


def _render_set(
    people: int,
    test: int,
    takes: int,
    frames: int,
    size: int,
    seed: int,
    out: Path,
    jobs: int,
    assets: Path,
) -> None:
    try:
        from fevbench.data.fevsynth.render.clip import Job, render
    except ImportError as error:
        raise FevbenchError(f"rendering needs {error.name}", "pip install 'fevbench[render]'") from error
    from fevbench.data.fevsynth.render.writer import describe_clip, write_manifest

    locate(assets)  # before the workers start, so that only one process fetches
    subjects = design(people, test, seed)
    clips = [(subject, label, take) for subject in subjects for label in LABELS for take in range(takes)]
    todo = [
        Job(subject, label, take, frames, size, out / f"clips/{subject.id}-{label}-{take}.mkv", assets)
        for subject, label, take in clips
    ]
    # One process a core already: threads inside numpy's products would only get in each other's way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool,
    ):
        bar = progress.add_task("rendering", total=len(todo))
        missing = [job for job in todo if not job.done()]
        progress.advance(bar, len(todo) - len(missing))
        for rendered in as_completed([pool.submit(render, job) for job in missing]):
            rendered.result()
            progress.advance(bar)
    write_manifest(out, subjects, [describe_clip(out, *clip) for clip in clips], size, frames)


if __name__ == "__main__":
    main()
