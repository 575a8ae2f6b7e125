"""``fevbench data show``: look at clips of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fevbench.cli.limits import SHOWN, Count
from fevbench.cli.output import say
from fevbench.errors import DatasetError, FevbenchError, UnknownName

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Dataset, Split

SUFFIXES = (".png", ".jpg", ".mp4", ".gif")
ACROSS = 6
"""Clips beside each other in a video."""


@click.command("show")
@click.argument("dataset")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help=".png, .jpg, .mp4, .gif"
)
@click.option("--split", type=click.Choice(["train", "val", "test"]), help="Only these people.")
@click.option("--subject", "subjects", metavar="ID", multiple=True, help="Only this person; may be repeated.")
@click.option(
    "--label", "labels", metavar="NAME", multiple=True, help="Only this expression; may be repeated."
)
@click.option("--clips", "count", type=Count(1, 1000, SHOWN), default=12, show_default=True, help="How many.")
@click.option(
    "--frames", type=Count(2, 256, SHOWN), default=8, show_default=True, help="Of a picture's rows."
)
@click.option("--scale", type=click.IntRange(1, 16), default=1, show_default=True, help="Enlarge them.")
def command(
    dataset: str,
    out: Path,
    split: Split | None,
    subjects: tuple[str, ...],
    labels: tuple[str, ...],
    count: int,
    frames: int,
    scale: int,
) -> None:
    """Show clips of DATASET: rows of frames as a picture, or a grid that plays.

    Clips of all expressions in turn and of different people are chosen by the hash of their id.

    \b
    Example:
      fevbench data show mug --subject 017 --out 017.png
      fevbench data show oulu-casia --label surprise --out surprise.mp4
    """
    import numpy as np

    from fevbench.atomic import check_writable
    from fevbench.data import show
    from fevbench.data.corpus import typical
    from fevbench.data.datasets import open_dataset

    if out.suffix.lower() not in SUFFIXES:
        raise FevbenchError(f"{out} is of no known format", f"end its name in {', '.join(SUFFIXES)}")
    check_writable(out)
    data = open_dataset(dataset)
    fitting = _fitting(data, split, subjects, labels)
    chosen = typical(fitting, labels or data.labels, count)
    clips = {f"{clip.id}": data.frames(clip) for clip in chosen}
    if out.suffix.lower() in (".png", ".jpg"):
        rows = {
            name: show.enlarged(clip[np.linspace(0, len(clip) - 1, frames).round().astype(int)], scale)
            for name, clip in clips.items()
        }
        show.write_picture(out, show.labelled(rows, f"{data.name} {data.version}"))
    else:
        longest = max(len(clip) for clip in clips.values())
        playing = [
            show.captioned(
                show.enlarged(np.concatenate([c, c[-1:].repeat(longest - len(c), 0)]), scale), name
            )
            for name, c in clips.items()
        ]
        across = min(ACROSS, len(playing))
        playing += [np.full_like(playing[0], 255)] * (-len(playing) % across)
        grid = [show.beside(playing[i : i + across]) for i in range(0, len(playing), across)]
        write = show.write_gif if out.suffix.lower() == ".gif" else show.write_mp4
        write(out, np.concatenate(grid, axis=1), data.fps)
    say(f"{out}: {', '.join(clips)}")


def _fitting(
    data: Dataset, split: Split | None, subjects: tuple[str, ...], labels: tuple[str, ...]
) -> list[Clip]:
    from fevbench.data.datasets import SPLITS

    people = [subject.id for subject in data.subjects()]
    for subject in subjects:
        if subject not in people:
            raise UnknownName(f"person of {data.name}", subject, people)
    for label in labels:
        if label not in data.labels:
            raise UnknownName(f"expression of {data.name}", label, data.labels)
    found = [
        clip
        for home in ([split] if split else SPLITS)
        for clip in data.clips(home)
        if (not subjects or clip.subject in subjects) and (not labels or clip.label in labels)
    ]
    if not found:
        raise DatasetError(f"{data.name} has no such clip", "ask for less with --split, --subject, --label")
    return found
